// Why: the first thing an on-call engineer asks, "is anything wrong, and is leverd able to act",
// answered in one sentence and the facts behind it.
#include "core/model/codec.hpp"
#include "exporters/web/views.hpp"
#include "policies/page/delivery.hpp"
#include "policies/switches.hpp"
#include "policies/windows.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace leverd::exporters::web {
namespace {

struct Tally {
    int open = 0;
    int escalated = 0;
    int pending = 0;
    int in_flight = 0;
};

Tally tally(const Scene& scene) {
    Tally out;
    for (const auto& [id, incident] : scene.state.incidents) {
        if (incident.phase == IncidentPhase::closed) {
            continue;
        }
        ++out.open;
        out.escalated += incident.phase == IncidentPhase::escalated ? 1 : 0;
        const bool pending = approval_pending(scene, incident);
        out.pending += pending ? 1 : 0;
    }
    for (const auto& [id, intent] : scene.state.intents) {
        out.in_flight += intent.phase == IntentPhase::done ? 0 : 1;
    }
    return out;
}

bool everything(std::string_view glob) {
    return glob == "*" || glob == "**";
}

// The file holds levers beside the switch: each has to be lifted where it was set.
void add_stop(const Backend& backend, const Scene& scene, std::vector<std::string>& out) {
    const auto& stop = scene.state.stop;
    const auto file = backend.stop_file_set();
    const bool by_file = stop.who == by_stop_file;
    if (stop.stopped && !(by_file && !file.empty())) {
        const Json until = time_json(scene, stop.until);
        out.push_back(fmt::format("the stop switch is set by {}{}: {}{}",
                                  stop.who.empty() ? "someone" : stop.who,
                                  until.is_null() ? "" : " until " + until.get<std::string>(),
                                  stop.why.empty() ? "no reason given" : stop.why,
                                  by_file ? "" : "; lift it: leverd resume --why ..."));
    }
    if (!file.empty()) {
        const bool unreadable = by_file && !stop.why.ends_with(" exists");
        out.push_back(unreadable ? "the stop file holds every lever: " + stop.why
                                 : fmt::format("the stop file holds every lever: remove {}", file));
    }
}

// Everything that keeps leverd from firing any lever at all, worst first.
std::vector<std::string> obstacles(const Backend& backend, const Scene& scene) {
    std::vector<std::string> out;
    const State& state = scene.state;
    if (!state.ledger_writable) {
        out.push_back("the ledger cannot be written");
    }
    if (state.history.doubted) {
        out.push_back("the history is in doubt: " + state.history.why +
                      "; look into it, then leverd ledger accept --why ...");
    }
    add_stop(backend, scene, out);
    if (state.breaker.phase == BreakerPhase::open) {
        out.push_back("the storm breaker is open: " + state.breaker.why);
    }
    const Json vetoes = vetoes_view(scene);  // named: a loop over part of a temporary dangles
    for (const Json& veto : vetoes["vetoes"]) {
        if (everything(veto["subjects"].get<std::string>()) && veto["lever"] == "") {
            out.push_back(fmt::format("veto {} by {} holds every lever: {}",
                                      veto["id"].get<std::string>(), veto["who"].get<std::string>(),
                                      veto["why"].get<std::string>()));
        }
    }
    for (const Window& window : scene.rules.policies.windows) {
        const bool all = std::any_of(window.subjects.begin(), window.subjects.end(), everything);
        if (all && window.levers.empty() && holds_now(window, scene.now.wall)) {
            out.push_back(fmt::format("window {} ({}) holds every lever: {}", window.id,
                                      describe(window), window.reason));
        }
    }
    if (!state.observer.trusted) {
        out.push_back("this box doubts its own view: " + state.observer.why);
    }
    const auto ready = backend.ready();
    if (!ready.ok && out.empty()) {
        out.push_back("not ready: " + ready.why);
    }
    if (scene.rules.policies.ceiling < Mode::approve) {
        out.push_back(fmt::format("the mode ceiling of this box is {}: levers are only shown",
                                  to_string(scene.rules.policies.ceiling)));
    }
    return out;
}

// Pages that their sinks have not accepted, in words and per sink.
Json delivery_json(const Backend& backend, const Scene& scene) {
    const auto sinks = backend.page_delivery();
    Json out = Json::object();
    out["undelivered"] = delivery_lines(sinks, scene.now);
    out["sinks"] = Json::array();
    for (const auto& sink : sinks) {
        Json row = Json::object();
        row["sink"] = sink.sink;
        row["undelivered"] = sink.undelivered;
        row["oldest"] = sink.oldest ? time_json(scene, sink.oldest->at) : Json(nullptr);
        row["key"] = sink.key;
        row["problem"] = sink.problem;
        out["sinks"].push_back(std::move(row));
    }
    return out;
}

Json health_json(const Health& health) {
    Json out = Json::object();
    out["ok"] = health.ok;
    out["why"] = health.why;
    return out;
}

}  // namespace

