// Why: every address that only shows something.
#include "core/base/text.hpp"
#include "core/net/asio_use.hpp"
#include "exporters/web/assets.hpp"
#include "exporters/web/history.hpp"
#include "exporters/web/router.hpp"
#include "exporters/web/views.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <boost/asio/post.hpp>

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

// "shop" of "tenant/shop", "w1" of "workspace/shop/w1": how people call it.
std::string short_name(const Subject& subject) {
    return subject.text().substr(subject.text().rfind('/') + 1);
}

// Whose short name this is, or nearly is where nobody's is.
std::vector<std::string> called(const State& state, const std::string& name) {
    std::vector<std::string> names;
    for (const auto& [subject, held] : state.subjects) {
        names.push_back(short_name(subject));
    }
    const bool exact = std::ranges::find(names, name) != names.end();
    const auto meant = exact ? std::optional<std::string>(name) : suggest(name, names);
    std::vector<std::string> out;
    for (const auto& [subject, held] : state.subjects) {
        if (meant && short_name(subject) == *meant) {
            out.push_back("'" + subject.text() + "'");
        }
    }
    return out;
}

Response no_subject(const State& state, const std::string& name) {
    constexpr std::size_t named_max = 3;
    const std::string listed_at = "leverd subjects lists them (GET /api/v1/subjects)";
    std::vector<std::string> known;
    for (const auto& [subject, held] : state.subjects) {
        known.push_back(subject.text());
    }
    const auto near = suggest(name, known);
    auto meant = near ? std::vector<std::string>{"'" + *near + "'"} : called(state, name);
    const auto more = meant.size() - std::min(meant.size(), named_max);
    meant.resize(meant.size() - more);
    return error_response(
        404, "no subject '" + sanitize(name, 200) + "'",
        meant.empty()
            ? listed_at
            : fmt::format(
                  "did you mean {}?{}", fmt::join(meant, " or "),
                  more == 0 ? "" : fmt::format(" {} more have that name; ", more) + listed_at));
}

Response ledger_failed(const Error& error) {
    return error_response(503, error.what, error.hint);
}

constexpr std::size_t rows_at_once = 256;

// Lets the engine's loop do what else is ready. What was looked at may have changed afterwards.
awaitable<void> give_way(bool more) {
    if (more) {
        const auto executor = co_await boost::asio::this_coro::executor;
        co_await boost::asio::post(executor, net::tuple_token);
    }
}

// The next rows after `last`; the last subject looked at, or nothing at the end.
std::optional<Subject> add_subjects(const Scene& scene, const std::optional<Subject>& last,
                                    const std::string& kind, bool bad_only, Json& rows) {
    const auto& all = scene.state.subjects;
    auto at = last ? all.upper_bound(*last) : all.begin();
    for (std::size_t seen = 0; at != all.end(); ++at) {
        const bool kind_fits = kind.empty() || at->first.kind() == kind;
        if (kind_fits && (!bad_only || rolled_up(scene, at->second) != leverd::Health::healthy)) {
            rows.push_back(subject_row(scene, at->first, at->second));
        }
        if (++seen == rows_at_once) {
            return at->first;
        }
    }
    return std::nullopt;
}

std::optional<SymptomKey> add_symptoms(const Scene& scene, const std::optional<SymptomKey>& last,
                                       Json& rows) {
    const auto& all = scene.state.symptoms;
    auto at = last ? all.upper_bound(*last) : all.begin();
    for (std::size_t seen = 0; at != all.end(); ++at) {
        rows.push_back(symptom_row(scene, at->first, at->second));
        if (++seen == rows_at_once) {
            return at->first;
        }
    }
    return std::nullopt;
}

// The text of a large answer, made by the worker.
awaitable<Response> written(Worker* worker, std::shared_ptr<Json> body) {
    std::function<Response()> write = [body = std::move(body)] {
        return json_response(200, *body);
    };
    co_return co_await elsewhere<Response>(worker, std::move(write));
}

// One that lost its decision meanwhile has no row.
Json decision_row(const Scene& scene, const Incident& incident) {
    return incident.decision ? decision_view(scene, incident) : Json(nullptr);
}

