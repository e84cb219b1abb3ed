// Why: see head.hpp.
#include "exporters/web/head.hpp"

#include <algorithm>

namespace leverd::exporters::web {
namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::size_t length_digits_max = 12;

bool token_byte(char c) {
    constexpr std::string_view others = "!#$%&'*+-.^_`|~";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           others.find(c) != others.npos;
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return out;
}

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == text.npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

Response bad(std::string_view what, std::string_view hint) {
    return error_response(400, "this is not an HTTP request: " + std::string(what), hint);
}

// What the head says about the body.
struct Framing {
    int lengths = 0;
    int hosts = 0;
    int encodings = 0;
    std::string encoding;
    bool old = false;  // HTTP/1.0
};

std::optional<Response> start_line_problem(std::string_view line, Framing& framing) {
    const auto first = line.find(' ');
    const auto last = line.rfind(' ');
    if (first == line.npos || first == 0 || last == first || line.find(' ', first + 1) != last) {
        return bad("its first line has no method, address and version",
                   "GET /api/v1/openapi.json lists what works here");
    }
    const std::string_view version = line.substr(last + 1);
    if (version != "HTTP/1.1" && version != "HTTP/1.0") {
        return bad("its version is not HTTP/1.1", "speak HTTP/1.1, without TLS");
    }
    framing.old = version == "HTTP/1.0";
    return std::nullopt;
}

std::optional<Response> field_problem(std::string_view line, Framing& framing) {
    if (line.front() == ' ' || line.front() == '\t') {
        return bad("a header goes on over two lines", "write each header in one line");
    }
    const auto colon = line.find(':');
    if (colon == line.npos || colon == 0 ||
        !std::all_of(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(colon), token_byte)) {
        return bad("a header has no proper name", "write Name: value, without a space before ':'");
    }
    const std::string name = lower(line.substr(0, colon));
    const std::string_view value = trim(line.substr(colon + 1));
    if (name == "host") {
        ++framing.hosts;
    } else if (name == "transfer-encoding") {
        ++framing.encodings;
        framing.encoding = lower(value);
    } else if (name == "content-length") {
        ++framing.lengths;
        if (value.empty() || value.size() > length_digits_max ||
            value.find_first_not_of("0123456789") != value.npos) {
            return bad("Content-Length is not a number", "send the length of the body in bytes");
        }
    }
    return std::nullopt;
}

std::optional<Response> framing_problem(const Framing& framing) {
    if (framing.hosts > 1) {
        return bad("there are two Host headers", "send one");
    }
    if (framing.lengths > 1 || (framing.lengths > 0 && framing.encodings > 0)) {
        return bad("the length of its body is given twice",
                   "send one Content-Length, or Transfer-Encoding: chunked, not both");
    }
    if (framing.encodings == 0) {
        return std::nullopt;
    }
    if (framing.old) {
        return bad("HTTP/1.0 knows no Transfer-Encoding", "speak HTTP/1.1, or send the length");
    }
    if (framing.encodings > 1 || framing.encoding != "chunked") {
        return error_response(501, "the body comes in a transfer encoding that is not known here",
                              "send Content-Length, or Transfer-Encoding: chunked alone");
    }
    return std::nullopt;
}

}  // namespace

std::optional<Response> head_problem(std::string_view head) {
    Framing framing;
    bool first = true;
    while (!head.empty()) {
        const auto end = head.find(line_end);
        const std::string_view line = head.substr(0, end);
        // No line may hold half an end of a line: some readers take it for a whole one.
        if (end == head.npos || line.find_first_of(std::string_view("\r\n\0", 3)) != line.npos) {
            return bad("a line does not end in CR LF", "end each line of the head in CR LF");
        }
        head.remove_prefix(end + line_end.size());
        if (line.empty()) {
            break;
        }
        auto problem = first ? start_line_problem(line, framing) : field_problem(line, framing);
        if (problem) {
            return problem;
        }
        first = false;
    }
    return first ? bad("it has no first line", "send a request") : framing_problem(framing);
}

}  // namespace leverd::exporters::web
