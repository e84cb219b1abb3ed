// Why: `leverd test`: scenario files in, a verdict for each out, with the place of what failed.
#include "config/scenario.hpp"
#include "core/base/text.hpp"
#include "daemon/cli_replay.hpp"
#include "daemon/rules.hpp"
#include "policies/scenario.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <map>
#include <optional>

namespace leverd::cli {
namespace {

struct Tested {
    std::string file;
    std::string name;
    ScenarioResult result;
};

class Tester {
  public:
    explicit Tester(const TestOptions& options) : options_(options) {}

    Report run() {
        for (const auto& file : options_.scenarios) {
            run_file(file);
        }
        Report report;
        report.err = err_;
        report.out = options_.json ? json() : text();
        report.code = bad_ ? Exit::config : failed() > 0 ? Exit::failed : Exit::ok;
        return report;
    }

  private:
    std::size_t failed() const {
        std::size_t count = 0;
        for (const auto& one : tested_) {
            count += one.result.ok() ? 0U : 1U;
        }
        return count;
    }

    void complain(const config::Problem& problem) {
        err_ += config::render(problem) + "\n";
        bad_ = bad_ || !problem.warning;
    }

    const Rules* rules_of(const std::string& path) {
        const auto known = rules_.find(path);
        if (known != rules_.end()) {
            return known->second ? &*known->second : nullptr;
        }
        auto loaded = config::load(path, vocabulary());
        auto& rules = rules_[path];
        if (!loaded.ok()) {
            for (const auto& problem : loaded.problems) {
                complain(problem);
            }
            return nullptr;
        }
        rules = make_rules(loaded.config);
        return &*rules;
    }

    void run_file(const std::string& file) {
        auto loaded = config::load_scenario(file, vocabulary());
        for (const auto& problem : loaded.problems) {
            complain(problem);
        }
        if (!loaded.ok()) {
            return;
        }
        const auto& scenario = loaded.scenario;
        const auto& config = !options_.config.empty()   ? options_.config
                             : !scenario.config.empty() ? scenario.config
                                                        : options_.fallback_config;
        const auto* rules = rules_of(config);
        if (rules == nullptr) {
            return;
        }
        std::map<std::string, Rules> reloads;
        for (const auto& say : scenario.says) {
            if (say.what == ScenarioSay::What::reload) {
                if (const auto* other = rules_of(say.text)) {
                    reloads.emplace(say.text, *other);
                } else {
                    return;
                }
            }
        }
        const auto effective = apply_what_if(*rules, scenario.what_if);
        if (!effective) {
            complain(problem_at(scenario.what_if.place, effective.error()));
            return;
        }
        const auto unknown = unknown_names(scenario, *effective);
        for (const auto& [place, error] : unknown) {
            complain(problem_at(place, error));
        }
        if (unknown.empty()) {
            tested_.push_back({file, scenario.name, run_scenario(scenario, *effective, reloads)});
        }
    }

    static config::Problem problem_at(const ScenarioPlace& place, const Error& error) {
        return {place.file, place.line, place.column, error.what, error.hint, "", false};
    }

    std::string text() const {
        std::string out;
        for (const auto& one : tested_) {
            out += fmt::format("{}  {}  ({} checked, {})\n", one.result.ok() ? "ok  " : "FAIL",
                               sanitize(one.name, 200), one.result.checked, one.file);
            for (const auto& failure : one.result.failures) {
                out += fmt::format("  {}:{}: expected {}\n", failure.place.file, failure.place.line,
                                   sanitize(failure.expected, 500));
                for (const auto& line : failure.instead) {
                    out += fmt::format("      instead {}\n", sanitize(line, 500));
                }
            }
        }
        return out + fmt::format("{} passed, {} failed\n", tested_.size() - failed(), failed());
    }

    std::string json() const {
        auto body = nlohmann::json::object();
        body["passed"] = tested_.size() - failed();
        body["failed"] = failed();
        body["scenarios"] = nlohmann::json::array();
        for (const auto& one : tested_) {
            auto failures = nlohmann::json::array();
            for (const auto& failure : one.result.failures) {
                failures.push_back({{"file", failure.place.file},
                                    {"line", failure.place.line},
                                    {"expected", failure.expected},
                                    {"instead", failure.instead}});
            }
            body["scenarios"].push_back({{"name", one.name},
                                         {"file", one.file},
                                         {"ok", one.result.ok()},
                                         {"checked", one.result.checked},
                                         {"failures", failures}});
        }
        return body.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    }

    const TestOptions& options_;
    std::map<std::string, std::optional<Rules>> rules_;
    std::vector<Tested> tested_;
    std::string err_;
    bool bad_ = false;
};

}  // namespace

Report test_scenarios(const TestOptions& options) {
    return Tester(options).run();
}

}  // namespace leverd::cli
