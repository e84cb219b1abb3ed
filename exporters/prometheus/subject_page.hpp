// Why: the families that grow with the stack, not with the configuration. They are taken from the
// state as plain rows, as cheaply as they can be, and only for what can be: a series exists where
// its symptom can apply to its subject. What a scrape may carry is bounded, and what had to be left
// out is told.
#pragma once

#include "exporters/prometheus/state_page.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace leverd::exporters {

// Which symptoms can apply to a subject, by the probes that looked at it.
class SymptomIndex {
  public:
    explicit SymptomIndex(const Runbook& runbook);
    // Their places in the runbook, in order.
    std::vector<std::size_t> of(const Subject& subject, const SubjectState& held) const;

  private:
    struct Kind {
        std::map<std::string, std::vector<std::size_t>, std::less<>> by_probe;
        std::vector<std::size_t> always;  // raised by what is above, below, or by several probes
    };
    std::map<std::string, Kind, std::less<>> kinds_;
};

struct SubjectRow {
    std::string first;  // the probe or the symptom; empty where a family has no such label
    std::string subject;
    double value = 0;
};

struct SubjectFamily {
    std::string name;
    std::string help;
    std::string first_label;    // empty: none
    std::string subject_label;  // "subject", "image"
    std::vector<SubjectRow> rows;
    std::uint64_t cut = 0;  // rows that the limit left out
};

// In the order in which they matter: what is wrong first, then what is well.
std::vector<SubjectFamily> subject_rows(const Scene& scene, const SymptomIndex& index,
                                        std::size_t limit);

// For any thread.
std::vector<prometheus::MetricFamily> subject_families(std::vector<SubjectFamily> rows,
                                                       std::size_t limit);

}  // namespace leverd::exporters
