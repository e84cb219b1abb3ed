// Why: see cli_ledger.hpp.
#include "daemon/cli_ledger.hpp"

#include "config/load.hpp"
#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "core/net/clock.hpp"
#include "daemon/cli_client.hpp"
#include "daemon/cli_tables.hpp"
#include "daemon/history.hpp"
#include "daemon/rules.hpp"

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include <charconv>

namespace asio = boost::asio;

namespace leverd::cli {
namespace {

Report failed(Exit code, const Error& error) {
    Report out;
    out.code = code;
    out.err = fmt::format("leverd: {}\n", error.what);
    if (!error.hint.empty()) {
        out.err += fmt::format("  next: {}\n", error.hint);
    }
    return out;
}

std::optional<LedgerAtLeast> parse_at_least(const std::string& text) {
    LedgerAtLeast out;
    const auto colon = text.find(':');
    const auto number = text.substr(0, colon);
    const auto [end, wrong] =
        std::from_chars(number.data(), number.data() + number.size(), out.sequence);
    if (colon == std::string::npos || wrong != std::errc{} ||
        end != number.data() + number.size() || out.sequence < 1) {
        return std::nullopt;
    }
    out.hash = text.substr(colon + 1);
    return out.hash.size() < 8 ? std::nullopt : std::optional(out);
}

boost::system::result<config::Config, Report> read_config(const std::string& path) {
    auto loaded = config::load(path, vocabulary());
    Report out;
    for (const auto& problem : loaded.problems) {
        out.err += config::render(problem) + "\n";
    }
    if (!loaded.ok()) {
        out.code = Exit::config;
        return out;
    }
    return std::move(loaded.config);
}

std::string verified_text(const LedgerVerified& found) {
    const auto& end = found.end;
    std::string out =
        found.first == 1
            ? fmt::format("ok: {} entries, every hash and number in place; ", end.entries)
            : fmt::format(
                  "ok: verified from entry {} to {}, every hash and number "
                  "in place; ",
                  found.first, end.entries);
    out += fmt::format("last hash {}\n", end.last_hash.empty() ? "-" : end.last_hash.substr(0, 16));
    if (found.first > 1) {
        out += fmt::format("  entries 1..{} were compacted away on {}\n", found.first - 1,
                           format_rfc3339(found.compacted).substr(0, 10));
    }
    if (found.key_missing) {
        out += fmt::format(
            "  entries from {} on are keyed and were not checked: give --config with "
            "[ledger] key\n",
            found.keyed_from);
    } else if (found.keyed_from > 0) {
        out += fmt::format("  keyed from entry {} on\n", found.keyed_from);
    }
    for (const auto& witness : found.witnesses) {
        out += fmt::format("  the witness {} agrees\n", witness);
    }
    return out + fmt::format("  to note: {}:{}\n", end.entries, end.last_hash);
}

asio::awaitable<void> remove_all(SqliteLedger* ledger, Now now, LedgerSnapshot snapshot,
                                 Compacted what, Result<void>* out) {
    const auto held = co_await ledger->append_snapshot(now, std::move(snapshot));
    if (!held) {
        *out = held.error();
        co_return;
    }
    const auto begun = co_await ledger->begin_compaction(now, std::move(what));
    if (!begun) {
        *out = begun.error();
        co_return;
    }
    for (bool over = false; !over;) {
        const auto removed = co_await ledger->remove_some();
        if (!removed) {
            *out = removed.error();
            co_return;
        }
        over = *removed;
    }
}

Result<void> remove_now(SqliteLedger& ledger, Now now, LedgerSnapshot snapshot,
                        const LedgerOld& old) {
    Compacted what;
    what.through = old.through;
    what.until = old.wall;
    Result<void> done;
    asio::io_context io;
    auto work = remove_all(&ledger, now, std::move(snapshot), std::move(what), &done);
    asio::co_spawn(io, std::move(work), [](std::exception_ptr) {});
    io.run();
    return done;
}

Result<Now> newest_time(const SqliteLedger& ledger) {
    Now newest;
    const auto last = ledger.for_each([&](const StoredEntry& entry) -> Result<void> {
        newest = entry.now;
        return {};
    });
    if (!last) {
        return last.error();
    }
    return newest;
}

}  // namespace

Report verify_history(const LedgerAsked& asked) {
    std::optional<LedgerAtLeast> at_least;
    if (!asked.at_least.empty()) {
        at_least = parse_at_least(asked.at_least);
        if (!at_least) {
            return failed(Exit::usage,
                          Error{"--at-least is no N:HASH: " + sanitize(asked.at_least, 100),
                                "give a line that leverd status printed"});
        }
    }
    auto where = asked.state;
    LedgerOptions options;
    if (where.empty()) {
        const auto config = read_config(asked.config);
        if (!config) {
            return config.error();
        }
        where = config->daemon.state_directory;
        // A person who may read the ledger need not be able to read the secrets.
        const auto secrets = config::read_secrets(*config);
        options = ledger_options(*config, secrets ? *secrets : std::map<std::string, Secret>{});
    }
    const auto found = verify_ledger(where, options, at_least);
    if (!found) {
        return failed(Exit::failed, found.error());
    }
    Report out;
    out.out = verified_text(*found);
    return out;
}

Report compact_history(const LedgerAsked& asked) {
    const auto config = read_config(asked.config);
    if (!config) {
        return config.error();
    }
    const std::filesystem::path where =
        asked.state.empty() ? config->daemon.state_directory : asked.state;
    const auto secrets = config::read_secrets(*config);
    if (!secrets && !config->ledger.key.empty()) {
        return failed(Exit::config, secrets.error());
    }
    if (config->ledger.keep == Millis{0}) {
        return failed(Exit::failed, Error{"[ledger] keep = \"0s\" keeps every entry",
                                          "say how long entries are kept, e.g. keep = \"400d\""});
    }
    const auto options =
        ledger_options(*config, secrets ? *secrets : std::map<std::string, Secret>{});
    auto opened = SqliteLedger::open(where, options);
    if (!opened) {
        const bool locked = opened.error().kind == LedgerOpenFailure::locked;
        return failed(locked ? Exit::locked : Exit::failed,
                      locked ? Error{"leverd runs on this state directory and compacts it once a "
                                     "day by itself",
                                     "to do it now and shrink the file, stop leverd first"}
                             : opened.error().error);
    }
    auto& ledger = **opened;
    if (const auto& doubt = ledger.history().doubt) {
        return failed(Exit::failed,
                      Error{"nothing is removed from a history in doubt: " + doubt->why,
                            "start leverd, then leverd ledger accept --why ..."});
    }
    // Its own time is that of the newest entry: no process is there to carry the timeline on.
    const auto newest = newest_time(ledger);
    if (!newest) {
        return failed(Exit::failed, newest.error());
    }
    const auto old = newest_entry_before(where, newest->at - config->ledger.keep);
    if (!old) {
        return failed(Exit::failed, old.error());
    }
    Report out;
    if (old->removable == 0) {
        out.out = fmt::format("ok: no entry is older than {}, nothing was removed\n",
                              format_duration(config->ledger.keep));
        return out;
    }
    const std::atomic<bool> never{false};
    auto snapshot = make_snapshot(where, options, make_rules(*config), old->through, never);
    if (!snapshot) {
        return failed(Exit::failed, snapshot.error());
    }
    if (auto done = remove_now(ledger, *newest, std::move(*snapshot), *old); !done) {
        return failed(Exit::failed, done.error());
    }
    opened->reset();
    if (auto shrunk = shrink_ledger(where); !shrunk) {
        out.err = fmt::format("leverd: the file could not be shrunk: {}\n", shrunk.error().what);
    }
    out.out = fmt::format("ok: {} entries up to {} were removed; what they said is in a snapshot\n",
                          old->removable, format_rfc3339(old->wall));
    return out;
}

Report accept_history(const CliOptions& options, const std::string& why) {
    nlohmann::json body = nlohmann::json::object();
    body["why"] = why;
    const auto answer = call_daemon(options.socket, "POST", "/api/v1/ledger/accept", dump(body));
    if (answer.has_error()) {
        return failed(answer.error().code, answer.error().error);
    }
    const auto parsed = parse_json(answer->body);
    if (parsed.has_error()) {
        return failed(Exit::unknown, Error{"leverd answered with something that is not JSON", ""});
    }
    if (answer->status != 200) {
        const bool refused =
            answer->status == 401 || answer->status == 403 || answer->status == 409;
        return failed(refused ? Exit::refused : Exit::failed,
                      Error{text_at(*parsed, "error"), text_at(*parsed, "hint")});
    }
    Report out;
    out.out = options.json ? answer->body
                           : fmt::format(
                                 "accepted as {}: levers may fire again where a policy "
                                 "allows\n",
                                 text_at(*parsed, "who"));
    return out;
}

}  // namespace leverd::cli
