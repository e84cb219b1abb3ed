// Why: what a resolver's end means is decided once, for addresses and for other records. Private to
// core/net.
#pragma once

#include "core/net/ares_sockets.hpp"
#include "core/net/fault.hpp"

#include <cstdint>

namespace leverd::net {

// The library's word for a query that got nowhere depends on its version and on chance.
int clarify_dns(int status, const AresSockets& servers, std::uint64_t asked_at);
Fault dns_fault(int status);

}  // namespace leverd::net
