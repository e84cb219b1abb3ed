// Why: the bookkeeping of draft.hpp. A name of a secret gets special care: people paste the secret
// itself where its name belongs, so a name that nothing defines is never printed.
#include "config/draft.hpp"

#include "core/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <tuple>

namespace leverd::config {
namespace {

constexpr std::size_t listed_max = 12;

std::string_view word_of(NameKind kind) {
    switch (kind) {
        case NameKind::setting:
            return "setting";
        case NameKind::secret:
            return "secret";
        case NameKind::probe:
            return "probe";
        case NameKind::lever:
            return "lever";
        case NameKind::api_token:
            return "API token";
        case NameKind::notify:
            return "notify";
        case NameKind::signal:
            return "signal";
        case NameKind::symptom:
            return "symptom";
        case NameKind::row:
            return "row";
        case NameKind::policy:
            return "policy";
        case NameKind::window:
            return "window";
        case NameKind::topology:
            return "topology of";
    }
    return "name";
}

}  // namespace

std::string quote(std::string_view value) {
    return "'" + sanitize(value, 80) + "'";
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
    if (const auto near = suggest(word, candidates)) {
        return fmt::format("did you mean '{}'?", *near);
    }
    if (candidates.empty() || candidates.size() > listed_max) {
        return {};
    }
    return fmt::format("known: {}", fmt::join(candidates, ", "));
}

Place ItemPlaces::of(std::string_view key) const {
    const auto found = keys.find(key);
    return found == keys.end() ? self : found->second;
}

void Draft::error(Place place, std::string message, std::string hint) {
    add(place, false, std::move(message), std::move(hint));
}

void Draft::warn(Place place, std::string message, std::string hint) {
    add(place, true, std::move(message), std::move(hint));
}

void Draft::error_in(const std::string& file, std::string message, std::string hint) {
    add({}, false, std::move(message), std::move(hint));
    problems.back().file = file;
}

void Draft::add(Place place, bool warning, std::string message, std::string hint) {
    if (problems.size() > problems_max) {
        return;
    }
    Problem p;
    p.warning = warning;
    p.message = std::move(message);
    p.hint = std::move(hint);
    if (problems.size() == problems_max) {
        // Fail closed: what was dropped may have been an error.
        p.warning = false;
        p.message = fmt::format("more than {} problems; the others are not shown", problems_max);
        p.hint.clear();
        place = {};
    }
    const auto index = static_cast<std::size_t>(std::max(0, place.file));
    if (index < files.size()) {
        p.file = files[index]->name;
        p.line = place.line;
        p.column = place.column;
        p.source_line = shown_line(*files[index], place.line);
    }
    problems.push_back(std::move(p));
    file_of_problem_.push_back(problems.size() > problems_max ? static_cast<int>(files.size())
                                                              : static_cast<int>(index));
}

void Draft::declare_lever(const std::string& id, bool irreversible) {
    vocabulary_.levers.push_back(id);
    if (irreversible) {
        vocabulary_.irreversible_levers.push_back(id);
    }
}

void Draft::define(NameKind kind, const std::string& name, Place place) {
    const auto [at, added] = names_[kind].emplace(name, place);
    if (!added) {
        error(place, fmt::format("duplicate {} {}", word_of(kind), quote(name)),
              "the first one is at " + where(at->second));
    }
}

void Draft::refer(NameKind kind, const std::string& name, Place place, std::string_view key) {
    references_.push_back({kind, name, place, std::string(key)});
}

bool Draft::defined(NameKind kind, const std::string& name) const {
    const auto names = names_.find(kind);
    return names != names_.end() && names->second.contains(name);
}

void Draft::settle_references() {
    for (const Reference& r : references_) {
        if (!defined(r.kind, r.name)) {
            unanswered(r);
        }
    }
}

void Draft::unanswered(const Reference& r) {
    std::vector<std::string> candidates;
    for (const auto& [name, place] : names_[r.kind]) {
        candidates.push_back(name);
    }
    std::string hint = did_you_mean(r.name, candidates);
    if (r.kind != NameKind::secret) {
        error(r.place, fmt::format("unknown {} {}", word_of(r.kind), quote(r.name)), hint);
        return;
    }
    if (candidates.empty()) {
        hint = fmt::format("define it: {} = {{ credential = \"...\" }} in [secrets]", r.key);
    }
    error(r.place, fmt::format("'{}' does not name a secret of [secrets]", r.key), hint);
}

Place Draft::section_place(std::string_view section, std::string_view key) const {
    const auto found = section_places.find(section);
    return found == section_places.end() ? Place{0, 0, 0} : found->second.of(key);
}

std::string Draft::where(Place place) const {
    const auto index = static_cast<std::size_t>(std::max(0, place.file));
    const std::string name = index < files.size() ? files[index]->name : std::string("?");
    return place.line > 0 ? fmt::format("{}:{}:{}", name, place.line, place.column) : name;
}

bool Draft::has_errors() const {
    return std::any_of(problems.begin(), problems.end(),
                       [](const Problem& p) { return !p.warning; });
}

void Draft::sort_problems() {
    std::vector<std::size_t> order(problems.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto key = [&](std::size_t i) {
        return std::tuple(file_of_problem_[i], problems[i].line, problems[i].column, i);
    };
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
    std::vector<Problem> sorted;
    std::vector<int> sorted_files;
    for (const std::size_t i : order) {
        sorted.push_back(std::move(problems[i]));
        sorted_files.push_back(file_of_problem_[i]);
    }
    problems = std::move(sorted);
    file_of_problem_ = std::move(sorted_files);
}

}  // namespace leverd::config
