// Why: see cli_tables.hpp.
#include "daemon/cli_tables.hpp"

#include "core/base/shorten.hpp"
#include "core/base/text.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace leverd::cli {
namespace {
using nlohmann::json;
constexpr std::size_t cell_bytes_max = 600;

// Code points, not bytes: a dash in a slug's title must not shift the columns.
std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    }));
}

std::string_view paint_of(std::string_view word) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 11> paints{{
        {"healthy", "32"},
        {"recovered", "32"},
        {"failing", "31"},
        {"escalated", "31"},
        {"worse", "31"},
        {"holds", "31"},
        {"degraded", "33"},
        {"open", "33"},
        {"not_recovered", "33"},
        {"unknown", "35"},
        {"RAISED", "31"},
    }};
    const auto found = std::find_if(paints.begin(), paints.end(),
                                    [word](const auto& paint) { return paint.first == word; });
    return found == paints.end() ? std::string_view{} : found->second;
}

std::string painted(const std::string& word, bool color) {
    const auto paint = paint_of(word);
    return color && !paint.empty() ? fmt::format("\x1b[{}m{}\x1b[0m", paint, word) : word;
}

std::string heading(const std::string& title) {
    return "\n" + title + "\n";
}

std::string guards_text(const json& guards, bool color) {
    Table table({"guard", "says", "value", "limit", "meaning"});
    for (const json& guard : guards) {
        table.add({text_at(guard, "guard"), text_at(guard, "pass") == "true" ? "passes" : "holds",
                   text_at(guard, "value"), text_at(guard, "limit"), text_at(guard, "text")});
    }
    return table.render(color);
}

std::string plan_text(const json& plan) {
    std::string out;
    for (const json& call : member(plan, "calls")) {
        out += fmt::format("  {} {}\n", text_at(call, "method"), text_at(call, "url"));
        const std::string body = text_at(call, "body");
        const std::string why = text_at(call, "why");
        out += body.empty() ? "" : fmt::format("    body: {}\n", body);
        out += why.empty() ? "" : fmt::format("    why:  {}\n", why);
    }
    for (const char* list : {"steps", "warnings"}) {
        for (const json& line : member(plan, list)) {
            if (line.is_string()) {
                out += fmt::format("  {}: {}\n",
                                   std::string_view(list) == "steps" ? "step" : "warning",
                                   shorten(line.get_ref<const std::string&>(), cell_bytes_max));
            }
        }
    }
    return out.empty() ? "  no plan is known\n" : out;
}

std::string until(const json& object) {
    const std::string end = moment(object, "until");
    return end.empty() ? ", until somebody lifts it" : ", until " + end;
}

// "every lever on tenant/*, until 2026-05-06 20:00:00Z, by ops: demo".
std::string held_words(const json& veto) {
    const std::string lever = text_at(veto, "lever");
    return fmt::format("{} on {}{}, by {}: {}", lever.empty() ? "every lever" : lever,
                       text_at(veto, "subjects"), until(veto), text_at(veto, "who"),
                       text_at(veto, "why"));
}

// Everything that holds levers back beyond one decision; a line each, nothing when there is none.
void add_holds(Table& table, const json& status) {
    const json& storm = member(status, "storm");
    const std::string phase = text_at(storm, "phase");
    if (!phase.empty() && phase != "closed") {
        table.add(
            {"storm breaker", fmt::format("{}: {} ({})", phase == "open" ? "OPEN" : "half open",
                                          text_at(storm, "words"), text_at(storm, "why"))});
    }
    for (const json& veto : member(status, "vetoes")) {
        table.add({"veto " + text_at(veto, "id"), held_words(veto)});
    }
    for (const json& window : member(status, "windows")) {
        table.add({"window " + text_at(window, "id"),
                   fmt::format("{}: {} ({}), by {}",
                               text_at(window, "effect") == "only" ? "closed, levers only inside"
                                                                   : "open, no lever inside",
                               text_at(window, "reason"), text_at(window, "when"),
                               text_at(window, "owner"))});
    }
    for (const json& flapping : member(status, "flapping")) {
        table.add(
            {"flapping", fmt::format("{}: {} changed {} times in {}; no disruptive lever",
                                     text_at(flapping, "subject"), text_at(flapping, "signal"),
                                     text_at(flapping, "changes"), text_at(flapping, "window"))});
    }
    for (const json& policy : member(status, "autonomy")) {
        table.add({"policy " + text_at(policy, "policy"), text_at(policy, "missing")});
    }
}

