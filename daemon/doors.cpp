// Why: who may come in over TCP, what the doors counted, and the line in the journal about those
// who were not let in.
#include "core/base/text.hpp"
#include "daemon/app_impl.hpp"

#include <spdlog/spdlog.h>

namespace leverd {
namespace {

exporters::Role role_of(const std::string& word) {
    return word == "operate"   ? exporters::Role::operate
           : word == "approve" ? exporters::Role::approve
                               : exporters::Role::read;
}

}  // namespace

// The one key of old is a token like the others, called "token", that may do everything.
exporters::ApiTokens App::Impl::api_tokens() const {
    exporters::ApiTokens out;
    if (const auto found = current->secrets.find(config().daemon.api_token);
        found != current->secrets.end()) {
        out.push_back({"token", found->second, exporters::Role::operate});
    }
    for (const auto& token : config().api_tokens) {
        if (const auto found = current->secrets.find(token.secret);
            found != current->secrets.end()) {
            out.push_back({token.name, found->second, role_of(token.role)});
        }
    }
    return out;
}

exporters::DoorFigures App::Impl::door_figures() const {
    exporters::DoorFigures out;
    if (!web) {
        return out;
    }
    const exporters::WebFigures seen = web->figures();
    for (const auto& [door, counts] : seen.doors) {
        out.doors[door] = {counts.open, counts.refused, counts.evicted_full, counts.evicted_peer,
                           counts.reserved};
    }
    out.auth_failures = seen.auth_failures;
    out.bad_requests = seen.bad_requests;
    out.reads_waiting = seen.reads_waiting;
    out.reads_refused = seen.reads_refused;
    return out;
}

// A page without a token asks every few seconds; only what looks like an attempt is worth a line.
void App::Impl::access_denied(const std::string& peer, std::string_view reason) {
    if (reason == "no_token") {
        return;
    }
    if (const auto count = denials.heard(clock->now().at)) {
        spdlog::warn(
            "event=access_denied peer=\"{}\" reason={} count={} hint=\"counted in "
            "leverd_http_auth_failures_total; docs/api.md\"",
            sanitize(peer, 100), reason, *count);
    }
}

}  // namespace leverd
