// Why: the only place where families are registered, so that every one has a name, a help text and
// a table in front of it.
#include "exporters/prometheus/series.hpp"

#include "core/base/redact.hpp"
#include "core/base/text.hpp"

namespace leverd::exporters {
namespace {

constexpr std::size_t label_bytes_max = 200;

}  // namespace

std::string label_value(std::string_view raw) {
    return sanitize(mask_known(std::string(raw)), label_bytes_max);
}

Counters make_counters(prometheus::Registry& registry, const std::string& name,
                       const std::string& help, std::vector<std::string> label_names) {
    auto* family = &prometheus::BuildCounter().Name(name).Help(help).Register(registry);
    return Counters(
        std::move(label_names),
        [family](const prometheus::Labels& labels) -> prometheus::Counter& {
            return family->Add(labels);
        },
        [family](prometheus::Counter& gone) { family->Remove(&gone); });
}

Gauges make_gauges(prometheus::Registry& registry, const std::string& name, const std::string& help,
                   std::vector<std::string> label_names) {
    auto* family = &prometheus::BuildGauge().Name(name).Help(help).Register(registry);
    return Gauges(
        std::move(label_names),
        [family](const prometheus::Labels& labels) -> prometheus::Gauge& {
            return family->Add(labels);
        },
        [family](prometheus::Gauge& gone) { family->Remove(&gone); });
}

Histograms make_histograms(prometheus::Registry& registry, const std::string& name,
                           const std::string& help, std::vector<std::string> label_names,
                           std::vector<double> buckets) {
    auto* family = &prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
    return Histograms(
        std::move(label_names),
        [family, buckets = std::move(buckets)](const prometheus::Labels& labels)
            -> prometheus::Histogram& { return family->Add(labels, buckets); },
        [family](prometheus::Histogram& gone) { family->Remove(&gone); });
}

}  // namespace leverd::exporters
