// Why: see redact.hpp. When in doubt it masks: a masked digest costs a person a click, a shown
// token costs a rotation.
#include "core/base/redact.hpp"

#include "core/base/known_secrets.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <array>

namespace leverd {
namespace {

constexpr std::string_view mask = "[masked]";
// Of a cut text: it may hold half a secret.
constexpr std::size_t tail_min = 512;
constexpr std::size_t tail_max = 8U << 10;
constexpr std::size_t key_bytes_min = 12;

constexpr std::array<std::string_view, 14> names{
    "token",  "secret",     "passw",       "authorization", "api_key", "apikey",     "api-key",
    "cookie", "credential", "private_key", "signature",     "session", "access_key", "auth_key"};
constexpr std::array<std::string_view, 3> schemes{"bearer ", "basic ", "digest "};
constexpr std::array<std::string_view, 12> prefixes{"ghp_",        "gho_",   "ghs_", "ghu_",
                                                    "github_pat_", "glpat-", "sk-",  "xoxb-",
                                                    "xoxp-",       "AKIA",   "eyJ",  "hf_"};

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

bool is_value(char c) {
    return is_word(c) || c == '.' || c == '+' || c == '/' || c == '=' || c == '~' || c == '%' ||
           c == ':' || c == '!' || c == '*' || c == '$' || c == '@';
}

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool starts_with_any_case(std::string_view text, std::string_view prefix) {
    return text.size() >= prefix.size() &&
           std::equal(prefix.begin(), prefix.end(), text.begin(),
                      [](char a, char b) { return lower(a) == lower(b); });
}

bool is_sensitive(std::string_view name) {
    std::string low(name);
    std::transform(low.begin(), low.end(), low.begin(), lower);
    return std::any_of(names.begin(), names.end(),
                       [&low](std::string_view n) { return low.find(n) != std::string::npos; });
}

std::size_t skip_spaces(std::string_view text, std::size_t at) {
    while (at < text.size() && is_space(text[at])) {
        ++at;
    }
    return at;
}

std::size_t end_of_value(std::string_view text, std::size_t at) {
    while (at < text.size() && is_value(text[at])) {
        ++at;
    }
    return at;
}

// Past the closing quote of the string that begins at `at`; the end of the text when none closes.
std::size_t end_of_string(std::string_view text, std::size_t at) {
    const char quote = text[at];
    for (++at; at < text.size(); ++at) {
        if (text[at] == '\\') {
            ++at;
        } else if (text[at] == quote) {
            return at + 1;
        }
    }
    return text.size();
}

class Scan {
  public:
    explicit Scan(std::string_view text) : text_(text) {}

    std::string run() {
        while (at_ < text_.size()) {
            if (!is_word(text_[at_])) {
                out_.push_back(text_[at_++]);
                continue;
            }
            word();
        }
        return std::move(out_);
    }

  private:
    void copy_to(std::size_t end) {
        out_ += text_.substr(at_, end - at_);
        at_ = end;
    }

    void mask_to(std::size_t end) {
        if (end > at_) {
            out_ += mask;
        }
        at_ = end;
    }

    void word() {
        const std::string_view rest = text_.substr(at_);
        for (const std::string_view scheme : schemes) {
            if (starts_with_any_case(rest, scheme)) {
                copy_to(at_ + scheme.size());
                mask_to(end_of_value(text_, at_));
                return;
            }
        }
        std::size_t end = at_;
        while (end < text_.size() && is_word(text_[end])) {
            ++end;
        }
        const std::string_view name = text_.substr(at_, end - at_);
        for (const std::string_view prefix : prefixes) {
            if (name.size() >= prefix.size() + key_bytes_min && name.starts_with(prefix)) {
                mask_to(end_of_value(text_, at_));
                return;
            }
        }
        copy_to(end);
        if (is_sensitive(name)) {
            value();
        }
    }

    // `name` was copied; masks what it names, if this is `"name": value` or `name=value`.
    void value() {
        std::size_t at = at_;
        // JSON inside a JSON string has its quotes escaped.
        while (at < text_.size() && (text_[at] == '"' || text_[at] == '\'' || text_[at] == '\\')) {
            ++at;
        }
        at = skip_spaces(text_, at);
        if (at >= text_.size() || (text_[at] != ':' && text_[at] != '=')) {
            return;
        }
        at = skip_spaces(text_, at + 1);
        copy_to(at);
        while (at_ < text_.size() && text_[at_] == '\\') {
            copy_to(at_ + 1);
        }
        if (at_ >= text_.size()) {
            return;
        }
        if (text_[at_] == '"' || text_[at_] == '\'') {
            mask_to(end_of_string(text_, at_));
            return;
        }
        for (const std::string_view scheme : schemes) {
            if (starts_with_any_case(text_.substr(at_), scheme)) {
                copy_to(at_ + scheme.size());
            }
        }
        mask_to(end_of_value(text_, at_));
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::string out_;
};

std::string masked(std::string_view text, bool own_words) {
    std::string out;
    std::size_t done = 0;
    for (const Span& one : KnownSecrets::instance().find(text, own_words)) {
        std::size_t begin = one.begin;
        // Half of an escape before it would swallow the quote behind it.
        while (begin > done && text[begin - 1] == '\\') {
            --begin;
        }
        out += text.substr(done, begin - done);
        out += mask;
        done = one.end;
    }
    out += text.substr(done);
    return out;
}

}  // namespace

std::string redact(std::string_view untrusted) {
    const std::string out = masked(untrusted, false);
    return Scan(out).run();
}

std::string redact_header(std::string_view name, std::string_view value) {
    return is_sensitive(name) ? std::string(mask) : redact(value);
}

std::string mask_known(std::string text) {
    return masked(text, true);
}

std::string excerpt_of(std::string_view body, std::size_t limit) {
    // Masked before it is cut to what is shown; the part that goes is longer than any known secret.
    const std::size_t tail = std::clamp(2 * KnownSecrets::instance().longest(), tail_min, tail_max);
    std::string shown = redact(body.substr(0, limit + 2 * tail));
    if (body.size() > limit + 2 * tail) {
        shown.resize(shown.size() > tail ? shown.size() - tail : 0);
    }
    return sanitize(shown, limit);
}

void forget_old_secrets(Instant now) {
    KnownSecrets::instance().tell(now);
}

std::string hard_to_mask(const Secret& secret) {
    const std::string& value = secret.reveal();
    if (value.size() < KnownSecrets::bytes_min) {
        return "it is shorter than 6 bytes, so it is not masked in what others echo";
    }
    if (KnownSecrets::is_plain(value)) {
        return "it is a short plain word or number, so it is masked in what others say and not in "
               "leverd's own words";
    }
    return {};
}

}  // namespace leverd
