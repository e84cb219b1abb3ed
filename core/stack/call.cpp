// Why: the shared words for answers and failures: masking, evidence lines, status reasons and typed
// JSON reads live in one place so that a credential cannot slip out through one forgotten caller.
#include "core/stack/call.hpp"

#include "core/base/redact.hpp"
#include "core/base/text.hpp"
#include "core/model/codec.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace leverd::stack {
namespace {

constexpr std::size_t url_shown_max = 300;
constexpr std::size_t body_shown_max = 480;

std::string call_name(const net::HttpRequest& request) {
    return request.method + " " + sanitize(redact(request.url), url_shown_max);
}

}  // namespace

Millis total(const Phases& phases) {
    return phases.dns + phases.connect + phases.tls + phases.header + phases.body;
}

std::string join_url(std::string_view base, std::string_view path) {
    while (!base.empty() && base.back() == '/') {
        base.remove_suffix(1);
    }
    while (!path.empty() && path.front() == '/') {
        path.remove_prefix(1);
    }
    return std::string(base) + "/" + std::string(path);
}

std::string expand(std::string_view path_template, std::string_view name, std::string_view value) {
    const std::string hole = "{" + std::string(name) + "}";
    std::string out(path_template);
    for (auto at = out.find(hole); at != std::string::npos;
         at = out.find(hole, at + value.size())) {
        out.replace(at, hole.size(), value);
    }
    return out;
}

std::string describe_without_body(const net::HttpRequest& request,
                                  const net::HttpResponse& response) {
    return fmt::format("{}: {} in {} ms", call_name(request), response.status,
                       total(response.phases).count());
}

std::string describe_answer(const net::HttpRequest& request, const net::HttpResponse& response) {
    std::string text = describe_without_body(request, response);
    if (response.body.empty()) {
        return text + "; no body";
    }
    if (const auto coding = coding_of(response); !coding.empty()) {
        return text + "; the body is coded as " + coding + ", which was not asked for";
    }
    text += "; body \"" + excerpt_of(response.body, body_shown_max) + "\"";
    return sanitize(text, evidence_bytes_max);
}

Problem problem_of(const net::HttpRequest& request, const net::HttpFailure& failure) {
    Problem problem;
    problem.reason = failure.reason;
    problem.origin = failure.origin;
    problem.sent = failure.sent;
    problem.phases = failure.phases;
    problem.heard = failure.status;
    const auto heard =
        failure.status == 0 ? std::string{} : fmt::format("{}, then ", failure.status);
    problem.detail = sanitize(fmt::format("{}: {}{} after {} ms; {}", call_name(request), heard,
                                          describe(failure.reason).name,
                                          total(failure.phases).count(), redact(failure.detail)),
                              evidence_bytes_max);
    return problem;
}

Reason reason_of_status(const net::HttpResponse& response) {
    const int status = response.status;
    switch (status) {
        case 401:
            return Reason::unauthorized;
        case 403:
            return Reason::forbidden;
        case 429:
            return Reason::rate_limited;
        case 404:
            return response.body.empty() ? Reason::guard_not_found : Reason::not_found;
        default:
            break;
    }
    if (status >= 500 && status < 600) {
        return Reason::http_5xx;
    }
    if (status >= 400 && status < 500) {
        return Reason::http_4xx;
    }
    if (status >= 300 && status < 400) {
        return Reason::http_redirect;
    }
    return Reason::wrong_body;
}

Millis retry_after(const net::HttpResponse& response) {
    constexpr long most = 3600;
    const std::string& text = response.header("retry-after");
    long seconds = 0;
    const auto* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, seconds);
    const bool usable = read.ec == std::errc{} && read.ptr == end && seconds > 0;
    return usable ? std::chrono::seconds(std::min(seconds, most)) : Millis{0};
}

Problem problem_of(const net::HttpRequest& request, const net::HttpResponse& response,
                   Reason reason) {
    Problem problem;
    problem.reason = reason;
    problem.status = response.status;
    problem.sent = true;
    problem.retry_after = retry_after(response);
    problem.phases = response.phases;
    problem.detail = describe_answer(request, response);
    return problem;
}

Problem problem_of(const net::HttpRequest& request, const net::HttpResponse& response) {
    return problem_of(request, response, reason_of_status(response));
}

Problem local_problem(Reason reason, std::string detail) {
    Problem problem;
    problem.reason = reason;
    problem.origin = Origin::local;
    problem.detail = sanitize(redact(detail), evidence_bytes_max);
    return problem;
}

Error to_error(const Problem& problem) {
    return Error{problem.detail, std::string(describe(problem.reason).text)};
}

bool is_json(const net::HttpResponse& response) {
    std::string type = lower_case(response.header("content-type"));
    type.resize(std::min(type.size(), type.find(';')));
    while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) {
        type.pop_back();
    }
    return type == "application/json" ||
           (type.starts_with("application/") && type.ends_with("+json"));
}

std::string coding_of(const net::HttpResponse& response) {
    const auto coding = lower_case(response.header("content-encoding"));
    return coding == "identity" ? std::string{} : sanitize(coding, 40);
}

Read<nlohmann::json> json_of(const net::HttpRequest& request, const net::HttpResponse& response) {
    if (response.status != 200) {
        return problem_of(request, response);
    }
    if (!is_json(response)) {
        return problem_of(request, response, Reason::wrong_content_type);
    }
    if (!coding_of(response).empty()) {
        return problem_of(request, response, Reason::bad_protocol);
    }
    auto parsed = parse_json(response.body);
    if (parsed.has_error()) {
        return problem_of(request, response, Reason::bad_json);
    }
    return good(std::move(*parsed));
}

boost::asio::awaitable<Read<net::HttpResponse>> call(net::HttpTransport* http,
                                                     net::HttpRequest request,
                                                     net::Deadline deadline) {
    if (http == nullptr || request.url.empty()) {
        co_return local_problem(Reason::parent_unreadable, "nothing to call: no usable URL");
    }
    net::HttpResult result = co_await http->fetch(request, deadline);
    if (result.has_error()) {
        co_return problem_of(request, result.error());
    }
    co_return std::move(*result);
}

std::string lower_case(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

std::string text_at(const nlohmann::json& object, const char* key) {
    if (!object.is_object()) {
        return {};
    }
    const auto it = object.find(key);
    return it != object.end() && it->is_string() ? it->get<std::string>() : std::string{};
}

double number_at(const nlohmann::json& object, const char* key, double fallback) {
    if (!object.is_object()) {
        return fallback;
    }
    const auto it = object.find(key);
    return it != object.end() && it->is_number() ? it->get<double>() : fallback;
}

bool is_header_text(std::string_view text) {
    return !text.empty() && text.size() <= 16384 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace leverd::stack
