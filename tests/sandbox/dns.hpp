// Why: the product resolves names itself, so the sandbox brings a name server: everything under
// sandbox.test is this box, and a lost network is a server that stays silent.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/udp.hpp>

#include <functional>
#include <optional>
#include <string>

namespace sandbox {

// What the name server needs to know about the world.
struct DnsView {
    std::function<bool()> silent;
    // Names that must be refused at connect get an address where nobody listens.
    std::function<bool(const std::string& host)> refuse;
};

// The answer to one packet; nothing for a packet that deserves silence.
std::optional<std::string> dns_answer(const std::string& query, const DnsView& view);

// Answers until the socket or the context ends.
boost::asio::awaitable<void> serve_dns(boost::asio::ip::udp::socket socket, const DnsView* view);

}  // namespace sandbox
