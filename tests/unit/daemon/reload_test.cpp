// Why: after a reload an operator knows what runs: all of the new files, or all of the old ones
// with automatic levers held; and every key is taken up or named.
#include "config/reload.hpp"
#include "tests/unit/daemon/app_bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

using namespace leverd;
namespace asio = boost::asio;

namespace {

const Decision* decision_on(test::AppBench& bench, const char* subject) {
    for (const auto& [id, incident] : bench.backend().state().incidents) {
        if (incident.subject == Subject{subject} && incident.phase != IncidentPhase::closed &&
            incident.decision) {
            return &*incident.decision;
        }
    }
    return nullptr;
}

asio::awaitable<void> refuse_then_mend(test::AppBench& bench) {
    const auto seen = [&bench] { return bench.settled(); };
    co_await bench.until(seen, "ready");
    bench.write("[[probe]]\nkind = \"tenant_healt\"\n");
    const auto refused = co_await bench.backend().reload();
    CHECK_FALSE(refused.ok);
    REQUIRE_FALSE(refused.problems.empty());
    CHECK(refused.problems.front().find("did you mean") != std::string::npos);
    CHECK(refused.problems.front().find('^') != std::string::npos);
    const auto held = [&bench] { return !bench.backend().state().self_reports.empty(); };
    co_await bench.until(held, "the engine heard of it");
    CHECK_FALSE(bench.backend().ready().ok);
    CHECK(bench.backend().metrics()().find("leverd_config_last_reload_successful 0") !=
          std::string::npos);
    bench.tenant.healthy = false;
    const auto decided = [&bench] {
        const auto* decision = decision_on(bench, "tenant/acme");
        return decision != nullptr && decision->reason == "daemon_ready";
    };
    co_await bench.until(decided, "the automatic lever was held by daemon_ready");
    CHECK(bench.tenant.changes.empty());
    bench.write();
    const auto mended = co_await bench.backend().reload();
    CHECK(mended.ok);
    const auto fired = [&bench] { return bench.tenant.changes.size() == 2; };
    co_await bench.until(fired, "the lever went after a good reload");
    bench.tenant.healthy = true;
    CHECK(bench.backend().metrics()().find("leverd_config_last_reload_successful 1") !=
          std::string::npos);
}

// What people elsewhere read of a refusal: the place and the reason, and nothing of the line.
asio::awaitable<void> refuse_with_a_secret(test::AppBench& bench) {
    const auto seen = [&bench] { return bench.settled(); };
    co_await bench.until(seen, "ready");
    bench.write(
        "[[notify]]\nid = \"pager\"\nkind = \"webhook\"\nurl = "
        "\"https://pager.test/hook\"\nsecrett = \"hunter2-hunter2\"\n");
    const auto refused = co_await bench.backend().reload();
    CHECK_FALSE(refused.ok);
    const auto held = [&bench] { return !bench.backend().state().self_reports.empty(); };
    co_await bench.until(held, "the engine heard of it");
    const auto why = bench.backend().state().self_reports.begin()->second.why;
    INFO(why);
    CHECK(why.find(bench.config_path().string() + ":") != std::string::npos);
    CHECK(why.find("unknown key 'secrett'") != std::string::npos);
    CHECK(why.find("Next: leverd check --config " + bench.config_path().string()) !=
          std::string::npos);
    CHECK(why.find('\n') == std::string::npos);
    CHECK(why.find("hunter2") == std::string::npos);
    const auto ready = bench.backend().ready();
    CHECK_FALSE(ready.ok);
    CHECK(ready.why.find("hunter2") == std::string::npos);
    CHECK(ready.next.starts_with("leverd check --config " + bench.config_path().string()));
}

asio::awaitable<void> look_at_nothing(test::AppBench& bench) {
    const auto ready = bench.backend().ready();
    CHECK_FALSE(ready.ok);
    CHECK(ready.why == "nothing is looked at: the config has no [[probe]]");
    CHECK(ready.next ==
          "add a [[probe]] to " + bench.config_path().string() + ", then leverd reload");
    // Both are legal: the reload is good, and says them all the same.
    const auto done = co_await bench.backend().reload();
    CHECK(done.ok);
    for (const auto* words : {"there is no [[probe]]", "there is no [[notify]]"}) {
        CHECK(std::ranges::any_of(done.warnings, [&](const auto& warning) {
            return warning.find(words) != std::string::npos;
        }));
    }
}

asio::awaitable<void> fire_all_the_same(test::AppBench& bench) {
    const auto seen = [&bench] { return bench.settled(); };
    co_await bench.until(seen, "ready");
    bench.write_raw("[daemon\n");
    const auto refused = co_await bench.backend().reload();
    CHECK_FALSE(refused.ok);
    const auto held = [&bench] { return !bench.backend().state().self_reports.empty(); };
    co_await bench.until(held, "the engine heard of it");
    exporters::FireWanted wanted;
    wanted.lever = "tenant-restart";
    wanted.subject = Subject{"tenant/acme"};
    wanted.who = "somebody";
    wanted.why = "a test";
    const auto fired = co_await bench.backend().fire(wanted);
    REQUIRE(fired.has_value());
    CHECK_FALSE(fired->intent.empty());
    const auto sent = [&bench] { return bench.tenant.changes.size() == 2; };
    co_await bench.until(sent, "both calls were made");
}

// A value of the same kind that the readers may accept.
std::vector<std::string> other_values(const std::string& written) {
    if (written == "true" || written == "false") {
        return {written == "true" ? "false" : "true"};
    }
    if (written.starts_with('"')) {
        const auto inside = written.substr(1, written.size() - 2);
        return {"\"" + inside + "x\"",  "\"31s\"",   "\"901ms\"",   "\"7m\"",
                "\"" + inside + "/x\"", "\"debug\"", "\"observe\"", "\"recommend\"",
                "\"127.0.0.1:1\""};
    }
    if (written.starts_with('[')) {
        return {"[\"https://other.test/\", \"https://more.test/\"]", "[\"tenant/other\"]",
                "[\"127.0.0.1:5300\"]", "[]"};
    }
    const auto number = std::atoi(written.c_str());
    return {std::to_string(number + 1), std::to_string(number - 1)};
}

// One line of the file for each key, so that a line is a setting.
constexpr const char* all_daemon_keys = R"(log_level = "info"
probes_in_flight = 250)";
constexpr const char* all_other_keys = R"([net]
user_agent = "leverd"
nameservers = ["127.0.0.1:5301"]
[freeze]
active = false
known_good_after = "30m"
[events]
tenant_stream = false
tenant_stream_origin = "https://origin.test"
[storm]
incidents = 5
within = "5m"
quiet = "10m"
[runbook]
fresh_for = "2m"
gone_after = "1d"
[runbook.flapping]
window = "30m"
start = 6
stop = 2
[topology]
workspace = ["tenant/{tenant}"]
[[notify]]
id = "pager"
kind = "webhook"
url = "https://pager.test/hook"
)";

