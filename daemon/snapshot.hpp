// Why: what looks and levers read, as one thing with many owners. A reload makes a new one; whoever
// is under way keeps the one that it began with for as long as it needs it.
#pragma once

#include "config/load.hpp"
#include "core/base/secret.hpp"
#include "core/base/secret_safe.hpp"
#include "core/net/dialer.hpp"
#include "core/net/http.hpp"
#include "core/net/websocket.hpp"

#include <map>
#include <memory>
#include <string>

namespace leverd {

struct Snapshot {
    config::Config config;
    config::Settings settings;
    std::map<std::string, Secret> secrets;
    std::shared_ptr<SecretSafe> safe;  // null: no sealing key
    // Made from [net] of this config.
    std::shared_ptr<net::HttpTransport> http;
    std::shared_ptr<net::Dialer> dialer;
    std::shared_ptr<net::WebSocketClient> streams;
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

// Parts that keep the whole alive.
inline std::shared_ptr<const config::Config> config_of(const SnapshotPtr& snapshot) {
    return {snapshot, &snapshot->config};
}
inline std::shared_ptr<const std::map<std::string, Secret>> secrets_of(
    const SnapshotPtr& snapshot) {
    return {snapshot, &snapshot->secrets};
}

}  // namespace leverd
