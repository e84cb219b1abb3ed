// Why: see webhook.hpp. Ids are hashes of what a signature covers wherever there is one: the
// headers that name the event and the delivery are not covered, and whoever replays a body could
// change them.
#include "core/stack/webhook.hpp"

#include "core/base/hmac.hpp"
#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "core/stack/control_plane.hpp"
#include "core/stack/event_table.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace leverd::stack {
namespace {

using nlohmann::json;

constexpr int depth_max = 24;
constexpr std::size_t name_bytes_max = 64;
constexpr std::size_t alerts_max = 64;
constexpr std::size_t authorization_bytes_max = 1024;

struct NamedSource {
    std::string_view name;
    EventSource source;
};
constexpr std::array<NamedSource, 6> sources{{{"github", EventSource::github},
                                              {"gitea", EventSource::gitea},
                                              {"vercel", EventSource::vercel},
                                              {"railway", EventSource::railway},
                                              {"alertmanager", EventSource::alertmanager},
                                              {"tenant", EventSource::tenant}}};

const std::string& header(const Webhook& hook, const std::string& name) {
    static const std::string none;
    const auto found = hook.headers.find(name);
    return found == hook.headers.end() ? none : found->second;
}

bool signed_as(HashKind kind, const Webhook& hook, const Secret& secret, std::string_view prefix,
               const std::string& sent) {
    if (sent.size() <= prefix.size() || sent.compare(0, prefix.size(), prefix) != 0) {
        return false;
    }
    return equal_constant_time(hmac_hex(kind, secret, hook.body), sent.substr(prefix.size()));
}

// The password of "user:password" in base64, or empty.
std::string basic_password(const std::string& encoded) {
    if (encoded.empty() || encoded.size() % 4 != 0 || encoded.size() > authorization_bytes_max) {
        return {};
    }
    std::string out(encoded.size(), '\0');
    const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                       reinterpret_cast<const unsigned char*>(encoded.data()),
                                       static_cast<int>(encoded.size()));
    const auto padding =
        static_cast<std::size_t>(std::count(encoded.end() - 2, encoded.end(), '='));
    if (length < 0 || static_cast<std::size_t>(length) < padding) {
        return {};
    }
    out.resize(static_cast<std::size_t>(length) - padding);
    const auto colon = out.find(':');
    return colon == std::string::npos ? std::string{} : out.substr(colon + 1);
}

bool authorized(const Webhook& hook, const Secret& secret) {
    constexpr std::string_view bearer = "Bearer ";
    constexpr std::string_view basic = "Basic ";
    const std::string& sent = header(hook, "authorization");
    if (sent.starts_with(bearer)) {
        return equal_constant_time(secret, sent.substr(bearer.size()));
    }
    return sent.starts_with(basic) &&
           equal_constant_time(secret, basic_password(sent.substr(basic.size())));
}

// The text at a path of keys, or empty.
std::string text_at(const json& value, std::initializer_list<const char*> path) {
    const json* at = &value;
    for (const char* key : path) {
        const auto found = at->is_object() ? at->find(key) : at->end();
        if (!at->is_object() || found == at->end()) {
            return {};
        }
        at = &*found;
    }
    return at->is_string() ? at->get<std::string>() : std::string{};
}

std::string id_of(EventSource source, std::string_view what) {
    return sha256_hex(fmt::format("{}\n{}", to_string(source), what)).substr(0, 32);
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return text;
}

// The event's name is a header, which no signature covers, so it counts only where the signed body
// has the shape of that event. A name that wakes nothing needs no shape.
bool has_shape(std::string_view event, const json& body) {
    if (event == "push") {
        return body.contains("ref") || body.contains("after");
    }
    for (const std::string_view about : {"workflow_run", "registry_package", "package"}) {
        if (event == about) {
            const auto found = body.find(about);
            return found != body.end() && found->is_object();
        }
    }
    return true;
}

// One delivery is one body, whatever its headers say about it.
Event read_forge(const Webhook& hook, const json& body) {
    const bool github = hook.source == EventSource::github;
    Event event;
    event.name = header(hook, github ? "x-github-event" : "x-gitea-event");
    event.ids.push_back(id_of(hook.source, hook.body));
    if (!has_shape(event.name, body)) {
        event.name.clear();
        return event;
    }
    EventScope scope;
    const char* key = body.contains("registry_package") ? "registry_package" : "package";
    const std::string name = text_at(body, {key, "name"});
    const std::string owner = text_at(body, {key, "namespace"});
    const std::string whole = lower(owner.empty() ? name : owner + "/" + name);
    scope.repository = is_repository(whole) ? whole : "";
    event.hints = hints_for(hook.source, event.name, scope);
    return event;
}

