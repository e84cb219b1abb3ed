// Why: see trace.hpp. Most looks are well, so bodies are masked only where one will be shown.
#include "core/net/trace.hpp"

#include "core/base/redact.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <utility>

namespace leverd::net {
namespace {

// More than is ever shown, so that a secret at the cut is still whole when it is masked.
constexpr std::size_t body_noted_max = 16U << 10;
constexpr std::size_t url_shown_max = 500;
constexpr std::size_t header_shown_max = 300;
constexpr std::size_t headers_shown_max = 40;

using Headers = std::vector<std::pair<std::string, std::string>>;

Headers masked(const Headers& headers) {
    Headers out;
    for (const auto& [name, value] : headers) {
        if (out.size() < headers_shown_max) {
            out.emplace_back(sanitize(name, header_shown_max),
                             sanitize(redact_header(name, value), header_shown_max));
        }
    }
    return out;
}

// A credential may travel in a header of any name.
bool is_login(const std::pair<std::string, std::string>& header) {
    return redact_header(header.first, header.second) != header.second;
}

void note_answer(Exchange& exchange, const HttpResponse& response) {
    exchange.status = response.status;
    exchange.headers.assign(response.headers.begin(), response.headers.end());
    exchange.bytes = response.body.size();
    exchange.sha256 = response.body.empty() ? std::string{} : sha256_hex(response.body);
    exchange.body = response.body.substr(0, body_noted_max);
    exchange.phases = response.phases;
}

}  // namespace

boost::asio::awaitable<HttpResult> Trace::fetch(HttpRequest request, Deadline deadline) {
    Exchange exchange;
    exchange.method = request.method;
    exchange.url = request.url;
    exchange.sent = request.headers;
    exchange.login = request.bearer.has_value() || request.basic.has_value() ||
                     std::any_of(request.headers.begin(), request.headers.end(), is_login);
    if (request.bearer || request.basic) {
        exchange.sent.emplace_back("authorization", request.bearer ? "Bearer" : "Basic");
    }
    HttpResult result = co_await inner_->fetch(std::move(request), deadline);
    if (result.has_value()) {
        note_answer(exchange, *result);
    } else {
        exchange.failure =
            std::string(describe(result.error().reason).name) + ": " + result.error().detail;
        exchange.status = result.error().status;
        exchange.phases = result.error().phases;
    }
    noted_.push_back(std::move(exchange));
    if (noted_.size() > kept_) {
        noted_.pop_front();
        ++left_out_;
    }
    co_return result;
}

std::vector<Exchange> Trace::shown(bool with_bodies) const {
    std::vector<Exchange> out;
    for (Exchange exchange : noted_) {
        exchange.url = sanitize(redact(exchange.url), url_shown_max);
        exchange.failure = sanitize(redact(exchange.failure), url_shown_max);
        exchange.sent = masked(exchange.sent);
        exchange.headers = masked(exchange.headers);
        exchange.body = with_bodies ? excerpt_of(exchange.body, body_shown_max) : std::string{};
        out.push_back(std::move(exchange));
    }
    return out;
}

}  // namespace leverd::net
