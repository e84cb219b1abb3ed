// Why: events only wake looks, and are counted so that an inlet that nobody calls, or that somebody
// abuses, can be seen.
#include "exporters/prometheus/state_page.hpp"

namespace leverd::exporters {
namespace {

using BySource = std::map<std::string, std::uint64_t>;

void by_source(FamilyList& out, std::string name, std::string help, const BySource& counts) {
    auto family = out.counters(std::move(name), std::move(help));
    for (const auto& [source, count] : counts) {
        family.add({{"source", source}}, static_cast<double>(count));
    }
}

}  // namespace

void event_families(const Scene& s, FamilyList& out) {
    const EventFigures& events = s.figures.events;
    by_source(out, "leverd_events_total", "Events taken from outside since the start; new ones.",
              events.taken);
    by_source(out, "leverd_events_duplicates_total",
              "Events that were seen before, also before a restart.", events.duplicates);
    by_source(out, "leverd_events_dropped_total",
              "Wishes for a look that the full queue did not take; the schedule looks anyway.",
              events.dropped);
    auto rejected = out.counters("leverd_events_rejected_total",
                                 "Events turned away: off, unsigned, malformed or stale.");
    for (const auto& [key, count] : events.rejected) {
        rejected.add({{"source", key.first}, {"reason", key.second}}, static_cast<double>(count));
    }
    out.counter("leverd_event_looks_total", "Looks that an event pulled forward.",
                static_cast<double>(events.looks));
    out.gauge("leverd_tenant_streams", "Watched tenants whose event stream should be open.")
        .add({}, static_cast<double>(events.streams_wanted));
    out.gauge("leverd_tenant_streams_connected", "Event streams of tenants that are open.")
        .add({}, static_cast<double>(events.streams_open));
    out.counter("leverd_tenant_stream_reconnects_total",
                "Times that a tenant's event stream was opened again after it ended.",
                static_cast<double>(events.stream_reconnects));
    out.counter("leverd_tenant_stream_messages_total",
                "Events that tenants sent over their streams, also those that wake no look.",
                static_cast<double>(events.stream_messages));
}

}  // namespace leverd::exporters
