// Why: the bytes of a secret are overwritten when nobody needs them any more, and compared without
// telling by the time it takes how much of a guess was right.
#include "core/base/secret.hpp"

#include "core/base/known_secrets.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <array>
#include <utility>

namespace leverd {

namespace {

std::array<unsigned char, SHA256_DIGEST_LENGTH> digest(const std::string& bytes) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> out{};
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out.data());
    return out;
}

std::shared_ptr<const std::string> hold(std::string& value) {
    auto held = std::shared_ptr<std::string>(new std::string(std::move(value)), [](auto* bytes) {
        wipe(*bytes);
        delete bytes;
    });
    return held;
}

}  // namespace

void wipe(std::string& bytes) {
    // A moved-from short string keeps its bytes beyond its size, so the whole capacity is wiped.
    bytes.resize(bytes.capacity());
    OPENSSL_cleanse(bytes.data(), bytes.size());
    bytes.clear();
}

Secret::Secret(std::string value) {
    const bool listed = value.size() >= KnownSecrets::bytes_min;
    value_ = listed ? KnownSecrets::instance().add(value) : hold(value);
    wipe(value);
}

Secret Secret::unlisted(std::string value) {
    Secret secret;
    secret.value_ = hold(value);
    wipe(value);
    return secret;
}

const std::string& Secret::reveal() const {
    static const std::string none;
    return value_ ? *value_ : none;
}

bool equal_constant_time(const Secret& a, const std::string& b) {
    if (a.empty()) {
        return false;
    }
    // Digests have one length, so not even the length of the secret shows.
    auto left = digest(a.reveal());
    auto right = digest(b);
    const bool equal = CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
    OPENSSL_cleanse(left.data(), left.size());
    OPENSSL_cleanse(right.data(), right.size());
    return equal;
}

}  // namespace leverd
