// Why: a [[probe]] is a schedule, and for a general kind also a name, a subject and a question.
// What the kinds share is read here; the questions are in read_check_*.cpp.
#include "config/read_check.hpp"

#include "core/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace leverd::config {
namespace {

using namespace std::chrono_literals;

struct GeneralKind {
    std::string_view name;
    Check (*read)(TableReader& t, Millis timeout);
};

constexpr GeneralKind general[] = {
    {"http", read_http_check},       {"tls", read_tls_check},
    {"tcp", read_tcp_check},         {"dns", read_dns_check},
    {"promql", read_promql_check},   {"heartbeat", read_heartbeat_check},
    {"command", read_command_check}, {"credential", read_credential_check},
};

const GeneralKind* find_general(std::string_view kind) {
    const auto found = std::find_if(std::begin(general), std::end(general),
                                    [kind](const GeneralKind& row) { return row.name == kind; });
    return found == std::end(general) ? nullptr : found;
}

Complaint any_bytes(std::string_view) {
    return std::nullopt;
}

void read_schedule(TableReader& t, ProbeSettings& p) {
    t.duration("interval", p.interval, 50ms, 24h);
    p.retry = std::min(p.retry, p.interval);
    if (t.duration("retry", p.retry, 10ms, 24h) && p.retry > p.interval) {
        t.draft().error(t.place("retry"), fmt::format("'retry' is longer than 'interval' (\"{}\")",
                                                      format_duration(p.interval)));
    }
    t.duration("timeout", p.timeout, 10ms, 5min);
}

void read_name(TableReader& t, ProbeSettings& p) {
    Draft& draft = t.draft();
    t.require({"name"});
    if (!t.text("name", p.name, an_id)) {
        return;
    }
    const auto& kinds = draft.vocabulary().probe_kinds;
    if (std::find(kinds.begin(), kinds.end(), p.name) != kinds.end()) {
        draft.error(t.place("name"), fmt::format("{} is a probe kind", quote(p.name)),
                    "name the probe after what it looks at");
        return;
    }
    draft.define(NameKind::probe, p.name, t.place("name"));
}

void read_subject(TableReader& t, ProbeSettings& p) {
    p.subject = (p.kind == "credential" ? "credential/" : "service/") + p.name;
    if (t.text("subject", p.subject, a_subject)) {
        // What these say decides whether the box trusts itself.
        const std::string kind = kind_of(p.subject);
        if (kind == "reference" || kind == "observer") {
            t.draft().error(t.place("subject"),
                            fmt::format("{} speaks about the box itself", quote(p.subject)),
                            "leave 'subject' out, or name what the probe looks at: "
                            "\"service/shop\"");
        }
    }
    read_texts_by_name(
        t, "attributes", [&](const std::string& name, const std::string& value, Place place) {
            if (const auto complaint = a_fact_name(name)) {
                t.draft().error(place, fmt::format("an attribute's name must be {}", *complaint));
            } else {
                p.attributes[name] = value;
            }
        });
}

void read_general(TableReader& t, ProbeSettings& p, const GeneralKind& kind) {
    read_name(t, p);
    read_subject(t, p);
    read_schedule(t, p);
    p.check = std::make_shared<const Check>(kind.read(t, p.timeout));
}

}  // namespace

const std::vector<std::string>& general_kinds() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> all;
        for (const GeneralKind& kind : general) {
            all.emplace_back(kind.name);
        }
        return all;
    }();
    return names;
}

void read_probe(TableReader& root, const toml::table& table) {
    Draft& draft = root.draft();
    TableReader t(draft, root.file(), table, "[[probe]]");
    ProbeSettings p;
    const bool known = t.word("kind", p.kind, "probe kind", draft.vocabulary().probe_kinds);
    t.require({"kind"});
    if (const GeneralKind* kind = find_general(p.kind)) {
        read_general(t, p, *kind);
    } else {
        if (known) {
            draft.define(NameKind::probe, p.kind, t.place("kind"));
        }
        read_schedule(t, p);
        t.duration("window", p.window, 1s, 24h);
    }
    // Of an unknown kind nobody can say which keys it has.
    if (known) {
        t.finish();
    }
    draft.probe_places.push_back(t.places());
    draft.config.probes.push_back(std::move(p));
}

bool read_pattern(TableReader& t, std::string_view key, std::optional<Pattern>& out) {
    std::string text;
    if (!t.text(key, text)) {
        return false;
    }
    std::string problem;
    out = Pattern::compile(text, problem);
    if (!out) {
        t.draft().error(
            t.place(key),
            fmt::format("'{}' is not a regular expression: {}", key, sanitize(problem, 200)),
            "RE2's syntax; look-around and back-references do not exist in it");
    }
    return out.has_value();
}

void read_limits(TableReader& t, Millis timeout, Limits& out) {
    Millis value{};
    if (t.duration("degraded_over", value, 1ms, 5min)) {
        out.degraded_over = value;
    }
    if (t.duration("failing_over", value, 1ms, 5min)) {
        out.failing_over = value;
    }
    Draft& draft = t.draft();
    const auto check = [&](std::string_view key, const std::optional<Millis>& limit) {
        if (limit && *limit >= timeout) {
            draft.error(
                t.place(key),
                fmt::format("'{}' is not below 'timeout' (\"{}\")", key, format_duration(timeout)),
                "a look ends at its timeout, so the limit would never be passed");
        }
    };
    check("degraded_over", out.degraded_over);
    check("failing_over", out.failing_over);
    if (out.degraded_over && out.failing_over && *out.degraded_over >= *out.failing_over) {
        draft.error(t.place("degraded_over"),
                    fmt::format("'degraded_over' is not below 'failing_over' (\"{}\")",
                                format_duration(*out.failing_over)));
    }
}

void read_texts_by_name(TableReader& t, std::string_view key,
                        const std::function<void(const std::string& name, const std::string& value,
                                                 Place place)>& each) {
    const toml::table* table = t.table(key);
    if (table == nullptr) {
        return;
    }
    TableReader entries(t.draft(), t.file(), *table, fmt::format("'{}'", key));
    for (auto&& [name, node] : *table) {
        std::string value;
        if (entries.text(name.str(), value, any_bytes)) {
            each(std::string(name.str()), value, t.place(node));
        }
    }
}

}  // namespace leverd::config
