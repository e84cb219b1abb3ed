// Why: the stream without TLS.
#include "core/net/stream.hpp"

#include "core/net/asio_use.hpp"

#include <boost/asio/write.hpp>

namespace leverd::net {
namespace {

namespace asio = boost::asio;

class PlainStream final : public Stream {
  public:
    explicit PlainStream(asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}

    asio::awaitable<Transferred> read_some(asio::mutable_buffer room) override {
        const auto [ec, bytes] = co_await socket_.async_read_some(room, tuple_token);
        Transferred result;
        result.ec = ec;
        result.bytes = bytes;
        co_return result;
    }

    asio::awaitable<Transferred> write(asio::const_buffer data) override {
        const auto [ec, bytes] = co_await asio::async_write(socket_, data, tuple_token);
        Transferred result;
        result.ec = ec;
        result.bytes = bytes;
        co_return result;
    }

    asio::ip::tcp::socket& socket() override { return socket_; }
    void answered() override {}
    std::optional<WallTime> certificate_expires() const override { return std::nullopt; }

  private:
    asio::ip::tcp::socket socket_;
};

}  // namespace

std::unique_ptr<Stream> make_plain_stream(asio::ip::tcp::socket socket) {
    return std::make_unique<PlainStream>(std::move(socket));
}

}  // namespace leverd::net
