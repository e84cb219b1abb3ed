// Why: a tenant says what happens to it sooner than any schedule asks. One stream per watched
// tenant, kept open as long as the tenant is watched and the config says so; what comes over it
// wakes looks and does nothing else.
#pragma once

#include "core/net/task_group.hpp"
#include "core/net/websocket.hpp"
#include "probes/probe.hpp"

#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace leverd::probes {

struct StreamHooks {
    // A whole event of that tenant.
    std::function<void(const std::string& slug, const std::string& event)> on_event;
    // The stream to that tenant was opened; what happened before is unknown.
    std::function<void(const std::string& slug)> on_open;
    // What came was no event; the stream is closed.
    std::function<void()> on_bad;
    std::function<double()> chance;  // uniform in [0, 1), for the waits between two tries
};

struct StreamCounters {
    std::size_t wanted = 0;  // streams that should be open
    std::size_t open = 0;
    std::uint64_t reconnects = 0;  // opened again after an end
    std::uint64_t messages = 0;    // events, also those that wake nothing
};

class TenantStreams {
  public:
    static constexpr std::size_t streams_max = 1024;
    static constexpr Millis pace{250};     // between two comparisons with the inventory
    static constexpr int started_max = 8;  // streams that one comparison may start
    static constexpr Millis connect_within{10'000};
    static constexpr Millis goodbye{1'000};
    // Heartbeats come each 30 s while a workspace is online; without one nothing need come.
    static constexpr Millis silence{60'000};
    static constexpr Millis silence_when_empty{600'000};

    // One executor. `context` and `group` outlive the streams, which outlive the group's tasks.
    TenantStreams(boost::asio::any_io_executor executor, Context& context,
                  std::shared_ptr<net::WebSocketClient> client, net::TaskGroup& group,
                  StreamHooks hooks);
    ~TenantStreams();

    // After a reload: streams that open from now on go through this one.
    void use(std::shared_ptr<net::WebSocketClient> client) { client_ = std::move(client); }

    // Follows config and inventory. Ends when it is cancelled.
    boost::asio::awaitable<void> run();
    // Opens nothing any more and says goodbye on all streams; ends when all are closed, at the
    // latest after `goodbye`.
    boost::asio::awaitable<void> stop();

    StreamCounters counters() const;

  private:
    struct Line;
    using Lines = std::map<std::string, std::shared_ptr<Line>>;

    void compare();
    void drop(Lines::iterator line);
    boost::asio::awaitable<void> keep(std::shared_ptr<Line> line);
    boost::asio::awaitable<void> use(std::shared_ptr<Line> line);
    boost::asio::awaitable<net::WebSocketEnd> listen(std::shared_ptr<Line> line);
    boost::asio::awaitable<void> leave(std::shared_ptr<net::WebSocket> socket);
    void tell_end(Line& line, const net::WebSocketEnd& end);
    net::WebSocketRequest request_for(const std::string& slug) const;
    Millis patience(const std::string& slug) const;

    boost::asio::any_io_executor executor_;
    Context& context_;
    std::shared_ptr<net::WebSocketClient> client_;
    net::TaskGroup& group_;
    StreamHooks hooks_;
    Lines lines_;
    std::string origin_;  // the settings that the open streams were made with
    std::string url_;
    bool stopping_ = false;
    StreamCounters counters_;
};

}  // namespace leverd::probes
