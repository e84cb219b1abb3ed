// Why: one place decides whom we trust, says exactly why a certificate was refused, and reuses TLS
// sessions, since a full handshake costs more than the rest of a look together. Private to
// core/net.
#pragma once

#include "core/net/fault.hpp"
#include "core/net/http.hpp"
#include "core/net/stream.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <optional>
#include <string>

namespace leverd::net {

class SessionStore;

class TlsClient {
  public:
    // `ca_file`: PEM; empty: the system's store.
    explicit TlsClient(const std::string& ca_file);
    ~TlsClient();

    // TLS 1.2 or newer over a connected socket. `host` is checked against the certificate; `key`
    // names the target whose session may be resumed.
    boost::asio::awaitable<Attempt<std::unique_ptr<Stream>>> handshake(
        boost::asio::ip::tcp::socket socket, std::string host, std::string key, Deadline deadline);

  private:
    boost::asio::ssl::context context_;
    std::optional<Fault> broken_;  // why nobody can be trusted
    std::shared_ptr<SessionStore> sessions_;
};

}  // namespace leverd::net
