// Why: a person who doubts a look reads here what it did. All texts come masked from the daemon;
// here they are only made safe for a terminal.
#include "core/base/text.hpp"
#include "core/base/time.hpp"
#include "daemon/cli_tables.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>

namespace leverd::cli {
namespace {

using nlohmann::json;

constexpr std::size_t line_max = 2100;

std::string word_in(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string()
               ? sanitize(found->get_ref<const std::string&>(), line_max)
               : std::string{};
}

std::int64_t number_in(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

std::string lines_of(const json& request, const char* key, char mark) {
    std::string out;
    if (const auto found = request.find(key); found != request.end() && found->is_array()) {
        for (const json& line : *found) {
            if (line.is_string()) {
                out += fmt::format("    {} {}\n", mark,
                                   sanitize(line.get_ref<const std::string&>(), line_max));
            }
        }
    }
    return out;
}

std::string phases_of(const json& request) {
    constexpr std::array<const char*, 5> names{"dns", "connect", "tls", "header", "body"};
    const auto phases = request.find("phases");
    std::string parts;
    std::int64_t sum = 0;
    for (const char* name : names) {
        const auto took =
            phases != request.end() && phases->is_object() ? number_in(*phases, name) : 0;
        sum += took;
        parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", name, took);
    }
    return fmt::format("{} ms ({})", sum, parts);
}

std::string request_text(const json& request) {
    const std::string failure = word_in(request, "failure");
    const auto status = number_in(request, "status");
    std::string out =
        fmt::format("  {} {}\n    {} in {}\n", word_in(request, "method"), word_in(request, "url"),
                    status == 0 ? "no answer" : std::to_string(status), phases_of(request));
    if (!failure.empty()) {
        out += "    " + failure + "\n";
    }
    out += lines_of(request, "sent", '>') + lines_of(request, "headers", '<');
    if (number_in(request, "bytes") > 0) {
        out += fmt::format("    body: {} bytes, sha256 {}\n    {}\n", number_in(request, "bytes"),
                           word_in(request, "sha256"), word_in(request, "body"));
    }
    return out;
}

// A look that speaks no HTTP (tls, tcp, dns) has phases of its own.
std::string looks_text(const json& looks) {
    const auto observations = looks.find("observations");
    std::string out;
    if (observations != looks.end() && observations->is_array()) {
        for (const json& look : *observations) {
            if (look.contains("phases")) {
                out += fmt::format("    {} in {}\n", word_in(look, "subject"), phases_of(look));
            }
        }
    }
    return out.empty() ? "\n" : "; the look itself\n" + out;
}

}  // namespace

std::string requests_text(const json& looks) {
    const auto requests = looks.find("requests");
    if (requests == looks.end() || !requests->is_array() || requests->empty()) {
        return "\nno HTTP request was made" + looks_text(looks);
    }
    std::string out = "\nrequests, in order\n";
    for (const json& request : *requests) {
        out += request_text(request);
    }
    if (const auto more = number_in(looks, "left_out"); more > 0) {
        out += fmt::format("  and {} before these\n", more);
    }
    return out;
}

std::string subjects_text(const json& subjects, bool bad_only, bool color) {
    Table table({"subject", "health", "what", "last look"});
    for (const json& row : member(subjects, "subjects")) {
        table.add({text_at(row, "subject"), text_at(row, "health"), text_at(row, "reason_text"),
                   moment(row, "last_seen")});
    }
    if (table.empty()) {
        return bad_only ? "none of them is bad\n" : "no subject of that kind is known\n";
    }
    return table.render(color);
}

std::string fired_text(const json& incidents, bool color) {
    Table calls({"intent", "fired", "lever", "outcome", "told"});
    Table read({"before", "read", "of", "found"});
    for (const json& incident : incidents) {
        for (const json& intent : member(incident, "intents")) {
            const json& outcome = member(intent, "outcome");
            calls.add({text_at(intent, "intent"), moment(intent, "fired"), text_at(intent, "lever"),
                       text_at(outcome, "kind"), text_at(outcome, "detail")});
            for (const json& one : member(member(intent, "diagnosed"), "diagnostics")) {
                read.add({text_at(intent, "intent"), text_at(one, "what"), text_at(one, "subject"),
                          text_at(one, "text")});
            }
        }
    }
    return (calls.empty() ? std::string{} : "\nlevers fired\n" + calls.render(color)) +
           (read.empty() ? std::string{} : "\nread before the call\n" + read.render(color));
}

std::string memory_text(const nlohmann::json& status) {
    std::string out;
    const nlohmann::json& ledger = member(status, "ledger");
    if (const auto end = text_at(ledger, "end"); !end.empty()) {
        out += "ledger " + end + "\n";
    }
    if (const auto first = moment(ledger, "first_start"); !first.empty()) {
        out += "this history began with nothing before it, " + first + "\n";
    }
    const nlohmann::json& timeline = member(status, "timeline");
    const auto millis = [&](const char* key) {
        const auto found = timeline.find(key);
        return Millis{
            found != timeline.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0};
    };
    if (timeline.is_object() && millis("away_ms") > millis("proven_ms")) {
        out += fmt::format(
            "the machine was started again: away for {} by the calendar, {} counted; cool-downs, "
            "vetoes and deadlines run that much longer\n",
            shown_duration(millis("away_ms")), shown_duration(millis("proven_ms")));
    }
    return out.empty() ? out : out + "\n";
}

}  // namespace leverd::cli
