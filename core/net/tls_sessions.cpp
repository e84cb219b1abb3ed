// Why: see tls_sessions.hpp.
#include "core/net/tls_sessions.hpp"

#include <openssl/x509.h>

#include <algorithm>
#include <ctime>

namespace leverd::net {
namespace {

constexpr int resumptions_in_a_row = 9;  // then every tenth handshake is a full one
constexpr std::size_t sessions_max = 256;

}  // namespace

std::optional<WallTime> not_after(const X509* certificate) {
    if (certificate == nullptr) {
        return std::nullopt;
    }
    std::tm parts{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) != 1) {
        return std::nullopt;
    }
    return WallTime{std::chrono::seconds{timegm(&parts)}};
}

void SessionStore::offer(SSL* ssl, const std::string& key, WallTime now) {
    const auto found = rows_.find(key);
    if (found == rows_.end()) {
        return;
    }
    Row& row = found->second;
    // A resumed handshake checks no date, so a certificate that ran out must be seen in a full one.
    const bool expired = row.expires && *row.expires <= now;
    if (row.offered >= resumptions_in_a_row || expired ||
        SSL_SESSION_is_resumable(row.session.get()) != 1) {
        rows_.erase(found);
        return;
    }
    ++row.offered;
    row.used = ++uses_;
    SSL_set_session(ssl, row.session.get());
}

void SessionStore::keep(SSL* ssl, const std::string& key) {
    // In TLS 1.3 the ticket arrives after the handshake, so this is asked after an answer was read.
    SessionPtr session(SSL_get1_session(ssl));
    if (!session || SSL_SESSION_is_resumable(session.get()) != 1) {
        return;
    }
    const bool resumed = SSL_session_reused(ssl) == 1;
    auto found = rows_.find(key);
    if (found == rows_.end()) {
        if (resumed) {
            return;  // its row was dropped to force a full handshake
        }
        make_room();
        found = rows_.emplace(key, Row{}).first;
    }
    Row& row = found->second;
    if (!resumed) {
        row.offered = 0;
    }
    row.expires = not_after(SSL_SESSION_get0_peer(session.get()));
    row.session = std::move(session);
    row.used = ++uses_;
}

void SessionStore::make_room() {
    if (rows_.size() < sessions_max) {
        return;
    }
    const auto oldest = std::min_element(
        rows_.begin(), rows_.end(), [](auto& a, auto& b) { return a.second.used < b.second.used; });
    rows_.erase(oldest);
}

}  // namespace leverd::net
