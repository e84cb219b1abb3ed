// Why: prometheus-cpp has no process collector, and dashboards expect the standard process_*
// families.
#pragma once

#include <prometheus/metric_family.h>

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace leverd::exporters {

struct ProcessFigures {
    double cpu_seconds = 0;
    double resident_bytes = 0;
    double virtual_bytes = 0;
    std::optional<double> start_seconds;  // since 1970; none when /proc/stat is hidden
};

// Reads the texts of /proc/self/stat and /proc/stat. nullopt: not such a text.
std::optional<ProcessFigures> parse_process(std::string_view self_stat, std::string_view stat,
                                            double ticks_per_second, double page_bytes);

// Families for this process; what cannot be read is left out rather than shown as 0.
std::vector<prometheus::MetricFamily> process_families(const std::filesystem::path& proc = "/proc");

}  // namespace leverd::exporters
