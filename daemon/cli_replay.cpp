// Why: `leverd replay`: the own history, decided again with other policies, next to what happened.
#include "daemon/cli_replay.hpp"

#include "config/values.hpp"
#include "core/base/text.hpp"
#include "core/ledger/sqlite_ledger.hpp"
#include "core/model/codec.hpp"
#include "daemon/rules.hpp"
#include "policies/replay.hpp"
#include "policies/state/codec.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <fstream>
#include <optional>

namespace leverd::cli {
namespace {

using Json = nlohmann::json;

constexpr std::size_t shown_steps_max = 20;
constexpr std::size_t line_bytes_max = 1'048'576;

std::string words_of(const Error& error) {
    return fmt::format("leverd: {}\n{}", error.what,
                       error.hint.empty() ? "" : fmt::format("  next: {}\n", error.hint));
}

Report refuse(Exit code, const Error& error) {
    return Report{code, {}, words_of(error)};
}

Result<Entry> entry_of(Now now, const std::string& kind, const std::string& json) {
    auto body = entry_from_json(kind, json);
    if (!body) {
        return body.error();
    }
    return Entry{now, std::move(*body)};
}

Result<Entry> entry_of_line(const std::string& line) {
    const auto json = parse_json(line);
    if (!json) {
        return json.error();
    }
    const auto number = [&](const char* key) -> std::optional<std::int64_t> {
        const auto found = json->find(key);
        return found != json->end() && found->is_number_integer()
                   ? std::optional{found->get<std::int64_t>()}
                   : std::nullopt;
    };
    const auto at = json->is_object() ? number("at_ms") : std::nullopt;
    const auto wall = json->is_object() ? number("wall_ms") : std::nullopt;
    if (!at || !wall || !json->contains("kind") || !json->at("kind").is_string() ||
        !json->contains("body")) {
        return Error{
            "no entry of a ledger",
            "a line needs at_ms, wall_ms, kind and body: leverd ledger export writes them"};
    }
    return entry_of(Now{at_millis(*at), WallTime{Millis{*wall}}},
                    json->at("kind").get<std::string>(), dump(json->at("body")));
}

std::string step_words(const ReplayStep& step, bool would) {
    const auto lever = sanitize(step.lever, 80);
    std::string text;
    if (step.fired) {
        text = fmt::format("{} {}", would ? "would have fired" : "fired", lever);
        text += step.reason == "undo" ? " (the undo)" : "";
        text += step.outcome.empty() ? "" : fmt::format(", outcome {}", step.outcome);
        text += step.verdict.empty() ? "" : fmt::format(", verdict {}", step.verdict);
        return text;
    }
    switch (step.action) {
        case Action::fire:
        case Action::hold:
            text = would ? "would have been held: " : "held: ";
            break;
        case Action::ask:
            text = would ? "would have asked for: " : "asked for: ";
            break;
        case Action::recommend:
            text = would ? "would have recommended: " : "recommended: ";
            break;
        case Action::none:
            text = would ? "would have noted: " : "noted: ";
            break;
    }
    text += fmt::format("{}, {}", lever, step.reason);
    if (step.rung > 1) {
        text += fmt::format(", rung {}", step.rung);
    }
    if (step.action == Action::hold && !step.guard_text.empty()) {
        text += fmt::format(" ({})", sanitize(step.guard_text, 200));
    }
    return text;
}

std::string side_text(const ReplaySide& side, std::string_view name, bool would) {
    if (side.incident.empty()) {
        return fmt::format("  {:<5}no incident\n", name);
    }
    std::string out;
    for (std::size_t i = 0; i < side.steps.size() && i < shown_steps_max; ++i) {
        const auto& step = side.steps[i];
        out += fmt::format("  {:<5}{}  {}\n", i == 0 ? name : "", format_rfc3339(step.when.wall),
                           step_words(step, would));
    }
    if (side.steps.size() > shown_steps_max) {
        out += fmt::format("       and {} more\n", side.steps.size() - shown_steps_max);
    }
    if (out.empty()) {
        out = fmt::format("  {:<5}no decision\n", name);
    }
    if (side.closed && !side.unknown_after) {
        out += fmt::format("       {}  ended: {}\n", format_rfc3339(side.closed->wall), side.end);
    }
    return out;
}

std::string_view difference_words(ReplayDifference difference) {
    switch (difference) {
        case ReplayDifference::same:
            return "the same";
        case ReplayDifference::newly_fired:
            return "a lever would have fired that did not";
        case ReplayDifference::not_fired:
            return "a lever fired that would not have";
        case ReplayDifference::other_lever:
            return "other levers would have fired";
        case ReplayDifference::other_reasons:
            return "other decisions, the same levers";
    }
    return "";
}

std::string totals_line(std::string_view name, const ReplayTotals& t) {
    return fmt::format("  {:<5}{:>9}{:>7}{:>7}{:>13}{:>7}{:>7}\n", name, t.incidents, t.fired,
                       t.asked, t.recommended, t.held, t.noted);
}

std::string text_of(const ReplayReport& report) {
    std::string out;
    std::map<ReplayDifference, int> counts;
    for (const auto& one : report.cases) {
        counts[one.difference] += 1;
        const auto& known = one.then.incident.empty() ? one.now : one.then;
        out += fmt::format("{}  {} on {}: {}\n", known.incident, one.symptom,
                           sanitize(one.subject.text(), 120), difference_words(one.difference));
        out += side_text(one.then, "then", false);
        if (one.difference != ReplayDifference::same) {
            out += side_text(one.now, "now", true);
        }
    }
    out += fmt::format("\n{} entries, {} to {}, {} looks played\n", report.entries,
                       format_rfc3339(report.from.wall), format_rfc3339(report.until.wall),
                       report.looks);
    out += "       incidents  fired  asked  recommended   held  noted\n";
    out += totals_line("then", report.then) + totals_line("now", report.now);
    for (const auto& [difference, count] : counts) {
        out += fmt::format("  {:>4}  {}\n", count, difference_words(difference));
    }
    out += "\nassumed:\n";
    for (const auto line : replay_assumptions()) {
        out += fmt::format("  {}\n", line);
    }
    return out;
}

Json json_of(const ReplaySide& side) {
    if (side.incident.empty()) {
        return nullptr;
    }
    auto steps = Json::array();
    for (const auto& step : side.steps) {
        steps.push_back({{"time", format_rfc3339(step.when.wall)},
                         {"at_ms", to_millis(step.when.at)},
                         {"action", to_string(step.action)},
                         {"lever", step.lever},
                         {"reason", step.reason},
                         {"guard_text", step.guard_text},
                         {"rung", step.rung},
                         {"fired", step.fired},
                         {"outcome", step.outcome},
                         {"verdict", step.verdict}});
    }
    return {{"incident", side.incident},
            {"opened", format_rfc3339(side.opened.wall)},
            {"closed", side.closed ? Json(format_rfc3339(side.closed->wall)) : Json(nullptr)},
            {"end", side.end},
            {"unknown_after", side.unknown_after},
            {"steps", steps}};
}

Json json_of(const ReplayTotals& t) {
    return {{"incidents", t.incidents},     {"fired", t.fired}, {"asked", t.asked},
            {"recommended", t.recommended}, {"held", t.held},   {"noted", t.noted}};
}

std::string json_text_of(const ReplayReport& report, const std::string& missing) {
    auto cases = Json::array();
    for (const auto& one : report.cases) {
        cases.push_back({{"symptom", one.symptom},
                         {"subject", one.subject.text()},
                         {"difference", to_string(one.difference)},
                         {"then", json_of(one.then)},
                         {"now", json_of(one.now)}});
    }
    const Json body{{"missing", missing},
                    {"entries", report.entries},
                    {"looks", report.looks},
                    {"from", format_rfc3339(report.from.wall)},
                    {"until", format_rfc3339(report.until.wall)},
                    {"cases", cases},
                    {"then", json_of(report.then)},
                    {"now", json_of(report.now)},
                    {"assumed", replay_assumptions()}};
    return body.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

Result<Recorded> read_state(const std::string& directory) {
    Recorded out;
    std::int64_t first = 0;
    WallTime compacted{};
    const auto keep = [&](const StoredEntry& stored) -> Result<void> {
        auto entry = entry_of(stored.now, stored.kind, stored.json);
        if (!entry) {
            return wrap(fmt::format("entry {}", stored.sequence), entry.error());
        }
        first = first == 0 ? stored.sequence : first;
        if (std::holds_alternative<Compacted>(entry->body)) {
            compacted = stored.now.wall;
        }
        out.entries.push_back(std::move(*entry));
        return {};
    };
    const auto walked = walk_ledger(directory, keep);
    if (!walked) {
        return walked.error();
    }
    if (first <= 1) {
        return out;
    }
    // What the entries before said is in the snapshot that took their place.
    out.entries.clear();
    first = 0;
    const auto begin = [&](const LedgerSnapshot& snapshot) -> Result<void> {
        Chronicle told;
        return decode_snapshot(snapshot.text, out.before.emplace(), told);
    };
    const auto folded = fold_ledger(directory, {}, begin, keep, FoldFrom::oldest_snapshot);
    if (!folded) {
        return folded.error();
    }
    out.missing = fmt::format(
        "entries 1..{} were compacted away on {}: what happened before {} is taken as it ended and "
        "not decided again",
        folded->from, format_rfc3339(compacted).substr(0, 10),
        out.entries.empty() ? "now" : format_rfc3339(out.entries.front().now.wall));
    return out;
}

Result<Recorded> read_export(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        return Error{fmt::format("{} cannot be read", sanitize(file, 200)), "check the path"};
    }
    Recorded out;
    auto& entries = out.entries;
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
        const auto here = fmt::format("{}:{}", sanitize(file, 200), number);
        if (line.size() > line_bytes_max) {
            return Error{here + ": the line is too long", "give an export of leverd's own ledger"};
        }
        auto entry = entry_of_line(line);
        if (!entry) {
            return wrap(here, entry.error());
        }
        if (!entries.empty() && entry->now.at < entries.back().now.at) {
            return Error{here + ": entries are not in order", "export the ledger again"};
        }
        entries.push_back(std::move(*entry));
    }
    return out;
}

Report export_ledger(const std::string& directory) {
    Report report;
    const auto walked = walk_ledger(directory, [&](const StoredEntry& stored) -> Result<void> {
        const auto body = parse_json(stored.json);
        if (!body) {
            return body.error();
        }
        const Json line{{"sequence", stored.sequence},
                        {"at_ms", to_millis(stored.now.at)},
                        {"wall_ms", to_millis(stored.now.wall)},
                        {"kind", stored.kind},
                        {"body", *body},
                        {"hash", stored.hash}};
        report.out += dump(line) + "\n";
        return {};
    });
    return walked ? report : refuse(Exit::failed, walked.error());
}

Report replay_ledger(const ReplayOptions& options) {
    const auto since =
        options.since.empty() ? std::optional{Millis{0}} : config::parse_duration(options.since);
    if (!since) {
        return refuse(Exit::usage, Error{"--since is no duration: " + sanitize(options.since, 40),
                                         "write --since 30d"});
    }
    const auto loaded = config::load(options.config, vocabulary(),
                                     config::Instead{options.policies, options.runbook});
    Report report;
    for (const auto& problem : loaded.problems) {
        report.err += config::render(problem) + "\n";
    }
    if (!loaded.ok()) {
        report.code = Exit::config;
        return report;
    }
    const auto directory =
        options.state.empty() ? loaded.config.daemon.state_directory : options.state;
    const auto recorded =
        options.ledger_export.empty() ? read_state(directory) : read_export(options.ledger_export);
    if (!recorded) {
        return refuse(Exit::failed, recorded.error());
    }
    const auto& entries = recorded->entries;
    if (entries.empty()) {
        return refuse(Exit::failed, Error{"the ledger is empty", "let the daemon run first"});
    }
    const auto played = replay(entries, make_rules(loaded.config), *since,
                               recorded->before ? &*recorded->before : nullptr);
    const bool asked_further =
        *since == Millis{0} || entries.back().now.at - *since < entries.front().now.at;
    const auto missing = asked_further ? recorded->missing : std::string{};
    report.out = options.json
                     ? json_text_of(played, missing)
                     : (missing.empty() ? "" : "missing: " + missing + "\n\n") + text_of(played);
    return report;
}

int print_report(const Report& report) {
    std::fwrite(report.out.data(), 1, report.out.size(), stdout);
    std::fwrite(report.err.data(), 1, report.err.size(), stderr);
    return static_cast<int>(report.code);
}

}  // namespace leverd::cli
