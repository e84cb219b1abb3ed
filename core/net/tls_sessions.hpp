// Why: resumable TLS sessions by target, with a full handshake now and then, because a resumed one
// does not show a certificate that was changed. Private to core/net.
#pragma once

#include "core/base/time.hpp"

#include <openssl/ssl.h>

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace leverd::net {

struct SessionFree {
    void operator()(SSL_SESSION* s) const { SSL_SESSION_free(s); }
};
using SessionPtr = std::unique_ptr<SSL_SESSION, SessionFree>;

// The notAfter of a certificate; nothing when it cannot be read.
std::optional<WallTime> not_after(const X509* certificate);

class SessionStore {
  public:
    // Offers the target's session to this handshake, unless a full one is due.
    void offer(SSL* ssl, const std::string& key, WallTime now);
    // Keeps the session of a connection over which a whole answer came. `resumed`: that handshake
    // was an abbreviated one.
    void keep(SSL* ssl, const std::string& key);
    void forget(const std::string& key) { rows_.erase(key); }

  private:
    struct Row {
        SessionPtr session;
        std::optional<WallTime> expires;  // of the certificate
        int offered = 0;                  // since the last full handshake
        std::uint64_t used = 0;
    };
    void make_room();

    std::map<std::string, Row> rows_;
    std::uint64_t uses_ = 0;
};

}  // namespace leverd::net
