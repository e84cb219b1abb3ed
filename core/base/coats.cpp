// Why: see coats.hpp. Every reading is made in one pass, and is no longer than the text itself.
#include "core/base/coats.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace leverd {
namespace {

// Shorter runs cannot hold a secret that is masked.
constexpr std::size_t bare_bytes_min = 6;

int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int base64_value(char c) {
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    if (c == '+' || c == '-') {
        return 62;
    }
    return c == '/' || c == '_' ? 63 : -1;
}

// One unit of an escaped text: the code point or byte that `length` characters stand for.
struct Unit {
    std::uint32_t code = 0;
    std::size_t length = 0;
    bool is_byte = false;  // a raw byte, not a code point
};
using ReadUnit = std::optional<Unit> (*)(std::string_view);

std::optional<std::uint32_t> hex_number(std::string_view digits) {
    std::uint32_t number = 0;
    for (const char c : digits) {
        const int value = hex_value(c);
        if (value < 0 || number > 0x10FFFF) {
            return std::nullopt;
        }
        number = number * 16 + static_cast<std::uint32_t>(value);
    }
    return digits.empty() ? std::nullopt : std::optional(number);
}

std::optional<Unit> percent_unit(std::string_view text) {
    const auto byte = text.size() >= 3 ? hex_number(text.substr(1, 2)) : std::nullopt;
    return byte ? std::optional(Unit{*byte, 3, true}) : std::nullopt;
}

std::optional<Unit> utf16_unit(std::string_view text) {
    const auto first = text.size() >= 6 ? hex_number(text.substr(2, 4)) : std::nullopt;
    if (!first) {
        return std::nullopt;
    }
    const bool high = *first >= 0xD800 && *first < 0xDC00;
    if (high && text.size() >= 12 && text[6] == '\\' && text[7] == 'u') {
        const auto second = hex_number(text.substr(8, 4));
        if (second && *second >= 0xDC00 && *second < 0xE000) {
            return Unit{0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00), 12, false};
        }
    }
    return Unit{*first, 6, false};
}

std::optional<Unit> backslash_unit(std::string_view text) {
    if (text.size() < 2) {
        return std::nullopt;
    }
    switch (text[1]) {
        case 'u':
            return utf16_unit(text);
        case 'x': {
            const auto byte = text.size() >= 4 ? hex_number(text.substr(2, 2)) : std::nullopt;
            return byte ? std::optional(Unit{*byte, 4, true}) : std::nullopt;
        }
        case 'n':
            return Unit{'\n', 2, true};
        case 'r':
            return Unit{'\r', 2, true};
        case 't':
            return Unit{'\t', 2, true};
        case '"':
        case '\'':
        case '/':
        case '\\':
            return Unit{static_cast<unsigned char>(text[1]), 2, true};
        default:
            return std::nullopt;
    }
}

