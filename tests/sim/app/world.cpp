// Why: see world.hpp.
#include "tests/sim/app/world.hpp"

#include "core/ledger/sqlite_ledger.hpp"
#include "core/net/clock.hpp"
#include "daemon/rules.hpp"
#include "tests/sim/app/virtual_time.hpp"
#include "tests/unit/levers/fake_http.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <fstream>

namespace asio = boost::asio;

namespace leverd::sim {
namespace {

using namespace std::chrono_literals;

constexpr Millis rest = 60min;

net::HttpResult nobody_there() {
    net::HttpFailure failure;
    failure.reason = Reason::deadline_local;
    failure.origin = Origin::local;
    failure.detail = "cancelled";
    failure.sent = true;
    return failure;
}

void defect(const net::TaskDefect& found) {
    fmt::print("{} threw: {}\n", found.task, found.what);
}

}  // namespace

void AppTally::add(const AppTally& other) {
    lives += other.lives;
    kills += other.kills;
    incidents += other.incidents;
    intents += other.intents;
    effects += other.effects;
    lost_replies += other.lost_replies;
    reloads += other.reloads;
    clock_steps += other.clock_steps;
    network_losses += other.network_losses;
    approvals += other.approvals;
    full_disks += other.full_disks;
    for (const auto& [kind, count] : other.verdicts) {
        verdicts[kind] += count;
    }
    for (const auto& [reason, count] : other.decisions) {
        decisions[reason] += count;
    }
}

class AppWorld::Transport final : public net::HttpTransport {
  public:
    explicit Transport(AppWorld* world) : world_(*world) {}

    asio::awaitable<net::HttpResult> fetch(net::HttpRequest request,
                                           net::Deadline deadline) override {
        const Millis latency{static_cast<std::int64_t>(20 + world_.below(280))};
        const bool arrives = co_await net::pause(latency);
        if (!arrives || world_.dead_) {
            co_return nobody_there();
        }
        const bool changes = request.method != "GET" && request.method != "HEAD";
        const auto fate = world_.mended_ ? 99 : world_.below(changes ? 8 : 400);
        if (changes && fate == 0) {
            world_.kill();
            co_return nobody_there();
        }
        if (changes) {
            world_.check_call(request);
        }
        auto served = fate == 1 ? test::lost() : world_.stack_.serve(request);
        world_.check_journal();
        if (changes && fate == 2) {
            world_.kill();
            co_return nobody_there();
        }
        if (fate == 1 || fate == 3) {
            world_.tally_.lost_replies += 1;
            const auto left = deadline - net::deadline_in(Millis{0});
            (void)co_await net::pause(std::chrono::duration_cast<Millis>(left));
            served = test::lost();
        } else if (fate == 4) {
            served = test::html(502);
        }
        co_return served;
    }

  private:
    AppWorld& world_;
};

class AppWorld::Journal final : public Ledger {
  public:
    Journal(AppWorld* world, Ledger* kept) : world_(*world), kept_(*kept) {}

    // The loop waits for the disk, so that one seed is one history; how long a disk takes is drawn,
    // so that whatever does not wait for it overtakes it.
    asio::awaitable<Result<LedgerReport>> append(std::vector<Entry> entries) override {
        const Error gone{"the process is dead", ""};
        const bool weighty = std::ranges::any_of(entries, [](const Entry& entry) {
            return std::holds_alternative<Intent>(entry.body) ||
                   std::holds_alternative<Outcome>(entry.body);
        });
        const auto cut = world_.dead_ ? Cut::before : world_.draw_cut(weighty);
        if (cut == Cut::before) {
            world_.kill();
            co_return gone;
        }
        if (world_.chance(weighty ? 3 : 20)) {
            const Millis slow{static_cast<std::int64_t>(world_.below(weighty ? 20'000 : 2'000))};
            (void)co_await net::pause(slow);
        }
        if (world_.dead_) {
            co_return gone;
        }
        if (world_.disk_is_full(weighty)) {
            world_.unwritten_ = true;
            co_return Error{"no space left on device", ""};
        }
        auto written = test::run(kept_.append(entries));
        if (!written) {
            world_.violate("the ledger could not be written: " + written.error().what);
            co_return written;
        }
        world_.unwritten_ = false;
        for (const auto& entry : entries) {
            world_.note(entry);
        }
        if (cut == Cut::after) {
            world_.kill();
            co_return gone;
        }
        co_return written;
    }

