// Why: memory may run out anywhere. For each place that asks for some while a lever is planned,
// fired and told about, while people read and reload, one process of its own is run in which that
// place gets none. Whatever place it was, afterwards either everything goes on, or the process has
// ended with 1: each intent has one outcome, nothing was called twice, nothing stands still.
#include "core/ledger/sqlite_ledger.hpp"
#include "core/model/codec.hpp"
#include "daemon/last_words.hpp"
#include "tests/unit/daemon/app_bench.hpp"
#include "tests/unit/daemon/scarce_memory.hpp"
#include "tests/unit/daemon/through.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <deque>
#include <fstream>
#include <future>
#include <map>
#include <thread>

using namespace leverd;
using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace memory = leverd::test::memory;

namespace {

// How many processes run, spread evenly over all places; more of them for who looks for a defect.
std::size_t runs_wanted(std::size_t usual) {
    const char* given = std::getenv("LEVERD_MEMORY_RUNS");
    return given == nullptr ? usual : static_cast<std::size_t>(std::atoi(given));
}

// Far beyond what a loaded machine needs; whoever needs that long stands still.
constexpr Millis patience{60'000};
constexpr Millis life = 5 * patience;

// What a child says by its exit code besides what leverd itself does.
enum Verdict : int { door_hangs = 90, blind = 91, never_over = 92, no_page = 93, bench_broke = 99 };

struct Order {
    memory::Place place = 0;  // 0: only learn the places
    int further = 0;
};

struct Shared {
    test::AppBench* bench = nullptr;
    App* app = nullptr;
    std::atomic<bool> ended{false};
    std::atomic<int> verdict{0};
};

void append(const std::filesystem::path& file, const std::string& line) {
    std::ofstream(file, std::ios::app) << line << "\n";
}

// Answers for the pager's receiver and writes down what changes something before it is answered.
class Recorded final : public net::HttpTransport {
  public:
    Recorded(std::filesystem::path calls, std::unique_ptr<net::HttpTransport> inner)
        : calls_(std::move(calls)), inner_(std::move(inner)) {}
    asio::awaitable<net::HttpResult> fetch(net::HttpRequest request,
                                           net::Deadline deadline) override {
        if (request.url.starts_with("https://pager.test/")) {
            co_return test::no_body(204);
        }
        if (request.method != "GET") {
            const memory::Exempt bookkeeping;
            append(calls_, request.method + " " + request.url);
        }
        auto result = co_await inner_->fetch(std::move(request), deadline);
        co_return result;
    }

  private:
    std::filesystem::path calls_;
    std::unique_ptr<net::HttpTransport> inner_;
};

// What comes until the door closes; nothing when it stands open in silence, or the process ended.
std::optional<std::string> hear(const Shared& shared, int fd) {
    std::string all;
    std::array<char, 4096> piece{};
    const auto latest = net::deadline_in(patience);
    while (!shared.ended && net::deadline_in(Millis{0}) < latest) {
        pollfd readable{fd, POLLIN, 0};
        if (::poll(&readable, 1, 20) == 0) {
            continue;
        }
        const auto got = ::recv(fd, piece.data(), piece.size(), 0);
        if (got <= 0) {
            return all;
        }
        all.append(piece.data(), static_cast<std::size_t>(got));
    }
    return std::nullopt;
}

// The status, 0 when it was closed without one, -1 when nothing came in time.
int ask_door(const Shared& shared, const std::string& what) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto socket = shared.bench->directory / "leverd.sock";
    sockaddr_un there{};
    there.sun_family = AF_UNIX;
    std::strncpy(there.sun_path, socket.c_str(), sizeof there.sun_path - 1);
    int status = 0;
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0) {
        const std::string request = what +
                                    " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                                    "Content-Length: 0\r\n\r\n";
        (void)!::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
        const auto answer = hear(shared, fd);
        status = !answer ? -1 : answer->size() > 12 ? std::atoi(answer->c_str() + 9) : 0;
    }
    ::close(fd);
    return status;
}

// On leverd's own thread; nothing when the process has ended meanwhile.
template <class T>
std::optional<T> ask(Shared& shared, std::function<T()> question) {
    auto told = std::make_shared<std::promise<T>>();
    auto answer = told->get_future();
    asio::post(shared.app->executor(), [told, question] {
        const memory::Exempt bookkeeping;
        told->set_value(question());
    });
    while (!shared.ended) {
        if (answer.wait_for(2ms) == std::future_status::ready) {
            return answer.get();
        }
    }
    return std::nullopt;
}

// Asks again and again; false when it never was so while the process lived.
bool becomes(Shared& shared, const std::function<bool()>& holds) {
    const auto latest = net::deadline_in(patience);
    while (!shared.ended && net::deadline_in(Millis{0}) < latest) {
        if (ask<bool>(shared, holds).value_or(false)) {
            return true;
        }
        (void)::poll(nullptr, 0, 3);  // leverd's own thread gets its turns
    }
    return false;
}

// A person must hear of it.
bool wants_a_person(test::LeverEnd end) {
    return end != test::LeverEnd::answered;
}