struct Line {
    std::string table;
    std::string key;
    std::size_t at = 0;  // of the value
    std::size_t length = 0;
};

std::vector<Line> lines_of(const std::string& text) {
    std::vector<Line> lines;
    std::string table;
    for (std::size_t begin = 0; begin < text.size();) {
        const auto end = std::min(text.find('\n', begin), text.size());
        const auto line = text.substr(begin, end - begin);
        if (line.starts_with('[')) {
            table = line;
        } else if (const auto equals = line.find(" = "); equals != std::string::npos) {
            lines.push_back(
                {table, line.substr(0, equals), begin + equals + 3, line.size() - equals - 3});
        }
        begin = end + 1;
    }
    return lines;
}

// Changes each key in turn and asks what the reload said about it.
asio::awaitable<void> walk(test::AppBench& bench) {
    std::ifstream file(bench.config_path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    std::size_t walked = 0;
    for (const auto& line : lines_of(text)) {
        const auto* row = config::find_reload(line.table, line.key);
        INFO(line.table << " " << line.key);
        REQUIRE(row != nullptr);
        if (line.key == "id" || line.key == "kind") {
            continue;  // another name is another item
        }
        bool changed = false;
        for (const auto& value : other_values(text.substr(line.at, line.length))) {
            auto other = text;
            other.replace(line.at, line.length, value);
            bench.write_raw(other);
            if (!config::load(bench.config_path(), vocabulary()).ok()) {
                continue;
            }
            const auto done = co_await bench.backend().reload();
            if (!done.ok) {
                continue;  // a secret's file that is not there
            }
            changed = true;
            REQUIRE(done.changed.size() == 1);
            CHECK(done.changed.front().starts_with(line.table));
            CHECK(done.changed.front().ends_with(line.key));
            const bool named = !done.restart_needed.empty();
            CHECK(named == (row->on_reload == config::OnReload::restart));
            if (named) {
                CHECK(done.restart_needed.front().starts_with(line.table + " " + line.key + ": "));
                CHECK(bench.backend().metrics()().find("leverd_config_restart_needed 1") !=
                      std::string::npos);
                CHECK(bench.backend().restart_needed() == done.restart_needed);
            }
            bench.write_raw(text);
            const auto back = co_await bench.backend().reload();
            CHECK(back.ok);
            CHECK(back.restart_needed.empty());
            break;
        }
        walked += changed ? 1 : 0;
        CHECK((changed || line.key == "kind" || line.key == "id" || line.key == "probe" ||
               line.key == "symptom" || line.key == "lever" || line.key == "row" ||
               line.key == "admin_token" || line.key == "api_token" || line.key == "cp" ||
               line.key == "api" || line.key == "subject" || line.key == "any" ||
               line.key == "active"));
    }
    CHECK(walked > 40);
}

asio::awaitable<void> follow_the_secret(test::AppBench& bench) {
    const auto asked = [&bench] { return !bench.tenant.tokens.empty(); };
    co_await bench.until(asked, "the control plane was asked");
    std::ofstream(bench.directory / "cp-token") << "cp-token-another-one\n";
    const auto made_before = bench.transports;
    const auto done = co_await bench.backend().reload();
    REQUIRE(done.ok);
    CHECK(bench.transports == made_before + 1);  // [net] is read anew, the CA file, too
    const auto newest = [&bench] { return bench.tenant.tokens.back() == "cp-token-another-one"; };
    co_await bench.until(newest, "looks use the new secret");
}

}  // namespace

