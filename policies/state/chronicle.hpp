// Why: some of what the ledger's entries tell is no part of the engine's state and must be known
// after a start all the same: which start the timeline hangs on, and how often everything happened.
#pragma once

#include "core/model/entry.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace leverd {

// One count that an entry adds to: a family, such as "outcomes", and the values of its labels.
using Count = std::pair<std::string, std::vector<std::string>>;

// Counts entries as the metrics show them.
class EntryCounts {
  public:
    // The counts that this entry adds one to; the first is always {"entries", {kind}}.
    std::vector<Count> add(const Entry& entry);

    const std::map<Count, std::int64_t>& counts() const { return counts_; }
    // Levers of the newest intents, oldest first: outcomes and verdicts name only the intent.
    const std::deque<std::pair<std::string, std::string>>& intents() const { return intents_; }

    // For whoever reads a tally back.
    void set(Count count, std::int64_t value) { counts_[std::move(count)] = value; }
    void remember(const std::string& intent, const std::string& lever);

    static constexpr std::size_t intents_remembered = 4096;

  private:
    std::string lever_of(const std::string& intent) const;

    std::map<Count, std::int64_t> counts_;
    std::deque<std::pair<std::string, std::string>> intents_;
    std::map<std::string, std::string> levers_;
};

struct Chronicle {
    Started started;  // the newest start
    Now started_at;
    EntryCounts tally;

    std::vector<Count> add(const Entry& entry);
};

}  // namespace leverd
