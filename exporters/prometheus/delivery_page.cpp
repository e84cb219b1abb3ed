// Why: a page that is not delivered is seen by nobody, unless Prometheus says it.
#include "exporters/prometheus/state_page.hpp"

namespace leverd::exporters {

void delivery_families(const Scene& s, FamilyList& out) {
    auto waiting = out.gauge("leverd_pages_undelivered",
                             "Pages whose newest version the sink has not accepted.");
    for (const auto& sink : s.figures.sinks) {
        waiting.add({{"sink", sink.sink}}, static_cast<double>(sink.undelivered));
    }
    auto oldest = out.gauge("leverd_pages_undelivered_oldest_timestamp_seconds",
                            "Since when the oldest of them waits; 0 when there is none.");
    for (const auto& sink : s.figures.sinks) {
        // Told from now, so that a step of the wall clock does not move it.
        const double since =
            sink.oldest ? std::chrono::duration<double>(
                              (s.now.wall - (s.now.at - sink.oldest->at)).time_since_epoch())
                              .count()
                        : 0;
        oldest.add({{"sink", sink.sink}}, since);
    }
    auto attempts = out.counters("leverd_page_attempts_total",
                                 "Attempts to deliver a page: accepted, rejected (the receiver "
                                 "does not want it), failed (no answer, 429 or 5xx).");
    for (const auto& sink : s.figures.sinks) {
        attempts.add({{"sink", sink.sink}, {"result", "accepted"}},
                     static_cast<double>(sink.accepted));
        attempts.add({{"sink", sink.sink}, {"result", "rejected"}},
                     static_cast<double>(sink.rejected));
        attempts.add({{"sink", sink.sink}, {"result", "failed"}}, static_cast<double>(sink.failed));
    }
    out.gauge("leverd_outbox_writable",
              "0 while what was delivered cannot be kept for the next start.")
        .add({}, s.figures.outbox_writable ? 1 : 0);
}

}  // namespace leverd::exporters
