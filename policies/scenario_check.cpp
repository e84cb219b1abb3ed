// Why: what a scenario expected against what the ledger says, in words that let a person mend the
// policy or the expectation without a debugger.
#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "policies/guards.hpp"
#include "policies/scenario.hpp"
#include "policies/topology.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace leverd {
namespace {

constexpr std::size_t shown_max = 6;

// One thing that happened, with all that a filter may ask about it.
struct Happening {
    Millis at{0};
    std::string subject;
    std::string symptom;
    const Decision* decision = nullptr;
    const Verdict* verdict = nullptr;
    std::string lever;  // of a verdict
    std::string end;
};

std::string clock_text(Millis at) {
    const auto seconds = at.count() / 1000;
    auto text = seconds >= 3600 ? fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60)
                                : fmt::format("{}m", seconds / 60);
    text += fmt::format("{:02}", seconds % 60);
    if (at.count() % 1000 != 0) {
        text += fmt::format(".{:03}", at.count() % 1000);
    }
    return text + "s";
}

const GuardVerdict* blocking(const Decision& decision) {
    const auto found = std::ranges::find(decision.guards, false, &GuardVerdict::pass);
    return found == decision.guards.end() ? nullptr : &*found;
}

std::string words_of(const Happening& one) {
    auto text = fmt::format("{:>9}  {}", clock_text(one.at), one.subject);
    if (one.verdict != nullptr) {
        return text + fmt::format("  verdict {} of {}: {}", to_string(one.verdict->kind), one.lever,
                                  one.verdict->why);
    }
    if (one.decision == nullptr) {
        return text + fmt::format("  {} ended: {}", one.symptom, one.end);
    }
    const auto& decision = *one.decision;
    text += fmt::format("  {}: {} {}, reason {}", decision.symptom, to_string(decision.action),
                        decision.lever, decision.reason);
    if (decision.rung > 1) {
        text += fmt::format(", rung {}", decision.rung);
    }
    if (const auto* guard = blocking(decision)) {
        text += fmt::format(" ({})", guard->text);
    }
    return text;
}

// What is asked for, without the times.
std::string words_of(const ScenarioExpect& want) {
    std::vector<std::string> parts;
    const auto add = [&](std::string_view name, std::string_view value) {
        if (!value.empty()) {
            parts.push_back(fmt::format("{} = {}", name, value));
        }
    };
    add("subject", want.subject);
    add("symptom", want.symptom);
    add("lever", want.lever);
    add("policy", want.policy);
    add("action", want.action ? to_string(*want.action) : "");
    add("mode", want.mode ? to_string(*want.mode) : "");
    add("reason", want.reason);
    add("guard", want.guard);
    add("rung", want.rung ? std::to_string(*want.rung) : "");
    add("verdict", want.verdict ? to_string(*want.verdict) : "");
    add("end", want.end);
    add("text", want.text.empty() ? "" : "\"..." + want.text + "...\"");
    return fmt::format("{}", fmt::join(parts, ", "));
}

std::string when(const ScenarioExpect& want) {
    if (want.at) {
        return "at " + clock_text(*want.at);
    }
    std::string text = want.from ? "from " + clock_text(*want.from) : "";
    if (want.by) {
        text += (text.empty() ? "by " : " by ") + clock_text(*want.by);
    }
    return text.empty() ? "at any time" : text;
}

bool about(const ScenarioExpect& want, const Happening& one) {
    return (want.subject.empty() || subject_matches(want.subject, Subject{one.subject})) &&
           (want.symptom.empty() || want.symptom == one.symptom);
}

bool decision_matches(const ScenarioExpect& want, const Decision& decision) {
    const auto* guard = blocking(decision);
    return (want.lever.empty() || want.lever == decision.lever) &&
           (want.policy.empty() || want.policy == decision.policy) &&
           (want.reason.empty() || want.reason == decision.reason) &&
           (want.guard.empty() || (guard != nullptr && want.guard == guard->guard)) &&
           (want.text.empty() ||
            (guard != nullptr && guard->text.find(want.text) != std::string::npos)) &&
           (!want.action || *want.action == decision.action) &&
           (!want.mode || *want.mode == decision.mode) &&
           (!want.rung || *want.rung == decision.rung);
}

