// Why: a credential that lapsed is noticed when it is needed, which is the worst moment. Many
// routes answer 200 without looking at it (wire-contracts 2.1), so the same route is asked without
// it, too: only a route that refuses then proves anything.
#include "core/base/text.hpp"
#include "core/stack/railway.hpp"
#include "probes/general.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <optional>
#include <string>

namespace leverd::probes {
namespace {

constexpr double milliseconds_per_day = 86'400'000.0;
constexpr std::size_t body_bytes_max = 64U << 10;

bool good_status(int status) {
    return status >= 200 && status < 300;
}

bool refused(int status) {
    return status == 401 || status == 403 || status == 404;
}

net::HttpRequest bare_request(const config::CredentialCheck& check, const std::string& url) {
    net::HttpRequest request;
    request.url = url;
    request.headers.emplace_back("Accept", "application/json");
    request.body_limit = body_bytes_max;
    if (!check.graphql.empty()) {
        request.method = "POST";
        request.headers.emplace_back("Content-Type", "application/json");
        request.body = nlohmann::json{{"query", check.graphql}}.dump();
    }
    return request;
}

net::HttpRequest request_with(const Context& context, const config::CredentialCheck& check,
                              const std::string& url) {
    net::HttpRequest request = bare_request(check, url);
    if (check.header.empty()) {
        log_in(context, check.login, request);
    } else {
        request.headers.emplace_back(check.header, secret_of(context, check.login.bearer).reveal());
    }
    return request;
}

const std::string& secret_name(const config::CredentialCheck& check) {
    return check.login.bearer.empty() ? check.login.password : check.login.bearer;
}

// When it was last rotated: what the operator says, else when its file was written. A systemd
// credential is a copy that is as old as the service, so its time says nothing.
std::optional<WallTime> rotated_at(const Context& context, const config::CredentialCheck& check) {
    if (check.rotated) {
        return check.rotated;
    }
    const auto source = context.config->secrets.find(secret_name(check));
    struct stat status{};
    if (source == context.config->secrets.end() || source->second.file.empty() ||
        ::stat(source->second.file.c_str(), &status) != 0) {
        return std::nullopt;
    }
    return WallTime{Millis{static_cast<std::int64_t>(status.st_mtim.tv_sec) * 1000}};
}

// Age comes last: it is only worth a word about a credential that works.
void judge_age(const Context& context, const config::CredentialCheck& check, Observation& seen) {
    const auto rotated = rotated_at(context, check);
    if (!rotated) {
        seen.evidence += "; nobody says when it was rotated";
        return;
    }
    const Millis age = std::max(Millis{0}, context.clock->now().wall - *rotated);
    const double days = static_cast<double>(age.count()) / milliseconds_per_day;
    seen.facts["age_days"] = days;
    seen.evidence += fmt::format("; rotated {:.0f} days ago", days);
    if (check.max_age > Millis{0} && age > check.max_age && seen.health == Health::healthy) {
        seen.health = Health::degraded;
        seen.reason = Reason::credential_old;
        seen.evidence += ", it may be " + format_duration(check.max_age) + " old";
    }
}

// One call of the check; a credential is judged by an answer to it and by nothing else.
struct Asked {
    int status = 0;
    std::string said;     // the status as it came, before a refusal inside a 200 was read
    Observation problem;  // where no answer came
    Phases phases;
};

boost::asio::awaitable<Asked> ask(Context& context, Task task, net::HttpRequest request,
                                  net::Deadline deadline) {
    auto answer = co_await stack::call(context.http, request, deadline);
    Asked asked;
    if (answer.has_error()) {
        asked.problem = general(task, answer.error());
        asked.problem.health = Health::unknown;
        co_return asked;
    }
    asked.status = answer->status;
    asked.said = std::to_string(answer->status);
    asked.phases = answer->phases;
    asked.problem = general(task, Health::unknown, stack::reason_of_status(*answer),
                            stack::describe_without_body(request, *answer));
    // GraphQL refuses with 200 and a word in the body (wire-contracts 7).
    if (request.method == "POST" && good_status(asked.status)) {
        const auto data = stack::parse_railway(request, *answer);
        if (data.has_error()) {
            const bool refuses = data.error().reason == Reason::unauthorized;
            asked.status = refuses ? 401 : 0;
            asked.said += refuses ? ", Not Authorized" : "";
            asked.problem = general(task, data.error());
            asked.problem.health = Health::unknown;
        }
    }
    co_return asked;
}

// The further routes that it must be good for.
boost::asio::awaitable<void> check_scope(Context& context, Task task,
                                         const config::CredentialCheck* check, Observation& seen,
                                         net::Deadline deadline) {
    int good = 0;
    for (const std::string& url : check->also) {
        Asked asked = co_await ask(context, task, request_with(context, *check, url), deadline);
        if (refused(asked.status)) {
            seen.health = Health::degraded;
            seen.reason = Reason::forbidden;
            seen.evidence = "it is valid and may not do this: " + asked.problem.evidence;
            co_return;
        }
        if (!good_status(asked.status)) {
            seen.evidence += "; its scope is not known: " + asked.problem.evidence;
            co_return;
        }
        ++good;
    }
    if (good > 0) {
        seen.evidence += fmt::format("; {} further routes accept it", good);
    }
}

boost::asio::awaitable<Observation> judge(Context& context, Task task,
                                          const config::CredentialCheck* check,
                                          net::Deadline deadline) {
    if (secret_of(context, secret_name(*check)).empty()) {
        co_return general(task, Health::unknown, Reason::credential_missing,
                          "no such secret is loaded: " + secret_name(*check));
    }
    Asked with = co_await ask(context, task, request_with(context, *check, check->url), deadline);
    if (with.status == 401 || with.status == 403) {
        // Failing, not unknown: here the credential is the subject, and it does not do its job.
        with.problem.health = Health::failing;
        with.problem.facts["valid"] = 0;
        co_return with.problem;
    }
    if (!good_status(with.status)) {
        co_return with.problem;
    }
    const Asked without = co_await ask(context, task, bare_request(*check, check->url), deadline);
    if (!refused(without.status)) {
        Observation seen = without.problem;
        if (good_status(without.status)) {
            seen.reason = Reason::credential_untested;
        }
        co_return seen;
    }
    Observation seen =
        general(task, Health::healthy, Reason::ok,
                fmt::format("accepted ({}), and refused without it ({})", with.said, without.said));
    seen.phases = with.phases;
    seen.facts["valid"] = 1;
    co_await check_scope(context, task, check, seen, deadline);
    judge_age(context, *check, seen);
    co_return seen;
}

}  // namespace

boost::asio::awaitable<Observations> look_credential(Context& context, Task task,
                                                     net::Deadline deadline) {
    const Now started = context.clock->now();
    const auto* check = check_of<config::CredentialCheck>(task);
    if (check == nullptr) {
        co_return Observations();
    }
    Observation seen = co_await judge(context, task, check, deadline);
    seen.attributes["secret"] = secret_name(*check);
    co_return only(context, started, std::move(seen));
}

}  // namespace leverd::probes
