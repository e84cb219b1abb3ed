// Why: what systemd is told. Without a notify socket every call does nothing.
#pragma once

#include "core/base/time.hpp"

#include <string>

namespace leverd::notify {

void ready(const std::string& status);
void status(const std::string& text);
void reloading();
void stopping();
// Only after completed turns: a loop that no longer decides must not look alive.
void alive();
// Half of systemd's watchdog interval; zero when none is set.
Millis watchdog_pace();

}  // namespace leverd::notify
