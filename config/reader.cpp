// Why: the reads of reader.hpp. A value that is not exactly what was asked for is reported and
// leaves the member alone, so that one run finds every problem.
#include "config/reader.hpp"

#include "core/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace leverd::config {
namespace {

constexpr std::size_t items_max = 1000;

std::string_view type_name(const toml::node& node) {
    switch (node.type()) {
        case toml::node_type::table:
            return "a table";
        case toml::node_type::array:
            return "an array";
        case toml::node_type::string:
            return "a string";
        case toml::node_type::integer:
            return "an integer";
        case toml::node_type::floating_point:
            return "a number with a fraction";
        case toml::node_type::boolean:
            return "a boolean";
        case toml::node_type::date:
        case toml::node_type::time:
        case toml::node_type::date_time:
            return "a date or time";
        default:
            return "nothing";
    }
}

bool is_table_array(const toml::node& node) {
    const toml::array* items = node.as_array();
    return items != nullptr && !items->empty() &&
           std::all_of(items->begin(), items->end(),
                       [](const toml::node& n) { return n.is_table(); });
}

}  // namespace

TableReader::TableReader(Draft& draft, int file, const toml::table& table, std::string title)
    : draft_(draft), file_(file), table_(table), title_(std::move(title)) {}

const toml::node* TableReader::find(std::string_view key) {
    known_.emplace(key);
    return table_.get(key);
}

const toml::node* TableReader::node(std::string_view key) {
    return find(key);
}

Place TableReader::place(const toml::node& node) const {
    const auto at = node.source().begin;
    return {file_, static_cast<int>(at.line), static_cast<int>(at.column)};
}

Place TableReader::place() const {
    return place(table_);
}

Place TableReader::place(std::string_view key) const {
    const toml::node* value = table_.get(key);
    return value == nullptr ? place() : place(*value);
}

ItemPlaces TableReader::places() const {
    ItemPlaces r;
    r.self = place();
    for (auto&& [key, value] : table_) {
        r.keys.emplace(std::string(key.str()), place(value));
    }
    return r;
}

void TableReader::wrong_type(const toml::node& node, std::string_view key, std::string_view wanted,
                             std::string hint) {
    const std::string_view found = is_table_array(node) ? "an array of tables" : type_name(node);
    draft_.error(place(node), fmt::format("'{}' must be {}, found {}", key, wanted, found),
                 std::move(hint));
}

const std::string* TableReader::string_at(const toml::node& node, std::string_view key) {
    const auto* value = node.as_string();
    if (value == nullptr) {
        wrong_type(node, key, "a string");
        return nullptr;
    }
    return &value->get();
}

bool TableReader::text(std::string_view key, std::string& out, TextCheck check) {
    const toml::node* n = find(key);
    const std::string* value = n == nullptr ? nullptr : string_at(*n, key);
    if (value == nullptr) {
        return false;
    }
    if (const auto complaint = check(*value)) {
        draft_.error(place(*n), fmt::format("'{}' must be {}", key, *complaint));
        return false;
    }
    out = *value;
    return true;
}

bool TableReader::path(std::string_view key, std::string& out) {
    std::string written;
    if (!text(key, written)) {
        return false;
    }
    const auto& folder = draft_.files[static_cast<std::size_t>(file_)]->folder;
    out = (folder / written).lexically_normal().string();
    return true;
}

bool TableReader::boolean(std::string_view key, bool& out) {
    const toml::node* n = find(key);
    if (n == nullptr) {
        return false;
    }
    const auto* value = n->as_boolean();
    if (value == nullptr) {
        wrong_type(*n, key, "true or false");
        return false;
    }
    out = value->get();
    return true;
}

bool TableReader::integer(std::string_view key, int& out, int least, int most) {
    const toml::node* n = find(key);
    if (n == nullptr) {
        return false;
    }
    const auto* value = n->as_integer();
    if (value == nullptr) {
        wrong_type(*n, key, "a whole number");
        return false;
    }
    if (value->get() < least || value->get() > most) {
        draft_.error(place(*n), fmt::format("'{}' must be between {} and {}, found {}", key, least,
                                            most, value->get()));
        return false;
    }
    out = static_cast<int>(value->get());
    return true;
}

bool TableReader::number(std::string_view key, double& out, double least, double most) {
    const toml::node* n = find(key);
    if (n == nullptr) {
        return false;
    }
    const auto value = n->is_number() ? n->value<double>() : std::nullopt;
    if (!value) {
        wrong_type(*n, key, "a number");
        return false;
    }
    // Written so that "nan", which TOML knows, is out of every range.
    if (!(*value >= least && *value <= most)) {
        draft_.error(place(*n), fmt::format("'{}' must be between {} and {}, found {}", key, least,
                                            most, *value));
        return false;
    }
    out = *value;
    return true;
}

bool TableReader::duration(std::string_view key, Millis& out, Millis least, Millis most) {
    constexpr std::string_view hint = "write a number and a unit: ms, s, m, h or d, as in \"30s\"";
    const toml::node* n = find(key);
    if (n == nullptr) {
        return false;
    }
    const auto* value = n->as_string();
    if (value == nullptr) {
        wrong_type(*n, key, "a duration", std::string(hint));
        return false;
    }
    const auto parsed = parse_duration(value->get());
    if (!parsed) {
        draft_.error(place(*n),
                     fmt::format("'{}' must be a duration, found {}", key, quote(value->get())),
                     std::string(hint));
        return false;
    }
    if (*parsed < least || *parsed > most) {
        draft_.error(place(*n), fmt::format("'{}' must be between \"{}\" and \"{}\", found \"{}\"",
                                            key, format_duration(least), format_duration(most),
                                            format_duration(*parsed)));
        return false;
    }
    out = *parsed;
    return true;
}

