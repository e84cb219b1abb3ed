// Why: see ares_sockets.hpp.
#include "core/net/ares_sockets.hpp"

#include "core/net/descriptors.hpp"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace leverd::net {
namespace {

bool means_later(int error) {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR || error == EINPROGRESS;
}

}  // namespace

void AresSockets::count(ares_socket_t fd, std::uint64_t Seen::* what) {
    const auto server = server_of_.find(fd);
    if (server != server_of_.end()) {
        seen_[server->second].*what = ++events_;
    }
}

void AresSockets::count_error(ares_socket_t fd) {
    const int error = errno;
    if (!means_later(error)) {
        count(fd, &Seen::refused);
    }
    errno = error;  // c-ares reads it after we return
}

bool AresSockets::any_replied_since(std::uint64_t mark) const {
    return std::any_of(seen_.begin(), seen_.end(),
                       [mark](const auto& row) { return row.second.replied > mark; });
}

bool AresSockets::all_refused_since(std::uint64_t mark) const {
    bool any = false;
    for (const auto& [server, seen] : seen_) {
        if (seen.replied > mark || (seen.asked > mark && seen.refused <= mark)) {
            return false;
        }
        any = any || seen.refused > mark;
    }
    return any;
}

const ares_socket_functions& AresSockets::functions() {
    static const ares_socket_functions table = [] {
        ares_socket_functions f{};
        f.asocket = [](int domain, int type, int protocol, void*) -> ares_socket_t {
            const int made = ::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
            if (made >= 0 && !leaves_reserve(made)) {
                ::close(made);
                errno = EMFILE;
                return -1;
            }
            return made;
        };
        f.aclose = [](ares_socket_t fd, void* self) -> int {
            static_cast<AresSockets*>(self)->server_of_.erase(fd);
            return ::close(fd);
        };
        f.aconnect = [](ares_socket_t fd, const sockaddr* to, ares_socklen_t size,
                        void* self) -> int {
            auto& sockets = *static_cast<AresSockets*>(self);
            const auto* bytes = reinterpret_cast<const char*>(to);
            sockets.server_of_[fd] = std::string(bytes, size);
            const int result = ::connect(fd, to, size);
            if (result != 0) {
                sockets.count_error(fd);
            }
            return result;
        };
        f.arecvfrom = [](ares_socket_t fd, void* room, std::size_t size, int flags, sockaddr* from,
                         ares_socklen_t* from_size, void* self) -> ares_ssize_t {
            auto& sockets = *static_cast<AresSockets*>(self);
            const auto n = ::recvfrom(fd, room, size, flags, from, from_size);
            if (n < 0) {
                sockets.count_error(fd);
            } else if (n > 0) {
                sockets.count(fd, &Seen::replied);
            }
            return n;
        };
        f.asendv = [](ares_socket_t fd, const iovec* parts, int count_of,
                      void* self) -> ares_ssize_t {
            auto& sockets = *static_cast<AresSockets*>(self);
            sockets.count(fd, &Seen::asked);
            msghdr message{};
            message.msg_iov = const_cast<iovec*>(parts);
            message.msg_iovlen = static_cast<std::size_t>(count_of);
            const auto n = ::sendmsg(fd, &message, MSG_NOSIGNAL);
            if (n < 0) {
                sockets.count_error(fd);
            }
            return n;
        };
        return f;
    }();
    return table;
}

void AresSockets::attach(ares_channel channel) {
    ares_set_socket_functions(channel, &functions(), this);
}

}  // namespace leverd::net
