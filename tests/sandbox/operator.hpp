// Why: the on-call operator of the story, who reads proposals and approves one kind of them.
#pragma once

#include "journal.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>

namespace sandbox {

struct OperatorSettings {
    std::string url;    // http://127.0.0.1:9847; anything else is an error at start
    std::string token;  // for the approval
    std::string lever = "platform-rollback";
};

// Host and port of an "http://host:port" URL; empty host when it is not one.
struct OperatorAddress {
    std::string host;
    std::string port;
};
OperatorAddress operator_address(const std::string& url);

// Polls for pending decisions every 500 ms and approves those of the lever that have been waiting
// for two seconds. Every failure is a reason to look again later.
boost::asio::awaitable<void> run_operator(const OperatorSettings* settings, Journal* journal);

}  // namespace sandbox
