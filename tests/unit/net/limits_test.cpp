// Why: what the box itself lacks is never blamed on a target, and a year of looks leaks nothing.
#include "core/net/descriptors.hpp"
#include "core/net/process.hpp"
#include "tests/catch.hpp"
#include "tests/unit/net/client.hpp"
#include "tests/unit/net/server.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

namespace leverd::net {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using test::Client;
using test::Loop;
using test::reason;
using test::Server;

// Takes away every descriptor that is still free but `left`, until it goes.
class FewDescriptors {
  public:
    explicit FewDescriptors(int left) {
        getrlimit(RLIMIT_NOFILE, &before_);
        const int next = ::dup(0);
        ::close(next);
        rlimit tight = before_;
        tight.rlim_cur = static_cast<rlim_t>(next + left);
        setrlimit(RLIMIT_NOFILE, &tight);
    }
    ~FewDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
    FewDescriptors(const FewDescriptors&) = delete;
    FewDescriptors& operator=(const FewDescriptors&) = delete;

  private:
    rlimit before_{};
};

TEST_CASE("running out of descriptors says nothing about the target") {
    Loop loop;
    Server server(loop, test::answer_always);
    Client client(loop);
    {
        const FewDescriptors none(0);
        const auto answer = client.get(server.url());
        REQUIRE(reason(answer) == "no_descriptors");
        CHECK(answer.error().origin == Origin::local);
        CHECK_FALSE(answer.error().sent);
    }
    CHECK(reason(client.get(server.url())) == "ok");
}

TEST_CASE("looks leave descriptors for the doors when they run short") {
    Loop loop;
    Server server(loop, test::answer_always);
    Client client(loop);
    {
        const FewDescriptors few(descriptors_reserved);
        CHECK(reason(client.get(server.url())) == "no_descriptors");
        // What asks for no reserve still gets one: the doors, the ledger, the stop switch.
        const int door = ::dup(0);
        CHECK(door >= 0);
        ::close(door);
        ProcessRequest program;
        program.argv = {"/bin/true"};
        const auto ran = loop.run(run_process(program, deadline_in(5s)));
        CHECK(ran.end == ProcessEnd::not_started);
        CHECK(ran.code == EMFILE);
    }
    CHECK(reason(client.get(server.url())) == "ok");
}

TEST_CASE("a loop that was stuck does not call the target down") {
    Loop loop;
    Server server(loop, [](test::Peer& peer) { return test::send_and_hold(peer, ""); });
    Client client(loop);
    TaskGroup group(loop.io.get_executor(), nullptr);
    std::optional<HttpResult> result;
    group.spawn("fetch",
                test::fetch_into(client.transport.get(), Client::request("GET", server.url()),
                                 deadline_in(200ms), &result));
    loop.turn_until([&] { return !server.requests.empty(); });
    const auto stuck_until = test::Steady::now() + 1500ms;
    while (test::Steady::now() < stuck_until) {
        std::this_thread::yield();
    }
    loop.turn_until([&] { return group.size() == 0; });
    CHECK(reason(*result) == "loop_late");
    CHECK(result->error().origin == Origin::local);
}

TEST_CASE("a thousand looks leave the number of descriptors as it was") {
    Loop loop;
    Server good(loop, test::answer_always);
    Server cut(loop, [](test::Peer& peer) { return test::send_and_close(peer, ""); });
    std::string refused;
    {
        refused = Server(loop, test::answer_always).url();
    }
    Client client(loop);
    long before = 0;
    for (int i = 0; i < 1000; ++i) {
        HttpRequest request = Client::request("GET", good.url());
        request.fresh_connection = i % 2 == 0;
        REQUIRE(reason(client.fetch(request)) == "ok");
        if (i % 4 == 0) {
            REQUIRE(reason(client.get(cut.url())) == "connection_cut");
            REQUIRE(reason(client.get(refused)) == "connect_refused");
        }
        if (i == 20) {
            before = test::open_descriptors();
        }
    }
    loop.io.run_for(20ms);
    CHECK(test::open_descriptors() <= before + 2);
}

TEST_CASE("many fetches at once all end") {
    Loop loop;
    Server server(loop, test::answer_always);
    Server silent(loop, [](test::Peer& peer) { return test::send_and_hold(peer, ""); });
    Client client(loop);
    TaskGroup group(loop.io.get_executor(), nullptr);
    std::vector<std::optional<HttpResult>> results(200);
    for (std::size_t i = 0; i < results.size(); ++i) {
        const std::string url = i % 4 == 0 ? silent.url() : server.url();
        const Deadline deadline = deadline_in(i % 4 == 0 ? 2'000ms : 60'000ms);
        group.spawn("fetch", test::fetch_into(client.transport.get(), Client::request("GET", url),
                                              deadline, &results[i]));
    }
    loop.turn_until([&] { return group.size() == 0; });
    for (std::size_t i = 0; i < results.size(); ++i) {
        const auto& result = *results[i];
        // On a busy machine we are late ourselves, and say so.
        const bool ours = i % 4 == 0 && !result && result.error().origin == Origin::local;
        CHECK((ours || reason(result) == (i % 4 == 0 ? "header_timeout" : "ok")));
    }
}

}  // namespace
}  // namespace leverd::net
