// Why: who is called by alert rules alone must hear what the sinks say, no more and no less.
#include "exporters/prometheus/metrics.hpp"
#include "tests/catch.hpp"

#include <string>

using namespace leverd;

namespace {

Paged page_of(const std::string& key, PageStatus status) {
    Paged page;
    page.key = key;
    page.status = status;
    page.severity = Severity::warning;
    page.subject = Subject{"tenant/acme"};
    page.symptom = "tenant-unreachable";
    return page;
}

struct Bench {
    Rules rules;
    State state;
    exporters::DriverFigures figures;
    exporters::Metrics metrics{"0.1.0", rules};

    std::string page() { return metrics.page(state, rules, figures, Now{})(); }
    bool says(const std::string& line) { return page().find(line + "\n") != std::string::npos; }
    void show(const Paged& page) {
        state.pages[page.key] = page;
        state.book.open.insert(page.key);
    }
};

}  // namespace

TEST_CASE("pages are counted once, not again when they resolve") {
    Bench b;
    auto page = page_of("k", PageStatus::firing);
    page.severity = Severity::critical;
    b.metrics.on_entry(Entry{{}, page});
    page.status = PageStatus::resolved;
    b.metrics.on_entry(Entry{{}, page});
    CHECK(b.says(R"(leverd_pages_total{severity="critical"} 1)"));
}

TEST_CASE("a page that wants a person is a series for the alert rules, with its key and severity") {
    Bench b;
    b.show(page_of("i-1", PageStatus::firing));
    b.state.book.groups["i-1"];
    b.show(page_of("i-2", PageStatus::recovered));
    auto muted = page_of("i-3", PageStatus::firing);
    muted.muted = "window demo";
    b.show(muted);
    b.show(page_of("observer", PageStatus::firing));
    const std::string rest =
        R"(severity="warning",subject="tenant/acme",symptom="tenant-unreachable"} 1)";
    CHECK(b.says(R"(leverd_page_firing{leverd_page_key="i-1",scope="case",)" + rest));
    CHECK(b.says(R"(leverd_page_firing{leverd_page_key="observer",scope="leverd",)" + rest));
    CHECK(b.page().find(R"(leverd_page_key="i-2")") == std::string::npos);
    CHECK(b.page().find(R"(leverd_page_key="i-3")") == std::string::npos);
}
