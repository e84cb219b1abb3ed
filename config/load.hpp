// Why: TOML in, typed config or all its problems out. Nothing is guessed: an unknown key, a missing
// unit or a name that nothing defines is an error with its place and a suggestion.
#pragma once

#include "config/config.hpp"
#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/base/trusted_file.hpp"

#include <compare>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace leverd::config {

struct Problem {
    std::string file;
    int line = 0;  // 1-based; 0: the file as a whole
    int column = 0;
    std::string message;
    std::string hint;
    std::string source_line;
    bool warning = false;
};

// "leverd.toml:12:3: error: unknown key 'intervall'", the source line, a caret, and "hint: did you
// mean ...".
std::string render(const Problem& p);

// Where a setting stands: table "[[probe]]", item "tenant_health", key "interval". Settings of a
// table that exists once have no item; those of the file itself no table.
struct SettingName {
    std::string table;
    std::string item;
    std::string key;

    friend auto operator<=>(const SettingName&, const SettingName&) = default;
};
// As they were written; never the value of a secret.
using Settings = std::map<SettingName, std::string>;

struct Loaded {
    Config config;
    Settings settings;
    std::vector<Problem> problems;  // errors and warnings in file order
    // Table and key of everything that the readers asked for, written or not.
    std::set<std::pair<std::string, std::string>> schema;
    bool ok() const;  // no errors
};

// Levers and probe kinds that exist, so that a name nothing implements is a config error. Filled by
// the caller's tables.
struct Vocabulary {
    std::vector<std::string> probe_kinds;
    std::vector<std::string> levers;
    // Levers whose contract says irreversible: an automatic policy must name their subjects.
    std::vector<std::string> irreversible_levers{"workspace-reprovision"};
    // Levers whose contract says can_undo: only these may be undone when they made things worse.
    std::vector<std::string> undoable_levers;
    // For windows that are over; the epoch: not known, so none is called over.
    WallTime now{};
};
// Reads `path` and what it includes (relative to the including file). Never throws; never reads
// secrets.
Loaded load(const std::filesystem::path& path, const Vocabulary& vocabulary);

// Other files for a part of it, to try them without installing them; empty: the config's own.
struct Instead {
    std::filesystem::path policies;  // [[policy]], [[window]], [storm], [effect]
    std::filesystem::path runbook;   // [runbook], [topology], [[signal]], [[symptom]]
};
Loaded load(const std::filesystem::path& path, const Vocabulary& vocabulary,
            const Instead& instead);

// The value of one. Only root and `user` may own its file, and nobody else may read it.
Result<Secret> read_secret(const std::string& name, const SecretSource& source,
                           const FileUser& user);

// The value of every secret in [secrets]. A missing or unreadable one is an Error that names it and
// its source.
Result<std::map<std::string, Secret>> read_secrets(const Config& config);

}  // namespace leverd::config
