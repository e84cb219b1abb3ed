// Why: see group.hpp.
#include "policies/group.hpp"

#include "core/base/text.hpp"
#include "policies/detect.hpp"
#include "policies/topology.hpp"

#include <fmt/format.h>
#include <algorithm>

namespace leverd {
namespace {

struct Tally {
    std::set<Subject> members;
    std::set<Subject> distinct;
    Instant last_tripped{};
    Instant first_bad = Instant::max();
    std::string example;
};

std::map<Subject, Tally> tally(const Rules& rules, const State& state, const Symptom& symptom,
                               Instant now, bool recent_only) {
    const auto& rule = *symptom.group;
    std::map<Subject, Tally> groups;
    for (const auto& [signal, member] : state.tripped) {
        if (!names_signal(symptom, signal) || member.kind() != rule.member_kind) {
            continue;
        }
        const auto& run = state.subjects.at(member).detectors.at(signal);
        const bool recent = rule.within == Millis{0} || now - run.tripped <= rule.within;
        const bool forbidden = std::ranges::any_of(symptom.unless, [&](const auto& other) {
            return state.tripped.contains({other, member});
        });
        const auto group = ancestor_of_kind(rules.runbook, state, member, symptom.subject_kind);
        if (group.empty() || forbidden || (recent_only && !recent)) {
            continue;
        }
        auto& count = groups[group];
        count.members.insert(member);
        const auto distinct =
            rule.distinct_kind.empty()
                ? member
                : ancestor_of_kind(rules.runbook, state, member, rule.distinct_kind);
        count.distinct.insert(distinct);
        count.last_tripped = std::max(count.last_tripped, run.tripped);
        count.first_bad = std::min(count.first_bad, run.first_bad);
        count.example = member.text();
    }
    return groups;
}

int members_visible(const Rules& rules, const State& state, const Symptom& symptom,
                    const Subject& group, Instant now) {
    int count = 0;
    for_kind(state, symptom.group->member_kind, [&](const Subject& subject, const SubjectState&) {
        const bool member =
            is_visible(rules, state, subject, now) &&
            ancestor_of_kind(rules.runbook, state, subject, symptom.subject_kind) == group;
        count += member ? 1 : 0;
    });
    return count;
}

// Some member of another group under the same parents works, or there is none to ask.
bool others_work(const Rules& rules, const State& state, const Symptom& symptom,
                 const Subject& group, const Tally& count) {
    bool any_other = false;
    bool found = false;
    for_kind(
        state, symptom.group->member_kind, [&](const Subject& subject, const SubjectState& held) {
            if (found ||
                ancestor_of_kind(rules.runbook, state, subject, symptom.subject_kind) == group) {
                return;
            }
            const auto above =
                ancestor_of_kind(rules.runbook, state, subject, symptom.group->distinct_kind);
            if (!count.distinct.contains(above)) {
                return;
            }
            any_other = true;
            const bool bad = std::ranges::any_of(symptom.any, [&](const auto& signal) {
                return state.tripped.contains({signal, subject});
            });
            const bool good = std::ranges::any_of(
                held.looks, [](const LookState& look) { return look.health == Health::healthy; });
            found = !bad && good;
        });
    return found || !any_other;
}

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

bool enough(const Rules& rules, const State& state, const Symptom& symptom, const Subject& group,
            const Tally& count, Instant now, std::string& evidence) {
    const auto& rule = *symptom.group;
    const int distinct = static_cast<int>(count.distinct.size());
    const int members = static_cast<int>(count.members.size());
    if (distinct < rule.min_members) {
        return false;
    }
    const int visible = std::max(members, members_visible(rules, state, symptom, group, now));
    evidence = fmt::format("{} of {} {}s we can see ({} %), e.g. {}", members, visible,
                           rule.member_kind, members * 100 / visible, count.example);
    return members * 100 >= rule.min_percent * visible;
}

}  // namespace

std::vector<GroupFinding> find_groups(const Rules& rules, const State& state,
                                      const Symptom& symptom, Instant now) {
    std::vector<GroupFinding> findings;
    for (const auto& [group, count] : tally(rules, state, symptom, now, true)) {
        GroupFinding finding;
        finding.subject = group;
        finding.last_tripped = count.last_tripped;
        finding.first_bad = count.first_bad;
        finding.met =
            enough(rules, state, symptom, group, count, now, finding.evidence) &&
            changed_before(state, *symptom.group, now) &&
            (!symptom.group->others_work || others_work(rules, state, symptom, group, count));
        findings.push_back(std::move(finding));
    }
    return findings;
}

bool group_persists(const Rules& rules, const State& state, const Symptom& symptom,
                    const Subject& subject, Instant now) {
    const auto groups = tally(rules, state, symptom, now, false);
    const auto found = groups.find(subject);
    std::string unused;
    return found != groups.end() &&
           enough(rules, state, symptom, subject, found->second, now, unused);
}

}  // namespace leverd
