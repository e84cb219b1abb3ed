// Why: the sections about leverd itself: the process, its network, its secrets, its doubt in
// itself, the freeze and the sinks.
#include "config/sections.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace leverd::config {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t socket_bytes_max = 107;  // sockaddr_un without its NUL

void read_daemon(TableReader& root) {
    auto t = open_section(root, "daemon", "[daemon]");
    if (!t) {
        return;
    }
    Daemon& c = root.draft().config.daemon;
    t->path("state_directory", c.state_directory);
    if (t->path("socket", c.socket) && c.socket.size() > socket_bytes_max) {
        root.draft().error(t->place("socket"),
                           fmt::format("'socket' must be at most {} bytes long, found {}",
                                       socket_bytes_max, c.socket.size()),
                           "the system takes no longer one: e.g. /run/leverd/leverd.sock");
    }
    if (t->path("exec_socket", c.exec_socket) && c.exec_socket.size() > socket_bytes_max) {
        root.draft().error(t->place("exec_socket"),
                           fmt::format("'exec_socket' must be at most {} bytes long, found {}",
                                       socket_bytes_max, c.exec_socket.size()),
                           "the system takes no longer one: e.g. /run/leverd-exec.sock");
    }
    t->text("listen", c.listen, a_listen_address);
    t->secret("api_token", c.api_token);
    t->path("stop_file", c.stop_file);
    t->word("log_level", c.log_level, "log level",
            {"trace", "debug", "info", "warning", "error", "critical"});
    t->integer("probes_in_flight", c.probes_in_flight, 1, 1024);
    t->choice("mode_ceiling", c.mode_ceiling, "mode", mode_words);
    t->finish();
}

