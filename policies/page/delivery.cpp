// Why: see delivery.hpp.
#include "policies/page/delivery.hpp"

#include <fmt/format.h>

namespace leverd {

std::vector<std::string> delivery_lines(const std::vector<SinkReport>& sinks, Now now) {
    std::vector<std::string> lines;
    for (const auto& sink : sinks) {
        if (sink.undelivered == 0) {
            continue;
        }
        const auto age = sink.oldest ? now.at - sink.oldest->at : Millis{0};
        lines.push_back(fmt::format(
            "{} not delivered to sink {}, {}{} has waited for {}: {}. Next: leverd notify test {}, "
            "then mend "
            "the sink's url, secret or receiver",
            sink.undelivered == 1 ? "1 page is" : fmt::format("{} pages are", sink.undelivered),
            sink.sink, sink.undelivered == 1 ? "it" : "the oldest",
            sink.key.empty() ? "" : " (" + sink.key + ")", shown_duration(age),
            sink.problem.empty() ? "no answer yet" : sink.problem, sink.sink));
    }
    return lines;
}

}  // namespace leverd
