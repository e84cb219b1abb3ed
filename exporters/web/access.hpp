// Why: who may do what, in one place: a page of another site must reach nothing, reads are open on
// this box only, and a change needs someone we can name.
#pragma once

#include "core/base/secret.hpp"
#include "exporters/web/http.hpp"

#include <boost/system/result.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace leverd::exporters {

// What the owner of a token may do; each includes the ones before it.
enum class Role {
    read,     // see everything, and call heartbeats
    approve,  // answer decisions, and hold levers: stop, veto
    operate,  // everything: fire, lift what holds levers, reload
};

struct ApiToken {
    std::string name;  // what the ledger says about who did it
    Secret secret;
    Role role = Role::read;
};
using ApiTokens = std::vector<ApiToken>;

}  // namespace leverd::exporters

namespace leverd::exporters::web {

// What the listener knows about one connection.
struct Access {
    bool unix_socket = false;
    unsigned uid = 0;      // of the peer, unix socket only
    unsigned own_uid = 0;  // of the daemon
    bool loopback = true;  // TCP: the listener is bound to a loopback address
    std::string listen_host;
    std::string peer;                         // its address, or its uid
    std::shared_ptr<const ApiTokens> tokens;  // TCP: null or empty: none configured
};

enum class Need {
    open,       // page, health: tells nothing about the stack
    read,       // open on this box; needs a token on an address that others can reach
    heartbeat,  // any token
    approve,    // an identity whose role is at least that
    operate,
};
// Changes something, or is heard as if it did.
inline bool is_change(Need need) {
    return need >= Need::heartbeat;
}

struct Identity {
    std::string who;  // the token's or the user's name; empty for an anonymous read
    Role role = Role::read;
};

struct Denied {
    std::string_view reason;  // from a closed list, for the figures: docs/api.md
    Response response;
};

boost::system::result<Identity, Denied> authorize(const Access& access, const Request& request,
                                                  Need need);

// The request brings a token that would be looked at.
bool brings_token(const Access& access, const Request& request, Need need);

}  // namespace leverd::exporters::web