Event read_vercel(const Webhook& hook, const json& body) {
    Event event;
    event.name = text_at(body, {"type"});
    event.ids.push_back(
        id_of(hook.source, text_at(body, {"id"}).empty() ? hook.body : text_at(body, {"id"})));
    const auto at = body.find("createdAt");
    if (at != body.end() && at->is_number_integer()) {
        constexpr std::int64_t beyond = 100'000'000'000'000;
        event.at = WallTime{Millis{std::clamp(at->get<std::int64_t>(), std::int64_t{0}, beyond)}};
    }
    event.hints = hints_for(hook.source, event.name, {});
    return event;
}

Event read_railway(const Webhook& hook, const json& body) {
    Event event;
    event.name = text_at(body, {"type"});
    const std::string deployment = text_at(body, {"resource", "deployment", "id"});
    const std::string at = text_at(body, {"timestamp"});
    event.ids.push_back(id_of(
        hook.source, deployment.empty() ? hook.body : event.name + "\n" + deployment + "\n" + at));
    event.at = parse_rfc3339(at);
    event.hints = hints_for(hook.source, event.name, {});
    return event;
}

// Two labels say exactly what to look at; `tenant` says whose; anything else is about the stack.
void add_alert_hints(const json& alert, std::vector<Hint>& hints) {
    const auto add = [&hints](const Hint& hint) {
        if (std::find(hints.begin(), hints.end(), hint) == hints.end()) {
            hints.push_back(hint);
        }
    };
    const std::string probe = text_at(alert, {"labels", "leverd_probe"});
    if (!probe.empty() && probe.size() <= name_bytes_max) {
        const std::string target = text_at(alert, {"labels", "leverd_target"});
        add(Hint{probe, target.empty() ? "*" : target});
        return;
    }
    EventScope scope;
    scope.tenant = text_at(alert, {"labels", "tenant"});
    const bool named = is_slug(scope.tenant);
    for (const Hint& hint :
         hints_for(EventSource::alertmanager, named ? "tenant" : "alert", scope)) {
        add(hint);
    }
}

// A notification is repeated for as long as an alert fires; it is news only when some alert of it
// began, ended or began again.
Event read_alerts(const Webhook& hook, const json& body) {
    Event event;
    event.name = "alerts";
    std::string identity = text_at(body, {"groupKey"}) + "\n" + text_at(body, {"status"});
    const auto alerts = body.find("alerts");
    if (alerts != body.end() && alerts->is_array()) {
        std::size_t seen = 0;
        for (const json& alert : *alerts) {
            identity += "\n" + text_at(alert, {"fingerprint"}) + " " + text_at(alert, {"status"}) +
                        " " + text_at(alert, {"startsAt"});
            if (++seen <= alerts_max) {
                add_alert_hints(alert, event.hints);
            }
        }
    }
    event.ids.push_back(id_of(hook.source, identity));
    return event;
}

}  // namespace

std::string_view to_string(EventSource source) {
    for (const auto& row : sources) {
        if (row.source == source) {
            return row.name;
        }
    }
    return "other";
}

std::optional<EventSource> webhook_source(std::string_view name) {
    for (const auto& row : sources) {
        if (row.name == name && row.source != EventSource::tenant) {
            return row.source;
        }
    }
    return std::nullopt;
}

bool is_genuine(const Webhook& hook, const Secret& secret) {
    switch (hook.source) {
        case EventSource::github:
            return signed_as(HashKind::sha256, hook, secret,
                             "sha256=", header(hook, "x-hub-signature-256"));
        case EventSource::gitea:
            return signed_as(HashKind::sha256, hook, secret, "", header(hook, "x-gitea-signature"));
        case EventSource::vercel:
            return signed_as(HashKind::sha1, hook, secret, "", header(hook, "x-vercel-signature"));
        case EventSource::railway:
            return equal_constant_time(secret, hook.path_secret);
        case EventSource::alertmanager:
            return authorized(hook, secret);
        case EventSource::tenant:
            return false;
    }
    return false;
}

Result<Event> read_webhook(const Webhook& hook) {
    const auto body = parse_json(hook.body, depth_max);
    if (body.has_error() || !body->is_object()) {
        return Error{"the body is not a JSON object",
                     "set the webhook's content type to application/json"};
    }
    Event event;
    switch (hook.source) {
        case EventSource::github:
        case EventSource::gitea:
            event = read_forge(hook, *body);
            break;
        case EventSource::vercel:
            event = read_vercel(hook, *body);
            break;
        case EventSource::railway:
            event = read_railway(hook, *body);
            break;
        case EventSource::alertmanager:
        case EventSource::tenant:
            event = read_alerts(hook, *body);
            break;
    }
    if (event.name.empty() || event.name.size() > name_bytes_max) {
        return Error{"the event does not say what kind it is, or its body is of another kind",
                     "point only this sender's webhook at this address"};
    }
    return event;
}

}  // namespace leverd::stack