    asio::awaitable<Result<std::vector<StoredEntry>>> read(std::int64_t after,
                                                           std::size_t limit) override {
        return kept_.read(after, limit);
    }

  private:
    AppWorld& world_;
    Ledger& kept_;
};

AppWorld::AppWorld(std::uint64_t seed, std::filesystem::path directory)
    : seed_(seed), directory_(std::move(directory)), random_(seed) {}

void AppWorld::run(Millis trouble) {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_ / "state");
    std::filesystem::copy_file(LEVERD_SHIPPED_RUNBOOK, directory_ / "runbook.toml");
    virtual_time::reset();
    stack_ = FakeStack();
    full_until_ = 0;
    trouble_until_ = virtual_time::uptime() + trouble.count();
    end_ = trouble_until_ + rest.count();
    write_config();
    while (!over_ && violations_.empty()) {
        live();
        virtual_time::pass(Millis{static_cast<std::int64_t>(1000 * (1 + below(30)))});
    }
    const auto report = verify_ledger(directory_ / "state");
    if (report) {
        hash_ = report->end.last_hash;
    } else {
        violate("the ledger does not verify: " + report.error().what);
    }
    std::filesystem::remove_all(directory_);
}

void AppWorld::live() {
    const auto path = directory_ / "leverd.toml";
    auto loaded = config::load(path, vocabulary());
    for (const auto& problem : loaded.problems) {
        if (!problem.warning) {
            violate(config::render(problem));
            return;
        }
    }
    Outside outside;
    outside.transport = [this](const asio::any_io_executor&) {
        return std::make_unique<Transport>(this);
    };
    outside.ledger = [this](Ledger& kept) { return std::make_unique<Journal>(this, &kept); };
    auto made = App::make(path, std::move(loaded), std::move(outside));
    if (!made) {
        violate("it does not start: " + made.error().error.what);
        return;
    }
    app_ = std::move(*made);
    leaving_ = false;
    dead_ = false;
    tally_.lives += 1;
    tasks_ = std::make_unique<net::TaskGroup>(app_->executor(), defect);
    auto turns = app_->backend().subscribe([this] { check_turn(); });
    tasks_->spawn("world", go_on());
    app_->run();
    turns.reset();
    tasks_.reset();
    app_.reset();
}

asio::awaitable<void> AppWorld::go_on() {
    while (!leaving_) {
        const bool awake = co_await net::pause(1s);
        if (!awake || leaving_) {
            co_return;
        }
        const auto now = virtual_time::uptime();
        if (now < trouble_until_) {
            trouble();
            people();
        } else if (!mended_) {
            mended_ = true;
            stack_.heal();
        } else if (now >= end_) {
            check_rest();
            over_ = true;
            leave();
        }
    }
}

asio::awaitable<void> AppWorld::answer_late(std::string decision, Millis after) {
    const bool awake = co_await net::pause(after);
    if (awake && !leaving_) {
        const std::string who = "someone";
        const std::string why = "seen";
        auto taken = co_await app_->backend().approve(decision, !chance(4), who, why);
        tally_.approvals += taken ? 1 : 0;
    }
}

