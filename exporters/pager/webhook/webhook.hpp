// Why: the generic sink: one signed JSON POST per version of a page, with the same delivery id on
// every attempt (wire-contracts 8).
#pragma once

#include "core/base/secret.hpp"
#include "exporters/pager/sink.hpp"

#include <string>

namespace leverd::exporters {

net::HttpRequest webhook_request(const PageSink& sink, const Message& message, WallTime now);

// "v1=" + hex HMAC-SHA256(key, timestamp + "." + body).
std::string page_signature(const Secret& key, const std::string& timestamp,
                           const std::string& body);

std::string page_body(const Message& message);

}  // namespace leverd::exporters
