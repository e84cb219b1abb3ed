// Why: the second stage. Tripped runs become symptoms, rows of the runbook's table, when everything
// else that the row demands holds too; they clear when the runs do.
#pragma once

#include "policies/work.hpp"

namespace leverd {

void settle_symptoms(Work& work);

const Symptom* find_symptom(const Rules& rules, std::string_view id);

// The row rests on this signal.
bool names_signal(const Symptom& symptom, const std::string& signal);

// Raised on the subject or on anything above it.
bool raised_for(const Rules& rules, const State& state, const std::string& signal,
                const Subject& subject);

// Where it is: the subject itself, else the nearest above it; null: nowhere.
const Subject* where_raised(const Rules& rules, const State& state, const std::string& signal,
                            const Subject& subject);

// Any probe saw the subject in a state it can judge, recently.
bool is_visible(const Rules& rules, const State& state, const Subject& subject, Instant now);

// The newest look that a symptom on this subject rests on; nullopt when there is none that is not
// unknown. A silence goes on without any look: it counts as seen at `silent_until`.
std::optional<Instant> evidence_time(const Rules& rules, const State& state, const Symptom& symptom,
                                     const Subject& subject, Instant silent_until);

}  // namespace leverd
