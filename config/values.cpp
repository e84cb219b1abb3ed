// Why: the grammars of values.hpp, one small function each. Nothing here looks anything up: a check
// is about the spelling only, so that it gives the same answer on every machine.
#include "config/values.hpp"

#include "core/base/text.hpp"

#include <arpa/inet.h>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace leverd::config {
namespace {

constexpr std::size_t text_bytes_max = 1024;
constexpr std::size_t duration_digits_max = 9;

bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_alnum(char c) {
    return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}
bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}
// Visible ASCII: what may stand in a URL or a subject.
bool is_visible(char c) {
    return c > 0x20 && c < 0x7f;
}
bool word_of(std::string_view s, std::size_t longest, std::string_view also) {
    return !s.empty() && s.size() <= longest && std::all_of(s.begin(), s.end(), [&](char c) {
        return is_lower(c) || is_digit(c) || also.find(c) != std::string_view::npos;
    });
}

bool is_forge_name(std::string_view s, std::size_t longest, std::string_view also) {
    return !s.empty() && s.size() <= longest && s.front() != '.' &&
           std::all_of(s.begin(), s.end(), [&](char c) {
               return is_alnum(c) || also.find(c) != std::string_view::npos;
           });
}
bool is_forge_repository(std::string_view s) {
    const auto slash = s.find('/');
    return slash != std::string_view::npos && is_forge_name(s.substr(0, slash), 100, "-_.") &&
           is_forge_name(s.substr(slash + 1), 100, "-_.");
}
bool is_workflow_file(std::string_view s) {
    return is_forge_name(s, 100, "-_.") && (s.ends_with(".yml") || s.ends_with(".yaml"));
}

std::optional<int> parse_port(std::string_view s) {
    int port = -1;
    const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), port);
    const bool good = error == std::errc{} && end == s.data() + s.size() && port <= 65535;
    return good && port >= 0 ? std::optional<int>(port) : std::nullopt;
}

bool is_address(int family, std::string_view s) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    return s.size() < INET6_ADDRSTRLEN &&
           inet_pton(family, std::string(s).c_str(), bytes.data()) == 1;
}

struct HostPort {
    std::string_view host;  // without brackets
    bool v6 = false;
    bool has_port = false;
    int port = 0;
};

// Numeric addresses only: a name here would need a resolver before there is one.
std::optional<HostPort> parse_host_port(std::string_view s) {
    HostPort r;
    std::string_view rest;
    if (!s.empty() && s.front() == '[') {
        const auto close = s.find(']');
        if (close == std::string_view::npos) {
            return std::nullopt;
        }
        r.v6 = true;
        r.host = s.substr(1, close - 1);
        rest = s.substr(close + 1);
    } else if (is_address(AF_INET6, s)) {
        r.v6 = true;
        r.host = s;
    } else {
        r.host = s.substr(0, s.find(':'));
        rest = s.substr(r.host.size());
    }
    if (!is_address(r.v6 ? AF_INET6 : AF_INET, r.host)) {
        return std::nullopt;
    }
    if (rest.empty()) {
        return r;
    }
    const auto port = rest.front() == ':' ? parse_port(rest.substr(1)) : std::nullopt;
    if (!port) {
        return std::nullopt;
    }
    r.has_port = true;
    r.port = *port;
    return r;
}

bool is_http_url(std::string_view s, bool base) {
    if (s.size() > text_bytes_max || !std::all_of(s.begin(), s.end(), is_visible)) {
        return false;
    }
    const auto parsed = boost::urls::parse_uri(boost::core::string_view(s.data(), s.size()));
    if (parsed.has_error()) {
        return false;
    }
    const boost::urls::url_view& u = *parsed;
    const bool web =
        u.scheme_id() == boost::urls::scheme::http || u.scheme_id() == boost::urls::scheme::https;
    const auto port = u.has_port() ? parse_port({u.port().data(), u.port().size()}) : 443;
    const bool port_good = port && *port > 0;
    return web && !u.encoded_host().empty() && !u.has_userinfo() && !u.has_fragment() &&
           port_good && (!base || !u.has_query());
}

std::string without_slug(std::string_view s) {
    constexpr std::string_view mark = "{slug}";
    std::string r(s);
    for (auto at = r.find(mark); at != std::string::npos; at = r.find(mark)) {
        r.replace(at, mark.size(), "slug");
    }
    return r;
}

