// Why: see http.hpp.
#include "http.hpp"

#include <charconv>

namespace sandbox {

namespace {

int hex_digit(char c) {
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

std::string unescape(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
            hex_digit(text[i + 2]) >= 0) {
            out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        } else {
            out += text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

}  // namespace

const std::string& Request::header(const std::string& name) const {
    static const std::string kNone;
    const auto found = headers.find(name);
    return found == headers.end() ? kNone : found->second;
}

std::string Request::bearer() const {
    const std::string& value = header("authorization");
    constexpr std::string_view kScheme = "Bearer ";
    return value.starts_with(kScheme) ? value.substr(kScheme.size()) : std::string();
}

Reply json_reply(int status, const json& body) {
    Reply reply;
    reply.status = status;
    reply.body = dump(body);
    return reply;
}

Reply error_reply(int status, std::string_view message) {
    json body = json::object();
    body["error"] = message;
    return json_reply(status, body);
}

Reply text_reply(int status, std::string body, std::string content_type) {
    Reply reply;
    reply.status = status;
    reply.content_type = std::move(content_type);
    reply.body = std::move(body);
    return reply;
}

Reply html_reply(int status, std::string body) {
    return text_reply(status, std::move(body), "text/html; charset=utf-8");
}

Reply wire_reply(Wire wire) {
    Reply reply;
    reply.wire = wire;
    return reply;
}

void split_target(Request& request) {
    const std::size_t mark = request.target.find('?');
    request.path = request.target.substr(0, mark);
    request.query.clear();
    if (mark == std::string::npos) {
        return;
    }
    std::string_view rest = std::string_view(request.target).substr(mark + 1);
    while (!rest.empty()) {
        const std::size_t end = rest.find('&');
        const std::string_view item = rest.substr(0, end);
        const std::size_t equals = item.find('=');
        const std::string key = unescape(item.substr(0, equals));
        if (!key.empty()) {
            request.query[key] = equals == std::string_view::npos
                                     ? std::string()
                                     : unescape(item.substr(equals + 1));
        }
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
}

std::vector<std::string> path_parts(std::string_view path) {
    std::vector<std::string> parts;
    std::size_t at = 0;
    while (at < path.size()) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        if (end > at) {
            parts.emplace_back(path.substr(at, end - at));
        }
        at = end + 1;
    }
    return parts;
}

std::int64_t query_number(const Request& request, const std::string& key, std::int64_t fallback) {
    const auto found = request.query.find(key);
    if (found == request.query.end()) {
        return fallback;
    }
    const std::string& text = found->second;
    std::int64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    return failure == std::errc() && end == text.data() + text.size() ? value : fallback;
}

json parse(std::string_view text) {
    // The sandbox is its own client's judge, so a hostile depth must not end it either.
    const json::parser_callback_t shallow = [](int depth, json::parse_event_t, json&) {
        return depth < 64;
    };
    return json::parse(text.begin(), text.end(), shallow, false);
}

std::string dump(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string text_of(const json& object, const std::string& key, std::string fallback) {
    if (!object.is_object()) {
        return fallback;
    }
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : fallback;
}

bool flag_of(const json& object, const std::string& key, bool fallback) {
    if (!object.is_object()) {
        return fallback;
    }
    const auto found = object.find(key);
    return found != object.end() && found->is_boolean() ? found->get<bool>() : fallback;
}

const char* reason_phrase(int status) {
    switch (status) {
        case 101:
            return "Switching Protocols";
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 304:
            return "Not Modified";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 409:
            return "Conflict";
        case 410:
            return "Gone";
        case 429:
            return "Too Many Requests";
        case 500:
            return "Internal Server Error";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        default:
            return "Status";
    }
}

}  // namespace sandbox
