// Why: see subject_page.hpp.
#include "exporters/prometheus/subject_page.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace leverd::exporters {
namespace {

double epoch_seconds(WallTime t) {
    return std::chrono::duration<double>(t.time_since_epoch()).count();
}

double health_value(Health h) {
    switch (h) {
        case Health::healthy:
            return 0;
        case Health::degraded:
            return 1;
        case Health::failing:
            return 2;
        case Health::unknown:
            return 3;
    }
    return 3;
}

// What one scrape may still carry.
class Budget {
  public:
    explicit Budget(std::size_t left) : left_(left) {}
    bool take(SubjectFamily& family) {
        if (left_ == 0) {
            ++family.cut;
            return false;
        }
        --left_;
        return true;
    }

  private:
    std::size_t left_;
};

SubjectFamily family_of(std::string name, std::string help, std::string first_label,
                        std::string subject_label) {
    SubjectFamily out;
    out.name = std::move(name);
    out.help = std::move(help);
    out.first_label = std::move(first_label);
    out.subject_label = std::move(subject_label);
    return out;
}

// The newest look that could judge; several kinds of probe may watch one image.
const LookState* newest_judging(const SubjectState& held) {
    const LookState* newest = nullptr;
    for (const auto& look : held.looks) {
        if (look.health != Health::unknown &&
            (newest == nullptr || newest->seen.at < look.seen.at)) {
            newest = &look;
        }
    }
    return newest;
}

void add_raised(const Scene& s, SubjectFamily& active, SubjectFamily& since, Budget& budget) {
    for (const auto& [key, held] : s.state.symptoms) {
        if (budget.take(active)) {
            active.rows.push_back({key.first, key.second.text(), 1});
        }
        if (budget.take(since)) {
            since.rows.push_back({key.first, key.second.text(), epoch_seconds(held.raised.wall)});
        }
    }
}

void add_drift(const Scene& s, SubjectFamily& drift, Budget& budget) {
    const std::string first = "image/";
    for (auto at = s.state.subjects.lower_bound(Subject(first));
         at != s.state.subjects.end() && at->first.text().starts_with(first); ++at) {
        const LookState* newest = newest_judging(at->second);
        if (newest == nullptr || s.forgotten.contains(at->first) || !budget.take(drift)) {
            continue;
        }
        const bool moved = newest->reason == Reason::drift || newest->reason == Reason::image_moved;
        drift.rows.push_back({{}, std::string(at->first.name()), moved ? 1.0 : 0.0});
    }
}

void add_health(const Scene& s, bool healthy, SubjectFamily& health, Budget& budget) {
    for (const auto& [subject, held] : s.state.subjects) {
        if (s.forgotten.contains(subject)) {
            continue;
        }
        for (const auto& look : held.looks) {
            if ((look.health == Health::healthy) == healthy && budget.take(health)) {
                health.rows.push_back({look.probe(), subject.text(), health_value(look.health)});
            }
        }
    }
}

// One that is raised has its row already; which one stays is decided when the page is written.
void add_quiet(const Scene& s, const SymptomIndex& index, SubjectFamily& active, Budget& budget) {
    const auto& symptoms = s.rules.runbook.symptoms;
    for (const auto& [subject, held] : s.state.subjects) {
        if (s.forgotten.contains(subject)) {
            continue;
        }
        for (const std::size_t place : index.of(subject, held)) {
            if (budget.take(active)) {
                active.rows.push_back({symptoms[place].id, subject.text(), 0});
            }
        }
    }
}

}  // namespace