bool is_path(std::string_view s) {
    return !s.empty() && s.front() == '/' && s.size() <= text_bytes_max &&
           (s.size() < 2 || s[1] != '/') && std::all_of(s.begin(), s.end(), is_visible) &&
           s.find_first_of("{}#\"<>\\^`|") == std::string_view::npos;
}

// kind/name/name: the kind is a plain word, the other parts hold visible characters.
bool is_subject_like(std::string_view s, bool (*name_char)(char)) {
    if (s.empty() || s.size() > 256) {
        return false;
    }
    const auto parts = split(s, '/');
    if (!word_of(parts.front(), 63, "-_") || !is_lower(parts.front().front())) {
        return false;
    }
    return std::all_of(parts.begin() + 1, parts.end(), [&](const std::string& part) {
        return !part.empty() && std::all_of(part.begin(), part.end(), name_char);
    });
}

Complaint unless(bool good, std::string_view what) {
    return good ? Complaint{} : Complaint{what};
}

}  // namespace

std::optional<Millis> parse_duration(std::string_view text) {
    const auto digits = text.find_first_not_of("0123456789");
    if (digits == std::string_view::npos || digits == 0 || digits > duration_digits_max) {
        return std::nullopt;
    }
    std::int64_t count = 0;
    std::from_chars(text.data(), text.data() + digits, count);
    struct Unit {
        std::string_view word;
        std::int64_t millis;
    };
    constexpr std::array<Unit, 5> units{
        Unit{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
    for (const Unit& unit : units) {
        if (text.substr(digits) == unit.word) {
            return Millis{count * unit.millis};
        }
    }
    return std::nullopt;
}

Complaint optional_text(std::string_view value) {
    return unless(
        value.size() <= text_bytes_max && std::none_of(value.begin(), value.end(), is_control),
        "one line of at most 1024 bytes without control characters");
}
Complaint any_text(std::string_view value) {
    return value.empty() ? Complaint{"a text that is not empty"} : optional_text(value);
}
Complaint an_id(std::string_view value) {
    return unless(word_of(value, 63, "-_") && value.front() != '-' && value.front() != '_',
                  "a name of a-z, 0-9, '-' and '_' (at most 63)");
}
Complaint a_fact_name(std::string_view value) {
    return unless(word_of(value, 64, "_") && !is_digit(value.front()),
                  "a fact name of a-z, 0-9 and '_'");
}
Complaint a_listen_address(std::string_view value) {
    const auto parsed = parse_host_port(value);
    return unless(parsed && parsed->has_port, "a numeric address and a port: \"127.0.0.1:9847\"");
}
Complaint a_nameserver(std::string_view value) {
    const auto parsed = parse_host_port(value);
    return unless(parsed && (!parsed->has_port || parsed->port > 0),
                  "a numeric address: \"9.9.9.9\"");
}
Complaint a_url(std::string_view value) {
    return unless(is_http_url(value, false), "an http(s) URL without user or fragment");
}
Complaint a_base_url(std::string_view value) {
    return unless(is_http_url(value, true), "an http(s) URL without user, query or fragment");
}
Complaint an_origin(std::string_view value) {
    const auto host = value.find("://");
    const bool bare =
        host != std::string_view::npos && value.find('/', host + 3) == std::string_view::npos;
    return unless(bare && is_http_url(value, true), "an http(s) URL without path");
}
Complaint a_tenant_url(std::string_view value) {
    const bool has_slug = value.find("{slug}") != std::string_view::npos;
    return unless(has_slug && is_http_url(without_slug(value), true),
                  "an http(s) URL with {slug} in it");
}
Complaint a_url_path(std::string_view value) {
    return unless(is_path(value), "a path from one '/' without placeholder");
}
Complaint a_slug_path(std::string_view value) {
    return unless(value.find("{slug}") != std::string_view::npos && is_path(without_slug(value)),
                  "a path from one '/' with {slug} in it");
}
Complaint a_repository(std::string_view value) {
    return unless(is_repository(value), "a repository: \"molecule-ai/platform\"");
}
Complaint a_uuid(std::string_view value) {
    return unless(is_uuid(value), "a UUID: \"0b1c2d3e-0000-4000-8000-000000000000\"");
}
Complaint an_opaque_id(std::string_view value) {
    return unless(is_opaque_id(value), "an id of letters, digits, '_' and '-' (at most 100)");
}
Complaint a_repository_prefix(std::string_view value) {
    return unless(is_repository(std::string(value) + "x"),
                  "the beginning of a lower-case repository name");
}
Complaint a_forge_repository(std::string_view value) {
    return unless(is_forge_repository(value), "owner/repository: \"Molecule-AI/molecule-core\"");
}
Complaint a_workflow_file(std::string_view value) {
    return unless(is_workflow_file(value), "a workflow's file name: \"publish-image.yml\"");
}
Complaint a_workflow(std::string_view value) {
    const auto colon = value.find(": ");
    return unless(colon != std::string_view::npos && is_forge_repository(value.substr(0, colon)) &&
                      is_workflow_file(value.substr(colon + 2)),
                  "\"owner/repository: file.yml\"");
}
Complaint a_branch(std::string_view value) {
    return unless(is_forge_name(value, 200, "-_./"), "a branch name");
}
Complaint a_commit(std::string_view value) {
    return unless(value.size() >= 7 && value.size() <= 40 &&
                      value.find_first_not_of("0123456789abcdef") == std::string_view::npos,
                  "a commit: 7 to 40 lower-case hex digits");
}
Complaint a_slug_glob(std::string_view value) {
    return unless(word_of(value, 63, "-*"), "a slug of a-z, 0-9 and '-', with '*' for any run");
}
Complaint a_subject_glob(std::string_view value) {
    const bool all = value == "*" || value == "**";
    return unless(all || is_subject_like(value, is_visible),
                  "a subject: \"tenant/demo\", \"workspace/demo/*\"");
}
Complaint a_subject(std::string_view value) {
    constexpr auto plain = [](char c) { return is_visible(c) && c != '*'; };
    return unless(is_subject_like(value, plain), "one subject: \"tenant/demo\"");
}
Complaint a_parent_pattern(std::string_view value) {
    constexpr auto plain = [](char c) { return is_visible(c) && c != '*'; };
    bool open = false;
    bool good = is_subject_like(value, plain);
    for (const char c : value) {
        good = good && !(c == '{' && open) && !(c == '}' && !open) &&
               !(open && c != '}' && !is_alnum(c) && c != '_');
        open = c == '{' || (open && c != '}');
    }
    good = good && !open && value.find("{}") == std::string_view::npos;
    return unless(good, "a subject: \"tenant/{tenant}\"");
}
Complaint a_secret_name(std::string_view value) {
    return unless(
        !value.empty() && value.size() <= 64 && is_alnum(value.front()) &&
            std::all_of(value.begin(), value.end(),
                        [](char c) { return is_alnum(c) || c == '_' || c == '-' || c == '.'; }),
        "a name of letters, digits, '-', '_' and '.' (at most 64)");
}
Complaint a_credential_name(std::string_view value) {
    return a_secret_name(value) ? Complaint{"the plain file name of a systemd credential"}
                                : Complaint{};
}
Complaint an_environment_name(std::string_view value) {
    return unless(
        !value.empty() && value.size() <= 128 && !is_digit(value.front()) &&
            std::all_of(value.begin(), value.end(), [](char c) { return is_alnum(c) || c == '_'; }),
        "the name of an environment variable");
}

Complaint a_header_name(std::string_view value) {
    return unless(!value.empty() && value.size() <= 64 &&
                      std::all_of(value.begin(), value.end(),
                                  [](char c) { return is_alnum(c) || c == '-' || c == '_'; }),
                  "a header name: letters, digits and '-'");
}

bool sends_in_clear(std::string_view url) {
    const std::string plain = without_slug(url);
    const auto parsed = boost::urls::parse_uri(plain);
    if (parsed.has_error() || parsed->scheme_id() != boost::urls::scheme::http) {
        return false;
    }
    const std::string host(parsed->encoded_host().data(), parsed->encoded_host().size());
    const bool local_name = host == "localhost" || host.ends_with(".localhost");
    const bool loopback =
        host == "[::1]" || (host.starts_with("127.") && is_address(AF_INET, host));
    return !local_name && !loopback;
}

bool listens_on_loopback(std::string_view listen) {
    const auto parsed = parse_host_port(listen);
    return parsed && (parsed->v6 ? parsed->host == "::1" : parsed->host.starts_with("127."));
}

}  // namespace leverd::config
