// Why: see chronicle.hpp.
#include "policies/state/chronicle.hpp"

#include "core/model/codec.hpp"

#include <optional>
#include <variant>

namespace leverd {
namespace {

std::string or_none(const std::string& text) {
    return text.empty() ? "none" : text;
}

std::string word(std::string_view text) {
    return std::string(text);
}

}  // namespace

void EntryCounts::remember(const std::string& intent, const std::string& lever) {
    if (!levers_.try_emplace(intent, lever).second) {
        return;
    }
    intents_.emplace_back(intent, lever);
    if (intents_.size() > intents_remembered) {
        levers_.erase(intents_.front().first);
        intents_.pop_front();
    }
}

std::string EntryCounts::lever_of(const std::string& intent) const {
    const auto found = levers_.find(intent);
    return found == levers_.end() ? "none" : or_none(found->second);
}

std::vector<Count> EntryCounts::add(const Entry& entry) {
    std::vector<Count> touched{{"entries", {word(entry_kind(entry.body))}}};
    if (const auto* decision = std::get_if<Decision>(&entry.body)) {
        touched.push_back({"decisions",
                           {or_none(decision->symptom), or_none(decision->lever),
                            word(to_string(decision->mode)), or_none(decision->reason)}});
    } else if (const auto* intent = std::get_if<Intent>(&entry.body)) {
        remember(intent->id, intent->lever);
    } else if (const auto* outcome = std::get_if<Outcome>(&entry.body)) {
        touched.push_back(
            {"outcomes", {lever_of(outcome->intent), word(to_string(outcome->kind))}});
    } else if (const auto* verdict = std::get_if<Verdict>(&entry.body)) {
        touched.push_back(
            {"verdicts", {lever_of(verdict->intent), word(to_string(verdict->kind))}});
    } else if (const auto* raised = std::get_if<SymptomRaised>(&entry.body)) {
        touched.push_back({"raised", {raised->symptom}});
    } else if (const auto* opened = std::get_if<IncidentOpened>(&entry.body)) {
        touched.push_back({"opened", {opened->symptom}});
    } else if (const auto* closed = std::get_if<IncidentClosed>(&entry.body)) {
        touched.push_back({"closed", {or_none(closed->end)}});
    } else if (const auto* page = std::get_if<Paged>(&entry.body);
               page != nullptr && page->status == PageStatus::firing && page->muted.empty()) {
        touched.push_back({"pages", {word(to_string(page->severity))}});
    }
    for (const auto& count : touched) {
        counts_[count] += 1;
    }
    return touched;
}

std::vector<Count> Chronicle::add(const Entry& entry) {
    if (const auto* begun = std::get_if<Started>(&entry.body)) {
        started = *begun;
        started_at = entry.now;
    }
    return tally.add(entry);
}

}  // namespace leverd
