// Why: the inlets for events. The order is the whole point: is this inlet on, is the sender
// genuine, is it an event, is it new; and then an answer at once, whatever the event will lead to.
#include "exporters/web/router.hpp"

#include <nlohmann/json.hpp>

namespace leverd::exporters::web {
namespace {

// What is remembered reaches back this far (docs/events.md); older than that could be a replay.
constexpr Millis oldest{24LL * 3'600'000};

Response accepted(bool taken, std::string_view why) {
    nlohmann::json body = nlohmann::json::object();
    body["taken"] = taken;
    body["why"] = why;
    return json_response(202, body);
}

Response take(const Call& call, stack::EventSource source, const std::string& path_secret) {
    Backend& backend = *call.backend;
    const std::string name(to_string(source));
    const Secret* secret = backend.event_secret(source);
    if (secret == nullptr || secret->empty()) {
        backend.refuse_event(source, "off");
        return error_response(404, "no event from " + name + " is taken here",
                              "name a secret at [events] " + name + " in leverd.toml, then reload");
    }
    const stack::Webhook hook{source, call.request->headers, path_secret, call.request->body};
    if (!stack::is_genuine(hook, *secret)) {
        backend.refuse_event(source, "unsigned");
        return error_response(401, "the sender did not prove that it knows the secret",
                              "give both sides the same secret: docs/events.md");
    }
    const auto event = stack::read_webhook(hook);
    if (event.has_error()) {
        backend.refuse_event(source, "malformed");
        return error_response(400, event.error().what, event.error().hint);
    }
    if (event->at && *event->at < backend.now().wall - oldest) {
        backend.refuse_event(source, "stale");
        return accepted(false, "it happened more than 24 hours ago");
    }
    const bool fresh = backend.take_event(source, *event);
    return fresh ? accepted(true, "new") : accepted(false, "seen before");
}

}  // namespace

Response post_event(const Call& call) {
    const auto source = stack::webhook_source(call.capture);
    if (!source) {
        return error_response(404, "no such sender of events",
                              "there are github, gitea, vercel, railway and alertmanager");
    }
    // Railway signs nothing, so its address carries the secret; without one it proves nothing.
    return take(call, *source, {});
}

Response post_railway_event(const Call& call) {
    return take(call, stack::EventSource::railway, call.capture);
}

void count_too_large(Backend& backend, std::string_view target) {
    constexpr std::string_view before = "/events/";
    if (!target.starts_with(before)) {
        return;
    }
    target.remove_prefix(before.size());
    const auto source = stack::webhook_source(target.substr(0, target.find_first_of("/?#")));
    if (source) {
        backend.refuse_event(*source, "too_large");
    }
}

}  // namespace leverd::exporters::web
