// Why: the token flow of wire-contracts 4.1. A registry tells us where to send a password, so where
// it may point is decided here and not by the answer.
#include "core/base/text.hpp"
#include "core/stack/registry.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace leverd::stack {
namespace {

constexpr std::size_t header_bytes_max = 8192;
constexpr std::size_t token_bytes_max = 64U << 10;

void skip_blanks(std::string_view& text, std::string_view blanks) {
    while (!text.empty() && blanks.find(text.front()) != std::string_view::npos) {
        text.remove_prefix(1);
    }
}

std::string take_quoted(std::string_view& text) {
    std::string value;
    text.remove_prefix(1);
    while (!text.empty() && text.front() != '"') {
        if (text.front() == '\\' && text.size() > 1) {
            text.remove_prefix(1);
        }
        value.push_back(text.front());
        text.remove_prefix(1);
    }
    if (!text.empty()) {
        text.remove_prefix(1);
    }
    return value;
}

// One 'name="value"' or 'name=value'; false at the end or at anything else.
bool take_parameter(std::string_view& text, std::string& name, std::string& value) {
    skip_blanks(text, " \t,");
    const auto equals = text.find_first_of("= ,");
    if (equals == std::string_view::npos || text[equals] != '=') {
        return false;
    }
    name = lower_case(text.substr(0, equals));
    text.remove_prefix(equals + 1);
    if (text.starts_with('"')) {
        value = take_quoted(text);
    } else {
        const auto end = std::min(text.size(), text.find_first_of(", "));
        value = std::string(text.substr(0, end));
        text.remove_prefix(end);
    }
    return true;
}

bool is_loopback_name(std::string_view host) {
    return host == "localhost" || host.starts_with("127.") || host == "[::1]";
}

// A name is judged by what it is; only literals are addresses here. A name that resolves to a
// private address gains nothing: another host is refused by name already.
bool is_private_literal(const boost::urls::url_view& url) {
    if (url.host_type() == boost::urls::host_type::ipv4) {
        const auto bytes = url.host_ipv4_address().to_bytes();
        return bytes[0] == 0 || bytes[0] == 10 || bytes[0] == 127 ||
               (bytes[0] == 169 && bytes[1] == 254) ||
               (bytes[0] == 172 && bytes[1] >= 16 && bytes[1] <= 31) ||
               (bytes[0] == 192 && bytes[1] == 168) ||
               (bytes[0] == 100 && bytes[1] >= 64 && bytes[1] <= 127);
    }
    return url.host_type() == boost::urls::host_type::ipv6 ||
           url.host_type() == boost::urls::host_type::ipvfuture ||
           lower_case(url.encoded_host()) == "localhost";
}

std::string token_in(const nlohmann::json& body) {
    std::string token = text_at(body, "token");
    return token.empty() ? text_at(body, "access_token") : token;
}

}  // namespace

std::optional<Challenge> parse_challenge(std::string_view text) {
    if (text.size() > header_bytes_max) {
        return std::nullopt;
    }
    // Several challenges may be joined into one header; a Bearer one is preferred.
    const std::string folded = lower_case(text);
    Challenge challenge;
    const auto bearer = folded.find("bearer ");
    if (bearer == std::string::npos) {
        if (!folded.starts_with("basic")) {
            return std::nullopt;
        }
        challenge.basic = true;
        return challenge;
    }
    text.remove_prefix(bearer + 7);
    std::string name;
    std::string value;
    while (take_parameter(text, name, value)) {
        if (name == "realm") {
            challenge.realm = value;
        } else if (name == "service") {
            challenge.service = value;
        }
    }
    return challenge.realm.empty() ? std::nullopt : std::optional(challenge);
}

Result<std::string> check_realm(const RegistryAccess& access, const std::string& realm) {
    const auto refuse = [&realm](const std::string& why) {
        return Error{"the registry names the token realm \"" + sanitize(realm, 200) + "\": " + why,
                     "set stack.registry.allow_private_realm if this realm is meant"};
    };
    const auto target = boost::urls::parse_uri(realm);
    const auto home = boost::urls::parse_uri(access.url);
    if (target.has_error() || home.has_error()) {
        return refuse("not an absolute URL");
    }
    if (target->has_userinfo()) {
        return refuse("it carries user information");
    }
    const bool same_host = lower_case(target->encoded_host()) == lower_case(home->encoded_host());
    const bool same_origin = same_host &&
                             lower_case(target->scheme()) == lower_case(home->scheme()) &&
                             target->port() == home->port();
    if (lower_case(target->scheme()) != "https" && !same_origin) {
        return refuse("not https and not the registry itself");
    }
    if (!access.allow_private_realm && !same_host) {
        return refuse(is_private_literal(*target) ? "a private address" : "another host");
    }
    return Result<std::string>(boost::system::in_place_value, realm);
}

void Registry::apply_credentials(const std::string& repository, net::HttpRequest& request) const {
    request.bearer.reset();
    request.basic.reset();
    if (basic_) {
        request.basic = std::make_pair(access_.user, access_.token);
        return;
    }
    const auto push = push_.find(repository);
    const auto pull = pull_.find(repository);
    if (push != push_.end()) {
        request.bearer = push->second;
    } else if (pull != pull_.end()) {
        request.bearer = pull->second;
    }
}

boost::asio::awaitable<std::optional<Problem>> Registry::authorize(std::string repository,
                                                                   std::string actions,
                                                                   Challenge challenge,
                                                                   net::Deadline deadline) {
    const bool have_password = !access_.user.empty() && !access_.token.empty();
    if (challenge.basic) {
        const auto home = boost::urls::parse_uri(access_.url);
        const bool safe = home.has_value() && (lower_case(home->scheme()) == "https" ||
                                               is_loopback_name(lower_case(home->encoded_host())));
        if (!have_password || !safe) {
            co_return local_problem(Reason::credential_missing,
                                    "the registry asks for a password and there is none to send");
        }
        basic_ = true;
        co_return std::nullopt;
    }
    const auto realm = check_realm(access_, challenge.realm);
    if (realm.has_error()) {
        co_return local_problem(Reason::unauthorized, realm.error().what);
    }
    boost::urls::url url(*boost::urls::parse_uri(*realm));
    const bool secret_may_travel =
        lower_case(url.scheme()) == "https" || is_loopback_name(lower_case(url.encoded_host()));
    if (!challenge.service.empty()) {
        url.params().append({"service", challenge.service});
    }
    const std::string scope = "repository:" + repository + ":" + actions;
    url.params().append({"scope", scope});
    net::HttpRequest request;
    request.url = std::string(url.buffer().data(), url.buffer().size());
    request.headers.emplace_back("Accept", "application/json");
    request.body_limit = token_bytes_max;
    if (have_password && secret_may_travel) {
        request.basic = std::make_pair(access_.user, access_.token);
    }
    auto answer = co_await call(access_.http, request, deadline);
    if (answer.has_error()) {
        Problem problem = answer.error();
        problem.sent = false;  // the registry itself was not asked to change anything
        co_return problem;
    }
    auto body = json_of(request, *answer);
    std::string token;
    if (body.has_value()) {
        token = token_in(*body);
    }
    if (!is_header_text(token)) {
        Problem problem = problem_of(request, *answer,
                                     body.has_error() ? body.error().reason : Reason::wrong_body);
        problem.detail = describe_without_body(request, *answer) + "; no usable token";
        problem.sent = false;
        co_return problem;
    }
    auto& tokens = actions == "pull" ? pull_ : push_;
    tokens.insert_or_assign(repository, Secret(std::move(token)));
    co_return std::nullopt;
}

}  // namespace leverd::stack
