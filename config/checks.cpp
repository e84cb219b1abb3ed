// Why: the two small languages of the general probes, and the only file that knows the library of
// regular expressions.
#include "config/checks.hpp"

#include "core/model/codec.hpp"

#include <re2/re2.h>

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

namespace leverd::config {
namespace {

constexpr std::int64_t program_bytes_max = 1 << 20;

struct Word {
    std::string_view text;
    Comparison comparison;
};
constexpr std::array words{
    Word{"<=", Comparison::less_equal}, Word{">=", Comparison::greater_equal},
    Word{"==", Comparison::equal},      Word{"!=", Comparison::not_equal},
    Word{"<", Comparison::less},        Word{">", Comparison::greater},
    Word{"exists", Comparison::exists}, Word{"absent", Comparison::absent}};

std::optional<Comparison> comparison_of(std::string_view text) {
    for (const Word& word : words) {
        if (word.text == text) {
            return word.comparison;
        }
    }
    return std::nullopt;
}

bool is_order(Comparison c) {
    return c == Comparison::less || c == Comparison::less_equal || c == Comparison::greater ||
           c == Comparison::greater_equal;
}

bool is_about_presence(Comparison c) {
    return c == Comparison::exists || c == Comparison::absent;
}

// Takes the first word, and what follows it without the spaces around.
std::pair<std::string_view, std::string_view> first_word(std::string_view text) {
    const auto begin = std::min(text.find_first_not_of(' '), text.size());
    text.remove_prefix(begin);
    const auto end = std::min(text.find(' '), text.size());
    std::string_view rest = text.substr(end);
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    rest = rest.substr(0, rest.find_last_not_of(' ') + 1);
    return {text.substr(0, end), rest};
}

}  // namespace

std::optional<Pattern> Pattern::compile(const std::string& text, std::string& problem) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(program_bytes_max);
    auto compiled = std::make_shared<const re2::RE2>(text, options);
    if (!compiled->ok()) {
        problem = compiled->error();
        return std::nullopt;
    }
    Pattern pattern;
    pattern.text_ = text;
    pattern.compiled_ = std::move(compiled);
    return pattern;
}

bool Pattern::found_in(std::string_view text) const {
    return compiled_ == nullptr ||
           re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *compiled_);
}

std::optional<JsonCondition> parse_json_condition(const std::string& text, std::string& problem) {
    const auto [pointer, after] = first_word(text);
    const auto [word, literal] = first_word(after);
    JsonCondition condition;
    condition.text = text;
    try {
        condition.at = nlohmann::json::json_pointer(std::string(pointer));
    } catch (const nlohmann::json::exception&) {
        problem = "it must begin with a JSON pointer";
        return std::nullopt;
    }
    const auto comparison = comparison_of(word);
    if (!comparison) {
        problem = "no comparison after the pointer";
        return std::nullopt;
    }
    condition.comparison = *comparison;
    if (is_about_presence(*comparison)) {
        problem = "nothing follows 'exists' and 'absent'";
        return literal.empty() ? std::optional(condition) : std::nullopt;
    }
    auto value = parse_json(std::string(literal));
    if (value.has_error()) {
        problem = "the value is not JSON";
        return std::nullopt;
    }
    condition.value = std::move(*value);
    if (is_order(*comparison) && !condition.value.is_number()) {
        problem = "< <= >= > compare numbers only";
        return std::nullopt;
    }
    return condition;
}

std::optional<NumberCondition> parse_number_condition(const std::string& text) {
    const auto [word, literal] = first_word(text);
    const auto comparison = comparison_of(word);
    double value = 0;
    const auto [end, error] =
        std::from_chars(literal.data(), literal.data() + literal.size(), value);
    if (!comparison || is_about_presence(*comparison) || error != std::errc{} ||
        end != literal.data() + literal.size() || !std::isfinite(value)) {
        return std::nullopt;
    }
    return NumberCondition{text, *comparison, value};
}

bool holds(Comparison comparison, double left, double right) {
    switch (comparison) {
        case Comparison::less:
            return left < right;
        case Comparison::less_equal:
            return left <= right;
        case Comparison::equal:
            return left == right;
        case Comparison::not_equal:
            return left != right;
        case Comparison::greater_equal:
            return left >= right;
        case Comparison::greater:
            return left > right;
        case Comparison::exists:
        case Comparison::absent:
            break;
    }
    return false;
}

}  // namespace leverd::config
