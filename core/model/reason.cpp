// Why: the one table of reasons. Its words are a public interface: metrics, ledger, API and the
// shipped rules use them, so a row is added but never renamed.
#include "core/model/reason.hpp"

#include <cstddef>

namespace leverd {

namespace {

constexpr std::size_t reason_count = static_cast<std::size_t>(Reason::agent_busy) + 1;

using enum Reason;

constexpr std::array table = std::to_array<ReasonRow>({
    {ok, "ok", Layer::none, "the target does its job"},

    {dns_not_found, "dns_not_found", Layer::dns, "the name does not exist"},
    {dns_failure, "dns_failure", Layer::dns, "the name servers answered with a failure"},
    {dns_timeout, "dns_timeout", Layer::dns, "the name servers did not answer in time"},

    {connect_refused, "connect_refused", Layer::connect, "nothing listens on the port"},
    {connect_timeout, "connect_timeout", Layer::connect, "no connection in time"},
    {connect_failed, "connect_failed", Layer::connect, "the network refused the connection"},

    {tls_timeout, "tls_timeout", Layer::tls, "the TLS handshake did not end in time"},
    {tls_handshake, "tls_handshake", Layer::tls, "the TLS handshake failed"},
    {tls_untrusted, "tls_untrusted", Layer::tls, "the certificate comes from nobody we trust"},
    {tls_expired, "tls_expired", Layer::tls, "the certificate is expired or not yet valid"},
    {tls_wrong_name, "tls_wrong_name", Layer::tls, "the certificate is for another name"},
    {tls_expires_soon, "tls_expires_soon", Layer::tls, "the certificate runs out soon"},

    {header_timeout, "header_timeout", Layer::header, "no answer in time"},
    {connection_cut, "connection_cut", Layer::header, "the connection was cut before the answer"},
    {bad_protocol, "bad_protocol", Layer::header, "the answer is not HTTP"},
    {header_too_large, "header_too_large", Layer::header, "the answer's head is over the limit"},

    {body_timeout, "body_timeout", Layer::body, "the answer began but did not end in time"},
    {body_too_large, "body_too_large", Layer::body, "the answer's body is over the limit"},
    {body_cut, "body_cut", Layer::body, "the connection was cut inside the body"},

    {http_5xx, "http_5xx", Layer::assertion, "the target answered with a server error"},
    {http_4xx, "http_4xx", Layer::assertion, "the target answered with a client error"},
    {http_redirect, "http_redirect", Layer::assertion, "a redirect where an answer was expected"},
    {not_found, "not_found", Layer::assertion, "what was asked for does not exist"},
    {guard_not_found, "guard_not_found", Layer::assertion,
     "the edge answered not found before the target was asked"},
    {wrong_content_type, "wrong_content_type", Layer::assertion, "the answer is of another type"},
    {bad_json, "bad_json", Layer::assertion, "the answer is not the JSON that was expected"},
    {wrong_body, "wrong_body", Layer::assertion, "the answer says something else than it should"},
    {marker_missing, "marker_missing", Layer::assertion, "the page lacks its marker"},
    {asset_failed, "asset_failed", Layer::assertion, "a script of the page does not load"},
    {client_exception, "client_exception", Layer::assertion, "the page throws in a browser"},
    {dns_wrong_answer, "dns_wrong_answer", Layer::assertion,
     "the name has other records than it should"},
    {wrong_status, "wrong_status", Layer::assertion, "the status is not one of the expected"},
    {header_missing, "header_missing", Layer::assertion,
     "a header of the answer is missing or different"},
    {wrong_value, "wrong_value", Layer::assertion, "a value is not what it should be"},
    {too_slow, "too_slow", Layer::assertion, "the answer took longer than it may"},

    {unauthorized, "unauthorized", Layer::credential, "our credential was not accepted"},
    {forbidden, "forbidden", Layer::credential, "our credential may not do this"},
    {rate_limited, "rate_limited", Layer::credential, "the target asks us to slow down"},
    {credential_missing, "credential_missing", Layer::credential, "we have no credential for this"},
    {credential_rolled_back, "credential_rolled_back", Layer::credential,
     "the rollback brought an older CP_ADMIN_API_TOKEN back, so ours answers 401: set the current "
     "one on the service again, then rotate the older one"},
    {credential_old, "credential_old", Layer::credential, "our credential is due for rotation"},
    {credential_untested, "credential_untested", Layer::credential,
     "the route answers without our credential, too, so it says nothing about it"},

    {provisioning, "provisioning", Layer::domain, "it is still being set up"},
    {not_running, "not_running", Layer::domain, "it does not run"},
    {stopped, "stopped", Layer::domain, "somebody stopped it"},
    {removed, "removed", Layer::domain, "it was removed"},
    {paused, "paused", Layer::domain, "it is paused"},
    {workspace_offline, "workspace_offline", Layer::domain, "the workspace is offline"},
    {workspace_degraded, "workspace_degraded", Layer::domain, "the workspace is degraded"},
    {workspace_failed, "workspace_failed", Layer::domain, "the workspace failed"},
    {unknown_state, "unknown_state", Layer::domain, "it is in a state that we do not know"},
    {boot_failed, "boot_failed", Layer::domain, "its boot ended in a failure"},
    {boot_silent, "boot_silent", Layer::domain, "its boot says nothing any more"},
    {silent, "silent", Layer::domain, "nothing was heard of it for too long"},
    {agent_errors, "agent_errors", Layer::domain, "every request to the agent ends in an error"},
    {agent_sometimes_errors, "agent_sometimes_errors", Layer::domain,
     "some requests to the agent end in an error"},
    {provider_fault, "provider_fault", Layer::domain, "the model provider fails, not the agent"},
    {no_traffic, "no_traffic", Layer::domain, "no requests to judge by"},
    {drift, "drift", Layer::domain, "what runs is not what was frozen"},
    {receipt_missing, "receipt_missing", Layer::domain, "the freeze receipt lacks this entry"},
    {tag_missing, "tag_missing", Layer::domain, "the image tag does not exist"},
    {image_moved, "image_moved", Layer::domain, "the image tag points to another digest"},
    {running_differs, "running_differs", Layer::domain, "what runs is not what the tag names"},
    {inventory_empty, "inventory_empty", Layer::domain, "the list came back empty"},
    {inventory_shrunk, "inventory_shrunk", Layer::domain, "the list lost too many at once"},
    {tags_not_stable, "tags_not_stable", Layer::domain, "the tags changed while we looked"},
    {proof_missing, "proof_missing", Layer::domain, "there is nothing that proves it works"},
    {deployment_failed, "deployment_failed", Layer::domain,
     "the new deployment did not come up: read its log, then deploy a good build by hand"},
    {alias_failed, "alias_failed", Layer::domain,
     "some domains did not move: assign them to the deployment by hand"},
    {datastore_down, "datastore_down", Layer::domain, "it cannot reach its data store"},
    {no_data, "no_data", Layer::domain, "the query answered with nothing to judge by"},
    {partial_data, "partial_data", Layer::domain, "the query saw only a part of the data"},
    {command_failed, "command_failed", Layer::domain, "the command says that it fails"},
    {command_degraded, "command_degraded", Layer::domain, "the command says that it is degraded"},
    {command_unclear, "command_unclear", Layer::domain, "the command ended in an unknown way"},
    {command_timeout, "command_timeout", Layer::domain, "the command did not end in time"},
    {heartbeat_missed, "heartbeat_missed", Layer::domain, "nobody called within the deadline"},
    {heartbeat_awaited, "heartbeat_awaited", Layer::domain, "nobody has called yet"},
    {workflow_enabled, "workflow_enabled", Layer::domain,
     "a workflow that the freeze switched off is on"},
    {publisher_running, "publisher_running", Layer::domain,
     "a run that publishes an image is under way"},
    {writer_forgotten, "writer_forgotten", Layer::domain,
     "a workflow that can move an image was never switched off"},
    {receipt_incomplete, "receipt_incomplete", Layer::domain,
     "the freeze receipt does not cover everything"},
    {thaw_pending, "thaw_pending", Layer::domain, "the freeze is over and workflows are still off"},
    {forge_lost, "forge_lost", Layer::domain, "the forge refuses everything, not our token alone"},
    {registry_lost, "registry_lost", Layer::domain, "the registry refuses every image"},
    {ci_failed, "ci_failed", Layer::domain, "the newest run on the branch did not succeed"},
    {ci_running, "ci_running", Layer::domain, "the newest run on the branch has not ended"},
    {wrong_commit, "wrong_commit", Layer::domain, "it is built from another commit than expected"},

    {resolver_down, "resolver_down", Layer::local, "our name servers do not answer"},
    {no_descriptors, "no_descriptors", Layer::local, "we are out of file descriptors"},
    {deadline_local, "deadline_local", Layer::local, "we used up the time ourselves"},
    {loop_late, "loop_late", Layer::local, "our event loop was late"},
    {clock_stepped, "clock_stepped", Layer::local, "our clock jumped"},
    {parent_unreadable, "parent_unreadable", Layer::local,
     "what has to be read first could not be read"},
    {browser_missing, "browser_missing", Layer::local, "there is no browser to load the page with"},
    {command_not_started, "command_not_started", Layer::local, "the command could not be started"},
    {no_route, "no_route", Layer::local, "this box has no way to any of its addresses"},
    {agent_busy, "agent_busy", Layer::domain, "no request is answered: the agent is busy or hangs"},
});

constexpr bool rows_are_in_order() {
    for (std::size_t i = 0; i < table.size(); ++i) {
        if (static_cast<std::size_t>(table[i].reason) != i) {
            return false;
        }
    }
    return true;
}
static_assert(table.size() == reason_count, "every Reason has exactly one row");
static_assert(rows_are_in_order(), "describe() indexes the table by the enumerator");

}  // namespace

const ReasonRow& describe(Reason r) {
    const auto index = static_cast<std::size_t>(r);
    // A value from outside the enumeration must not read as "ok".
    return table[index < table.size() ? index : static_cast<std::size_t>(unknown_state)];
}

std::optional<Reason> reason_from_name(std::string_view name) {
    for (const ReasonRow& row : table) {
        if (row.name == name) {
            return row.reason;
        }
    }
    return std::nullopt;
}

std::string_view layer_name(Layer l) {
    switch (l) {
        case Layer::none:
            return "none";
        case Layer::dns:
            return "dns";
        case Layer::connect:
            return "connect";
        case Layer::tls:
            return "tls";
        case Layer::header:
            return "header";
        case Layer::body:
            return "body";
        case Layer::assertion:
            return "assertion";
        case Layer::domain:
            return "domain";
        case Layer::credential:
            return "credential";
        case Layer::local:
            return "local";
    }
    return "invalid";
}

}  // namespace leverd
