// Why: what the simulated stack is, what looks see of it, and what levers do to it.
#include "tests/sim/world.hpp"
#include "tests/unit/policies/bench.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <utility>

namespace leverd::sim {
namespace {

using namespace std::chrono_literals;

LeverContract lever(std::string id, Millis propagation, ProofStep proof) {
    LeverContract made;
    made.id = std::move(id);
    made.propagation = propagation;
    made.proof = {std::move(proof)};
    return made;
}

Policy policy(std::string id, std::string symptom, std::string lever_id, Mode mode) {
    Policy made;
    made.id = std::move(id);
    made.symptom = std::move(symptom);
    made.lever = std::move(lever_id);
    made.subjects = {"*"};
    made.mode = mode;
    made.owner = "sim";
    made.limits.cool_down = 15min;
    made.limits.recurs_within = 10min;
    made.limits.per_hour = 6;
    made.limits.per_day = 40;
    made.limits.blast_percent = 30;
    made.limits.blast_count = 4;
    made.limits.verify_timeout = 10min;
    return made;
}

Symptom row(std::string id, std::string kind, std::string signal, LeverChoice choice) {
    Symptom made;
    made.id = std::move(id);
    made.title = made.id;
    made.subject_kind = std::move(kind);
    made.any = {std::move(signal)};
    made.levers.push_back(std::move(choice));
    return made;
}

}  // namespace

Rules sim_rules() {
    auto rules = test::small_rules();
    Signal agent;
    agent.id = "agent-errors";
    agent.subject_kind = "workspace";
    agent.probe = "workspace_activity";
    agent.looks = 2;
    agent.of = 4;
    rules.runbook.signals.push_back(agent);
    rules.runbook.symptoms[0].dwell = 10s;
    rules.runbook.symptoms[0].levers = {{"**", "tenant-redeploy", {"tenant-restart"}}};
    auto workspace = row("workspace-always-errors", "workspace", "agent-errors",
                         {"**", "workspace-restart", {"workspace-reprovision"}});
    workspace.dwell = 20s;
    auto runtime =
        row("runtime-broken", "runtime", "agent-errors", {"**", "template-rollback", {}});
    runtime.group = GroupRule{"workspace", 3, "tenant", 40, 15min, true, {}, Millis{0}};
    rules.runbook.symptoms.push_back(workspace);
    rules.runbook.symptoms.push_back(runtime);
    // With nobody left to compare with, the tenants' own row is silent.
    auto mass = row("mass-failure", "platform", "tenant-health", {"**", "none", {}});
    mass.requires_healthy = {Subject{"control-plane"}};
    mass.group = GroupRule{"tenant", 2, {}, 90, 24h, false, {}, Millis{0}};
    rules.runbook.symptoms.push_back(mass);
    rules.runbook.topology.push_back({"workspace", {"tenant/{tenant}", "runtime/{runtime}"}});
    rules.runbook.flap = FlapRules{20min, 8, 4};
    const ProofStep healthy{ProofStep::Who::target, "workspace_activity", 2, {}, Millis{0}, {}};
    auto restart = rules.levers.at("tenant-redeploy");
    restart.id = "tenant-restart";
    rules.levers[restart.id] = restart;
    rules.levers["workspace-restart"] = lever("workspace-restart", 20s, healthy);
    rules.levers["workspace-reprovision"] = lever("workspace-reprovision", 60s, healthy);
    rules.levers["workspace-reprovision"].reversibility = Reversibility::irreversible;
    rules.levers["platform-rollback"].can_undo = true;
    auto redeploy = policy("c", "tenant-unreachable", "tenant-redeploy", Mode::automatic);
    redeploy.limits.attempts = 2;
    auto rollback = policy("a", "platform-regression", "platform-rollback", Mode::approve);
    rollback.undo_if_worse = true;
    auto earned = policy("w", "workspace-always-errors", "workspace-restart", Mode::automatic);
    earned.auto_after = AutoAfter{2, false};
    rules.policies.policies = {
        redeploy,
        policy("s", "tenant-unreachable", "tenant-restart", Mode::approve),
        rollback,
        earned,
        policy("d", "workspace-always-errors", "workspace-reprovision", Mode::approve),
        policy("b", "runtime-broken", "template-rollback", Mode::automatic),
        policy("i", "stray-image", "template-rollback", Mode::automatic)};
    rules.policies.storm = StormRules{8, 5min, 3min, 4};
    return rules;
}

bool World::is_up(const Subject& subject) const {
    const auto name = std::string(subject.name());
    if (const auto tenant = tenants_.find(name); tenant != tenants_.end()) {
        return tenant->second.up || now_.at - tenant->second.last_up < 2min;
    }
    if (const auto held = workspaces_.find(name); held != workspaces_.end()) {
        return held->second.up || now_.at - held->second.last_up < 2min;
    }
    return true;
}

void World::look_at_tenant(const std::string& slug, const Thing& tenant) {
    Observation seen;
    seen.subject = Subject{"tenant/" + slug};
    seen.probe = "tenant_health";
    seen.seen = now_;
    const bool answers = tenant.up && network_up_;
    seen.health = answers ? Health::healthy : Health::failing;
    seen.reason = answers ? Reason::ok : (chance(2) ? Reason::connect_timeout : Reason::http_5xx);
    if (answers && chance(200)) {
        seen.health = Health::unknown;
        seen.reason = Reason::rate_limited;
    }
    if (answers) {
        seen.facts = {{"requests_total", tenant.requests}, {"auth_read", 1}};
    }
    deliver(seen);
}

void World::look_at_workspace(const std::string& name, const Thing& workspace) {
    Observation seen;
    const auto slug = name.substr(0, name.find('/'));
    seen.subject = Subject{"workspace/" + name};
    seen.probe = "workspace_activity";
    seen.seen = now_;
    seen.attributes = {{"tenant", slug}, {"runtime", workspace.runtime}};
    if (!network_up_ || !tenants_.at(slug).up) {
        seen.health = Health::unknown;
        seen.reason = Reason::parent_unreadable;
    } else if (!workspace.up || runtime_bad_.at(workspace.runtime)) {
        seen.health = Health::failing;
        seen.reason = Reason::agent_errors;
    } else {
        seen.health = Health::healthy;
    }
    deliver(seen);
}

void World::plain_look(const std::string& subject, const char* probe, bool good,
                       const std::string& version) {
    Observation seen;
    seen.subject = Subject{subject};
    seen.probe = probe;
    seen.health = good ? Health::healthy : Health::failing;
    seen.reason = good ? Reason::ok : Reason::http_5xx;
    seen.version = good ? version : std::string{};
    seen.seen = now_;
    deliver(seen);
}

void World::look_around() {
    const auto wished = std::exchange(soon_, {});
    int index = 0;
    for (const auto& [slug, tenant] : tenants_) {
        index += 1;
        if ((ticks_ + index) % 5 == 0 || wished.contains("tenant/" + slug)) {
            look_at_tenant(slug, tenant);
        }
    }
    for (const auto& [name, workspace] : workspaces_) {
        index += 1;
        if ((ticks_ + index) % 10 == 0 || wished.contains("workspace/" + name)) {
            look_at_workspace(name, workspace);
        }
    }
    for (int i = 0; i < 3; ++i) {
        const auto subject = "reference/" + std::to_string(i);
        if ((ticks_ + i) % 5 == 0 || wished.contains(subject)) {
            plain_look(subject, "reference", network_up_ || (i == 0 && chance(3)));
        }
    }
    if (ticks_ % 5 == 0 || wished.contains("control-plane")) {
        plain_look("control-plane", "control_plane", control_plane_up_ && network_up_);
    }
    if (ticks_ % 10 == 0 && network_up_) {
        plain_look("image/platform", "image_drift", true, "sha256:" + std::to_string(image_));
    }
}

void World::perform(const Effect& effect) {
    if (const auto* plan = std::get_if<MakePlan>(&effect)) {
        answer_plan(*plan);
    } else if (const auto* call = std::get_if<FireLever>(&effect)) {
        fire(call->intent);
    } else if (const auto* settle = std::get_if<ObserveLever>(&effect)) {
        const auto took = chance(4)                          ? Took::unclear
                          : fired_[settle->intent.id].effect ? Took::yes
                                                             : Took::no;
        later(1s, Settled{settle->intent.id, took, "looked"});
    } else if (const auto* proof = std::get_if<ProveLever>(&effect)) {
        Observation seen;
        seen.subject = proof->intent.subject;
        seen.probe = "lever:" + proof->intent.lever;
        const bool good = fired_[proof->intent.id].effect && network_up_;
        seen.health = good ? Health::healthy : Health::unknown;
        seen.seen = now_;
        later(Millis{0}, seen);
    } else if (const auto* again = std::get_if<LookAgain>(&effect)) {
        soon_.insert(again->subject.text());
    } else if (std::holds_alternative<SendPage>(effect)) {
        answer_question();
    }
}

void World::answer_plan(const MakePlan& wanted) {
    PlanResult result;
    result.incident = wanted.incident;
    result.undo_of = wanted.undo_of;
    result.ok = !chance(10);
    result.problem = result.ok ? "" : "could not be read";
    result.plan.lever = wanted.lever;
    result.plan.subject = wanted.subject;
    result.plan.resource = wanted.subject.text();
    result.plan.target_version = std::to_string(image_);
    later(Millis{1000 * static_cast<std::int64_t>(below(4))}, result);
}

void World::fire(const Intent& intent) {
    check_fire(intent);
    tally_.fired += 1;
    tally_.undone += intent.undoes.empty() ? 0 : 1;
    const auto fate = below(8);
    const bool effect = fate != 0 && fate != 1;
    const bool lost = fate == 1 || fate == 2;
    const auto kind = lost        ? OutcomeKind::unknown
                      : effect    ? OutcomeKind::accepted
                      : chance(2) ? OutcomeKind::failed
                                  : OutcomeKind::refused;
    fired_[intent.id] = Fired{now_.at,
                              effect,
                              kind == OutcomeKind::refused,
                              intent.lever,
                              intent.subject,
                              intent.plan.resource,
                              !intent.undoes.empty()};
    tally_.lost_replies += lost ? 1 : 0;
    if (effect) {
        take_effect(intent);
    }
    later(Millis{1000 * static_cast<std::int64_t>(1 + below(5))},
          Outcome{intent.id, kind, "sim", {}});
}

void World::take_effect(const Intent& intent) {
    const auto name = std::string(intent.subject.name());
    if (intent.lever == "platform-rollback") {
        image_ += 1;
        // The images that are rolled back to look well at first.
        const bool worse = intent.undoes.empty() && chance(2);
        const auto shows = now_.at + rules_.levers.at(intent.lever).propagation;
        for (auto& [slug, tenant] : tenants_) {
            tenant.up = true;
            tenant.back_at = Instant{};
            tenant.fails_at =
                worse && !chance(4) ? shows + Millis{6'000 + 1'000 * below(10)} : Instant{};
            tenant.requests = 1;
        }
        return;
    }
    if (intent.lever == "template-rollback") {
        runtime_bad_[name] = runtime_bad_[name] && chance(4);
        return;
    }
    auto& things = intent.subject.kind() == "tenant" ? tenants_ : workspaces_;
    auto& thing = things.at(name);
    thing.up = false;
    const bool helps = !chance(intent.lever == "workspace-restart" ? 2 : 8);
    thing.back_at = helps
                        ? now_.at + std::chrono::seconds{20 + static_cast<std::int64_t>(below(90))}
                        : Instant{};
}

}  // namespace leverd::sim
