// Why: the reader grammar of wire-contracts 10: a superset of what the freeze script writes, line
// by line, so that one broken line costs one runtime and not the receipt.
#include "core/stack/receipt.hpp"

#include "core/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <functional>
#include <set>
#include <utility>

namespace leverd::stack {
namespace {

constexpr std::size_t file_bytes_max = 1U << 20;
constexpr std::size_t hex_length = 64;
constexpr std::size_t issues_max = 1000;

bool is_space(char c) {
    return c == ' ' || c == '\t';
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && (is_space(text.front()) || text.front() == '\r')) {
        text.remove_prefix(1);
    }
    while (!text.empty() && (is_space(text.back()) || text.back() == '\r')) {
        text.remove_suffix(1);
    }
    return text;
}

// Calls `take` with every line that is neither blank nor a comment.
void each_line(std::string_view text,
               const std::function<void(int number, std::string_view line)>& take) {
    if (text.starts_with("\xEF\xBB\xBF")) {
        text.remove_prefix(3);
    }
    int number = 0;
    while (!text.empty()) {
        const auto end = text.find('\n');
        const std::string_view line = trim(text.substr(0, end));
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        ++number;
        if (!line.empty() && line.front() != '#') {
            take(number, line);
        }
    }
}

// "localhost:5000/a: v": the first ':' belongs to a port when digits and '/' follow it.
bool starts_port(std::string_view rest) {
    std::size_t digits = 0;
    while (digits < rest.size() && std::isdigit(static_cast<unsigned char>(rest[digits])) != 0) {
        ++digits;
    }
    return digits > 0 && digits <= 5 && digits < rest.size() && rest[digits] == '/';
}

// Key = text before the first ':', '=', TAB or run of spaces; value = the rest, trimmed.
std::pair<std::string_view, std::string_view> split_line(std::string_view line) {
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        const bool separator = c == ':' || c == '=' || is_space(c);
        if (!separator || (c == ':' && starts_port(line.substr(i + 1)))) {
            continue;
        }
        std::string_view value = trim(line.substr(i + 1));
        // "hermes : sha256:..." and "hermes = ..." have one separator, surrounded by spaces.
        if (is_space(c) && !value.empty() && (value.front() == ':' || value.front() == '=')) {
            value = trim(value.substr(1));
        }
        return {trim(line.substr(0, i)), value};
    }
    return {line, {}};
}

bool is_hex(char c) {
    return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}

// Every run of exactly 64 hex digits, in lower case, as a digest. Longer runs are no digests.
std::set<std::string> digests_in(std::string_view text) {
    std::set<std::string> found;
    for (std::size_t i = 0; i < text.size();) {
        std::size_t end = i;
        while (end < text.size() && is_hex(text[end])) {
            ++end;
        }
        const bool starts_word =
            i == 0 || std::isalnum(static_cast<unsigned char>(text[i - 1])) == 0;
        const bool ends_word =
            end == text.size() || std::isalnum(static_cast<unsigned char>(text[end])) == 0;
        if (end - i == hex_length && starts_word && ends_word) {
            std::string digest = "sha256:" + std::string(text.substr(i, hex_length));
            std::transform(digest.begin(), digest.end(), digest.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
            found.insert(std::move(digest));
        }
        i = end + 1;
    }
    return found;
}

template <class Receipt>
void report(Receipt& receipt, int line, std::string text) {
    if (receipt.issues.size() < issues_max) {
        receipt.issues.push_back(ReceiptIssue{line, std::move(text)});
    }
}

bool is_key_text(std::string_view key) {
    return !key.empty() && key.size() <= 128 && std::all_of(key.begin(), key.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
    });
}

bool is_owner_repo(std::string_view key) {
    const auto slash = key.find('/');
    return slash != std::string_view::npos && is_key_text(key.substr(0, slash)) &&
           is_key_text(key.substr(slash + 1));
}

bool ends_yaml(std::string_view file) {
    return file.size() > 4 && (file.ends_with(".yml") || file.ends_with(".yaml"));
}

Result<std::string> read_small_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        return Error{"cannot read the receipt " + path, "check the path and its permissions"};
    }
    std::string text(file_bytes_max + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (in.bad()) {
        return Error{"reading the receipt " + path + " failed", "check the disk"};
    }
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (text.size() > file_bytes_max) {
        return Error{"the receipt " + path + " is larger than 1 MiB", "is it the right file?"};
    }
    return Result<std::string>(boost::system::in_place_value, std::move(text));
}

}  // namespace

std::string receipt_key(std::string_view image) {
    image = trim(image);
    image = image.substr(0, image.find('@'));
    const auto slash = image.rfind('/');
    std::string_view last = slash == std::string_view::npos ? image : image.substr(slash + 1);
    last = last.substr(0, last.find(':'));
    constexpr std::string_view prefix = "workspace-template-";
    if (last.starts_with(prefix)) {
        last.remove_prefix(prefix.size());
    }
    return std::string(last);
}

DigestReceipt parse_digest_receipt(std::string_view text) {
    DigestReceipt receipt;
    each_line(text, [&receipt](int number, std::string_view line) {
        const auto [left, value] = split_line(line);
        const std::string key = receipt_key(left);
        if (!is_key_text(key)) {
            report(receipt, number, "no image name: " + sanitize(line, 80));
            return;
        }
        const auto digests = digests_in(value);
        if (digests.size() != 1) {
            report(
                receipt, number,
                fmt::format("{} for {}", digests.empty() ? "no digest" : "several digests", key));
            return;
        }
        const auto [it, fresh] = receipt.digests.emplace(key, *digests.begin());
        if (!fresh && it->second != *digests.begin()) {
            report(receipt, number, "a second, different digest for " + key);
            receipt.conflicting = true;
        }
    });
    if (receipt.conflicting) {
        receipt.digests.clear();
    }
    return receipt;
}

WorkflowReceipt parse_workflow_receipt(std::string_view text) {
    WorkflowReceipt receipt;
    std::set<std::pair<std::string, std::string>> seen;
    each_line(text, [&receipt, &seen](int number, std::string_view line) {
        const auto [key, value] = split_line(line);
        const auto slash = value.rfind('/');
        const std::string_view file =
            slash == std::string_view::npos ? value : value.substr(slash + 1);
        if (!is_owner_repo(key)) {
            report(receipt, number, "not owner/repo: " + sanitize(line, 80));
            return;
        }
        if (!is_key_text(file) || !ends_yaml(file)) {
            report(receipt, number, "no workflow file for " + std::string(key));
            return;
        }
        std::pair<std::string, std::string> row{key, file};
        if (seen.insert(row).second) {
            receipt.workflows.push_back(std::move(row));
        }
    });
    return receipt;
}

Result<DigestReceipt> read_digest_receipt(const std::string& path) {
    const auto text = read_small_file(path);
    if (text.has_error()) {
        return text.error();
    }
    return parse_digest_receipt(*text);
}

Result<WorkflowReceipt> read_workflow_receipt(const std::string& path) {
    const auto text = read_small_file(path);
    if (text.has_error()) {
        return text.error();
    }
    return parse_workflow_receipt(*text);
}

std::optional<std::string> receipt_digest(const DigestReceipt& receipt,
                                          std::string_view repository) {
    const auto it = receipt.digests.find(receipt_key(repository));
    return it == receipt.digests.end() ? std::nullopt : std::optional<std::string>(it->second);
}

}  // namespace leverd::stack
