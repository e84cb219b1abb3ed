// Why: the tests make their own throw-away certificates, good and bad, so that none of them expires
// in the repository.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <string>

namespace leverd::net::test {

struct KeyFree {
    void operator()(EVP_PKEY* k) const { EVP_PKEY_free(k); }
};
struct CertFree {
    void operator()(X509* c) const { X509_free(c); }
};
struct Identity {
    std::unique_ptr<EVP_PKEY, KeyFree> key;
    std::unique_ptr<X509, CertFree> certificate;
};

Identity make_authority(const std::string& name);
// `alternative`: "DNS:localhost,IP:127.0.0.1". The certificate is valid from two hours ago (or two
// hours before its end) until `valid_for_seconds` from now.
Identity issue(const Identity& authority, const std::string& alternative, long valid_for_seconds);

std::string to_pem(const Identity& identity);
std::unique_ptr<boost::asio::ssl::context> server_context(const Identity& identity);

// A file with this text under the system's directory for temporary files, gone with the object.
class TemporaryFile {
  public:
    explicit TemporaryFile(const std::string& text);
    ~TemporaryFile();
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

}  // namespace leverd::net::test
