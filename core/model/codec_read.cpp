// Why: the reading half of the exact JSON form. It fails closed: a missing key, an unknown key, a
// wrong type or an unknown word is an error that names the place, never a default.
#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "core/model/entry_kinds.hpp"
#include "core/model/enum_names.hpp"
#include "core/model/fields.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace leverd {

namespace {

using nlohmann::json;

constexpr std::size_t word_bytes_shown = 64;

std::string shown(std::string_view untrusted) {
    return fmt::format("\"{}\"", sanitize(untrusted, word_bytes_shown));
}

// Collects the first problem; after it, nothing more is read.
class Reader {
  public:
    Reader(const json& object, std::string path, std::string& problem)
        : object_(object), path_(std::move(path)), problem_(problem) {}

    template <class T>
    void operator()(const char* key, T& out) {
        if (!problem_.empty()) {
            return;
        }
        const std::string path = path_.empty() ? key : path_ + "." + key;
        const auto found = object_.find(key);
        if (found == object_.end()) {
            problem_ = fmt::format("missing key {}", shown(path));
            return;
        }
        known_.emplace_back(key);
        decode(*found, path, out);
    }

    template <class T>
    void operator()(const char* key, T& out, AddedLater) {
        if (object_.contains(key)) {
            (*this)(key, out);
        }
    }

    template <class T>
    void operator()(const char* key, T& out, NoLongerWritten) {
        (*this)(key, out, AddedLater{});
    }

    template <class T>
    void operator()(const char* key, T& out, WhenSet) {
        (*this)(key, out, AddedLater{});
    }

    template <class T>
    static void decode_struct(const json& j, const std::string& path, std::string& problem,
                              T& out) {
        if (!j.is_object()) {
            problem = wrong_type(path, "an object");
            return;
        }
        Reader reader(j, path, problem);
        fields(reader, out);
        reader.refuse_unknown_keys();
    }

  private:
    static std::string wrong_type(const std::string& path, std::string_view expected) {
        return path.empty() ? fmt::format("must be {}", expected)
                            : fmt::format("key {} must be {}", shown(path), expected);
    }

    void refuse_unknown_keys() {
        if (!problem_.empty() || known_.size() == object_.size()) {
            return;
        }
        for (const auto& item : object_.items()) {
            if (std::find(known_.begin(), known_.end(), item.key()) == known_.end()) {
                problem_ = fmt::format(
                    "unknown key {}", shown(path_.empty() ? item.key() : path_ + "." + item.key()));
                return;
            }
        }
    }

    void decode(const json& j, const std::string& path, std::string& out) {
        if (!j.is_string()) {
            problem_ = wrong_type(path, "a string");
            return;
        }
        out = j.get_ref<const std::string&>();
    }

    void decode(const json& j, const std::string& path, Subject& out) {
        std::string text;
        decode(j, path, text);
        out = Subject(std::move(text));
    }

    void decode(const json& j, const std::string& path, bool& out) {
        if (!j.is_boolean()) {
            problem_ = wrong_type(path, "true or false");
            return;
        }
        out = j.get<bool>();
    }

    void decode(const json& j, const std::string& path, std::int64_t& out) {
        constexpr auto max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
        const bool too_large = j.is_number_unsigned() && j.get<std::uint64_t>() > max;
        if (!j.is_number_integer() || too_large) {
            problem_ = wrong_type(path, "a 64-bit integer");
            return;
        }
        out = j.get<std::int64_t>();
    }

    void decode(const json& j, const std::string& path, Instant& out) {
        std::int64_t ms = 0;
        decode(j, path, ms);
        out = Instant{Millis{ms}};
    }

    void decode(const json& j, const std::string& path, WallTime& out) {
        std::int64_t ms = 0;
        decode(j, path, ms);
        out = WallTime{Millis{ms}};
    }

    void decode(const json& j, const std::string& path, Millis& out) {
        std::int64_t ms = 0;
        decode(j, path, ms);
        out = Millis{ms};
    }

