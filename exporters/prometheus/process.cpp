// Why: the standard process_* figures, from /proc, without a clock of our own.
#include "exporters/prometheus/process.hpp"

#include "core/base/text.hpp"
#include "exporters/prometheus/state_page.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

namespace leverd::exporters {
namespace {

std::string read_text(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::ostringstream text;
    if (file) {
        text << file.rdbuf();
    }
    return text.str();
}

std::optional<double> number(std::string_view text) {
    unsigned long long value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return static_cast<double>(value);
}

std::optional<double> boot_seconds(std::string_view stat) {
    for (const auto& line : split(stat, '\n')) {
        if (line.starts_with("btime ")) {
            return number(std::string_view(line).substr(6));
        }
    }
    return std::nullopt;
}

std::optional<double> open_descriptors(const std::filesystem::path& directory) {
    std::error_code failure;
    std::filesystem::directory_iterator entry(directory, failure);
    double count = 0;
    while (!failure && entry != std::filesystem::directory_iterator{}) {
        count += 1;
        entry.increment(failure);
    }
    // The listing itself holds one descriptor, which is closed again when it ends.
    return failure ? std::nullopt : std::optional<double>(count - 1);
}

std::optional<double> descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return std::nullopt;
    }
    return static_cast<double>(limit.rlim_cur);
}

}  // namespace

std::optional<ProcessFigures> parse_process(std::string_view self_stat, std::string_view stat,
                                            double ticks_per_second, double page_bytes) {
    // The second field is the program's name in parentheses and may itself hold blanks and
    // parentheses; everything after the last ')' is numbers.
    const auto name_end = self_stat.rfind(')');
    if (name_end == std::string_view::npos || name_end + 2 >= self_stat.size()) {
        return std::nullopt;
    }
    const auto fields = split(self_stat.substr(name_end + 2), ' ');
    // Field numbers of proc(5) minus the three before this point.
    constexpr std::size_t user = 11;
    constexpr std::size_t system = 12;
    constexpr std::size_t started = 19;
    constexpr std::size_t virtual_size = 20;
    constexpr std::size_t resident = 21;
    if (fields.size() <= resident) {
        return std::nullopt;
    }
    const auto in_user = number(fields[user]);
    const auto in_system = number(fields[system]);
    const auto start_ticks = number(fields[started]);
    const auto bytes = number(fields[virtual_size]);
    const auto pages = number(fields[resident]);
    if (!in_user || !in_system || !start_ticks || !bytes || !pages || ticks_per_second <= 0) {
        return std::nullopt;
    }
    ProcessFigures figures;
    figures.cpu_seconds = (*in_user + *in_system) / ticks_per_second;
    figures.resident_bytes = *pages * page_bytes;
    figures.virtual_bytes = *bytes;
    if (const auto boot = boot_seconds(stat)) {
        figures.start_seconds = *boot + *start_ticks / ticks_per_second;
    }
    return figures;
}

std::vector<prometheus::MetricFamily> process_families(const std::filesystem::path& proc) {
    FamilyList list;
    const auto figures = parse_process(read_text(proc / "self/stat"), read_text(proc / "stat"),
                                       static_cast<double>(sysconf(_SC_CLK_TCK)),
                                       static_cast<double>(sysconf(_SC_PAGESIZE)));
    if (figures) {
        list.counter("process_cpu_seconds_total", "User and system CPU time spent in seconds.",
                     figures->cpu_seconds);
        list.gauge("process_resident_memory_bytes", "Resident memory size in bytes.")
            .add({}, figures->resident_bytes);
        list.gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.")
            .add({}, figures->virtual_bytes);
        if (figures->start_seconds) {
            list.gauge("process_start_time_seconds",
                       "Start time of the process since unix epoch in seconds.")
                .add({}, *figures->start_seconds);
        }
    }
    if (const auto open = open_descriptors(proc / "self/fd")) {
        list.gauge("process_open_fds", "Number of open file descriptors.").add({}, *open);
    }
    if (const auto limit = descriptor_limit()) {
        list.gauge("process_max_fds", "Maximum number of open file descriptors.").add({}, *limit);
    }
    return list.take();
}

}  // namespace leverd::exporters
