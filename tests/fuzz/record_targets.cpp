// Why: config files, scenario files, ledger rows and JSON from any side; bad ones are refused with
// words, never with a crash.
#include "config/load.hpp"
#include "config/scenario.hpp"
#include "core/model/codec.hpp"
#include "tests/fuzz/parts.hpp"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace leverd::fuzz {
namespace {

// One folder per process; removed at its end.
class Scratch {
  public:
    Scratch() {
        std::string pattern = (std::filesystem::temp_directory_path() / "leverd-fuzz.XXXXXX");
        require(mkdtemp(pattern.data()) != nullptr, "a scratch folder can be made");
        folder_ = pattern;
    }
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    std::filesystem::path with(std::string_view bytes) const {
        const auto path = folder_ / "file.toml";
        std::ofstream out(path, std::ios::binary | std::ios::trunc);
        out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        return path;
    }

  private:
    std::filesystem::path folder_;
};

const Scratch& scratch() {
    static const Scratch folder;
    return folder;
}

void check_problems(const std::vector<config::Problem>& problems) {
    for (const auto& problem : problems) {
        require(!config::render(problem).empty(), "a problem has words");
    }
}

void config_file(std::string_view bytes) {
    config::Vocabulary words;
    words.probe_kinds = {"tenant_health", "control_plane"};
    words.levers = {"tenant-redeploy"};
    check_problems(config::load(scratch().with(bytes), words).problems);
}

void scenario_file(std::string_view bytes) {
    check_problems(config::load_scenario(scratch().with(bytes), {}).problems);
}

void json(std::string_view bytes) {
    const auto read = parse_json(bytes);
    if (read.has_value()) {
        const std::string text = dump(*read);
        const auto again = parse_json(text);
        require(again.has_value() && dump(*again) == text, "what was written is read");
    }
}

// "kind\n{...}"
void ledger_entry(std::string_view bytes) {
    const auto end = bytes.find('\n');
    if (end == std::string_view::npos) {
        return;
    }
    const std::string kind(bytes.substr(0, end));
    const auto read = entry_from_json(kind, std::string(bytes.substr(end + 1)));
    if (read.has_value()) {
        const std::string text = dump(to_json(*read));
        const auto again = entry_from_json(kind, text);
        require(again.has_value() && dump(to_json(*again)) == text, "an entry keeps its bytes");
    }
}

}  // namespace

std::vector<Target> record_targets() {
    return {{"config_file", config_file},
            {"scenario_file", scenario_file},
            {"json", json},
            {"ledger_entry", ledger_entry}};
}

}  // namespace leverd::fuzz
