// Why: a scrape must cost what it prints, and what it prints must be bounded: by what can be, and
// by a limit that says so when it cuts.
#include "exporters/prometheus/metrics.hpp"
#include "tests/catch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

using namespace leverd;
using exporters::DriverFigures;
using exporters::Metrics;

namespace {

std::size_t series_of(const std::string& page, const std::string& family) {
    std::size_t out = 0;
    for (auto at = page.find("\n" + family + "{"); at != page.npos;
         at = page.find("\n" + family + "{", at + 1)) {
        ++out;
    }
    return out;
}

bool has(const std::string& page, const std::string& line) {
    return page.find("\n" + line + "\n") != page.npos;
}

Signal signal_of(const std::string& id, const std::string& kind, const std::string& probe) {
    Signal out;
    out.id = id;
    out.subject_kind = kind;
    out.probe = probe;
    return out;
}

Symptom symptom_of(const std::string& id, const std::string& kind, std::vector<std::string> any) {
    Symptom out;
    out.id = id;
    out.subject_kind = kind;
    out.any = std::move(any);
    return out;
}

void look(State& state, const std::string& subject, const std::string& probe,
          Health health = Health::healthy) {
    Observation o;
    o.subject = Subject(subject);
    o.probe = probe;
    o.health = health;
    state.subjects[o.subject].looks.keep(state.shapes, o);
}

std::string page_of(const State& state, const Rules& rules, std::size_t limit = 50'000) {
    Metrics metrics("0.1.0", rules);
    DriverFigures figures;
    figures.series_limit = limit;
    return metrics.page(state, rules, figures, Now{})();
}

}  // namespace

TEST_CASE(
    "a symptom has a series only where it can apply: 990 probes make 990 series, not a million") {
    Rules rules;
    rules.config_hash = "many";
    State state;
    constexpr int probes = 990;
    for (int i = 0; i < probes; ++i) {
        const std::string name = fmt::format("p{}", i);
        rules.runbook.signals.push_back(signal_of(name + "-bad", "service", name));
        rules.runbook.symptoms.push_back(symptom_of(name + "-down", "service", {name + "-bad"}));
        look(state, "service/" + name, name);
    }
    const std::string page = page_of(state, rules);
    CHECK(series_of(page, "leverd_symptom_active") == probes);
    CHECK(series_of(page, "leverd_probe_health") == probes);
    CHECK(has(page, R"(leverd_symptom_active{subject="service/p7",symptom="p7-down"} 0)"));
    CHECK(std::count(page.begin(), page.end(), '\n') < 60 * probes);
}

TEST_CASE("symptoms over several signals, over what is above and over groups keep their zeros") {
    Rules rules;
    rules.config_hash = "mixed";
    rules.runbook.signals = {signal_of("own", "tenant", "tenant_health"),
                             signal_of("other", "tenant", "credential"),
                             signal_of("above", "platform", "control_plane")};
    Symptom group = symptom_of("group", "tenant", {"own"});
    group.group = GroupRule{};
    Symptom both = symptom_of("both", "tenant", {});
    both.all = {"own", "other"};
    rules.runbook.symptoms = {symptom_of("either", "tenant", {"own", "other"}),
                              symptom_of("only-other", "tenant", {"other"}),
                              symptom_of("from-above", "tenant", {"above"}), group, both};
    State state;
    look(state, "tenant/a", "tenant_health");
    const std::string page = page_of(state, rules);
    const auto zero = [&page](const std::string& symptom) {
        return has(page,
                   R"(leverd_symptom_active{subject="tenant/a",symptom=")" + symptom + "\"} 0");
    };
    CHECK(zero("either"));
    CHECK_FALSE(zero("only-other"));
    CHECK(zero("from-above"));
    CHECK(zero("group"));
    CHECK(zero("both"));
    CHECK(series_of(page, "leverd_symptom_active") == 4);
}

TEST_CASE("a raised symptom has one series, whatever looked at its subject") {
    Rules rules;
    rules.config_hash = "one";
    rules.runbook.signals = {signal_of("own", "tenant", "tenant_health")};
    rules.runbook.symptoms = {symptom_of("down", "tenant", {"own"})};
    State state;
    look(state, "tenant/a", "tenant_health", Health::failing);
    look(state, "tenant/b", "other");
    state.symptoms[{"down", Subject("tenant/a")}] = {};
    state.symptoms[{"down", Subject("tenant/b")}] = {};
    const std::string page = page_of(state, rules);
    CHECK(series_of(page, "leverd_symptom_active") == 2);
    CHECK(has(page, R"(leverd_symptom_active{subject="tenant/a",symptom="down"} 1)"));
    CHECK(has(page, R"(leverd_symptom_active{subject="tenant/b",symptom="down"} 1)"));
}

