// Why: the rules about time and number that stand above every single policy: windows in which
// levers are held, the breaker for a storm of incidents, and the record below which a lever is only
// recommended.
#include "config/sections.hpp"

#include <fmt/format.h>

#include <chrono>

namespace leverd::config {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view day_names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr int verdicts_kept = 50;

// "18:30" as a minute of the day; -1: not a time.
int minute_of(std::string_view text) {
    const auto digit = [&](std::size_t at) {
        return text[at] >= '0' && text[at] <= '9' ? text[at] - '0' : 1000;
    };
    if (text.size() != 5 || text[2] != ':') {
        return -1;
    }
    const int hour = digit(0) * 10 + digit(1);
    const int minute = digit(3) * 10 + digit(4);
    return hour < 24 && minute < 60 ? hour * 60 + minute : -1;
}

Complaint a_time_of_day(std::string_view value) {
    return minute_of(value) < 0 ? Complaint{"a time from \"00:00\" to \"23:59\""} : Complaint{};
}

Complaint a_window_subject(std::string_view value) {
    return value == "**" ? Complaint{"a subject, or \"*\" for all: \"tenant/demo\""}
                         : a_subject_glob(value);
}

void read_days(TableReader& t, std::bitset<7>& days) {
    std::vector<std::string> words;
    if (!t.texts("days", words, any_text)) {
        return;
    }
    const toml::array& items = *t.raw().get("days")->as_array();
    days.reset();
    if (words.empty()) {
        t.draft().error(t.place("days"), "'days' must name at least one day",
                        "a window without a day never opens; leave 'days' out for every day");
    }
    for (std::size_t i = 0; i < words.size(); ++i) {
        bool known = false;
        for (std::size_t day = 0; day < std::size(day_names); ++day) {
            if (words[i] == day_names[day]) {
                days.set(day);
                known = true;
            }
        }
        if (!known) {
            t.draft().error(t.place(items[i]), fmt::format("unknown day {}", quote(words[i])),
                            fmt::format("known: {}", fmt::join(day_names, ", ")));
        }
    }
}

void read_hours(TableReader& t, Window& w) {
    std::string text;
    if (t.text("start", text, a_time_of_day)) {
        w.start = minute_of(text);
    }
    if (t.text("end", text, a_time_of_day)) {
        w.end = minute_of(text);
    }
    if (t.has("start") != t.has("end")) {
        t.draft().error(t.place(t.has("start") ? "start" : "end"), "'start' and 'end' go together",
                        "leave both out for the whole day");
    }
}

// `expires` is local time of the zone, so the zone is read first.
void read_zone_and_expiry(TableReader& t, Window& w) {
    std::string text;
    if (t.text("zone", text)) {
        const auto zone = Zone::find(text);
        if (!zone.has_value()) {
            t.draft().error(t.place("zone"), zone.error().what, zone.error().hint);
            t.node("expires");
            return;
        }
        w.zone = *zone;
    }
    if (t.text("expires", text)) {
        const auto at = w.zone.parse_local(text);
        if (at.has_value()) {
            w.expires = *at;
        } else {
            t.draft().error(t.place("expires"), at.error().what, at.error().hint);
        }
    }
}

void read_window(TableReader& root, const toml::table& table) {
    constexpr Choice<Window::Effect> effects[] = {{"hold", Window::Effect::hold},
                                                  {"only", Window::Effect::only}};
    Draft& draft = root.draft();
    TableReader t(draft, root.file(), table, "[[window]]");
    Window w;
    if (t.text("id", w.id, an_id)) {
        draft.define(NameKind::window, w.id, t.place("id"));
    }
    t.choice("effect", w.effect, "effect", effects);
    if (t.texts("subjects", w.subjects, a_window_subject) && w.subjects.empty()) {
        draft.error(t.place("subjects"), "'subjects' must not be empty",
                    "write [\"*\"] for every subject");
    }
    if (t.texts("levers", w.levers, any_text)) {
        const toml::array& items = *t.raw().get("levers")->as_array();
        const auto& known = draft.vocabulary().levers;
        for (std::size_t i = 0; i < w.levers.size(); ++i) {
            if (std::find(known.begin(), known.end(), w.levers[i]) == known.end()) {
                draft.error(t.place(items[i]), fmt::format("unknown lever {}", quote(w.levers[i])),
                            did_you_mean(w.levers[i], known));
            }
        }
        if (w.levers.empty()) {
            draft.error(t.place("levers"), "'levers' must not be empty",
                        "leave it out for every lever");
        }
    }
    read_days(t, w.days);
    read_hours(t, w);
    read_zone_and_expiry(t, w);
    t.text("owner", w.owner);
    t.text("reason", w.reason);
    if (t.boolean("mute", w.mute) && w.mute && w.effect == Window::Effect::only) {
        draft.error(t.place("mute"), "'mute' needs effect = \"hold\"",
                    "outside of an \"only\" window faults are still to be told");
    }
    t.require({"id", "effect", "subjects", "owner", "reason"});
    t.finish();
    draft.window_places.push_back(t.places());
    draft.config.policies.windows.push_back(std::move(w));
}

void read_storm(TableReader& root) {
    auto t = open_section(root, "storm", "[storm]");
    if (!t) {
        return;
    }
    StormRules& c = root.draft().config.policies.storm;
    if (t->integer("incidents", c.incidents, 0, 1000) && c.incidents == 1) {
        root.draft().error(t->place("incidents"), "one incident is no storm",
                           "write at least 2, or 0 for no breaker");
    }
    t->duration("within", c.within, 100ms, 24h);
    t->duration("quiet", c.quiet, 100ms, 24h);
    t->integer("ramp", c.ramp, 1, 1000);
    t->finish();
}

void read_effect(TableReader& root) {
    auto t = open_section(root, "effect", "[effect]");
    if (!t) {
        return;
    }
    EffectRules& c = root.draft().config.policies.effect;
    t->integer("floor_percent", c.floor_percent, 0, 100);
    t->integer("least_verdicts", c.least_verdicts, 1, verdicts_kept);
    t->duration("window", c.window, 1min, std::chrono::days(365));
    t->finish();
}

void read_page(TableReader& root) {
    auto t = open_section(root, "page", "[page]");
    if (!t) {
        return;
    }
    PageRules& c = root.draft().config.policies.page;
    t->duration("group_wait", c.group_wait, 0ms, 10min);
    if (t->integer("group_at", c.group_at, 0, 1000) && c.group_at == 1) {
        root.draft().error(t->place("group_at"), "one case is no storm",
                           "write at least 2, or 0 for a page per case");
    }
    t->duration("group_within", c.group_within, 1s, 24h);
    t->duration("keep_firing_for", c.keep_firing_for, 0ms, 24h);
    t->integer("grace_percent", c.grace_percent, 0, 1000);
    t->finish();
}

}  // namespace

void read_window_sections(TableReader& root) {
    root.tables("window", [&](const toml::table& table) { read_window(root, table); });
    read_storm(root);
    read_effect(root);
    read_page(root);
}

}  // namespace leverd::config
