// Why: remote text is checked here, byte by byte, before it may become part of anything.
#include "core/base/text.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace leverd {

namespace {

constexpr std::size_t slug_bytes_max = 63;
constexpr std::size_t tag_bytes_max = 128;
constexpr std::size_t repository_bytes_max = 255;
constexpr std::size_t suggest_bytes_max = 64;
constexpr std::size_t digest_hex_length = 64;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}
bool is_lower_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f');
}
bool is_hex(char c) {
    return is_lower_hex(c) || (c >= 'A' && c <= 'F');
}

// One path component: alphanumerics joined by '.', '_', '__' or a run of '-'.
bool is_repository_component(std::string_view s) {
    const auto alnum = [](char c) { return is_lower(c) || is_digit(c); };
    if (s.empty() || !alnum(s.front()) || !alnum(s.back())) {
        return false;
    }
    for (std::size_t i = 0; i < s.size();) {
        if (alnum(s[i])) {
            ++i;
            continue;
        }
        const std::size_t start = i;
        while (i < s.size() && s[i] == s[start]) {
            ++i;
        }
        const std::size_t run = i - start;
        const bool joined = i < s.size() && alnum(s[i]);
        const bool allowed =
            s[start] == '-' || (s[start] == '_' && run <= 2) || (s[start] == '.' && run == 1);
        if (!joined || !allowed) {
            return false;
        }
    }
    return true;
}

struct Decoded {
    char32_t code = 0;
    std::size_t length = 0;  // 0: not the start of a valid sequence
};

Decoded decode_utf8(std::string_view s) {
    const auto byte = [&s](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) {
        return {lead, 1};
    }
    std::size_t length = 0;
    char32_t code = 0;
    char32_t least = 0;  // a longer spelling of a smaller code is an attack, not text
    if ((lead & 0xE0) == 0xC0) {
        length = 2, code = lead & 0x1FU, least = 0x80;
    } else if ((lead & 0xF0) == 0xE0) {
        length = 3, code = lead & 0x0FU, least = 0x800;
    } else if ((lead & 0xF8) == 0xF0) {
        length = 4, code = lead & 0x07U, least = 0x10000;
    } else {
        return {};
    }
    if (s.size() < length) {
        return {};
    }
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0) != 0x80) {
            return {};
        }
        code = (code << 6) | (byte(i) & 0x3FU);
    }
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    if (code < least || surrogate || code > 0x10FFFF) {
        return {};
    }
    return {code, length};
}

// Besides the control characters: what breaks lines, hides, or turns the direction of reading, with
// which remote text could make a log or a page lie.
bool is_printable(char32_t c) {
    const bool control = c < 0x20 || (c >= 0x7F && c <= 0x9F);
    const bool hidden = c == 0xAD || (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
                        (c >= 0x2060 && c <= 0x206F) || c == 0x061C || c == 0xFEFF ||
                        (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE007F);
    return !control && !hidden;
}

// Edits counted as one: insert, delete, replace, and swapping two neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> older(b.size() + 1);
    std::vector<std::size_t> old(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        old[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t differs = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = std::min({old[j] + 1, row[j - 1] + 1, old[j - 1] + differs});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], older[j - 2] + 1);
            }
        }
        older.swap(old);
        old.swap(row);
    }
    return old[b.size()];
}

}  // namespace

bool is_slug(std::string_view s) {
    return !s.empty() && s.size() <= slug_bytes_max &&
           std::ranges::all_of(s, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

bool is_uuid(std::string_view s) {
    constexpr std::size_t length = 36;
    if (s.size() != length) {
        return false;
    }
    for (std::size_t i = 0; i < length; ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s[i] != '-' : !is_hex(s[i])) {
            return false;
        }
    }
    return true;
}

bool is_opaque_id(std::string_view s) {
    return !s.empty() && s.size() <= 100 && std::all_of(s.begin(), s.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    });
}

bool is_digest(std::string_view s) {
    constexpr std::string_view prefix = "sha256:";
    return s.size() == prefix.size() + digest_hex_length && s.starts_with(prefix) &&
           std::ranges::all_of(s.substr(prefix.size()), is_lower_hex);
}

bool is_tag(std::string_view s) {
    const auto word = [](char c) { return is_lower(c) || is_upper(c) || is_digit(c) || c == '_'; };
    return !s.empty() && s.size() <= tag_bytes_max && word(s.front()) &&
           std::ranges::all_of(s, [&word](char c) { return word(c) || c == '.' || c == '-'; });
}

bool is_repository(std::string_view s) {
    if (s.empty() || s.size() > repository_bytes_max) {
        return false;
    }
    return std::ranges::all_of(split(s, '/'), is_repository_component);
}

std::string sanitize(std::string_view untrusted, std::size_t limit) {
    constexpr std::string_view mark = "...";
    std::string out;
    std::size_t cut_at = 0;  // how much of `out` may stay when the mark has to follow
    std::size_t i = 0;
    while (i < untrusted.size()) {
        const Decoded decoded = decode_utf8(untrusted.substr(i));
        const bool keep = decoded.length > 0 && is_printable(decoded.code);
        const std::string_view piece =
            keep ? untrusted.substr(i, decoded.length) : std::string_view("?");
        if (out.size() + piece.size() > limit) {
            out.resize(cut_at);
            out.append(mark.substr(0, limit - cut_at));
            return out;
        }
        out.append(piece);
        if (out.size() + mark.size() <= limit) {
            cut_at = out.size();
        }
        i += std::max<std::size_t>(decoded.length, 1);
    }
    return out;
}

bool glob_match(std::string_view pattern, std::string_view text) {
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;
    std::size_t star_text = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            star_text = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos && text[star_text] != '/') {
            // Only the newest star can help: an older one would have to cross the same '/'.
            p = star + 1;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') {
        ++p;
    }
    return p == pattern.size();
}

std::vector<std::string> split(std::string_view s, char separator) {
    std::vector<std::string> parts;
    std::size_t start = 0;
    for (std::size_t end = s.find(separator); end != std::string_view::npos;
         end = s.find(separator, start)) {
        parts.emplace_back(s.substr(start, end - start));
        start = end + 1;
    }
    parts.emplace_back(s.substr(start));
    return parts;
}

std::optional<std::string> suggest(std::string_view word,
                                   const std::vector<std::string>& candidates) {
    if (word.empty() || word.size() > suggest_bytes_max) {
        return std::nullopt;
    }
    // A third of the letters may be wrong; with more, the suggestion would be a guess.
    std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
    const std::string* best = nullptr;
    for (const std::string& candidate : candidates) {
        if (candidate.empty() || candidate.size() > suggest_bytes_max) {
            continue;
        }
        const std::size_t distance = edit_distance(word, candidate);
        if (distance < best_distance && distance < candidate.size()) {
            best_distance = distance;
            best = &candidate;
        }
    }
    return best == nullptr ? std::nullopt : std::optional<std::string>(*best);
}

std::string sha256_hex(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
    std::string hex;
    hex.reserve(digest.size() * 2);
    for (const unsigned char byte : digest) {
        hex.push_back(digits[byte >> 4U]);
        hex.push_back(digits[byte & 0x0FU]);
    }
    return hex;
}

}  // namespace leverd