void read_ledger(TableReader& root) {
    auto t = open_section(root, "ledger", "[ledger]");
    if (!t) {
        return;
    }
    LedgerSettings& c = root.draft().config.ledger;
    t->duration("keep", c.keep, 0ms, 36'500 * 24h);
    t->path("witness", c.witness);
    t->secret("key", c.key);
    t->finish();
}

void read_net(TableReader& root) {
    auto t = open_section(root, "net", "[net]");
    if (!t) {
        return;
    }
    Net& c = root.draft().config.net;
    t->path("ca_file", c.ca_file);
    t->texts("nameservers", c.nameservers, a_nameserver);
    t->text("user_agent", c.user_agent);
    t->finish();
}

void read_secret_source(TableReader& secrets, const std::string& name, const toml::table& table) {
    Draft& draft = secrets.draft();
    TableReader t(draft, secrets.file(), table, "the secret");
    SecretSource source;
    t.path("file", source.file);
    t.text("credential", source.credential, a_credential_name);
    t.text("environment", source.environment, an_environment_name);
    t.finish();
    const int sources = t.has("file") + t.has("credential") + t.has("environment");
    if (sources != 1) {
        draft.error(t.place(), fmt::format("secret {} must have exactly one source", quote(name)),
                    "one of file, credential and environment");
    }
    draft.config.secrets[name] = source;
}

void read_secrets_section(TableReader& root) {
    const toml::table* table = root.table("secrets");
    if (table == nullptr) {
        return;
    }
    Draft& draft = root.draft();
    TableReader t(draft, root.file(), *table, "[secrets]");
    for (auto&& [key, value] : *table) {
        const std::string name(key.str());
        t.node(name);
        // The name is not quoted when it is bad: it may be the secret on the wrong side of the '='.
        if (const auto complaint = a_secret_name(name)) {
            draft.error(t.place(value), fmt::format("a name in [secrets] must be {}", *complaint));
            continue;
        }
        draft.define(NameKind::secret, name, t.place(value));
        if (value.is_table()) {
            read_secret_source(t, name, *value.as_table());
        } else {
            draft.error(
                t.place(value), fmt::format("secret {} is written inline", quote(name)),
                "write { credential = \"...\" }, { file = \"...\" } or { environment = \"...\" }");
        }
    }
    t.finish();
}

void read_observer(TableReader& root) {
    auto t = open_section(root, "observer", "[observer]");
    if (!t) {
        return;
    }
    Observer& c = root.draft().config.observer;
    t->texts("references", c.references, a_url);
    t->integer("quorum", c.rules.quorum, 0, 64);
    t->duration("max_lateness", c.rules.max_lateness, 10ms, 60s);
    t->duration("max_clock_step", c.rules.max_clock_step, 100ms, 1h);
    t->duration("dwell", c.rules.dwell, 0ms, 24h);
    t->finish();
}

void read_events(TableReader& root) {
    auto t = open_section(root, "events", "[events]");
    if (!t) {
        return;
    }
    Events& c = root.draft().config.events;
    t->secret("github", c.github);
    t->secret("gitea", c.gitea);
    t->secret("vercel", c.vercel);
    t->secret("railway", c.railway);
    t->secret("alertmanager", c.alertmanager);
    t->boolean("tenant_stream", c.tenant_stream);
    t->text("tenant_stream_origin", c.tenant_stream_origin, an_origin);
    t->finish();
}

void read_freeze(TableReader& root) {
    auto t = open_section(root, "freeze", "[freeze]");
    if (!t) {
        return;
    }
    FreezeSettings& c = root.draft().config.freeze;
    t->boolean("active", c.active);
    t->path("receipt", c.receipt);
    t->path("workflows_receipt", c.workflows_receipt);
    t->duration("known_good_after", c.known_good_after, 1s, 24h);
    t->finish();
}

Complaint a_label_name(std::string_view name) {
    constexpr std::array<std::string_view, 5> own{"alertname", "leverd_page_key", "severity",
                                                  "symptom", "subject"};
    if (std::find(own.begin(), own.end(), name) != own.end()) {
        return "none of the labels that leverd sets itself";
    }
    const auto letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    const auto fits = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
    const bool good = !name.empty() && letter(name[0]) && !name.starts_with("__") &&
                      std::all_of(name.begin(), name.end(), fits);
    return good ? Complaint{} : Complaint{"letters, digits and '_', not beginning with a digit"};
}

void read_labels(TableReader& t, Notify& n) {
    const toml::table* table = t.table("labels");
    if (table == nullptr) {
        return;
    }
    if (n.kind == "webhook") {
        t.draft().error(t.place("labels"), "'labels' belong to kind = \"alertmanager\"",
                        "a webhook's receiver gets what the page is in the body");
    }
    TableReader labels(t.draft(), t.file(), *table, "'labels'");
    for (auto&& [key, value] : *table) {
        const std::string name(key.str());
        std::string text;
        if (const auto wrong = a_label_name(name)) {
            labels.node(name);
            t.draft().error(labels.place(value),
                            fmt::format("label {} must be {}", quote(name), *wrong));
        } else if (labels.text(name, text)) {
            n.labels[name] = text;
        }
    }
    labels.finish();
}

void read_notify(TableReader& root, const toml::table& table) {
    Draft& draft = root.draft();
    TableReader t(draft, root.file(), table, "[[notify]]");
    Notify n;
    if (t.text("id", n.id, an_id)) {
        draft.define(NameKind::notify, n.id, t.place("id"));
    }
    t.word("kind", n.kind, "notify kind", {"webhook", "alertmanager"});
    if (t.text("url", n.url, a_url) && sends_in_clear(n.url)) {
        draft.warn(t.place("url"), "pages go over http, readable on the way", "use https");
    }
    t.secret("secret", n.secret);
    read_labels(t, n);
    t.require({"id", "kind", "url"});
    t.finish();
    draft.config.notify.push_back(std::move(n));
}

void read_metrics(TableReader& root) {
    auto t = open_section(root, "metrics", "[metrics]");
    if (!t) {
        return;
    }
    t->integer("series_limit", root.draft().config.metrics.series_limit, 1'000, 1'000'000);
    t->finish();
}

void read_api_token(TableReader& root, const toml::table& table) {
    Draft& draft = root.draft();
    TableReader t(draft, root.file(), table, "[[api_token]]");
    ApiTokenSettings token;
    if (t.text("name", token.name, an_id)) {
        draft.define(NameKind::api_token, token.name, t.place("name"));
    }
    // What the ledger calls the owner of daemon.api_token.
    if (token.name == "token") {
        draft.error(t.place("name"), "the name 'token' belongs to daemon.api_token",
                    "name the person or the program that has this one");
    }
    if (t.secret("secret", token.secret) && token.secret.empty()) {
        draft.error(t.place("secret"), "an API token needs a secret",
                    "name one of [secrets], of at least 32 random characters");
    }
    t.word("role", token.role, "role", {"read", "approve", "operate"});
    t.require({"name", "secret", "role"});
    t.finish();
    draft.config.api_tokens.push_back(std::move(token));
    draft.api_token_places.push_back(t.places());
}

}  // namespace

std::optional<TableReader> open_section(TableReader& parent, std::string_view key,
                                        std::string title) {
    const toml::table* table = parent.table(key);
    if (table == nullptr) {
        return std::nullopt;
    }
    Draft& draft = parent.draft();
    TableReader t(draft, parent.file(), *table, title);
    const auto [known, first] = draft.section_places.try_emplace(title, t.places());
    for (const auto& [name, at] : t.places().keys) {
        known->second.keys.try_emplace(name, at);
        draft.define(NameKind::setting, title + " " + name, at);
    }
    return t;
}

void read_daemon_sections(TableReader& root) {
    read_daemon(root);
    read_ledger(root);
    read_net(root);
    read_secrets_section(root);
    read_observer(root);
    read_freeze(root);
    read_events(root);
    read_metrics(root);
    root.tables("api_token", [&](const toml::table& table) { read_api_token(root, table); });
    root.tables("notify", [&](const toml::table& table) { read_notify(root, table); });
}

}  // namespace leverd::config
