// Why: the few things a person may change. Each is checked against what the person saw, and
// answered only once it is durable.
#include "config/values.hpp"
#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "exporters/web/body.hpp"
#include "exporters/web/router.hpp"
#include "exporters/web/views.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace leverd::exporters::web {
namespace {

using boost::asio::awaitable;

constexpr std::size_t why_bytes_max = 300;
constexpr std::size_t target_bytes_max = 200;
constexpr std::size_t vetoes_max = 200;
constexpr Millis lasts_least{1'000};
constexpr Millis lasts_most{365LL * 86'400'000};
constexpr auto lasts_words = "\"30m\", \"2h\", \"3d\" (1s to 365d), or \"forever\"";

}  // namespace

boost::system::result<Json, Response> body_object(const Request& request) {
    using boost::system::in_place_value;  // a Json converts to too much to be returned by itself
    if (request.body.empty()) {
        return {in_place_value, Json::object()};
    }
    auto parsed = parse_json(request.body, 8);
    if (parsed.has_error()) {
        return error_response(400, "the body is not JSON: " + parsed.error().what,
                              "send a JSON object");
    }
    if (!parsed->is_object()) {
        return error_response(400, "the body is not a JSON object", "send a JSON object");
    }
    return {in_place_value, std::move(*parsed)};
}

std::string text_in(const Json& object, const char* key, std::size_t limit) {
    const auto found = object.find(key);
    return found == object.end() || !found->is_string()
               ? std::string{}
               : sanitize(found->get_ref<const std::string&>(), limit);
}

std::optional<Response> odd_key(const Json& object, const std::vector<std::string>& known) {
    for (const auto& item : object.items()) {
        if (std::find(known.begin(), known.end(), item.key()) == known.end()) {
            const auto near = suggest(item.key(), known);
            return error_response(400, "unknown key '" + sanitize(item.key(), 64) + "'",
                                  near ? "did you mean '" + *near + "'?"
                                       : fmt::format("known: {}", fmt::join(known, ", ")));
        }
        if (!item.value().is_string() && item.key() != "stopped" && item.key() != "dry_run") {
            return error_response(400, "'" + item.key() + "' must be text", "put it in quotes");
        }
    }
    return std::nullopt;
}

namespace {

Response refused(int status, const Error& error) {
    return error_response(status, error.what, error.hint);
}

// How long something lasts; zero for "forever", nothing where the body does not say.
boost::system::result<std::optional<Millis>, Response> lasts_in(const Json& body) {
    if (!body.contains("for")) {
        return std::optional<Millis>{};
    }
    const std::string text = text_in(body, "for", 32);
    if (text == "forever") {
        return std::optional<Millis>{Millis{0}};
    }
    const auto lasts = config::parse_duration(text);
    if (!lasts || *lasts < lasts_least || *lasts > lasts_most) {
        return error_response(400, "'" + text + "' is not how long something lasts",
                              std::string("say ") + lasts_words);
    }
    return lasts;
}

// What is wrong with the veto that the body asks for; nothing: fills `out`.
std::optional<Response> read_veto(const Scene& scene, const Json& body, VetoCommand& out) {
    static const std::vector<std::string> known{"subjects", "lever", "for", "why", "mute"};
    if (auto odd = odd_key(body, known)) {
        return odd;
    }
    out.subjects = text_in(body, "subjects", target_bytes_max);
    out.lever = text_in(body, "lever", target_bytes_max);
    out.why = text_in(body, "why", why_bytes_max);
    const auto lasts = lasts_in(body);
    if (lasts.has_error()) {
        return lasts.error();
    }
    if (out.subjects.empty() || out.why.empty() || !lasts->has_value()) {
        return error_response(400, "subjects, for and why are all needed",
                              std::string("subjects: \"tenant/acme\", \"tenant/*\" or \"*\"; "
                                          "for: ") +
                                  lasts_words);
    }
    out.lasts = **lasts;
    if (const auto mute = body.find("mute"); mute != body.end()) {
        if (!mute->is_boolean()) {
            return error_response(400, "mute must be true or false",
                                  "true: what the veto covers pages nobody either");
        }
        out.mute = mute->get<bool>();
    }
    if (const auto complaint = config::a_subject_glob(out.subjects)) {
        return error_response(400, "subjects must be " + std::string(*complaint),
                              "names are in leverd status and /api/v1/subjects");
    }
    if (!out.lever.empty() && !scene.rules.levers.contains(out.lever)) {
        std::vector<std::string> levers;
        for (const auto& [id, contract] : scene.rules.levers) {
            levers.push_back(id);
        }
        const auto near = suggest(out.lever, levers);
        return error_response(400, "no lever '" + out.lever + "'",
                              near ? "did you mean '" + *near + "'?"
                                   : fmt::format("known: {}", fmt::join(levers, ", ")));
    }
    if (scene.state.vetoes.size() >= vetoes_max) {
        return error_response(409, fmt::format("{} vetoes are in force already", vetoes_max),
                              "lift some (leverd vetoes), or use the stop switch: leverd stop");
    }
    return std::nullopt;
}

awaitable<Response> answer_decision(Call call, bool approved) {
    const auto body = body_object(*call.request);
    if (body.has_error()) {
        co_return body.error();
    }
    const std::string hash = text_in(*body, "hash", 128);
    const std::string why = text_in(*body, "why", why_bytes_max);
    if (hash.empty() || why.empty()) {
        co_return error_response(400, "hash and why are both needed",
                                 "send {\"hash\": the hash of the decision you saw, \"why\": your "
                                 "reason in a few words}");
    }
    const Scene scene = scene_of(*call.backend);
    const Incident* incident = find_decision(scene.state, call.capture);
    if (incident == nullptr) {
        co_return error_response(404, "no current decision '" + sanitize(call.capture, 64) + "'",
                                 "it may have been replaced; GET /api/v1/decisions?pending=1");
    }
    if (incident->decision->hash != hash) {
        co_return error_response(409, "the situation changed since you looked",
                                 "read the decision again and approve what it says now");
    }
    if (!approval_pending(scene, *incident)) {
        co_return error_response(409, "this decision does not wait for an answer (any more)",
                                 "GET /api/v1/decisions?pending=1");
    }
    const auto done = co_await call.backend->approve(call.capture, approved, call.who, why);
    if (done.has_error()) {
        co_return refused(409, done.error());
    }
    Json out = Json::object();
    out["decision"] = call.capture;
    out["approved"] = approved;
    out["who"] = call.who;
    co_return json_response(200, out);
}

}  // namespace

awaitable<Response> post_approve(Call call) {
    co_return co_await answer_decision(std::move(call), true);
}

awaitable<Response> post_reject(Call call) {
    co_return co_await answer_decision(std::move(call), false);
}

awaitable<Response> post_stop(Call call) {
    const auto body = body_object(*call.request);
    if (body.has_error()) {
        co_return body.error();
    }
    static const std::vector<std::string> known{"stopped", "why", "for"};
    if (auto odd = odd_key(*body, known)) {
        co_return *odd;
    }
    const auto stopped = body->find("stopped");
    const std::string why = text_in(*body, "why", why_bytes_max);
    if (stopped == body->end() || !stopped->is_boolean() || why.empty()) {
        co_return error_response(400, "stopped and why are both needed",
                                 "send {\"stopped\": true or false, \"why\": your reason}");
    }
    const auto lasts = lasts_in(*body);
    if (lasts.has_error()) {
        co_return lasts.error();
    }
    const bool value = stopped->get<bool>();
    if (!value && lasts->has_value()) {
        co_return error_response(400, "'for' says how long the stop lasts, not the resumption",
                                 "leave it out");
    }
    if (!value && call.role < Role::operate) {
        co_return error_response(403, call.who + " may set the stop switch, but not lift it",
                                 "use a token with the role operate, or the command line");
    }
    StopCommand command{value, call.who, why, lasts->value_or(Millis{0})};
    const auto done = co_await call.backend->stop(std::move(command));
    if (done.has_error()) {
        co_return refused(503, done.error());
    }
    const Scene scene = scene_of(*call.backend);
    Json out = Json::object();
    out["stopped"] = value;
    out["who"] = call.who;
    out["until"] = value ? time_json(scene, scene.state.stop.until) : Json(nullptr);
    co_return json_response(200, out);
}

awaitable<Response> post_veto(Call call) {
    const auto body = body_object(*call.request);
    if (body.has_error()) {
        co_return body.error();
    }
    VetoCommand command;
    command.who = call.who;
    if (auto wrong = read_veto(scene_of(*call.backend), *body, command)) {
        co_return *wrong;
    }
    const auto done = co_await call.backend->veto(std::move(command));
    if (done.has_error()) {
        co_return refused(503, done.error());
    }
    const Scene scene = scene_of(*call.backend);
    Json out = veto_row(scene, *done);
    out["matches"] = count_matches(scene, done->set.subjects);
    co_return json_response(200, out);
}

awaitable<Response> delete_veto(Call call) {
    const auto body = body_object(*call.request);
    if (body.has_error()) {
        co_return body.error();
    }
    static const std::vector<std::string> known{"why"};
    if (auto odd = odd_key(*body, known)) {
        co_return *odd;
    }
    const std::string why = text_in(*body, "why", why_bytes_max);
    if (why.empty()) {
        co_return error_response(400, "why is needed", "send {\"why\": your reason}");
    }
    if (!call.backend->state().vetoes.contains(call.capture)) {
        co_return error_response(404, "no veto '" + sanitize(call.capture, 64) + "' is in force",
                                 "leverd vetoes lists those that are");
    }
    LiftVeto command{call.capture, call.who, why};
    const auto done = co_await call.backend->lift_veto(std::move(command));
    if (done.has_error()) {
        co_return refused(503, done.error());
    }
    Json out = Json::object();
    out["lifted"] = call.capture;
    out["who"] = call.who;
    co_return json_response(200, out);
}

awaitable<Response> post_accept_history(Call call) {
    const auto body = body_object(*call.request);
    if (body.has_error()) {
        co_return body.error();
    }
    static const std::vector<std::string> known{"why"};
    if (auto odd = odd_key(*body, known)) {
        co_return *odd;
    }
    HistoryAccepted accepted{call.who, text_in(*body, "why", why_bytes_max)};
    if (accepted.why.empty()) {
        co_return error_response(400, "why is needed", "send {\"why\": your reason}");
    }
    const auto done = co_await call.backend->accept_history(std::move(accepted));
    if (done.has_error()) {
        co_return refused(409, done.error());
    }
    Json out = Json::object();
    out["accepted"] = true;
    out["who"] = call.who;
    co_return json_response(200, out);
}

awaitable<Response> post_reload(Call call) {
    const auto done = co_await call.backend->reload();
    Json out = Json::object();
    out["reloaded"] = done.ok;
    out["config_hash"] = call.backend->rules().config_hash;
    out["changed"] = done.changed;
    out["restart_needed"] = done.restart_needed;
    out["notes"] = done.notes;
    out["problems"] = done.problems;
    out["warnings"] = done.warnings;
    if (done.ok) {
        co_return json_response(200, out);
    }
    out["error"] = "the config on disk was refused and the running one was kept";
    out["hint"] = "mend what 'problems' names, then reload again; until then automatic levers wait";
    co_return json_response(422, out);
}

awaitable<Response> post_acknowledge(Call call) {
    static const std::vector<std::string> known{"why"};
    const auto body = body_object(*call.request);
    if (body.has_error()) {
        co_return body.error();
    }
    if (auto odd = odd_key(*body, known)) {
        co_return std::move(*odd);
    }
    Acknowledge given;
    given.incident = call.capture;
    given.who = call.who;
    given.why = text_in(*body, "why", why_bytes_max);
    if (given.why.empty()) {
        co_return error_response(400, "why is needed", "say in a few words what you did about it");
    }
    if (!call.backend->state().incidents.contains(given.incident)) {
        co_return error_response(
            404,
            "nothing was lost in " + sanitize(call.capture, 64) + ": no such incident is known",
            "see the open ones: leverd incidents --open");
    }
    const auto done = co_await call.backend->acknowledge(given);
    if (done.has_error()) {
        co_return refused(409, done.error());
    }
    Json out = Json::object();
    out["incident"] = given.incident;
    out["who"] = given.who;
    co_return json_response(200, out);
}

awaitable<Response> post_test_page(Call call) {
    const auto answer = co_await call.backend->test_page(call.capture, call.who);
    if (answer.has_error()) {
        // Nobody refused anything here: there is no such sink, or its receiver did not take it.
        const auto sinks = call.backend->page_delivery();
        const bool known = std::ranges::find(sinks, call.capture, &SinkReport::sink) != sinks.end();
        co_return refused(known ? 502 : 404, answer.error());
    }
    Json out = Json::object();
    out["sink"] = call.capture;
    out["answer"] = *answer;
    co_return json_response(200, out);
}

awaitable<Response> post_look(Call call) {
    const auto body = body_object(*call.request);
    if (body.has_error()) {
        co_return body.error();
    }
    const std::string target = text_in(*body, "target", target_bytes_max);
    const auto looks = co_await call.backend->look(call.capture, target);
    if (looks.has_error()) {
        co_return refused(422, looks.error());
    }
    Json out = Json::object();
    out["observations"] = Json::array();
    for (const Observation& look : looks->observations) {
        Json row = to_json(look);
        row["seen"] = time_json(look.seen);
        row["reason_text"] = describe(look.reason).text;
        row["class"] = layer_name(describe(look.reason).layer);
        out["observations"].push_back(std::move(row));
    }
    if (const auto debug = body->find("debug"); debug != body->end() && *debug == true) {
        out["requests"] = Json::array();
        for (const Exchange& request : looks->requests) {
            out["requests"].push_back(exchange_json(request));
        }
        out["left_out"] = looks->left_out;
    }
    co_return json_response(200, out);
}

awaitable<Response> post_heartbeat(Call call) {
    if (!call.backend->heartbeat(call.capture)) {
        co_return error_response(404, "no heartbeat is called " + sanitize(call.capture, 80),
                                 "add a [[probe]] with kind = \"heartbeat\" and that name");
    }
    Json out = Json::object();
    out["heard"] = call.capture;
    co_return json_response(200, out);
}

}  // namespace leverd::exporters::web