Scene scene_of(const Backend& backend) {
    return Scene{backend.state(), backend.rules(), backend.now()};
}

Json time_json(const Now& moment) {
    if (moment.wall == WallTime{}) {
        return nullptr;
    }
    return format_rfc3339(moment.wall);
}

Json time_json(const Scene& scene, Instant moment) {
    if (moment == Instant{}) {
        return nullptr;
    }
    return format_rfc3339(scene.now.wall - (scene.now.at - moment));
}

Json status_view(const Backend& backend) {
    const Scene scene = scene_of(backend);
    const State& state = scene.state;
    const Tally counts = tally(scene);
    const auto blocked = obstacles(backend, scene);

    Json out = Json::object();
    out["version"] = backend.version();
    out["time"] = time_json(scene.now);
    out["started"] = time_json(state.started);
    out["config_hash"] = state.config_hash;
    add_headline(backend, scene, out);
    out["healthy"] = health_json(backend.healthy());
    const auto ready = backend.ready();
    out["ready"] = health_json(ready);
    out["ready"]["next"] = ready.next;
    out["can_act"]["ok"] = blocked.empty();
    out["can_act"]["why"] = blocked;
    out["stop"]["stopped"] = state.stop.stopped;
    out["stop"]["who"] = state.stop.who;
    out["stop"]["why"] = state.stop.why;
    out["stop"]["since"] = time_json(state.stop.since);
    out["stop"]["until"] = time_json(scene, state.stop.until);
    out["stop"]["file"] = backend.stop_file_set();
    out["restart_needed"] = backend.restart_needed();
    out["vetoes"] = vetoes_view(scene)["vetoes"];
    out["storm"] = storm_json(scene);
    out["flapping"] = flapping_json(scene);
    out["windows"] = windows_json(scene, true);
    out["autonomy"] = unearned_json(scene);
    out["observer"]["trusted"] = state.observer.trusted;
    out["observer"]["why"] = state.observer.why;
    out["observer"]["since"] = time_json(state.observer.since);
    out["pages"] = delivery_json(backend, scene);
    out["ledger"]["writable"] = state.ledger_writable;
    out["ledger"]["doubted"] = state.history.doubted;
    out["ledger"]["why"] = state.history.why;
    out["ledger"]["first_start"] = time_json(state.history.first);
    const LedgerReport end = backend.ledger_end();
    out["ledger"]["end"] =
        end.entries == 0 ? std::string{} : fmt::format("{}:{}", end.entries, end.last_hash);
    out["timeline"]["since"] = time_json(state.bridge.since);
    out["timeline"]["away_ms"] = state.bridge.away.count();
    out["timeline"]["proven_ms"] = state.bridge.proven.count();
    out["freeze"]["active"] = scene.rules.policies.freeze_active;
    out["mode_ceiling"] = to_string(scene.rules.policies.ceiling);
    out["counts"]["incidents_open"] = counts.open;
    out["counts"]["incidents_escalated"] = counts.escalated;
    out["counts"]["approvals_pending"] = counts.pending;
    out["counts"]["levers_in_flight"] = counts.in_flight;
    out["counts"]["symptoms"] = state.symptoms.size();
    out["counts"]["subjects"] = subject_counts(scene);
    return out;
}

Json overview_view(const Backend& backend) {
    constexpr std::size_t closed_shown = 20;
    // A mass outage has tens of thousands; nobody reads them, and each page asks at every change.
    constexpr std::size_t rows_shown = 500;
    const Scene scene = scene_of(backend);
    Json out = Json::object();
    out["status"] = status_view(backend);
    out["decisions"] = decisions_view(scene, true)["decisions"];
    const auto add = [&out](const char* list, Json view) {
        out[list] = std::move(view[list]);
        out["left_out"][list] = std::move(view["left_out"]);
    };
    add("incidents", incidents_view(scene, false, closed_shown, rows_shown));
    add("symptoms", symptoms_view(scene, rows_shown));
    add("subjects", subjects_view(scene, "", true, rows_shown));
    return out;
}

}  // namespace leverd::exporters::web