std::optional<Unit> entity_unit(std::string_view text) {
    constexpr std::size_t longest = 12;
    constexpr std::array<std::pair<std::string_view, char>, 39> names{
        {{"amp", '&'},    {"lt", '<'},     {"gt", '>'},     {"quot", '"'},   {"apos", '\''},
         {"sol", '/'},    {"bsol", '\\'},  {"colon", ':'},  {"semi", ';'},   {"equals", '='},
         {"plus", '+'},   {"lowbar", '_'}, {"hyphen", '-'}, {"period", '.'}, {"comma", ','},
         {"excl", '!'},   {"num", '#'},    {"dollar", '$'}, {"percnt", '%'}, {"lpar", '('},
         {"rpar", ')'},   {"ast", '*'},    {"quest", '?'},  {"commat", '@'}, {"lsqb", '['},
         {"lbrack", '['}, {"rsqb", ']'},   {"rbrack", ']'}, {"Hat", '^'},    {"grave", '`'},
         {"lcub", '{'},   {"lbrace", '{'}, {"rcub", '}'},   {"rbrace", '}'}, {"verbar", '|'},
         {"vert", '|'},   {"AMP", '&'},    {"QUOT", '"'},   {"nbsp", ' '}}};
    const auto end = text.substr(0, longest).find(';');
    if (end == std::string_view::npos || end < 2) {
        return std::nullopt;
    }
    const std::string_view name = text.substr(1, end - 1);
    if (name.front() != '#') {
        const auto* found = std::find_if(names.begin(), names.end(),
                                         [name](const auto& one) { return one.first == name; });
        return found == names.end()
                   ? std::nullopt
                   : std::optional(Unit{static_cast<unsigned char>(found->second), end + 1, true});
    }
    if (name.size() > 1 && (name[1] == 'x' || name[1] == 'X')) {
        const auto code = hex_number(name.substr(2));
        return code ? std::optional(Unit{*code, end + 1, false}) : std::nullopt;
    }
    std::uint32_t code = 0;
    for (const char c : name.substr(1)) {
        if (c < '0' || c > '9' || code > 0x10FFFF) {
            return std::nullopt;
        }
        code = code * 10 + static_cast<std::uint32_t>(c - '0');
    }
    return name.size() > 1 ? std::optional(Unit{code, end + 1, false}) : std::nullopt;
}

void put(std::string& bytes, std::uint32_t byte) {
    bytes.push_back(static_cast<char>(static_cast<unsigned char>(byte)));
}

