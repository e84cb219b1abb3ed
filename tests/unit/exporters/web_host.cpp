// Why: see web_host.hpp.
#include "tests/unit/exporters/web_host.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <future>
#include <stdexcept>

namespace web_world {
namespace {

void be_patient(int descriptor) {
    const timeval five{5, 0};
    ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &five, sizeof five);
    ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &five, sizeof five);
}

}  // namespace

ScratchFolder::ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "leverd-web-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
        throw std::runtime_error("no scratch folder");
    }
    path_ = name;
    // Another user has to get as far as the socket, so that the socket is what refuses.
    ::chmod(name.c_str(), 0755);
}

ScratchFolder::~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

Host::Host(exporters::WebLimits limits, const std::string& listen)
    : work_(boost::asio::make_work_guard(io_)),
      tasks_(io_.get_executor(), [this](const net::TaskDefect& defect) {
          thrown.push_back(defect.task + ": " + defect.what);
      }) {
    fill(backend);
    exporters::WebOptions options;
    options.listen = listen;
    options.socket = socket();
    options.tokens = std::make_shared<const exporters::ApiTokens>(
        exporters::ApiTokens{{"token", Secret("right"), exporters::Role::operate}});
    options.limits = limits;
    auto bound = exporters::WebServer::bind(io_.get_executor(), tasks_, backend, options);
    if (bound.has_error()) {
        throw std::runtime_error(bound.error().what);
    }
    server_ = std::move(*bound);
    port_ = server_->port();
    server_->start();
    thread_ = std::thread([this] { io_.run(); });
}

Host::~Host() {
    std::promise<void> joined;
    const auto on_end = [&joined](std::exception_ptr) { joined.set_value(); };
    on_loop([this, &on_end] {
        tasks_.cancel();
        boost::asio::co_spawn(io_, tasks_.join(), on_end);
    });
    joined.get_future().wait();
    on_loop([this] { server_.reset(); });
    work_.reset();
    thread_.join();
}

void Host::on_loop(const std::function<void()>& work) {
    std::promise<void> done;
    boost::asio::post(io_, [&work, &done] {
        work();
        done.set_value();
    });
    done.get_future().wait();
}

exporters::WebFigures Host::figures() {
    exporters::WebFigures out;
    on_loop([this, &out] { out = server_->figures(); });
    return out;
}

void Host::set_tokens(exporters::ApiTokens tokens) {
    on_loop([this, &tokens] { server_->set_tokens(std::move(tokens)); });
}

Client::Client(unsigned short port)
    : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    be_patient(descriptor_);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        throw std::runtime_error("cannot connect");
    }
}

Client::Client(const std::string& socket_path)
    : descriptor_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    be_patient(descriptor_);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, socket_path.c_str(), socket_path.size());
    if (::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        throw std::runtime_error("cannot connect");
    }
}

Client::~Client() {
    ::close(descriptor_);
}

bool Client::send(const std::string& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const ssize_t count =
            ::send(descriptor_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) {
            return false;
        }
        sent += static_cast<std::size_t>(count);
    }
    return true;
}

std::string Client::read(const std::string& until) {
    std::string out;
    std::array<char, 4096> part{};
    while (until.empty() || out.find(until) == std::string::npos) {
        const ssize_t count = ::recv(descriptor_, part.data(), part.size(), 0);
        if (count <= 0) {
            break;
        }
        out.append(part.data(), static_cast<std::size_t>(count));
    }
    return out;
}

void Client::say_no_more() {
    ::shutdown(descriptor_, SHUT_WR);
}

bool Client::closed_by_peer() {
    std::array<char, 4096> part{};
    for (;;) {
        const ssize_t count = ::recv(descriptor_, part.data(), part.size(), 0);
        if (count == 0 || (count < 0 && errno == ECONNRESET)) {
            return true;
        }
        if (count < 0) {
            return false;
        }
    }
}

std::string get_text(const std::string& target, const std::string& more) {
    return "GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + more + "\r\n";
}

int status_of(const std::string& answer) {
    return answer.size() < 12 || answer.compare(0, 7, "HTTP/1.") != 0
               ? 0
               : std::atoi(answer.c_str() + 9);
}

}  // namespace web_world
