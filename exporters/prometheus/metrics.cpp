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

constexpr std::string_view none = "none";
constexpr std::size_t intents_remembered = 4096;

const std::vector<double> look_buckets{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};
const std::vector<double> lateness_buckets{0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5};
const std::vector<double> commit_buckets{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                         0.01,   0.025,   0.05,   0.1,   0.5,    1};

double seconds(Millis d) {
    return std::chrono::duration<double>(d).count();
}

std::string_view or_none(const std::string& s) {
    return s.empty() ? none : std::string_view(s);
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
    // Outcome and verdict name only the intent; the lever comes from here.
    std::map<std::string, std::string> lever_of_intent;
    std::deque<std::string> intents;
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

    void make_known(const Rules& rules);
    void forget_probes(const std::set<std::string>& running);
    void remember(const Intent& intent);
    std::string_view lever_of(const std::string& intent) const;

    void count(const Decision& d);
    void count(const Intent& i) { remember(i); }
    void count(const Outcome& o) {
        outcomes.at({lever_of(o.intent), to_string(o.kind)}).Increment();
    }
    void count(const Verdict& v) {
        verdicts.at({lever_of(v.intent), to_string(v.kind)}).Increment();
    }
    void count(const SymptomRaised& s) { raised.at({s.symptom}).Increment(); }
    void count(const IncidentOpened& i) { opened.at({i.symptom}).Increment(); }
    void count(const IncidentClosed& i) { closed.at({or_none(i.end)}).Increment(); }
    void count(const Paged& p);
    template <class Other>
    void count(const Other&) {}  // counted by kind only
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
    for (const auto* end : {"recovered", "self_healed", "absorbed"}) {
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

void Metrics::Impl::remember(const Intent& intent) {
    if (!lever_of_intent.try_emplace(intent.id, intent.lever).second) {
        return;
    }
    intents.push_back(intent.id);
    if (intents.size() > intents_remembered) {
        lever_of_intent.erase(intents.front());
        intents.pop_front();
    }
}

std::string_view Metrics::Impl::lever_of(const std::string& intent) const {
    const auto found = lever_of_intent.find(intent);
    return found == lever_of_intent.end() ? none : or_none(found->second);
}

void Metrics::Impl::count(const Decision& d) {
    decisions.at({or_none(d.symptom), or_none(d.lever), to_string(d.mode), or_none(d.reason)})
        .Increment();
}

void Metrics::Impl::count(const Paged& p) {
    if (p.status == PageStatus::firing && p.muted.empty()) {
        pages.at({to_string(p.severity)}).Increment();
    }
}

Metrics::Metrics(std::string version, const Rules& rules)
    : impl_(std::make_unique<Impl>(std::move(version))) {
    impl_->make_known(rules);
}

Metrics::~Metrics() = default;

void Metrics::on_entry(const Entry& entry) {
    impl_->entries.at({entry_kind(entry.body)}).Increment();
    std::visit([this](const auto& body) { impl_->count(body); }, entry.body);
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
