// Why: real loopback servers whose behaviour is a few lines in the test that needs it.
#pragma once

#include "core/net/task_group.hpp"
#include "tests/unit/net/loop.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <memory>
#include <string>
#include <vector>

namespace leverd::net::test {

class Server;

// One accepted connection. Every function ends quietly when the client is gone.
class Peer {
  public:
    Peer(Server& owner, boost::asio::ip::tcp::socket socket, boost::asio::ssl::context* tls);

    boost::asio::awaitable<bool> handshake();
    // The next whole request; empty when the client closed.
    boost::asio::awaitable<std::string> request();
    boost::asio::awaitable<bool> anything();  // waits for bytes; false when the client closed
    boost::asio::awaitable<void> send(std::string bytes);
    boost::asio::awaitable<void> wait(Millis d);
    boost::asio::awaitable<void> hold();  // until the server goes
    void reset();                         // cuts the connection with a TCP reset
    boost::asio::awaitable<void> close_tls();

    Server& server;
    int number = 0;  // 1 for the server's first connection

  private:
    boost::asio::awaitable<bool> receive();

    boost::asio::ip::tcp::socket plain_;
    std::unique_ptr<boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>> tls_;
    std::string pending_;
    bool broken_ = false;  // a write failed
};

using Behaviour = boost::asio::awaitable<void> (*)(Peer& peer);

class Server {
  public:
    Server(Loop& loop, Behaviour behaviour, boost::asio::ssl::context* tls = nullptr);
    ~Server();

    std::string url(const std::string& path = "/") const;
    std::uint16_t port() const { return port_; }

    int connections = 0;
    int resumed = 0;  // TLS handshakes that reused a session
    std::vector<std::string> requests;

  private:
    boost::asio::awaitable<void> accept_all();
    boost::asio::awaitable<void> serve(std::shared_ptr<Peer> peer);

    Loop& loop_;
    Behaviour behaviour_;
    boost::asio::ssl::context* tls_;
    boost::asio::ip::tcp::acceptor acceptor_;
    std::uint16_t port_ = 0;
    TaskGroup tasks_;
};

// "HTTP/1.1 200 OK" with this body and keep-alive.
std::string ok(const std::string& body);
// Answers every request of a connection with ok("ok").
boost::asio::awaitable<void> answer_always(Peer& peer);
// Reads one request, sends these bytes, and holds the connection open or closes it.
boost::asio::awaitable<void> send_and_hold(Peer& peer, std::string bytes);
boost::asio::awaitable<void> send_and_close(Peer& peer, std::string bytes);

}  // namespace leverd::net::test
