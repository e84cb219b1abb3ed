// Why: see world.hpp.
#include "tests/sim/world.hpp"

#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "policies/topology.hpp"
#include "tests/unit/policies/bench.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <nlohmann/json.hpp>

namespace leverd::sim {
namespace {

constexpr Millis pace{1'000};
constexpr const char* slugs[] = {"acme",  "globex", "initech", "umbrella",
                                 "hooli", "stark",  "wayne"};

Rules sim_rules() {
    auto rules = test::small_rules();
    for (auto& policy : rules.policies.policies) {
        policy.limits.attempts = 2;
        policy.limits.cool_down = std::chrono::minutes{15};
        policy.limits.blast_percent = 30;
    }
    rules.runbook.symptoms[0].dwell = std::chrono::seconds{10};
    return rules;
}

}  // namespace

World::World(std::uint64_t seed) : seed_(seed), random_(seed), rules_(sim_rules()) {
    for (const auto* slug : slugs) {
        tenants_[slug] = Tenant{};
    }
    engine_ = std::make_unique<Engine>(rules_);
    commit(engine_->resume(Started{"sim", "sim", "boot", 0}, now_));
}

void World::violate(const std::string& what) {
    violations_.push_back(
        fmt::format("seed {} at {} s: {}", seed_, to_millis(now_.at) / 1000, what));
}

void World::run(Millis duration) {
    const auto until = now_.at + duration;
    while (now_.at < until) {
        step();
    }
    healing_ = true;
    heal();
    const auto rest = now_.at + std::chrono::minutes{80};
    while (now_.at < rest) {
        heal();
        step();
    }
    check_rest();
}

void World::step() {
    now_.at += pace;
    now_.wall += pace;
    ticks_ += 1;
    if (!healing_) {
        trouble();
    }
    for (auto& [slug, tenant] : tenants_) {
        tenant.requests += 3;
        if (tenant.restarting && now_.at >= tenant.back_at) {
            tenant.restarting = false;
            tenant.up = true;
            tenant.requests = 1;
        }
    }
    auto due = std::move(later_);
    later_.clear();
    for (auto& item : due) {
        if (item.at <= now_.at) {
            deliver(item.event);
        } else {
            later_.push_back(std::move(item));
        }
    }
    look_around();
    deliver(Tick{});
}

void World::trouble() {
    if (chance(400)) {
        tenants_[slugs[below(std::size(slugs))]].up = false;
    }
    if (chance(3000)) {
        control_plane_up_ = !control_plane_up_;
    }
    if (!control_plane_up_ && chance(120)) {
        control_plane_up_ = true;
    }
    if (chance(2500)) {
        network_up_ = false;
        tally_.doubts += 1;
    }
    if (!network_up_ && chance(60)) {
        network_up_ = true;
    }
    if (chance(5000)) {
        image_ += 1;
        image_bad_ = true;
        for (const auto* slug : {"acme", "globex", "stark"}) {
            tenants_[slug].up = false;
        }
    }
    if (chance(4000)) {
        deliver(StopCommand{!engine_->view().stop.stopped, "someone", "sim"});
    }
    if (chance(1500)) {
        now_.wall += chance(2) ? std::chrono::hours{1} : std::chrono::hours{-1};
    }
    if (chance(900)) {
        restart();
    }
    for (auto& [slug, tenant] : tenants_) {
        if (!tenant.up && chance(1200)) {
            tenant.up = true;
        }
    }
}

void World::heal() {
    network_up_ = true;
    control_plane_up_ = true;
    image_bad_ = false;
    for (auto& [slug, tenant] : tenants_) {
        tenant.up = tenant.up || !tenant.restarting;
    }
    if (engine_->view().stop.stopped) {
        deliver(StopCommand{false, "someone", "over"});
    }
}

void World::look_at_tenant(const std::string& slug) {
    const auto& tenant = tenants_.at(slug);
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

void World::look_around() {
    const auto wished = std::exchange(soon_, {});
    int index = 0;
    for (const auto& [slug, tenant] : tenants_) {
        index += 1;
        if ((ticks_ + index) % 5 == 0 || wished.contains("tenant/" + slug)) {
            look_at_tenant(slug);
        }
    }
    const auto plain = [&](const std::string& subject, const char* probe, bool good, int every,
                           const std::string& version = {}) {
        if (ticks_ % every != 0 && !wished.contains(subject)) {
            return;
        }
        Observation seen;
        seen.subject = Subject{subject};
        seen.probe = probe;
        seen.health = good ? Health::healthy : Health::failing;
        seen.reason = good ? Reason::ok : Reason::http_5xx;
        seen.version = good ? version : std::string{};
        seen.seen = now_;
        deliver(seen);
    };
    for (int i = 0; i < 3; ++i) {
        plain("reference/" + std::to_string(i), "reference", network_up_ || (i == 0 && chance(3)),
              5);
    }
    plain("control-plane", "control_plane", control_plane_up_ && network_up_, 5);
    plain("image/platform", "image_drift", network_up_, 10, "sha256:" + std::to_string(image_));
}

void World::deliver(const Event& event) {
    auto turn = engine_->on(event, now_);
    // The process may die before the transaction, or after it and before its effects.
    if (!healing_ && !turn.entries.empty() && chance(600)) {
        if (chance(2)) {
            ledger_.insert(ledger_.end(), turn.entries.begin(), turn.entries.end());
        }
        restart();
        return;
    }
    commit(std::move(turn));
}

void World::commit(Turn turn) {
    for (const auto& entry : turn.entries) {
        tally_.incidents += std::holds_alternative<IncidentOpened>(entry.body) ? 1 : 0;
        if (const auto* verdict = std::get_if<Verdict>(&entry.body)) {
            tally_.recovered += verdict->kind == VerdictKind::recovered ? 1 : 0;
        }
        if (std::holds_alternative<SymptomRaised>(entry.body) &&
            !engine_->view().observer.trusted) {
            violate("a symptom was raised by a doubted observer");
        }
        ledger_.push_back(entry);
    }
    check_state();
    for (const auto& effect : turn.effects) {
        perform(effect);
    }
}

void World::perform(const Effect& effect) {
    if (const auto* plan = std::get_if<MakePlan>(&effect)) {
        PlanResult result;
        result.incident = plan->incident;
        result.ok = !chance(10);
        result.problem = result.ok ? "" : "could not be read";
        result.plan.lever = plan->lever;
        result.plan.subject = plan->subject;
        result.plan.resource = plan->subject.text();
        result.plan.target_version = std::to_string(image_);
        later(Millis{1000 * static_cast<std::int64_t>(below(4))}, result);
    } else if (const auto* call = std::get_if<FireLever>(&effect)) {
        fire(call->intent);
    } else if (const auto* settle = std::get_if<ObserveLever>(&effect)) {
        const auto took = chance(4)                     ? Took::unclear
                          : effects_[settle->intent.id] ? Took::yes
                                                        : Took::no;
        later(Millis{1000}, Settled{settle->intent.id, took, "looked"});
    } else if (const auto* proof = std::get_if<ProveLever>(&effect)) {
        Observation seen;
        seen.subject = proof->intent.subject;
        seen.probe = "lever:" + proof->intent.lever;
        seen.health = effects_[proof->intent.id] && network_up_ ? Health::healthy : Health::unknown;
        seen.reason = Reason::ok;
        seen.seen = now_;
        later(Millis{0}, seen);
    } else if (const auto* again = std::get_if<LookAgain>(&effect)) {
        soon_.insert(again->subject.text());
    } else if (std::holds_alternative<SendPage>(effect)) {
        for (const auto& [id, incident] : engine_->view().incidents) {
            if (incident.decision && incident.decision->action == Action::ask && chance(2)) {
                later(Millis{1000 * static_cast<std::int64_t>(below(1200))},
                      ApprovalGiven{incident.decision->id, incident.decision->hash, !chance(4),
                                    "someone", "late"});
            }
        }
    }
}

void World::fire(const Intent& intent) {
    check_fire(intent);
    tally_.fired += 1;
    calls_[intent.id] += 1;
    const auto fate = below(8);
    const bool effect = fate != 0 && fate != 1;
    effects_[intent.id] = effect;
    const bool lost = fate == 1 || fate == 2;
    tally_.lost_replies += lost ? 1 : 0;
    if (effect && intent.lever == "tenant-redeploy") {
        auto& tenant = tenants_[std::string(intent.subject.name())];
        tenant.up = false;
        tenant.restarting = !chance(10);
        tenant.back_at = now_.at + std::chrono::seconds{20 + static_cast<std::int64_t>(below(90))};
    }
    if (effect && intent.lever == "platform-rollback") {
        image_ += 1;
        image_bad_ = false;
        for (auto& [slug, tenant] : tenants_) {
            tenant.up = true;
            tenant.requests = 1;
        }
    }
    const auto kind = lost        ? OutcomeKind::unknown
                      : effect    ? OutcomeKind::accepted
                      : chance(2) ? OutcomeKind::failed
                                  : OutcomeKind::refused;
    later(Millis{1000 * static_cast<std::int64_t>(1 + below(5))},
          Outcome{intent.id, kind, "sim", {}});
}

void World::check_fire(const Intent& intent) {
    const auto recorded = std::ranges::any_of(ledger_, [&](const Entry& entry) {
        const auto* held = std::get_if<Intent>(&entry.body);
        return held != nullptr && held->id == intent.id;
    });
    if (!recorded) {
        violate(intent.id + " fired without its intent in the ledger");
    }
    if (calls_[intent.id] > 0) {
        violate(intent.id + " called twice");
    }
    const auto& state = engine_->view();
    if (state.stop.stopped) {
        violate(intent.id + " fired with the stop switch set");
    }
    if (!state.observer.trusted) {
        violate(intent.id + " fired by a doubted observer");
    }
    const auto key = std::pair{intent.lever, intent.subject};
    const auto before = fired_at_.find(key);
    if (before != fired_at_.end() && now_.at - before->second < std::chrono::minutes{15}) {
        violate(intent.id + " fired inside its cool-down");
    }
    fired_at_[key] = now_.at;
}

void World::check_state() {
    const auto& state = engine_->view();
    std::vector<const Intent*> open;
    for (const auto& [id, held] : state.intents) {
        if (held.phase != IntentPhase::done) {
            open.push_back(&held.intent);
        }
    }
    for (const auto* a : open) {
        for (const auto* b : open) {
            const bool related = a->subject == b->subject ||
                                 is_ancestor(rules_.runbook, state, a->subject, b->subject);
            if (a != b && related) {
                violate(fmt::format("{} and {} are at work on one subject", a->id, b->id));
            }
        }
    }
    std::int64_t counted = 0;
    for (const auto& [key, count] : state.decision_counts) {
        counted += count;
    }
    if (counted != state.decisions_made) {
        violate("decisions recorded and counted differ");
    }
}

void World::check_rest() {
    const auto& state = engine_->view();
    for (const auto& [key, active] : state.symptoms) {
        violate(fmt::format("{} on {} is still there after everything healed", key.first,
                            key.second.text()));
    }
    for (const auto& [id, incident] : state.incidents) {
        if (incident.phase != IncidentPhase::closed) {
            violate(id + " is still open after everything healed");
        }
    }
    for (const auto& [id, held] : state.intents) {
        if (held.phase != IntentPhase::done) {
            violate(id + " never came to an end");
        }
    }
    std::int64_t decisions = 0;
    for (const auto& entry : ledger_) {
        decisions += std::holds_alternative<Decision>(entry.body) ? 1 : 0;
    }
    if (decisions != state.decisions_made) {
        violate(
            fmt::format("{} decisions in the ledger, {} counted", decisions, state.decisions_made));
    }
}

void World::restart() {
    tally_.restarts += 1;
    later_.clear();
    engine_ = std::make_unique<Engine>(rules_);
    for (const auto& entry : ledger_) {
        engine_->restore(entry);
    }
    now_.at += Millis{1000 * static_cast<std::int64_t>(1 + below(30))};
    commit(engine_->resume(Started{"sim", "sim", "boot", 0}, now_));
}

std::string World::ledger_hash() const {
    std::string text;
    for (const auto& entry : ledger_) {
        text =
            sha256_hex(text + std::to_string(to_millis(entry.now.at)) + dump(to_json(entry.body)));
    }
    return text;
}

}  // namespace leverd::sim
