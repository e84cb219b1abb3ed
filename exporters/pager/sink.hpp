// Why: the table of sink kinds: what each makes of a message, and whether an open page has to be
// said again. A new kind is one folder and one row.
#pragma once

#include "config/config.hpp"
#include "core/base/secret.hpp"
#include "exporters/pager/message.hpp"
#include "exporters/pager/outbox.hpp"

namespace leverd::exporters {

struct PageSink {
    config::Notify settings;
    Secret key;
};

struct SinkKind {
    std::string_view name;
    net::HttpRequest (*request)(const PageSink& sink, const Message& message, WallTime now);
    Millis renew_every{0};
};
// nullptr: no such kind.
const SinkKind* find_sink_kind(std::string_view name);

// The sink as the outbox knows it: another URL under the same id is another place.
Outbox::Sink slot_owner(const PageSink& sink);

}  // namespace leverd::exporters