// A code point as UTF-8.
void put_code(std::string& bytes, std::uint32_t code) {
    if (code < 0x80) {
        put(bytes, code);
    } else if (code < 0x800) {
        put(bytes, 0xC0 | (code >> 6));
        put(bytes, 0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        put(bytes, 0xE0 | (code >> 12));
        put(bytes, 0x80 | ((code >> 6) & 0x3F));
        put(bytes, 0x80 | (code & 0x3F));
    } else {
        put(bytes, 0xF0 | ((code >> 18) & 0x07));
        put(bytes, 0x80 | ((code >> 12) & 0x3F));
        put(bytes, 0x80 | ((code >> 6) & 0x3F));
        put(bytes, 0x80 | (code & 0x3F));
    }
}

std::uint32_t narrow(std::size_t n) {
    return static_cast<std::uint32_t>(n);
}

// A unit that was resolved, or a stretch that was kept: both begin here.
struct Seam {
    std::uint32_t bare = 0;
    std::uint32_t text = 0;
    bool kept = false;  // byte for byte from here on
};

// Where the byte at `at` stood; `end`: where the one before it ended.
std::uint32_t place(const std::vector<Seam>& seams, std::uint32_t at, bool end) {
    const std::uint32_t byte = end ? at - 1 : at;
    const auto next = std::upper_bound(seams.begin(), seams.end(), byte,
                                       [](std::uint32_t n, const Seam& s) { return n < s.bare; });
    const Seam& seam = *std::prev(next);
    if (seam.kept) {
        return seam.text + (at - seam.bare);
    }
    return end ? next->text : seam.text;
}

// The text with every unit that begins with `lead` resolved; nothing when there is none.
void unescape(std::string_view text, char lead, ReadUnit read, const TakeBare& take) {
    std::string bytes;
    std::vector<Seam> seams;
    std::size_t kept_from = 0;
    const auto keep_to = [&](std::size_t end) {
        if (end > kept_from) {
            seams.push_back({narrow(bytes.size()), narrow(kept_from), true});
            bytes += text.substr(kept_from, end - kept_from);
        }
    };
    for (auto at = text.find(lead); at != std::string_view::npos;) {
        const auto unit = read(text.substr(at));
        if (!unit) {
            at = text.find(lead, at + 1);
            continue;
        }
        keep_to(at);
        seams.push_back({narrow(bytes.size()), narrow(at), false});
        unit->is_byte ? put(bytes, unit->code) : put_code(bytes, unit->code);
        kept_from = at + unit->length;
        at = text.find(lead, kept_from);
    }
    if (seams.empty()) {
        return;
    }
    keep_to(text.size());
    seams.push_back({narrow(bytes.size()), narrow(text.size()), false});
    take(bytes, [&seams](Span bare) {
        return Span{place(seams, bare.begin, false), place(seams, bare.end, true)};
    });
}

// The letters of one run with their values and places, and room for what they stand for.
struct Run {
    std::vector<std::uint8_t> values;
    std::vector<std::uint32_t> places;
    std::string bytes;

    void add(int value, std::size_t at) {
        values.push_back(static_cast<std::uint8_t>(value));
        places.push_back(narrow(at));
    }
    void clear() {
        values.clear();
        places.clear();
    }
};

// The `bits` of each letter from letter `first` on, read as one stream of bytes.
void join_bits(Run& run, std::size_t first, unsigned bits) {
    run.bytes.clear();
    std::uint32_t pool = 0;
    unsigned in_pool = 0;
    for (std::size_t i = first; i < run.values.size(); ++i) {
        pool = ((pool << bits) | run.values[i]) & 0xFFFFU;
        in_pool += bits;
        if (in_pool >= 8) {
            in_pool -= 8;
            put(run.bytes, pool >> in_pool);
        }
    }
}

void take_run(Run& run, unsigned bits, const TakeBare& take) {
    // Every alignment at which a byte can begin: 4 letters of base64, 2 of hexadecimal.
    const std::size_t alignments = bits == 6 ? 4 : 2;
    const std::size_t letters_min = (bare_bytes_min * 8 + bits - 1) / bits;
    for (std::size_t first = 0; first < alignments; ++first) {
        if (run.values.size() < first + letters_min) {
            break;
        }
        join_bits(run, first, bits);
        take(run.bytes, [&run, first, bits](Span bare) {
            const std::size_t begin = first + std::size_t{bare.begin} * 8 / bits;
            const std::size_t last = first + (std::size_t{bare.end} * 8 - 1) / bits;
            return Span{run.places[begin], run.places[last] + 1};
        });
    }
    run.clear();
}

bool is_line_end(char c) {
    return c == '\n' || c == '\r';
}

// Base64 is wrapped: line ends, and blanks that begin the next line, stand inside a run.
void base64_runs(std::string_view text, const TakeBare& take) {
    Run run;
    bool wrapped = false;
    for (std::size_t at = 0; at <= text.size(); ++at) {
        const int value = at < text.size() ? base64_value(text[at]) : -1;
        if (value >= 0) {
            run.add(value, at);
            wrapped = false;
            continue;
        }
        if (at < text.size() && (is_line_end(text[at]) || (wrapped && text[at] == ' '))) {
            wrapped = true;
            continue;
        }
        take_run(run, 6, take);
        wrapped = false;
    }
}

void hex_runs(std::string_view text, const TakeBare& take) {
    Run run;
    bool separated = false;
    for (std::size_t at = 0; at <= text.size(); ++at) {
        const int value = at < text.size() ? hex_value(text[at]) : -1;
        if (value >= 0) {
            run.add(value, at);
            separated = false;
            continue;
        }
        const bool separator =
            at < text.size() && std::string_view(" :-\n").find(text[at]) != std::string_view::npos;
        if (separator && !separated) {
            separated = true;
            continue;
        }
        take_run(run, 4, take);
        separated = false;
    }
}

}  // namespace

void take_off_coats(std::string_view text, const TakeBare& take) {
    constexpr std::array<std::pair<char, ReadUnit>, 3> escapes{
        {{'\\', backslash_unit}, {'%', percent_unit}, {'&', entity_unit}}};
    for (const auto& [lead, read] : escapes) {
        unescape(text, lead, read, take);
    }
    base64_runs(text, take);
    hex_runs(text, take);
}

}  // namespace leverd
