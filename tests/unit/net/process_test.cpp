// Why: a program that a user configured must never outlive its look, see our environment or fill
// our memory; and its end must be told apart from our own faults.
#include "core/net/process.hpp"
#include "tests/catch.hpp"
#include "tests/unit/net/loop.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <unistd.h>

namespace leverd::net {
namespace {

using test::Loop;

ProcessResult run(std::vector<std::string> argv, Millis time = Millis{20'000},
                  void (*change)(ProcessRequest&) = nullptr) {
    Loop loop;
    ProcessRequest request;
    request.argv = std::move(argv);
    if (change != nullptr) {
        change(request);
    }
    return loop.run(run_process(request, deadline_in(time)));
}

ProcessResult script(const std::string& text, Millis time = Millis{20'000},
                     void (*change)(ProcessRequest&) = nullptr) {
    return run({"/bin/sh", "-c", text}, time, change);
}

std::size_t open_descriptors() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator("/proc/self/fd")) {
        ++count;
    }
    return count;
}

// Children of this process that are still there, zombies included.
std::string own_children() {
    std::string all;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::string numbers;
        std::getline(std::ifstream(task.path() / "children") >> std::ws, numbers);
        all += numbers;
    }
    return all;
}

}  // namespace

TEST_CASE("a program's exit status and both streams come back") {
    const ProcessResult result = script("echo said; echo complained >&2; exit 3");
    CHECK(result.end == ProcessEnd::exited);
    CHECK(result.code == 3);
    CHECK(result.out == "said\n");
    CHECK(result.err == "complained\n");
    CHECK_FALSE(result.out_cut);
}

TEST_CASE("a program's arguments pass through no shell") {
    const ProcessResult result = run({"/bin/echo", "a b", "$HOME; `id`"});
    CHECK(result.out == "a b $HOME; `id`\n");
}

