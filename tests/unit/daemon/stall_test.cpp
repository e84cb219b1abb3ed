// Why: a daemon that stands still must not look well. Health and the systemd watchdog follow the
// age of the newest turn and of the newest look, not the fact that somebody answers.
#include "core/net/asio_use.hpp"
#include "tests/unit/daemon/app_bench.hpp"
#include "tests/unit/daemon/through.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <boost/asio/this_coro.hpp>

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>

using namespace leverd;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

// Stands for systemd: hears what is sent to the notify socket.
class Systemd {
  public:
    explicit Systemd(const std::filesystem::path& socket)
        : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, socket.c_str(), sizeof address.sun_path - 1);
        REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        ::setenv("NOTIFY_SOCKET", socket.c_str(), 1);
        ::setenv("WATCHDOG_USEC", "200000", 1);
    }
    ~Systemd() {
        ::unsetenv("NOTIFY_SOCKET");
        ::unsetenv("WATCHDOG_USEC");
        ::close(fd_);
    }
    Systemd(const Systemd&) = delete;
    Systemd& operator=(const Systemd&) = delete;

    // How often the watchdog was petted since the last call.
    int pets() const {
        int found = 0;
        std::array<char, 512> message{};
        for (ssize_t got = 0; (got = ::recv(fd_, message.data(), message.size(), 0)) > 0;) {
            const std::string text(message.data(), static_cast<std::size_t>(got));
            found += text.find("WATCHDOG=1") != std::string::npos ? 1 : 0;
        }
        return found;
    }

  private:
    int fd_;
};

// Time that a test adds to the machine's.
class LaterClock final : public Clock {
  public:
    LaterClock(const Clock* inner, const Millis* more) : inner_(*inner), more_(*more) {}
    Now now() const override {
        auto now = inner_.now();
        now.at += more_;
        now.wall += more_;
        return now;
    }

  private:
    const Clock& inner_;
    const Millis& more_;
};

// Appends wait while `held` is set, as on a disk that does not answer.
class HeldLedger final : public test::ThroughLedger {
  public:
    HeldLedger(Ledger* inner, const bool* held, bool* waiting)
        : ThroughLedger(inner), held_(*held), waiting_(*waiting) {}
    asio::awaitable<Result<LedgerReport>> append(std::vector<Entry> entries) override {
        while (held_) {
            waiting_ = true;
            (void)co_await net::pause(2ms);
        }
        waiting_ = false;
        auto report = co_await inner().append(std::move(entries));
        co_return report;
    }

  private:
    const bool& held_;
    bool& waiting_;
};

// Answers nothing while `held` is set and heeds no cancellation either.
class DeafTransport final : public net::HttpTransport {
  public:
    DeafTransport(std::unique_ptr<net::HttpTransport> inner, const bool* held)
        : inner_(std::move(inner)), held_(*held) {}
    asio::awaitable<net::HttpResult> fetch(net::HttpRequest request,
                                           net::Deadline deadline) override {
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        while (held_) {
            (void)co_await net::pause(2ms);
        }
        auto result = co_await inner_->fetch(std::move(request), deadline);
        co_return result;
    }

  private:
    std::unique_ptr<net::HttpTransport> inner_;
    const bool& held_;
};

struct Stage {
    explicit Stage(test::AppBench* used) : bench(*used), systemd(bench.directory / "notify.sock") {
        bench.write();
        bench.outside.clock = [this](const Clock& kept) {
            return std::make_unique<LaterClock>(&kept, &more);
        };
        bench.outside.ledger = [this](Ledger& kept) {
            return std::make_unique<HeldLedger>(&kept, &ledger_held, &ledger_waiting);
        };
        bench.outside.transport = [this](const asio::any_io_executor&) {
            return std::make_unique<DeafTransport>(bench.transport(), &looks_held);
        };
        bench.outside.look_age_max = 2s;
    }

    test::AppBench& bench;
    Systemd systemd;
    Millis more{0};
    bool ledger_held = false;
    bool ledger_waiting = false;
    bool looks_held = false;
};

asio::awaitable<void> well_and_petted(Stage* stage) {
    const auto well = [stage] { return stage->bench.backend().healthy().ok; };
    co_await stage->bench.until(well, "health is good");
    int pets = 0;
    const auto petted = [stage, &pets] { return (pets += stage->systemd.pets()) > 0; };
    co_await stage->bench.until(petted, "the watchdog is petted");
}

// Longer than several of leverd's own rounds: a pet would have come.
asio::awaitable<void> unwell_and_not_petted(Stage* stage, std::string words) {
    const auto unwell = [stage] { return !stage->bench.backend().healthy().ok; };
    co_await stage->bench.until(unwell, "health is bad");
    const auto said = stage->bench.backend().healthy().why;
    INFO(said);
    CHECK(said.find(words) != std::string::npos);
    CHECK(said.find("restart leverd") != std::string::npos);
    (void)stage->systemd.pets();
    (void)co_await net::pause(1'600ms);
    CHECK(stage->systemd.pets() == 0);
}

asio::awaitable<void> driver_stands(Stage* stage) {
    const auto ready = [stage] { return stage->bench.settled(); };
    co_await stage->bench.until(ready, "ready");
    co_await well_and_petted(stage);
    stage->ledger_held = true;
    stage->bench.tenant.healthy = false;  // something to write
    const auto waits = [stage] { return stage->ledger_waiting; };
    co_await stage->bench.until(waits, "a turn waits for the disk");
    stage->more += 11s;
    co_await unwell_and_not_petted(stage, "the last turn was");
    stage->ledger_held = false;
    co_await well_and_petted(stage);
}

asio::awaitable<void> first_turn_stands(Stage* stage) {
    const auto waits = [stage] { return stage->ledger_waiting; };
    co_await stage->bench.until(waits, "the first turn waits for the disk");
    stage->more += 11s;
    co_await unwell_and_not_petted(stage, "the last turn was");
    stage->ledger_held = false;
    co_await well_and_petted(stage);
}

asio::awaitable<void> looks_stand(Stage* stage) {
    const auto ready = [stage] { return stage->bench.settled(); };
    co_await stage->bench.until(ready, "ready");
    co_await well_and_petted(stage);
    stage->looks_held = true;
    co_await unwell_and_not_petted(stage, "none began or ended");
    stage->looks_held = false;
    co_await well_and_petted(stage);
}

void play(bool ledger_held, asio::awaitable<void> (*story)(Stage*)) {
    test::AppBench bench;
    Stage stage(&bench);
    stage.ledger_held = ledger_held;
    CHECK(bench.run([&stage, story](test::AppBench&) { return story(&stage); }) == Exit::ok);
}

}  // namespace

TEST_CASE("while the driver stands still health is bad and the watchdog is not petted") {
    play(false, driver_stands);
}

TEST_CASE("a driver whose first turn never ends is as bad as one that stopped later") {
    play(true, first_turn_stands);
}

TEST_CASE("while every look blocks health is bad and the watchdog is not petted") {
    play(false, looks_stand);
}
