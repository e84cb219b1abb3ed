// Why: a page that a receiver holds and leverd has lost the history of must neither be open for
// ever nor be called over: nobody saw that.
#include "policies/page/forgotten.hpp"

#include "tests/catch.hpp"
#include "tests/unit/policies/page_story.hpp"

#include <algorithm>

using namespace leverd;
using namespace leverd::test;
using namespace std::chrono_literals;

namespace {

Paged page_of(const Bench& bench, const std::string& key) {
    const auto found = bench.view().pages.find(key);
    REQUIRE(found != bench.view().pages.end());
    return found->second;
}

// What a sink holds after one case of acme that is told and still open.
std::vector<Paged> told_of_acme(Bench& bench) {
    bench.settle();
    bench.kill("acme");
    pass(bench, 20s, {"acme"});
    auto told = page_of(bench, "i-1");
    REQUIRE(told.status == PageStatus::firing);
    return {told};
}

bool was_sent(const Bench& bench, const std::string& key, PageStatus status) {
    const auto asked = bench.asked<SendPage>();
    return std::ranges::any_of(asked, [&](const SendPage& one) {
        return one.page.key == key && one.page.status == status;
    });
}

}  // namespace

TEST_CASE("a page whose history is lost says so, and ends without being called over") {
    Bench bench(recommending());
    const auto told = told_of_acme(bench);
    bench.lose_history(told, false);
    const auto now = page_of(bench, "i-1");
    CHECK(now.status == PageStatus::firing);
    CHECK(now.version == told[0].version + 1);
    CHECK(now.state == "no_history");
    CHECK(now.text.starts_with(
        "leverd lost the history that this page comes from, so it does not know whether this is "
        "over. What leverd still sees wrong, it tells in a page of its own. Next: look at "
        "tenant/acme by hand. This page ends by itself at 2027-01-15 08:0"));
    CHECK(now.text.find("Before that it said: Since 2027-01-15 08:01:02 UTC.") !=
          std::string::npos);
    CHECK(was_sent(bench, "i-1", PageStatus::firing));
    pass(bench, 4min, {});
    CHECK(page_of(bench, "i-1").status == PageStatus::firing);
    pass(bench, 2min, {});
    const auto over = page_of(bench, "i-1");
    CHECK(over.status == PageStatus::resolved);
    CHECK(over.text ==
          "Closed, and nobody saw whether it is over. leverd lost the history that this page comes "
          "from, so it does not know whether this is over. What leverd still sees wrong, it tells "
          "in a page of its own.");
    CHECK(over.news == "closed; nobody saw whether it is over");
    CHECK(was_sent(bench, "i-1", PageStatus::resolved));
}

TEST_CASE("while the history is in doubt such a page stays until a person accepts the loss") {
    Bench bench(recommending());
    const auto told = told_of_acme(bench);
    bench.lose_history(told, true);
    CHECK(page_of(bench, "i-1").text.find("stays until you accept") != std::string::npos);
    pass(bench, 60min, {});
    CHECK(page_of(bench, "i-1").status == PageStatus::firing);
    bench.restart();
    pass(bench, 10min, {});
    CHECK(page_of(bench, "i-1").status == PageStatus::firing);
    bench.send(HistoryAccepted{"mara", "the disk was replaced"});
    pass(bench, 10s, {});
    const auto over = page_of(bench, "i-1");
    CHECK(over.status == PageStatus::resolved);
    CHECK(
        over.text.ends_with("A person accepted that the history is lost: the disk was "
                            "replaced."));
}

TEST_CASE("what is still wrong after the loss has a page of its own, under a new key") {
    Bench bench(recommending());
    const auto told = told_of_acme(bench);
    bench.lose_history(told, false);
    bench.settle();
    bench.kill("acme");
    pass(bench, 30s, {"acme"});
    CHECK(page_of(bench, "i-2").subject == Subject{"tenant/acme"});
    CHECK(page_of(bench, "i-2").status == PageStatus::firing);
    CHECK(page_of(bench, "i-1").state == "no_history");
    bench.restart();
    CHECK(page_of(bench, "i-1").state == "no_history");
    CHECK(page_of(bench, "i-2").status == PageStatus::firing);
}

TEST_CASE("keys and versions of a lost history are not used again") {
    Bench bench(recommending());
    auto over = told_of_acme(bench)[0];
    over.key = "i-41";
    over.status = PageStatus::resolved;
    auto storm = over;
    storm.key = "storm-7";
    storm.version = 900;
    bench.lose_history({over, storm}, false);
    CHECK_FALSE(was_sent(bench, "i-41", PageStatus::firing));
    bench.settle();
    bench.kill("acme");
    pass(bench, 30s, {"acme"});
    CHECK(page_of(bench, "i-42").status == PageStatus::firing);
    CHECK(bench.view().book.storms == 7);
    CHECK(bench.view().book.made > 900);
}

TEST_CASE("where the ledger knows every page, nothing is told anew") {
    Bench bench(recommending());
    const auto told = told_of_acme(bench);
    CHECK(forgotten_pages(recommending(), bench.view(), told, false, bench.now()).empty());
}

TEST_CASE("a page of leverd's own state goes on when that state is still so") {
    Bench bench(recommending());
    bench.settle();
    Paged doubt;
    doubt.key = "observer";
    doubt.version = 3;
    doubt.status = PageStatus::firing;
    doubt.severity = Severity::warning;
    doubt.state = "observer";
    doubt.since = doubt.at = bench.now();
    bench.lose_history({doubt}, false);
    for (int i = 0; i < 320; ++i) {
        bench.advance(1s);
        for (int one = 0; one < 3; ++one) {
            bench.reference(one, false);
        }
        bench.tick();
    }
    REQUIRE_FALSE(bench.view().observer.trusted);
    CHECK(page_of(bench, "observer").state == "observer");
    CHECK(page_of(bench, "observer").status == PageStatus::firing);
}

TEST_CASE("pages newer than the ledger show that it was put back to an older copy") {
    Bench bench(recommending());
    auto newer = told_of_acme(bench)[0];
    CHECK(history_told_by(bench.view(), {newer}, false).empty());
    newer.version = bench.view().book.made + 3;
    CHECK(history_told_by(bench.view(), {newer}, false).find("put back to an older copy") !=
          std::string::npos);
    newer.unwritten = true;
    CHECK(history_told_by(bench.view(), {newer}, false).empty());
}

TEST_CASE("a page of which newer versions were told goes on above them") {
    Bench bench(recommending());
    auto over = told_of_acme(bench)[0];
    over.version += 5;
    over.status = PageStatus::resolved;
    const auto again =
        forgotten_pages(bench.engine().rules(), bench.view(), {over}, true, bench.now());
    REQUIRE(again.size() == 1);
    const auto& page = std::get<Paged>(again[0].body);
    CHECK(page.version == over.version + 1);
    CHECK(page.status == PageStatus::firing);
    CHECK(page.state != "no_history");
}

TEST_CASE("a page that the ledger calls over and that was told open since then is open") {
    Bench bench(recommending());
    auto open = told_of_acme(bench)[0];
    pass(bench, 10min, {});
    REQUIRE(page_of(bench, "i-1").status == PageStatus::resolved);
    open.version = page_of(bench, "i-1").version + 7;
    const auto again =
        forgotten_pages(bench.engine().rules(), bench.view(), {open}, true, bench.now());
    REQUIRE(again.size() == 1);
    const auto& page = std::get<Paged>(again[0].body);
    CHECK(page.version == open.version + 1);
    CHECK(page.state == "no_history");
}
