// Why: one answer over HTTP, held against everything that the configuration expects of it. The
// first expectation that does not hold is the finding; the order is that of the answer's arrival.
#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "probes/general.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace leverd::probes {
namespace {

constexpr std::size_t value_shown_max = 120;
constexpr std::size_t pattern_shown_max = 200;

struct Finding {
    Reason reason;
    std::string what;
};

bool is_expected(const std::vector<config::StatusRange>& ranges, int status) {
    if (ranges.empty()) {
        return status >= 200 && status <= 299;
    }
    return std::any_of(ranges.begin(), ranges.end(), [status](const config::StatusRange& range) {
        return status >= range.first && status <= range.last;
    });
}

std::optional<Finding> judge_headers(const config::HttpCheck& check,
                                     const net::HttpResponse& response) {
    for (const config::HeaderRule& rule : check.require_headers) {
        const auto found = response.headers.find(rule.name);
        if (found == response.headers.end()) {
            return Finding{Reason::header_missing, fmt::format("no header {}", rule.name)};
        }
        if (!rule.pattern.found_in(found->second)) {
            return Finding{Reason::header_missing,
                           fmt::format("header {} is \"{}\", without \"{}\"", rule.name,
                                       sanitize(found->second, value_shown_max),
                                       sanitize(rule.pattern.text(), pattern_shown_max))};
        }
    }
    return std::nullopt;
}

bool holds(const config::JsonCondition& condition, const nlohmann::json& value) {
    using config::Comparison;
    if (condition.comparison == Comparison::equal) {
        return value == condition.value;
    }
    if (condition.comparison == Comparison::not_equal) {
        return value != condition.value;
    }
    return value.is_number() &&
           config::holds(condition.comparison, value.get<double>(), condition.value.get<double>());
}

std::optional<Finding> judge_values(const config::HttpCheck& check, const nlohmann::json& body) {
    using config::Comparison;
    for (const config::JsonCondition& condition : check.json) {
        const bool there = body.contains(condition.at);
        const bool about_presence = condition.comparison == Comparison::exists ||
                                    condition.comparison == Comparison::absent;
        if (about_presence ? there == (condition.comparison == Comparison::exists)
                           : there && holds(condition, body.at(condition.at))) {
            continue;
        }
        const std::string found =
            there ? sanitize(body.at(condition.at)
                                 .dump(-1, ' ', true, nlohmann::json::error_handler_t::replace),
                             value_shown_max)
                  : "nothing there";
        return Finding{Reason::wrong_value,
                       fmt::format("{} does not hold: {}", condition.text, found)};
    }
    return std::nullopt;
}

std::optional<Finding> judge_body(const config::HttpCheck& check,
                                  const net::HttpResponse& response) {
    const bool judged = check.body || check.body_not || !check.json.empty();
    if (const auto coding = stack::coding_of(response); judged && !coding.empty()) {
        return Finding{Reason::bad_protocol,
                       fmt::format("the body cannot be judged: it is coded as {}", coding)};
    }
    if (check.body && !check.body->found_in(response.body)) {
        return Finding{
            Reason::wrong_body,
            fmt::format("the body lacks \"{}\"", sanitize(check.body->text(), pattern_shown_max))};
    }
    if (check.body_not && check.body_not->found_in(response.body)) {
        return Finding{Reason::wrong_body,
                       fmt::format("the body has \"{}\"",
                                   sanitize(check.body_not->text(), pattern_shown_max))};
    }
    if (check.json.empty()) {
        return std::nullopt;
    }
    const auto body = parse_json(response.body);
    if (body.has_error()) {
        return Finding{Reason::bad_json, "the body is not JSON"};
    }
    return judge_values(check, *body);
}

Observation judge(const config::HttpCheck& check, const Task& task, const net::HttpRequest& request,
                  const net::HttpResponse& response) {
    if (!is_expected(check.statuses, response.status)) {
        return general(task, request, response);
    }
    auto finding = judge_headers(check, response);
    if (!finding) {
        finding = judge_body(check, response);
    }
    Observation seen =
        general(task, Health::healthy, Reason::ok, stack::describe_without_body(request, response));
    seen.phases = response.phases;
    if (finding) {
        seen.health = Health::failing;
        seen.reason = finding->reason;
        seen.evidence = finding->what + "; " + stack::describe_answer(request, response);
    }
    return seen;
}

}  // namespace

boost::asio::awaitable<Observations> look_http(Context& context, Task task,
                                               net::Deadline deadline) {
    const Now started = context.clock->now();
    const auto* check = check_of<config::HttpCheck>(task);
    if (check == nullptr) {
        co_return Observations();
    }
    net::HttpRequest request;
    request.method = check->method;
    request.url = check->url;
    request.headers = check->headers;
    request.body_limit = static_cast<std::size_t>(check->body_kib) << 10;
    request.fresh_connection = check->fresh_connection;
    if (!log_in(context, check->login, request)) {
        const auto problem = stack::local_problem(Reason::credential_missing,
                                                  "the secret of this probe is empty or missing");
        co_return only(context, started, general(task, problem));
    }
    auto answer = co_await stack::call(context.http, request, deadline);
    if (answer.has_error()) {
        co_return only(context, started, general(task, answer.error()));
    }
    Observation seen = judge(*check, task, request, *answer);
    seen.facts["status"] = answer->status;
    if (answer->certificate_expires) {
        const auto left = *answer->certificate_expires - started.wall;
        seen.facts["certificate_days"] =
            std::chrono::duration<double, std::ratio<86'400>>(left).count();
    }
    judge_time(check->limits, seen);
    co_return only(context, started, std::move(seen));
}

}  // namespace leverd::probes