bool TableReader::texts(std::string_view key, std::vector<std::string>& out, TextCheck check) {
    const toml::node* n = find(key);
    if (n == nullptr) {
        return false;
    }
    const toml::array* items = n->as_array();
    if (items == nullptr) {
        wrong_type(*n, key, "an array of strings");
        return false;
    }
    if (items->size() > items_max) {
        draft_.error(place(*n), fmt::format("'{}' has more than {} entries", key, items_max));
        return false;
    }
    std::vector<std::string> read;
    bool good = true;
    for (const toml::node& item : *items) {
        const auto* value = item.as_string();
        if (value == nullptr) {
            wrong_type(item, key, "an array of strings");
            good = false;
        } else if (const auto complaint = check(value->get())) {
            draft_.error(place(item), fmt::format("an entry of '{}' must be {}", key, *complaint));
            good = false;
        } else if (std::find(read.begin(), read.end(), value->get()) != read.end()) {
            draft_.error(place(item),
                         fmt::format("duplicate entry {} in '{}'", quote(value->get()), key));
            good = false;
        } else {
            read.push_back(value->get());
        }
    }
    if (good) {
        out = std::move(read);
    }
    return good;
}

bool TableReader::secret(std::string_view key, std::string& out) {
    const toml::node* n = find(key);
    const std::string* value = n == nullptr ? nullptr : string_at(*n, key);
    if (value == nullptr) {
        return false;
    }
    if (!value->empty()) {
        draft_.refer(NameKind::secret, *value, place(*n), key);
    }
    out = *value;
    return true;
}

bool TableReader::word(std::string_view key, std::string& out, std::string_view what,
                       const std::vector<std::string>& known) {
    const toml::node* n = find(key);
    const std::string* value = n == nullptr ? nullptr : string_at(*n, key);
    if (value == nullptr) {
        return false;
    }
    if (std::find(known.begin(), known.end(), *value) == known.end()) {
        draft_.error(place(*n), fmt::format("unknown {} {}", what, quote(*value)),
                     did_you_mean(*value, known));
        return false;
    }
    out = *value;
    return true;
}

bool TableReader::names(std::string_view key, std::vector<std::string>& out, NameKind kind) {
    if (!texts(key, out, any_text)) {
        return false;
    }
    for (const toml::node& item : *table_.get(key)->as_array()) {
        draft_.refer(kind, item.as_string()->get(), place(item), key);
    }
    return true;
}

const toml::table* TableReader::table(std::string_view key) {
    const toml::node* n = find(key);
    if (n == nullptr) {
        return nullptr;
    }
    if (n->as_table() == nullptr) {
        wrong_type(*n, key, "a table", is_table_array(*n) ? fmt::format("write [{}]", key) : "");
    }
    return n->as_table();
}

void TableReader::tables(std::string_view key,
                         const std::function<void(const toml::table&)>& each) {
    const toml::node* n = find(key);
    if (n == nullptr) {
        return;
    }
    const toml::array* items = n->as_array();
    if (items == nullptr || (!items->empty() && !is_table_array(*n))) {
        wrong_type(*n, key, "an array of tables", fmt::format("write [[{}]]", key));
        return;
    }
    if (items->size() > items_max) {
        draft_.error(place(*n), fmt::format("more than {} [[{}]]", items_max, key));
        return;
    }
    for (const toml::node& item : *items) {
        each(*item.as_table());
    }
}

void TableReader::require(std::initializer_list<std::string_view> keys) {
    for (const std::string_view key : keys) {
        known_.emplace(key);
        if (!table_.contains(key)) {
            draft_.error(place(), fmt::format("{} needs '{}'", title_, key));
        }
    }
}

std::string TableReader::item_name() const {
    if (!title_.starts_with("[[")) {
        return {};
    }
    for (const std::string_view key : {"id", "name", "kind", "repository"}) {
        if (const toml::node* named = table_.get(key); named != nullptr && named->is_string()) {
            return named->as_string()->get();
        }
    }
    return {};
}

void TableReader::finish() {
    const std::vector<std::string> known(known_.begin(), known_.end());
    // Titles in quotes are values of a key of the table around them.
    const bool settings = title_.empty() || title_.starts_with('[');
    for (const auto& key : known) {
        if (settings) {
            draft_.schema.emplace(title_, key);
        }
    }
    const std::string item = item_name();
    for (auto&& [key, value] : table_) {
        const std::string_view name = key.str();
        const bool nested = value.is_table() && !title_.starts_with("[[") && title_ != "[secrets]";
        const bool inline_secret = title_ == "[secrets]" && !value.is_table();
        if (settings && !nested && !inline_secret && !is_table_array(value)) {
            std::ostringstream text;
            text << toml::toml_formatter{value};
            draft_.settings[SettingName{title_, item, std::string(name)}] = text.str();
        }
        if (known_.contains(name)) {
            continue;
        }
        const auto at = key.source().begin;
        draft_.error({file_, static_cast<int>(at.line), static_cast<int>(at.column)},
                     fmt::format("unknown {} {}{}{}",
                                 value.is_table() || is_table_array(value) ? "table" : "key",
                                 quote(name), title_.empty() ? "" : " in ", title_),
                     did_you_mean(name, known));
    }
}

}  // namespace leverd::config
