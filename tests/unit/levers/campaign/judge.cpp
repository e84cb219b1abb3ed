// Why: the campaign's verdict. Only Production's journal says what happened; the ledger is held
// against it.
#include "tests/unit/levers/campaign/rig.hpp"

#include "core/model/codec.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace leverd::test {

void Rig::judge() {
    if (!late_.empty() || !unwritten_.empty()) {
        violate("the story did not come to its end");
    }
    for (const auto& landed : production_.journal) {
        const bool known = durable_intents_.contains(landed.intent);
        if (!known) {
            violate("an effect without an intent: " + landed.what);
        }
    }
    std::map<std::pair<std::string, std::string>, int> effects;
    std::map<std::string, int> over_others;
    const auto& tags = production_.registry.tags;
    for (const auto& landed : production_.journal) {
        if (landed.duplicate) {
            continue;
        }
        const int times = ++effects[{landed.intent, landed.key}];
        if (times > 1) {
            violate(fmt::format("{} had {} effects for {}", landed.key, times, landed.intent));
        }
        for (const std::string repo : {template_repo, platform_repo, twin_repo}) {
            if (landed.over == tags.at(repo + ":stray") && ++over_others[repo] > 1) {
                violate("what somebody else tagged was overwritten twice: " + landed.what);
            }
        }
    }
    const auto intents = entries<Intent>();
    for (const auto& intent : intents) {
        judge_intent(intent.id);
    }
    judge_workspaces();
    const bool more =
        intents_at_stop_ >= 0 && static_cast<int>(intents.size()) > std::max(1, intents_at_stop_);
    if (more) {
        violate("an intent after the stop switch");
    }
}

void Rig::judge_intent(const std::string& id) {
    int outcomes = 0;
    Outcome outcome;
    for (const auto& one : entries<Outcome>()) {
        outcomes += one.intent == id ? 1 : 0;
        outcome = one.intent == id ? one : outcome;
    }
    if (outcomes != 1) {
        violate(fmt::format("{} has {} outcomes", id, outcomes));
    }
    const auto landed = std::ranges::count_if(
        production_.journal, [&](const Landed& one) { return one.intent == id && !one.duplicate; });
    const bool sent = std::ranges::any_of(sent_, [&](const auto& item) {
        return item.first.first == id && !item.first.second.starts_with("prepare ");
    });
    if (outcome.kind == OutcomeKind::refused && sent) {
        violate(id + " is refused and something was sent: " + outcome.detail);
    }
    // A pair that was put back: what was tagged last is what this intent found there.
    std::map<std::string, std::string> found;
    std::map<std::string, std::string> last;
    for (const auto& one : production_.journal) {
        if (one.intent == id && one.what.starts_with("retag ")) {
            const std::string tag = one.what.substr(0, one.what.find(" to "));
            found.emplace(tag, one.over);
            last[tag] = one.what;
        }
    }
    const bool undone = !last.empty() && std::ranges::all_of(last, [&](const auto& item) {
        return item.second.ends_with(found.at(item.first));
    });
    // What was deleted and not recreated is named; nothing else may have happened.
    const std::size_t named = outcome.results.contains(lost_result) ? 1 : 0;
    if (outcome.kind == OutcomeKind::failed && static_cast<std::size_t>(landed) > named &&
        !undone) {
        violate(fmt::format("{} is failed and had {} effects: {}", id, landed, outcome.detail));
    }
    std::optional<Took> took;
    for (const auto& one : entries<Settled>()) {
        took = one.intent == id ? one.took : took;
    }
    const auto others = met_.contains("retag") || met_.contains("twice");
    if (took && outcome.kind != OutcomeKind::unknown) {
        violate(id + " was settled without being unknown");
    }
    if (took == Took::yes && landed == 0) {
        violate(id + " settled as taken, and nothing happened");
    }
    // Moved and put back before the process ended: a look finds what was there before.
    if (took == Took::no && landed > 0 && !others && !undone) {
        violate(id + " settled as not taken, and it happened");
    }
    int verdicts = 0;
    for (const auto& one : entries<Verdict>()) {
        verdicts += one.intent == id ? 1 : 0;
        if (one.intent == id && one.kind == VerdictKind::recovered && landed == 0) {
            violate(id + " is said to have helped, and nothing happened");
        }
        const bool doubtful = outcome.kind == OutcomeKind::unknown && took != Took::yes;
        if (one.intent == id && one.kind != VerdictKind::recovered && doubtful && pages_ == 0) {
            violate(id + " is unknown and nobody was called");
        }
    }
    const bool ambiguous = outcome.kind == OutcomeKind::unknown;
    const bool open = ambiguous && took != Took::no && verdicts != 1;
    if (open || verdicts > 1) {
        violate(fmt::format("{}: {} with {} verdicts", id, to_string(outcome.kind), verdicts));
    }
}

// Whatever was deleted came back as it was, but for what the plan had named; and what did not come
// back is told as lost, with its secrets sealed.
void Rig::judge_workspaces() {
    const auto& seen = production_.workspaces;
    std::string named;
    std::string told;
    std::size_t kept = 0;
    for (const auto& intent : entries<Intent>()) {
        for (const auto& words : intent.plan.warnings) {
            named += words + "\n";
        }
        kept += safe_->held.contains(intent.id) ? 1 : 0;
    }
    for (const auto& one : entries<Outcome>()) {
        told += one.detail + "\n";
    }
    for (const auto& field : seen.lost_fields()) {
        if (named.find(field) == std::string::npos) {
            violate("lost and not named: " + field);
        }
    }
    if (seen.deleted() > 0 && !seen.replaced()) {
        const bool lost = std::ranges::any_of(entries<Outcome>(), [](const auto& one) {
            return one.results.contains(lost_result) || one.kind == OutcomeKind::unknown;
        });
        // A page waits a moment for others of its kind; the story may end before.
        const bool called = pages_ > 0 || !entries<IncidentEscalated>().empty();
        if (!lost || !called) {
            violate("a workspace is gone and nobody was told: " + told);
        }
        if (kept == 0) {
            violate("a workspace is gone and its secrets with it");
        }
    }
    for (const auto& words : {named, told}) {
        if (words.find("s3cr3t-") != std::string::npos) {
            violate("a secret was written down");
        }
    }
    // A token is left behind only where a call was broken, and then it is said if leverd knew it.
    const bool unbroken = met_.empty() && restarts_ == 0;
    if (seen.minted_left() > 0 && unbroken) {
        violate("a token was left behind");
    }
}

void Rig::add_to(Tally& tally) const {
    tally.runs += 1;
    tally.restarts += restarts_;
    tally.effects += static_cast<int>(production_.journal.size());
    for (const auto& [fault, times] : met_) {
        tally.faults[fault] += times;
    }
    std::map<std::string, std::string> settled;
    for (const auto& intent : entries<Intent>()) {
        tally.intents += 1;
        settled[intent.id] = "";
    }
    for (const auto& one : entries<Outcome>()) {
        tally.outcomes[std::string(to_string(one.kind))] += 1;
    }
    for (const auto& one : entries<Settled>()) {
        settled[one.intent] = std::string(to_string(one.took));
    }
    for (const auto& [intent, took] : settled) {
        if (!took.empty()) {
            tally.settled[took] += 1;
        }
    }
    for (const auto& one : entries<Verdict>()) {
        tally.verdicts[std::string(to_string(one.kind))] += 1;
    }
}

}  // namespace leverd::test
