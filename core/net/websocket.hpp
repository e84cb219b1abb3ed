// Why: some targets tell of news over a WebSocket. A stream lives for days, so nothing that the
// other side sends or withholds may cost memory, time without end, or the process: every step has
// a deadline, every message a cap, and whatever is not a whole text message ends the stream.
#pragma once

#include "core/net/http.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/system/result.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace leverd::net {

struct WebSocketRequest {
    std::string url;  // http:// is ws://, https:// is wss://
    std::vector<std::pair<std::string, std::string>> headers;
    std::size_t message_limit = 64U << 10;  // bytes of one message; more ends the stream
    // After half of it without a byte from the other side a ping is sent, after all of it the
    // stream is over.
    Millis idle{60'000};
};

// Why there is no stream, or no longer one.
struct WebSocketEnd {
    enum class Why {
        unreachable,  // name, connection or certificate
        refused,      // an answer, but no upgrade
        bad,          // what came is no whole text message within the limit
        silent,       // a deadline passed, or no ping was answered
        ended,        // the other side closed or cut it
        stopped,      // the owner did
    };
    Why why = Why::ended;
    std::string detail;  // one clean line, without secrets
};

template <class T>
using WebSocketResult = boost::system::result<T, WebSocketEnd>;

class WebSocket {
  public:
    virtual ~WebSocket() = default;
    // The next message; it must have come whole by the deadline. After an end only ends follow.
    virtual boost::asio::awaitable<WebSocketResult<std::string>> read(Deadline deadline) = 0;
    // Says goodbye and waits for the other side's until the deadline; a read under way ends. Keep
    // the WebSocket until both have returned.
    virtual boost::asio::awaitable<void> close(Deadline deadline) = 0;
};

// Seam for tests.
class WebSocketClient {
  public:
    virtual ~WebSocketClient() = default;
    // Never throws.
    virtual boost::asio::awaitable<WebSocketResult<std::shared_ptr<WebSocket>>> connect(
        WebSocketRequest request, Deadline deadline) = 0;
};

std::unique_ptr<WebSocketClient> make_websocket_client(boost::asio::any_io_executor executor,
                                                       const TransportOptions& options);

}  // namespace leverd::net
