// Why: see log.hpp.
#include "daemon/log.hpp"

#include "core/base/masked_log.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include <cstdio>
#include <cstdlib>

namespace leverd::log {
namespace {

std::string_view priority(spdlog::level::level_enum level) {
    switch (level) {
        case spdlog::level::critical:
            return SD_CRIT;
        case spdlog::level::err:
            return SD_ERR;
        case spdlog::level::warn:
            return SD_WARNING;
        case spdlog::level::info:
            return SD_INFO;
        default:
            return SD_DEBUG;
    }
}

void append(spdlog::memory_buf_t& to, std::string_view text) {
    to.append(text.data(), text.data() + text.size());
}

class LineFormatter final : public spdlog::formatter {
  public:
    explicit LineFormatter(bool journal) : journal_(journal) {}

    void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& to) override {
        if (journal_) {
            append(to, priority(message.level));
        }
        const auto level = spdlog::level::to_string_view(message.level);
        append(to, "level=");
        append(to, {level.data(), level.size()});
        append(to, " ");
        // A line break out of some remote answer would begin an entry of its own, with a level of
        // its author's choice.
        for (const char c : message.payload) {
            if (c == '\n' || c == '\r') {
                append(to, c == '\n' ? "\\n" : "\\r");
            } else {
                to.push_back(c);
            }
        }
        to.push_back('\n');
    }
    std::unique_ptr<spdlog::formatter> clone() const override {
        return std::make_unique<LineFormatter>(journal_);
    }

  private:
    bool journal_;
};

}  // namespace

bool to_journal() {
    const char* stream = std::getenv("JOURNAL_STREAM");  // NOLINT(concurrency-mt-unsafe)
    struct stat file{};
    return stream != nullptr && fstat(STDERR_FILENO, &file) == 0 &&
           fmt::format("{}:{}", file.st_dev, file.st_ino) == stream;
}

std::unique_ptr<spdlog::formatter> line_formatter(bool journal) {
    return std::make_unique<LineFormatter>(journal);
}

std::string with_priority(spdlog::level::level_enum level, std::string_view text, bool journal) {
    std::string out;
    bool begins = true;
    for (const char c : text) {
        if (begins && journal) {
            out += priority(level);
        }
        out += c;
        begins = c == '\n';
    }
    return out;
}

void set_up(const std::string& level) {
    auto logger = spdlog::stderr_logger_st("leverd");
    logger->set_formatter(masked(line_formatter(to_journal())));
    logger->set_level(spdlog::level::from_str(level));
    spdlog::set_default_logger(std::move(logger));
}

void say(spdlog::level::level_enum level, std::string_view text) {
    const auto lines = with_priority(level, text, to_journal());
    std::fwrite(lines.data(), 1, lines.size(), stderr);
}

}  // namespace leverd::log
