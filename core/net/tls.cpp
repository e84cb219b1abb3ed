// Why: see tls.hpp.
#include "core/net/tls.hpp"

#include "core/base/text.hpp"
#include "core/net/asio_use.hpp"
#include "core/net/clock.hpp"
#include "core/net/guard.hpp"
#include "core/net/tls_sessions.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <openssl/x509v3.h>

namespace leverd::net {
namespace {

namespace asio = boost::asio;
using Socket = asio::ip::tcp::socket;

struct CertificateFree {
    void operator()(X509* c) const { X509_free(c); }
};

class TlsStream final : public Stream {
  public:
    TlsStream(Socket socket, asio::ssl::context& context, std::string key,
              std::shared_ptr<SessionStore> sessions)
        : stream_(std::move(socket), context),
          key_(std::move(key)),
          sessions_(std::move(sessions)) {}

    ~TlsStream() override {
        // OpenSSL marks the session of a connection that is freed without a shutdown as not
        // resumable. An answer was read over this one, so it is sound.
        if (answered_) {
            SSL_set_shutdown(ssl(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        }
    }

    asio::awaitable<Transferred> read_some(asio::mutable_buffer room) override {
        const auto [ec, bytes] = co_await stream_.async_read_some(room, tuple_token);
        Transferred result;
        result.ec = ec;
        result.bytes = bytes;
        co_return result;
    }

    asio::awaitable<Transferred> write(asio::const_buffer data) override {
        const auto [ec, bytes] = co_await asio::async_write(stream_, data, tuple_token);
        Transferred result;
        result.ec = ec;
        result.bytes = bytes;
        co_return result;
    }

    Socket& socket() override { return stream_.next_layer(); }

    void answered() override {
        if (!answered_) {
            answered_ = true;
            sessions_->keep(ssl(), key_);
        }
    }

    std::optional<WallTime> certificate_expires() const override { return expires_; }
    SSL* tls_layer() override { return ssl(); }

    SSL* ssl() { return stream_.native_handle(); }
    asio::ssl::stream<Socket>& tls() { return stream_; }
    // A resumed handshake shows no certificate; the session remembers the one of the full one.
    void read_certificate() {
        const std::unique_ptr<X509, CertificateFree> leaf(SSL_get1_peer_certificate(ssl()));
        expires_ = not_after(leaf.get());
    }

  private:
    asio::ssl::stream<Socket> stream_;
    std::string key_;
    std::shared_ptr<SessionStore> sessions_;
    std::optional<WallTime> expires_;
    bool answered_ = false;
};

// Names the target in the handshake (SNI) and in the certificate check. False: the name cannot be
// used.
bool set_expected_name(SSL* ssl, const std::string& host) {
    boost::system::error_code ec;
    asio::ip::make_address(host, ec);
    if (!ec) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
    }
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set_tlsext_host_name(ssl, host.c_str()) == 1 &&
           SSL_set1_host(ssl, host.c_str()) == 1;
}

Reason verify_reason(long verdict) {
    switch (verdict) {
        case X509_V_OK:
            return Reason::tls_handshake;
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return Reason::tls_expired;
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return Reason::tls_wrong_name;
        default:
            return Reason::tls_untrusted;
    }
}

// A failed handshake: the certificate check's own verdict says more than the TLS error.
Fault refused(SSL* ssl, const boost::system::error_code& ec) {
    Fault fault = io_fault(ec, Phase::tls);
    const long verdict = SSL_get_verify_result(ssl);
    if (fault.origin == Origin::local || verdict == X509_V_OK) {
        return fault;
    }
    fault.reason = verify_reason(verdict);
    fault.detail = "TLS certificate: " + sanitize(X509_verify_cert_error_string(verdict), 120);
    return fault;
}

}  // namespace

TlsClient::TlsClient(const std::string& ca_file)
    : context_(asio::ssl::context::tls_client), sessions_(std::make_shared<SessionStore>()) {
    SSL_CTX* ctx = context_.native_handle();
    boost::system::error_code ec;
    if (ca_file.empty()) {
        context_.set_default_verify_paths(ec);
    } else {
        context_.load_verify_file(ca_file, ec);
    }
    if (ec) {
        broken_ = Fault{Reason::tls_untrusted, Origin::local,
                        "cannot read the trusted certificates: " + sanitize(ec.message(), 120)};
    }
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    static const unsigned char protocols[] = "\x08http/1.1";
    SSL_CTX_set_alpn_protos(ctx, protocols, sizeof(protocols) - 1);
}

TlsClient::~TlsClient() = default;

asio::awaitable<Attempt<std::unique_ptr<Stream>>> TlsClient::handshake(Socket socket,
                                                                       std::string host,
                                                                       std::string key,
                                                                       Deadline deadline) {
    if (broken_) {
        co_return *broken_;
    }
    const auto executor = socket.get_executor();
    auto stream = std::make_unique<TlsStream>(std::move(socket), context_, key, sessions_);
    SSL* ssl = stream->ssl();
    if (!set_expected_name(ssl, host)) {
        Fault fault{Reason::tls_wrong_name, Origin::local, "the host name cannot be checked"};
        co_return fault;
    }
    sessions_->offer(ssl, key, wall_clock_now());
    const auto owner = co_await asio::this_coro::cancellation_state;
    const Guard guard(executor, deadline, stream->socket(), owner);
    if (auto stop = guard.stopped(Phase::tls)) {
        co_return std::move(*stop);
    }
    const auto [ec] =
        co_await stream->tls().async_handshake(asio::ssl::stream_base::client, tuple_token);
    if (ec) {
        sessions_->forget(key);
        Fault fault = guard.explain(ec, Phase::tls);
        const bool ended_by_target = fault.reason == Reason::tls_handshake;
        co_return ended_by_target ? refused(ssl, ec) : std::move(fault);
    }
    stream->read_certificate();
    std::unique_ptr<Stream> result = std::move(stream);
    co_return std::move(result);
}

}  // namespace leverd::net
