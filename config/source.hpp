// Why: one configuration file in memory: its text, its TOML tree, and the guards that must hold
// before a parser that recurses may see it. Private to config/.
#pragma once

#include "config/load.hpp"

#include <toml++/toml.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leverd::config {

constexpr std::size_t file_bytes_max = 1'048'576;
constexpr int include_depth_max = 8;
constexpr int nesting_max = 16;    // brackets within brackets
constexpr int key_parts_max = 16;  // a.b.c in one line
constexpr std::size_t shown_bytes_max = 200;

// A spot in one of the files read; file -1: nowhere in particular.
struct Place {
    int file = -1;
    int line = 0;
    int column = 0;
};

struct SourceFile {
    std::string name;  // as shown in problems
    std::filesystem::path folder;
    std::string text;
    std::vector<std::string_view> lines;  // into `text`
    std::vector<bool> hidden;  // per line: it may hold a secret, so it is shown only up to its '='
    std::optional<toml::table> root;
};

// What went wrong before there is a tree, with a line and column of 0 where it has none.
struct SourceError {
    std::string message;
    std::string hint;
    int line = 0;
    int column = 0;
};

// Reads a regular file of at most file_bytes_max bytes.
std::optional<SourceError> read_source(const std::filesystem::path& path, SourceFile& file);
// Splits into lines, checks nesting and key length, then parses.
std::optional<SourceError> parse_source(SourceFile& file);

// The line as it may be printed: no control characters, capped, and no value where that may be a
// secret.
std::string shown_line(const SourceFile& file, int line);

}  // namespace leverd::config
