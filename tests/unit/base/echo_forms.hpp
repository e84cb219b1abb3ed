// Why: every way in which a remote side was seen, or may be expected, to give a secret back. Tests
// of masking walk this list, so that a new coat is added once.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leverd::test {

inline std::string base64(std::string_view bytes, bool url = false) {
    const std::string_view digits =
        url ? "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
            : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    std::uint32_t pool = 0;
    unsigned in_pool = 0;
    for (const char c : bytes) {
        pool = ((pool << 8) | static_cast<unsigned char>(c)) & 0xFFFFU;
        for (in_pool += 8; in_pool >= 6;) {
            in_pool -= 6;
            out.push_back(digits[(pool >> in_pool) & 63U]);
        }
    }
    if (in_pool > 0) {
        out.push_back(digits[(pool << (6 - in_pool)) & 63U]);
    }
    while (!url && out.size() % 4 != 0) {
        out.push_back('=');
    }
    return out;
}

inline std::string each(std::string_view text, const std::function<std::string(unsigned)>& write) {
    std::string out;
    for (const char c : text) {
        out += write(static_cast<unsigned char>(c));
    }
    return out;
}

inline std::string wrapped(const std::string& text, std::size_t width, std::string_view end) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += width) {
        out += text.substr(at, width);
        out += end;
    }
    return out;
}

inline bool is_alphanumeric(unsigned c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// Letters stay, the rest is written by `write`.
inline std::string special(std::string_view text,
                           const std::function<std::string(unsigned)>& write) {
    return each(text, [&write](unsigned c) {
        return is_alphanumeric(c) ? std::string(1, static_cast<char>(c)) : write(c);
    });
}

struct EchoForm {
    std::string_view name;
    std::function<std::string(const std::string&)> put_on;
};

inline const std::vector<EchoForm>& echo_forms() {
    using S = std::string;
    const auto percent = [](unsigned c) { return fmt::format("%{:02x}", c); };
    const auto percent_upper = [](unsigned c) { return fmt::format("%{:02X}", c); };
    const auto unicode = [](unsigned c) { return fmt::format("\\u{:04x}", c); };
    const auto decimal = [](unsigned c) { return fmt::format("&#{};", c); };
    const auto hex_entity = [](unsigned c) { return fmt::format("&#x{:X};", c); };
    const auto named = [](unsigned c) -> S {
        switch (c) {
            case '/':
                return "&sol;";
            case '+':
                return "&plus;";
            case '&':
                return "&amp;";
            case '"':
                return "&quot;";
            case '=':
                return "&equals;";
            default:
                return S(1, static_cast<char>(c));
        }
    };
    const auto slash = [](unsigned c) {
        return c == '/' || c == '"' || c == '\\' ? S("\\") + static_cast<char>(c)
                                                 : S(1, static_cast<char>(c));
    };
    const auto hex = [](unsigned c) { return fmt::format("{:02x}", c); };
    const auto hex_upper = [](unsigned c) { return fmt::format("{:02X}", c); };
    static const std::vector<EchoForm> forms{
        {"raw", [](const S& s) { return s; }},
        {"Bearer", [](const S& s) { return "Bearer " + s; }},
        {"base64", [](const S& s) { return base64(s); }},
        {"base64, one byte before", [](const S& s) { return base64("u" + s + "tail"); }},
        {"base64, two bytes before", [](const S& s) { return base64("uu" + s + "t"); }},
        {"base64 of user:secret", [](const S& s) { return base64("operator:" + s); }},
        {"Basic", [](const S& s) { return "Basic " + base64("leverd:" + s); }},
        {"base64url", [](const S& s) { return base64(s, true); }},
        {"base64url behind a path", [](const S& s) { return "/x/y" + base64("me:" + s, true); }},
        {"base64 in lines", [](const S& s) { return wrapped(base64("me:" + s), 20, "\r\n "); }},
        {"base64 in JSON lines", [](const S& s) { return wrapped(base64(s), 16, "\\n"); }},
        {"base64 twice", [](const S& s) { return base64(base64("me:" + s)); }},
        {"base64, percent-encoded",
         [=](const S& s) { return special(base64("me:" + s), percent); }},
        {"JSON slash", [=](const S& s) { return each(s, slash); }},
        {"JSON unicode", [=](const S& s) { return each(s, unicode); }},
        {"JSON unicode, specials", [=](const S& s) { return special(s, unicode); }},
        {"JSON in JSON", [=](const S& s) { return each(each(s, slash), slash); }},
        {"percent, specials", [=](const S& s) { return special(s, percent); }},
        {"percent, upper", [=](const S& s) { return special(s, percent_upper); }},
        {"percent, all", [=](const S& s) { return each(s, percent); }},
        {"percent twice", [=](const S& s) { return special(special(s, percent), percent); }},
        {"entities, named", [=](const S& s) { return each(s, named); }},
        {"entities, decimal", [=](const S& s) { return each(s, decimal); }},
        {"entities, hex", [=](const S& s) { return each(s, hex_entity); }},
        {"hex", [=](const S& s) { return each(s, hex); }},
        {"hex, upper", [=](const S& s) { return each(s, hex_upper); }},
        {"hex, one digit before", [=](const S& s) { return "f" + each(s, hex); }},
        {"hex with colons", [=](const S& s) { return wrapped(each(s, hex), 2, ":"); }},
        {"reversed", [](const S& s) { return S(s.rbegin(), s.rend()); }},
        {"upper case", [](const S& s) {
             return each(s, [](unsigned c) {
                 return S(1, static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c));
             });
         }}};
    return forms;
}

// What must not stand in a text that hides the secret: the middle of each of its forms, since their
// ends may belong to its neighbours.
inline std::vector<std::string> needles_of(const std::string& secret) {
    std::vector<std::string> needles;
    for (const EchoForm& form : echo_forms()) {
        const std::string worn = form.put_on(secret);
        const std::size_t rim = worn.size() / 4;
        needles.push_back(worn.substr(rim, worn.size() - 2 * rim));
    }
    return needles;
}

inline bool holds_any(const std::string& text, const std::vector<std::string>& needles) {
    return std::any_of(needles.begin(), needles.end(), [&text](const std::string& needle) {
        return text.find(needle) != std::string::npos;
    });
}

// True where any form of the secret stands in the text.
inline bool leaks(const std::string& text, const std::string& secret) {
    return holds_any(text, needles_of(secret));
}

}  // namespace leverd::test
