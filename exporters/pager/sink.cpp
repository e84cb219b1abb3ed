// Why: see sink.hpp.
#include "exporters/pager/sink.hpp"

#include "core/base/text.hpp"
#include "exporters/pager/alertmanager/alertmanager.hpp"
#include "exporters/pager/webhook/webhook.hpp"

#include <algorithm>
#include <array>

namespace leverd::exporters {
namespace {

constexpr std::array<SinkKind, 2> kinds{{
    {"webhook", webhook_request, Millis{0}},
    {"alertmanager", alertmanager_request, alert_renewed_every},
}};

}  // namespace

const SinkKind* find_sink_kind(std::string_view name) {
    const auto* const found = std::ranges::find(kinds, name, &SinkKind::name);
    return found == kinds.end() ? nullptr : found;
}

Outbox::Sink slot_owner(const PageSink& sink) {
    Outbox::Sink owner;
    owner.id = sink.settings.id;
    // A hash: the address itself may be a secret.
    owner.target = sha256_hex(sink.settings.kind + "\n" + sink.settings.url).substr(0, 12);
    const auto* kind = find_sink_kind(sink.settings.kind);
    owner.renew_every = kind == nullptr ? Millis{0} : kind->renew_every;
    return owner;
}

}  // namespace leverd::exporters