// "tenant-restart tried once, not_recovered".
std::string rung_words(const json& rung) {
    const std::string tries = text_at(rung, "tries");
    return fmt::format("{} {}", text_at(rung, "lever"),
                       tries == "0"   ? std::string("not tried yet")
                       : tries == "1" ? "tried once, " + text_at(rung, "result")
                                      : "tried " + tries + " times, " + text_at(rung, "result"));
}

// The rungs that were tried, where there is more than one; else nothing.
std::string rungs_words(const json& rungs) {
    std::string out;
    for (const json& rung : rungs) {
        if (rungs.size() > 1 && text_at(rung, "tries") != "0") {
            out += fmt::format(" [rung {}: {}]", text_at(rung, "rung"), rung_words(rung));
        }
    }
    return out;
}

std::string switches_text(const json& status) {
    const json& stop = member(status, "stop");
    const json& observer = member(status, "observer");
    const json& ready = member(status, "ready");
    Table table({"leverd", ""});
    table.add(
        {"stop switch", text_at(stop, "stopped") == "true"
                            ? fmt::format("SET by {} at {}{}: {}", text_at(stop, "who"),
                                          moment(stop, "since"), until(stop), text_at(stop, "why"))
                            : "off"});
    if (const auto file = text_at(stop, "file"); !file.empty()) {
        table.add({"stop file", "THERE: remove " + file + " to let levers go"});
    }
    table.add({"observer", text_at(observer, "trusted") == "true"
                               ? "trusted"
                               : "in doubt: " + text_at(observer, "why")});
    table.add({"ledger", text_at(member(status, "ledger"), "writable") == "true" ? "writable"
                                                                                 : "NOT writable"});
    table.add(
        {"freeze", text_at(member(status, "freeze"), "active") == "true" ? "active" : "none"});
    add_holds(table, status);
    table.add({"mode ceiling", text_at(status, "mode_ceiling")});
    table.add({"ready", text_at(ready, "ok") == "true" ? "yes" : "no: " + text_at(ready, "why")});
    for (const json& key : member(status, "restart_needed")) {
        if (key.is_string()) {
            table.add(
                {"needs a restart", shorten(key.get_ref<const std::string&>(), cell_bytes_max)});
        }
    }
    table.add({"version", text_at(status, "version")});
    return table.render(false);
}

// The worst first, whole; then the others, so that no count stands for a name.
std::string first_lines(const json& status) {
    std::string out = text_at(status, "headline") + "\n";
    bool first = true;
    for (const json& one : member(status, "concerns")) {
        if (!first) {
            out += "also: " + text_at(one, "words") + "\n";
        }
        first = false;
    }
    const std::string more = text_at(status, "more");
    if (!more.empty() && more != "0") {
        out += fmt::format("and {} more: leverd incidents --open\n", more);
    }
    return out;
}

// What one ledger entry says, in words.
std::string entry_words(const json& entry) {
    const json& body = member(entry, "body");
    const std::string kind = text_at(entry, "kind");
    std::string out;
    const std::array<std::pair<const char*, const char*>, 16> parts{{
        {"symptom", "symptom"},
        {"subject", "subject"},
        {"lever", "lever"},
        {"action", "action"},
        {"mode", "mode"},
        {"kind", "result"},
        {"took", "took"},
        {"end", "end"},
        {"into", "into"},
        {"reason", "reason"},
        {"problem", "problem"},
        {"approved", "approved"},
        {"who", "who"},
        {"why", "why"},
        {"detail", "detail"},
        {"evidence", "evidence"},
    }};
    for (const auto& [key, label] : parts) {
        const std::string value = text_at(body, key);
        if (!value.empty()) {
            out += fmt::format("{}{}: {}", out.empty() ? "" : ", ", label, value);
        }
    }
    return out;
}

}  // namespace

