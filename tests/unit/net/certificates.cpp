// Why: see certificates.hpp.
#include "tests/unit/net/certificates.hpp"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <unistd.h>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace leverd::net::test {
namespace {

constexpr long two_hours = 7200;

void need(bool ok) {
    if (!ok) {
        throw std::runtime_error("OpenSSL refused to make a test certificate");
    }
}

void extend(X509* certificate, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    need(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

Identity unsigned_identity(const std::string& name, long valid_for_seconds) {
    static long serial = 1000;
    Identity made;
    made.key.reset(EVP_EC_gen("P-256"));
    made.certificate.reset(X509_new());
    need(made.key != nullptr && made.certificate != nullptr);
    X509* x = made.certificate.get();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
    const long start = valid_for_seconds < 0 ? valid_for_seconds - two_hours : -two_hours;
    X509_gmtime_adj(X509_getm_notBefore(x), start);
    X509_gmtime_adj(X509_getm_notAfter(x), valid_for_seconds);
    X509_NAME* subject = X509_get_subject_name(x);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    need(X509_set_pubkey(x, made.key.get()) == 1);
    return made;
}

}  // namespace

Identity make_authority(const std::string& name) {
    Identity made = unsigned_identity(name, 24 * 3600);
    X509* x = made.certificate.get();
    X509_set_issuer_name(x, X509_get_subject_name(x));
    extend(x, NID_basic_constraints, "critical,CA:TRUE");
    extend(x, NID_key_usage, "critical,keyCertSign,cRLSign");
    need(X509_sign(x, made.key.get(), EVP_sha256()) > 0);
    return made;
}

Identity issue(const Identity& authority, const std::string& alternative, long valid_for_seconds) {
    Identity made = unsigned_identity("leaf", valid_for_seconds);
    X509* x = made.certificate.get();
    X509_set_issuer_name(x, X509_get_subject_name(authority.certificate.get()));
    extend(x, NID_subject_alt_name, alternative);
    need(X509_sign(x, authority.key.get(), EVP_sha256()) > 0);
    return made;
}

std::string to_pem(const Identity& identity) {
    BIO* memory = BIO_new(BIO_s_mem());
    need(memory != nullptr && PEM_write_bio_X509(memory, identity.certificate.get()) == 1);
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory, &data);
    std::string pem(data, static_cast<std::size_t>(size));
    BIO_free(memory);
    return pem;
}

std::unique_ptr<boost::asio::ssl::context> server_context(const Identity& identity) {
    auto context =
        std::make_unique<boost::asio::ssl::context>(boost::asio::ssl::context::tls_server);
    SSL_CTX* ctx = context->native_handle();
    need(SSL_CTX_use_certificate(ctx, identity.certificate.get()) == 1);
    need(SSL_CTX_use_PrivateKey(ctx, identity.key.get()) == 1);
    return context;
}

TemporaryFile::TemporaryFile(const std::string& text) {
    path_ = (std::filesystem::temp_directory_path() / "leverd-test-XXXXXX").string();
    const int fd = ::mkstemp(path_.data());
    need(fd >= 0);
    const auto written = ::write(fd, text.data(), text.size());
    ::close(fd);
    need(written == static_cast<ssize_t>(text.size()));
}

TemporaryFile::~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
}

}  // namespace leverd::net::test
