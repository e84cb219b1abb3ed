// Why: what must never happen, asked after every turn, at every call and at every effect.
#include "core/model/codec.hpp"
#include "tests/sim/app/virtual_time.hpp"
#include "tests/sim/app/world.hpp"

#include <fmt/format.h>

namespace leverd::sim {
namespace {

constexpr std::int64_t cool_down = 15 * 60'000;

std::string lever_of(const std::string& what) {
    return what == "redeploy" ? "tenant-redeploy" : "tenant-restart";
}

}  // namespace

void AppWorld::violate(const std::string& what) {
    violations_.push_back(
        fmt::format("seed {} at {} s: {}", seed_, virtual_time::uptime() / 1000, what));
}

void AppWorld::note(const Entry& entry) {
    tally_.incidents += std::holds_alternative<IncidentOpened>(entry.body) ? 1 : 0;
    decisions_durable_ += std::holds_alternative<Decision>(entry.body) ? 1 : 0;
    if (const auto* decided = std::get_if<Decision>(&entry.body)) {
        tally_.decisions[decided->reason] += 1;
    }
    if (const auto* intent = std::get_if<Intent>(&entry.body)) {
        tally_.intents += 1;
        intents_[{intent->lever, intent->subject.text()}] += 1;
    } else if (const auto* verdict = std::get_if<Verdict>(&entry.body)) {
        tally_.verdicts[std::string(to_string(verdict->kind))] += 1;
        const auto& intents = app_->backend().state().intents;
        const auto held = intents.find(verdict->intent);
        if (verdict->kind == VerdictKind::recovered && held != intents.end() &&
            !stack_.up(std::string(held->second.intent.subject.name()))) {
            violate(verdict->intent + " is called recovered and its tenant is down");
        }
    }
}

// Invariants 1 and 2: an intent is on disk before its call, and one intent makes one call. A start
// may be asked for again while the stack refuses it, so there the effects are counted.
void AppWorld::check_call(const net::HttpRequest& request) {
    const auto end = request.url.rfind('/');
    const auto begin = request.url.rfind('/', end - 1) + 1;
    const auto slug = request.url.substr(begin, end - begin);
    const auto what = request.url.substr(end + 1);
    if (dead_) {
        violate("a dead process calls");
    }
    const int times = what == "start" ? 0 : ++sent_[{slug, what}];
    const int intents = intents_[{lever_of(what), "tenant/" + slug}];
    if (intents == 0 || times > intents) {
        violate(fmt::format("{} of {} sent {} times for {} intents", what, slug, times, intents));
    }
}

void AppWorld::check_journal() {
    const auto& journal = stack_.journal;
    if (static_cast<int>(journal.size()) == tally_.effects) {
        return;
    }
    tally_.effects = static_cast<int>(journal.size());
    const auto& newest = journal.back();
    int times = 0;
    for (const auto& landed : journal) {
        const bool same = landed.slug == newest.slug && landed.what == newest.what;
        times += same ? 1 : 0;
        if (same && &landed != &newest && newest.at - landed.at < cool_down) {
            violate(fmt::format("{} of {} twice inside the cool-down", newest.what, newest.slug));
        }
    }
    if (times > intents_[{lever_of(newest.what), "tenant/" + newest.slug}]) {
        violate(fmt::format("{} of {} took effect more often than it was meant", newest.what,
                            newest.slug));
    }
}

void AppWorld::check_turn() {
    if (dead_) {
        return;
    }
    const auto& state = app_->backend().state();
    if (!unwritten_ && state.decisions_made != decisions_durable_) {
        violate(fmt::format("{} decisions counted, {} in the ledger", state.decisions_made,
                            decisions_durable_));
    }
    std::set<Subject> busy;
    for (const auto& [id, held] : state.intents) {
        if (held.phase != IntentPhase::done && !busy.insert(held.intent.subject).second) {
            violate("two levers are at work on " + held.intent.subject.text());
        }
    }
}

void AppWorld::check_rest() {
    const auto& state = app_->backend().state();
    for (const auto& [key, active] : state.symptoms) {
        violate(fmt::format("{} on {} is still there after everything was mended", key.first,
                            key.second.text()));
    }
    for (const auto& [id, incident] : state.incidents) {
        if (incident.phase != IncidentPhase::closed) {
            violate(id + " is still open after everything was mended");
        }
    }
    if (state.intents_open != 0) {
        violate("an intent never came to an end");
    }
}

}  // namespace leverd::sim
