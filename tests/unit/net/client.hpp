// Why: the few lines that every test of the transport needs.
#pragma once

#include "core/net/http.hpp"
#include "core/net/task_group.hpp"
#include "tests/unit/net/loop.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace leverd::net::test {

struct Client {
    explicit Client(Loop& l, TransportOptions options = {})
        : loop(l), transport(make_transport(l.io.get_executor(), std::move(options))) {}

    HttpResult fetch(HttpRequest request, Millis d = Millis{20'000}) {
        return loop.run(transport->fetch(std::move(request), deadline_in(d)));
    }
    HttpResult get(const std::string& url, Millis d = Millis{20'000}) {
        return fetch(request("GET", url), d);
    }
    static HttpRequest request(const std::string& method, const std::string& url) {
        HttpRequest r;
        r.method = method;
        r.url = url;
        return r;
    }

    Loop& loop;
    std::unique_ptr<HttpTransport> transport;
};

// "ok" or the reason's name.
inline std::string reason(const HttpResult& r) {
    return std::string(r ? "ok" : describe(r.error().reason).name);
}

inline boost::asio::awaitable<void> fetch_into(HttpTransport* transport, HttpRequest request,
                                               Deadline deadline,
                                               std::optional<HttpResult>* result) {
    result->emplace(co_await transport->fetch(std::move(request), deadline));
}

inline long open_descriptors() {
    namespace fs = std::filesystem;
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator{});
}

}  // namespace leverd::net::test
