// Why: levers are judged by the exact calls they make. This transport answers from a script, keeps
// every request, and knows no network.
#pragma once

#include "core/net/http.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace leverd::test {

net::HttpResult answer(int status, std::string body, std::string type = "application/json");
net::HttpResult html(int status);
net::HttpResult cut(int status);  // its status came, and its body never ended
net::HttpResult lost();           // sent, and the answer never came
net::HttpResult not_sent();       // for certain nothing left this machine
net::HttpResult no_body(int status);

class FakeHttp final : public net::HttpTransport {
  public:
    using Server = std::function<std::optional<net::HttpResult>(const net::HttpRequest&)>;

    // Replies to "METHOD url", one after the other; the last one stays.
    void script(const std::string& call, std::vector<net::HttpResult> replies);
    // Answers what no script does.
    void serve(Server server) { server_ = std::move(server); }

    boost::asio::awaitable<net::HttpResult> fetch(net::HttpRequest request,
                                                  net::Deadline deadline) override;

    // "METHOD url" of all requests, or of those that change something.
    std::vector<std::string> calls() const;
    std::vector<std::string> mutations() const;
    const net::HttpRequest* find(const std::string& call) const;

    std::vector<net::HttpRequest> seen;
    std::vector<net::Deadline> deadlines;
    std::vector<std::string> unscripted;

  private:
    std::map<std::string, std::deque<net::HttpResult>> scripts_;
    Server server_;
};

std::string header_of(const net::HttpRequest& request, const std::string& name);

template <class T>
boost::asio::awaitable<void> store(boost::asio::awaitable<T> task, std::optional<T>* out) {
    auto value = co_await std::move(task);
    out->emplace(std::move(value));
}

// Runs one coroutine to its end on a loop of its own.
template <class T>
T run(boost::asio::awaitable<T> task) {
    boost::asio::io_context loop;
    std::optional<T> out;
    std::exception_ptr thrown;
    boost::asio::co_spawn(loop, store(std::move(task), &out),
                          [&thrown](std::exception_ptr e) { thrown = e; });
    loop.run();
    if (thrown) {
        std::rethrow_exception(thrown);
    }
    return std::move(*out);
}

}  // namespace leverd::test
