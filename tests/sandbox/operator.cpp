// Why: see operator.hpp.
#include "operator.hpp"

#include "clock.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include <chrono>
#include <cstdlib>
#include <map>
#include <set>

namespace asio = boost::asio;
namespace beast = boost::beast;

namespace sandbox {

namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMostAnswer = 4U << 20;

struct Answer {
    int status = 0;  // 0: no answer
    std::string body;
};

Answer split_answer(const std::string& bytes) {
    Answer answer;
    const std::size_t end = bytes.find("\r\n\r\n");
    if (!bytes.starts_with("HTTP/1.") || bytes.size() < 12 || end == std::string::npos) {
        return answer;
    }
    answer.status = std::atoi(bytes.c_str() + 9);
    answer.body = bytes.substr(end + 4);
    // HTTP/1.0 was asked for, but a server may still send chunks: take what is between the braces.
    const std::size_t first = answer.body.find_first_of("[{");
    const std::size_t last = answer.body.find_last_of("]}");
    if (first != std::string::npos && last != std::string::npos && first <= last) {
        answer.body = answer.body.substr(first, last - first + 1);
    }
    return answer;
}

// One call on a connection of its own.
asio::awaitable<Answer> call(const OperatorSettings* settings, std::string method,
                             std::string target, std::string body) {
    const OperatorAddress address = operator_address(settings->url);
    std::string request = method + " " + target + " HTTP/1.0\r\nHost: " + address.host + ":" +
                          address.port + "\r\nConnection: close\r\n";
    if (method == "POST") {
        request +=
            "Authorization: Bearer " + settings->token +
            "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
            "\r\n";
    }
    request += "\r\n" + body;

    boost::system::error_code bad_address;
    const asio::ip::address ip = asio::ip::make_address(address.host, bad_address);
    beast::tcp_stream stream(co_await asio::this_coro::executor);
    stream.expires_after(std::chrono::seconds(3));
    const asio::ip::tcp::endpoint peer(
        ip, static_cast<unsigned short>(std::atoi(address.port.c_str())));
    const auto [unconnected] = co_await stream.async_connect(peer, kToken);
    if (unconnected) {
        co_return Answer();
    }
    const auto [unsent, sent] = co_await stream.async_write_some(asio::buffer(request), kToken);
    if (unsent || sent != request.size()) {
        co_return Answer();
    }
    std::string bytes;
    std::string chunk(16 * 1024, '\0');
    while (bytes.size() < kMostAnswer) {
        const auto [failure, size] = co_await stream.async_read_some(asio::buffer(chunk), kToken);
        if (failure) {
            break;
        }
        bytes.append(chunk, 0, size);
    }
    co_return split_answer(bytes);
}

// The decisions in an answer that is an array, or an object that holds one.
json decisions_in(const json& answer) {
    if (answer.is_array()) {
        return answer;
    }
    if (answer.is_object()) {
        for (const char* key : {"decisions", "items", "pending"}) {
            if (const auto found = answer.find(key); found != answer.end() && found->is_array()) {
                return *found;
            }
        }
    }
    return json::array();
}

// The first string at `key`, here or deeper: the hash may sit beside the plan or inside it.
std::string text_within(const json& value, const std::string& key) {
    if (value.is_object()) {
        if (const std::string here = text_of(value, key); !here.empty()) {
            return here;
        }
    }
    if (value.is_structured()) {
        for (const json& inner : value) {
            if (const std::string found = text_within(inner, key); !found.empty()) {
                return found;
            }
        }
    }
    return {};
}

bool safe_id(const std::string& id) {
    return !id.empty() && id.size() <= 64 &&
           id.find_first_not_of(
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
               ".") == std::string::npos;
}

asio::awaitable<void> approve(const OperatorSettings* settings, Journal* journal, std::string id,
                              std::string hash) {
    json body = json::object();
    body["hash"] = hash;
    body["why"] = "demo operator";
    const std::string target = "/api/v1/decisions/" + id + "/approve";
    const Answer answer = co_await call(settings, "POST", target, dump(body));
    json note = json::object();
    note["method"] = "POST";
    note["target"] = target;
    note["status"] = answer.status;
    if (answer.status >= 400) {
        note["answer"] = answer.body.substr(0, 1024);
    }
    journal->note("operator", answer.status / 100 == 2 ? "approve " + id : std::string(), note);
}

}  // namespace

OperatorAddress operator_address(const std::string& url) {
    constexpr std::string_view kScheme = "http://";
    OperatorAddress out;
    if (!url.starts_with(kScheme)) {
        return out;
    }
    const std::string rest =
        url.substr(kScheme.size(), url.find('/', kScheme.size()) - kScheme.size());
    const std::size_t colon = rest.rfind(':');
    out.host = rest.substr(0, colon);
    out.port = colon == std::string::npos ? "80" : rest.substr(colon + 1);
    if (out.host == "localhost") {
        out.host = "127.0.0.1";
    }
    boost::system::error_code failure;
    asio::ip::make_address(out.host, failure);
    if (failure) {
        out.host.clear();
    }
    return out;
}

asio::awaitable<void> run_operator(const OperatorSettings* settings, Journal* journal) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    std::map<std::string, std::int64_t> first_seen;
    std::set<std::string> done;
    for (;;) {
        timer.expires_after(std::chrono::milliseconds(500));
        co_await timer.async_wait(kToken);
        const Answer answer = co_await call(settings, "GET", "/api/v1/decisions?pending=1", "");
        const json pending = decisions_in(parse(answer.body));
        for (const json& decision : pending) {
            const std::string id = text_of(decision, "id");
            const std::string hash = text_within(decision, "hash");
            if (text_of(decision, "lever") != settings->lever || !safe_id(id) || hash.empty()) {
                continue;
            }
            // A new hash is a new question: it waits its own two seconds.
            const std::string question = id + " " + hash;
            const std::int64_t seen = first_seen.try_emplace(question, steady_ms()).first->second;
            if (steady_ms() - seen >= 2000 && done.insert(question).second) {
                co_await approve(settings, journal, id, hash);
            }
        }
    }
}

}  // namespace sandbox
