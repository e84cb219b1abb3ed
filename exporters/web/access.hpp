// Why: who may do what, in one place: a page of another site must reach nothing, reads are open on
// this box only, and a change needs someone we can name.
#pragma once

#include "core/base/secret.hpp"
#include "exporters/web/http.hpp"

#include <boost/system/result.hpp>

#include <optional>
#include <string>

namespace leverd::exporters::web {

// What the listener knows about one connection.
struct Access {
    bool unix_socket = false;
    unsigned uid = 0;      // of the peer, unix socket only
    unsigned own_uid = 0;  // of the daemon
    bool loopback = true;  // TCP: the listener is bound to a loopback address
    std::string listen_host;
    const Secret* token = nullptr;  // TCP: for changes; null: none configured
};

enum class Need {
    open,    // page, health: tells nothing about the stack
    read,    // open on this box; needs the token on an address that others can reach
    change,  // needs an identity, always
};

// The identity ("token", a user name, or empty for an anonymous read), or the refusal to send.
boost::system::result<std::string, Response> authorize(const Access& access, const Request& request,
                                                       Need need);

}  // namespace leverd::exporters::web
