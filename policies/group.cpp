// Why: see group.hpp.
#include "policies/group.hpp"

#include "core/base/text.hpp"
#include "policies/topology.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace leverd {
namespace {

const GroupTally* tally_of(const State& state, const Symptom& symptom, const Subject& group) {
    const auto found = state.index.tallies.find({symptom.id, group});
    return found == state.index.tallies.end() ? nullptr : &found->second;
}

int members_in_sight(const State& state, const Symptom& symptom, const Subject& group) {
    const auto found = state.index.in_sight.find({symptom.id, group});
    return found == state.index.in_sight.end() ? 0 : found->second;
}

// Some member of another group under the same parents works, or there is none to ask.
bool others_work(const Symptom& symptom, const GroupTally& tally) {
    return symptom.group->distinct_kind.empty() || tally.others_good > 0 || tally.others_any == 0;
}

// The subjects of the rule's kind are few: images, releases.
bool changed_before(const State& state, const GroupRule& rule, Instant now) {
    if (rule.after_change_within == Millis{0}) {
        return true;
    }
    bool moved = false;
    const auto kind = Subject{rule.after_change_of};
    for_kind(state, kind.kind(), [&](const Subject& subject, const SubjectState& held) {
        moved = moved || (held.version_since != Instant{} &&
                          now - held.version_since <= rule.after_change_within &&
                          glob_match(rule.after_change_of, subject.text()));
    });
    return moved;
}

bool enough(const State& state, const Symptom& symptom, const Subject& group, const Counted& count,
            std::string& evidence) {
    const auto& rule = *symptom.group;
    const int distinct = static_cast<int>(count.distinct.size());
    const int members = static_cast<int>(count.members.size());
    if (distinct < rule.min_members) {
        return false;
    }
    const int visible = std::max(members, members_in_sight(state, symptom, group));
    evidence =
        fmt::format("{} of {} {}s we can see ({} %), e.g. {}", members, visible, rule.member_kind,
                    members * 100 / visible, count.runs.rbegin()->second.text());
    return members * 100 >= rule.min_percent * visible;
}

}  // namespace

std::optional<GroupFinding> find_group(const State& state, const Symptom& symptom,
                                       const Subject& group, Instant now) {
    const auto* tally = tally_of(state, symptom, group);
    if (tally == nullptr || tally->recent.runs.empty()) {
        return std::nullopt;
    }
    GroupFinding finding;
    finding.subject = group;
    finding.last_tripped = tally->recent.by_tripped.rbegin()->first;
    finding.first_bad = tally->recent.by_first_bad.begin()->first;
    finding.met = enough(state, symptom, group, tally->recent, finding.evidence) &&
                  changed_before(state, *symptom.group, now) &&
                  (!symptom.group->others_work || others_work(symptom, *tally));
    return finding;
}

bool group_persists(const State& state, const Symptom& symptom, const Subject& group) {
    const auto* tally = tally_of(state, symptom, group);
    std::string unused;
    return tally != nullptr && !tally->all.runs.empty() &&
           enough(state, symptom, group, tally->all, unused);
}

std::vector<RunKey> group_runs(const State& state, const Symptom& symptom, const Subject& group) {
    const auto* tally = tally_of(state, symptom, group);
    return tally == nullptr ? std::vector<RunKey>{}
                            : std::vector<RunKey>(tally->all.runs.begin(), tally->all.runs.end());
}

bool group_stands_by(const State& state, const Symptom& symptom, const Subject& group,
                     const std::vector<RunKey>& runs) {
    const auto* tally = tally_of(state, symptom, group);
    if (tally == nullptr) {
        return false;
    }
    Counted counted;
    for (const auto& key : runs) {
        if (const auto run = tally->runs.find(key); run != tally->runs.end()) {
            counted.add(key, run->second);
        }
    }
    std::string unused;
    return !counted.runs.empty() && enough(state, symptom, group, counted, unused);
}

}  // namespace leverd
