// Why: what can be asked below HTTP: is the certificate good and for how long, does the port
// answer, does the name have the records that it should.
#include "core/base/text.hpp"
#include "core/net/dialer.hpp"
#include "probes/general.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace leverd::probes {
namespace {

constexpr std::size_t received_shown_max = 200;

stack::Problem to_problem(const net::HttpFailure& failure, const std::string& what) {
    stack::Problem problem;
    problem.reason = failure.reason;
    problem.origin = failure.origin;
    problem.phases = failure.phases;
    problem.detail = fmt::format("{}: {}", what, failure.detail);
    return problem;
}

std::string shown(const config::Address& address) {
    return fmt::format("{}:{}", address.host, address.port);
}

double days(WallTime until, WallTime now) {
    return std::chrono::duration<double, std::ratio<86'400>>(until - now).count();
}

Observation judge_certificate(const config::TlsCheck& check, const Task& task,
                              const net::Dialed& dialed, WallTime now) {
    if (!dialed.certificate) {
        return general(
            task, stack::local_problem(Reason::tls_handshake, "the certificate could not be read"));
    }
    const net::Certificate& certificate = *dialed.certificate;
    // Whatever of the chain ends first ends the trust.
    const double left = days(certificate.chain_expires, now);
    Observation seen =
        general(task, Health::healthy, Reason::ok,
                fmt::format("{} by {}, valid until {}, chain of {}, {}", certificate.subject,
                            certificate.issuer, format_rfc3339(certificate.chain_expires),
                            certificate.chain_length, dialed.protocol));
    if (left < check.warn_days) {
        seen.health = left < check.fail_days ? Health::failing : Health::degraded;
        seen.reason = Reason::tls_expires_soon;
        seen.evidence =
            fmt::format("{:.0f} days left, the limit is {}; {}", std::floor(left),
                        left < check.fail_days ? check.fail_days : check.warn_days, seen.evidence);
    }
    seen.facts["certificate_days"] = days(certificate.expires, now);
    seen.facts["chain_days"] = left;
    return seen;
}

net::RecordType record_type(const std::string& word) {
    const std::pair<std::string_view, net::RecordType> words[] = {
        {"A", net::RecordType::a},   {"AAAA", net::RecordType::aaaa},
        {"MX", net::RecordType::mx}, {"CNAME", net::RecordType::cname},
        {"NS", net::RecordType::ns}, {"TXT", net::RecordType::txt},
    };
    const auto found = std::find_if(std::begin(words), std::end(words),
                                    [&word](const auto& row) { return row.first == word; });
    return found == std::end(words) ? net::RecordType::a : found->second;
}

bool contains(const std::vector<std::string>& texts, const std::string& text) {
    return std::find(texts.begin(), texts.end(), text) != texts.end();
}

Observation judge_records(const config::DnsCheck& check, const Task& task,
                          const net::Records& records) {
    const std::string what =
        fmt::format("{} {}: {}", check.host, check.type,
                    sanitize(fmt::format("{}", fmt::join(records.texts, ", ")), 400));
    Observation seen = general(task, Health::healthy, Reason::ok, what);
    seen.phases = records.phases;
    seen.facts["records"] = static_cast<double>(records.texts.size());
    std::string trouble;
    if (check.absent) {
        trouble = "the name must not exist";
    }
    for (const std::string& wanted : check.answers) {
        if (trouble.empty() && !contains(records.texts, wanted)) {
            trouble = "not among the records: " + sanitize(wanted, 100);
        }
    }
    if (trouble.empty() && check.only && records.texts.size() > check.answers.size()) {
        trouble = "there are others beside the expected";
    }
    if (!trouble.empty()) {
        seen.health = Health::failing;
        seen.reason = Reason::dns_wrong_answer;
        seen.evidence = trouble + "; " + what;
    }
    return seen;
}

Observation judge_received(const config::TcpCheck& check, const Task& task,
                           const net::Dialed& dialed) {
    const std::string got = sanitize(dialed.received, received_shown_max);
    Observation seen =
        general(task, Health::healthy, Reason::ok, shown(check.address) + " accepts");
    seen.phases = dialed.phases;
    if (check.expect && !check.expect->found_in(dialed.received)) {
        seen.health = Health::failing;
        seen.reason = Reason::wrong_body;
        seen.evidence = fmt::format("{} said \"{}\", without \"{}\"", shown(check.address), got,
                                    sanitize(check.expect->text(), received_shown_max));
    } else if (check.expect) {
        seen.evidence = fmt::format("{} said \"{}\"", shown(check.address), got);
    }
    judge_time(check.limits, seen);
    return seen;
}

}  // namespace

boost::asio::awaitable<Observations> look_tls(Context& context, Task task, net::Deadline deadline) {
    const Now started = context.clock->now();
    const auto* check = check_of<config::TlsCheck>(task);
    if (check == nullptr || context.dialer == nullptr) {
        co_return Observations();
    }
    net::DialRequest request;
    request.host = check->address.host;
    request.port = check->address.port;
    request.tls = true;
    request.server_name = check->server_name;
    auto dialed = co_await context.dialer->dial(request, deadline);
    if (dialed.has_error()) {
        const auto problem = to_problem(dialed.error(), shown(check->address));
        co_return only(context, started, general(task, problem));
    }
    Observation seen = judge_certificate(*check, task, *dialed, context.clock->now().wall);
    seen.phases = dialed->phases;
    co_return only(context, started, std::move(seen));
}

boost::asio::awaitable<Observations> look_tcp(Context& context, Task task, net::Deadline deadline) {
    const Now started = context.clock->now();
    const auto* check = check_of<config::TcpCheck>(task);
    if (check == nullptr || context.dialer == nullptr) {
        co_return Observations();
    }
    net::DialRequest request;
    request.host = check->address.host;
    request.port = check->address.port;
    request.tls = check->tls;
    request.send = check->send;
    if (check->expect) {
        request.enough = [check](std::string_view received) {
            return check->expect->found_in(received);
        };
    }
    auto dialed = co_await context.dialer->dial(request, deadline);
    if (dialed.has_error()) {
        const auto problem = to_problem(dialed.error(), shown(check->address));
        co_return only(context, started, general(task, problem));
    }
    co_return only(context, started, judge_received(*check, task, *dialed));
}

boost::asio::awaitable<Observations> look_dns(Context& context, Task task, net::Deadline deadline) {
    const Now started = context.clock->now();
    const auto* check = check_of<config::DnsCheck>(task);
    if (check == nullptr || context.dialer == nullptr) {
        co_return Observations();
    }
    const net::RecordType type = record_type(check->type);
    auto records = co_await context.dialer->records(check->host, type, check->nameserver, deadline);
    if (records.has_value()) {
        co_return only(context, started, judge_records(*check, task, *records));
    }
    const net::HttpFailure& failure = records.error();
    if (check->absent && failure.reason == Reason::dns_not_found) {
        co_return only(context, started,
                       general(task, Health::healthy, Reason::ok,
                               check->host + " does not exist, as it should"));
    }
    const auto problem = to_problem(failure, check->host + " " + check->type);
    co_return only(context, started, general(task, problem));
}

}  // namespace leverd::probes