TEST_CASE("over the limit what is well goes first, and the scrape says how much was cut") {
    Rules rules;
    rules.config_hash = "cut";
    rules.runbook.signals = {signal_of("own", "tenant", "tenant_health")};
    rules.runbook.symptoms = {symptom_of("down", "tenant", {"own"})};
    State state;
    for (int i = 0; i < 1'000; ++i) {
        const std::string name = fmt::format("tenant/{:04}", i);
        const bool bad = i >= 990;
        look(state, name, "tenant_health", bad ? Health::failing : Health::healthy);
        if (bad) {
            state.symptoms[{"down", Subject(name)}] = {};
        }
    }
    const std::string page = page_of(state, rules, 130);
    CHECK(series_of(page, "leverd_symptom_raised_timestamp_seconds") == 10);
    CHECK(series_of(page, "leverd_symptom_active") == 10);
    CHECK(series_of(page, "leverd_probe_health") == 110);
    CHECK(has(page, R"(leverd_probe_health{probe="tenant_health",subject="tenant/0999"} 2)"));
    CHECK(has(page, R"(leverd_metrics_series_cut{family="leverd_probe_health"} 890)"));
    CHECK(has(page, R"(leverd_metrics_series_cut{family="leverd_symptom_active"} 1000)"));
    CHECK(has(page, R"(leverd_metrics_series_cut{family="leverd_image_drift"} 0)"));
    CHECK(has(page, "leverd_metrics_series_limit 130"));
    const std::string whole = page_of(state, rules);
    CHECK(has(whole, R"(leverd_metrics_series_cut{family="leverd_probe_health"} 0)"));
}

TEST_CASE("series of subjects go with their subjects") {
    Rules rules;
    rules.config_hash = "gone";
    rules.runbook.signals = {signal_of("own", "tenant", "tenant_health")};
    rules.runbook.symptoms = {symptom_of("down", "tenant", {"own"})};
    State state;
    Metrics metrics("0.1.0", rules);
    DriverFigures figures;
    look(state, "tenant/a", "tenant_health");
    CHECK(metrics.page(state, rules, figures, Now{})().find("tenant/a") != std::string::npos);
    state.subjects.clear();
    CHECK(metrics.page(state, rules, figures, Now{})().find("tenant/a") == std::string::npos);
}

TEST_CASE(
    "a probe that a reload took away loses its series, so that nobody waits for its next look") {
    Rules rules;
    rules.config_hash = "before";
    Metrics metrics("0.1.0", rules);
    Observation seen;
    seen.subject = Subject("tenant/a");
    for (const char* probe : {"kept", "gone", "lever:tenant-redeploy"}) {
        seen.probe = probe;
        metrics.on_observation(seen);
    }
    DriverFigures figures;
    figures.probes = {"kept", "gone"};
    const auto page = [&] { return metrics.page(State{}, rules, figures, Now{})(); };
    CHECK(page().find(R"(timestamp_seconds{probe="gone"})") != std::string::npos);
    figures.probes = {"kept"};
    const std::string after = page();
    CHECK(after.find("probe=\"gone\"") == std::string::npos);
    CHECK(after.find(R"(timestamp_seconds{probe="kept"})") != std::string::npos);
    CHECK(after.find("lever:tenant-redeploy") != std::string::npos);
}

TEST_CASE("a page is written from copies, also after the state and the metrics are gone") {
    std::function<std::string()> write;
    {
        Rules rules;
        rules.config_hash = "x";
        State state;
        look(state, "tenant/a", "tenant_health");
        Metrics metrics("0.1.0", rules);
        write = metrics.page(state, rules, DriverFigures{}, Now{});
        state.subjects.clear();
    }
    CHECK(has(write(), R"(leverd_probe_health{probe="tenant_health",subject="tenant/a"} 0)"));
}

TEST_CASE("what the doors saw is on the page, at zero from the start") {
    Rules rules;
    DriverFigures figures;
    figures.doors.doors["unix"] = {3, 1, 4, 5, 9};
    figures.doors.auth_failures["wrong_token"] = 6'317;
    Metrics metrics("0.1.0", rules);
    const std::string page = metrics.page(State{}, rules, figures, Now{})();
    CHECK(has(page, R"(leverd_http_auth_failures_total{reason="wrong_token"} 6317)"));
    CHECK(has(page, R"(leverd_http_auth_failures_total{reason="slowed"} 0)"));
    CHECK(has(page, R"(leverd_http_connections{door="unix"} 3)"));
    CHECK(has(page, R"(leverd_http_connections_refused_total{door="unix"} 1)"));
    CHECK(has(page, R"(leverd_http_connections_evicted_total{door="unix",reason="peer"} 5)"));
    CHECK(has(page, R"(leverd_http_bad_requests_total{status="501"} 0)"));
    CHECK(has(page, "leverd_http_reads_refused_total 0"));
}
