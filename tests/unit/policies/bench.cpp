// Why: see bench.hpp.
#include "tests/unit/policies/bench.hpp"

#include "policies/page/forgotten.hpp"

#include <algorithm>

namespace leverd::test {
namespace {

Signal signal(std::string id, std::string kind, std::string probe, int looks) {
    Signal made;
    made.id = std::move(id);
    made.subject_kind = std::move(kind);
    made.probe = std::move(probe);
    made.looks = looks;
    return made;
}

Symptom symptom(std::string id, std::string kind, std::vector<std::string> any, std::string lever) {
    Symptom made;
    made.id = std::move(id);
    made.title = made.id;
    made.subject_kind = std::move(kind);
    made.any = std::move(any);
    made.levers.push_back({"**", std::move(lever), {}});
    return made;
}

Policy policy(std::string id, std::string symptom_id, std::string lever, Mode mode) {
    Policy made;
    made.id = std::move(id);
    made.symptom = std::move(symptom_id);
    made.lever = std::move(lever);
    made.subjects = {"*"};
    made.mode = mode;
    made.owner = "ops";
    made.limits.cool_down = std::chrono::minutes{30};
    made.limits.verify_timeout = std::chrono::minutes{10};
    made.limits.per_hour = 4;
    made.limits.blast_percent = 50;
    made.limits.blast_count = 4;
    return made;
}

LeverContract contract(std::string id, Millis propagation) {
    LeverContract made;
    made.id = std::move(id);
    made.propagation = propagation;
    return made;
}

}  // namespace

Rules small_rules() {
    Rules rules;
    rules.runbook.signals = {signal("tenant-health", "tenant", "tenant_health", 3),
                             signal("control-plane-broken", "control-plane", "control_plane", 3),
                             signal("image-drift", "image", "image_drift", 2)};
    auto down = symptom("tenant-unreachable", "tenant", {"tenant-health"}, "tenant-redeploy");
    down.requires_healthy = {Subject{"control-plane"}};
    down.needs_working_sibling = true;
    auto platform =
        symptom("platform-regression", "platform", {"tenant-health"}, "platform-rollback");
    platform.group = GroupRule{"tenant",
                               2,
                               {},
                               20,
                               std::chrono::minutes{30},
                               false,
                               "image/platform*",
                               std::chrono::minutes{30}};
    rules.runbook.symptoms = {
        down,
        symptom("login-broken", "control-plane", {"control-plane-broken"},
                "control-plane-rollback"),
        platform, symptom("stray-image", "image", {"image-drift"}, "template-rollback")};
    rules.runbook.topology = {{"tenant", {"platform", "control-plane"}},
                              {"platform", {"control-plane", "image/platform"}}};
    rules.policies.ceiling = Mode::automatic;
    rules.policies.policies = {
        policy("p-c", "tenant-unreachable", "tenant-redeploy", Mode::automatic),
        policy("p-a", "platform-regression", "platform-rollback", Mode::approve),
        policy("p-b", "stray-image", "template-rollback", Mode::automatic),
        policy("p-e", "login-broken", "control-plane-rollback", Mode::recommend)};
    rules.policies.observer.quorum = 2;
    rules.policies.observer.dwell = std::chrono::seconds{60};
    auto redeploy = contract("tenant-redeploy", std::chrono::seconds{60});
    redeploy.proof = {ProofStep{ProofStep::Who::target, "tenant_health", 2, "auth_read", Millis{0},
                                "requests_total"}};
    auto rollback = contract("platform-rollback", std::chrono::minutes{5});
    rollback.moves_image = true;
    rollback.proof = {ProofStep{ProofStep::Who::lever, {}, 3, {}, std::chrono::seconds{30}, {}},
                      ProofStep{ProofStep::Who::cleared, {}, 0, {}, Millis{0}, {}}};
    auto retag = contract("template-rollback", std::chrono::seconds{30});
    retag.moves_image = true;
    retag.restores_receipt = true;
    retag.proof = {ProofStep{ProofStep::Who::lever, {}, 3, {}, std::chrono::seconds{30}, {}}};
    auto manual = contract("control-plane-rollback", Millis{0});
    manual.manual = true;
    for (const auto& one : {redeploy, rollback, retag, manual}) {
        rules.levers[one.id] = one;
    }
    rules.config_hash = "test";
    return rules;
}

Bench::Bench(Rules rules, bool first)
    : rules_(std::move(rules)), engine_(std::make_unique<Engine>(rules_)) {
    take(engine_->resume(Started{"test", "test", "boot", 0, first}, now_));
}

void Bench::advance(Millis by) {
    now_.at += by;
    now_.wall += by;
}

void Bench::take(Turn turn) {
    ledger_.insert(ledger_.end(), turn.entries.begin(), turn.entries.end());
    effects_.insert(effects_.end(), turn.effects.begin(), turn.effects.end());
    if (!auto_plan || answering_) {
        return;
    }
    answering_ = true;
    for (const auto& effect : turn.effects) {
        if (const auto* wanted = std::get_if<MakePlan>(&effect)) {
            PlanResult result;
            result.incident = wanted->incident;
            result.ok = true;
            result.plan.lever = wanted->lever;
            result.plan.subject = wanted->subject;
            result.plan.resource = wanted->subject.text();
            result.plan.target_version = "v1";
            result.undo_of = wanted->undo_of;
            send(std::move(result));
        }
    }
    answering_ = false;
}

void Bench::look(const std::string& subject, const std::string& probe, Health health, Reason reason,
                 Facts facts, const std::string& version) {
    Observation seen;
    seen.subject = Subject{subject};
    seen.probe = probe;
    seen.health = health;
    seen.reason = reason;
    seen.facts = std::move(facts);
    seen.version = version;
    seen.evidence = "looked";
    seen.seen = now_;
    send(std::move(seen));
}

void Bench::reference(int index, bool works) {
    look("reference/" + std::to_string(index), "reference",
         works ? Health::healthy : Health::failing, works ? Reason::ok : Reason::connect_timeout);
}

void Bench::good(const std::string& tenant, double requests) {
    look("tenant/" + tenant, "tenant_health", Health::healthy, Reason::ok,
         {{"requests_total", requests}, {"auth_read", 1}});
}

void Bench::bad(const std::string& tenant, Reason reason) {
    look("tenant/" + tenant, "tenant_health", Health::failing, reason);
}

void Bench::all_good() {
    for (int i = 0; i < 3; ++i) {
        reference(i, true);
    }
    look("control-plane", "control_plane", Health::healthy);
    for (const auto* tenant : tenants) {
        good(tenant);
    }
}

void Bench::settle() {
    all_good();
    advance(std::chrono::seconds{61});
    all_good();
}

void Bench::kill_all(const std::vector<std::string>& dead, int looks) {
    for (int i = 0; i < looks; ++i) {
        advance(std::chrono::seconds{1});
        for (const auto& tenant : dead) {
            bad(tenant);
        }
        for (int r = 0; r < 3; ++r) {
            reference(r, true);
        }
        look("control-plane", "control_plane", Health::healthy);
        for (const std::string other : tenants) {
            const SymptomKey key{"tenant-unreachable", Subject{"tenant/" + other}};
            if (std::ranges::find(dead, other) == dead.end() && !view().symptoms.contains(key)) {
                good(other);
            }
        }
        tick();
    }
}

void Bench::answer_plan(const std::string& incident, const std::string& target_version) {
    const auto& held = view().incidents.at(incident);
    PlanResult result;
    result.incident = incident;
    result.ok = true;
    for (const auto& row : rules_.runbook.symptoms) {
        if (row.id == held.symptom) {
            result.plan.lever = row.levers.front().lever;
        }
    }
    result.plan.subject = held.subject;
    result.plan.resource = held.subject.text();
    result.plan.target_version = target_version;
    send(std::move(result));
}

void Bench::fail_plan(const std::string& incident, const std::string& problem) {
    PlanResult result;
    result.incident = incident;
    result.problem = problem;
    send(std::move(result));
}

void Bench::outcome(const std::string& intent, OutcomeKind kind) {
    send(Outcome{intent, kind, "told by the test", {}});
}

void Bench::approve(const std::string& decision, bool yes) {
    for (const auto& held : decisions()) {
        if (held.id == decision) {
            send(ApprovalGiven{decision, held.hash, yes, "someone", "because"});
        }
    }
}

void Bench::restart(Millis away) {
    engine_ = std::make_unique<Engine>(rules_);
    for (const auto& entry : ledger_) {
        engine_->restore(entry);
    }
    effects_.clear();
    Started started{"test", "test", "boot", 0};
    started.away = started.proven = away;
    take(engine_->resume(started, now_));
}

void Bench::lose_history(const std::vector<Paged>& told, bool doubted) {
    engine_ = std::make_unique<Engine>(rules_);
    effects_.clear();
    auto forgotten = forgotten_pages(rules_, engine_->view(), told, doubted, now_);
    for (const auto& entry : forgotten) {
        engine_->restore(entry);
    }
    ledger_ = std::move(forgotten);
    take(engine_->resume(Started{"test", "test", "boot", 0}, now_));
    if (doubted) {
        send(HistoryDoubted{"the ledger is gone", 0, {}, 0, {}});
    }
}

void Bench::reload(Rules rules) {
    rules_ = std::move(rules);
    take(engine_->reload(rules_, now_));
}

std::vector<Decision> Bench::decisions() const {
    return entries<Decision>();
}

std::optional<Decision> Bench::newest(const std::string& subject) const {
    std::optional<Decision> found;
    for (const auto& decision : decisions()) {
        if (decision.subject.text() == subject) {
            found = decision;
        }
    }
    return found;
}

}  // namespace leverd::test
