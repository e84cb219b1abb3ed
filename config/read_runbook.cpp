// Why: the ground of the runbook's table: how old evidence may be, what depends on what, and which
// looks count as bad.
#include "config/sections.hpp"

#include "core/model/reason.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

namespace leverd::config {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> reason_names() {
    std::vector<std::string> names;
    for (int i = 0; i <= static_cast<int>(Reason::parent_unreadable); ++i) {
        names.emplace_back(describe(static_cast<Reason>(i)).name);
    }
    return names;
}

void read_reasons(TableReader& t, std::string_view key, std::vector<Reason>& out) {
    std::vector<std::string> words;
    if (!t.texts(key, words, any_text)) {
        return;
    }
    const toml::array& items = *t.raw().get(key)->as_array();
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (const auto reason = reason_from_name(words[i])) {
            out.push_back(*reason);
        } else {
            t.draft().error(t.place(items[i]), fmt::format("unknown reason {}", quote(words[i])),
                            did_you_mean(words[i], reason_names()));
        }
    }
}

void read_bad_health(TableReader& t, std::vector<Health>& out) {
    std::vector<std::string> words;
    if (!t.texts("health", words, any_text)) {
        return;
    }
    const toml::array& items = *t.raw().get("health")->as_array();
    out.clear();
    // A row about not seeing; it stands alone, since not seeing is no fault.
    if (words == std::vector<std::string>{"unknown"}) {
        out.push_back(Health::unknown);
        return;
    }
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i] == "degraded" || words[i] == "failing") {
            out.push_back(words[i] == "failing" ? Health::failing : Health::degraded);
        } else {
            t.draft().error(t.place(items[i]), fmt::format("{} is no bad health", quote(words[i])),
                            "degraded and failing count against a subject; \"unknown\" alone "
                            "is a signal about not seeing");
        }
    }
    if (words.empty()) {
        t.draft().error(t.place("health"), "'health' must name at least one of degraded, failing");
    }
}

// "requests >= 3"
std::optional<FactCondition> parse_condition(std::string_view text) {
    struct Operator {
        std::string_view word;
        Compare compare;
    };
    constexpr Operator operators[] = {{"<=", Compare::less_equal}, {">=", Compare::greater_equal},
                                      {"==", Compare::equal},      {"<", Compare::less},
                                      {">", Compare::greater},     {"=", Compare::equal}};
    const auto trim = [](std::string_view s) {
        const auto first = s.find_first_not_of(' ');
        const auto last = s.find_last_not_of(' ');
        return first == std::string_view::npos ? std::string_view{}
                                               : s.substr(first, last - first + 1);
    };
    const auto at = text.find_first_of("<>=");
    for (const Operator& op : operators) {
        if (at == std::string_view::npos || !text.substr(at).starts_with(op.word)) {
            continue;
        }
        const std::string_view fact = trim(text.substr(0, at));
        const std::string_view number = trim(text.substr(at + op.word.size()));
        double value = 0;
        const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(),
                                                  value, std::chars_format::fixed);
        // from_chars reads "inf" and "nan" too.
        const bool digits = number.find_first_not_of("-.0123456789") == std::string_view::npos;
        if (a_fact_name(fact) || !digits || error != std::errc{} ||
            end != number.data() + number.size()) {
            return std::nullopt;
        }
        return FactCondition{std::string(fact), op.compare, value};
    }
    return std::nullopt;
}

void read_where(TableReader& t, std::vector<FactCondition>& out) {
    std::vector<std::string> texts;
    if (!t.texts("where", texts, any_text)) {
        return;
    }
    const toml::array& items = *t.raw().get("where")->as_array();
    for (std::size_t i = 0; i < texts.size(); ++i) {
        if (auto condition = parse_condition(texts[i])) {
            out.push_back(std::move(*condition));
        } else {
            t.draft().error(t.place(items[i]), fmt::format("bad condition {}", quote(texts[i])),
                            "write a fact, one of < <= == >= > and a number: \"requests >= 3\"");
        }
    }
}

