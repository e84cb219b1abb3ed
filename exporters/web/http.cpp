// Why: targets come from anyone who can reach the port, so they are taken apart here, strictly and
// once.
#include "exporters/web/http.hpp"

#include "core/base/text.hpp"
#include "core/model/codec.hpp"

#include <nlohmann/json.hpp>

namespace leverd::exporters::web {
namespace {

constexpr std::size_t query_pairs_max = 16;

int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

bool unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

}  // namespace

const std::string& Request::header(const std::string& lower_case_name) const {
    static const std::string none;
    const auto found = headers.find(lower_case_name);
    return found == headers.end() ? none : found->second;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus_is_space) {
            out.push_back(' ');
            continue;
        }
        if (text[i] != '%') {
            out.push_back(text[i]);
            continue;
        }
        if (i + 2 >= text.size()) {
            return std::nullopt;
        }
        const int high = hex_value(text[i + 1]);
        const int low = hex_value(text[i + 2]);
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        out.push_back(static_cast<char>(high * 16 + low));
        i += 2;
    }
    return out;
}

std::string percent_encode(std::string_view text) {
    static constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        if (unreserved(c)) {
            out.push_back(c);
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out.push_back('%');
        out.push_back(digits[byte >> 4U]);
        out.push_back(digits[byte & 15U]);
    }
    return out;
}

std::optional<Target> parse_target(std::string_view target) {
    if (target.empty() || target.front() != '/') {
        return std::nullopt;
    }
    target = target.substr(0, target.find('#'));
    const auto mark = target.find('?');
    Target out;
    out.path = std::string(target.substr(0, mark));
    if (mark == std::string_view::npos) {
        return out;
    }
    std::string_view rest = target.substr(mark + 1);
    while (!rest.empty()) {
        const auto cut = rest.find('&');
        const std::string_view pair = rest.substr(0, cut);
        rest = cut == std::string_view::npos ? std::string_view{} : rest.substr(cut + 1);
        if (pair.empty()) {
            continue;
        }
        const auto equals = pair.find('=');
        const auto key = percent_decode(pair.substr(0, equals), true);
        const auto value = equals == std::string_view::npos
                               ? std::optional<std::string>{std::string{}}
                               : percent_decode(pair.substr(equals + 1), true);
        if (!key || !value || out.query.size() >= query_pairs_max) {
            return std::nullopt;
        }
        if (!out.query.emplace(*key, *value).second) {
            return std::nullopt;
        }
    }
    return out;
}

Response json_response(int status, const nlohmann::json& body) {
    Response out;
    out.status = status;
    out.body = dump(body) + "\n";
    return out;
}

Response error_response(int status, std::string_view what, std::string_view hint) {
    nlohmann::json body = nlohmann::json::object();
    body["error"] = sanitize(what, 500);
    body["hint"] = sanitize(hint, 500);
    return json_response(status, body);
}

}  // namespace leverd::exporters::web
