// Why: evidence is worth little when it may not be shown, and a danger when it may not be trusted.
// What a remote side sent, and what leverd sent it, goes through here before anybody sees it; and
// whatever leaves the process or is stored goes through here once more.
#pragma once

#include "core/base/secret.hpp"
#include "core/base/time.hpp"

#include <string>
#include <string_view>

namespace leverd {

// Masks what is a secret for certain (every Secret that was made, in whatever coat it comes: see
// coats.hpp) and what looks like one: values that follow a name such as token, secret, password,
// api_key, cookie or authorization in JSON, headers and forms, what follows Bearer or Basic, and
// words with the prefixes of well-known keys.
std::string redact(std::string_view untrusted);
// The value of a header; masked as a whole when its name says so.
std::string redact_header(std::string_view name, std::string_view value);
// The beginning of a body as it may be shown: redacted, then cut to `limit` and made printable.
std::string excerpt_of(std::string_view body, std::size_t limit);

// The last door of leverd's own words (log, page, answer, metric, ledger): masks what is a secret
// for certain and leaves the rest alone. JSON stays JSON.
std::string mask_known(std::string text);

// Tells the time now and then, so that what nobody holds any more is forgotten after a day.
void forget_old_secrets(Instant now);

// Why this secret cannot be masked everywhere; empty when it can.
std::string hard_to_mask(const Secret& secret);

}  // namespace leverd
