// Why: see message.hpp.
#include "exporters/pager/message.hpp"

#include "core/base/shorten.hpp"
#include "core/base/text.hpp"
#include "core/model/reason.hpp"
#include "policies/page/late.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ctime>

namespace leverd::exporters {
namespace {

constexpr std::size_t brief_bytes_max = 200;
constexpr std::size_t answer_shown_max = 160;
constexpr Millis retry_after_max{15 * 60'000};  // a receiver may not silence leverd for longer

// Seconds, or a date; zero where it cannot be read.
Millis retry_after_of(const std::string& text, WallTime now) {
    long seconds = 0;
    const auto* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, seconds);
    if (read.ec == std::errc{} && read.ptr == end) {
        return std::clamp<Millis>(std::chrono::seconds(std::min(seconds, 86'400L)), Millis{0},
                                  retry_after_max);
    }
    std::tm parts{};
    if (text.empty() || ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) == nullptr) {
        return Millis{0};
    }
    const WallTime until{std::chrono::seconds(::timegm(&parts))};
    return std::clamp<Millis>(until - now, Millis{0}, retry_after_max);
}

Millis total(const Phases& phases) {
    return phases.dns + phases.connect + phases.tls + phases.header + phases.body;
}

}  // namespace

AttemptEnd judge_answer(const net::HttpResult& answer, WallTime now) {
    AttemptEnd end;
    // The page arrived with the status. Sent again for the sake of a body that nobody reads, it
    // would call people once more at each attempt.
    const int status = answer ? answer->status : answer.error().status;
    if (!answer) {
        const auto& failure = answer.error();
        end.words = sanitize(fmt::format("{}: {}", describe(failure.reason).name, failure.detail),
                             answer_shown_max);
        if (status == 0) {
            return end;
        }
        end.words = fmt::format("{}, then {}", status, end.words);
    }
    const bool trouble = status == 408 || status == 425 || status == 429 || status / 100 == 5;
    end.kind = status / 100 == 2 ? AttemptEnd::Kind::accepted
               : trouble         ? AttemptEnd::Kind::failed
                                 : AttemptEnd::Kind::rejected;
    end.too_large = status == 413;
    end.retry_after =
        retry_after_of(answer ? answer->header("retry-after") : answer.error().retry_after, now);
    if (answer) {
        end.words = fmt::format("{} in {} ms", status, total(answer->phases).count());
        if (end.kind != AttemptEnd::Kind::accepted && !answer->body.empty()) {
            end.words += ": " + excerpt_of(answer->body, answer_shown_max);
        }
    }
    return end;
}

bool is_late(const Message& message) {
    return message.page.status != PageStatus::firing &&
           (!message.told || message.told->status == PageStatus::resolved);
}

Paged worded(const Message& message) {
    auto page = is_late(message) ? told_late(message.page) : message.page;
    if (message.brief) {
        page.title = sanitize(page.title, brief_bytes_max);
        page.text = shorten(page.text, brief_bytes_max);
    }
    return page;
}

std::vector<std::pair<std::string, std::string>> named_parts(const Paged& page) {
    std::vector<std::pair<std::string, std::string>> out{
        {"subject", page.subject == Subject{} ? "" : page.subject.text()},
        {"symptom", page.symptom},
        {"incident", page.incident},
        {"lever", page.lever},
        {"guard", page.guard},
        {"state", page.state},
        {"news", page.news}};
    std::erase_if(out, [](const auto& part) { return part.second.empty(); });
    return out;
}

}  // namespace leverd::exporters
