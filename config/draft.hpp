// Why: a configuration under construction. Names are defined and referred to in any order and in
// any file, so references are collected with their places and settled once everything is read.
// Private to config/.
#pragma once

#include "config/source.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leverd::config {

// What can carry a name; the word for each is in draft.cpp.
enum class NameKind {
    setting,
    secret,
    probe,
    lever,
    notify,
    api_token,
    signal,
    symptom,
    row,
    policy,
    window,
    topology,
};

// Where one [[item]] stands, and where the value of each of its keys stands.
struct ItemPlaces {
    Place self;
    std::map<std::string, Place, std::less<>> keys;

    Place of(std::string_view key) const;  // `self` when the key is absent
};

constexpr std::size_t problems_max = 200;

class Draft {
  public:
    explicit Draft(const Vocabulary& vocabulary) : vocabulary_(vocabulary) {}

    Config config;
    std::vector<std::unique_ptr<SourceFile>> files;
    std::vector<Problem> problems;
    Settings settings;
    std::set<std::pair<std::string, std::string>> schema;  // (table, key) that the readers ask for
    bool has_syntax_errors = false;                        // then a missing name proves nothing

    // Parallel to the vectors of `config` with the same names.
    std::vector<ItemPlaces> probe_places;
    std::vector<ItemPlaces> signal_places;
    std::vector<ItemPlaces> symptom_places;
    std::vector<ItemPlaces> policy_places;
    std::vector<ItemPlaces> window_places;
    std::vector<ItemPlaces> api_token_places;
    // Of the sections that exist once: "[observer]" -> its keys.
    std::map<std::string, ItemPlaces, std::less<>> section_places;

    const Vocabulary& vocabulary() const { return vocabulary_; }
    // A lever that this config declares, known from here on.
    void declare_lever(const std::string& id, bool irreversible);

    void error(Place place, std::string message, std::string hint = {});
    void warn(Place place, std::string message, std::string hint = {});
    // About a file that is not among `files`.
    void error_in(const std::string& file, std::string message, std::string hint = {});

    // Reports the second definition of a name.
    void define(NameKind kind, const std::string& name, Place place);
    void refer(NameKind kind, const std::string& name, Place place, std::string_view key);
    bool defined(NameKind kind, const std::string& name) const;
    // Reports every reference that no definition answers.
    void settle_references();

    // The place of a section's key, or of the section; {} when neither was written.
    Place section_place(std::string_view section, std::string_view key) const;
    std::string where(Place place) const;  // "leverd.toml:3:1"
    // Sorts the problems by file, line and column.
    void sort_problems();
    bool has_errors() const;

  private:
    struct Reference {
        NameKind kind;
        std::string name;
        Place place;
        std::string key;
    };

    void add(Place place, bool warning, std::string message, std::string hint);
    void unanswered(const Reference& r);

    Vocabulary vocabulary_;  // a copy: declared levers come on top
    std::map<NameKind, std::map<std::string, Place>> names_;
    std::vector<Reference> references_;
    std::vector<int> file_of_problem_;
};

// "did you mean 'x'?", or all the candidates when they are few, or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);
// A value from a file as it may be quoted in a message.
std::string quote(std::string_view value);

}  // namespace leverd::config
