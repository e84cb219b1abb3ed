// Why: somebody who guesses tokens, fills the seats or sends what is no request can be seen.
#include "exporters/prometheus/state_page.hpp"

#include <string>

namespace leverd::exporters {
namespace {

constexpr const char* auth_reasons[] = {"wrong_token", "slowed", "no_token",   "off",
                                        "role",        "user",   "cross_site", "foreign_host"};
constexpr int bad_statuses[] = {400, 413, 431, 501};

}  // namespace

void door_families(const Scene& s, FamilyList& out) {
    const DoorFigures& doors = s.figures.doors;
    auto open = out.gauge("leverd_http_connections", "Connections that are open, by door.");
    for (const auto& [door, counts] : doors.doors) {
        open.add({{"door", door}}, static_cast<double>(counts.open));
    }
    auto refused = out.counters("leverd_http_connections_refused_total",
                                "Connections that found no seat: every one was being served.");
    for (const auto& [door, counts] : doors.doors) {
        refused.add({{"door", door}}, static_cast<double>(counts.refused));
    }
    auto evicted = out.counters("leverd_http_connections_evicted_total",
                                "Connections that asked nothing and gave their seat to another: "
                                "full, or their own peer had too many.");
    for (const auto& [door, counts] : doors.doors) {
        evicted.add({{"door", door}, {"reason", "full"}}, static_cast<double>(counts.evicted_full));
        evicted.add({{"door", door}, {"reason", "peer"}}, static_cast<double>(counts.evicted_peer));
    }
    auto reserved = out.counters("leverd_http_connections_reserved_total",
                                 "Connections that sat down on a seat kept for urgent requests.");
    for (const auto& [door, counts] : doors.doors) {
        reserved.add({{"door", door}}, static_cast<double>(counts.reserved));
    }
    auto failures = out.counters("leverd_http_auth_failures_total",
                                 "Requests whose sender was not let in, by reason.");
    for (const char* reason : auth_reasons) {
        const auto found = doors.auth_failures.find(reason);
        failures.add({{"reason", reason}},
                     found == doors.auth_failures.end() ? 0 : static_cast<double>(found->second));
    }
    auto bad = out.counters("leverd_http_bad_requests_total",
                            "What was too large or no request at all, by the status it got.");
    for (const int status : bad_statuses) {
        const auto found = doors.bad_requests.find(status);
        bad.add({{"status", std::to_string(status)}},
                found == doors.bad_requests.end() ? 0 : static_cast<double>(found->second));
    }
    out.gauge("leverd_http_reads_waiting", "Large answers that wait for their turn.")
        .add({}, static_cast<double>(doors.reads_waiting));
    out.counter("leverd_http_reads_refused_total",
                "Requests for a large answer that found too many waiting.",
                static_cast<double>(doors.reads_refused));
}

}  // namespace leverd::exporters
