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

bool token_matches(const Access& access, const Request& request) {
    constexpr std::string_view scheme = "bearer ";
    const std::string& header = request.header("authorization");
    if (access.token == nullptr || access.token->empty() || header.size() <= scheme.size() ||
        lower(std::string_view(header).substr(0, scheme.size())) != scheme) {
        return false;
    }
    return equal_constant_time(*access.token, header.substr(scheme.size()));
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

using Verdict = boost::system::result<std::string, Response>;

Verdict authorize_unix(const Access& access, Need need) {
    if (need != Need::change) {
        return std::string{};
    }
    if (access.uid == 0 || access.uid == access.own_uid) {
        return user_name(access.uid);
    }
    return error_response(403, "user " + user_name(access.uid) + " may read but not change",
                          "run the command as root or as the daemon's own user, e.g. with sudo");
}

Verdict authorize_tcp(const Access& access, const Request& request, Need need) {
    if (need == Need::open || (need == Need::read && access.loopback)) {
        return std::string{};
    }
    if (access.token == nullptr || access.token->empty()) {
        return error_response(
            403, "no API token is configured, so nothing more is allowed over TCP",
            "use the leverd command line on the box, or name a secret in daemon.api_token");
    }
    if (token_matches(access, request)) {
        return std::string{"token"};
    }
    Response refusal =
        request.header("authorization").empty()
            ? error_response(401, "this needs the API token",
                             "send the header 'Authorization: Bearer <token>'")
            : error_response(401, "the API token is not the right one",
                             "read it again from the secret that daemon.api_token names");
    refusal.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"leverd\"");
    return refusal;
}

}  // namespace

Verdict authorize(const Access& access, const Request& request, Need need) {
    // DNS rebinding: a foreign page that made its own name point at this box still sends that name.
    if (!access.unix_socket && access.loopback &&
        !host_allowed(access, host_of(request.header("host")))) {
        return error_response(421, "this address does not answer for the host name in the request",
                              "use http://127.0.0.1 or localhost; a proxy must set the Host header "
                              "to the address it connects to");
    }
    if (need == Need::change && cross_site(request)) {
        return error_response(403, "a page of another site may not change anything",
                              "open leverd's own page, or use the command line");
    }
    return access.unix_socket ? authorize_unix(access, need) : authorize_tcp(access, request, need);
}

}  // namespace leverd::exporters::web