TEST_CASE("a refused reload holds automatic levers by daemon_ready until a good one") {
    test::AppBench bench;
    bench.mode = "auto";
    bench.write();
    CHECK(bench.run(refuse_then_mend) == Exit::ok);
}

TEST_CASE("after a refused reload a person still fires by hand") {
    test::AppBench bench;
    bench.write();
    CHECK(bench.run(fire_all_the_same) == Exit::ok);
}

TEST_CASE("a refused reload is told by place and reason, without the line of the file") {
    test::AppBench bench;
    bench.write();
    CHECK(bench.run(refuse_with_a_secret) == Exit::ok);
}

TEST_CASE("without any probe leverd is not ready, and a good reload says its warnings") {
    test::AppBench bench;
    bench.write_raw(
        fmt::format("[daemon]\nstate_directory = \"{0}/state\"\nsocket = "
                    "\"{0}/leverd.sock\"\nlisten = \"127.0.0.1:0\"\n",
                    bench.directory.string()));
    CHECK(bench.run(look_at_nothing) == Exit::ok);
}

TEST_CASE("every key of the config is taken up by a reload or named as needing a restart") {
    test::AppBench bench;
    bench.write(all_other_keys, all_daemon_keys);
    CHECK(bench.run(walk) == Exit::ok);
}

TEST_CASE("a reload reads secrets and certificates anew, for looks that begin after it") {
    test::AppBench bench;
    bench.write();
    CHECK(bench.run(follow_the_secret) == Exit::ok);
}
