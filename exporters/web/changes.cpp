// Why: the few things a person may change. Each is checked against what the person saw, and
// answered only once it is durable.
#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "exporters/web/router.hpp"
#include "exporters/web/views.hpp"

namespace leverd::exporters::web {
namespace {

using boost::asio::awaitable;

constexpr std::size_t why_bytes_max = 300;
constexpr std::size_t target_bytes_max = 200;

// The JSON object of the body; an empty body is an empty object.
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

Response refused(int status, const Error& error) {
    return error_response(status, error.what, error.hint);
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
    const auto stopped = body->find("stopped");
    const std::string why = text_in(*body, "why", why_bytes_max);
    if (stopped == body->end() || !stopped->is_boolean() || why.empty()) {
        co_return error_response(400, "stopped and why are both needed",
                                 "send {\"stopped\": true or false, \"why\": your reason}");
    }
    const bool value = stopped->get<bool>();
    const auto done = co_await call.backend->stop(value, call.who, why);
    if (done.has_error()) {
        co_return refused(503, done.error());
    }
    Json out = Json::object();
    out["stopped"] = value;
    out["who"] = call.who;
    co_return json_response(200, out);
}

awaitable<Response> post_reload(Call call) {
    const auto done = co_await call.backend->reload();
    if (done.has_error()) {
        co_return refused(422, done.error());
    }
    Json out = Json::object();
    out["reloaded"] = true;
    out["config_hash"] = call.backend->rules().config_hash;
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
    for (const Observation& look : *looks) {
        Json row = to_json(look);
        row["seen"] = time_json(look.seen);
        row["reason_text"] = describe(look.reason).text;
        out["observations"].push_back(std::move(row));
    }
    co_return json_response(200, out);
}

}  // namespace leverd::exporters::web
