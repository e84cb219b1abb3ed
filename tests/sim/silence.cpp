// Why: the one thing that users of a watchdog fear more than an outage is one that nobody tells
// them of. Asked after every step of every world, by what is true in the world and not by what the
// engine thinks.
#include "policies/page/groups.hpp"
#include "policies/topology.hpp"
#include "tests/sim/world.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace leverd::sim {
namespace {

using namespace std::chrono_literals;

// Three looks of a tenant or two of a workspace, with one that said nothing; then the longest grace
// of the table with its dwell, and the wait for others to join.
constexpr Millis detection = 90s;
constexpr Millis graces = 5min + 60s + 10s;
constexpr Millis step_and_restart = 40s;

}  // namespace

bool World::is_broken(const Subject& subject) const {
    const std::string name(subject.name());
    if (subject.kind() == "tenant") {
        return !tenants_.at(name).up;
    }
    const auto& workspace = workspaces_.at(name);
    return !workspace.up || runtime_bad_.at(workspace.runtime);
}

// What lies above it may hide it, and is then asked about by itself.
bool World::can_be_seen(const Subject& subject) const {
    if (!network_up_ || !control_plane_up_) {
        return false;
    }
    const std::string name(subject.name());
    return subject.kind() == "tenant" || tenants_.at(name.substr(0, name.find('/'))).up;
}

bool World::is_told_or_in_hand(const Subject& subject) const {
    const auto& state = machine_->view();
    auto about = ancestors_of(rules_.runbook, state, subject);
    about.push_back(subject);
    const auto concerns = [&](const Subject& other) {
        return std::ranges::find(about, other) != about.end();
    };
    // Muted pages are open, too: a recorded mute covers it.
    if (std::ranges::any_of(
            about, [&](const Subject& one) { return !open_page_of(state, one).empty(); })) {
        return true;
    }
    const bool in_hand = std::ranges::any_of(state.intents, [&](const auto& item) {
        return item.second.phase != IntentPhase::done && concerns(item.second.intent.subject);
    });
    return in_hand || std::ranges::any_of(state.incidents, [&](const auto& item) {
               const auto& incident = item.second;
               return incident.phase != IncidentPhase::closed && concerns(incident.subject) &&
                      incident.decision && incident.decision->mode == Mode::observe &&
                      !incident.decision->policy.empty();
           });
}

void World::check_silence() {
    const auto& state = machine_->view();
    network_up_at_ = network_up_ ? now_.at : network_up_at_;
    if (now_.at - network_up_at_ > graces + step_and_restart &&
        !state.book.open.contains("observer")) {
        violate("the network is away and nobody is told that leverd doubts its view");
        network_up_at_ = now_.at;
    }
    const auto look = [&](const Subject& subject) {
        if (is_broken(subject)) {
            broken_at_[subject] = now_.at;
        }
        const bool silent =
            is_broken(subject) && can_be_seen(subject) && !is_told_or_in_hand(subject);
        auto& from = silent_from_.try_emplace(subject, now_.at).first->second;
        if (!silent) {
            from = now_.at;
        } else if (now_.at - from > detection + graces + step_and_restart) {
            violate(fmt::format("{} has been broken for {} and nobody was told", subject.text(),
                                format_duration(now_.at - from)));
            from = now_.at;
        }
    };
    for (const auto& [slug, tenant] : tenants_) {
        look(Subject{"tenant/" + slug});
    }
    for (const auto& [name, workspace] : workspaces_) {
        look(Subject{"workspace/" + name});
    }
}

}  // namespace leverd::sim