const json& member(const json& object, const char* key) {
    static const json nothing;
    if (!object.is_object()) {
        return nothing;
    }
    const auto found = object.find(key);
    return found == object.end() ? nothing : *found;
}

std::string text_at(const json& object, const char* key) {
    const json& value = member(object, key);
    if (value.is_string()) {
        return shorten(value.get_ref<const std::string&>(), cell_bytes_max);
    }
    if (value.is_number() || value.is_boolean()) {
        return value.dump();
    }
    return {};
}

std::string moment(const json& object, const char* key) {
    std::string text = text_at(object, key);
    if (text.size() < 20 || text[10] != 'T') {
        return text;
    }
    return text.substr(0, 10) + " " + text.substr(11, 8) + "Z";
}

void Table::add(std::vector<std::string> cells) {
    cells.resize(titles_.size());
    rows_.push_back(std::move(cells));
}

std::string Table::render(bool color) const {
    std::vector<std::size_t> widths;
    for (const auto& title : titles_) {
        widths.push_back(width(title));
    }
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], width(row[i]));
        }
    }
    std::string out;
    const auto line = [&widths, &out](const std::vector<std::string>& cells, bool paint) {
        std::string text = "  ";
        for (std::size_t i = 0; i < cells.size(); ++i) {
            text += painted(cells[i], paint);
            if (i + 1 < cells.size()) {
                text += std::string(widths[i] - width(cells[i]) + 2, ' ');
            }
        }
        text.erase(text.find_last_not_of(' ') + 1);
        out += text + "\n";
    };
    line(titles_, false);
    for (const auto& row : rows_) {
        line(row, color);
    }
    return out;
}

std::string status_text(const json& status, bool color) {
    std::string out = first_lines(status);
    const json& can_act = member(status, "can_act");
    if (text_at(can_act, "ok") == "true") {
        out += "leverd is able to act\n";
    }
    for (const json& why : member(can_act, "why")) {
        if (why.is_string()) {
            out += "leverd does not act by itself: " +
                   shorten(why.get_ref<const std::string&>(), cell_bytes_max) + "\n";
        }
    }
    for (const json& line : member(member(status, "pages"), "undelivered")) {
        if (line.is_string()) {
            out += shorten(line.get_ref<const std::string&>(), cell_bytes_max) + "\n";
        }
    }
    const json& counts = member(status, "counts");
    out += fmt::format("incidents open: {}, waiting for a person: {}, levers in flight: {}\n\n",
                       text_at(counts, "incidents_open"), text_at(counts, "waiting_for_a_person"),
                       text_at(counts, "levers_in_flight"));
    out += switches_text(status);
    out += memory_text(status);
    Table table({"watched", "healthy", "degraded", "failing", "unknown"});
    for (const auto& item : member(counts, "subjects").items()) {
        table.add({sanitize(item.key(), 60), text_at(item.value(), "healthy"),
                   text_at(item.value(), "degraded"), text_at(item.value(), "failing"),
                   text_at(item.value(), "unknown")});
    }
    return out + "\n" + table.render(color);
}

std::string incidents_text(const json& incidents, bool color) {
    Table table({"incident", "state", "since", "subject", "what"});
    for (const json& incident : member(incidents, "incidents")) {
        table.add({text_at(incident, "incident"), text_at(incident, "phase"),
                   moment(incident, "opened"), text_at(incident, "subject"),
                   text_at(incident, "title") + ": " + text_at(incident, "words") +
                       rungs_words(member(incident, "rungs"))});
    }
    return table.empty() ? "no incidents\n" : table.render(color);
}