SymptomIndex::SymptomIndex(const Runbook& runbook) {
    std::map<std::string, const Signal*, std::less<>> signals;
    for (const Signal& signal : runbook.signals) {
        signals.emplace(signal.id, &signal);
    }
    for (std::size_t place = 0; place < runbook.symptoms.size(); ++place) {
        const Symptom& symptom = runbook.symptoms[place];
        Kind& kind = kinds_[symptom.subject_kind];
        std::set<std::string> probes;
        bool own = !symptom.group && symptom.all.empty() && !symptom.any.empty();
        for (const std::string& id : symptom.any) {
            const auto signal = signals.find(id);
            own = own && signal != signals.end() &&
                  signal->second->subject_kind == symptom.subject_kind;
            if (own) {
                probes.insert(signal->second->probe);
            }
        }
        if (!own) {
            kind.always.push_back(place);
            continue;
        }
        for (const std::string& probe : probes) {
            kind.by_probe[probe].push_back(place);
        }
    }
}

std::vector<std::size_t> SymptomIndex::of(const Subject& subject, const SubjectState& held) const {
    const auto kind = kinds_.find(subject.kind());
    if (kind == kinds_.end()) {
        return {};
    }
    std::vector<std::size_t> out = kind->second.always;
    for (const auto& look : held.looks) {
        const auto found = kind->second.by_probe.find(look.probe());
        if (found != kind->second.by_probe.end()) {
            out.insert(out.end(), found->second.begin(), found->second.end());
        }
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

std::vector<SubjectFamily> subject_rows(const Scene& scene, const SymptomIndex& index,
                                        std::size_t limit) {
    auto health =
        family_of("leverd_probe_health",
                  "Newest look: 0 healthy, 1 degraded, 2 failing, 3 unknown.", "probe", "subject");
    auto drift = family_of("leverd_image_drift",
                           "1 when the tag no longer points to the receipt's digest (without a "
                           "freeze: to the digest it had); absent while nobody can tell.",
                           "", "image");
    auto active = family_of("leverd_symptom_active",
                            "1 while the symptom is raised for the subject, 0 for every other "
                            "subject that it can be raised for.",
                            "symptom", "subject");
    auto since = family_of("leverd_symptom_raised_timestamp_seconds",
                           "When the symptom that is active now was raised.", "symptom", "subject");
    Budget budget(limit);
    add_raised(scene, active, since, budget);
    add_drift(scene, drift, budget);
    add_health(scene, false, health, budget);
    add_health(scene, true, health, budget);
    add_quiet(scene, index, active, budget);
    std::vector<SubjectFamily> out;
    out.push_back(std::move(health));
    out.push_back(std::move(drift));
    out.push_back(std::move(active));
    out.push_back(std::move(since));
    return out;
}

std::vector<prometheus::MetricFamily> subject_families(std::vector<SubjectFamily> rows,
                                                       std::size_t limit) {
    FamilyList out;
    for (SubjectFamily& family : rows) {
        auto writer = out.gauge(family.name, family.help);
        // The larger value first: of a raised symptom's two rows the first stays.
        std::sort(family.rows.begin(), family.rows.end(), [](const auto& a, const auto& b) {
            return std::tie(a.first, a.subject, b.value) < std::tie(b.first, b.subject, a.value);
        });
        family.rows.erase(std::unique(family.rows.begin(), family.rows.end(),
                                      [](const auto& a, const auto& b) {
                                          return a.first == b.first && a.subject == b.subject;
                                      }),
                          family.rows.end());
        for (const SubjectRow& row : family.rows) {
            FamilyWriter::LabelList labels;
            if (!family.first_label.empty()) {
                labels.emplace_back(family.first_label, row.first);
            }
            labels.emplace_back(family.subject_label, row.subject);
            writer.add(labels, row.value);
        }
    }
    auto cut = out.gauge("leverd_metrics_series_cut",
                         "Series of subjects that this scrape left out because of [metrics] "
                         "series_limit; what is well goes first.");
    for (const SubjectFamily& family : rows) {
        cut.add({{"family", family.name}}, static_cast<double>(family.cut));
    }
    out.gauge("leverd_metrics_series_limit", "Most series of subjects in one scrape.")
        .add({}, static_cast<double>(limit));
    return out.take();
}

}  // namespace leverd::exporters
