// Why: the questions below and beside HTTP: certificates, ports, names, calls that must come, and
// programs of the user.
#include "config/read_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

namespace leverd::config {
namespace {

using namespace std::chrono_literals;

Complaint a_host(std::string_view value) {
    const bool good = !value.empty() && value.size() <= 253 && value.front() != '-' &&
                      std::all_of(value.begin(), value.end(), [](char c) {
                          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                 (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
                      });
    return good ? Complaint{} : Complaint{"a host name: \"shop.example\""};
}

std::optional<Address> parse_address(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    Address address;
    std::string_view host = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (error != std::errc{} || end != port.data() + port.size() || address.port == 0) {
        return std::nullopt;
    }
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) {
        host = host.substr(1, host.size() - 2);
        if (a_nameserver(host)) {
            return std::nullopt;
        }
    } else if (a_host(host)) {
        return std::nullopt;
    }
    address.host = std::string(host);
    return address;
}

Complaint an_address(std::string_view value) {
    return parse_address(value) ? Complaint{}
                                : Complaint{"a host and a port: \"shop.example:443\""};
}

Complaint any_bytes(std::string_view value) {
    return value.size() <= 4096 ? Complaint{} : Complaint{"at most 4096 bytes"};
}

Complaint a_program(std::string_view value) {
    return value.find('\0') == std::string_view::npos ? Complaint{}
                                                      : Complaint{"a text without a zero byte"};
}

bool read_address(TableReader& t, Address& out) {
    std::string text;
    t.require({"address"});
    if (!t.text("address", text, an_address)) {
        return false;
    }
    out = *parse_address(text);
    return true;
}

void read_codes(TableReader& t, std::string_view key, std::vector<int>& out) {
    const toml::node* node = t.node(key);
    if (node == nullptr) {
        return;
    }
    const toml::array* items = node->as_array();
    if (items == nullptr) {
        t.wrong_type(*node, key, "an array of exit codes", "as in [0, 3]");
        return;
    }
    out.clear();
    for (const toml::node& item : *items) {
        const auto* code = item.as_integer();
        if (code == nullptr || code->get() < 0 || code->get() > 255) {
            t.draft().error(t.place(item), fmt::format("an entry of '{}' must be 0 to 255", key));
        } else {
            out.push_back(static_cast<int>(code->get()));
        }
    }
}

void check_codes(TableReader& t, const CommandCheck& c) {
    const std::pair<std::string_view, const std::vector<int>*> lists[] = {
        {"healthy", &c.healthy}, {"degraded", &c.degraded}, {"failing", &c.failing}};
    std::map<int, std::string_view> meaning;
    for (const auto& [key, codes] : lists) {
        for (const int code : *codes) {
            const auto [at, added] = meaning.emplace(code, key);
            if (!added) {
                t.draft().error(
                    t.place(t.has(key) ? key : at->second),
                    fmt::format("exit code {} is both '{}' and '{}'", code, at->second, key),
                    "the defaults are healthy = [0], degraded = [1], failing = [2]");
            }
        }
    }
}

}  // namespace

Check read_tls_check(TableReader& t, Millis) {
    TlsCheck c;
    read_address(t, c.address);
    c.server_name = c.address.host;
    t.text("server_name", c.server_name, a_host);
    t.integer("warn_days", c.warn_days, 0, 3650);
    t.integer("fail_days", c.fail_days, 0, 3650);
    if (c.fail_days >= c.warn_days && (t.has("warn_days") || t.has("fail_days"))) {
        t.draft().error(
            t.place(t.has("fail_days") ? "fail_days" : "warn_days"),
            fmt::format("'fail_days' ({}) is not below 'warn_days' ({})", c.fail_days, c.warn_days),
            "the warning comes first, with more days left");
    }
    return Check{std::move(c)};
}

Check read_tcp_check(TableReader& t, Millis timeout) {
    TcpCheck c;
    read_address(t, c.address);
    t.boolean("tls", c.tls);
    t.text("send", c.send, any_bytes);
    read_pattern(t, "expect", c.expect);
    read_limits(t, timeout, c.limits);
    return Check{std::move(c)};
}

Check read_dns_check(TableReader& t, Millis) {
    DnsCheck c;
    t.text("host", c.host, a_host);
    t.word("type", c.type, "record type", {"A", "AAAA", "CNAME", "MX", "NS", "TXT"});
    t.texts("answers", c.answers, any_text);
    t.boolean("only", c.only);
    t.boolean("absent", c.absent);
    t.text("nameserver", c.nameserver, a_nameserver);
    t.require({"host"});
    if (c.absent && t.has("answers")) {
        t.draft().error(t.place("absent"), "'absent' beside 'answers'",
                        "a name that must not exist has no records");
    }
    if (c.only && c.answers.empty()) {
        t.draft().error(t.place("only"), "'only' needs 'answers'");
    }
    return Check{std::move(c)};
}

Check read_heartbeat_check(TableReader& t, Millis) {
    HeartbeatCheck c;
    t.duration("deadline", c.deadline, 1s, std::chrono::days(30));
    t.require({"deadline"});
    return Check{c};
}

Check read_command_check(TableReader& t, Millis) {
    CommandCheck c;
    Draft& draft = t.draft();
    t.require({"command"});
    // An argument may come twice, so this is no list of names.
    if (const toml::node* node = t.node("command")) {
        const toml::array* items = node->as_array();
        if (items == nullptr || items->empty()) {
            t.wrong_type(*node, "command", "an array: the program and its arguments",
                         "command = [\"/usr/bin/test\", \"-e\", \"/run/x\"]; there is no shell");
        } else {
            for (const toml::node& item : *items) {
                const auto* text = item.as_string();
                if (text == nullptr || a_program(text->get())) {
                    t.wrong_type(item, "command", "an array of strings");
                } else {
                    c.argv.push_back(text->get());
                }
            }
            if (!c.argv.empty() && !c.argv.front().starts_with('/')) {
                draft.error(
                    t.place((*items)[0]),
                    fmt::format("the program {} needs its whole path", quote(c.argv.front())),
                    "nothing is looked up in PATH and there is no shell");
            }
        }
    }
    read_texts_by_name(
        t, "environment", [&](const std::string& name, const std::string& value, Place place) {
            if (const auto complaint = an_environment_name(name)) {
                draft.error(place, fmt::format("a variable's name must be {}", *complaint));
            } else {
                c.environment[name] = value;
            }
        });
    t.path("directory", c.directory);
    read_codes(t, "healthy", c.healthy);
    read_codes(t, "degraded", c.degraded);
    read_codes(t, "failing", c.failing);
    check_codes(t, c);
    return Check{std::move(c)};
}

}  // namespace leverd::config
