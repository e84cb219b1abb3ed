// Why: a lever that the operator declares acts on production with what stands in the config, so
// everything that could make it act on something else is refused here: unknown placeholders, a host
// from a template, a shell, a secret in the wrong place.
#include "config/sections.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <utility>
#include <vector>

namespace leverd::config {
namespace {

constexpr std::array<std::string_view, 2> placeholders{"{slug}", "{id}"};

// Only the placeholders that leverd can check; a brace that is none of them is a slip of the pen,
// except in a body, where JSON has braces of its own.
Complaint a_template(std::string_view value) {
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (static_cast<unsigned char>(value[i]) < 0x20) {
            return "one line without control characters";
        }
        if (value[i] == '}') {
            return "text whose only placeholders are {slug} and {id}";
        }
        if (value[i] == '{') {
            const auto rest = value.substr(i);
            const auto known = std::find_if(placeholders.begin(), placeholders.end(),
                                            [&](auto one) { return rest.starts_with(one); });
            if (known == placeholders.end()) {
                return "text whose only placeholders are {slug} and {id}";
            }
            i += known->size() - 1;
        }
    }
    return value.empty() ? Complaint{"not empty"} : Complaint{};
}

Complaint a_url_template(std::string_view value) {
    if (const auto wrong = a_template(value)) {
        return wrong;
    }
    const auto scheme = value.find("://");
    const auto authority = scheme == std::string_view::npos ? value : value.substr(scheme + 3);
    const auto host = authority.substr(0, authority.find_first_of("/?#"));
    // {slug} may be a label of the host; a host that is only a placeholder could be anything.
    if (host.starts_with("{id}") || host == "{slug}" || host.find('@') != std::string_view::npos) {
        return "a URL whose host stands in the config, at most with {slug} as a label of it";
    }
    std::string plain(value);
    for (const auto one : placeholders) {
        for (auto at = plain.find(one); at != std::string::npos; at = plain.find(one)) {
            plain.replace(at, one.size(), "x");
        }
    }
    return a_url(plain);
}

Complaint a_method(std::string_view value) {
    const bool known = value == "POST" || value == "PUT" || value == "PATCH" || value == "DELETE";
    return known ? Complaint{} : Complaint{"POST, PUT, PATCH or DELETE"};
}

// What stands in 'headers' is shown in plans, pages and the ledger.
bool carries_secret(std::string name) {
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    static constexpr std::array<std::string_view, 6> words{"auth",   "token", "secret",
                                                           "cookie", "key",   "password"};
    return std::any_of(words.begin(), words.end(),
                       [&](auto word) { return name.find(word) != std::string::npos; });
}

void read_headers(TableReader& t, GeneralLever& g) {
    const toml::table* table = t.table("headers");
    if (table == nullptr) {
        return;
    }
    TableReader headers(t.draft(), t.file(), *table, "'headers'");
    for (auto&& [key, value] : *table) {
        const std::string name(key.str());
        std::string text;
        if (const auto wrong = a_header_name(name)) {
            t.draft().error(headers.place(value),
                            fmt::format("a key of 'headers' must be {}", *wrong));
        } else if (carries_secret(name)) {
            t.draft().error(
                headers.place(value),
                fmt::format("header {} would carry a secret in the config", quote(name)),
                "use secret = \"<name in [secrets]>\" and secret_header");
            headers.node(name);
        } else if (headers.text(name, text, a_template)) {
            g.headers[name] = text;
        }
    }
    headers.finish();
}

void read_statuses(TableReader& t, GeneralLever& g) {
    const toml::node* node = t.node("statuses");
    if (node == nullptr) {
        return;
    }
    g.statuses.clear();
    const toml::array* items = node->as_array();
    for (std::size_t i = 0; items != nullptr && i < items->size(); ++i) {
        const auto status = (*items)[i].value<int>().value_or(0);
        if (status < 200 || status > 299) {
            t.draft().error(t.place((*items)[i]), "a status that means success is 200 to 299",
                            "anything else counts as refused or as unknown");
            continue;
        }
        g.statuses.push_back(status);
    }
    if (items == nullptr || items->empty()) {
        t.draft().error(t.place("statuses"), "'statuses' must name at least one status",
                        "e.g. [200, 202]");
    }
}

// A secret that two hosts know is the secret of neither: each could use it at the other.
void check_one_host(TableReader& t, const GeneralLever& g) {
    const Config& c = t.draft().config;
    std::vector<std::pair<std::string, std::string>> others{
        {c.control_plane.admin_token, c.control_plane.url},
        {c.registry.token, c.registry.url},
        {c.railway.project_token, "https://railway"},
        {c.railway.account_token, "https://railway"},
        {c.vercel.token, "https://vercel"}};
    for (const LeverSettings& lever : c.levers) {
        others.emplace_back(lever.general.secret, lever.general.url);
    }
    for (const auto& [name, url] : others) {
        if (same_secret(c, g.secret, name) && !url.empty() && !g.url.empty() &&
            origin_of(url) != origin_of(g.url)) {
            t.draft().error(t.place("secret"),
                            fmt::format("secret {} would be sent to two hosts: {} and {}",
                                        quote(g.secret), origin_of(url), origin_of(g.url)),
                            "make a secret of its own for this host");
            return;
        }
    }
}

void read_http(TableReader& t, GeneralLever& g) {
    t.text("method", g.method, a_method);
    if (t.text("url", g.url, a_url_template) && sends_in_clear(g.url) && t.has("secret")) {
        t.draft().error(t.place("url"), "a secret would go over http, readable on the way",
                        "use https");
    }
    read_headers(t, g);
    t.secret("secret", g.secret);
    check_one_host(t, g);
    t.text("secret_header", g.secret_header, a_header_name);
    if (g.secret_header.empty() && !g.secret.empty()) {
        g.secret_header = "Authorization";
    }
    t.text("body", g.body, optional_text);
    read_statuses(t, g);
    t.text("observe_url", g.observe_url, a_url_template);
    t.integer("observe_status", g.observe_status, 200, 299);
    t.text("observe_text", g.observe_text);
    t.require({"url"});
}

void check_argv(TableReader& t, std::string_view key, const std::vector<std::string>& argv) {
    if (!t.has(key)) {
        return;
    }
    if (argv.empty() || !argv[0].starts_with('/') || argv[0].find('{') != std::string::npos) {
        t.draft().error(t.place(key),
                        fmt::format("'{}' must begin with the absolute path of a program", key),
                        "no shell is involved: each argument is one element");
    }
}

void read_exit_codes(TableReader& t, GeneralLever& g) {
    const toml::node* node = t.node("no_effect_exit_codes");
    if (node == nullptr) {
        return;
    }
    const toml::array* items = node->as_array();
    if (items == nullptr) {
        t.draft().error(t.place("no_effect_exit_codes"),
                        "'no_effect_exit_codes' must be an array of numbers", "e.g. [4, 77]");
        return;
    }
    for (const toml::node& item : *items) {
        const auto code = item.value<std::int64_t>();
        if (!item.is_integer() || !code || *code < 1 || *code > 255) {
            t.draft().error(t.place(item), "an exit code without effect is a number from 1 to 255",
                            "0 means that it did what it was asked");
            continue;
        }
        g.no_effect_exit_codes.push_back(static_cast<int>(*code));
    }
}

void read_command(TableReader& t, GeneralLever& g) {
    read_exit_codes(t, g);
    t.texts("argv", g.argv, a_template);
    t.texts("observe_argv", g.observe_argv, a_template);
    check_argv(t, "argv", g.argv);
    check_argv(t, "observe_argv", g.observe_argv);
    t.require({"argv"});
}

}  // namespace

