// Why: see up_and_down.hpp.
#include "policies/page/up_and_down.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace leverd {

namespace {

constexpr std::string_view words = "goes up and down";

// "It goes up and down in 10m."
std::string without_number(std::string text) {
    const auto begin = text.find(std::string(words) + ", ");
    const auto end = begin == std::string::npos ? begin : text.find(" in ", begin);
    return end == std::string::npos ? text : text.erase(begin, end - begin);
}

}  // namespace

std::string up_and_down(const Rules& rules, const State& state, const Subject& subject) {
    if (state.flapping.empty()) {
        return {};
    }
    bool flaps = false;
    std::size_t turns = 0;
    for (const auto& signal : rules.runbook.signals) {
        if (state.flapping.contains({signal.id, subject})) {
            const auto held = state.changes.find({signal.id, subject});
            flaps = true;
            turns = std::max(turns, held == state.changes.end() ? 0 : held->second.size());
        }
    }
    if (!flaps) {
        return {};
    }
    // Down and up again are two turns of its looks, and one time.
    const auto times = std::max<std::size_t>(1, (turns + 1) / 2);
    return fmt::format("{}, {} time{} in {}", words, times, times == 1 ? "" : "s",
                       format_duration(rules.runbook.flap.window));
}

bool differ_in_number_only(const std::string& text, const std::string& other) {
    return without_number(text) == without_number(other);
}

std::string steady_title(std::string title) {
    if (title.ends_with(goes_up_and_down)) {
        title.resize(title.size() - goes_up_and_down.size());
    }
    return title;
}

}  // namespace leverd
