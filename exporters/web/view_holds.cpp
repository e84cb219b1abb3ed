// Why: levers that do not fire are a question to whoever stands there. Everything that holds them
// back for more than one decision is told in one place: who, why, until when.
#include "core/model/codec.hpp"
#include "exporters/web/views.hpp"
#include "policies/topology.hpp"
#include "policies/windows.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace leverd::exporters::web {
namespace {

bool in_force(const Scene& scene, const Veto& veto) {
    return veto.set.until == Instant{} || scene.now.at < veto.set.until;
}

Json window_row(const Window& window, WallTime now) {
    Json out = Json::object();
    out["id"] = window.id;
    out["effect"] = window.effect == Window::Effect::hold ? "hold" : "only";
    out["subjects"] = window.subjects;
    out["levers"] = window.levers;
    out["when"] = describe(window);
    out["expires"] = window.expires ? Json(format_rfc3339(*window.expires)) : Json(nullptr);
    out["owner"] = window.owner;
    out["reason"] = window.reason;
    out["holds_now"] = holds_now(window, now);
    return out;
}

}  // namespace

bool holds_now(const Window& window, WallTime now) {
    if (window.expires && now >= *window.expires) {
        return false;
    }
    return is_open(window, now) == (window.effect == Window::Effect::hold);
}

int count_matches(const Scene& scene, const std::string& glob) {
    return static_cast<int>(
        std::count_if(scene.state.subjects.begin(), scene.state.subjects.end(),
                      [&glob](const auto& item) { return subject_matches(glob, item.first); }));
}

Json veto_row(const Scene& scene, const Veto& veto) {
    Json out = Json::object();
    out["id"] = veto.set.id;
    out["subjects"] = veto.set.subjects;
    out["lever"] = veto.set.lever;
    out["who"] = veto.set.who;
    out["why"] = veto.set.why;
    out["since"] = time_json(veto.since);
    out["until"] = time_json(scene, veto.set.until);
    out["mute"] = veto.set.mute;
    return out;
}

Json vetoes_view(const Scene& scene) {
    std::vector<const Veto*> chosen;
    for (const auto& [id, veto] : scene.state.vetoes) {
        if (in_force(scene, veto)) {
            chosen.push_back(&veto);
        }
    }
    // Oldest first: what may have been forgotten comes before what was just set.
    std::sort(chosen.begin(), chosen.end(), [](const Veto* a, const Veto* b) {
        return a->since.at != b->since.at ? a->since.at < b->since.at : a->set.id < b->set.id;
    });
    Json out = Json::object();
    out["vetoes"] = Json::array();
    for (const Veto* veto : chosen) {
        out["vetoes"].push_back(veto_row(scene, *veto));
    }
    return out;
}

Json storm_json(const Scene& scene) {
    const Breaker& breaker = scene.state.breaker;
    const StormRules& storm = scene.rules.policies.storm;
    Json out = Json::object();
    out["phase"] = to_string(breaker.phase);
    out["allowed"] = breaker.allowed;
    out["why"] = breaker.why;
    out["since"] = time_json(breaker.since);
    out["used"] = storm.incidents > 0;
    switch (breaker.phase) {
        case BreakerPhase::closed:
            out["words"] =
                storm.incidents > 0
                    ? fmt::format("opens at {} within {}",
                                  storm.incidents == 1
                                      ? std::string("1 incident")
                                      : fmt::format("{} separate incidents", storm.incidents),
                                  format_duration(storm.within))
                    : std::string("not used");
            break;
        case BreakerPhase::open:
            out["words"] = fmt::format("no lever fires until {} pass without a new incident",
                                       format_duration(storm.quiet));
            break;
        case BreakerPhase::half_open:
            out["words"] = breaker.allowed == 1
                               ? std::string("1 lever may be in flight; more once it is proven")
                               : fmt::format("{} levers may be in flight", breaker.allowed);
            break;
    }
    return out;
}

Json flapping_json(const Scene& scene) {
    Json out = Json::array();
    for (const auto& [signal, subject] : scene.state.flapping) {
        Json row = Json::object();
        row["signal"] = signal;
        row["subject"] = subject.text();
        const auto changes = scene.state.changes.find({signal, subject});
        row["changes"] = changes == scene.state.changes.end() ? 0 : changes->second.size();
        row["window"] = format_duration(scene.rules.runbook.flap.window);
        out.push_back(std::move(row));
    }
    return out;
}

Json windows_json(const Scene& scene, bool holding_only) {
    Json out = Json::array();
    for (const Window& window : scene.rules.policies.windows) {
        if (!holding_only || holds_now(window, scene.now.wall)) {
            out.push_back(window_row(window, scene.now.wall));
        }
    }
    return out;
}

}  // namespace leverd::exporters::web