void knock(Shared& shared, int turn) {
    static const std::array<const char*, 6> requests{
        "GET /metrics",   "GET /api/v1/status",    "GET /-/ready",
        "POST /-/reload", "GET /api/v1/incidents", "GET /api/v1/ledger?limit=5"};
    const auto status =
        ask_door(shared, requests[static_cast<std::size_t>(turn) % requests.size()]);
    if (status < 0 && !shared.ended) {
        shared.verdict = door_hangs;
    }
}

using Looks = std::map<std::pair<std::string, Subject>, WallTime>;

Looks newest_looks(Shared& shared) {
    Looks newest;
    for (const char* probe : {"tenant_health", "control_plane", "reference"}) {
        for (const auto& result : shared.app->backend().results(probe, Subject{}, 50)) {
            auto& at = newest[{probe, result.seen.subject}];
            at = std::max(at, result.seen.seen.wall);
        }
    }
    return newest;
}

// Every target is looked at again.
bool all_newer(Shared& shared, const Looks& before) {
    auto now = newest_looks(shared);
    return std::ranges::all_of(before,
                               [&now](const auto& look) { return now[look.first] > look.second; });
}

// A page, or the next plan fired a lever that was accepted: then nobody need hear of it.
bool told_or_mended(const State& state) {
    return !state.pages.empty() || std::ranges::any_of(state.intents, [](const auto& item) {
        return item.second.outcome && item.second.outcome->kind == OutcomeKind::accepted;
    });
}

// What must hold once there is memory again.
void check_whole(Shared& shared, bool must_page) {
    Looks before;
    ask<bool>(shared, [&] {
        before = newest_looks(shared);
        return true;
    });
    if (!becomes(shared, [&] { return all_newer(shared, before); }) && !shared.ended) {
        shared.verdict = blind;
        return;
    }
    if (must_page &&
        !becomes(shared, [&] { return told_or_mended(shared.app->backend().state()); }) &&
        !shared.ended) {
        shared.verdict = no_page;
        return;
    }
    if (shared.ended) {
        return;
    }
    const auto status = ask_door(shared, "GET /metrics");
    if (status != 200 && !shared.ended) {
        shared.verdict = door_hangs;
    }
}

void watch(Shared& shared, const Order& order, int told) {
    const memory::Exempt all;
    if (!becomes(shared, [&] { return test::is_settled(shared.app->backend()); })) {
        shared.verdict = never_over;
    }
    ask<bool>(shared, [&] { return shared.bench->tenant.healthy = false; });
    if (order.place == 0) {
        memory::learn();
    } else {
        memory::refuse(order.place, order.further, told);
    }
    bool must_page = false;
    int turn = 0;
    const auto latest = net::deadline_in(patience);
    bool over = false;
    // All requests once more after the lever's end, so that they meet every state.
    for (int after = 0; after < 6 && !shared.ended && shared.verdict == 0; ++turn) {
        over = over || ask<bool>(shared, [&] {
                           const auto end = test::end_of_lever(shared.app->backend().state());
                           must_page = end && wants_a_person(*end);
                           return end.has_value();
                       }).value_or(false);
        knock(shared, turn);
        after += over ? 1 : 0;
        if (net::deadline_in(Millis{0}) > latest) {
            shared.verdict = never_over;
        }
    }
    memory::relent();
    if (shared.verdict == 0 && !shared.ended) {
        check_whole(shared, must_page);
    }
    (void)::kill(::getpid(), SIGTERM);
}

