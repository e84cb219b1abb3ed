// Why: see name_server.hpp.
#include "tests/unit/net/name_server.hpp"

#include "core/net/asio_use.hpp"

namespace leverd::net::test {
namespace asio = boost::asio;
using udp = asio::ip::udp;

namespace {

constexpr std::size_t header_size = 12;

// The name of the first question, and where its type begins.
std::pair<std::string, std::size_t> read_name(const std::string& packet) {
    std::string name;
    std::size_t at = header_size;
    while (at < packet.size() && packet[at] != 0) {
        const auto length = static_cast<std::size_t>(packet[at]);
        name += (name.empty() ? "" : ".") + packet.substr(at + 1, length);
        at += length + 1;
    }
    return {name, at + 1};
}

std::string record(const std::array<unsigned char, 4>& address, unsigned ttl) {
    std::string r("\xc0\x0c\x00\x01\x00\x01", 6);
    for (int shift = 24; shift >= 0; shift -= 8) {
        r += static_cast<char>((ttl >> shift) & 0xffU);
    }
    r += std::string("\x00\x04", 2);
    for (const auto byte : address) {
        r += static_cast<char>(byte);
    }
    return r;
}

}  // namespace

NameServer::NameServer(Loop& loop, std::map<std::string, NameAnswer> answers)
    : loop_(loop),
      answers_(std::move(answers)),
      socket_(loop.io, udp::endpoint(asio::ip::address_v4::loopback(), 0)),
      tasks_(loop.io.get_executor(), nullptr) {
    tasks_.spawn("dns", serve());
}

NameServer::~NameServer() {
    tasks_.cancel();
    loop_.turn_until([this] { return tasks_.size() == 0; });
}

std::string NameServer::address() const {
    return "127.0.0.1:" + std::to_string(socket_.local_endpoint().port());
}

std::string NameServer::reply_to(const std::string& question) {
    const auto [name, type_at] = read_name(question);
    const bool type_a = question.at(type_at + 1) == 1;
    asked[name] += type_a ? 1 : 0;
    const auto known = answers_.find(name);
    const NameAnswer answer = known == answers_.end() ? NameAnswer{} : known->second;
    if (answer.kind == NameAnswer::Kind::silence) {
        return {};
    }
    const std::size_t count = type_a ? answer.addresses.size() : 0;
    char code = 0;
    if (answer.kind == NameAnswer::Kind::not_found) {
        code = 3;
    } else if (answer.kind == NameAnswer::Kind::failure) {
        code = 2;
    }
    std::string reply = question.substr(0, 2);
    reply += '\x81';
    reply += static_cast<char>(0x80 | code);
    reply += std::string("\x00\x01\x00", 3) + static_cast<char>(count) + std::string(4, '\0');
    reply += question.substr(header_size, type_at + 4 - header_size);
    for (std::size_t i = 0; i < count; ++i) {
        reply += record(answer.addresses[i], answer.ttl);
    }
    return reply;
}

asio::awaitable<void> NameServer::serve() {
    const auto owner = co_await asio::this_coro::cancellation_state;
    while (!is_cancelled(owner)) {
        std::string packet(512, '\0');
        udp::endpoint from;
        const auto buffer = asio::buffer(packet);
        const auto [ec, size] = co_await socket_.async_receive_from(buffer, from, tuple_token);
        if (ec) {
            continue;
        }
        packet.resize(size);
        const std::string reply = reply_to(packet);
        if (!reply.empty()) {
            const auto out = asio::buffer(reply);
            co_await socket_.async_send_to(out, from, tuple_token);
        }
    }
}

}  // namespace leverd::net::test
