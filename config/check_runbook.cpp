// Why: the runbook's rules must fit together: a symptom whose signals speak about another kind of
// subject, or a group whose members do not depend on it, would simply never be raised.
#include "config/sections.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace leverd::config {
namespace {

// What probes speak about without any help of the topology.
constexpr std::string_view probed_kinds[] = {"control-plane", "canvas", "tenant",     "workspace",
                                             "image",         "freeze", "credential", "reference",
                                             "forge",         "branch", "registry"};

bool contains(const std::vector<std::string>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

std::set<std::string> parent_kinds(const Runbook& r, const std::string& kind) {
    std::set<std::string> kinds;
    for (const TopologyRule& rule : r.topology) {
        for (const std::string& parent : rule.parents) {
            if (rule.kind == kind) {
                kinds.insert(kind_of(parent));
            }
        }
    }
    return kinds;
}

class RunbookCheck {
  public:
    explicit RunbookCheck(Draft& draft)
        : draft_(draft), runbook_(draft.config.runbook), kinds_(subject_kinds(draft)) {}

    void run() {
        flapping();
        for (const TopologyRule& rule : runbook_.topology) {
            if (depends_on(runbook_, rule.kind, rule.kind)) {
                draft_.error(draft_.section_place("[topology]", rule.kind),
                             fmt::format("{} depends on itself", quote(rule.kind)));
            }
        }
        for (std::size_t i = 0; i < runbook_.signals.size(); ++i) {
            signal(runbook_.signals[i], draft_.signal_places[i]);
        }
        for (std::size_t i = 0; i < runbook_.symptoms.size(); ++i) {
            symptom(runbook_.symptoms[i], draft_.symptom_places[i]);
        }
    }

  private:
    bool kind_known(const std::string& kind, Place place) {
        if (kind.empty() || contains(kinds_, kind)) {
            return !kind.empty();
        }
        draft_.error(place, fmt::format("unknown subject kind {}", quote(kind)),
                     did_you_mean(kind, kinds_));
        return false;
    }

    void flapping() {
        const FlapRules& f = runbook_.flap;
        if (f.stop >= f.start) {
            constexpr std::string_view section = "[runbook.flapping]";
            const Place start = draft_.section_place(section, "start");
            const Place stop = draft_.section_place(section, "stop");
            const auto found = draft_.section_places.find(section);
            const bool written = found->second.keys.contains("stop");
            draft_.error(written ? stop : start,
                         fmt::format("'stop' ({}) is not below 'start' ({})", f.stop, f.start),
                         "what starts to flap would stop at once");
        }
    }

    // With `silent_after` a signal is about silence and nothing else: any look at all is good.
    void silence(const Signal& s, const ItemPlaces& places) {
        for (const std::string_view key : {"looks", "of", "health", "reasons", "except_reasons",
                                           "where", "spread", "spread_by", "spread_fact"}) {
            if (places.keys.contains(key)) {
                draft_.error(places.of(key), fmt::format("'{}' beside 'silent_after'", key),
                             "such a signal is about silence only; make two signals and a symptom "
                             "with any = [...]");
            }
        }
        for (const ProbeSettings& p : draft_.config.probes) {
            if (p.called() == s.probe && s.silent_after <= p.interval) {
                draft_.error(
                    places.of("silent_after"),
                    fmt::format("'silent_after' is not longer than the probe's 'interval' (\"{}\")",
                                format_duration(p.interval)),
                    "every pause between two looks would be silence");
            }
        }
    }

    void signal(const Signal& s, const ItemPlaces& places) {
        kind_known(s.subject_kind, places.of("subject"));
        probe(s, places.of("probe"));
        speaks_about(s, places.of("subject"));
        if (s.silent_after > Millis{0}) {
            silence(s, places);
        }
    }

    // The stack's own kinds are called by their kind, whether they run or not; a general probe by
    // the name that its [[probe]] gives it.
    void probe(const Signal& s, Place place) {
        if (s.probe.empty() || draft_.defined(NameKind::probe, s.probe)) {
            return;
        }
        // The shipped rows about the forge wait for a box that has one.
        if (draft_.config.forge.url.empty() &&
            (s.probe == "freeze_state" || s.probe == "forge_ci")) {
            return;
        }
        const auto& kinds = draft_.vocabulary().probe_kinds;
        if (contains(general_kinds(), s.probe)) {
            draft_.error(place, fmt::format("{} is a kind of probes with names", quote(s.probe)),
                         "write the 'name' of the [[probe]] that this signal is about");
        } else if (contains(kinds, s.probe)) {
            draft_.warn(place,
                        fmt::format("probe {} does not run, so this signal is never raised",
                                    quote(s.probe)),
                        fmt::format("add [[probe]] with kind = \"{}\"", s.probe));
        } else {
            std::vector<std::string> known = kinds;
            for (const ProbeSettings& p : draft_.config.probes) {
                if (p.check) {
                    known.push_back(p.name);
                }
            }
            std::erase_if(known, [](const auto& k) { return contains(general_kinds(), k); });
            draft_.error(place, fmt::format("unknown probe {}", quote(s.probe)),
                         did_you_mean(s.probe, known));
        }
    }

    // A general probe has one subject, so a signal about another kind would never be raised.
    void speaks_about(const Signal& s, Place place) {
        for (const ProbeSettings& p : draft_.config.probes) {
            if (p.check && p.name == s.probe && !s.subject_kind.empty() &&
                kind_of(p.subject) != s.subject_kind) {
                draft_.error(place,
                             fmt::format("probe {} speaks about {}, not {}", quote(p.name),
                                         quote(p.subject), quote(s.subject_kind)),
                             fmt::format("write subject = \"{}\" here, or give the probe another "
                                         "'subject'",
                                         kind_of(p.subject)));
            }
        }
    }

    void symptom(const Symptom& s, const ItemPlaces& places) {
        kind_known(s.subject_kind, places.of("subject"));
        if (s.group) {
            group(s, places);
        }
        signal_kinds(s, s.any, places.of("any"));
        signal_kinds(s, s.all, places.of("all"));
        signal_kinds(s, s.not_all, places.of("not_all"));
        signal_kinds(s, s.unless, places.of("unless"));
        own_signal(s, places);
        contradictions(s, places);
        for (const Subject& subject : s.requires_healthy) {
            kind_known(std::string(subject.kind()), places.of("requires_healthy"));
        }
        not_seeing(s, places);
        for (const LeverChoice& choice : s.levers) {
            if (choice.subjects != "**" && kind_of(choice.subjects) != s.subject_kind) {
                draft_.error(places.of("levers"),
                             fmt::format("{} matches no subject of kind {}", quote(choice.subjects),
                                         quote(s.subject_kind)));
            }
        }
    }

    // A signal counts for a subject when it is raised on it or above it; for a group, on a member.
    void signal_kinds(const Symptom& symptom, const std::vector<std::string>& ids, Place place) {
        const std::string& wanted =
            symptom.group ? symptom.group->member_kind : symptom.subject_kind;
        for (const Signal& s : runbook_.signals) {
            if (wanted.empty() || s.subject_kind.empty() || !contains(ids, s.id) ||
                s.subject_kind == wanted ||
                (!symptom.group && depends_on(runbook_, wanted, s.subject_kind))) {
                continue;
            }
            draft_.error(place,
                         fmt::format("signal {} is about {}, needed is {}", quote(s.id),
                                     quote(s.subject_kind), quote(wanted)),
                         "a group needs signals of its member kind, others of their own kind or of "
                         "one above it");
        }
    }

    // Not seeing is never consent to act.
    void not_seeing(const Symptom& symptom, const ItemPlaces& places) {
        const bool acts = std::ranges::any_of(
            symptom.levers, [](const LeverChoice& choice) { return choice.lever != "none"; });
        for (const Signal& s : runbook_.signals) {
            const bool rests = contains(symptom.any, s.id) || contains(symptom.all, s.id);
            if (acts && rests &&
                std::ranges::find(s.bad_health, Health::unknown) != s.bad_health.end()) {
                draft_.error(
                    places.of(places.keys.contains("levers") ? "levers" : "lever"),
                    fmt::format("a lever for a symptom that rests on not seeing ({})", quote(s.id)),
                    "write lever = \"none\": a person looks first");
            }
        }
    }

    // Without one, no subject of the row is ever looked at as a candidate.
    void own_signal(const Symptom& symptom, const ItemPlaces& places) {
        bool above = false;
        for (const Signal& s : runbook_.signals) {
            if (!contains(symptom.any, s.id) && !contains(symptom.all, s.id)) {
                continue;
            }
            if (symptom.group || s.subject_kind == symptom.subject_kind) {
                return;
            }
            above = above || depends_on(runbook_, symptom.subject_kind, s.subject_kind);
        }
        if (above) {
            draft_.error(places.of(symptom.any.empty() ? "all" : "any"),
                         fmt::format("no signal is about {} itself", quote(symptom.subject_kind)),
                         "one of 'any' or 'all' must be; those above it only add to it");
        }
    }

    void contradictions(const Symptom& s, const ItemPlaces& places) {
        for (const std::string& id : s.unless) {
            for (const auto& [key, ids] : {std::pair{"any", &s.any}, std::pair{"all", &s.all}}) {
                if (contains(*ids, id)) {
                    draft_.error(
                        places.of("unless"),
                        fmt::format("signal {} is in both '{}' and 'unless'", quote(id), key));
                }
            }
        }
        const bool all_of_them =
            !s.not_all.empty() && std::all_of(s.not_all.begin(), s.not_all.end(),
                                              [&](auto& id) { return contains(s.all, id); });
        if (all_of_them) {
            draft_.error(places.of("not_all"), "'all' needs everything that 'not_all' forbids",
                         "this symptom is never raised");
        }
        for (const std::string_view key : {"all", "not_all", "within"}) {
            if (s.group && places.keys.contains(key)) {
                draft_.error(places.of(key), fmt::format("'{}' beside a group", key),
                             "a group counts the members for which one of 'any' is raised; its "
                             "time is group.within");
            }
        }
    }

    void group(const Symptom& s, const ItemPlaces& places) {
        const GroupRule& g = *s.group;
        const Place member =
            places.keys.contains("group.member") ? places.of("group.member") : places.of("group");
        if (kind_known(g.member_kind, member) && contains(kinds_, s.subject_kind) &&
            !depends_on(runbook_, g.member_kind, s.subject_kind)) {
            draft_.error(member,
                         fmt::format("{} does not depend on {} in [topology]", quote(g.member_kind),
                                     quote(s.subject_kind)),
                         "members are found through what they depend on");
        }
        if (kind_known(g.distinct_kind, places.of("group.distinct")) &&
            !depends_on(runbook_, g.member_kind, g.distinct_kind)) {
            draft_.error(places.of("group.distinct"),
                         fmt::format("{} does not depend on {} in [topology]", quote(g.member_kind),
                                     quote(g.distinct_kind)));
        }
        if (g.others_work && g.distinct_kind.empty()) {
            draft_.error(places.of("group.others_work"), "'others_work' needs 'distinct'",
                         "it asks whether others under the same distinct parents work");
        }
        if (!g.after_change_of.empty()) {
            kind_known(kind_of(g.after_change_of), places.of("group.after_change_of"));
        }
    }

    Draft& draft_;
    const Runbook& runbook_;
    std::vector<std::string> kinds_;
};

}  // namespace

std::string kind_of(std::string_view subject) {
    return std::string(subject.substr(0, subject.find('/')));
}

bool depends_on(const Runbook& runbook, const std::string& kind, const std::string& above) {
    std::set<std::string> seen;
    std::vector<std::string> open{kind};
    while (!open.empty()) {
        const std::string next = open.back();
        open.pop_back();
        for (const std::string& parent : parent_kinds(runbook, next)) {
            if (parent == above) {
                return true;
            }
            if (seen.insert(parent).second) {
                open.push_back(parent);
            }
        }
    }
    return false;
}

std::vector<std::string> subject_kinds(const Draft& draft) {
    std::set<std::string> kinds(std::begin(probed_kinds), std::end(probed_kinds));
    for (const ProbeSettings& p : draft.config.probes) {
        if (p.check) {
            kinds.insert(kind_of(p.subject));
        }
    }
    for (const TopologyRule& rule : draft.config.runbook.topology) {
        kinds.insert(rule.kind);
        for (const std::string& parent : rule.parents) {
            kinds.insert(kind_of(parent));
        }
    }
    return {kinds.begin(), kinds.end()};
}

void check_runbook(Draft& draft) {
    RunbookCheck(draft).run();
}

}  // namespace leverd::config
