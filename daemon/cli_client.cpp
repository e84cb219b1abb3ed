// Why: see cli_client.hpp. The answer comes from our own daemon, but it is capped and checked all
// the same: the socket path is only a setting.
#include "daemon/cli_client.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

namespace leverd::cli {
namespace {

constexpr std::size_t answer_bytes_max = 64U << 20;
constexpr int seconds_per_read = 60;  // a look takes as long as its probe's deadline

class Descriptor {
  public:
    explicit Descriptor(int value) : value_(value) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (value_ >= 0) {
            ::close(value_);
        }
    }
    int get() const { return value_; }

  private:
    int value_;
};

Failure unreachable(const std::string& path, const std::string& why) {
    return Failure{Exit::unreachable,
                   Error{fmt::format("cannot reach leverd at {}: {}", path, why),
                         "is it running? systemctl status leverd; another socket: --socket PATH"}};
}

Failure lost(const std::string& method, const std::string& why) {
    if (method == "GET") {
        return Failure{Exit::unreachable,
                       Error{"the answer of leverd was lost: " + why, "ask again"}};
    }
    return Failure{Exit::unknown,
                   Error{"the answer was lost, so nobody knows whether it was done: " + why,
                         "look before you repeat it: leverd status"}};
}

bool send_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent <= 0) {
            return false;
        }
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

// Everything until the daemon closes; nullopt with errno set on a fault.
std::optional<std::string> receive_all(int descriptor) {
    std::string out;
    std::array<char, 16384> part{};
    for (;;) {
        const ssize_t count = ::recv(descriptor, part.data(), part.size(), 0);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return std::nullopt;
        }
        if (count == 0) {
            return out;
        }
        out.append(part.data(), static_cast<std::size_t>(count));
        if (out.size() > answer_bytes_max) {
            errno = EMSGSIZE;
            return std::nullopt;
        }
    }
}

template <class Number>
std::optional<Number> number(std::string_view text) {
    Number value{};
    const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    return problem == std::errc{} && stop == text.data() + text.size() ? std::optional{value}
                                                                       : std::nullopt;
}

std::optional<Answer> parse_answer(std::string_view bytes) {
    const auto end = bytes.find("\r\n\r\n");
    if (bytes.substr(0, 7) != "HTTP/1." || bytes.size() < 12 || end == std::string_view::npos) {
        return std::nullopt;
    }
    const auto status = number<int>(bytes.substr(9, 3));
    const std::string_view head = bytes.substr(0, end + 2);
    constexpr std::string_view name = "\r\nContent-Length: ";
    const auto at = head.find(name);
    if (!status || at == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view rest = head.substr(at + name.size());
    const auto length = number<std::size_t>(rest.substr(0, rest.find("\r\n")));
    const std::string_view body = bytes.substr(end + 4);
    if (!length || *length != body.size()) {
        return std::nullopt;
    }
    return Answer{*status, std::string(body)};
}

}  // namespace

boost::system::result<Answer, Failure> call_daemon(const std::string& socket_path,
                                                   const std::string& method,
                                                   const std::string& target,
                                                   const std::string& body) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_path.empty() || socket_path.size() >= sizeof address.sun_path) {
        return unreachable(socket_path, "not a usable socket path");
    }
    std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
    const Descriptor descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    // Before the connection: a socket whose owner takes nobody on would hold us for ever.
    const timeval patience{seconds_per_read, 0};
    ::setsockopt(descriptor.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(descriptor.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (descriptor.get() < 0 ||
        ::connect(descriptor.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
            0) {
        return unreachable(socket_path, std::strerror(errno));
    }
    const std::string request = fmt::format(
        "{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: "
        "application/json\r\nContent-Length: {}\r\n\r\n{}",
        method, target, body.size(), body);
    if (!send_all(descriptor.get(), request)) {
        return lost(method, std::strerror(errno));
    }
    const auto bytes = receive_all(descriptor.get());
    if (!bytes) {
        return lost(method, std::strerror(errno));
    }
    auto answer = parse_answer(*bytes);
    if (!answer) {
        return lost(method, "what came back is not a whole HTTP answer");
    }
    return std::move(*answer);
}

}  // namespace leverd::cli
