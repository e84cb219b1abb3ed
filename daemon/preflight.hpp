// Why: what `leverd run` would stumble over, `leverd check` says, and in the same words: both read
// this one list. Beside the text of the configuration it looks at the box: files, secrets,
// programs.
#pragma once

#include "config/config.hpp"
#include "core/base/trusted_file.hpp"

#include <string>
#include <vector>

namespace leverd {

struct Finding {
    bool warning = false;  // leverd starts all the same
    std::string what;
    std::string remedy;

    friend bool operator==(const Finding&, const Finding&) = default;
};

// `user`: who will run leverd. `starting`: this process is the one that starts; else a credential
// that only systemd delivers cannot be looked at and is a warning.
std::vector<Finding> preflight(const config::Config& config, const FileUser& user, bool starting);
bool may_start(const std::vector<Finding>& findings);

// "error: /etc/leverd/leverd.toml: mode 0666 lets others write it" and "hint: chmod go-w ...".
std::string render(const Finding& finding);

}  // namespace leverd
