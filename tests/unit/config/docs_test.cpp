// Why: people copy the examples of the policy guide into a production file, so each of them must
// load as it stands, beside the shipped runbook.
#include "tests/catch.hpp"
#include "tests/unit/config/fixture.hpp"

#include "config/scenario.hpp"

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

}  // namespace
}  // namespace leverd::config
