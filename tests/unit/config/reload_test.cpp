// Why: nobody may add a key without saying what a reload does with it.
#include "config/reload.hpp"

#include "tests/catch.hpp"
#include "tests/unit/config/fixture.hpp"

#include <algorithm>

namespace leverd::config {
namespace {

// Every table, so that its reader asks for every key of it; what is missing in one is a problem of
// the file and no matter here.
constexpr std::string_view every_table = R"(
[daemon]
[ledger]
[metrics]
[page]
[[api_token]]
[net]
[secrets]
[observer]
[freeze]
[events]
[[notify]]
[stack.control_plane]
[stack.canvas]
[stack.registry]
[stack.railway]
[stack.vercel]
[stack.forge]
[[stack.forge.branch]]
[tenants]
[[probe]]
kind = "http"
[[probe]]
kind = "promql"
[[probe]]
kind = "json"
[[probe]]
kind = "credential"
[[probe]]
kind = "tls"
[[probe]]
kind = "tcp"
[[probe]]
kind = "dns"
[[probe]]
kind = "heartbeat"
[[probe]]
kind = "command"
[[lever]]
kind = "http"
[[lever]]
kind = "command"
[[lever]]
id = "workspace-reprovision"
[[lever]]
id = "workspace-restart"
[runbook]
[runbook.flapping]
[topology]
[[signal]]
[[symptom]]
[symptom.group]
[[policy]]
[[window]]
[storm]
[effect]
)";

}  // namespace

TEST_CASE("every key that a reader asks for says what a reload does with it, and no other does") {
    const Folder folder;
    const auto loaded = load(folder.write("leverd.toml", every_table), vocabulary());
    REQUIRE(loaded.schema.size() > 150);
    for (const auto& [table, key] : loaded.schema) {
        // Tables inside tables have rows of their own.
        const bool table_itself = std::ranges::any_of(loaded.schema, [&](const auto& other) {
            const auto inner =
                (table.empty() ? "[" : table.substr(0, table.size() - 1) + ".") + key;
            return other.first == inner + "]" || other.first == "[" + inner + "]]" ||
                   (table.empty() && other.first == "[[" + key + "]]");
        });
        INFO(table << " " << key);
        CHECK((table_itself || table == "[stack]" || find_reload("[" + key + "]", "*") != nullptr ||
               find_reload(table, key) != nullptr));
    }
    for (const auto& row : reload_table()) {
        INFO(row.table << " " << row.key);
        // The last two are asked for only where another key stands.
        const bool asked = row.key == "*" || row.key == "window" || row.key == "then" ||
                           loaded.schema.contains({std::string(row.table), std::string(row.key)});
        CHECK(asked);
        CHECK((row.on_reload == OnReload::applied) == row.why.empty());
    }
}

TEST_CASE("what differs between two configs is named by table, item and key") {
    const Folder folder;
    const auto before =
        load(folder.write("a.toml",
                          "[daemon]\nlisten = \"127.0.0.1:1\"\n[[probe]]\nkind = \"canvas\"\n"
                          "interval = \"30s\"\n[secrets]\ns = { file = \"/x\" }\n"),
             vocabulary());
    const auto after =
        load(folder.write("b.toml",
                          "[daemon]\nlisten = \"127.0.0.1:2\"\n[[probe]]\nkind = \"canvas\"\n"
                          "interval = \"40s\"\n[secrets]\ns = { file = \"/y\" }\n"),
             vocabulary());
    CHECK(changed_keys(before.settings, after.settings) ==
          std::vector<std::string>{"[[probe]] canvas interval", "[daemon] listen", "[secrets] s"});
    CHECK(restart_needed(before.settings, after.settings) ==
          std::vector<std::string>{"[daemon] listen: the address is bound"});
    CHECK(restart_needed(after.settings, after.settings).empty());
}

}  // namespace leverd::config
