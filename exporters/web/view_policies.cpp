// Why: trust in a lever is earned in numbers. What each policy permits stands next to what its
// lever did so far, and what the symptom does when it is left alone.
#include "core/model/codec.hpp"
#include "exporters/web/views.hpp"
#include "policies/autonomy.hpp"
#include "policies/guards.hpp"

namespace leverd::exporters::web {
namespace {

Json shown(const std::optional<Millis>& duration) {
    return duration ? Json(shown_duration(*duration)) : Json(nullptr);
}

// Only a policy that says auto has something to earn.
Standing standing(const Scene& scene, const Policy& policy) {
    return policy.mode == Mode::automatic
               ? standing_of(scene.rules, scene.state, policy, scene.now.at)
               : Standing{};
}

Json autonomy_json(const Scene& scene, const Policy& policy) {
    const Standing now = standing(scene, policy);
    const auto changed = scene.state.autonomy.find(policy.id);
    Json out = Json::object();
    out["needs_record"] = policy.mode == Mode::automatic && policy.auto_after.has_value();
    out["earned"] = now.earned;
    out["why"] = now.why;
    out["since"] =
        changed == scene.state.autonomy.end() ? Json(nullptr) : time_json(changed->second.since);
    return out;
}

Json record_json(const Scene& scene, const Policy& policy) {
    const auto found = scene.state.records.find({policy.symptom, policy.lever});
    const Record record = found == scene.state.records.end() ? Record{} : found->second;
    const auto tally =
        tally_of(scene.rules, scene.state, policy.symptom, policy.lever, scene.now.at);
    const auto helps = effect_of(scene.rules, scene.state, policy, scene.now.at);
    Json out = Json::object();
    out["verdicts"] = tally.verdicts;
    out["recovered"] = tally.recovered;
    out["success_percent"] =
        tally.verdicts == 0 ? Json(nullptr) : Json(100 * tally.recovered / tally.verdicts);
    out["in_a_row"] = record.in_a_row;
    out["median_to_green"] = shown(median_of(record.to_green));
    out["below_floor"] = helps.enough ? "" : helps.why;
    return out;
}

Json baseline_json(const Scene& scene, const std::string& symptom) {
    const auto found = scene.state.baselines.find(symptom);
    const Baseline baseline = found == scene.state.baselines.end() ? Baseline{} : found->second;
    Json out = Json::object();
    out["cases"] = baseline.cases;
    out["healed"] = baseline.healed;
    out["median_to_green"] = shown(median_of(baseline.to_green));
    return out;
}

Json limits_json(const Limits& limits) {
    Json out = Json::object();
    out["cool_down"] = format_duration(limits.cool_down);
    out["attempts"] = limits.attempts;
    out["recurs_within"] = format_duration(limits.recurs_within);
    out["per_hour"] = limits.per_hour;
    out["per_day"] = limits.per_day;
    out["blast_percent"] = limits.blast_percent;
    out["blast_count"] = limits.blast_count;
    out["approval_ttl"] = format_duration(limits.approval_ttl);
    out["verify_timeout"] = format_duration(limits.verify_timeout);
    return out;
}

Json policy_json(const Scene& scene, const Policy& policy) {
    Json out = Json::object();
    out["id"] = policy.id;
    out["symptom"] = policy.symptom;
    out["lever"] = policy.lever;
    out["subjects"] = policy.subjects;
    out["mode"] = to_string(policy.mode);
    const auto lever = scene.rules.levers.find(policy.lever);
    const Ceiling ceiling =
        mode_ceiling(scene.rules, scene.state, &policy,
                     lever == scene.rules.levers.end() ? nullptr : &lever->second, scene.now.at);
    out["ceiling"] = to_string(ceiling.mode);
    out["ceiling_why"] = ceiling.why;
    out["irreversible_accepted"] = policy.irreversible_accepted;
    out["undo_if_worse"] = policy.undo_if_worse;
    out["owner"] = policy.owner;
    out["limits"] = limits_json(policy.limits);
    out["record"] = record_json(scene, policy);
    out["baseline"] = baseline_json(scene, policy.symptom);
    out["autonomy"] = autonomy_json(scene, policy);
    return out;
}

}  // namespace

Json policies_view(const Scene& scene) {
    const PolicyBook& book = scene.rules.policies;
    Json out = Json::object();
    out["mode_ceiling"] = to_string(book.ceiling);
    out["freeze_active"] = book.freeze_active;
    out["config_hash"] = scene.rules.config_hash;
    out["observer"]["quorum"] = book.observer.quorum;
    out["observer"]["max_lateness"] = format_duration(book.observer.max_lateness);
    out["observer"]["max_clock_step"] = format_duration(book.observer.max_clock_step);
    out["observer"]["dwell"] = format_duration(book.observer.dwell);
    out["storm"]["incidents"] = book.storm.incidents;
    out["storm"]["within"] = format_duration(book.storm.within);
    out["storm"]["quiet"] = format_duration(book.storm.quiet);
    out["storm"]["ramp"] = book.storm.ramp;
    out["effect"]["floor_percent"] = book.effect.floor_percent;
    out["effect"]["least_verdicts"] = book.effect.least_verdicts;
    out["effect"]["window"] = format_duration(book.effect.window);
    out["windows"] = windows_json(scene, false);
    out["policies"] = Json::array();
    for (const auto& policy : book.policies) {
        out["policies"].push_back(policy_json(scene, policy));
    }
    return out;
}

Json unearned_json(const Scene& scene) {
    Json out = Json::array();
    for (const auto& policy : scene.rules.policies.policies) {
        const Standing now = standing(scene, policy);
        if (now.earned) {
            continue;
        }
        Json row = Json::object();
        row["policy"] = policy.id;
        row["symptom"] = policy.symptom;
        row["lever"] = policy.lever;
        row["missing"] = now.why;
        out.push_back(std::move(row));
    }
    return out;
}

}  // namespace leverd::exporters::web
