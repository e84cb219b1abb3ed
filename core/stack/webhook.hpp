// Why: the webhooks of wire-contracts 3.3, as bytes. First is it genuine, on the raw bytes; only
// then what does it say; and from that only which look it should wake and how to recognise it when
// it comes again. Nothing in an event is believed beyond that.
#pragma once

#include "core/base/result.hpp"
#include "core/base/secret.hpp"
#include "core/base/time.hpp"
#include "core/model/hint.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leverd::stack {

enum class EventSource { github, gitea, vercel, railway, alertmanager, tenant };
std::string_view to_string(EventSource source);
std::optional<EventSource> webhook_source(std::string_view name);  // not "tenant"

struct Webhook {
    EventSource source = EventSource::github;
    std::map<std::string, std::string> headers;  // names in lower case
    std::string path_secret;                     // the last part of the path (Railway)
    std::string body;
};

// GitHub, Gitea: HMAC-SHA256 of the body; Vercel: HMAC-SHA1; Alertmanager: a bearer token or the
// password of basic auth; Railway: the path. Compared in constant time. An empty secret proves
// nothing.
bool is_genuine(const Webhook& hook, const Secret& secret);

struct Event {
    std::string name;              // "workflow_run", "deployment.promoted": for the table below
    std::vector<std::string> ids;  // hashes of signed bytes; any of them again: the same delivery
    std::optional<WallTime> at;    // when the sender says it happened, if a signature covers that
    std::vector<Hint> hints;
};

// An Error when it is not what this source sends; its text quotes nothing of the body.
Result<Event> read_webhook(const Webhook& hook);

}  // namespace leverd::stack