bool matches(const ScenarioExpect& want, const Happening& one) {
    if (!about(want, one)) {
        return false;
    }
    if (want.verdict) {
        return one.verdict != nullptr && one.verdict->kind == *want.verdict &&
               (want.lever.empty() || want.lever == one.lever) &&
               (want.text.empty() || one.verdict->why.find(want.text) != std::string::npos);
    }
    if (!want.end.empty()) {
        return one.decision == nullptr && one.verdict == nullptr && one.end == want.end;
    }
    return one.decision != nullptr && decision_matches(want, *one.decision);
}

class Story {
  public:
    explicit Story(const std::vector<Entry>& ledger) {
        for (const auto& entry : ledger) {
            const auto at = std::chrono::duration_cast<Millis>(entry.now.at - scenario_start);
            if (const auto* opened = std::get_if<IncidentOpened>(&entry.body)) {
                incidents_[opened->incident] = opened;
            } else if (const auto* decision = std::get_if<Decision>(&entry.body)) {
                all_.push_back(
                    {at, decision->subject.text(), decision->symptom, decision, nullptr, {}, {}});
            } else if (const auto* intent = std::get_if<Intent>(&entry.body)) {
                intents_[intent->id] = intent;
            } else if (const auto* verdict = std::get_if<Verdict>(&entry.body)) {
                add_verdict(at, *verdict);
            } else if (const auto* closed = std::get_if<IncidentClosed>(&entry.body)) {
                const auto* about_it = incidents_.at(closed->incident);
                all_.push_back({at,
                                about_it->subject.text(),
                                about_it->symptom,
                                nullptr,
                                nullptr,
                                {},
                                closed->end});
            } else if (const auto* page = std::get_if<Paged>(&entry.body)) {
                add_page(*page);
            }
        }
    }

    const std::vector<Happening>& all() const { return all_; }
    std::size_t incidents() const { return incidents_.size(); }
    std::size_t fired() const { return intents_.size(); }
    const std::vector<std::string>& pages() const { return pages_; }

  private:
    void add_verdict(Millis at, const Verdict& verdict) {
        const auto intent = intents_.find(verdict.intent);
        if (intent == intents_.end()) {
            return;
        }
        const auto opened = incidents_.find(intent->second->incident);
        all_.push_back({at,
                        intent->second->subject.text(),
                        opened == incidents_.end() ? std::string{} : opened->second->symptom,
                        nullptr,
                        &verdict,
                        intent->second->lever,
                        {}});
    }
    void add_page(const Paged& page) {
        if (page.status == PageStatus::firing && page.muted.empty()) {
            pages_.push_back(page.title);
        }
    }

    std::vector<Happening> all_;
    std::map<std::string, const IncidentOpened*> incidents_;
    std::map<std::string, const Intent*> intents_;
    std::vector<std::string> pages_;
};

// The things a reader would look at next: the same kind of thing about the same subject, nearest in
// time to what was asked.
std::vector<std::string> nearest(const ScenarioExpect& want, const Story& story, Millis lasted) {
    const auto wanted = want.at.value_or(want.by.value_or(lasted));
    std::vector<const Happening*> candidates;
    for (const auto& one : story.all()) {
        const bool kind = want.verdict        ? one.verdict != nullptr
                          : !want.end.empty() ? one.decision == nullptr && one.verdict == nullptr
                                              : one.decision != nullptr;
        const bool subject =
            want.subject.empty() || subject_matches(want.subject, Subject{one.subject});
        if (kind && subject) {
            candidates.push_back(&one);
        }
    }
    while (candidates.size() > shown_max) {
        const auto far = [&](const Happening* one) {
            return one->at > wanted ? one->at - wanted : wanted - one->at;
        };
        candidates.erase(std::ranges::max_element(candidates, {}, far));
    }
    std::vector<std::string> lines;
    for (const auto* one : candidates) {
        lines.push_back(words_of(*one));
    }
    return lines;
}

std::optional<ScenarioFailure> check_never(const ScenarioExpect& want, const Story& story,
                                           Millis lasted) {
    ScenarioFailure failure{
        want.place, fmt::format("never {}: {}", when(want), words_of(want)), {}};
    for (const auto& one : story.all()) {
        const bool inside =
            one.at >= want.from.value_or(Millis{0}) && one.at <= want.by.value_or(lasted);
        if (inside && matches(want, one) && failure.instead.size() < shown_max) {
            failure.instead.push_back(words_of(one));
        }
    }
    return failure.instead.empty() ? std::nullopt : std::optional{failure};
}

