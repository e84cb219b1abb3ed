// Why: TOML parsing can kill a process (a dotted key of 100 000 parts overflows the parser's
// stack), so a flat scan that knows only strings, comments and brackets goes over the text first.
// It also marks the lines that may hold a secret, so that no diagnostic prints one.
#include "config/source.hpp"

#include "core/base/text.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

// Header-only builds of the library abort on malformed keys; the shared library reports them.
static_assert(TOML_HEADER_ONLY == 0, "toml++ must be linked as a shared library");

namespace leverd::config {
namespace {

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return fd_; }

  private:
    int fd_;
};

SourceError io_error(int code) {
    return {fmt::format("cannot be read: {}", std::strerror(code)), "", 0, 0};
}

std::string lower(std::string_view s) {
    std::string r(s);
    std::transform(r.begin(), r.end(), r.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return r;
}

// A word of the length and mixture that people do not write by hand.
bool looks_random(std::string_view line) {
    constexpr std::size_t shortest = 16;
    std::size_t length = 0;
    bool digit = false;
    bool letter = false;
    for (const char c : line) {
        const bool is_digit = c >= '0' && c <= '9';
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_digit && !is_letter && c != '_' && c != '-' && c != '+') {
            length = 0;
            digit = letter = false;
            continue;
        }
        ++length;
        digit = digit || is_digit;
        letter = letter || is_letter;
        if (length >= shortest && digit && letter) {
            return true;
        }
    }
    return false;
}

bool names_a_secret(std::string_view line) {
    constexpr std::array<std::string_view, 11> words{
        "token",  "secret", "passw",  "credential",  "auth", "bearer",
        "cookie", "key",    "header", "environment", "send"};
    const std::string text = lower(line);
    const auto scheme = text.find("://");
    const bool in_url =
        scheme != std::string::npos && text.find_first_of("@?", scheme) != std::string::npos;
    return in_url || looks_random(line) ||
           std::any_of(words.begin(), words.end(),
                       [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

// Walks the text once. Agreement with the real grammar matters only up to the first syntax error,
// because the parser stops there.
class Scan {
  public:
    explicit Scan(SourceFile& file) : file_(file), text_(file.text) {}

    std::optional<SourceError> run() {
        begin_line();
        while (at_ < text_.size()) {
            if (auto error = step()) {
                return error;
            }
        }
        end_line();
        return std::nullopt;
    }

  private:
    std::optional<SourceError> step() {
        const char c = text_[at_];
        if (c == '\n') {
            next_line();
        } else if (c == '#') {
            at_ = std::min(text_.find('\n', at_), text_.size());
            return std::nullopt;
        } else if (c == '"' || c == '\'') {
            skip_string(c);
            return std::nullopt;
        } else if (c == '[' || c == '{') {
            if (++depth_ > nesting_max) {
                return error_here(fmt::format("brackets are nested deeper than {}", nesting_max));
            }
        } else if (c == ']' || c == '}') {
            depth_ = std::max(0, depth_ - 1);
        } else if (c == '.' && ++dots_ >= key_parts_max) {
            return error_here(fmt::format("a line holds more than {} dots", key_parts_max - 1));
        }
        ++at_;
        return std::nullopt;
    }

    void skip_string(char quote) {
        const std::string triple(3, quote);
        const bool multi = text_.compare(at_, 3, triple) == 0;
        at_ += multi ? 3 : 1;
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '\\' && quote == '"' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') {
                at_ += 2;
            } else if (c == '\n') {
                if (!multi) {
                    return;
                }
                in_string_ = true;
                next_line();
                ++at_;
            } else if (c == quote && (!multi || text_.compare(at_, 3, triple) == 0)) {
                at_ += multi ? 3 : 1;
                // A multi-line string may end in one or two quotes of its own.
                for (int extra = 0; multi && extra < 2 && at_ < text_.size() && text_[at_] == quote;
                     ++extra) {
                    ++at_;
                }
                in_string_ = false;
                return;
            } else {
                ++at_;
            }
        }
    }

    // `at_` stands on the line's '\n'.
    void next_line() {
        end_line();
        start_ = at_ + 1;
        dots_ = 0;
        begin_line();
    }

    void begin_line() {
        line_in_string_ = in_string_;
        const std::string_view rest = std::string_view(text_).substr(start_);
        const auto first = rest.find_first_not_of(" \t");
        if (in_string_ || depth_ > 0 || first == std::string_view::npos) {
            return;
        }
        const auto name = rest.find_first_not_of("[ \t\"'", first);
        if (rest[first] == '[' && name != std::string_view::npos) {
            // The address of a webhook is often a secret by itself.
            const std::string_view section = rest.substr(name);
            in_secrets_ = section.starts_with("secrets") || section.starts_with("notify");
        }
    }

    void end_line() {
        const auto end = std::min(text_.find('\n', start_), text_.size());
        std::string_view line = std::string_view(text_).substr(start_, end - start_);
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        file_.lines.push_back(line);
        file_.hidden.push_back(in_secrets_ || line_in_string_ || names_a_secret(line));
    }

    SourceError error_here(std::string message) {
        end_line();
        const int line = static_cast<int>(file_.lines.size());
        return {std::move(message), "no leverd configuration needs that", line,
                static_cast<int>(at_ - start_) + 1};
    }

    SourceFile& file_;
    const std::string& text_;
    std::size_t at_ = 0;
    std::size_t start_ = 0;  // of the current line
    int depth_ = 0;
    int dots_ = 0;
    bool in_string_ = false;
    bool line_in_string_ = false;
    bool in_secrets_ = false;
};

SourceError from_parser(const SourceFile& file, const toml::parse_error& e) {
    constexpr std::string_view prefix = "Error while parsing ";
    const int line = static_cast<int>(e.source().begin.line);
    std::string_view text = e.description();
    if (text.starts_with(prefix)) {
        text.remove_prefix(prefix.size());
    }
    // The parser's words may quote a piece of the value.
    const auto index = static_cast<std::size_t>(std::max(1, line)) - 1;
    const bool hidden = index < file.hidden.size() && file.hidden[index];
    const std::string what = hidden ? "this value or key" : sanitize(text, shown_bytes_max);
    return {"not valid TOML: " + what, "", line, static_cast<int>(e.source().begin.column)};
}

}  // namespace

