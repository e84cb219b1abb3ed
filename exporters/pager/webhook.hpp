// Why: the generic page sink: one signed JSON POST per page, the same delivery id on every retry
// (wire-contracts 8). A page never waits on a lever and a lever never on a page.
#pragma once

#include "config/config.hpp"
#include "core/model/entry.hpp"
#include "core/net/http.hpp"

#include <boost/asio/awaitable.hpp>

#include <map>
#include <string>

namespace leverd::exporters {

struct PageSink {
    config::Notify settings;
    Secret key;
};

// Retries with growing pauses until it was accepted or `attempts_max` is reached; true when
// accepted.
boost::asio::awaitable<bool> send_page(net::HttpTransport* http, PageSink sink, Paged page,
                                       Now now);

// "v1=" + hex HMAC-SHA256(key, timestamp + "." + body).
std::string page_signature(const Secret& key, const std::string& timestamp,
                           const std::string& body);

std::string page_body(const Paged& page, Now now);

}  // namespace leverd::exporters
