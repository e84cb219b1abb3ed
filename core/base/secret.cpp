// Why: the bytes of a secret are overwritten when it dies, and compared without telling by the time
// it takes how much of a guess was right.
#include "core/base/secret.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <array>

namespace leverd {

namespace {

std::array<unsigned char, SHA256_DIGEST_LENGTH> digest(const std::string& bytes) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> out{};
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out.data());
    return out;
}

}  // namespace

Secret::~Secret() {
    // A moved-from short string keeps its bytes beyond its size, so the whole capacity is wiped.
    value_.resize(value_.capacity());
    OPENSSL_cleanse(value_.data(), value_.size());
}

Secret& Secret::operator=(const Secret& other) {
    Secret copy(other);
    value_.swap(copy.value_);
    return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
    Secret taken(std::move(other));
    value_.swap(taken.value_);
    return *this;
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
