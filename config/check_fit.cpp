// Why: rows and policies can each be right and still not fit: two rows that claim one subject
// propose two levers for one cause, and a lever that no policy names is never pulled. Neither makes
// a configuration unusable, so both are warnings, and only once nothing else is wrong.
#include "config/sections.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace leverd::config {
namespace {

bool contains(const std::vector<std::string>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

std::vector<std::string> signals_of(const Symptom& s) {
    std::vector<std::string> ids = s.any;
    ids.insert(ids.end(), s.all.begin(), s.all.end());
    return ids;
}

bool share(const std::vector<std::string>& a, const std::vector<std::string>& b) {
    return std::any_of(a.begin(), a.end(), [&](const auto& id) { return contains(b, id); });
}

bool forbids(const Symptom& s, const Symptom& other) {
    return share(s.unless, other.all) || (other.any.size() == 1 && share(s.unless, other.any));
}

// The engine itself puts a fault above over the ones below it.
bool one_is_above(const Runbook& r, const Symptom& a, const Symptom& b) {
    return depends_on(r, a.subject_kind, b.subject_kind) ||
           depends_on(r, b.subject_kind, a.subject_kind);
}

void overlapping_rows(Draft& draft) {
    const Runbook& r = draft.config.runbook;
    for (std::size_t i = 0; i < r.symptoms.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            const Symptom& later = r.symptoms[i];
            const Symptom& earlier = r.symptoms[j];
            const auto ids = signals_of(later);
            const auto shared = std::find_if(ids.begin(), ids.end(), [&](const auto& id) {
                return contains(signals_of(earlier), id);
            });
            if (shared == ids.end() || forbids(later, earlier) || forbids(earlier, later) ||
                one_is_above(r, later, earlier)) {
                continue;
            }
            const ItemPlaces& places = draft.symptom_places[i];
            const Place first = draft.symptom_places[j].of("id");
            draft.warn(places.of("id"),
                       fmt::format("symptoms {} and {} both rest on signal {}", quote(earlier.id),
                                   quote(later.id), quote(*shared)),
                       fmt::format("the first is at {}; one fault opens two: give "
                                   "one an 'unless'",
                                   draft.where(first)));
        }
    }
}

void unnamed_levers(Draft& draft) {
    const Config& c = draft.config;
    if (c.policies.policies.empty()) {
        return;  // a box that only looks
    }
    for (std::size_t i = 0; i < c.runbook.symptoms.size(); ++i) {
        const Symptom& s = c.runbook.symptoms[i];
        std::vector<std::string> said;
        const auto named = [&](const std::string& lever, std::string_view key) {
            const bool permitted =
                std::any_of(c.policies.policies.begin(), c.policies.policies.end(),
                            [&](const Policy& p) { return p.symptom == s.id && p.lever == lever; });
            if (permitted || lever == "none" || contains(said, lever)) {
                return;
            }
            said.push_back(lever);
            draft.warn(
                draft.symptom_places[i].of(key),
                fmt::format("no policy names lever {} of symptom {}", quote(lever), quote(s.id)),
                "it is never pulled: add a [[policy]], at least with mode = \"recommend\"");
        };
        for (const LeverChoice& choice : s.levers) {
            const bool in_rows = draft.symptom_places[i].keys.contains("levers");
            named(choice.lever, in_rows ? "levers" : "lever");
            for (const std::string& rung : choice.then) {
                named(rung, in_rows ? "levers" : "then");
            }
        }
    }
}

bool reaches(const Config& c, const Symptom& s, const std::string& lever, Mode least) {
    return std::any_of(
        c.policies.policies.begin(), c.policies.policies.end(),
        [&](const Policy& p) { return p.symptom == s.id && p.lever == lever && p.mode >= least; });
}

// A ladder climbs only over rungs that were fired: behind one that is only ever recommended, what
// a policy permits is never asked for.
void rungs_out_of_reach(Draft& draft) {
    const Config& c = draft.config;
    for (std::size_t i = 0; i < c.runbook.symptoms.size(); ++i) {
        const Symptom& s = c.runbook.symptoms[i];
        const ItemPlaces& places = draft.symptom_places[i];
        for (const LeverChoice& choice : s.levers) {
            std::string before = choice.lever;
            for (const std::string& rung : choice.then) {
                if (reaches(c, s, rung, Mode::approve) && !reaches(c, s, before, Mode::approve)) {
                    draft.warn(places.of(places.keys.contains("levers") ? "levers" : "then"),
                               fmt::format("rung {} of symptom {} is never reached", quote(rung),
                                           quote(s.id)),
                               fmt::format("no policy lets {} before it fire: give that one "
                                           "'approve' or 'auto' too",
                                           quote(before)));
                }
                before = rung;
            }
        }
    }
}

}  // namespace

void check_fit(Draft& draft) {
    if (draft.has_errors()) {
        return;
    }
    overlapping_rows(draft);
    unnamed_levers(draft);
    rungs_out_of_reach(draft);
}

}  // namespace leverd::config
