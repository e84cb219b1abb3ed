// Why: what leaves this machine is checked before it leaves: a header or URL that carries a line
// break would be a second request. Private to core/net.
#pragma once

#include "core/base/secret.hpp"
#include "core/net/fault.hpp"
#include "core/net/http.hpp"

#include <cstdint>
#include <string>

namespace leverd::net {

struct Target {
    bool tls = false;
    std::string host;  // without the brackets of an IPv6 literal, lower case
    std::uint16_t port = 0;
    std::string authority;  // the Host header
    std::string path;       // path and query as they go on the wire
    std::string key;        // scheme, host and port: what a kept connection belongs to
};

// Absolute http or https, no user name or password in it; a fragment is left out.
Attempt<Target> parse_target(const std::string& url);

// The bytes of the whole request. A Secret, because they carry the credentials.
Attempt<Secret> serialize(const HttpRequest& request, const Target& target,
                          const std::string& user_agent);

// GET and HEAD change nothing, so they may be sent twice.
bool is_repeatable(const std::string& method);

}  // namespace leverd::net