// The rows of these incidents under `list`, as far as they are still there.
awaitable<Response> cases(const Call& call, const char* list, const std::vector<std::string>& order,
                          Json (*row_of)(const Scene&, const Incident&)) {
    constexpr std::size_t cases_at_once = 16;  // each has every guard and every step of its plan
    auto body = std::make_shared<Json>(Json::object());
    (*body)[list] = Json::array();
    for (std::size_t i = 0; i < order.size(); ++i) {
        const Scene scene = scene_of(*call.backend);
        const auto found = scene.state.incidents.find(order[i]);
        Json row =
            found == scene.state.incidents.end() ? Json(nullptr) : row_of(scene, found->second);
        if (!row.is_null()) {
            (*body)[list].push_back(std::move(row));
        }
        co_await give_way(i % cases_at_once == cases_at_once - 1);
    }
    co_return co_await written(call.worker, std::move(body));
}

Response ledger_page(const std::vector<StoredEntry>& entries, std::int64_t after) {
    Json body = Json::object();
    body["entries"] = Json::array();
    for (const StoredEntry& entry : entries) {
        body["entries"].push_back(stored_entry_view(entry));
    }
    body["next_after"] = entries.empty() ? after : entries.back().sequence;
    return json_response(200, body);
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

awaitable<Response> get_metrics(Call call) {
    Response out;
    out.content_type = "text/plain; version=0.0.4; charset=utf-8";
    std::function<std::string()> render = call.backend->metrics();
    out.body = co_await elsewhere<std::string>(call.worker, std::move(render));
    co_return out;
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

awaitable<Response> get_subjects(Call call) {
    const auto asked = call.query.find("kind");
    const std::string kind = asked == call.query.end() ? "" : asked->second;
    const bool bad_only = flag(call.query, "bad");
    auto rows = std::make_shared<Json>(Json::array());
    std::optional<Subject> last;
    for (bool more = true; more;) {
        last = add_subjects(scene_of(*call.backend), last, kind, bad_only, *rows);
        more = last.has_value();
        co_await give_way(more);
    }
    auto body = std::make_shared<Json>(Json::object());
    (*body)["counts"] = subject_counts(scene_of(*call.backend));
    (*body)["subjects"] = std::move(*rows);
    co_return co_await written(call.worker, std::move(body));
}

Response get_subject(const Call& call) {
    const Scene scene = scene_of(*call.backend);
    const auto found = scene.state.subjects.find(Subject(call.capture));
    if (found == scene.state.subjects.end()) {
        return no_subject(scene.state, call.capture);
    }
    return json_response(200, subject_view(scene, found->first, found->second));
}

awaitable<Response> get_symptoms(Call call) {
    auto body = std::make_shared<Json>(Json::object());
    (*body)["symptoms"] = Json::array();
    std::optional<SymptomKey> last;
    for (bool more = true; more;) {
        last = add_symptoms(scene_of(*call.backend), last, (*body)["symptoms"]);
        more = last.has_value();
        co_await give_way(more);
    }
    co_return co_await written(call.worker, std::move(body));
}

awaitable<Response> get_incidents(Call call) {
    const auto order = incident_order(scene_of(*call.backend), flag(call.query, "open"));
    co_return co_await cases(call, "incidents", order, incident_view);
}

awaitable<Response> get_decisions(Call call) {
    const auto order = decision_order(scene_of(*call.backend), flag(call.query, "pending"));
    co_return co_await cases(call, "decisions", order, decision_row);
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
    const auto history = co_await incident_timeline(*call.backend, call.worker, id);
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
    auto entries = co_await call.backend->ledger(*after, static_cast<std::size_t>(*limit));
    if (entries.has_error()) {
        co_return ledger_failed(entries.error());
    }
    std::function<Response()> write = [page = std::move(*entries), from = *after] {
        return ledger_page(page, from);
    };
    co_return co_await elsewhere<Response>(call.worker, std::move(write));
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
    const auto history =
        co_await past_decisions(*call.backend, call.worker, name, past_decisions_max);
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
