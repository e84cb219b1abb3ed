// Why: see shorten.hpp.
#include "core/base/shorten.hpp"

#include "core/base/text.hpp"

#include <algorithm>

namespace leverd {
namespace {

constexpr std::size_t least = 40;  // less has no room for two ends
constexpr std::string_view next_step = "Next: ";

bool is_inner_byte(char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

// Where the end that is kept begins: with a sentence, if one begins there.
std::size_t end_of_cut(std::string_view text, std::size_t kept) {
    auto from = text.size() - kept;
    if (const auto next = text.rfind(next_step); next != std::string_view::npos && next < from) {
        from = next;
    } else if (const auto sentence = text.find(". ", from); sentence != std::string_view::npos) {
        from = sentence + 2;
    }
    while (from < text.size() && is_inner_byte(text[from])) {
        ++from;
    }
    return from;
}

}  // namespace

std::string shorten(std::string_view untrusted, std::size_t limit) {
    const auto clean = sanitize(untrusted, untrusted.size() + limit);
    if (clean.size() <= limit) {
        return clean;
    }
    if (limit < least) {
        return sanitize(clean, limit);
    }
    const auto end =
        sanitize(std::string_view(clean).substr(end_of_cut(clean, limit * 3 / 5)), limit * 9 / 10);
    const auto begin = sanitize(clean, limit - end.size() - 1);
    return begin + " " + end;
}

}  // namespace leverd
