// Why: c-ares does the DNS protocol and Asio owns the sockets' readiness and the timers; this class
// is the joint. Private to core/net.
#pragma once

#include "core/net/ares_sockets.hpp"
#include "core/net/fault.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace leverd::net {

// Used on one executor only. Dropping the last reference ends every query with ARES_EDESTRUCTION.
class AresChannel : public std::enable_shared_from_this<AresChannel> {
  public:
    // Owns nothing of the list: it lives during the call only. Null when the query failed. It must
    // not drop the channel.
    using Answer = std::function<void(int status, const ares_addrinfo* list)>;

    static Attempt<std::shared_ptr<AresChannel>> open(boost::asio::any_io_executor executor,
                                                      const std::vector<std::string>& nameservers);
    ~AresChannel();
    AresChannel(const AresChannel&) = delete;
    AresChannel& operator=(const AresChannel&) = delete;

    // Asks the hosts file, then the servers, for both address families. The answer may come before
    // this returns.
    void query(const std::string& name, Answer answer);
    // Asks the servers only, for one type of record (ns_t_txt). `packet` is the answer as it came
    // and lives during the call only; empty when the query failed.
    using Packet = std::function<void(int status, const unsigned char* packet, int bytes)>;
    void query_records(const std::string& name, int type, Packet answer);
    void cancel_all();
    // What the servers did; for what the status of an answer leaves open.
    const AresSockets& servers() const { return servers_; }

  private:
    struct Socket {
        explicit Socket(boost::asio::posix::stream_descriptor d) : descriptor(std::move(d)) {}
        boost::asio::posix::stream_descriptor descriptor;
        ares_socket_t fd = ARES_SOCKET_BAD;
        bool want[2] = {false, false};  // read, write
        bool waiting[2] = {false, false};
        bool closed = false;
    };
    using SocketPtr = std::shared_ptr<Socket>;
    enum Direction { reading = 0, writing = 1 };

    explicit AresChannel(boost::asio::any_io_executor executor);
    static void on_socket_state(void* self, ares_socket_t fd, int readable, int writable);
    void socket_state(ares_socket_t fd, bool readable, bool writable);
    void await_socket(const SocketPtr& socket, Direction direction);
    void on_ready(const SocketPtr& socket, Direction direction);
    void arm_timer();

    boost::asio::any_io_executor executor_;
    boost::asio::steady_timer timer_;
    std::map<ares_socket_t, SocketPtr> sockets_;
    AresSockets servers_;
    ares_channel channel_ = nullptr;
};

}  // namespace leverd::net
