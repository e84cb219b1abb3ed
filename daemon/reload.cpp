// Why: a reload is whole. Every key of the new files is taken up by what begins after it, or named
// as needing a restart; a refused one changes nothing but this: automatic levers wait, because a
// person meant something else than what runs.
#include "config/reload.hpp"

#include "core/net/clock.hpp"
#include "daemon/app_impl.hpp"
#include "daemon/notify.hpp"
#include "daemon/rotation.hpp"
#include "daemon/rules.hpp"
#include "policies/guards.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

namespace leverd {
namespace {

net::TransportOptions transport_options(const config::Net& settings) {
    net::TransportOptions options;
    options.ca_file = settings.ca_file;
    options.nameservers = settings.nameservers;
    options.user_agent = settings.user_agent;
    return options;
}

// systemd gives a service copies of its credentials when it starts; no reload sees a newer one.
std::vector<std::string> unseen_by_reload(const config::Config& config) {
    std::vector<std::string> names;
    for (const auto& [name, source] : config.secrets) {
        if (!source.credential.empty()) {
            names.push_back(name);
        }
    }
    if (names.empty()) {
        return {};
    }
    return {
        fmt::format("copies made by systemd at the start: {}; a rotated credential is taken up "
                    "by a restart",
                    fmt::join(names, ", "))};
}

void sort_out(const config::Loaded& loaded, exporters::Reloaded& done) {
    for (const auto& found : loaded.problems) {
        const auto text = config::render(found);
        (found.warning ? done.warnings : done.problems).push_back(text);
        if (found.warning) {
            spdlog::warn("event=reload_warning what=\"{}\"", text.substr(0, text.find('\n')));
        }
    }
}

// For people who read it elsewhere: where and what, without the line of the file, which may hold
// what is nobody else's business.
std::string refused_words(const exporters::Reloaded& done, const std::filesystem::path& config) {
    if (done.ok) {
        return {};
    }
    const auto& first = done.problems.front();
    return fmt::format("{}. The config from before goes on running. Next: leverd check --config {}",
                       first.substr(0, first.find('\n')), config.string());
}

}  // namespace

// A transport of its own each time: the CA file may have been replaced under the same name.
Result<SnapshotPtr> App::Impl::make_snapshot(config::Loaded loaded) {
    auto read = config::read_secrets(loaded.config);
    if (!read) {
        return read.error();
    }
    auto next = std::make_shared<Snapshot>();
    next->config = std::move(loaded.config);
    next->settings = std::move(loaded.settings);
    next->secrets = std::move(*read);
    // The state directory of the start: another one needs a restart.
    const auto& directory = begun_with ? begun_with->config.daemon.state_directory
                                       : next->config.daemon.state_directory;
    for (const auto& lever : next->config.levers) {
        const auto key = next->secrets.find(lever.sealing_key);
        if (key != next->secrets.end()) {
            next->safe =
                make_sealed_files(std::filesystem::path(directory) / "sealed", key->second);
        }
    }
    const auto executor = io.get_executor();
    const auto options = transport_options(next->config.net);
    next->http =
        outside.transport ? outside.transport(executor) : net::make_transport(executor, options);
    next->dialer = net::make_dialer(executor, options);
    next->streams = net::make_websocket_client(executor, options);
    return SnapshotPtr(std::move(next));
}

void App::Impl::use(SnapshotPtr next) {
    const bool same_level = next->config.daemon.log_level == config().daemon.log_level;
    current = std::move(next);
    probe_context.config = config_of(current);
    probe_context.secrets = secrets_of(current);
    probe_context.http = current->http.get();
    probe_context.dialer = current->dialer.get();
    streams->use(current->streams);
    effects->use(current);
    use_sinks();
    web->set_tokens(api_tokens());
    if (!same_level) {
        spdlog::set_level(spdlog::level::from_str(config().daemon.log_level));
    }
    scheduler->refresh();
}

// Changes nothing yet; null when a problem was found.
SnapshotPtr App::Impl::read_files(exporters::Reloaded& done) {
    const auto refuse = [&done](const Error& error) {
        done.problems.push_back(error.what + (error.hint.empty() ? "" : "\nhint: " + error.hint));
        return SnapshotPtr{};
    };
    auto loaded = config::load(config_path, vocabulary());
    sort_out(loaded, done);
    if (!done.problems.empty()) {
        return {};
    }
    if (auto unfit = look_before_start(loaded.config, &done.warnings)) {
        return refuse(*unfit);
    }
    auto next = make_snapshot(std::move(loaded));
    return next ? *next : refuse(next.error());
}

void App::Impl::take_up(SnapshotPtr next, exporters::Reloaded& done) {
    done.changed = config::changed_keys(current->settings, next->settings);
    done.restart_needed = config::restart_needed(begun_with->settings, next->settings);
    for (auto& line : secrets_left_behind(*begun_with, *next, config_path)) {
        done.restart_needed.push_back(std::move(line));
    }
    done.notes = unseen_by_reload(next->config);
    if (const auto names = secrets_taken_up(*current, *next); !names.empty()) {
        done.notes.push_back(fmt::format("secrets with another value than before, in force now: {}",
                                         fmt::join(names, ", ")));
    }
    use(std::move(next));
    driver->adopt(engine->reload(make_rules(config()), clock->now()));
    reloading.loaded = net::wall_clock_now();
}

exporters::Reloaded App::Impl::reload_now() {
    notify::reloading();
    exporters::Reloaded done;
    SnapshotPtr next;
    try {
        next = read_files(done);
    } catch (...) {
        done.problems.push_back("reading the files failed inside leverd: " +
                                net::what_of(std::current_exception()));
    }
    if (next) {
        try {
            take_up(std::move(next), done);
        } catch (...) {
            // Half of a new config with half of the old one is none that anybody checked.
            give_up("a reload: " + net::what_of(std::current_exception()));
            throw;
        }
    }
    done.ok = done.problems.empty();
    reloading.ok = done.ok;
    driver->post(SelfReport{std::string(config_refused), {}, refused_words(done, config_path)});
    if (done.ok) {
        reloading.restart_needed = done.restart_needed;
    }
    log_reload(done);
    notify::ready(done.ok ? "watching" : "watching; the config on disk was refused");
    return done;
}

void App::Impl::log_reload(const exporters::Reloaded& done) const {
    for (const auto& problem : done.problems) {
        spdlog::error("event=reload_refused what=\"{}\" kept=\"the config that is running\"",
                      problem);
    }
    if (!done.ok) {
        return;
    }
    spdlog::info("event=reloaded config_hash={} changed=\"{}\"", config().hash.substr(0, 12),
                 fmt::join(done.changed, ", "));
    for (const auto& key : done.restart_needed) {
        spdlog::warn("event=restart_needed key=\"{}\"", key);
    }
    for (const auto& note : done.notes) {
        spdlog::info("event=reload_note what=\"{}\"", note);
    }
}

}  // namespace leverd
