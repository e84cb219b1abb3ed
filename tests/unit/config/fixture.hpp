// Why: a mistake is one small file, so the tests write it down as text, load it from a folder of
// their own and compare the whole answer.
#pragma once

#include "config/load.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace leverd::config {

// A folder that is gone when the test ends.
class Folder {
  public:
    Folder();
    ~Folder();
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::filesystem::path write(const std::string& name, std::string_view text) const;
    std::filesystem::path path(const std::string& name) const { return path_ / name; }
    // The text without the folder's path.
    std::string plain(std::string text) const;

  private:
    std::filesystem::path path_;
};

Vocabulary vocabulary();

// A symptom for a tenant and one for a workspace, with all that they need.
std::string_view base_toml();

// All problems, rendered, when leverd.toml holds `toml`. Beside it stand base.toml, and tenant.toml
// which is the same without the workspace's symptom: nothing asks for a policy on that one.
std::string problems_of(std::string_view toml);
std::string rendered(const Loaded& loaded);

struct Case {
    std::string_view name;
    std::string_view toml;
    std::string_view problems;
};

}  // namespace leverd::config
