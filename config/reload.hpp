// Why: an operator who reloads must know what runs now. Every key says here what a reload does with
// it; a key that is missing here fails a test, so nobody can add one without saying.
#pragma once

#include "config/load.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace leverd::config {

enum class OnReload {
    applied,  // looks, levers, guards and doors that begin after the reload follow the new value
    restart,  // the running process keeps the old value until it is restarted
};

struct KeyReload {
    std::string_view table;  // as messages call it: "[daemon]", "[[probe]]"
    std::string_view key;
    OnReload on_reload = OnReload::applied;
    std::string_view why{};  // for restart: what keeps the old value
};

// Every key that the readers ask for.
std::span<const KeyReload> reload_table();
// nullptr: no such key.
const KeyReload* find_reload(std::string_view table, std::string_view key);

// "[daemon] listen", "[[probe]] tenant_health interval": what stands differently in the two.
std::vector<std::string> changed_keys(const Settings& before, const Settings& after);

// What of the difference between two needs a restart, one line per
// key. `before` are those with which the process began.
std::vector<std::string> restart_needed(const Settings& before, const Settings& after);

}  // namespace leverd::config
