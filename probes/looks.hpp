// Why: the look functions of all kinds, for the table and nobody else. What each one says is
// written above its declaration; what an observation means is the engine's business.
#pragma once

#include "probes/probe.hpp"

namespace leverd::probes {

using Observations = std::vector<Observation>;

// Subject control-plane: health, login entry, admin read. Per tenant of a believed list
// tenant/<slug> with attribute instance_status. Keeps Inventory.tenants.
boost::asio::awaitable<Observations> look_control_plane(Context& context, Task task,
                                                        net::Deadline deadline);
// Subject tenant/<slug>: /health, then an authenticated read (fact auth_read), then the request
// counter (fact requests_total); fact certificate_days.
boost::asio::awaitable<Observations> look_tenant_health(Context& context, Task task,
                                                        net::Deadline deadline);
// Subjects workspace/<slug>/<id>, one for each row of the list. Keeps Inventory.workspaces.
boost::asio::awaitable<Observations> look_workspace_status(Context& context, Task task,
                                                           net::Deadline deadline);
// Subjects workspace/<slug>/<id>: how the real requests of the last `window` ended.
boost::asio::awaitable<Observations> look_workspace_activity(Context& context, Task task,
                                                             net::Deadline deadline);
// Subject tenant/<slug>: the newest boot events that the control plane holds.
boost::asio::awaitable<Observations> look_boot_events(Context& context, Task task,
                                                      net::Deadline deadline);
// Subject image/<repository>, version = digest of :latest: against the freeze receipt and against
// what tenants say that they run. Subject registry: does it answer us for any image at all?
boost::asio::awaitable<Observations> look_image_drift(Context& context, Task task,
                                                      net::Deadline deadline);
// Subject freeze: do the workflows, their runs and the receipts hold what the freeze promised?
// Subject forge: does the forge answer us at all?
boost::asio::awaitable<Observations> look_freeze_state(Context& context, Task task,
                                                       net::Deadline deadline);
// Subject branch/<owner>/<repository>: its newest run, the expected commit, merges held back.
// Subject forge as above.
boost::asio::awaitable<Observations> look_forge_ci(Context& context, Task task,
                                                   net::Deadline deadline);
// Subject canvas: the page, its marker and every script it loads from its own origin.
boost::asio::awaitable<Observations> look_canvas(Context& context, Task task,
                                                 net::Deadline deadline);
// Subject reference/<n>: does a place that always answers answer us?
boost::asio::awaitable<Observations> look_reference(Context& context, Task task,
                                                    net::Deadline deadline);

// The general kinds: the question is in task.settings.check, the subject in task.settings.subject.
// Fact latency_ms, for http also status and certificate_days.
boost::asio::awaitable<Observations> look_http(Context& context, Task task, net::Deadline deadline);
boost::asio::awaitable<Observations> look_tcp(Context& context, Task task, net::Deadline deadline);
// Facts certificate_days and chain_days.
boost::asio::awaitable<Observations> look_tls(Context& context, Task task, net::Deadline deadline);
// Fact records.
boost::asio::awaitable<Observations> look_dns(Context& context, Task task, net::Deadline deadline);
// Facts value and series. Whatever keeps Prometheus from answering in full is unknown.
boost::asio::awaitable<Observations> look_promql(Context& context, Task task,
                                                 net::Deadline deadline);
// Fact silent_seconds.
boost::asio::awaitable<Observations> look_heartbeat(Context& context, Task task,
                                                    net::Deadline deadline);
// Is the credential accepted where nothing is without it? Facts valid, age_days.
boost::asio::awaitable<Observations> look_credential(Context& context, Task task,
                                                     net::Deadline deadline);
// Fact exit_code.
boost::asio::awaitable<Observations> look_command(Context& context, Task task,
                                                  net::Deadline deadline);

}  // namespace leverd::probes
