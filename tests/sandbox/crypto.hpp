// Why: random names, tokens and digests for the played stack, over OpenSSL.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sandbox {

// `bytes` random bytes as lower-case hex; ends the process when there is no randomness.
std::string random_hex(std::size_t bytes);

// A random version 4 UUID, lower case.
std::string random_uuid();

std::string sha256_hex(std::string_view data);

// Strict base64 decoding; empty on any fault.
std::string base64_decode(std::string_view text);

}  // namespace sandbox
