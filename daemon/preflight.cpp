// Why: see preflight.hpp.
#include "daemon/preflight.hpp"

#include "config/checks.hpp"
#include "config/load.hpp"
#include "core/base/redact.hpp"
#include "probes/programs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace leverd {
namespace {

namespace fs = std::filesystem;

class Findings {
  public:
    void error(const Error& error) { all.push_back({false, error.what, error.hint}); }
    void warn(std::string what, std::string remedy) {
        all.push_back({true, std::move(what), std::move(remedy)});
    }
    std::vector<Finding> all;
};

void check_files(const config::Config& config, const FileUser& user, Findings& found) {
    for (const auto& file : config.files) {
        if (auto believed = check_believed_path(file, user); !believed) {
            found.error(believed.error());
        }
    }
    // Whoever writes it decides which servers are genuine.
    if (!config.net.ca_file.empty()) {
        if (auto believed = check_believed_path(config.net.ca_file, user); !believed) {
            found.error(believed.error());
        }
    }
    // Whoever writes one decides which image a rollback restores; a person may be its owner.
    for (const auto& receipt : {config.freeze.receipt, config.freeze.workflows_receipt}) {
        struct stat info{};
        if (!receipt.empty() && ::stat(receipt.c_str(), &info) == 0 &&
            (info.st_mode & S_IWOTH) != 0) {
            found.warn(fmt::format("{}: everybody may write this receipt", receipt),
                       fmt::format("chmod o-w {}", receipt));
        }
    }
    if (auto state = check_state_directory(config.daemon.state_directory, user); !state) {
        found.error(state.error());
    }
}

void check_secrets(const config::Config& config, const FileUser& user, bool starting,
                   Findings& found) {
    const bool delivered = std::getenv("CREDENTIALS_DIRECTORY") != nullptr;
    std::vector<std::string> unseen;
    for (const auto& [name, source] : config.secrets) {
        if (!source.credential.empty() && !delivered && !starting) {
            unseen.push_back(name);
            continue;
        }
        const auto secret = config::read_secret(name, source, user);
        if (!secret) {
            found.error(secret.error());
        } else if (const std::string why = hard_to_mask(*secret); !why.empty()) {
            found.warn(fmt::format("secret '{}': {}", name, why),
                       "use a random value of 16 characters or more");
        }
    }
    if (!unseen.empty()) {
        found.warn(fmt::format("not looked at, because only systemd delivers them: {}",
                               fmt::join(unseen, ", ")),
                   "systemctl reload leverd, or start it: it looks at them then");
    }
}

// By its mode alone where the user is another one than we are.
bool may_write(const fs::path& folder, const struct stat& info, const FileUser& user) {
    if (user.uid == ::geteuid()) {
        return ::access(folder.c_str(), W_OK | X_OK) == 0;
    }
    const mode_t needed = user.uid == info.st_uid   ? S_IWUSR | S_IXUSR
                          : user.gid == info.st_gid ? S_IWGRP | S_IXGRP
                                                    : S_IWOTH | S_IXOTH;
    return user.uid == 0 || (info.st_mode & needed) == needed;
}

// Why nothing can be made in this folder; empty: something can.
std::string closed_folder(const fs::path& folder, const FileUser& user) {
    struct stat info{};
    if (::stat(folder.c_str(), &info) != 0) {
        return errno == ENOENT ? folder.string() + " is not there"
                               : folder.string() + ": " + std::strerror(errno);
    }
    if (!S_ISDIR(info.st_mode)) {
        return folder.string() + " is not a directory";
    }
    return may_write(folder, info, user)
               ? std::string{}
               : fmt::format("{} cannot be written by user {}", folder.string(), user.uid);
}

// The nearest folder above that is there.
fs::path standing_above(fs::path folder) {
    std::error_code ignored;
    while (folder.has_relative_path() && !fs::exists(folder, ignored)) {
        folder = folder.parent_path();
    }
    return folder;
}

// What leverd makes when it starts needs a place. Warnings only: systemd makes both places of the
// shipped unit (StateDirectory=, RuntimeDirectory=) in the moment of the start.
void check_places(const config::Config& config, const FileUser& user, Findings& found) {
    const fs::path state = config.daemon.state_directory;
    std::error_code ignored;
    const bool there = fs::exists(state, ignored);
    const auto from = there ? state : standing_above(state.parent_path());
    const bool of_state_unit = !there && state.parent_path() == "/var/lib";
    if (const auto why = closed_folder(from, user); !why.empty() && !of_state_unit) {
        found.warn(fmt::format("state_directory {} cannot be used: {}", state.string(), why),
                   "make it, writable by the user that leverd runs as, or set another one in "
                   "[daemon]");
    }
    const fs::path folder = fs::path(config.daemon.socket).parent_path();
    const bool of_socket_unit = folder.parent_path() == "/run" && !fs::exists(folder, ignored);
    if (const auto why = closed_folder(folder, user); !why.empty() && !of_socket_unit) {
        found.warn(fmt::format("socket {} cannot be made, so no command would reach leverd: {}",
                               config.daemon.socket, why),
                   "make the folder, writable by the user that leverd runs as, or set another "
                   "'socket' in [daemon]");
    }
}

struct Program {
    std::string path;
    std::string of;
};

std::vector<Program> programs_of(const config::Config& config) {
    std::vector<Program> programs;
    const auto add = [&](const std::vector<std::string>& argv, std::string of) {
        if (!argv.empty()) {
            programs.push_back({argv.front(), std::move(of)});
        }
    };
    for (const auto& probe : config.probes) {
        const auto* check =
            probe.check ? std::get_if<config::CommandCheck>(&probe.check->what) : nullptr;
        if (check != nullptr) {
            add(check->argv, "probe " + probe.called());
        }
    }
    for (const auto& lever : config.levers) {
        add(lever.general.argv, "lever " + lever.id);
        add(lever.general.observe_argv, "lever " + lever.id);
    }
    if (config.canvas.browser && !probes::browser_path(config.canvas).empty()) {
        programs.push_back({probes::browser_path(config.canvas), "probe canvas"});
    }
    return programs;
}

void check_programs(const config::Config& config, const FileUser& user, Findings& found) {
    const auto programs = programs_of(config);
    for (const auto& program : programs) {
        struct stat info{};
        if (::stat(program.path.c_str(), &info) != 0) {
            found.warn(fmt::format("{}: there is no program {}", program.of, program.path),
                       "install it, or correct its path");
        } else if (auto fit = check_program(program.path, user); !fit) {
            found.error(wrap(program.of, fit.error()));
        }
    }
    if (config.canvas.browser && probes::browser_path(config.canvas).empty()) {
        found.warn("probe canvas: there is no Chromium on this box",
                   "apt-get install chromium, or set 'browser_program' in [stack.canvas]");
    }
    if (programs.empty()) {
        return;
    }
    const std::string& helper = config.daemon.exec_socket;
    struct stat info{};
    if (helper.empty()) {
        found.warn(fmt::format("{} runs with leverd's own rights: it can read every secret, write "
                               "the ledger and stop leverd",
                               programs.front().of),
                   "enable leverd-exec.socket and set exec_socket in [daemon]");
    } else if (::stat(helper.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) {
        found.warn(fmt::format("{}: nobody listens there, so no program can run", helper),
                   "systemctl enable --now leverd-exec.socket");
    }
}

// A general probe that feeds no signal looks for nothing.
void check_signals(const config::Config& config, Findings& found) {
    std::vector<std::string> unused;
    for (const auto& probe : config.probes) {
        const bool used = std::any_of(config.runbook.signals.begin(), config.runbook.signals.end(),
                                      [&](const Signal& s) { return s.probe == probe.called(); });
        if (!probe.name.empty() && !used) {
            unused.push_back(probe.name);
        }
    }
    if (unused.empty()) {
        return;
    }
    constexpr std::size_t named = 3;
    const std::size_t more = unused.size() - std::min(unused.size(), named);
    unused.resize(std::min(unused.size(), named));
    found.warn(
        fmt::format("no [[signal]] uses what {}{} sees, so nobody hears of it",
                    fmt::join(unused, ", "), more == 0 ? "" : fmt::format(" and {} more", more)),
        "add a [[signal]] with probe = \"" + unused.front() + "\" and a [[symptom]]");
}

// Both are legal, and both mean that nobody hears of anything.
void check_that_somebody_hears(const config::Config& config, Findings& found) {
    if (config.probes.empty()) {
        found.warn("nothing is looked at: there is no [[probe]]",
                   "add one, or point --config at the file that has them");
    }
    if (config.notify.empty()) {
        found.warn("pages reach nobody: there is no [[notify]]",
                   "add a sink (docs/pages.md), or let Prometheus page by leverd.rules.yml");
    }
}

// Looks, the doors, the ledger and programs share them. Below this the doors alone may use them up.
constexpr rlim_t descriptors_wanted = 256;

void check_descriptors(Findings& found) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < descriptors_wanted) {
        found.warn(fmt::format("this process may have only {} files and connections open at once, "
                               "so looks will fail with no_descriptors",
                               limit.rlim_cur),
                   "LimitNOFILE=4096 in the unit, or ulimit -n 4096 in the shell");
    }
}

}  // namespace

std::vector<Finding> preflight(const config::Config& config, const FileUser& user, bool starting) {
    Findings found;
    check_files(config, user, found);
    check_places(config, user, found);
    check_secrets(config, user, starting, found);
    check_programs(config, user, found);
    check_signals(config, found);
    check_that_somebody_hears(config, found);
    if (starting) {
        check_descriptors(found);
    }
    return std::move(found.all);
}

bool may_start(const std::vector<Finding>& findings) {
    return std::all_of(findings.begin(), findings.end(),
                       [](const Finding& one) { return one.warning; });
}

std::string render(const Finding& finding) {
    std::string text = fmt::format("{}: {}", finding.warning ? "warning" : "error", finding.what);
    text += finding.remedy.empty() ? "" : "\nhint: " + finding.remedy;
    return mask_known(std::move(text));
}

}  // namespace leverd
