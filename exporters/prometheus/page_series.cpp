// Why: what leverd's own sinks say, for those who are called by alert rules alone: the rules over
// this series have the page's key, severity and grace without knowing any of them.
#include "core/model/codec.hpp"
#include "exporters/prometheus/state_page.hpp"

namespace leverd::exporters {
namespace {

// Cases that come at once share a page, so more than this is a fault of its own.
constexpr int pages_shown = 500;

}  // namespace

// No label changes while a case moves on, or each move would be a new alert.
void page_families(const Scene& s, FamilyList& out) {
    auto firing = out.gauge("leverd_page_firing",
                            "1 for each page that wants a person now; the first 500 by key.");
    int shown = 0;
    for (const auto& key : s.state.book.open) {
        const auto& page = s.state.pages.at(key);
        if (page.status != PageStatus::firing || !page.muted.empty() || ++shown > pages_shown) {
            continue;
        }
        const bool of_case = s.state.book.groups.contains(key);
        const bool storm = key.starts_with("storm-");
        firing.add({{"leverd_page_key", key},
                    {"scope", of_case ? "case" : "leverd"},
                    {"severity", to_string(page.severity)},
                    {"subject", page.subject.text()},
                    {"symptom", storm ? std::string_view{} : page.symptom}},
                   1);
    }
}

}  // namespace leverd::exporters
