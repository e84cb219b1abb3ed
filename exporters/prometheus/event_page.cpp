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
}

}  // namespace leverd::exporters
