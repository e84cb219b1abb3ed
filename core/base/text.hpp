// Why: remote text is untrusted. These are the only ways it may become part of a URL, a page or a
// record.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leverd {

bool is_slug(std::string_view s);       // [a-z0-9-]{1,63}
bool is_uuid(std::string_view s);       // 8-4-4-4-12 hex digits
bool is_opaque_id(std::string_view s);  // [A-Za-z0-9_-]{1,100}: an id that a host chose
bool is_digest(std::string_view s);     // sha256:[0-9a-f]{64}
bool is_tag(std::string_view s);        // [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}, wire-contracts 4.2
bool is_repository(
    std::string_view s);  // lower-case path components joined by '/', at most 255 bytes

// Printable UTF-8 of at most `limit` bytes: control characters and broken sequences become '?', a
// cut is marked "...".
std::string sanitize(std::string_view untrusted, std::size_t limit);

// '*' matches any run of characters except '/'. No other wildcard.
bool glob_match(std::string_view pattern, std::string_view text);

std::vector<std::string> split(std::string_view s, char separator);

// The candidate nearest to `word` by edit distance, if it is near enough to be worth a "did you
// mean".
std::optional<std::string> suggest(std::string_view word,
                                   const std::vector<std::string>& candidates);

// Lower-case hex SHA-256 of the bytes.
std::string sha256_hex(std::string_view bytes);

}  // namespace leverd
