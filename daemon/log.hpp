// Why: the journal shows by priority only what was written with one. Every line of the daemon on
// standard error therefore begins with the kernel's "<N>" where the journal reads it, and nowhere
// else.
#pragma once

#include <spdlog/formatter.h>

#include <memory>
#include <string>
#include <string_view>

namespace leverd::log {

// Standard error is the very stream that systemd connected to the journal; a redirected one is not.
bool to_journal();

// `level=warning event=…`, one line for each event whatever stands in it, with a priority in front
// for the journal.
std::unique_ptr<spdlog::formatter> line_formatter(bool journal);

// Of text for people (an error with its hint, a diagnostic with its source line): each line bears
// the priority, since the journal makes an entry of each.
std::string with_priority(spdlog::level::level_enum level, std::string_view text, bool journal);

void set_up(const std::string& level);

// Writes text for people to standard error.
void say(spdlog::level::level_enum level, std::string_view text);

}  // namespace leverd::log