std::string decision_text(const json& decision, bool color) {
    const json& rungs = member(decision, "rungs");
    std::string out = fmt::format(
        "decision {}: {} {} on {}, {}{}\n", text_at(decision, "id"), text_at(decision, "action"),
        text_at(decision, "lever"), text_at(decision, "subject"), text_at(decision, "reason"),
        rungs.size() > 1 ? fmt::format(", rung {} of {}", text_at(decision, "rung"), rungs.size())
                         : "");
    for (const json& rung : rungs) {
        if (rungs.size() > 1) {
            out += fmt::format("  rung {}: {}\n", text_at(rung, "rung"), rung_words(rung));
        }
    }
    out += plan_text(member(decision, "plan"));
    return out + guards_text(member(decision, "guards"), color);
}

std::string why_text(const json& why, bool color) {
    const json& subject = member(why, "subject");
    std::string out =
        fmt::format("{} is {}: {}\n", text_at(subject, "subject"),
                    painted(text_at(subject, "health"), color), text_at(subject, "reason_text"));
    Table looks({"probe", "health", "reason", "same", "seen", "evidence"});
    for (const json& look : member(subject, "looks")) {
        looks.add({text_at(look, "probe"), text_at(look, "health"), text_at(look, "reason"),
                   text_at(look, "repeats") + "x", moment(look, "seen"),
                   text_at(look, "evidence")});
    }
    out += heading("newest looks") + looks.render(color);
    Table signals({"signal", "state", "bad", "good"});
    for (const json& d : member(subject, "detectors")) {
        signals.add({text_at(d, "signal"), text_at(d, "raised") == "true" ? "RAISED" : "quiet",
                     text_at(d, "bad") + " of " + text_at(d, "bad_needed"),
                     text_at(d, "good") + " of " + text_at(d, "good_needed")});
    }
    out += signals.empty() ? "" : heading("signals") + signals.render(color);
    Table symptoms({"symptom", "since", "evidence"});
    for (const json& s : member(why, "symptoms")) {
        symptoms.add({text_at(s, "title"), moment(s, "raised"), text_at(s, "evidence")});
    }
    out += symptoms.empty() ? heading("no symptom") : heading("symptoms") + symptoms.render(color);
    const json& cases = member(why, "incidents");
    out +=
        cases.empty() ? heading("no incident") : heading("incidents") + incidents_text(why, color);
    out += fired_text(cases, color);
    if (member(why, "decision").is_object()) {
        out += heading("newest decision") + decision_text(member(why, "decision"), color);
    }
    Table past({"decided", "decision", "action", "lever", "reason"});
    for (const json& entry : member(why, "past_decisions")) {
        const json& body = member(entry, "body");
        past.add({moment(entry, "time"), text_at(body, "id"), text_at(body, "action"),
                  text_at(body, "lever"), text_at(body, "reason")});
    }
    out += past.empty() ? "" : heading("past decisions") + past.render(color);
    return out;
}

std::string looks_text(const json& looks, bool color) {
    Table table({"subject", "health", "reason", "took", "evidence"});
    for (const json& look : member(looks, "observations")) {
        table.add({text_at(look, "subject"), text_at(look, "health"), text_at(look, "reason"),
                   text_at(look, "took") + "ms", text_at(look, "evidence")});
    }
    return table.empty() ? "nothing to look at\n" : table.render(color);
}

std::string vetoes_text(const json& vetoes) {
    Table table({"veto", "subjects", "lever", "since", "until", "by", "why"});
    for (const json& veto : member(vetoes, "vetoes")) {
        const std::string lever = text_at(veto, "lever");
        const std::string end = moment(veto, "until");
        table.add({text_at(veto, "id"), text_at(veto, "subjects"), lever.empty() ? "every" : lever,
                   moment(veto, "since"), end.empty() ? "lifted by hand" : end,
                   text_at(veto, "who"), text_at(veto, "why")});
    }
    return table.empty() ? "no vetoes\n" : table.render(false);
}

