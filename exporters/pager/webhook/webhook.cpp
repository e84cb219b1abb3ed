// Why: see webhook.hpp. The body and the delivery id are the same on every attempt, also after a
// restart; the signed timestamp is that of the attempt, because receivers refuse old ones.
#include "exporters/pager/webhook/webhook.hpp"

#include "core/base/redact.hpp"
#include "core/base/text.hpp"
#include "core/model/codec.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <nlohmann/json.hpp>

#include <array>

namespace leverd::exporters {
namespace {

// One per sink, page and version. The words belong to it: after a crash a version may be used anew.
std::string delivery_id(const PageSink& sink, const Message& message) {
    const auto& page = message.page;
    return sha256_hex(fmt::format("{}\n{}\n{}\n{}\n{}\n{}", sink.settings.id, page.key,
                                  page.version, to_string(page.status), page.title, page.text))
        .substr(0, 32);
}

}  // namespace

std::string page_signature(const Secret& key, const std::string& timestamp,
                           const std::string& body) {
    const auto text = timestamp + "." + body;
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    HMAC(EVP_sha256(), key.reveal().data(), static_cast<int>(key.reveal().size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &length);
    std::string hex = "v1=";
    for (unsigned int i = 0; i < length; ++i) {
        hex += fmt::format("{:02x}", digest[i]);
    }
    return hex;
}

std::string page_body(const Message& message) {
    const auto page = worded(message);
    nlohmann::json body;
    body["key"] = page.key;
    body["version"] = page.version;
    body["status"] = to_string(page.status);
    body["severity"] = to_string(page.severity);
    body["title"] = page.title;
    body["text"] = page.text;
    body["at"] = format_rfc3339(page.at.wall);
    if (page.since.wall != WallTime{}) {
        body["since"] = format_rfc3339(page.since.wall);
    }
    body["again"] = page.again;
    for (const auto& [name, value] : named_parts(page)) {
        body[name] = value;
    }
    return mask_known(dump(body));
}

net::HttpRequest webhook_request(const PageSink& sink, const Message& message, WallTime now) {
    const auto timestamp = std::to_string(to_millis(now) / 1000);
    net::HttpRequest request;
    request.method = "POST";
    request.url = sink.settings.url;
    request.body = page_body(message);
    request.headers.emplace_back("Content-Type", "application/json");
    request.headers.emplace_back("X-Watchdog-Timestamp", timestamp);
    request.headers.emplace_back("X-Watchdog-Delivery", delivery_id(sink, message));
    if (!sink.key.empty()) {
        request.headers.emplace_back("X-Watchdog-Signature",
                                     page_signature(sink.key, timestamp, request.body));
    }
    return request;
}

}  // namespace leverd::exporters
