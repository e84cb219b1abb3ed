// Why: see ares_channel.hpp. Written against c-ares 1.18 and valid for 1.34.
#include "core/net/ares_channel.hpp"

#include "core/base/text.hpp"

#include <sys/time.h>

#include <chrono>

namespace leverd::net {
namespace {

// First answer expected within a second, then the same server again with patience doubled: a
// silent server is known after about seven seconds, and a lost packet costs one.
constexpr int first_timeout_ms = 1'000;
constexpr int tries_per_server = 3;

Fault cannot_start(int status) {
    return Fault{Reason::resolver_down, Origin::local,
                 "cannot start the resolver: " + sanitize(ares_strerror(status), 120)};
}

void on_answer(void* argument, int status, int /*timeouts*/, ares_addrinfo* list) {
    const std::unique_ptr<AresChannel::Answer> answer(static_cast<AresChannel::Answer*>(argument));
    (*answer)(status, list);
    if (list != nullptr) {
        ares_freeaddrinfo(list);
    }
}

void on_packet(void* argument, int status, int /*timeouts*/, unsigned char* packet, int bytes) {
    const std::unique_ptr<AresChannel::Packet> answer(static_cast<AresChannel::Packet*>(argument));
    (*answer)(status, packet, packet == nullptr ? 0 : bytes);
}

}  // namespace

AresChannel::AresChannel(boost::asio::any_io_executor executor)
    : executor_(std::move(executor)), timer_(executor_) {}

Attempt<std::shared_ptr<AresChannel>> AresChannel::open(
    boost::asio::any_io_executor executor, const std::vector<std::string>& nameservers) {
    static const int library = ares_library_init(ARES_LIB_INIT_ALL);
    if (library != ARES_SUCCESS) {
        return cannot_start(library);
    }
    std::shared_ptr<AresChannel> self(new AresChannel(std::move(executor)));
    ares_options options{};
    char lookups[] = "fb";  // the hosts file, then DNS
    options.lookups = lookups;
    options.timeout = first_timeout_ms;
    options.tries = tries_per_server;
    options.sock_state_cb = &AresChannel::on_socket_state;
    options.sock_state_cb_data = self.get();
    const int mask =
        ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
    const int status = ares_init_options(&self->channel_, &options, mask);
    if (status != ARES_SUCCESS) {
        self->channel_ = nullptr;
        return cannot_start(status);
    }
    self->servers_.attach(self->channel_);
    if (!nameservers.empty()) {
        std::string list;
        for (const auto& server : nameservers) {
            list += (list.empty() ? "" : ",") + server;
        }
        const int set = ares_set_servers_ports_csv(self->channel_, list.c_str());
        if (set != ARES_SUCCESS) {
            return cannot_start(set);
        }
    }
    return self;
}

AresChannel::~AresChannel() {
    if (channel_ != nullptr) {
        ares_destroy(channel_);
    }
}

void AresChannel::query(const std::string& name, Answer answer) {
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    auto argument = std::make_unique<Answer>(std::move(answer));
    // c-ares calls back exactly once, and on_answer takes the ownership there.
    ares_getaddrinfo(channel_, name.c_str(), nullptr, &hints, &on_answer, argument.release());
    arm_timer();
}

void AresChannel::query_records(const std::string& name, int type, Packet answer) {
    auto argument = std::make_unique<Packet>(std::move(answer));
    constexpr int internet = 1;  // the class of records
    ares_query(channel_, name.c_str(), internet, type, &on_packet, argument.release());
    arm_timer();
}

void AresChannel::cancel_all() {
    ares_cancel(channel_);
    arm_timer();
}

void AresChannel::on_socket_state(void* self, ares_socket_t fd, int readable, int writable) {
    static_cast<AresChannel*>(self)->socket_state(fd, readable != 0, writable != 0);
}

void AresChannel::socket_state(ares_socket_t fd, bool readable, bool writable) {
    auto found = sockets_.find(fd);
    if (!readable && !writable) {
        if (found != sockets_.end()) {
            // c-ares closes the descriptor itself right after this call.
            found->second->closed = true;
            found->second->descriptor.release();
            sockets_.erase(found);
        }
        return;
    }
    if (found == sockets_.end()) {
        boost::asio::posix::stream_descriptor descriptor(executor_);
        boost::system::error_code ec;
        descriptor.assign(fd, ec);
        if (ec) {
            return;  // the query then ends by its own time limit
        }
        auto socket = std::make_shared<Socket>(std::move(descriptor));
        socket->fd = fd;
        found = sockets_.emplace(fd, std::move(socket)).first;
    }
    const SocketPtr socket = found->second;
    socket->want[reading] = readable;
    socket->want[writing] = writable;
    await_socket(socket, reading);
    await_socket(socket, writing);
}

void AresChannel::await_socket(const SocketPtr& socket, Direction direction) {
    if (socket->closed || !socket->want[direction] || socket->waiting[direction]) {
        return;
    }
    socket->waiting[direction] = true;
    const auto wait = direction == reading ? boost::asio::posix::descriptor_base::wait_read
                                           : boost::asio::posix::descriptor_base::wait_write;
    socket->descriptor.async_wait(
        wait, [weak = weak_from_this(), socket, direction](boost::system::error_code ec) {
            socket->waiting[direction] = false;
            const auto self = weak.lock();
            if (self && !ec && !socket->closed) {
                self->on_ready(socket, direction);
            }
        });
}

void AresChannel::on_ready(const SocketPtr& socket, Direction direction) {
    if (socket->want[direction]) {
        ares_process_fd(channel_, direction == reading ? socket->fd : ARES_SOCKET_BAD,
                        direction == writing ? socket->fd : ARES_SOCKET_BAD);
    }
    await_socket(socket, direction);
    arm_timer();
}

void AresChannel::arm_timer() {
    timeval next{};
    if (ares_timeout(channel_, nullptr, &next) == nullptr) {
        timer_.cancel();
        return;
    }
    timer_.expires_after(std::chrono::seconds(next.tv_sec) +
                         std::chrono::microseconds(next.tv_usec));
    timer_.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
        const auto self = weak.lock();
        if (self && !ec) {
            ares_process_fd(self->channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
            self->arm_timer();
        }
    });
}

}  // namespace leverd::net
