// Why: prometheus-cpp finds a series by hashing all its labels, which costs more than the update
// itself. These tables keep the pointer per label values instead, allocate nothing on a hit, and
// fold what exceeds a fixed number of series into "other", so that no remote side can fill memory.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace leverd::exporters {

// More series than this in one family is a defect of the configuration, not something to keep.
constexpr std::size_t series_per_family_max = 2000;

// Label values that Prometheus accepts: valid UTF-8 without control characters, at most 200 bytes.
std::string label_value(std::string_view raw);

struct LabelValuesLess {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
        return std::lexicographical_compare(
            a.begin(), a.end(), b.begin(), b.end(),
            [](std::string_view x, std::string_view y) { return x < y; });
    }
};

template <class Metric>
class SeriesTable {
  public:
    using Make = std::function<Metric&(const prometheus::Labels&)>;
    using Drop = std::function<void(Metric&)>;

    SeriesTable(std::vector<std::string> label_names, Make make, Drop drop)
        : names_(std::move(label_names)), make_(std::move(make)), drop_(std::move(drop)) {}

    // The series with these values, in the order of the label names; made when it is new.
    Metric& at(std::initializer_list<std::string_view> values) {
        const auto found = series_.find(values);
        if (found != series_.end()) {
            return *found->second;
        }
        if (series_.size() >= series_per_family_max) {
            return make_(labels(std::vector<std::string>(names_.size(), "other")));
        }
        std::vector<std::string> key(values.begin(), values.end());
        Metric& made = make_(labels(key));
        series_.emplace(std::move(key), &made);
        return made;
    }

    // Drops every series whose first label has this value.
    void forget(std::string_view first) {
        for (auto at = series_.begin(); at != series_.end();) {
            if (at->first.empty() || at->first.front() != first) {
                ++at;
                continue;
            }
            drop_(*at->second);
            at = series_.erase(at);
        }
    }

  private:
    prometheus::Labels labels(const std::vector<std::string>& values) const {
        prometheus::Labels result;
        for (std::size_t i = 0; i < names_.size() && i < values.size(); ++i) {
            result[names_[i]] = label_value(values[i]);
        }
        return result;
    }

    std::vector<std::string> names_;
    Make make_;
    Drop drop_;
    std::map<std::vector<std::string>, Metric*, LabelValuesLess> series_;
};

using Counters = SeriesTable<prometheus::Counter>;
using Gauges = SeriesTable<prometheus::Gauge>;
using Histograms = SeriesTable<prometheus::Histogram>;

Counters make_counters(prometheus::Registry& registry, const std::string& name,
                       const std::string& help, std::vector<std::string> label_names);
Gauges make_gauges(prometheus::Registry& registry, const std::string& name, const std::string& help,
                   std::vector<std::string> label_names);
Histograms make_histograms(prometheus::Registry& registry, const std::string& name,
                           const std::string& help, std::vector<std::string> label_names,
                           std::vector<double> buckets);

}  // namespace leverd::exporters