void AppWorld::trouble() {
    const auto slugs = stack_.slugs();
    if (chance(400)) {
        stack_.wedge(slugs[below(slugs.size())], chance(4));
    }
    if (chance(stack_.control_plane_up ? 4000 : 120)) {
        stack_.control_plane_up = !stack_.control_plane_up;
    }
    if (chance(stack_.network_up ? 3000 : 60)) {
        stack_.network_up = !stack_.network_up;
        tally_.network_losses += stack_.network_up ? 0 : 1;
    }
    if (chance(2500)) {
        virtual_time::step_calendar(chance(2) ? Millis{1h} : Millis{-1h});
        tally_.clock_steps += 1;
    }
    if (chance(1200)) {
        kill();
    } else if (chance(2500)) {
        leave();
    } else if (chance(1200)) {
        reload();
    }
}

void AppWorld::people() {
    for (const auto& [id, incident] : app_->backend().state().incidents) {
        const bool waits = incident.decision && incident.decision->action == Action::ask;
        if (waits && !leaving_ && asked_.insert(incident.decision->id).second) {
            const Millis after{static_cast<std::int64_t>(1000 * below(300))};
            tasks_->spawn("answer", answer_late(incident.decision->id, after));
        }
    }
}

void AppWorld::reload() {
    tally_.reloads += 1;
    write_config();
    (void)std::raise(SIGHUP);
}

void AppWorld::leave() {
    if (!leaving_) {
        leaving_ = true;
        tasks_->cancel();
        (void)std::raise(SIGTERM);
    }
}

void AppWorld::kill() {
    if (!dead_) {
        dead_ = true;
        tally_.kills += 1;
        leave();
    }
}

AppWorld::Cut AppWorld::draw_cut(bool weighty) {
    if (mended_ || !chance(weighty ? 8 : 400)) {
        return Cut::no;
    }
    return chance(2) ? Cut::before : Cut::after;
}

// A spell without room for a single entry; it likes to begin with an intent.
bool AppWorld::disk_is_full(bool weighty) {
    const auto now = virtual_time::uptime();
    if (!mended_ && now >= full_until_ && chance(weighty ? 6 : 4000)) {
        full_until_ = now + static_cast<std::int64_t>(1000 * (1 + below(60)));
        tally_.full_disks += 1;
    }
    return !mended_ && now < full_until_;
}

void AppWorld::write_config() {
    const auto where = directory_.string();
    const auto key = directory_ / "cp-token";
    std::ofstream(key) << "cp-token-0123456789\n";
    std::filesystem::permissions(key, std::filesystem::perms::owner_read);
    std::ofstream(directory_ / "leverd.toml")
        << fmt::format(R"(include = ["runbook.toml", "policies.toml"]
[daemon]
state_directory = "{0}/state"
socket = "{0}/leverd.sock"
listen = "127.0.0.1:0"
mode_ceiling = "auto"
[secrets]
cp_admin_token = {{ file = "{0}/cp-token" }}
[observer]
references = ["https://reference-0.test/", "https://reference-1.test/"]
quorum = 1
dwell = "60s"
[stack.control_plane]
url = "https://cp.test"
admin_token = "cp_admin_token"
redeploy_path = "/cp/admin/orgs/{{slug}}/redeploy"
[tenants]
url = "https://{{slug}}.tenants.test"
[[probe]]
kind = "reference"
interval = "15s"
retry = "2s"
timeout = "5s"
[[probe]]
kind = "control_plane"
interval = "30s"
retry = "2s"
timeout = "10s"
[[probe]]
kind = "tenant_health"
interval = "30s"
retry = "1s"
timeout = "10s"
)",
                       where);
    std::ofstream policies(directory_ / "policies.toml");
    for (const char* lever : {"tenant-redeploy", "tenant-restart"}) {
        policies << fmt::format(R"([[policy]]
id = "{0}"
symptom = "tenant-unreachable"
lever = "{0}"
subjects = ["*"]
mode = "{1}"
owner = "sim"
cool_down = "15m"
attempts = 1
per_hour = 6
blast_percent = 50
blast_count = 2
verify_timeout = "10m"
)",
                                lever, chance(2) ? "approve" : "auto");
    }
}

}  // namespace leverd::sim
