// Why: see webhook.hpp.
#include "exporters/pager/webhook.hpp"

#include "core/base/redact.hpp"
#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "core/net/clock.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace leverd::exporters {
namespace {

constexpr int attempts_max = 8;
constexpr Millis attempt_timeout{10'000};
constexpr Millis first_pause{1'000};
constexpr Millis longest_pause{60'000};

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

std::string page_body(const Paged& page, Now now) {
    nlohmann::json body;
    body["key"] = page.key;
    body["status"] = to_string(page.status);
    body["severity"] = to_string(page.severity);
    body["title"] = page.title;
    body["text"] = page.text;
    body["at"] = format_rfc3339(now.wall);
    return mask_known(dump(body));
}

boost::asio::awaitable<bool> send_page(net::HttpTransport* http, PageSink sink, Paged page,
                                       Now now) {
    const auto body = page_body(page, now);
    const auto timestamp = std::to_string(to_millis(now.wall) / 1000);
    const auto delivery = sha256_hex(sink.settings.id + timestamp + body).substr(0, 32);
    auto wait = first_pause;
    for (int attempt = 0; attempt < attempts_max; ++attempt) {
        net::HttpRequest request;
        request.method = "POST";
        request.url = sink.settings.url;
        request.body = body;
        request.headers.emplace_back("Content-Type", "application/json");
        request.headers.emplace_back("X-Watchdog-Timestamp", timestamp);
        request.headers.emplace_back("X-Watchdog-Delivery", delivery);
        if (!sink.key.empty()) {
            request.headers.emplace_back("X-Watchdog-Signature",
                                         page_signature(sink.key, timestamp, body));
        }
        const auto answer =
            co_await http->fetch(std::move(request), net::deadline_in(attempt_timeout));
        if (answer && answer->status / 100 == 2) {
            co_return true;
        }
        if (answer && answer->status / 100 == 4 && answer->status != 429) {
            co_return false;
        }
        const bool awake = co_await net::pause(wait);
        if (!awake) {
            co_return false;
        }
        wait = std::min(wait * 2, longest_pause);
    }
    co_return false;
}

}  // namespace leverd::exporters
