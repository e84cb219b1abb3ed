// Why: evidence is worth little when it may not be shown, and a danger when it may not be trusted.
// What a remote side sent, and what leverd sent it, goes through here before anybody sees it.
#pragma once

#include "core/base/secret.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace leverd {

// Masks what is a secret for certain (values that leverd holds) and what looks like one: values
// that follow a name such as token, secret, password, api_key, cookie or authorization in JSON,
// headers and forms, what follows Bearer or Basic, and words with the prefixes of well-known keys.
class Redactor {
  public:
    // Shorter ones are left out: a secret of three letters would mask half of every text.
    static constexpr std::size_t secret_bytes_min = 6;

    void learn(const Secret& secret);

    std::string text(std::string_view untrusted) const;
    // The value of a header; masked as a whole when its name says so.
    std::string header(std::string_view name, std::string_view value) const;
    std::size_t longest() const;  // bytes of the longest known secret

  private:
    std::vector<Secret> known_;
};

// The beginning of a body as it may be shown: redacted, then cut to `limit` and made printable.
std::string excerpt_of(const Redactor& redactor, std::string_view body, std::size_t limit);

}  // namespace leverd
