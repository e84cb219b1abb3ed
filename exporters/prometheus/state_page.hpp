// Why: everything that merely mirrors the engine's state is built afresh for each scrape, so that a
// series can neither be forgotten nor go stale. Here is what grows with the configuration; what
// grows with the stack is in subject_page.hpp.
#pragma once

#include "exporters/prometheus/metrics.hpp"

#include <prometheus/metric_family.h>

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leverd::exporters {

// Adds series to one family; valid until the next family is begun.
class FamilyWriter {
  public:
    explicit FamilyWriter(prometheus::MetricFamily& family) : family_(&family) {}
    using LabelList = std::vector<std::pair<std::string, std::string_view>>;
    FamilyWriter& add(const LabelList& labels, double value);

  private:
    prometheus::MetricFamily* family_;
};

class FamilyList {
  public:
    FamilyWriter gauge(std::string name, std::string help);
    void counter(std::string name, std::string help, double value);
    FamilyWriter counters(std::string name, std::string help);
    std::vector<prometheus::MetricFamily> take() { return std::move(families_); }

  private:
    prometheus::MetricFamily& begin(std::string name, std::string help,
                                    prometheus::MetricType type);
    std::vector<prometheus::MetricFamily> families_;
};

struct Scene {
    const State& state;
    const Rules& rules;
    const DriverFigures& figures;
    const std::set<Subject>& forgotten;  // not shown, though the engine may still hold them
    std::string_view version;
    Now now;
};

std::vector<prometheus::MetricFamily> state_families(const Scene& scene);
// What holds levers back, and what they did so far (steering.cpp).
void hold_families(const Scene& scene, FamilyList& out);
void effect_families(const Scene& scene, FamilyList& out);
// Whether pages reach anybody (delivery_page.cpp).
void delivery_families(const Scene& scene, FamilyList& out);
// What a person is told now (page_series.cpp).
void page_families(const Scene& scene, FamilyList& out);
// What came from outside (event_page.cpp).
void event_families(const Scene& scene, FamilyList& out);
// Who knocked at the doors (door_page.cpp).
void door_families(const Scene& scene, FamilyList& out);

// An open incident that nobody and nothing works on: escalated, or without a lever in flight and
// without a question to a person.
bool unattended(const Incident& incident, const State& state);

}  // namespace leverd::exporters
