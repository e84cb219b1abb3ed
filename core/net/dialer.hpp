// Why: some looks end below HTTP: a port that accepts, a certificate, a name. Same deadlines, same
// words for faults, same resolver seam as the HTTP client, but nothing is kept between two looks.
#pragma once

#include "core/net/http.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/system/result.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leverd::net {

struct DialRequest {
    std::string host;
    std::uint16_t port = 0;
    bool tls = false;
    std::string server_name;  // in the handshake and in the certificate; empty: `host`
    std::string send;
    // Asked after each piece that came; reading ends when it says true, or early with what came
    // until then. Empty: nothing is read.
    std::function<bool(std::string_view received)> enough;
    std::size_t read_limit = 4096;  // bytes; then reading ends
};

struct Certificate {
    std::string subject;  // "CN=shop.example", sanitized like the others
    std::string issuer;
    WallTime expires;        // of the leaf
    WallTime chain_expires;  // the earliest of the chain that was accepted, the leaf included
    int chain_length = 0;
};

struct Dialed {
    std::string received;
    std::optional<Certificate> certificate;  // with tls
    std::string protocol;                    // with tls: "TLSv1.3"
    Phases phases;                           // header: from the sending to the first byte
};

enum class RecordType { a, aaaa, cname, mx, ns, txt };

struct Records {
    std::vector<std::string> texts;  // sorted: "10.0.0.1", "10 mail.example", a TXT's text
    Phases phases;
};

using DialResult = boost::system::result<Dialed, HttpFailure>;
using RecordsResult = boost::system::result<Records, HttpFailure>;

// Seam for tests.
class Dialer {
  public:
    virtual ~Dialer() = default;
    // Never throws. With tls always a full handshake: a resumed one shows no certificate that was
    // changed meanwhile.
    virtual boost::asio::awaitable<DialResult> dial(DialRequest request, Deadline deadline) = 0;
    // Asks DNS, not the hosts file and no memory of ours. `nameserver`: "10.0.0.2" or with a port;
    // empty: those of the options. A name without such records is dns_not_found; the detail tells
    // "no such name" and "no record of that type" apart.
    virtual boost::asio::awaitable<RecordsResult> records(std::string host, RecordType type,
                                                          std::string nameserver,
                                                          Deadline deadline) = 0;
};

std::unique_ptr<Dialer> make_dialer(boost::asio::any_io_executor executor,
                                    const TransportOptions& options);

}  // namespace leverd::net
