// Why: what a coroutine reads must live as long as the coroutine, whatever is reloaded meanwhile.
#include "policies/levers/lever.hpp"
#include "tests/unit/daemon/app_bench.hpp"

#include <algorithm>

using namespace leverd;
namespace asio = boost::asio;

namespace {

asio::awaitable<void> reload_often(test::AppBench& bench) {
    const auto acme = Subject{"tenant/acme"};
    const auto known = [&bench] { return bench.settled(); };
    co_await bench.until(known, "the tenant was seen");
    bench.tenant.hold_changes = true;
    exporters::FireWanted wanted;
    wanted.lever = "tenant-restart";
    wanted.subject = acme;
    wanted.who = "somebody";
    wanted.why = "a test";
    const auto fired = co_await bench.backend().fire(wanted);
    REQUIRE(fired.has_value());
    for (const auto& guard : fired->decision.guards) {
        INFO(guard.guard << ": " << guard.text);
        CHECK(guard.pass);
    }
    REQUIRE_FALSE(fired->intent.empty());
    const auto sent = [&bench] { return !bench.tenant.changes.empty(); };
    co_await bench.until(sent, "the stop was sent");
    for (int i = 0; i < 40; ++i) {
        const auto done = co_await bench.backend().reload();
        REQUIRE(done.ok);
    }
    bench.tenant.hold_changes = false;
    const auto ended = [&bench, &fired] {
        const auto& intents = bench.backend().state().intents;
        const auto held = intents.find(fired->intent);
        return held != intents.end() && held->second.outcome.has_value();
    };
    co_await bench.until(ended, "the lever came to its end");
    REQUIRE(bench.tenant.changes.size() == 2);
    CHECK(bench.tenant.changes[0].ends_with("/stop"));
    CHECK(bench.tenant.changes[1].ends_with("/start"));
    const auto& outcome = *bench.backend().state().intents.at(fired->intent).outcome;
    INFO(outcome.detail);
    CHECK(outcome.kind == OutcomeKind::accepted);
}

}  // namespace

TEST_CASE("forty reloads while a lever is on its way: the stop is followed by its start") {
    test::AppBench bench;
    bench.write();
    CHECK(bench.run(reload_often) == Exit::ok);
}

TEST_CASE("two tables of levers share no memory: a new process begins with none") {
    const levers::LeverTable one;
    const levers::LeverTable other;
    REQUIRE(one.all().size() == other.all().size());
    for (std::size_t i = 0; i < one.all().size(); ++i) {
        CHECK(one.all()[i] != other.all()[i]);
        CHECK(one.find(one.all()[i]->contract().id) == one.all()[i]);
    }
}
