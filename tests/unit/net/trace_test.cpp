// Why: what a look did is shown to people. Nothing in it may be a secret, whatever a remote side
// echoes, and a look with a thousand requests must not fill the memory.
#include "core/net/trace.hpp"

#include "core/base/text.hpp"
#include "tests/catch.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>

using namespace leverd;

namespace {

constexpr std::string_view planted = "Zq7pL9xkV3-of-the-request";

class Echo final : public net::HttpTransport {
  public:
    boost::asio::awaitable<net::HttpResult> fetch(net::HttpRequest request,
                                                  net::Deadline) override {
        if (request.url.find("/lost") != std::string::npos) {
            net::HttpFailure failure;
            failure.reason = Reason::connect_refused;
            failure.detail = "refused";
            co_return failure;
        }
        if (request.url.find("/cut") != std::string::npos) {
            net::HttpFailure failure;
            failure.reason = Reason::body_cut;
            failure.detail = "cut";
            failure.status = 202;
            co_return failure;
        }
        net::HttpResponse response;
        response.status = 200;
        response.headers["x-echo"] = request.bearer ? request.bearer->reveal() : "none";
        response.headers["set-cookie"] = "a=b";
        response.body = "you said " + response.headers["x-echo"];
        response.phases.header = Millis{7};
        co_return response;
    }
};

void fetch(net::Trace& trace, net::HttpRequest request) {
    boost::asio::io_context io;
    boost::asio::co_spawn(
        io, trace.fetch(std::move(request), net::deadline_in(Millis{100})),
        [](std::exception_ptr thrown, const net::HttpResult&) { REQUIRE_FALSE(thrown); });
    io.run();
}

net::HttpRequest request_to(const std::string& path) {
    net::HttpRequest request;
    request.url = "https://acme.example.test" + path;
    request.bearer = Secret{std::string(planted)};
    request.headers.emplace_back("X-Api-Key", "another");
    return request;
}

}  // namespace

TEST_CASE("a request is shown whole but for its secrets") {
    Echo echo;
    net::Trace trace(&echo, 10);
    fetch(trace, request_to("/health?token=" + std::string(planted)));
    const auto shown = trace.shown();
    REQUIRE(shown.size() == 1);
    const Exchange& one = shown.front();
    CHECK(one.url == "https://acme.example.test/health?token=[masked]");
    CHECK(one.status == 200);
    CHECK(one.login);
    CHECK(one.phases.header == Millis{7});
    CHECK(one.body == "you said [masked]");
    CHECK(one.sha256 == sha256_hex("you said " + std::string(planted)));
    CHECK(one.bytes == 9 + planted.size());
    std::string all = one.url + one.body + one.failure;
    for (const auto& headers : {one.sent, one.headers}) {
        for (const auto& [name, value] : headers) {
            all += name + value;
        }
    }
    CHECK(all.find(planted) == std::string::npos);
    CHECK(all.find("another") == std::string::npos);
    CHECK(all.find("a=b") == std::string::npos);
}

TEST_CASE("a request without an answer says why") {
    Echo echo;
    net::Trace trace(&echo, 10);
    fetch(trace, request_to("/lost"));
    CHECK(trace.shown().front().failure == "connect_refused: refused");
    CHECK(trace.shown().front().status == 0);
    fetch(trace, request_to("/cut"));
    CHECK(trace.shown().back().failure == "body_cut: cut");
    CHECK(trace.shown().back().status == 202);
}

TEST_CASE("only the newest requests are kept, the others counted") {
    Echo echo;
    net::Trace trace(&echo, 2);
    for (int i = 0; i < 5; ++i) {
        fetch(trace, request_to("/" + std::to_string(i)));
    }
    const auto shown = trace.shown();
    REQUIRE(shown.size() == 2);
    CHECK(shown.back().url == "https://acme.example.test/4");
    CHECK(trace.left_out() == 3);
}