// The newest one about the same subject (and symptom, when that is named) at `at`.
bool stands(const ScenarioExpect& want, const Story& story) {
    std::map<std::pair<std::string, std::string>, const Happening*> newest;
    for (const auto& one : story.all()) {
        const bool kind = want.verdict        ? one.verdict != nullptr
                          : !want.end.empty() ? one.decision == nullptr && one.verdict == nullptr
                                              : one.decision != nullptr;
        if (kind && one.at <= *want.at && about(want, one)) {
            newest[{one.subject, one.symptom}] = &one;
        }
    }
    return std::ranges::any_of(newest,
                               [&](const auto& item) { return matches(want, *item.second); });
}

std::optional<ScenarioFailure> check_one(const ScenarioExpect& want, const Story& story,
                                         Millis lasted) {
    if (want.never) {
        return check_never(want, story, lasted);
    }
    const bool met =
        want.at ? stands(want, story) : std::ranges::any_of(story.all(), [&](const auto& one) {
            return one.at >= want.from.value_or(Millis{0}) && one.at <= want.by.value_or(lasted) &&
                   matches(want, one);
        });
    if (met) {
        return std::nullopt;
    }
    ScenarioFailure failure{want.place, fmt::format("{}: {}", when(want), words_of(want)),
                            nearest(want, story, lasted)};
    if (failure.instead.empty()) {
        failure.instead.push_back(fmt::format("nothing of that kind happened{}",
                                              want.subject.empty() ? "" : " to " + want.subject));
    }
    return failure;
}

void check_count(std::vector<ScenarioFailure>& failures, const ScenarioPlace& place,
                 std::string_view what, std::optional<int> wanted, std::size_t found) {
    if (wanted && static_cast<std::size_t>(*wanted) != found) {
        failures.push_back(
            {place, fmt::format("{} = {}", what, *wanted), {fmt::format("{} = {}", what, found)}});
    }
}

// Decisions give these as reason beside the names of the guards.
constexpr std::string_view other_reasons[] = {"permitted", "no_lever", "explained", "rejected"};

}  // namespace

std::vector<std::pair<ScenarioPlace, Error>> unknown_names(const Scenario& scenario,
                                                           const Rules& rules) {
    std::vector<std::string> symptoms;
    for (const auto& symptom : rules.runbook.symptoms) {
        symptoms.push_back(symptom.id);
    }
    std::vector<std::string> policies;
    for (const auto& policy : rules.policies.policies) {
        policies.push_back(policy.id);
    }
    std::vector<std::string> levers{"none"};
    for (const auto& [id, contract] : rules.levers) {
        levers.push_back(id);
    }
    std::vector<std::string> guards;
    for (const auto& guard : guard_table()) {
        guards.emplace_back(guard.name);
    }
    auto reasons = guards;
    reasons.insert(reasons.end(), std::begin(other_reasons), std::end(other_reasons));

    std::vector<std::pair<ScenarioPlace, Error>> found;
    for (const auto& want : scenario.expects) {
        const auto check = [&](std::string_view what, const std::string& name,
                               const std::vector<std::string>& known) {
            if (name.empty() || std::ranges::find(known, name) != known.end()) {
                return;
            }
            const auto near = suggest(name, known);
            found.emplace_back(want.place,
                               Error{fmt::format("unknown {} '{}'", what, name),
                                     near ? fmt::format("did you mean '{}'?", *near)
                                          : fmt::format("known: {}", fmt::join(known, ", "))});
        };
        check("symptom", want.symptom, symptoms);
        check("policy", want.policy, policies);
        check("lever", want.lever, levers);
        check("guard", want.guard, guards);
        check("reason", want.reason, reasons);
    }
    return found;
}

std::vector<ScenarioFailure> check_scenario(const Scenario& scenario,
                                            const std::vector<Entry>& ledger, Millis lasted) {
    const Story story(ledger);
    std::vector<ScenarioFailure> failures;
    for (const auto& want : scenario.expects) {
        if (auto failure = check_one(want, story, lasted)) {
            failures.push_back(std::move(*failure));
        }
    }
    check_count(failures, scenario.place, "incidents", scenario.incidents, story.incidents());
    check_count(failures, scenario.place, "fired", scenario.fired, story.fired());
    if (scenario.pages) {
        const auto same = std::ranges::equal(*scenario.pages, story.pages(),
                                             [](const std::string& part, const std::string& title) {
                                                 return title.find(part) != std::string::npos;
                                             });
        if (!same) {
            failures.push_back({scenario.place,
                                fmt::format("pages: {}", fmt::join(*scenario.pages, " | ")),
                                story.pages()});
        }
    }
    return failures;
}

}  // namespace leverd
