// Why: a tenant's request counters start anew with its process, which makes them a free proof of a
// restart; and our own requests are counted against a share of the tenant's rate bucket.
#include "core/stack/tenant.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace leverd::stack {
namespace {

constexpr std::size_t exposition_bytes_max = 4U << 20;

// The text after a sample's labels; empty when the braces never close. Label values are quoted and
// may hold braces.
std::string_view after_labels(std::string_view text) {
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (quoted && text[i] == '\\') {
            ++i;
        } else if (text[i] == '"') {
            quoted = !quoted;
        } else if (text[i] == '}' && !quoted) {
            return text.substr(i + 1);
        }
    }
    return {};
}

std::optional<double> sample_of(std::string_view line, std::string_view name) {
    if (!line.starts_with(name)) {
        return std::nullopt;
    }
    line.remove_prefix(name.size());
    if (line.starts_with('{')) {
        line = after_labels(line.substr(1));
    } else if (!line.starts_with(' ') && !line.starts_with('\t')) {
        return std::nullopt;
    }
    while (line.starts_with(' ') || line.starts_with('\t')) {
        line.remove_prefix(1);
    }
    double value = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
    if (error != std::errc{} || !std::isfinite(value) || value < 0) {
        return std::nullopt;
    }
    return value;
}

bool is_text(const net::HttpResponse& response) {
    const std::string& type = response.header("content-type");
    return type.starts_with("text/plain") || type.starts_with("application/openmetrics-text");
}

}  // namespace

std::optional<double> sum_metric(std::string_view exposition, std::string_view name) {
    std::optional<double> sum;
    while (!exposition.empty()) {
        const auto end = exposition.find('\n');
        const auto value = sample_of(exposition.substr(0, end), name);
        if (value) {
            sum = sum.value_or(0) + *value;
        }
        exposition =
            end == std::string_view::npos ? std::string_view{} : exposition.substr(end + 1);
    }
    return sum;
}

boost::asio::awaitable<Read<double>> read_request_counter(TenantAccess access,
                                                          net::Deadline deadline) {
    // The path is open, so the token stays at home.
    access.admin_token = Secret{};
    net::HttpRequest request = tenant_request(access, "GET", "/metrics");
    request.body_limit = exposition_bytes_max;
    auto answer = co_await tenant_call(access, request, deadline);
    if (answer.has_error()) {
        co_return answer.error();
    }
    if (answer->status != 200) {
        co_return problem_of(request, *answer);
    }
    if (!is_text(*answer)) {
        co_return problem_of(request, *answer, Reason::wrong_content_type);
    }
    const auto sum = sum_metric(answer->body, requests_metric);
    if (!sum) {
        Problem problem = problem_of(request, *answer, Reason::wrong_body);
        problem.detail =
            describe_without_body(request, *answer) + "; no " + std::string(requests_metric);
        co_return problem;
    }
    co_return *sum;
}

RequestBudget::RequestBudget(int per_minute) : per_minute_(std::max(per_minute, 1)) {}

bool RequestBudget::take(const std::string& key, int cost, Instant now, double most) {
    // One request must fit, or there would never be a look.
    const double per_minute = std::max(std::min(per_minute_, most), 1.0);
    const auto [it, fresh] = buckets_.try_emplace(key, Bucket{per_minute, now});
    Bucket& bucket = it->second;
    const double minutes = static_cast<double>((now - bucket.filled).count()) / 60'000.0;
    bucket.tokens = std::min(per_minute, bucket.tokens + std::max(minutes, 0.0) * per_minute);
    bucket.filled = now;
    if (bucket.tokens < 1) {
        return false;
    }
    bucket.tokens -= cost;
    return true;
}

}  // namespace leverd::stack
