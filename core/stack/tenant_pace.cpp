// Why: behind the edge a tenant's users, agents and leverd share one rate bucket (wire-contracts
// 2.1). Who empties it by watching makes the outage that he reports.
#include "core/stack/tenant.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>

namespace leverd::stack {
namespace {

using namespace std::chrono_literals;

constexpr Millis window_max = 2min;  // of X-RateLimit-Reset
constexpr Millis pause_max = 10min;  // of Retry-After
constexpr Millis pause_default = 1min;
constexpr double low_share = 0.1;
constexpr double number_max = 1e12;

std::optional<double> number_of(const net::HttpResponse& response, const char* header) {
    const std::string& text = response.header(header);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool good = error == std::errc{} && end == text.data() + text.size() && value >= 0 &&
                      value <= number_max;
    return good ? std::optional(value) : std::nullopt;
}

Millis seconds(double value) {
    return Millis{static_cast<std::int64_t>(value * 1000)};
}

}  // namespace

void note_pace(TenantPace& pace, const net::HttpResponse& response, Instant now) {
    const auto limit = number_of(response, "x-ratelimit-limit");
    const auto left = number_of(response, "x-ratelimit-remaining");
    const auto reset = number_of(response, "x-ratelimit-reset");
    if (limit && *limit >= 1) {
        pace.limit = *limit;
    }
    if (response.status == 429) {
        const Millis asked = retry_after(response);
        const Millis window = reset ? seconds(*reset) : pause_default;
        pace.not_before = now + std::clamp(asked > 0ms ? asked : window, Millis{1s}, pause_max);
        pace.why = "the tenant answered 429";
    } else if (limit && left && reset && *limit >= 1 && *left < *limit * low_share) {
        pace.not_before = now + std::clamp(seconds(*reset), Millis{1s}, window_max);
        pace.why = fmt::format("{:.0f} of {:.0f} requests are left in the tenant's rate limit",
                               *left, *limit);
    } else if (pace.not_before <= now) {
        pace.why.clear();
    }
}

boost::asio::awaitable<Read<net::HttpResponse>> tenant_call(TenantAccess access,
                                                            net::HttpRequest request,
                                                            net::Deadline deadline) {
    auto answer = co_await call(access.http, std::move(request), deadline);
    if (answer.has_value() && access.pace != nullptr && access.clock != nullptr) {
        note_pace(*access.pace, *answer, access.clock->now().at);
    }
    co_return answer;
}

}  // namespace leverd::stack
