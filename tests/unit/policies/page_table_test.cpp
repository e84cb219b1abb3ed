// Why: nothing that leverd can be in may be without a row, and what the alert rules and the
// documents say about a state must be what the pages say.
#include "policies/guard_names.hpp"
#include "policies/guards.hpp"
#include "policies/page/table.hpp"
#include "tests/catch.hpp"

#include <fmt/format.h>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

using namespace leverd;

namespace {

std::string text_of(const std::string& path) {
    std::ifstream file(std::string{LEVERD_SOURCE_DIRECTORY} + "/" + path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

struct Rule {
    std::string expression;
    std::string lasts = "0s";
    std::string severity;
    std::string key;
};

std::string after(const std::string& line, const std::string& word) {
    const auto at = line.find(word);
    return at == std::string::npos ? std::string{} : line.substr(at + word.size());
}

std::map<std::string, Rule> shipped_rules() {
    std::map<std::string, Rule> rules;
    std::istringstream lines(text_of("exporters/prometheus/leverd.rules.yml"));
    std::string line;
    std::string name;
    while (std::getline(lines, line)) {
        if (const auto found = after(line, "- alert: "); !found.empty()) {
            name = found;
            rules[name];
        }
        auto& rule = rules[name];
        for (const auto& [word, out] : {std::pair{" expr: ", &rule.expression},
                                        {" for: ", &rule.lasts},
                                        {" severity: ", &rule.severity},
                                        {" leverd_page_key: ", &rule.key}}) {
            if (const auto found = after(line, word); !found.empty()) {
                *out = found;
            }
        }
    }
    rules.erase("");
    return rules;
}

std::string duration_of(Millis grace) {
    return grace == std::chrono::hours{24} ? "1d" : format_duration(grace);
}

std::string severity_word(Severity severity) {
    return severity == Severity::critical  ? "critical"
           : severity == Severity::warning ? "warning"
                                           : "info";
}

}  // namespace

TEST_CASE("every guard has a row that says when its hold is told, and no row is without a guard") {
    std::set<std::string> guards;
    for (const auto& guard : guard_table()) {
        CAPTURE(guard.name);
        guards.insert(held_state(guard.name));
        const auto* row = page_row(held_state(guard.name));
        REQUIRE(row != nullptr);
        CHECK(row->pages);
        CHECK(row->grace <= std::chrono::minutes{5});
    }
    for (const auto& row : page_table()) {
        CAPTURE(row.state);
        CHECK((row.scope == PageScope::held) == guards.contains(std::string(row.state)));
    }
}

TEST_CASE("every state that a case or leverd can be in has a row, once") {
    for (const auto state :
         {page_state::at_work, page_state::planning, page_state::observed, page_state::rejected,
          page_state::escalated, page_state::no_lever, page_state::outcome_unknown,
          page_state::not_done, page_state::lost, page_state::recommended, page_state::approval,
          page_state::observer, page_state::breaker, page_state::flapping, page_state::stop,
          page_state::frozen, page_state::autonomy, page_state::ledger_unwritable}) {
        CAPTURE(state);
        CHECK(page_row(state) != nullptr);
    }
    std::set<std::string_view> seen;
    for (const auto& row : page_table()) {
        CAPTURE(row.state);
        CHECK(seen.insert(row.state).second);
        const bool of_its_symptom =
            row.scope == PageScope::held || row.scope == PageScope::incident;
        CHECK((of_its_symptom || !row.pages || row.severity.has_value()));
    }
}

TEST_CASE("pages and alert rules agree on severity and grace, row by row") {
    const auto rules = shipped_rules();
    REQUIRE(rules.size() > 15);
    std::set<std::string> told;
    for (const auto& row : page_table()) {
        CAPTURE(row.state, row.alert);
        if (row.alert.empty()) {
            CHECK_FALSE(row.pages);
            continue;
        }
        const auto found = rules.find(std::string(row.alert));
        REQUIRE(found != rules.end());
        told.insert(found->first);
        const auto& rule = found->second;
        CAPTURE(rule.expression);
        // A rule over the pages themselves takes key, severity and grace from them.
        const bool over_pages = rule.expression.find("leverd_page_firing") != std::string::npos;
        if (over_pages) {
            CHECK(rule.lasts == "0s");
            CHECK(rule.key.empty());
            continue;
        }
        CHECK((row.scope == PageScope::rule) == rule.key.empty());
        if (row.severity) {
            CHECK(rule.lasts == duration_of(row.grace));
            CHECK(rule.severity == severity_word(*row.severity));
        }
        if (row.scope != PageScope::rule) {
            CHECK(rule.key == row.state);
        }
    }
    for (const auto& [name, rule] : rules) {
        CAPTURE(name);
        CHECK(told.contains(name));
    }
}

TEST_CASE("every alert has its section and its line in the document") {
    const auto document = text_of("docs/alerts.md");
    for (const auto& [name, rule] : shipped_rules()) {
        CAPTURE(name);
        CHECK(document.find("\n## " + name + "\n") != std::string::npos);
        const auto line = document.find("| [" + name + "](#");
        REQUIRE(line != std::string::npos);
        const auto row = document.substr(line, document.find('\n', line) - line);
        CAPTURE(row);
        const auto severity = rule.severity.empty() ? std::string{"of the page"} : rule.severity;
        CHECK(row.find("| " + severity + " |") != std::string::npos);
    }
}
