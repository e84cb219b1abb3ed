// Why: one closed table of everything a look can conclude, by layer, so that metrics, ledger, page
// and rules use the same words. Adding a reason = one row here; the layer tells the six failure
// classes apart.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace leverd {

enum class Layer { none, dns, connect, tls, header, body, assertion, domain, credential, local };

enum class Reason {
    ok,
    // dns
    dns_not_found,
    dns_failure,
    dns_timeout,
    // connect
    connect_refused,
    connect_timeout,
    connect_failed,
    // tls
    tls_timeout,
    tls_handshake,
    tls_untrusted,
    tls_expired,
    tls_wrong_name,
    tls_expires_soon,
    // header
    header_timeout,
    connection_cut,
    bad_protocol,
    header_too_large,
    // body
    body_timeout,
    body_too_large,
    body_cut,
    // assertion: the answer arrived whole and is wrong
    http_5xx,
    http_4xx,
    http_redirect,
    not_found,
    guard_not_found,
    wrong_content_type,
    bad_json,
    wrong_body,
    marker_missing,
    asset_failed,
    client_exception,
    dns_wrong_answer,
    wrong_status,
    header_missing,
    wrong_value,
    too_slow,
    // credential and pace: we cannot judge
    unauthorized,
    forbidden,
    rate_limited,
    credential_missing,
    credential_rolled_back,
    credential_old,
    credential_untested,
    // domain
    provisioning,
    not_running,
    stopped,
    removed,
    paused,
    workspace_offline,
    workspace_degraded,
    workspace_failed,
    unknown_state,
    boot_failed,
    boot_silent,
    silent,
    agent_errors,
    agent_sometimes_errors,
    provider_fault,
    no_traffic,
    drift,
    receipt_missing,
    tag_missing,
    image_moved,
    running_differs,
    inventory_empty,
    inventory_shrunk,
    tags_not_stable,
    proof_missing,
    deployment_failed,
    alias_failed,
    datastore_down,
    no_data,
    partial_data,
    command_failed,
    command_degraded,
    command_unclear,
    command_timeout,
    heartbeat_missed,
    heartbeat_awaited,
    workflow_enabled,
    publisher_running,
    writer_forgotten,
    receipt_incomplete,
    thaw_pending,
    forge_lost,
    registry_lost,
    ci_failed,
    ci_running,
    wrong_commit,
    // local
    resolver_down,
    no_descriptors,
    deadline_local,
    loop_late,
    clock_stepped,
    parent_unreadable,
    browser_missing,
    command_not_started,
    no_route,
    // domain, later than the others
    agent_busy,
};

struct ReasonRow {
    Reason reason;
    std::string_view name;  // the word in metrics, ledger and API
    Layer layer;
    std::string_view text;  // what it means, for people
};

const ReasonRow& describe(Reason r);
std::optional<Reason> reason_from_name(std::string_view name);
std::string_view layer_name(Layer l);

}  // namespace leverd
