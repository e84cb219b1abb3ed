// Why: leverd hands its programs to a helper of another user. A helper that is not there, refuses,
// dies or talks nonsense must end in one clear result and never in a hanging look.
#include "core/net/exec_channel.hpp"
#include "tests/catch.hpp"
#include "tests/unit/secrets/echo_world.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <filesystem>

#include <unistd.h>

using namespace leverd;
namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;

namespace {

// Accepts one connection, reads one frame and answers with these bytes; then hangs up, or not.
class Helper {
  public:
    Helper(asio::io_context& io, std::string answer, bool hangs_up = true)
        : path_((std::filesystem::temp_directory_path() /
                 ("leverd-exec-" + std::to_string(::getpid()) + ".sock"))
                    .string()),
          answer_(std::move(answer)),
          hangs_up_(hangs_up),
          socket_(io) {
        std::filesystem::remove(path_);
        acceptor_.emplace(io, Protocol::endpoint(path_));
        acceptor_->async_accept(socket_, [this](const boost::system::error_code& ec) {
            if (!ec) {
                read_head();
            }
        });
    }
    ~Helper() { std::filesystem::remove(path_); }
    Helper(const Helper&) = delete;
    Helper& operator=(const Helper&) = delete;

    const std::string& path() const { return path_; }
    std::string asked;
    bool caller_left = false;

  private:
    void read_head() {
        asio::async_read(socket_, asio::buffer(head_),
                         [this](const boost::system::error_code&, std::size_t) {
                             asked.resize(static_cast<unsigned char>(head_[2]) * 256U +
                                          static_cast<unsigned char>(head_[3]));
                             read_body();
                         });
    }
    void read_body() {
        asio::async_read(socket_, asio::buffer(asked),
                         [this](const boost::system::error_code&, std::size_t) {
                             boost::system::error_code ignored;
                             asio::write(socket_, asio::buffer(answer_), ignored);
                             if (hangs_up_) {
                                 socket_.close(ignored);
                             } else {
                                 wait_for_end();
                             }
                         });
    }
    void wait_for_end() {
        socket_.async_read_some(asio::buffer(head_),
                                [this](const boost::system::error_code& ec, std::size_t) {
                                    caller_left = static_cast<bool>(ec);
                                });
    }

    std::string path_;
    std::string answer_;
    bool hangs_up_;
    Protocol::socket socket_;
    std::optional<Protocol::acceptor> acceptor_;
    std::array<char, 4> head_{};
};

net::ProcessResult ask(asio::io_context& io, const std::string& socket, Millis time) {
    net::ProcessRequest request;
    request.helper = socket;
    request.called = {"lever", "restart", "tenant/acme"};
    std::optional<net::ProcessResult> result;
    asio::co_spawn(io, net::run_process(std::move(request), net::deadline_in(time)),
                   [&result](std::exception_ptr thrown, net::ProcessResult told) {
                       REQUIRE_FALSE(thrown);
                       result = std::move(told);
                   });
    io.run();
    REQUIRE(result.has_value());
    return *result;
}

net::ProcessResult ended(net::ProcessEnd end, int code) {
    net::ProcessResult result;
    result.end = end;
    result.code = code;
    result.detail = "words";
    result.out = std::string("raw\0\xff", 5);
    result.err = "errors";
    result.out_cut = true;
    return result;
}

constexpr Millis plenty{60'000};

}  // namespace

TEST_CASE("a run by the helper is told as if it had been our own") {
    for (const auto end : {net::ProcessEnd::exited, net::ProcessEnd::signalled,
                           net::ProcessEnd::timed_out, net::ProcessEnd::not_started}) {
        asio::io_context io;
        Helper helper(io, net::to_frames(ended(end, 3)));
        const auto result = ask(io, helper.path(), plenty);
        CHECK(result.end == end);
        CHECK(result.code == 3);
        CHECK(result.detail == "words");
        CHECK(result.out == std::string("raw\0\xff", 5));
        CHECK(result.err == "errors");
        CHECK(result.out_cut);
        CHECK_FALSE(result.err_cut);
        const auto asked = net::exec_asked(helper.asked);
        REQUIRE(asked.has_value());
        CHECK(asked->called == std::vector<std::string>{"lever", "restart", "tenant/acme"});
        CHECK(asked->time > Millis{0});
        CHECK(asked->time < plenty);
    }
}

TEST_CASE("without a helper nothing ran, and the words say where to look") {
    asio::io_context io;
    const auto result = ask(io, "/nowhere/leverd-exec.sock", plenty);
    CHECK(result.end == net::ProcessEnd::not_started);
    CHECK(result.detail.find("/nowhere/leverd-exec.sock: No such file") == 0);
    CHECK(result.detail.find("leverd-exec.socket") != std::string::npos);
}

TEST_CASE("a helper that ends without an answer leaves the outcome open") {
    const std::string good = net::to_frames(ended(net::ProcessEnd::exited, 0));
    for (const std::string& answer :
         {std::string(), good.substr(0, 3), good.substr(0, good.size() - 1),
          net::frame("nonsense") + net::frame("") + net::frame(""),
          net::frame("{\"end\":\"well\",\"code\":0,\"detail\":\"\"}") + net::frame("") +
              net::frame(""),
          std::string("\xff\xff\xff\xff")}) {
        asio::io_context io;
        Helper helper(io, answer);
        const auto result = ask(io, helper.path(), plenty);
        CHECK(result.end == net::ProcessEnd::signalled);
        CHECK(result.err.find("no answer") != std::string::npos);
    }
}

TEST_CASE("a helper that never answers is left at the deadline") {
    asio::io_context io;
    Helper helper(io, "", false);
    CHECK(ask(io, helper.path(), Millis{50}).end == net::ProcessEnd::timed_out);
    CHECK(helper.caller_left);
}

TEST_CASE("what a caller may ask for is read strictly") {
    CHECK(net::exec_asked(R"({"called":["browser"],"time_ms":5,"grace_ms":1})").has_value());
    for (const std::string bad :
         {"", "[]", "{}", R"({"called":[],"time_ms":5,"grace_ms":1})",
          R"({"called":[7],"time_ms":5,"grace_ms":1})", R"({"called":["browser"],"time_ms":"5"})",
          R"({"called":"browser","time_ms":5,"grace_ms":1})"}) {
        CAPTURE(bad);
        CHECK_FALSE(net::exec_asked(bad).has_value());
    }
}