// In a process of its own.
int live(test::AppBench& bench, const Order& order) {
    const memory::Exempt start;
    for (const int signal : {SIGSEGV, SIGBUS, SIGABRT}) {
        (void)std::signal(signal, SIG_DFL);  // not the test runner's
    }
    end_with_last_words();
    spdlog::set_default_logger(
        spdlog::basic_logger_mt("child", (bench.directory / "log").string()));
    spdlog::set_level(spdlog::level::info);
    spdlog::flush_on(spdlog::level::info);
    Outside outside;
    outside.transport = [&bench](const asio::any_io_executor&) {
        return std::make_unique<Recorded>(bench.directory / "calls", bench.transport());
    };
    auto loaded = config::load(bench.config_path(), vocabulary());
    auto made = App::make(bench.config_path(), std::move(loaded), outside);
    if (!made) {
        return bench_broke;
    }
    const int told =
        ::open((bench.directory / "place").c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
    Shared shared;
    shared.bench = &bench;
    shared.app = made->get();
    std::thread watcher([&] { watch(shared, order, told); });
    std::atomic<int> exit{bench_broke};
    std::thread leverd([&] {
        // A handler that nobody catches is the end of the process, as in main().
        exit = static_cast<int>((*made)->run());
        shared.ended = true;
    });
    leverd.join();
    watcher.join();
    memory::relent();
    if (order.place == 0) {
        std::ofstream places(bench.directory / "places");
        for (const auto place : memory::learnt()) {
            places << place << "\n";
        }
    }
    return shared.verdict != 0 ? shared.verdict.load() : exit.load();
}

struct Run {
    std::unique_ptr<test::AppBench> bench;
    Order order;
    pid_t child = -1;
    net::Deadline latest;
};

Run begin(const Order& order) {
    Run run;
    run.order = order;
    run.bench = std::make_unique<test::AppBench>();
    run.bench->mode = "auto";
    run.bench->write(
        "[page]\ngrace_percent = 1\n[[notify]]\nid = \"pager\"\nkind = \"webhook\"\nurl = "
        "\"https://pager.test/hook\"\n");
    run.latest = net::deadline_in(life);
    run.child = ::fork();
    if (run.child == 0) {
        int code = bench_broke;
        try {
            code = live(*run.bench, order);
        } catch (...) {
            code = bench_broke;
        }
        ::_exit(code);
    }
    return run;
}

// -1: it stood still and was killed; above 128: a signal.
int finish(const Run& run) {
    int status = 0;
    const int child = static_cast<int>(::syscall(SYS_pidfd_open, run.child, 0));
    REQUIRE(child >= 0);
    const auto left = std::chrono::duration_cast<Millis>(run.latest - net::deadline_in(Millis{0}));
    pollfd ended{child, POLLIN, 0};
    const bool hangs = ::poll(&ended, 1, static_cast<int>(std::max<long>(left.count(), 0))) == 0;
    if (hangs) {
        (void)::kill(run.child, SIGKILL);
    }
    (void)::waitpid(run.child, &status, 0);
    ::close(child);
    if (hangs) {
        return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::map<std::string, std::size_t> outcomes_of(const test::AppBench& bench) {
    std::map<std::string, std::size_t> outcomes;
    auto ledger = SqliteLedger::open((bench.directory / "state").string());
    REQUIRE(ledger.has_value());
    const auto visit = [&outcomes](const StoredEntry& stored) -> Result<void> {
        auto body = entry_from_json(stored.kind, stored.json);
        REQUIRE(body.has_value());
        if (const auto* intent = std::get_if<Intent>(&*body)) {
            CHECK_FALSE(outcomes.contains(intent->id));
            outcomes[intent->id];
        } else if (const auto* outcome = std::get_if<Outcome>(&*body)) {
            outcomes[outcome->intent] += 1;
        }
        return {};
    };
    REQUIRE((*ledger)->for_each(visit).has_value());
    return outcomes;
}

std::size_t count(const std::string& text, const std::string& what) {
    std::size_t found = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
        ++found;
    }
    return found;
}

// The next process makes an end of what this one left open.
asio::awaitable<void> settle(test::AppBench& bench) {
    const auto ready = [&bench] { return bench.settled(); };
    co_await bench.until(ready, "the next process is ready");
}

void check(Run run, std::size_t& ended) {
    const int code = finish(run);
    INFO("refused, and " << run.order.further << " more:\n"
                         << text_of(run.bench->directory / "place"));
    INFO(text_of(run.bench->directory / "log"));
    CHECK((code == 0 || code == 1));
    ended += code == 1 ? 1 : 0;
    const auto calls = text_of(run.bench->directory / "calls");
    CHECK(count(calls, "/stop\n") <= 1);
    CHECK(count(calls, "/start\n") <= 1);
    auto outcomes = outcomes_of(*run.bench);
    const bool left = std::ranges::any_of(outcomes, [](const auto& o) { return o.second == 0; });
    CHECK((!left || code == 1));
    if (left) {
        CHECK(run.bench->run(settle) == Exit::ok);
        outcomes = outcomes_of(*run.bench);
    }
    for (const auto& [intent, ends] : outcomes) {
        INFO(intent);
        CHECK(ends == 1);
    }
}

std::vector<memory::Place> places() {
    const auto run = begin(Order{});
    REQUIRE(finish(run) == 0);
    std::ifstream file(run.bench->directory / "places");
    std::vector<memory::Place> all;
    for (memory::Place place = 0; file >> place;) {
        all.push_back(place);
    }
    return all;
}

void refuse_over(const std::vector<memory::Place>& all, std::size_t runs, int further) {
    constexpr std::size_t at_once = 4;
    std::deque<Run> running;
    std::size_t ended = 0;
    for (std::size_t i = 0; i < std::min(runs, all.size()); ++i) {
        running.push_back(begin(Order{all[i * all.size() / std::min(runs, all.size())], further}));
        if (running.size() == at_once) {
            check(std::move(running.front()), ended);
            running.pop_front();
        }
    }
    while (!running.empty()) {
        check(std::move(running.front()), ended);
        running.pop_front();
    }
    if (std::getenv("LEVERD_MEMORY_RUNS") != nullptr) {
        WARN(runs << " of " << all.size() << " places, " << ended << " processes ended with 1");
    }
}

}  // namespace

TEST_CASE("wherever memory runs out leverd goes on whole or ends with 1, and calls nothing twice") {
    const auto all = places();
    CHECK(all.size() > 500);
    refuse_over(all, runs_wanted(64), 0);
}

TEST_CASE("memory that stays away for a while ends in the same: whole, or an end with 1") {
    refuse_over(places(), runs_wanted(32), 100);
}
