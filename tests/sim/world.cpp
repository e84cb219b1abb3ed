// Why: see world.hpp. Time, trouble and the people in the world; what the stack does is in
// stack.cpp, what must never happen in checks.cpp.
#include "tests/sim/world.hpp"

#include "core/base/text.hpp"
#include "core/model/codec.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

namespace leverd::sim {
namespace {

constexpr Millis pace{2'000};
constexpr int tenants = 12;

}  // namespace

void Tally::add(const Tally& other) {
    incidents += other.incidents;
    fired += other.fired;
    undone += other.undone;
    lost_replies += other.lost_replies;
    restarts += other.restarts;
    reloads += other.reloads;
    doubts += other.doubts;
    vetoes += other.vetoes;
    approvals += other.approvals;
    storms += other.storms;
    for (const auto& [kind, count] : other.verdicts) {
        verdicts[kind] += count;
    }
}

World::World(std::uint64_t seed, std::unique_ptr<Machine> machine)
    : seed_(seed),
      of_releases_(seed % 4 == 3),
      random_(seed),
      rules_(sim_rules()),
      machine_(std::move(machine)) {
    for (int i = 0; i < tenants; ++i) {
        const auto slug = fmt::format("t{}", i);
        tenants_[slug] = Thing{};
        for (const auto* runtime : {"hermes", "codex"}) {
            Thing workspace;
            workspace.runtime = runtime;
            workspaces_[slug + "/" + runtime] = workspace;
            runtime_bad_[runtime] = false;
        }
    }
    machine_->recorded = [this](const Entry& entry) { note(entry); };
    machine_->fault = [this](const std::string& what) { violate(what); };
    network_up_at_ = now_.at;
    perform_all(machine_->start(rules_, now_));
}

void World::run(Millis duration, Millis rest) {
    const auto until = now_.at + duration;
    while (now_.at < until) {
        step();
    }
    healing_ = true;
    const auto over = now_.at + rest;
    while (now_.at < over) {
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
        people();
    }
    for (auto* things : {&tenants_, &workspaces_}) {
        for (auto& [name, thing] : *things) {
            come_back(thing);
        }
    }
    std::vector<Later> due;
    std::erase_if(later_, [&](Later& item) {
        const bool now = item.at <= now_.at;
        if (now) {
            due.push_back(std::move(item));
        }
        return now;
    });
    for (const auto& item : due) {
        deliver(item.event);
    }
    look_around();
    deliver(Tick{});
    check_silence();
}

void World::come_back(Thing& thing) {
    thing.requests += 3;
    if (thing.back_at != Instant{} && now_.at >= thing.back_at) {
        thing.back_at = Instant{};
        thing.up = true;
        thing.requests = 1;
    }
    if (thing.fails_at != Instant{} && now_.at >= thing.fails_at) {
        thing.fails_at = Instant{};
        thing.up = false;
    }
    if (thing.flaps_until != Instant{}) {
        const bool over = now_.at >= thing.flaps_until;
        thing.up = !over && (ticks_ / 6) % 2 == 0;
        thing.flaps_until = over ? Instant{} : thing.flaps_until;
    }
    if (thing.up) {
        thing.last_up = now_.at;
    }
}

void World::trouble() {
    auto any = [this](auto& things) -> Thing& {
        return std::next(things.begin(), static_cast<std::ptrdiff_t>(below(things.size())))->second;
    };
    const std::uint64_t calm = of_releases_ ? 20 : 1;
    if (chance(90 * calm)) {
        any(tenants_).up = false;
    }
    if (chance(150 * calm)) {
        any(workspaces_).up = false;
    }
    for (auto* things : {&tenants_, &workspaces_}) {
        for (auto& [name, thing] : *things) {
            thing.up = thing.up || (thing.back_at == Instant{} && chance(700));
        }
    }
    if (chance(500 * calm)) {
        any(tenants_).flaps_until = now_.at + std::chrono::minutes{4};
    }
    if (chance(control_plane_up_ ? 3000 : 120)) {
        control_plane_up_ = !control_plane_up_;
    }
    if (chance(network_up_ ? 2500 : 60)) {
        network_up_ = !network_up_;
        tally_.doubts += network_up_ ? 0 : 1;
    }
    if (chance(of_releases_ ? 600 : 1500)) {
        image_ += 1;
        for (auto& [slug, tenant] : tenants_) {
            tenant.up = tenant.up && !chance(3);
        }
    }
    for (auto& [runtime, bad] : runtime_bad_) {
        bad = bad ? !chance(1500) : chance(5000 * calm);
    }
    if (chance(1500)) {
        now_.wall += chance(2) ? std::chrono::hours{1} : std::chrono::hours{-1};
    }
    if (chance(900)) {
        restart();
    }
    if (chance(1800)) {
        reload();
    }
}

void World::people() {
    if (chance(4000)) {
        const auto lasts = chance(2) ? Millis{600'000} : Millis{0};
        deliver(StopCommand{!machine_->view().stop.stopped, "someone", "sim", lasts});
    }
    if (chance(2500)) {
        const auto slug = fmt::format("t{}", below(tenants));
        deliver(VetoCommand{"tenant/" + slug, {}, Millis{900'000}, "someone", "sim", chance(2)});
        tally_.vetoes += 1;
    }
    if (!machine_->view().vetoes.empty() && chance(600)) {
        const auto first = machine_->view().vetoes.begin()->first;
        deliver(LiftVeto{first, "someone", "sim"});
    }
}

void World::heal() {
    network_up_ = true;
    control_plane_up_ = true;
    for (auto& [runtime, bad] : runtime_bad_) {
        bad = false;
    }
    for (auto* things : {&tenants_, &workspaces_}) {
        for (auto& [name, thing] : *things) {
            thing.flaps_until = Instant{};
            thing.up = thing.up || thing.back_at == Instant{};
        }
    }
    if (machine_->view().stop.stopped) {
        deliver(StopCommand{false, "someone", "over", Millis{0}});
    }
}

void World::deliver(const Event& event) {
    const auto cut = healing_ || !chance(4000) ? Cut::no : chance(2) ? Cut::before : Cut::after;
    auto effects = machine_->on(event, now_, cut);
    if (cut != Cut::no) {
        restart();
        return;
    }
    check_state();
    perform_all(effects);
}

void World::perform_all(const std::vector<Effect>& effects) {
    for (const auto& effect : effects) {
        perform(effect);
    }
}

void World::restart() {
    tally_.restarts += 1;
    later_.clear();
    now_.at += Millis{1000 * static_cast<std::int64_t>(1 + below(30))};
    perform_all(machine_->start(rules_, now_));
}

void World::reload() {
    tally_.reloads += 1;
    for (auto& policy : rules_.policies.policies) {
        if (chance(3)) {
            policy.mode = static_cast<Mode>(below(4));
        }
    }
    perform_all(machine_->reload(rules_, now_));
}

void World::answer_question() {
    for (const auto& [id, incident] : machine_->view().incidents) {
        if (incident.decision && incident.decision->action == Action::ask && chance(2)) {
            tally_.approvals += 1;
            later(Millis{1000 * static_cast<std::int64_t>(below(of_releases_ ? 60 : 1200))},
                  ApprovalGiven{incident.decision->id, incident.decision->hash, !chance(4),
                                "someone", "late"});
        }
    }
}

void World::note(const Entry& entry) {
    tally_.incidents += std::holds_alternative<IncidentOpened>(entry.body) ? 1 : 0;
    decisions_durable_ += std::holds_alternative<Decision>(entry.body) ? 1 : 0;
    if (const auto* intent = std::get_if<Intent>(&entry.body)) {
        intents_durable_.insert(intent->id);
    } else if (const auto* verdict = std::get_if<Verdict>(&entry.body)) {
        tally_.verdicts[std::string(to_string(verdict->kind))] += 1;
        check_verdict(*verdict);
    } else if (const auto* breaker = std::get_if<BreakerChanged>(&entry.body)) {
        tally_.storms += breaker->phase == BreakerPhase::open ? 1 : 0;
    } else if (std::holds_alternative<SymptomRaised>(entry.body) &&
               !machine_->view().observer.trusted) {
        violate("a symptom was raised by a doubted observer");
    }
    if (std::getenv("SIM_TRACE") != nullptr) {
        fmt::print(stderr, "{} {}\n", to_millis(entry.now.at), dump(to_json(entry.body)));
    }
    hash_ = sha256_hex(hash_ + std::to_string(to_millis(entry.now.at)) + dump(to_json(entry.body)));
}

}  // namespace leverd::sim
