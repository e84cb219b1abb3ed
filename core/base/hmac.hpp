// Why: senders of events sign what they send, each with one of two hashes; one function computes
// both, so that the comparison is the only thing left to get right (equal_constant_time).
#pragma once

#include "core/base/secret.hpp"

#include <string>
#include <string_view>

namespace leverd {

enum class HashKind { sha1, sha256 };

// Lower-case hex of HMAC(key, bytes); empty when the key is empty, which no signature equals. A
// Secret, because knowing it is being able to sign.
Secret hmac_hex(HashKind kind, const Secret& key, std::string_view bytes);

}  // namespace leverd
