// Why: one TOML table, read key by key into typed members. Every read says what the key may hold,
// so that the sections are lists of keys and every mistake is worded once. Private to config/.
#pragma once

#include "config/draft.hpp"
#include "config/values.hpp"

#include <functional>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace leverd::config {

template <class T>
struct Choice {
    std::string_view word;
    T value;
};

inline constexpr Choice<Mode> mode_words[] = {{"observe", Mode::observe},
                                              {"recommend", Mode::recommend},
                                              {"approve", Mode::approve},
                                              {"auto", Mode::automatic}};

class TableReader {
  public:
    // `title` is how messages call it: "[daemon]", "[[probe]]".
    TableReader(Draft& draft, int file, const toml::table& table, std::string title);

    // Each answers true when the key is there and good; only then `out` is written.
    bool text(std::string_view key, std::string& out, TextCheck check = any_text);
    bool path(std::string_view key, std::string& out);  // relative to the file it is written in
    bool boolean(std::string_view key, bool& out);
    bool integer(std::string_view key, int& out, int least, int most);
    bool number(std::string_view key, double& out, double least, double most);
    bool duration(std::string_view key, Millis& out, Millis least, Millis most);
    bool texts(std::string_view key, std::vector<std::string>& out, TextCheck check);
    // A name in [secrets]; "" says: none.
    bool secret(std::string_view key, std::string& out);
    // One of the words of the vocabulary, e.g. what = "probe kind".
    bool word(std::string_view key, std::string& out, std::string_view what,
              const std::vector<std::string>& known);
    // Names of that kind, which must be defined somewhere.
    bool names(std::string_view key, std::vector<std::string>& out, NameKind kind);

    template <class T, std::size_t N>
    bool choice(std::string_view key, T& out, std::string_view what, const Choice<T> (&rows)[N]) {
        std::string found;
        std::vector<std::string> known;
        for (const auto& row : rows) {
            known.emplace_back(row.word);
        }
        if (!word(key, found, what, known)) {
            return false;
        }
        for (const auto& row : rows) {
            out = row.word == found ? row.value : out;
        }
        return true;
    }

    // The value as it is; nullptr when absent. Marks the key as known.
    const toml::node* node(std::string_view key);
    const toml::table* table(std::string_view key);
    // Every [[key]] element.
    void tables(std::string_view key, const std::function<void(const toml::table&)>& each);

    void require(std::initializer_list<std::string_view> keys);
    // Reports the keys that nothing asked for.
    void finish();

    bool has(std::string_view key) const { return table_.contains(key); }
    Place place() const;  // of the table
    Place place(std::string_view key) const;
    Place place(const toml::node& node) const;
    ItemPlaces places() const;
    const toml::table& raw() const { return table_; }
    Draft& draft() { return draft_; }
    int file() const { return file_; }

    void wrong_type(const toml::node& node, std::string_view key, std::string_view wanted,
                    std::string hint = {});

  private:
    const toml::node* find(std::string_view key);
    const std::string* string_at(const toml::node& node, std::string_view key);

    Draft& draft_;
    int file_;
    const toml::table& table_;
    std::string title_;
    std::set<std::string, std::less<>> known_;

    // What this item of an array of tables is called; empty for a table that exists once.
    std::string item_name() const;
};

}  // namespace leverd::config
