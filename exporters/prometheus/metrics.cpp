// Why: counters live here, fed by the same entries that the ledger holds; whatever mirrors state is
// built afresh at each scrape (state_page.cpp).
#include "exporters/prometheus/metrics.hpp"

#include "core/model/codec.hpp"
#include "exporters/prometheus/process.hpp"
#include "exporters/prometheus/series.hpp"
#include "exporters/prometheus/state_page.hpp"
#include "exporters/prometheus/subject_page.hpp"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <deque>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

namespace leverd::exporters {
namespace {

const std::vector<double> look_buckets{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};
const std::vector<double> lateness_buckets{0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5};
const std::vector<double> commit_buckets{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                         0.01,   0.025,   0.05,   0.1,   0.5,    1};

double seconds(Millis d) {
    return std::chrono::duration<double>(d).count();
}

// Every kind of entry, so that each series exists from the start. One default value per
// alternative keeps the list complete by construction.
template <std::size_t... I>
std::array<EntryBody, sizeof...(I)> one_of_each(std::index_sequence<I...>) {
    return {EntryBody(std::in_place_index<I>)...};
}

void sort_for_reading(std::vector<prometheus::MetricFamily>& families) {
    const auto by_labels = [](const prometheus::ClientMetric& a,
                              const prometheus::ClientMetric& b) { return a.label < b.label; };
    const auto same_labels = [](const prometheus::ClientMetric& a,
                                const prometheus::ClientMetric& b) { return a.label == b.label; };
    for (auto& family : families) {
        std::sort(family.metric.begin(), family.metric.end(), by_labels);
        // Two hostile names may become one when they are made printable, and one double series
        // would cost the whole scrape.
        family.metric.erase(std::unique(family.metric.begin(), family.metric.end(), same_labels),
                            family.metric.end());
    }
    std::erase_if(families, [](const auto& family) { return family.metric.empty(); });
    std::sort(families.begin(), families.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
}

// What a page is written from: copies, and what has locks of its own.
struct Taken {
    std::shared_ptr<prometheus::Registry> registry;
    std::vector<prometheus::MetricFamily> families;
    std::vector<SubjectFamily> subjects;
    std::size_t series_limit = 0;
};

std::string write_page(Taken& taken) {
    auto families = taken.registry->Collect();
    const auto append = [&families](std::vector<prometheus::MetricFamily> part) {
        std::move(part.begin(), part.end(), std::back_inserter(families));
    };
    append(std::move(taken.families));
    append(subject_families(std::move(taken.subjects), taken.series_limit));
    append(process_families());
    sort_for_reading(families);
    std::ostringstream text;
    prometheus::TextSerializer{}.Serialize(text, families);
    return text.str();
}

}  // namespace

struct Metrics::Impl {
    explicit Impl(std::string running_version) : version(std::move(running_version)) {}

    std::string version;
    // Shared with whoever writes a page just now.
    std::shared_ptr<prometheus::Registry> shared = std::make_shared<prometheus::Registry>();
    prometheus::Registry& registry = *shared;
    SymptomIndex index{Runbook{}};
    std::set<Subject> forgotten;
    std::set<std::string> probes;  // that ran at the last scrape
    std::string known_config;
    bool any_config_known = false;

    Counters observations =
        make_counters(registry, "leverd_observations_total",
                      "Looks taken, by what they concluded; class is the layer that the reason "
                      "belongs to.",
                      {"probe", "health", "reason", "class"});
    Gauges last_look =
        make_gauges(registry, "leverd_probe_last_look_timestamp_seconds",
                    "When a look of this kind last ended, whatever it saw.", {"probe"});
    Histograms look_seconds =
        make_histograms(registry, "leverd_probe_duration_seconds",
                        "Time that looks took: total, and each phase that happened.",
                        {"probe", "phase"}, look_buckets);
    Histograms lateness =
        make_histograms(registry, "leverd_probe_lateness_seconds",
                        "How long after its due time a look began.", {}, lateness_buckets);
    Histograms commits =
        make_histograms(registry, "leverd_ledger_commit_seconds",
                        "Time until a commit to the ledger was durable.", {}, commit_buckets);
    Counters entries = make_counters(registry, "leverd_ledger_entries_total",
                                     "Entries in the ledger, restored ones included.", {"kind"});
    Counters decisions =
        make_counters(registry, "leverd_decisions_total",
                      "Decisions in the ledger, restored ones included; reason is the first guard "
                      "that held the lever, or permitted.",
                      {"symptom", "lever", "mode", "reason"});
    Counters outcomes = make_counters(registry, "leverd_lever_outcomes_total",
                                      "How calls of levers ended.", {"lever", "outcome"});
    Counters verdicts =
        make_counters(registry, "leverd_lever_verdicts_total",
                      "Whether levers helped, by fresh looks afterwards.", {"lever", "verdict"});
    Counters raised =
        make_counters(registry, "leverd_symptoms_raised_total", "Symptoms raised.", {"symptom"});
    Counters opened =
        make_counters(registry, "leverd_incidents_opened_total", "Incidents opened.", {"symptom"});
    Counters closed = make_counters(registry, "leverd_incidents_closed_total",
                                    "Incidents closed, by how they ended.", {"end"});
    Counters pages =
        make_counters(registry, "leverd_pages_total",
                      "Pages raised to a person, not counting their resolution.", {"severity"});

    EntryCounts tally;
    void forget_probes(const std::set<std::string>& running);

