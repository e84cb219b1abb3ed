// Why: see switches.hpp.
#include "policies/switches.hpp"

#include "policies/topology.hpp"

#include <fmt/format.h>

namespace leverd {
namespace {

bool is_over(Instant until, Instant now) {
    return until != Instant{} && now >= until;
}

}  // namespace

void settle_switches(Work& work) {
    const auto& stop = work.state.stop;
    if (stop.stopped && is_over(stop.until, work.now.at)) {
        work.record(StopSet{false, own_name, "its time is over: " + stop.why, {}});
    }
    std::vector<std::string> over;
    for (const auto& [id, veto] : work.state.vetoes) {
        if (is_over(veto.set.until, work.now.at)) {
            over.push_back(id);
        }
    }
    for (const auto& id : over) {
        work.record(VetoLifted{id, own_name, "its time is over"});
    }
}

const Veto* veto_on(const State& state, const Subject& subject, const std::string& lever) {
    for (const auto& [id, veto] : state.vetoes) {
        if ((veto.set.lever.empty() || veto.set.lever == lever) &&
            subject_matches(veto.set.subjects, subject)) {
            return &veto;
        }
    }
    return nullptr;
}

void freeze_subject(Work& work, const Subject& subject, std::string why) {
    const auto* held = veto_on(work.state, subject, {});
    if (held == nullptr || held->set.who != own_name) {
        work.record(VetoSet{fmt::format("v-{}", work.state.vetoes_made + 1),
                            subject.text(),
                            {},
                            {},
                            own_name,
                            std::move(why)});
    }
}

}  // namespace leverd
