// Why: see request.hpp.
#include "core/net/request.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <string_view>

namespace leverd::net {
namespace {

Fault refuse(const std::string& why) {
    return Fault{Reason::bad_protocol, Origin::local, "request refused: " + why};
}

char lower(char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

std::string lower_text(std::string_view s) {
    std::string result(s);
    std::transform(result.begin(), result.end(), result.begin(), lower);
    return result;
}

// RFC 9110 5.6.2: what a method or a header's name may consist of.
bool is_token(std::string_view s) {
    constexpr std::string_view extra = "!#$%&'*+-.^_`|~";
    return !s.empty() && std::all_of(s.begin(), s.end(), [extra](char c) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        return letter || (c >= '0' && c <= '9') || extra.find(c) != std::string_view::npos;
    });
}

bool is_header_value(std::string_view s) {
    return std::none_of(s.begin(), s.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte < 0x20 && c != '\t') || byte == 0x7f;
    });
}

// These describe the message itself and are set here only.
bool is_ours(const std::string& lower_name) {
    constexpr std::array<std::string_view, 5> names{"connection", "content-length",
                                                    "transfer-encoding", "accept-encoding", "te"};
    return std::find(names.begin(), names.end(), lower_name) != names.end();
}

std::string basic_credentials(const std::string& user, const Secret& password) {
    std::string plain = user + ":" + password.reveal();
    std::string encoded(4 * ((plain.size() + 2) / 3) + 1, '\0');
    const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                  reinterpret_cast<const unsigned char*>(plain.data()),
                                  static_cast<int>(plain.size()));
    OPENSSL_cleanse(plain.data(), plain.size());
    encoded.resize(static_cast<std::size_t>(n));
    return "Basic " + encoded;
}

std::string authorization(const HttpRequest& request) {
    if (request.bearer) {
        return "Bearer " + request.bearer->reveal();
    }
    if (request.basic) {
        return basic_credentials(request.basic->first, request.basic->second);
    }
    return {};
}

// Grows by appending into room that was reserved at once, so that no copy with the credentials
// stays behind in freed memory.
void append_header(std::string& wire, std::string_view name, std::string_view value) {
    wire.append(name).append(": ").append(value).append("\r\n");
}

std::size_t bytes_needed(const HttpRequest& request, const Target& target,
                         const std::string& user_agent, std::size_t credentials) {
    std::size_t total = 512 + request.method.size() + target.path.size() + target.authority.size() +
                        user_agent.size() + credentials + request.body.size();
    for (const auto& [name, value] : request.headers) {
        total += name.size() + value.size() + 4;
    }
    return total;
}

}  // namespace

bool is_repeatable(const std::string& method) {
    return method == "GET" || method == "HEAD";
}

Attempt<Target> parse_target(const std::string& url) {
    const auto parsed = boost::urls::parse_uri(url);
    if (!parsed) {
        return refuse("the URL is malformed");
    }
    const boost::urls::url_view view = *parsed;
    Target target;
    target.tls = view.scheme_id() == boost::urls::scheme::https;
    if (!target.tls && view.scheme_id() != boost::urls::scheme::http) {
        return refuse("the URL is neither http nor https");
    }
    if (view.has_userinfo()) {
        return refuse("the URL carries a user name or password");
    }
    const auto encoded = view.encoded_host_address();
    target.host = lower_text(std::string_view(encoded.data(), encoded.size()));
    if (target.host.empty() || target.host.find('%') != std::string::npos) {
        return refuse("the URL has no usable host name");
    }
    const std::uint16_t usual = target.tls ? 443 : 80;
    target.port = usual;
    if (view.has_port() && !view.port().empty()) {
        // The library's own number silently wraps around beyond 65535.
        const std::string_view digits(view.port().data(), view.port().size());
        const auto end = digits.data() + digits.size();
        if (std::from_chars(digits.data(), end, target.port).ec != std::errc{}) {
            target.port = 0;
        }
    }
    if (target.port == 0) {
        return refuse("the URL's port is out of range");
    }
    const bool bracketed = target.host.find(':') != std::string::npos;
    target.authority = bracketed ? "[" + target.host + "]" : target.host;
    target.key =
        (target.tls ? "https " : "http ") + target.host + " " + std::to_string(target.port);
    if (target.port != usual) {
        target.authority += ":" + std::to_string(target.port);
    }
    const auto path = view.encoded_target();
    target.path = std::string(path.data(), path.size());
    if (target.path.empty() || target.path.front() != '/') {
        target.path.insert(target.path.begin(), '/');
    }
    return target;
}

Attempt<Secret> serialize(const HttpRequest& request, const Target& target,
                          const std::string& user_agent) {
    if (!is_token(request.method)) {
        return refuse("the method is malformed");
    }
    if (!is_header_value(user_agent)) {
        return refuse("the user agent has a control character");
    }
    std::string credentials = authorization(request);
    if (!is_header_value(credentials)) {
        OPENSSL_cleanse(credentials.data(), credentials.size());
        return refuse("a credential has a control character");
    }
    std::string wire;
    wire.reserve(bytes_needed(request, target, user_agent, credentials.size()));
    wire.append(request.method).append(" ").append(target.path).append(" HTTP/1.1\r\n");
    bool host = false;
    bool agent = false;
    for (const auto& [name, value] : request.headers) {
        const std::string folded = lower_text(name);
        if (!is_token(name) || !is_header_value(value)) {
            return refuse("header '" + (is_token(name) ? name : std::string("?")) +
                          "' is malformed");
        }
        if (is_ours(folded) || (folded == "authorization" && !credentials.empty())) {
            continue;
        }
        host = host || folded == "host";
        agent = agent || folded == "user-agent";
        append_header(wire, name, value);
    }
    if (!host) {
        append_header(wire, "Host", target.authority);
    }
    if (!agent && !user_agent.empty()) {
        append_header(wire, "User-Agent", user_agent);
    }
    if (!credentials.empty()) {
        append_header(wire, "Authorization", credentials);
        OPENSSL_cleanse(credentials.data(), credentials.size());
    }
    if (!request.body.empty() || !is_repeatable(request.method)) {
        append_header(wire, "Content-Length", std::to_string(request.body.size()));
    }
    append_header(wire, "Accept-Encoding", "identity");
    append_header(wire, "Connection", request.fresh_connection ? "close" : "keep-alive");
    wire.append("\r\n").append(request.body);
    return Secret::unlisted(std::move(wire));
}

}  // namespace leverd::net
