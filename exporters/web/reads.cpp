// Why: every address that only shows something.
#include "core/base/text.hpp"
#include "exporters/web/assets.hpp"
#include "exporters/web/history.hpp"
#include "exporters/web/router.hpp"
#include "exporters/web/views.hpp"

#include <algorithm>
#include <charconv>

namespace leverd::exporters::web {
namespace {

using boost::asio::awaitable;

constexpr std::int64_t ledger_limit_max = 1000;
constexpr std::size_t past_decisions_max = 20;
constexpr std::string_view plain_text = "text/plain; charset=utf-8";

Response health_response(const Health& health) {
    Response out;
    out.status = health.ok ? 200 : 503;
    out.content_type = plain_text;
    out.body = (health.ok && health.why.empty() ? "ok" : sanitize(health.why, 500)) + "\n";
    return out;
}

bool flag(const Query& query, const std::string& key) {
    const auto found = query.find(key);
    return found != query.end() && found->second != "0" && found->second != "false";
}

std::optional<std::int64_t> number(const Query& query, const std::string& key,
                                   std::int64_t otherwise, std::int64_t max) {
    const auto found = query.find(key);
    if (found == query.end()) {
        return otherwise;
    }
    std::int64_t value = 0;
    const char* end = found->second.data() + found->second.size();
    const auto [stop, failure] = std::from_chars(found->second.data(), end, value);
    if (failure != std::errc{} || stop != end || value < 0 || value > max) {
        return std::nullopt;
    }
    return value;
}

Response no_such(std::string_view what, const std::string& name,
                 const std::vector<std::string>& known, const std::string& listed_at) {
    const auto near = suggest(name, known);
    return error_response(404, "no " + std::string(what) + " '" + sanitize(name, 200) + "'",
                          near ? "did you mean '" + *near + "'?" : "GET " + listed_at);
}

Response no_subject(const State& state, const std::string& name) {
    std::vector<std::string> known;
    for (const auto& [subject, held] : state.subjects) {
        known.push_back(subject.text());
    }
    return no_such("subject", name, known, "/api/v1/subjects");
}

Response ledger_failed(const Error& error) {
    return error_response(503, error.what, error.hint);
}

}  // namespace

Response get_asset(const Call& call) {
    const std::string path = call.request->target.substr(0, call.request->target.find('?'));
    for (const Asset& asset : page_assets()) {
        if (asset.path == path) {
            Response out;
            out.content_type = asset.content_type;
            out.body = asset.bytes;
            out.headers.emplace_back("Content-Security-Policy",
                                     "default-src 'self'; base-uri 'none'; form-action 'none'; "
                                     "frame-ancestors 'none'; object-src 'none'");
            out.headers.emplace_back("X-Frame-Options", "DENY");
            out.headers.emplace_back("Referrer-Policy", "no-referrer");
            out.headers.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
            return out;
        }
    }
    return error_response(404, "this part of the page is missing", "build leverd again");
}

Response get_metrics(const Call& call) {
    Response out;
    out.content_type = "text/plain; version=0.0.4; charset=utf-8";
    out.body = call.backend->metrics();
    return out;
}

Response get_healthy(const Call& call) {
    return health_response(call.backend->healthy());
}

Response get_ready(const Call& call) {
    return health_response(call.backend->ready());
}

Response get_status(const Call& call) {
    return json_response(200, status_view(*call.backend));
}

Response get_subjects(const Call& call) {
    const auto kind = call.query.find("kind");
    return json_response(
        200, subjects_view(scene_of(*call.backend), kind == call.query.end() ? "" : kind->second,
                           flag(call.query, "bad")));
}

Response get_subject(const Call& call) {
    const Scene scene = scene_of(*call.backend);
    const auto found = scene.state.subjects.find(Subject(call.capture));
    if (found == scene.state.subjects.end()) {
        return no_subject(scene.state, call.capture);
    }
    return json_response(200, subject_view(scene, found->first, found->second));
}

Response get_symptoms(const Call& call) {
    return json_response(200, symptoms_view(scene_of(*call.backend)));
}

Response get_incidents(const Call& call) {
    return json_response(200, incidents_view(scene_of(*call.backend), flag(call.query, "open")));
}

Response get_decisions(const Call& call) {
    return json_response(200, decisions_view(scene_of(*call.backend), flag(call.query, "pending")));
}

Response get_decision(const Call& call) {
    const Scene scene = scene_of(*call.backend);
    const Incident* incident = find_decision(scene.state, call.capture);
    if (incident == nullptr) {
        return no_such("current decision", call.capture, {}, "/api/v1/decisions");
    }
    return json_response(200, decision_view(scene, *incident));
}

Response get_levers(const Call& call) {
    return json_response(200, levers_view(call.backend->rules()));
}

Response get_policies(const Call& call) {
    return json_response(200, policies_view(scene_of(*call.backend)));
}

Response get_vetoes(const Call& call) {
    return json_response(200, vetoes_view(scene_of(*call.backend)));
}

Response get_overview(const Call& call) {
    return json_response(200, overview_view(*call.backend));
}

Response get_openapi(const Call&) {
    Response out;
    out.body = openapi_document();
    return out;
}

Response get_stream(const Call&) {
    Response out;
    out.content_type = "text/event-stream";
    out.stream = true;
    return out;
}

awaitable<Response> get_incident(Call call) {
    const std::string id = call.capture;
    if (call.backend->state().incidents.count(id) == 0) {
        std::vector<std::string> known;
        for (const auto& [key, incident] : call.backend->state().incidents) {
            known.push_back(key);
        }
        co_return no_such("incident", id, known, "/api/v1/incidents");
    }
    const auto history = co_await incident_timeline(*call.backend, id);
    if (history.has_error()) {
        co_return ledger_failed(history.error());
    }
    // The state may have moved on while the ledger was read.
    const Scene scene = scene_of(*call.backend);
    const auto found = scene.state.incidents.find(id);
    if (found == scene.state.incidents.end()) {
        co_return no_such("incident", id, {}, "/api/v1/incidents");
    }
    Json body = incident_view(scene, found->second);
    body["timeline"] = Json::array();
    for (const StoredEntry& entry : history->entries) {
        body["timeline"].push_back(stored_entry_view(entry));
    }
    body["timeline_complete"] = history->complete;
    co_return json_response(200, body);
}

awaitable<Response> get_ledger(Call call) {
    const auto after = number(call.query, "after", 0, INT64_MAX);
    const auto limit = number(call.query, "limit", 100, ledger_limit_max);
    if (!after || !limit || *limit == 0) {
        co_return error_response(400, "after and limit must be whole numbers",
                                 "after >= 0, limit from 1 to 1000");
    }
    const auto entries = co_await call.backend->ledger(*after, static_cast<std::size_t>(*limit));
    if (entries.has_error()) {
        co_return ledger_failed(entries.error());
    }
    Json body = Json::object();
    body["entries"] = Json::array();
    for (const StoredEntry& entry : *entries) {
        body["entries"].push_back(stored_entry_view(entry));
    }
    body["next_after"] = entries->empty() ? *after : entries->back().sequence;
    co_return json_response(200, body);
}

namespace {

// A platform or a runtime is never looked at itself, but symptoms, incidents and decisions are
// about it.
bool is_spoken_of(const State& state, const Subject& subject) {
    const auto is_about = [&subject](const auto& key) { return key.first.second == subject; };
    const auto is_case_of = [&subject](const auto& item) {
        return item.second.subject == subject ||
               std::any_of(item.second.linked.begin(), item.second.linked.end(),
                           [&subject](const SymptomKey& key) { return key.second == subject; });
    };
    return state.subjects.contains(subject) ||
           std::any_of(state.symptoms.begin(), state.symptoms.end(), is_about) ||
           std::any_of(state.incidents.begin(), state.incidents.end(), is_case_of);
}

}  // namespace

awaitable<Response> get_why(Call call) {
    const auto wanted = call.query.find("subject");
    if (wanted == call.query.end() || wanted->second.empty()) {
        co_return error_response(400, "which subject?",
                                 "GET /api/v1/why?subject=tenant%2Facme, names are in "
                                 "/api/v1/subjects");
    }
    const std::string name = wanted->second;
    if (!is_spoken_of(call.backend->state(), Subject(name))) {
        co_return no_subject(call.backend->state(), name);
    }
    const auto history = co_await past_decisions(*call.backend, name, past_decisions_max);
    if (history.has_error()) {
        co_return ledger_failed(history.error());
    }
    const Scene scene = scene_of(*call.backend);
    const auto found = scene.state.subjects.find(Subject(name));
    const SubjectState unseen;
    const bool seen = found != scene.state.subjects.end();
    Json body = why_view(scene, Subject(name), seen ? found->second : unseen);
    body["past_decisions"] = Json::array();
    for (const StoredEntry& entry : history->entries) {
        body["past_decisions"].push_back(stored_entry_view(entry));
    }
    body["past_decisions_complete"] = history->complete;
    co_return json_response(200, body);
}

}  // namespace leverd::exporters::web
