// Why: what a snapshot forgets is forgotten for good at the next start. The compiler finds members
// that the codec lacks (policies/state/members.hpp); this finds those that come back changed.
#include "policies/state/codec.hpp"

#include "core/base/text.hpp"
#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

#include <cmath>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>

using namespace leverd;
using leverd::test::Bench;
using leverd::test::small_rules;

namespace {

std::string folded(const Rules& rules, const std::vector<Entry>& ledger) {
    Engine engine(rules);
    for (const auto& entry : ledger) {
        engine.restore(entry);
    }
    return encode_state(engine.view());
}

// The fold of the whole ledger, begun at a snapshot after `through` entries.
std::string folded_from(const Rules& rules, const std::vector<Entry>& ledger, std::size_t through) {
    Engine before(rules);
    Chronicle told;
    for (std::size_t i = 0; i < through; ++i) {
        before.restore(ledger[i]);
        told.add(ledger[i]);
    }
    State state;
    Chronicle again;
    const auto read = decode_snapshot(encode_snapshot(before.view(), told), state, again);
    INFO((read ? std::string{} : read.error().what));
    REQUIRE(read.has_value());
    Engine after(rules);
    after.adopt(std::move(state));
    for (std::size_t i = through; i < ledger.size(); ++i) {
        after.restore(ledger[i]);
        again.add(ledger[i]);
    }
    Chronicle all;
    for (const auto& entry : ledger) {
        all.add(entry);
    }
    CHECK(again.tally.counts() == all.tally.counts());
    CHECK(again.started_at == all.started_at);
    return encode_state(after.view());
}

// A day in which most things happen that a state can hold.
Bench busy_day() {
    auto rules = small_rules();
    rules.policies.policies[0].limits.attempts = 3;
    Bench bench(rules);
    bench.settle();
    bench.send(VetoCommand{"tenant/globex", "", std::chrono::hours{2}, "ops", "a demo"});
    bench.send(StopCommand{true, "ops", "a test", std::chrono::hours{1}});
    bench.send(StopCommand{false, "ops", "over", Millis{0}});
    bench.kill("acme");
    bench.outcome("t-1", OutcomeKind::accepted);
    bench.advance(std::chrono::seconds{61});
    for (int i = 1; i <= 4; ++i) {
        bench.good("acme", i);
        bench.advance(std::chrono::seconds{10});
    }
    bench.kill("globex");
    bench.restart();
    bench.kill_all({"initech", "hooli"});
    bench.outcome("t-2", OutcomeKind::unknown);
    bench.reference(0, false);
    bench.reference(1, false);
    bench.tick();
    bench.send(HistoryDoubted{"shorter", 9, "h", 5, "g"});
    return bench;
}

}  // namespace

TEST_CASE("the fold from every snapshot equals the fold from the first entry") {
    const auto bench = busy_day();
    const auto& ledger = bench.ledger();
    const auto rules = bench.engine().rules();
    const auto all = folded(rules, ledger);
    REQUIRE(ledger.size() > 40);
    for (std::size_t through = 0; through <= ledger.size(); ++through) {
        INFO("a snapshot after " << through << " of " << ledger.size() << " entries");
        REQUIRE(folded_from(rules, ledger, through) == all);
    }
}

TEST_CASE("a snapshot comes back byte for byte, odd numbers included") {
    State state;
    Observation look;
    look.subject = Subject{"tenant/acme"};
    look.probe = "tenant_health";
    look.facts = {{"a", std::numeric_limits<double>::quiet_NaN()},
                  {"b", -std::numeric_limits<double>::infinity()},
                  {"c", 0.1}};
    look.evidence = "caf\xC3\xA9 \"x\"\n";
    auto& held = state.subjects[look.subject];
    held.looks.keep(state.shapes, look);
    held.last_facts["c"] = std::numeric_limits<double>::infinity();
    Detector run;
    run.history = std::numeric_limits<std::uint64_t>::max();
    held.detectors["s"] = run;
    const auto text = encode_snapshot(state, Chronicle{});
    State back;
    Chronicle told;
    REQUIRE(decode_snapshot(text, back, told).has_value());
    CHECK(encode_snapshot(back, told) == text);
    CHECK(back.subjects.at(look.subject).detectors.at("s").history == run.history);
}

TEST_CASE("a snapshot of an older leverd lacks members, one of a newer leverd is refused") {
    State state;
    Chronicle told;
    CHECK(decode_snapshot("[\"incidents_made\",7]\n", state, told).has_value());
    CHECK(state.incidents_made == 7);
    const auto newer = decode_snapshot("[\"from_tomorrow\",7]\n", state, told);
    REQUIRE(newer.has_error());
    CHECK(newer.error().what.find("from_tomorrow") != std::string::npos);
    CHECK(decode_snapshot("[\"vetoes\",[\"v-1\",{\"set\":{}}]]\n", state, told).has_error());
    CHECK(decode_snapshot("nonsense\n", state, told).has_error());
}

TEST_CASE("the counts of a ledger are those that its entries add up to") {
    const auto bench = busy_day();
    Chronicle told;
    for (const auto& entry : bench.ledger()) {
        told.add(entry);
    }
    std::int64_t entries = 0;
    for (const auto& [count, times] : told.tally.counts()) {
        entries += count.first == "entries" ? times : 0;
    }
    CHECK(entries == static_cast<std::int64_t>(bench.ledger().size()));
    CHECK(told.tally.counts().at({"outcomes", {"tenant-redeploy", "accepted"}}) == 1);
}

// A member that is named in the bindings and not visited would be missing on both sides of every
// comparison above.
TEST_CASE("every member of the state is written, or is known to follow from the others") {
    const std::set<std::string> follows{
        "shapes", "ancestry", "ledger_writable", "self_reports", "self_reports_made",
        "index",  "agenda",   "visible",         "counted",      "counted_good",
        "fades",  "above"};
    std::ifstream in(LEVERD_STATE_MEMBERS);
    std::stringstream text;
    text << in.rdbuf();
    const std::string source = text.str();
    int structs = 0;
    for (auto at = source.find("auto& ["); at != std::string::npos;
         at = source.find("auto& [", at + 1)) {
        ++structs;
        const auto open = source.find('[', at);
        const auto close = source.find(']', open);
        const auto body = source.substr(close, source.find("\n}\n", close) - close);
        auto names = source.substr(open + 1, close - open - 1);
        std::erase_if(names, [](char c) { return c == ' ' || c == '\n'; });
        for (const auto& name : split(names, ',')) {
            CAPTURE(name);
            const auto visit = "visit(\"" + name + "\", " + name + ")";
            CHECK((body.find(visit) != std::string::npos || follows.contains(name)));
        }
    }
    CHECK(structs >= 20);
}