std::string veto_text(const json& veto) {
    const auto mute = veto.find("mute");
    const bool muted = mute != veto.end() && mute->is_boolean() && mute->get<bool>();
    std::string out = fmt::format("veto {} holds {}{}\n  lift it: leverd unveto {} --why \"...\"\n",
                                  text_at(veto, "id"), held_words(veto),
                                  muted ? " and pages nobody about them" : "", text_at(veto, "id"));
    if (text_at(veto, "matches") == "0") {
        out += fmt::format("  note: leverd sees no subject that '{}' means; names: leverd status\n",
                           text_at(veto, "subjects"));
    }
    return out;
}

std::string autonomy_text(const json& policies, bool color) {
    const auto part_of = [](const json& object, const char* part, const char* whole) {
        return text_at(object, whole) == "0"
                   ? std::string("-")
                   : text_at(object, part) + " of " + text_at(object, whole);
    };
    const auto or_dash = [](const std::string& text) { return text.empty() ? "-" : text; };
    Table table({"policy", "lever", "mode", "may", "helped", "in a row", "in", "left alone", "in",
                 "why not more"});
    for (const json& policy : member(policies, "policies")) {
        const json& record = member(policy, "record");
        const json& baseline = member(policy, "baseline");
        table.add({text_at(policy, "id"), text_at(policy, "lever"), text_at(policy, "mode"),
                   text_at(policy, "ceiling"), part_of(record, "recovered", "verdicts"),
                   text_at(record, "in_a_row"), or_dash(text_at(record, "median_to_green")),
                   part_of(baseline, "healed", "cases"),
                   or_dash(text_at(baseline, "median_to_green")), text_at(policy, "ceiling_why")});
    }
    return table.empty() ? "no policies: every lever is only shown\n" : table.render(color);
}

std::string summary_text(const json& incident) {
    std::string out = fmt::format("# {}: {} ({})\n\n", text_at(incident, "incident"),
                                  text_at(incident, "title"), text_at(incident, "subject"));
    const std::string closed = moment(incident, "closed");
    out += fmt::format("- opened: {}\n- closed: {}\n- now: {}\n", moment(incident, "opened"),
                       closed.empty() ? "still open" : closed, text_at(incident, "words"));
    out += fmt::format("- the runbook's first lever: {}\n", text_at(incident, "first_lever"));
    const json& linked = member(incident, "linked");
    out += fmt::format("- symptoms explained: {}\n", linked.size());
    out += "\n## Levers\n\n";
    for (const json& intent : member(incident, "intents")) {
        const json& verdict = member(intent, "verdict");
        const std::string undoes = text_at(intent, "undoes");
        out += fmt::format(
            "- {}{} on {} at {}: outcome {}, verdict {}\n", text_at(intent, "lever"),
            undoes.empty() ? "" : " (takes back " + undoes + ")", text_at(intent, "subject"),
            moment(intent, "fired"), text_at(member(intent, "outcome"), "kind"),
            verdict.is_object() ? text_at(verdict, "kind") + " (" + text_at(verdict, "why") + ")"
                                : "still waited for");
        out += plan_text(member(intent, "plan"));
        for (const json& one : member(member(intent, "diagnosed"), "diagnostics")) {
            out += fmt::format("  read before: {} of {}: {}\n", text_at(one, "what"),
                               text_at(one, "subject"), text_at(one, "text"));
        }
    }
    if (member(incident, "intents").empty()) {
        out += "None was pulled.\n";
    }
    out += "\n## Timeline\n\n";
    for (const json& entry : member(incident, "timeline")) {
        out += fmt::format("- {} {}: {}\n", moment(entry, "time"), text_at(entry, "kind"),
                           entry_words(entry));
    }
    if (text_at(incident, "timeline_complete") == "false") {
        out += "\nOlder entries exist; see leverd ledger export.\n";
    }
    out +=
        "\n## Left for a person\n\n- Did the lever fully resolve it, or is a follow-up needed?\n"
        "- Should CI have caught the regression?\n";
    return out;
}

}  // namespace leverd::cli