// spread_by = { runtime = { hermes = "31m" } }
void read_spread_by(TableReader& t, Signal& s) {
    const toml::table* by = t.table("spread_by");
    if (by == nullptr) {
        return;
    }
    if (by->size() != 1) {
        t.draft().error(t.place("spread_by"), "'spread_by' must name exactly one attribute");
        return;
    }
    TableReader outer(t.draft(), t.file(), *by, "'spread_by'");
    s.spread_attribute = std::string(by->begin()->first.str());
    if (const toml::table* values = outer.table(s.spread_attribute)) {
        TableReader inner(t.draft(), t.file(), *values, "'spread_by'");
        for (auto&& [key, value] : *values) {
            Millis spread{};
            if (inner.duration(key.str(), spread, 0ms, 24h)) {
                s.spread_by[std::string(key.str())] = spread;
            }
        }
    }
}

void read_signal(TableReader& root, const toml::table& table) {
    Draft& draft = root.draft();
    TableReader t(draft, root.file(), table, "[[signal]]");
    Signal s;
    if (t.text("id", s.id, an_id)) {
        draft.define(NameKind::signal, s.id, t.place("id"));
    }
    t.text("subject", s.subject_kind, an_id);
    t.text("probe", s.probe, an_id);
    read_bad_health(t, s.bad_health);
    read_reasons(t, "reasons", s.reasons);
    read_reasons(t, "except_reasons", s.except_reasons);
    read_where(t, s.where);
    t.integer("looks", s.looks, 1, 100);
    if (t.integer("of", s.of, 1, 64) && s.of < s.looks) {
        draft.error(t.place("of"), fmt::format("'of' is {}, less than 'looks' ({})", s.of, s.looks),
                    "looks = 3 with of = 5: three bad ones among the last five");
    }
    t.integer("clear_looks", s.clear_looks, 1, 100);
    t.duration("spread", s.spread, 0ms, 24h);
    read_spread_by(t, s);
    t.text("spread_fact", s.spread_fact, a_fact_name);
    t.duration("silent_after", s.silent_after, 100ms, std::chrono::days(30));
    t.require({"id", "subject", "probe"});
    t.finish();
    draft.signal_places.push_back(t.places());
    draft.config.runbook.signals.push_back(std::move(s));
}

void read_flapping(TableReader& runbook, FlapRules& flap) {
    auto t = open_section(runbook, "flapping", "[runbook.flapping]");
    if (!t) {
        return;
    }
    t->duration("window", flap.window, 1s, 24h);
    t->number("start", flap.start, 2, 1000);
    // An old change still counts 0.5, so below 0.5 means: none is left.
    t->number("stop", flap.stop, 0.5, 1000);
    t->finish();
}

void read_topology(TableReader& root) {
    auto t = open_section(root, "topology", "[topology]");
    if (!t) {
        return;
    }
    for (auto&& [key, value] : t->raw()) {
        TopologyRule rule;
        rule.kind = std::string(key.str());
        if (const auto complaint = an_id(rule.kind)) {
            t->node(rule.kind);
            root.draft().error(t->place(value),
                               fmt::format("a subject kind must be {}", *complaint));
        } else if (t->texts(rule.kind, rule.parents, a_parent_pattern)) {
            root.draft().config.runbook.topology.push_back(std::move(rule));
        }
    }
    t->finish();
}

}  // namespace

void read_runbook_sections(TableReader& root) {
    if (auto t = open_section(root, "runbook", "[runbook]")) {
        Runbook& c = root.draft().config.runbook;
        t->duration("fresh_for", c.fresh_for, 100ms, 24h);
        t->duration("gone_after", c.gone_after, 100ms, std::chrono::days(30));
        t->duration("clearing_time", c.clearing_time, 0ms, 24h);
        t->duration("blind_after", c.blind_after, 100ms, 24h);
        read_flapping(*t, c.flap);
        t->finish();
    }
    read_topology(root);
    root.tables("signal", [&](const toml::table& table) { read_signal(root, table); });
}

}  // namespace leverd::config
