// Why: people copy the examples of the policy guide into a production file, so each of them must
// load as it stands, beside the shipped runbook.
#include "tests/catch.hpp"
#include "tests/unit/config/fixture.hpp"

#include "config/scenario.hpp"
#include "config/values.hpp"

#include <fstream>
#include <sstream>

namespace leverd::config {
namespace {

std::vector<std::string> toml_blocks(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::vector<std::string> blocks;
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
        if (line == "```toml") {
            blocks.emplace_back();
            inside = true;
        } else if (line == "```") {
            inside = false;
        } else if (inside) {
            blocks.back() += line + "\n";
        }
    }
    return blocks;
}

std::string errors_of(const std::vector<Problem>& problems) {
    std::string text;
    for (const Problem& p : problems) {
        text += p.warning ? "" : render(p) + "\n";
    }
    return text;
}

// A box that may do everything, with the shipped runbook and no policy of its own.
constexpr std::string_view box = R"([daemon]
mode_ceiling = "auto"
[observer]
references = ["https://a.example", "https://b.example"]
quorum = 1
[[probe]]
kind = "reference"
)";

TEST_CASE("every example of the policy guide is accepted") {
    const auto blocks = toml_blocks(LEVERD_POLICY_GUIDE);
    REQUIRE(blocks.size() >= 6);
    const Folder folder;
    const auto runbook = std::filesystem::path(LEVERD_SHIPPED_CONFIG) / "runbook.toml";
    for (const std::string& block : blocks) {
        CAPTURE(block);
        if (block.starts_with("name = ")) {
            const auto path = folder.write("scenario.toml", block);
            CHECK(errors_of(load_scenario(path, vocabulary()).problems) == "");
            continue;
        }
        // The guide shows settings that the shipped file already has; that alone is no mistake.
        std::ostringstream text;
        text << std::ifstream(runbook).rdbuf();
        std::string shipped = text.str();
        const auto flapping = shipped.find("[runbook.flapping]");
        REQUIRE(flapping != std::string::npos);
        shipped.erase(flapping, shipped.find("\n\n", flapping) - flapping);
        folder.write("runbook.toml", shipped);
        const auto path = folder.write("leverd.toml",
                                       "include = [\"runbook.toml\"]\n" + std::string(box) + block);
        CHECK(errors_of(load(path, vocabulary()).problems) == "");
    }
}

// What the examples of the probe guide refer to, and nothing else.
constexpr std::string_view probe_box = R"([secrets]
shop_token = { environment = "SHOP_TOKEN" }
railway_token = { environment = "RAILWAY_TOKEN" }
cp_admin_token = { environment = "CP_ADMIN_TOKEN" }
[stack.control_plane]
url = "https://cp.example"
[stack.registry]
url = "https://registry.example"
images = ["molecule-ai/platform"]
[stack.canvas]
url = "https://canvas.example"
marker = "__next"
)";

TEST_CASE("every probe kind has an example in the probe guide that is accepted") {
    const auto blocks = toml_blocks(LEVERD_PROBE_GUIDE);
    const Folder folder;
    std::string all;
    for (const std::string& block : blocks) {
        CAPTURE(block);
        all += block;
        const auto path = folder.write("leverd.toml", std::string(probe_box) + block);
        CHECK(errors_of(load(path, vocabulary()).problems) == "");
    }
    for (const std::string& kind : vocabulary().probe_kinds) {
        CAPTURE(kind);
        CHECK(all.find("kind = \"" + kind + "\"") != std::string::npos);
    }
}

TEST_CASE("the examples about the forge are accepted together with the shipped files") {
    const auto blocks = toml_blocks(LEVERD_FORGE_GUIDE);
    REQUIRE(blocks.size() == 2);
    const Folder folder;
    const auto runbook = std::filesystem::path(LEVERD_SHIPPED_CONFIG) / "runbook.toml";
    for (const std::string& block : blocks) {
        CAPTURE(block);
        std::ostringstream shipped;
        shipped << std::ifstream(runbook).rdbuf();
        folder.write("runbook.toml", shipped.str());
        const auto path = folder.write("leverd.toml",
                                       "include = [\"runbook.toml\"]\n" + std::string(box) + block);
        const Loaded loaded = load(path, vocabulary());
        CHECK(errors_of(loaded.problems) == "");
        for (const ForgeBranch& branch : loaded.config.forge.branches) {
            CHECK(branch.repository == "Molecule-AI/molecule-controlplane");
            CHECK(branch.held_base == "staging");
        }
    }
}

TEST_CASE("what the forge is told is checked before it becomes a part of a URL") {
    CHECK_FALSE(a_forge_repository("Molecule-AI/molecule-core").has_value());
    CHECK_FALSE(a_workflow("Molecule-AI/molecule-core: publish.yml").has_value());
    CHECK_FALSE(a_branch("release/1.2").has_value());
    CHECK_FALSE(a_commit("0123abc").has_value());
    for (const char* bad : {"", "core", "a/b/c", "../core", "a/..", "a/b?c"}) {
        CAPTURE(bad);
        CHECK(a_forge_repository(bad).has_value());
    }
    for (const char* bad : {"a/b", "a/b: ", "a/b: x", "a/b: ../x.yml", "a/b:x.yml"}) {
        CAPTURE(bad);
        CHECK(a_workflow(bad).has_value());
    }
    for (const char* bad : {"", "0123ab", "0123ABC", "main"}) {
        CAPTURE(bad);
        CHECK(a_commit(bad).has_value());
    }
    CHECK(a_branch("a b").has_value());
    CHECK(a_branch("a&b").has_value());
}

}  // namespace
}  // namespace leverd::config
