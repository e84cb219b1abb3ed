// Why: see intake.hpp.
#include "exporters/web/intake.hpp"

#include "core/net/asio_use.hpp"
#include "exporters/web/head.hpp"

#include <boost/beast/http.hpp>

#include <algorithm>
#include <cctype>

namespace leverd::exporters::web {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::awaitable;
using boost::system::error_code;
using net::tuple_token;

using Parser = http::request_parser<http::string_body>;

constexpr std::size_t first_read = 4096;
constexpr std::string_view head_end = "\r\n\r\n";
constexpr std::string_view events_path = "/events/";

std::string_view text_of(const beast::flat_buffer& buffer) {
    return {static_cast<const char*>(buffer.data().data()), buffer.size()};
}

Response too_large_head() {
    return error_response(431, "the headers of the request are too large", "send fewer");
}

Response too_large_body() {
    return error_response(413, "the body of the request is too large",
                          "64 KiB is the most, 256 KiB for an event");
}

std::optional<Response> complaint(const error_code& failure) {
    if (failure == http::error::header_limit) {
        return too_large_head();
    }
    if (failure == http::error::body_limit || failure == http::error::buffer_overflow) {
        return too_large_body();
    }
    const bool malformed =
        failure.category() == http::make_error_code(http::error::end_of_stream).category() &&
        failure != http::error::end_of_stream && failure != http::error::partial_message;
    if (malformed) {
        return error_response(400, "this is not an HTTP request: " + failure.message(),
                              "GET /api/v1/openapi.json lists what works here");
    }
    return std::nullopt;
}

awaitable<error_code> read_more(Stream& stream, beast::flat_buffer& buffer) {
    const auto room = buffer.prepare(first_read);
    auto [failure, bytes] = co_await stream.async_read_some(room, tuple_token);
    buffer.commit(bytes);
    co_return failure;
}

// Until the buffer begins with a whole head, whose size comes out. The idle time ends with the
// first byte; from then on the head has one deadline, so that a byte now and then does not keep a
// connection.
awaitable<std::size_t> read_head(Stream& stream, beast::flat_buffer& buffer, Millis wait,
                                 const WebLimits& limits, Incoming& out) {
    stream.expires_after(buffer.size() == 0 ? wait : limits.header);
    bool begun = buffer.size() > 0;
    for (;;) {
        // Some clients end a body with an empty line that its length does not count.
        while (text_of(buffer).starts_with("\r\n")) {
            buffer.consume(2);
        }
        const auto end = text_of(buffer).find(head_end);
        const std::size_t size = end == std::string_view::npos ? 0 : end + head_end.size();
        if (size > limits.header_bytes || (size == 0 && buffer.size() > limits.header_bytes)) {
            out.refusal = too_large_head();
            co_return 0;
        }
        if (size > 0) {
            co_return size;
        }
        const error_code failure = co_await read_more(stream, buffer);
        if (failure) {
            out.ended = true;
            co_return 0;
        }
        if (!begun) {
            begun = true;
            stream.expires_after(limits.header);
        }
    }
}

// Before the body: what follows a chunked body may look like headers, and is none.
Request request_of(const Parser& parser) {
    Request out;
    out.method = std::string(parser.get().method_string());
    out.target = std::string(parser.get().target());
    for (const auto& field : parser.get()) {
        std::string name(field.name_string());
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        std::string& value = out.headers[name];
        value += value.empty() ? "" : ", ";
        value += std::string(field.value());
    }
    return out;
}

awaitable<error_code> say_continue(Stream& stream) {
    http::response<http::empty_body> go_on(http::status::continue_, 11);
    auto [refused, sent] = co_await http::async_write(stream, go_on, tuple_token);
    co_return refused;
}

awaitable<error_code> read_body(Stream& stream, beast::flat_buffer& buffer, Parser& parser,
                                const WebLimits& limits, const std::string& target) {
    // Only senders of events may send much; the parser was set up for them.
    if (!target.starts_with(events_path)) {
        if (parser.content_length().value_or(0) > limits.body_bytes) {
            co_return http::make_error_code(http::error::body_limit);
        }
        parser.body_limit(limits.body_bytes);
    }
    const bool asked = beast::iequals(parser.get()[http::field::expect], "100-continue");
    if (!parser.is_done() && asked) {
        const error_code refused = co_await say_continue(stream);
        if (refused) {
            co_return refused;
        }
    }
    auto [cut, rest] = co_await http::async_read(stream, buffer, parser, tuple_token);
    co_return cut;
}

}  // namespace

awaitable<Incoming> read_request(Stream& stream, beast::flat_buffer& buffer, Millis wait,
                                 const WebLimits& limits) {
    Incoming out;
    const std::size_t head_size = co_await read_head(stream, buffer, wait, limits, out);
    if (head_size == 0) {
        co_return out;
    }
    out.refusal = head_problem(text_of(buffer).substr(0, head_size));
    if (out.refusal) {
        co_return out;
    }
    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
    parser.body_limit(limits.event_bytes);
    stream.expires_after(limits.request);
    auto [failure, bytes] = co_await http::async_read_header(stream, buffer, parser, tuple_token);
    error_code problem = failure;
    if (problem) {
        out.request.target = std::string(parser.get().target());  // its length may be the problem
    } else {
        out.request = request_of(parser);
        problem = co_await read_body(stream, buffer, parser, limits, out.request.target);
    }
    if (problem) {
        out.refusal = complaint(problem);
        out.ended = !out.refusal;
        co_return out;
    }
    out.version = parser.get().version();
    out.keep_alive = parser.get().keep_alive();
    out.head = parser.get().method() == http::verb::head;
    out.request.body = std::move(parser.get().body());
    co_return out;
}

}  // namespace leverd::exporters::web