std::optional<SourceError> read_source(const std::filesystem::path& path, SourceFile& file) {
    // O_NONBLOCK: opening a pipe must not wait for its writer.
    const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat info{};
    if (fd.get() < 0 || ::fstat(fd.get(), &info) != 0) {
        return io_error(errno);
    }
    if (!S_ISREG(info.st_mode)) {
        return SourceError{"cannot be read: not a regular file", "", 0, 0};
    }
    std::array<char, 16'384> block{};
    while (file.text.size() <= file_bytes_max) {
        const ssize_t got = ::read(fd.get(), block.data(), block.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return io_error(errno);
        }
        if (got == 0) {
            return std::nullopt;
        }
        file.text.append(block.data(), static_cast<std::size_t>(got));
    }
    return SourceError{fmt::format("is larger than {} bytes", file_bytes_max),
                       "split it with include = [...]", 0, 0};
}

std::optional<SourceError> parse_source(SourceFile& file) {
    if (auto error = Scan(file).run()) {
        return error;
    }
    try {
        file.root = toml::parse(std::string_view(file.text), std::string_view(file.name));
    } catch (const toml::parse_error& e) {
        return from_parser(file, e);
    } catch (const std::exception& e) {
        return SourceError{fmt::format("not valid TOML: {}", e.what()), "", 0, 0};
    }
    return std::nullopt;
}

std::string shown_line(const SourceFile& file, int line) {
    const auto index = static_cast<std::size_t>(line) - 1;
    if (line < 1 || index >= file.lines.size()) {
        return {};
    }
    std::string text(file.lines[index]);
    if (file.hidden[index]) {
        const auto equals = text.find('=');
        const bool header = text.starts_with('[') && text.find_first_of("\"'") == std::string::npos;
        if (equals == std::string::npos && !header) {
            return {};
        }
        text = equals == std::string::npos ? text : text.substr(0, equals + 1) + " ...";
    }
    // One column each, so that a caret below stays in place.
    std::replace(text.begin(), text.end(), '\t', ' ');
    return sanitize(text, shown_bytes_max);
}

}  // namespace leverd::config