    void make_known(const Rules& rules);
    void add(const Count& count, double times);
};

void Metrics::Impl::make_known(const Rules& rules) {
    if (any_config_known && known_config == rules.config_hash) {
        return;
    }
    any_config_known = true;
    known_config = rules.config_hash;
    index = SymptomIndex(rules.runbook);
    for (const auto& body :
         one_of_each(std::make_index_sequence<std::variant_size_v<EntryBody>>{})) {
        entries.at({entry_kind(body)});
    }
    lateness.at({});
    commits.at({});
    for (const auto& signal : rules.runbook.signals) {
        observations.at({signal.probe, to_string(Health::healthy), describe(Reason::ok).name,
                         layer_name(Layer::none)});
        look_seconds.at({signal.probe, "total"});
    }
    for (const auto& symptom : rules.runbook.symptoms) {
        raised.at({symptom.id});
        opened.at({symptom.id});
    }
    for (const auto& policy : rules.policies.policies) {
        decisions.at({policy.symptom, policy.lever, to_string(policy.mode), "permitted"});
    }
    for (const auto& [lever, contract] : rules.levers) {
        for (const auto kind : {OutcomeKind::accepted, OutcomeKind::refused, OutcomeKind::failed,
                                OutcomeKind::unknown}) {
            outcomes.at({lever, to_string(kind)});
        }
        for (const auto kind : {VerdictKind::recovered, VerdictKind::not_recovered,
                                VerdictKind::worse, VerdictKind::inconclusive}) {
            verdicts.at({lever, to_string(kind)});
        }
    }
    for (const auto severity : {Severity::info, Severity::warning, Severity::critical}) {
        pages.at({to_string(severity)});
    }
    for (const auto* end : {"recovered", "self_healed", "unproven", "gone", "lost", "by_hand",
                            "absorbed", "rule_gone"}) {
        closed.at({end});
    }
}

// A probe that a reload took away looks at nothing any more, and must not be missed for ever.
void Metrics::Impl::forget_probes(const std::set<std::string>& running) {
    for (const std::string& probe : probes) {
        if (!running.contains(probe)) {
            observations.forget(probe);
            last_look.forget(probe);
            look_seconds.forget(probe);
        }
    }
    probes = running;
}

// Families and labels as the tally names them; one that this version no longer shows is left out.
void Metrics::Impl::add(const Count& count, double times) {
    const std::map<std::string, Counters*, std::less<>> families{
        {"entries", &entries},   {"decisions", &decisions}, {"outcomes", &outcomes},
        {"verdicts", &verdicts}, {"raised", &raised},       {"opened", &opened},
        {"closed", &closed},     {"pages", &pages}};
    const auto family = families.find(count.first);
    if (family == families.end()) {
        return;
    }
    const auto& l = count.second;
    auto& table = *family->second;
    switch (l.size()) {
        case 1:
            return table.at({l[0]}).Increment(times);
        case 2:
            return table.at({l[0], l[1]}).Increment(times);
        case 4:
            return table.at({l[0], l[1], l[2], l[3]}).Increment(times);
        default:
            return;
    }
}

Metrics::Metrics(std::string version, const Rules& rules)
    : impl_(std::make_unique<Impl>(std::move(version))) {
    impl_->make_known(rules);
}

Metrics::~Metrics() = default;

void Metrics::on_entry(const Entry& entry) {
    for (const auto& count : impl_->tally.add(entry)) {
        impl_->add(count, 1);
    }
}

void Metrics::restore(const EntryCounts& told) {
    impl_->tally = told;
    for (const auto& [count, times] : told.counts()) {
        impl_->add(count, static_cast<double>(times));
    }
}

void Metrics::on_observation(const Observation& observation) {
    auto& m = *impl_;
    const ReasonRow& reason = describe(observation.reason);
    m.observations
        .at({observation.probe, to_string(observation.health), reason.name,
             layer_name(reason.layer)})
        .Increment();
    m.last_look.at({observation.probe}).Set(seconds(observation.seen.wall.time_since_epoch()));
    m.look_seconds.at({observation.probe, "total"}).Observe(seconds(observation.took));
    const std::array<std::pair<std::string_view, Millis>, 5> phases{{
        {"dns", observation.phases.dns},
        {"connect", observation.phases.connect},
        {"tls", observation.phases.tls},
        {"header", observation.phases.header},
        {"body", observation.phases.body},
    }};
    for (const auto& [phase, took] : phases) {
        if (took > Millis{0}) {
            m.look_seconds.at({observation.probe, phase}).Observe(seconds(took));
        }
    }
    if (!m.forgotten.empty()) {
        m.forgotten.erase(observation.subject);
    }
}

void Metrics::on_probe_lateness(Millis lateness) {
    impl_->lateness.at({}).Observe(std::max(0.0, seconds(lateness)));
}

void Metrics::on_ledger_commit(std::chrono::duration<double> took) {
    impl_->commits.at({}).Observe(took.count());
}

void Metrics::forget(const Subject& subject) {
    impl_->forgotten.insert(subject);
}

std::function<std::string()> Metrics::page(const State& state, const Rules& rules,
                                           const DriverFigures& figures, const Now& now) {
    impl_->forget_probes(figures.probes);
    impl_->make_known(rules);
    // What the engine no longer holds needs no hiding; this also keeps the set small.
    std::erase_if(impl_->forgotten,
                  [&](const Subject& subject) { return !state.subjects.contains(subject); });
    const Scene scene{state, rules, figures, impl_->forgotten, impl_->version, now};
    auto taken = std::make_shared<Taken>();
    taken->registry = impl_->shared;
    taken->families = state_families(scene);
    taken->series_limit = figures.series_limit;
    taken->subjects = subject_rows(scene, impl_->index, figures.series_limit);
    return [taken] { return write_page(*taken); };
}

}  // namespace leverd::exporters
