// Why: nothing ends unseen. Wherever something throws, also for want of memory, there is afterwards
// one outcome for each intent, or a plan's problem, or the process ended with 1 and said why.
#include "core/ledger/sqlite_ledger.hpp"
#include "core/model/codec.hpp"
#include "tests/unit/daemon/app_bench.hpp"
#include "tests/unit/daemon/through.hpp"

#include <map>
#include <new>
#include <stdexcept>

using namespace leverd;
namespace asio = boost::asio;

namespace {

// Throws once, at the n-th call after it was armed.
struct Fuse {
    void burn() {
        if (armed && ++calls == at) {
            blown = true;
            if (at % 2 == 0) {
                throw std::bad_alloc();
            }
            throw std::runtime_error("broken on purpose");
        }
    }
    bool armed = false;
    int at = 0;
    int calls = 0;
    bool blown = false;
};

class FusedTransport final : public net::HttpTransport {
  public:
    FusedTransport(Fuse* fuse, std::unique_ptr<net::HttpTransport> inner)
        : fuse_(*fuse), inner_(std::move(inner)) {}
    asio::awaitable<net::HttpResult> fetch(net::HttpRequest request,
                                           net::Deadline deadline) override {
        fuse_.burn();
        auto result = co_await inner_->fetch(std::move(request), deadline);
        co_return result;
    }

  private:
    Fuse& fuse_;
    std::unique_ptr<net::HttpTransport> inner_;
};

class FusedLedger final : public test::ThroughLedger {
  public:
    FusedLedger(Fuse* fuse, Ledger* inner) : ThroughLedger(inner), fuse_(*fuse) {}
    asio::awaitable<Result<LedgerReport>> append(std::vector<Entry> entries) override {
        fuse_.burn();
        auto report = co_await inner().append(std::move(entries));
        co_return report;
    }

  private:
    Fuse& fuse_;
};

class FusedClock final : public Clock {
  public:
    FusedClock(Fuse* fuse, const Clock* inner) : fuse_(*fuse), inner_(*inner) {}
    Now now() const override {
        fuse_.burn();
        return inner_.now();
    }

  private:
    Fuse& fuse_;
    const Clock& inner_;
};

enum class Seam { transport, ledger, clock };

struct Told {
    Exit exit = Exit::ok;
    bool blown = false;
    std::map<std::string, std::vector<OutcomeKind>> outcomes;  // of every intent in the ledger
    bool plan_failed = false;
};

void read_back(const test::AppBench& bench, Told& told) {
    auto ledger = SqliteLedger::open((bench.directory / "state").string());
    REQUIRE(ledger.has_value());
    const auto visit = [&told](const StoredEntry& stored) -> Result<void> {
        auto body = entry_from_json(stored.kind, stored.json);
        REQUIRE(body.has_value());
        if (const auto* intent = std::get_if<Intent>(&*body)) {
            told.outcomes[intent->id];
        } else if (const auto* outcome = std::get_if<Outcome>(&*body)) {
            told.outcomes[outcome->intent].push_back(outcome->kind);
        } else if (const auto* plan = std::get_if<PlanMade>(&*body)) {
            told.plan_failed = told.plan_failed || !plan->ok;
        }
        return {};
    };
    REQUIRE((*ledger)->for_each(visit).has_value());
}

// The tenant goes down with the fuse armed; over when the lever ended one way or the other.
asio::awaitable<void> trouble(test::AppBench* bench, Fuse* fuse) {
    const auto ready = [bench] { return bench->settled(); };
    co_await bench->until(ready, "ready");
    fuse->armed = true;
    bench->tenant.healthy = false;
    const auto over = [bench] { return test::end_of_lever(bench->backend().state()).has_value(); };
    co_await bench->until(over, "the lever came to an end, or its plan to a problem");
    fuse->armed = false;
}

Told blow(Seam seam, int at) {
    test::AppBench bench;
    bench.mode = "auto";
    bench.write();
    Fuse fuse;
    fuse.at = at;
    switch (seam) {
        case Seam::transport:
            bench.outside.transport = [&bench, &fuse](const asio::any_io_executor&) {
                return std::make_unique<FusedTransport>(&fuse, bench.transport());
            };
            break;
        case Seam::ledger:
            bench.outside.ledger = [&fuse](Ledger& kept) {
                return std::make_unique<FusedLedger>(&fuse, &kept);
            };
            break;
        case Seam::clock:
            bench.outside.clock = [&fuse](const Clock& kept) {
                return std::make_unique<FusedClock>(&fuse, &kept);
            };
            break;
    }
    Told told;
    told.exit = bench.run([&fuse](test::AppBench& running) { return trouble(&running, &fuse); });
    told.blown = fuse.blown;
    read_back(bench, told);
    return told;
}

// What must hold whatever threw. Without an outcome the next process writes `unknown`, and that it
// comes is what exit 1 is for.
void check(const Told& told) {
    CHECK((told.exit == Exit::ok || told.exit == Exit::failed));
    for (const auto& [intent, kinds] : told.outcomes) {
        INFO(intent);
        CHECK(kinds.size() <= 1);
        CHECK((kinds.size() == 1 || told.exit == Exit::failed));
    }
}

}  // namespace

TEST_CASE("whichever request of a look or a lever throws, each intent has one outcome") {
    int unknown = 0;
    int plans = 0;
    for (int at = 1; at <= 24; ++at) {
        const auto told = blow(Seam::transport, at);
        INFO("request " << at);
        check(told);
        CHECK(told.exit == Exit::ok);
        plans += told.plan_failed ? 1 : 0;
        for (const auto& [intent, kinds] : told.outcomes) {
            unknown += kinds.front() == OutcomeKind::unknown ? 1 : 0;
        }
        if (!told.blown) {
            break;
        }
    }
    // Else the fuse never met a lever.
    CHECK(unknown > 0);
    CHECK(plans > 0);
}

TEST_CASE("a ledger that throws ends the process with 1") {
    for (int at = 1; at <= 4; ++at) {
        const auto told = blow(Seam::ledger, at);
        INFO("commit " << at);
        check(told);
        CHECK(told.exit == (told.blown ? Exit::failed : Exit::ok));
    }
}

TEST_CASE("whoever finds the clock broken, the process ends with 1 or goes on whole") {
    int ended = 0;
    for (const int at : {1, 2, 3, 4, 5, 8, 13, 21, 34, 55}) {
        const auto told = blow(Seam::clock, at);
        INFO("reading " << at);
        check(told);
        ended += told.exit == Exit::failed ? 1 : 0;
    }
    CHECK(ended > 0);
}