std::string origin_of(std::string_view url) {
    const auto scheme = url.find("://");
    const auto from = scheme == std::string_view::npos ? 0 : scheme + 3;
    return std::string(url.substr(0, url.find_first_of("/?#", from)));
}

bool same_secret(const Config& config, const std::string& a, const std::string& b) {
    if (a.empty() || b.empty()) {
        return false;
    }
    const auto one = config.secrets.find(a);
    const auto other = config.secrets.find(b);
    if (a == b || one == config.secrets.end() || other == config.secrets.end()) {
        return a == b;
    }
    return one->second.credential == other->second.credential &&
           one->second.file == other->second.file &&
           one->second.environment == other->second.environment;
}

void read_general_lever(TableReader& t, LeverSettings& out) {
    Draft& draft = t.draft();
    GeneralLever& g = out.general;
    t.word("kind", g.kind, "lever kind", {"http", "command"});
    const auto& known = draft.vocabulary().levers;
    const bool named = t.text("id", out.id, an_id);
    if (named && std::find(known.begin(), known.end(), out.id) != known.end()) {
        draft.error(t.place("id"),
                    fmt::format("lever {} is built in or declared already", quote(out.id)),
                    "a lever with a 'kind' needs a name of its own");
    } else if (named) {
        draft.define(NameKind::lever, out.id, t.place("id"));
    }
    t.text("title", g.title);
    t.texts("subjects", g.subjects, a_subject_glob);
    t.text("inverse", g.inverse);
    t.boolean("irreversible", g.irreversible);
    t.boolean("disruptive", g.disruptive);
    t.word("proof_probe", g.probe, "probe kind", draft.vocabulary().probe_kinds);
    if (g.kind == "http") {
        read_http(t, g);
    } else if (g.kind == "command") {
        read_command(t, g);
    }
    t.require({"title", "subjects"});
    if (named) {
        draft.declare_lever(out.id, g.irreversible);
    }
}

}  // namespace leverd::config