TEST_CASE("a program inherits no environment, no descriptor and no directory") {
    ::setenv("LEVERD_TEST_SECRET", "hidden", 1);
    const ProcessResult words = run({"/usr/bin/env"}, Millis{20'000},
                                    [](ProcessRequest& r) { r.environment["ONLY"] = "this"; });
    CHECK(words.out == "ONLY=this\n");
    // 3 is the listing's own.
    const ProcessResult files = run({"/bin/ls", "/proc/self/fd"});
    CHECK(files.out == "0\n1\n2\n3\n");
    CHECK(run({"/bin/pwd"}).out == "/\n");
}

TEST_CASE("a program reads its input and then its end") {
    const ProcessResult result = run({"/bin/cat"}, Millis{20'000}, [](ProcessRequest& r) {
        r.input = std::string(300'000, 'x') + "end";
        r.output_limit = 1U << 20;
    });
    CHECK(result.out.size() == 300'003);
    CHECK(run({"/bin/cat"}).out.empty());
}

TEST_CASE("a program's output is capped and read to its end") {
    const ProcessResult result =
        script("head -c 3000000 /dev/zero; echo e >&2; exit 7", Millis{20'000},
               [](ProcessRequest& r) { r.output_limit = 1000; });
    CHECK(result.code == 7);
    CHECK(result.out.size() == 1000);
    CHECK(result.out_cut);
    CHECK(result.err == "e\n");
    CHECK_FALSE(result.err_cut);
}

TEST_CASE("a program that takes too long is killed with everything it started") {
    const auto start = test::Steady::now();
    const ProcessResult result = script(
        "trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & echo $!; wait", Millis{400});
    CHECK(result.end == ProcessEnd::timed_out);
    CHECK(test::since(start) < Millis{5'000});
    const int grandchild = std::atoi(result.out.c_str());
    REQUIRE(grandchild > 1);
    // A killed process that nobody reaped yet still has a number; it is no longer running.
    const bool gone = ::kill(grandchild, 0) != 0;
    const auto state = gone ? std::string("Z")
                            : run({"/bin/ps", "-o", "stat=", "-p", std::to_string(grandchild)}).out;
    CHECK((state.empty() || state.front() == 'Z'));
}

TEST_CASE("a program is asked to end before it is killed") {
    const ProcessResult result =
        script("trap 'echo tidy; exit 0' TERM; while :; do sleep 0.05; done", Millis{2'000});
    CHECK(result.end == ProcessEnd::timed_out);
    CHECK(result.out == "tidy\n");
}

TEST_CASE("what a program leaves behind does not hold its end up") {
    const auto start = test::Steady::now();
    const ProcessResult result = script("sleep 30 & setsid sleep 3 & echo done");
    CHECK(result.end == ProcessEnd::exited);
    CHECK(result.code == 0);
    CHECK(result.out == "done\n");
    CHECK(test::since(start) < Millis{2'500});
}

TEST_CASE("a program that left its group and ignores SIGTERM does not hold up the loop") {
    // The leader itself moves to the group of its child, so that no signal to its own finds it.
    Loop loop;
    ProcessRequest request;
    request.argv = {"/usr/bin/python3", "-c",
                    "import os, signal, time\n"
                    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                    "child = os.fork()\n"
                    "os.setpgid(0, 0) if child == 0 else (time.sleep(0.3), os.setpgid(0, child))\n"
                    "print(os.getpid(), flush=True)\n"
                    "while True: time.sleep(1)\n"};
    const auto start = test::Steady::now();
    const ProcessResult result = loop.run(run_process(request, deadline_in(Millis{3'000})));
    CHECK(result.end == ProcessEnd::timed_out);
    CHECK(test::since(start) < Millis{20'000});
    CHECK(own_children().empty());
    std::istringstream numbers(result.out);
    for (int number = 0; numbers >> number;) {
        INFO(number);
        CHECK(::kill(number, 0) != 0);
    }
}

TEST_CASE("what a program leaves behind in a session of its own ends with it and is reaped") {
    const ProcessResult result = script(
        "setsid /bin/sh -c 'trap \"\" TERM HUP; echo $$; while :; do sleep 1; done' & "
        "sleep 0.3; exit 0");
    CHECK(result.end == ProcessEnd::exited);
    CHECK(result.code == 0);
    const int stray = std::atoi(result.out.c_str());
    REQUIRE(stray > 1);
    CHECK(::kill(stray, 0) != 0);
    CHECK(own_children().empty());
}

TEST_CASE("a program's death by a signal is no exit status") {
    const ProcessResult result = script("kill -SEGV $$");
    CHECK(result.end == ProcessEnd::signalled);
    CHECK(result.code == SIGSEGV);
}

TEST_CASE("a program that cannot be started says why") {
    const ProcessResult missing = run({"/nonexistent/program"});
    CHECK(missing.end == ProcessEnd::not_started);
    CHECK(missing.code == ENOENT);
    CHECK(missing.detail == "starting the program: No such file or directory");
    CHECK(run({"sh"}).end == ProcessEnd::not_started);
    CHECK(run({}).end == ProcessEnd::not_started);
    const ProcessResult nowhere =
        run({"/bin/true"}, Millis{20'000}, [](ProcessRequest& r) { r.directory = "/nonexistent"; });
    CHECK(nowhere.detail == "changing to the directory: No such file or directory");
}

TEST_CASE("a program can run as somebody else") {
    if (::geteuid() != 0) {
        return;  // needs root
    }
    const ProcessResult result = script("id -u; id -G", Millis{20'000}, [](ProcessRequest& r) {
        r.user = ProcessUser{65534, 65534};
    });
    CHECK(result.out == "65534\n65534\n");
}

TEST_CASE("a cancelled owner ends the program") {
    Loop loop;
    ProcessRequest request;
    request.argv = {"/bin/sleep", "30"};
    boost::asio::cancellation_signal stop;
    std::optional<ProcessResult> result;
    boost::asio::co_spawn(
        loop.io, run_process(request, deadline_in(Millis{60'000})),
        boost::asio::bind_cancellation_slot(
            stop.slot(), [&](std::exception_ptr, ProcessResult r) { result = std::move(r); }));
    loop.io.poll();
    stop.emit(boost::asio::cancellation_type::terminal);
    loop.turn_until([&] { return result.has_value(); });
    CHECK(result->end == ProcessEnd::cancelled);
}

TEST_CASE("programs leave no descriptor behind") {
    script("exit 0");
    const std::size_t before = open_descriptors();
    for (int i = 0; i < 50; ++i) {
        script("echo x; exit 1");
        run({"/nonexistent/program"});
    }
    CHECK(open_descriptors() == before);
}

}  // namespace leverd::net
