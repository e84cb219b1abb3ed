// Why: the checks behind access.hpp. Order matters: a request that a foreign page made is refused
// before anything looks at its credentials.
#include "exporters/web/access.hpp"

#include <pwd.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace leverd::exporters::web {
namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

// "127.0.0.1" of "127.0.0.1:9847", "[::1]" of "[::1]:9847".
std::string host_of(std::string_view authority) {
    if (!authority.empty() && authority.front() == '[') {
        const auto end = authority.find(']');
        return end == std::string_view::npos ? std::string{} : lower(authority.substr(0, end + 1));
    }
    return lower(authority.substr(0, authority.find(':')));
}

bool host_allowed(const Access& access, const std::string& host) {
    const std::string listen = lower(access.listen_host);
    const std::array<std::string, 5> allowed{"127.0.0.1", "localhost", "[::1]", listen,
                                             "[" + listen + "]"};
    return !host.empty() && std::find(allowed.begin(), allowed.end(), host) != allowed.end();
}

// A browser always says where a request comes from; a command line says nothing.
bool cross_site(const Request& request) {
    const std::string& site = request.header("sec-fetch-site");
    if (!site.empty() && site != "same-origin" && site != "none") {
        return true;
    }
    if (request.headers.count("origin") == 0) {
        return false;
    }
    const std::string origin = lower(request.header("origin"));
    const auto scheme = origin.find("://");
    return scheme == std::string::npos ||
           origin.substr(scheme + 3) != lower(request.header("host"));
}

// What follows "Bearer ", or empty.
std::string bearer(const Request& request) {
    constexpr std::string_view scheme = "bearer ";
    const std::string& header = request.header("authorization");
    if (header.size() <= scheme.size() ||
        lower(std::string_view(header).substr(0, scheme.size())) != scheme) {
        return {};
    }
    return header.substr(scheme.size());
}

bool any_token(const Access& access) {
    return access.tokens != nullptr &&
           std::any_of(access.tokens->begin(), access.tokens->end(),
                       [](const ApiToken& token) { return !token.secret.empty(); });
}

// Every token is compared, whichever fits, so that the time says nothing about which one came near.
const ApiToken* token_of(const Access& access, const Request& request) {
    const std::string sent = bearer(request);
    const ApiToken* found = nullptr;
    for (const ApiToken& token : *access.tokens) {
        const bool fits = equal_constant_time(token.secret, sent);
        found = fits && found == nullptr ? &token : found;
    }
    return found;
}

std::string user_name(unsigned uid) {
    passwd entry{};
    passwd* found = nullptr;
    std::array<char, 4096> buffer{};
    if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
        return found->pw_name;
    }
    return "uid " + std::to_string(uid);
}

using Verdict = boost::system::result<Identity, Denied>;

Denied denied(std::string_view reason, int status, std::string_view what, std::string_view hint) {
    return Denied{reason, error_response(status, what, hint)};
}

Verdict authorize_unix(const Access& access, Need need) {
    if (!is_change(need)) {
        return Identity{};
    }
    if (access.uid == 0 || access.uid == access.own_uid) {
        return Identity{user_name(access.uid), Role::operate};
    }
    return denied("user", 403, "user " + user_name(access.uid) + " may read but not change",
                  "run the command as root or as the daemon's own user, e.g. with sudo");
}

Denied without_token(const Request& request) {
    Denied out = request.header("authorization").empty()
                     ? denied("no_token", 401, "this needs an API token",
                              "send the header 'Authorization: Bearer <token>'")
                     : denied("wrong_token", 401, "the API token is not the right one",
                              "read it again from the secret that daemon.api_token or an "
                              "[[api_token]] names");
    out.response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"leverd\"");
    return out;
}

std::string_view role_name(Role role) {
    return role == Role::read ? "read" : role == Role::approve ? "approve" : "operate";
}

Role least_role(Need need) {
    return need == Need::operate   ? Role::operate
           : need == Need::approve ? Role::approve
                                   : Role::read;
}

Verdict authorize_tcp(const Access& access, const Request& request, Need need) {
    if (need == Need::open || (need == Need::read && access.loopback)) {
        return Identity{};
    }
    if (!any_token(access)) {
        return denied("off", 403, "no API token is configured, so nothing more is allowed over TCP",
                      "use the leverd command line on the box, or name a secret in "
                      "daemon.api_token");
    }
    const ApiToken* token = token_of(access, request);
    if (token == nullptr) {
        return without_token(request);
    }
    if (token->role < least_role(need)) {
        return denied("role", 403,
                      token->name + " may " + std::string(role_name(token->role)) +
                          ", and this needs the role " + std::string(role_name(least_role(need))),
                      "use a token of that role, or the command line on the box");
    }
    return Identity{token->name, token->role};
}

}  // namespace

bool brings_token(const Access& access, const Request& request, Need need) {
    return !access.unix_socket && !request.header("authorization").empty() &&
           (is_change(need) || (need == Need::read && !access.loopback));
}

Verdict authorize(const Access& access, const Request& request, Need need) {
    // DNS rebinding: a foreign page that made its own name point at this box still sends that name.
    if (!access.unix_socket && access.loopback &&
        !host_allowed(access, host_of(request.header("host")))) {
        return denied("foreign_host", 421,
                      "this address does not answer for the host name in the request",
                      "use http://127.0.0.1 or localhost; a proxy must set the Host header "
                      "to the address it connects to");
    }
    if (is_change(need) && cross_site(request)) {
        return denied("cross_site", 403, "a page of another site may not change anything",
                      "open leverd's own page, or use the command line");
    }
    return access.unix_socket ? authorize_unix(access, need) : authorize_tcp(access, request, need);
}

}  // namespace leverd::exporters::web