    void decode(const json& j, const std::string& path, double& out) {
        if (j.is_number()) {
            out = j.get<double>();
            return;
        }
        const std::string* word = j.get_ptr<const std::string*>();
        if (word != nullptr && *word == "nan") {
            out = std::numeric_limits<double>::quiet_NaN();
        } else if (word != nullptr && *word == "inf") {
            out = std::numeric_limits<double>::infinity();
        } else if (word != nullptr && *word == "-inf") {
            out = -std::numeric_limits<double>::infinity();
        } else {
            problem_ = wrong_type(path, "a number");
        }
    }

    template <class T>
    void decode(const json& j, const std::string& path, std::vector<T>& out) {
        if (!j.is_array()) {
            problem_ = wrong_type(path, "an array");
            return;
        }
        for (const json& element : j) {
            T value{};
            decode(element, fmt::format("{}[{}]", path, out.size()), value);
            if (!problem_.empty()) {
                return;
            }
            out.push_back(std::move(value));
        }
    }

    template <class T>
    void decode(const json& j, const std::string& path, std::map<std::string, T>& out) {
        if (!j.is_object()) {
            problem_ = wrong_type(path, "an object");
            return;
        }
        for (const auto& item : j.items()) {
            decode(item.value(), path + "." + item.key(), out[item.key()]);
            if (!problem_.empty()) {
                return;
            }
        }
    }

    // Enumerations and nested structs.
    template <class T>
    void decode(const json& j, const std::string& path, T& out) {
        if constexpr (std::is_enum_v<T>) {
            decode_enum(j, path, out);
        } else {
            decode_struct(j, path, problem_, out);
        }
    }

    template <class E>
    void decode_enum(const json& j, const std::string& path, E& out) {
        std::string word;
        decode(j, path, word);
        if (!problem_.empty()) {
            return;
        }
        std::optional<E> value;
        if constexpr (std::is_same_v<E, Reason>) {
            value = reason_from_name(word);
        } else {
            value = enum_from_name<E>(word);
        }
        if (!value) {
            problem_ = fmt::format("key {} has the unknown value {}", shown(path), shown(word));
            return;
        }
        out = *value;
    }

    const json& object_;
    std::string path_;
    std::string& problem_;
    std::vector<std::string> known_;
};

Error refused(std::string_view kind, const std::string& problem) {
    return Error{fmt::format("ledger entry of kind {}: {}", shown(kind), problem),
                 "the entry was changed or comes from another version; run `leverd ledger verify`"};
}

template <std::size_t I>
Result<EntryBody> read_alternative(const json& j) {
    std::variant_alternative_t<I, EntryBody> body{};
    std::string problem;
    Reader::decode_struct(j, "", problem, body);
    if (!problem.empty()) {
        return refused(entry_kinds[I], problem);
    }
    return EntryBody{std::move(body)};
}

using ReadFunction = Result<EntryBody> (*)(const json&);

template <std::size_t... I>
constexpr std::array<ReadFunction, sizeof...(I)> make_read_table(std::index_sequence<I...>) {
    return {&read_alternative<I>...};
}

constexpr auto read_table =
    make_read_table(std::make_index_sequence<std::variant_size_v<EntryBody>>{});

}  // namespace

Result<EntryBody> entry_from_json(std::string_view kind, const std::string& json_text) {
    const Result<json> parsed = parse_json(json_text);
    if (!parsed) {
        return refused(kind, parsed.error().what);
    }
    return entry_of_json(kind, *parsed);
}

Result<EntryBody> entry_of_json(std::string_view kind, const json& body) {
    const auto found = std::find(entry_kinds.begin(), entry_kinds.end(), kind);
    if (found == entry_kinds.end()) {
        return refused(kind, "unknown kind");
    }
    return read_table[static_cast<std::size_t>(found - entry_kinds.begin())](body);
}

}  // namespace leverd
