// Why: the rows of the runbook's table: which signals make one true, what forbids it, and the lever
// that comes first.
#include "config/sections.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace leverd::config {
namespace {

using namespace std::chrono_literals;

void read_group(TableReader& symptom, Symptom& s, ItemPlaces& places) {
    const toml::table* table = symptom.table("group");
    if (table == nullptr) {
        return;
    }
    Draft& draft = symptom.draft();
    TableReader t(draft, symptom.file(), *table, "[symptom.group]");
    GroupRule g;
    t.text("member", g.member_kind, an_id);
    t.integer("min_members", g.min_members, 1, 100'000);
    t.text("distinct", g.distinct_kind, an_id);
    t.integer("min_percent", g.min_percent, 0, 100);
    t.duration("within", g.within, 0ms, 24h);
    t.boolean("others_work", g.others_work);
    t.text("after_change_of", g.after_change_of, a_subject_glob);
    t.duration("after_change_within", g.after_change_within, 1ms, 24h);
    t.require({"member"});
    t.finish();
    if (t.has("after_change_of") != t.has("after_change_within")) {
        draft.error(t.place(), "'after_change_of' and 'after_change_within' go together");
    }
    for (const auto& [key, at] : t.places().keys) {
        places.keys.emplace("group." + key, at);
    }
    s.group = std::move(g);
}

// then = ["b", "c"]: what follows `lever`, one after the other.
void read_rungs(TableReader& t, LeverChoice& choice) {
    Draft& draft = t.draft();
    std::vector<std::string> rungs;
    if (!t.texts("then", rungs, any_text)) {
        return;
    }
    const toml::array& items = *t.raw().get("then")->as_array();
    const auto& known = draft.vocabulary().levers;
    if (rungs.empty()) {
        draft.error(t.place("then"), "'then' must name at least one lever",
                    "leave it out when the first lever is the only one");
    } else if (choice.lever == "none") {
        draft.error(t.place("then"), "'then' after lever \"none\"",
                    "make the first of 'then' the 'lever'");
    }
    for (std::size_t i = 0; i < rungs.size(); ++i) {
        if (std::find(known.begin(), known.end(), rungs[i]) == known.end()) {
            draft.error(t.place(items[i]), fmt::format("unknown lever {}", quote(rungs[i])),
                        did_you_mean(rungs[i], known));
        } else if (rungs[i] == choice.lever) {
            draft.error(t.place(items[i]),
                        fmt::format("lever {} is on the ladder twice", quote(rungs[i])),
                        "each lever stands on it once; 'attempts' says how often it may be tried");
        }
    }
    choice.then = std::move(rungs);
}

void read_levers(TableReader& t, Symptom& s) {
    Draft& draft = t.draft();
    std::vector<std::string> known = draft.vocabulary().levers;
    known.emplace_back("none");
    if (t.has("lever") && t.has("levers")) {
        draft.error(t.place("levers"), "write either 'lever' or 'levers', not both");
    }
    LeverChoice only;
    if (t.word("lever", only.lever, "lever", known)) {
        read_rungs(t, only);
        s.levers.push_back(std::move(only));
    } else if (t.has("then")) {
        read_rungs(t, only);
    }
    if (t.has("then") && !t.has("lever")) {
        draft.error(t.place("then"), "'then' needs 'lever'", "it names the rungs after the first");
    }
    bool taken = false;
    t.tables("levers", [&](const toml::table& table) {
        TableReader row(draft, t.file(), table, "'levers'");
        LeverChoice choice;
        if (taken) {
            draft.error(row.place(), "this lever is never reached",
                        "an earlier one is for every subject");
        }
        const bool written = row.text("subjects", choice.subjects, a_subject_glob);
        choice.subjects = choice.subjects == "*" ? "**" : choice.subjects;
        taken = taken || (written ? choice.subjects == "**" : !row.has("subjects"));
        row.word("lever", choice.lever, "lever", known);
        read_rungs(row, choice);
        row.require({"lever"});
        row.finish();
        s.levers.push_back(std::move(choice));
    });
    if (!t.has("lever") && (!t.has("levers") || s.levers.empty())) {
        draft.error(t.place(), "[[symptom]] needs 'lever' or 'levers'",
                    "write lever = \"none\" when no lever is right");
    }
}

void read_requires_healthy(TableReader& t, Symptom& s) {
    std::vector<std::string> subjects;
    if (t.texts("requires_healthy", subjects, a_subject)) {
        for (std::string& subject : subjects) {
            s.requires_healthy.emplace_back(std::move(subject));
        }
    }
}

void read_signal_names(TableReader& t, Symptom& s) {
    Draft& draft = t.draft();
    t.names("any", s.any, NameKind::signal);
    t.names("all", s.all, NameKind::signal);
    t.names("not_all", s.not_all, NameKind::signal);
    t.names("unless", s.unless, NameKind::signal);
    for (const std::string_view key : {"any", "all", "not_all"}) {
        const toml::array* names = t.has(key) ? t.raw().get(key)->as_array() : nullptr;
        if (names != nullptr && names->empty()) {
            draft.error(t.place(key), fmt::format("'{}' must name at least one signal", key));
        }
    }
    if (!t.has("any") && !t.has("all")) {
        draft.error(
            t.place(), "[[symptom]] needs 'any' or 'all'",
            "any = [\"...\"]: one of these signals is enough; all = [\"...\"]: every one is "
            "needed");
    }
    if (t.duration("within", s.within, 1ms, 24h) && !t.has("all")) {
        draft.error(t.place("within"), "'within' needs 'all'",
                    "it is the time from the first of 'all' to the last");
    }
}

void read_symptom(TableReader& root, const toml::table& table) {
    constexpr Choice<Severity> severities[] = {
        {"info", Severity::info}, {"warning", Severity::warning}, {"critical", Severity::critical}};
    Draft& draft = root.draft();
    TableReader t(draft, root.file(), table, "[[symptom]]");
    Symptom s;
    if (t.text("id", s.id, an_id)) {
        draft.define(NameKind::symptom, s.id, t.place("id"));
    }
    if (t.integer("row", s.row, 0, 1000) && s.row > 0) {
        draft.define(NameKind::row, std::to_string(s.row), t.place("row"));
    }
    t.text("title", s.title);
    t.text("first_lever", s.first_lever, optional_text);
    t.text("note", s.note, optional_text);
    t.text("subject", s.subject_kind, an_id);
    read_signal_names(t, s);
    read_requires_healthy(t, s);
    t.boolean("needs_working_sibling", s.needs_working_sibling);
    t.duration("dwell", s.dwell, 0ms, 24h);
    t.choice("severity", s.severity, "severity", severities);
    ItemPlaces places = t.places();
    read_group(t, s, places);
    read_levers(t, s);
    t.require({"id", "title", "subject"});
    t.finish();
    draft.symptom_places.push_back(std::move(places));
    draft.config.runbook.symptoms.push_back(std::move(s));
}

}  // namespace

void read_symptom_sections(TableReader& root) {
    root.tables("symptom", [&](const toml::table& table) { read_symptom(root, table); });
}

}  // namespace leverd::config
