// Why: permissions. Each policy names its symptom, its lever, its subjects and its mode; none of
// the four has a default, because a permission nobody wrote is no permission.
#include "config/sections.hpp"

#include <fmt/format.h>

#include <chrono>

namespace leverd::config {
namespace {

using namespace std::chrono_literals;

void read_limits(TableReader& t, Limits& limits) {
    t.duration("cool_down", limits.cool_down, 0ms, std::chrono::days(30));
    t.integer("attempts", limits.attempts, 1, 10);
    t.duration("recurs_within", limits.recurs_within, 0ms, std::chrono::days(30));
    t.integer("per_hour", limits.per_hour, 1, 60);
    t.integer("per_day", limits.per_day, 1, 1000);
    t.integer("blast_percent", limits.blast_percent, 1, 100);
    t.integer("blast_count", limits.blast_count, 1, 1000);
    t.duration("approval_ttl", limits.approval_ttl, 1s, 24h);
    t.duration("verify_timeout", limits.verify_timeout, 1s, 24h);
}

void read_auto_after(TableReader& policy, Policy& p) {
    const toml::table* table = policy.table("auto_after");
    if (table == nullptr) {
        return;
    }
    TableReader t(policy.draft(), policy.file(), *table, "'auto_after'");
    AutoAfter after;
    t.integer("successes", after.successes, 1, 50);
    t.boolean("better_than_baseline", after.better_than_baseline);
    t.require({"successes"});
    t.finish();
    p.auto_after = after;
}

void read_policy(TableReader& root, const toml::table& table) {
    constexpr Choice<bool> acceptance[] = {{"accepted", true}};
    Draft& draft = root.draft();
    TableReader t(draft, root.file(), table, "[[policy]]");
    Policy p;
    if (t.text("id", p.id, an_id)) {
        draft.define(NameKind::policy, p.id, t.place("id"));
    }
    if (t.text("symptom", p.symptom)) {
        draft.refer(NameKind::symptom, p.symptom, t.place("symptom"), "symptom");
    }
    t.word("lever", p.lever, "lever", draft.vocabulary().levers);
    if (t.texts("subjects", p.subjects, a_subject_glob) && p.subjects.empty()) {
        draft.error(t.place("subjects"), "'subjects' must not be empty",
                    "write [\"*\"] for every subject of the symptom");
    }
    t.choice("mode", p.mode, "mode", mode_words);
    t.choice("irreversible", p.irreversible_accepted, "word for 'irreversible'", acceptance);
    t.text("owner", p.owner, optional_text);
    read_limits(t, p.limits);
    t.boolean("undo_if_worse", p.undo_if_worse);
    read_auto_after(t, p);
    t.require({"id", "symptom", "lever", "subjects", "mode"});
    t.finish();
    draft.policy_places.push_back(t.places());
    draft.config.policies.policies.push_back(std::move(p));
}

}  // namespace

void read_policy_sections(TableReader& root) {
    root.tables("policy", [&](const toml::table& table) { read_policy(root, table); });
}

}  // namespace leverd::config
