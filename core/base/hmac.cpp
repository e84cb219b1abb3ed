// Why: see hmac.hpp.
#include "core/base/hmac.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

namespace leverd {

Secret hmac_hex(HashKind kind, const Secret& key, std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    if (key.empty()) {
        return Secret{};
    }
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    const EVP_MD* hash = kind == HashKind::sha1 ? EVP_sha1() : EVP_sha256();
    const auto* made = HMAC(hash, key.reveal().data(), static_cast<int>(key.reveal().size()),
                            reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                            digest.data(), &length);
    std::string hex;
    for (unsigned int i = 0; made != nullptr && i < length; ++i) {
        hex.push_back(digits[digest[i] >> 4U]);
        hex.push_back(digits[digest[i] & 15U]);
    }
    return Secret::unlisted(std::move(hex));
}

}  // namespace leverd
