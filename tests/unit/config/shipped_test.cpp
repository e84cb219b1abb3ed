// Why: what is shipped must load without a word, must say what the runbook says, and must not act.
#include "tests/catch.hpp"
#include "tests/unit/config/fixture.hpp"

#include "config/sections.hpp"
#include "core/base/text.hpp"

#include <algorithm>
#include <set>

namespace leverd::config {
namespace {

struct Row {
    std::string_view id;
    std::string_view title;
    std::string_view first_lever;
};

constexpr Row table[] = {
    {"workspace-always-errors", "Workspace boots but agent always errors",
     "Lever D (delete + reprovision)"},
    {"tenant-unreachable", "Whole tenant unreachable", "Lever C (redeploy)"},
    {"canvas-crashes", "Canvas crashes on load", "Lever F (Vercel rollback)"},
    {"login-broken", "Login broken / API errors", "Lever E (Railway rollback)"},
    {"runtime-broken", "Specific runtime broken across tenants",
     "Lever B (template image rollback)"},
    {"platform-regression", "Platform container regression", "Lever A (rollback-latest.sh)"},
    {"stray-image", "Mid-demo stray PR auto-published a bad image",
     "Lever B + investigate why freeze didn't catch it"},
};

Loaded shipped() {
    return load(std::filesystem::path(LEVERD_SHIPPED_CONFIG) / "leverd.toml", vocabulary());
}

TEST_CASE("the shipped files load without a problem") {
    const Loaded loaded = shipped();
    CHECK(rendered(loaded) == "");
    CHECK(loaded.config.files.size() == 3);
    CHECK(loaded.config.hash.size() == 64);
}

TEST_CASE("the shipped symptoms are the runbook's seven rows, word for word") {
    const Config config = shipped().config;
    REQUIRE(config.runbook.symptoms.size() == std::size(table) + 7);
    for (std::size_t i = 0; i < std::size(table); ++i) {
        const Symptom& s = config.runbook.symptoms[i];
        CAPTURE(i);
        CHECK(s.row == static_cast<int>(i) + 1);
        CHECK(s.id == table[i].id);
        CHECK(s.title == table[i].title);
        CHECK(s.first_lever == table[i].first_lever);
    }
}

TEST_CASE("as shipped nothing acts") {
    const Config config = shipped().config;
    CHECK(config.policies.ceiling == Mode::recommend);
    for (const Policy& p : config.policies.policies) {
        CAPTURE(p.id);
        CHECK(p.mode == Mode::recommend);
        CHECK(p.subjects == std::vector<std::string>{"*"});
        CHECK(p.owner == "ops");
        CHECK_FALSE(p.irreversible_accepted);
    }
}

TEST_CASE("every symptom and lever has a shipped policy, and no other") {
    const Config config = shipped().config;
    std::set<std::pair<std::string, std::string>> wanted;
    for (const Symptom& s : config.runbook.symptoms) {
        for (const LeverChoice& choice : s.levers) {
            if (choice.lever != "none") {
                wanted.emplace(s.id, choice.lever);
            }
            for (const std::string& rung : choice.then) {
                wanted.emplace(s.id, rung);
            }
        }
    }
    std::set<std::pair<std::string, std::string>> written;
    for (const Policy& p : config.policies.policies) {
        written.emplace(p.symptom, p.lever);
    }
    CHECK(written == wanted);
    CHECK(written.size() == config.policies.policies.size());
}

std::string lever_for(const Symptom& s, std::string_view subject) {
    for (const LeverChoice& choice : s.levers) {
        if (choice.subjects == "**" || glob_match(choice.subjects, subject)) {
            return choice.lever;
        }
    }
    return "nothing";
}

TEST_CASE("a stray image goes back by the lever that moves it") {
    const Config config = shipped().config;
    REQUIRE(config.runbook.symptoms.size() >= 7);
    const Symptom& s = config.runbook.symptoms[6];
    CHECK(lever_for(s, "image/molecule-ai/platform") == "platform-rollback");
    CHECK(lever_for(s, "image/molecule-ai/platform-tenant") == "platform-rollback");
    CHECK(lever_for(s, "image/molecule-ai/canvas") == "none");
    CHECK(lever_for(s, "image/molecule-ai/workspace-template-hermes") == "template-rollback");
}

TEST_CASE(
    "a broken freeze, a lost forge or registry and an unseen control plane call a person and "
    "nobody else") {
    const Config config = shipped().config;
    const auto& symptoms = config.runbook.symptoms;
    for (const std::string_view id :
         {"boot-fell-silent", "freeze-broken", "forge-lost", "registry-lost",
          "control-plane-unknown", "workspace-answers-nobody"}) {
        CAPTURE(id);
        const auto s = std::find_if(symptoms.begin(), symptoms.end(),
                                    [id](const Symptom& one) { return one.id == id; });
        REQUIRE(s != symptoms.end());
        CHECK(s->row == 0);
        CHECK(s->dwell == Millis{0});
        CHECK(lever_for(*s, s->subject_kind) == "none");
    }
}

TEST_CASE("names that fail together without an image move are nobody's to mend alone") {
    const Config config = shipped().config;
    REQUIRE(config.runbook.symptoms.size() > 7);
    const Symptom& s = config.runbook.symptoms[7];
    CHECK(s.id == "mass-failure");
    CHECK(s.row == 0);
    CHECK(s.subject_kind == "edge");
    CHECK(lever_for(s, "edge") == "none");
    CHECK(s.unless == std::vector<std::string>{"tenant-not-running"});
    CHECK(s.group == GroupRule{"tenant", 2, "", 30, Millis{600'000}, false, "", Millis{0}});
    // A platform regression is above it, so it explains it; a dead tenant is below it.
    CHECK(depends_on(config.runbook, "edge", "platform"));
    CHECK(depends_on(config.runbook, "tenant", "edge"));
    CHECK_FALSE(depends_on(config.runbook, "platform", "edge"));
}

TEST_CASE("a tenant that a redeploy does not help is stopped and started next") {
    const Config config = shipped().config;
    const Symptom& s = config.runbook.symptoms[1];
    REQUIRE(s.levers.size() == 1);
    CHECK(s.levers[0].lever == "tenant-redeploy");
    CHECK(s.levers[0].then == std::vector<std::string>{"tenant-restart"});
}

TEST_CASE("tenants that a platform rollback does not bring back are redeployed with the tag next") {
    const Config config = shipped().config;
    const Symptom& s = config.runbook.symptoms[5];
    CHECK(s.id == "platform-regression");
    REQUIRE(s.levers.size() == 1);
    CHECK(s.levers[0].lever == "platform-rollback");
    CHECK(s.levers[0].then == std::vector<std::string>{"fleet-redeploy"});
}

// The sandbox's rules are the shipped ones on another clock: a demo of something else shows
// nothing.
TEST_CASE("the sandbox has the shipped rows, and its files load without a problem") {
    const Folder folder;
    const auto path = std::filesystem::path(LEVERD_SANDBOX_CONFIG);
    const Loaded loaded = load(
        folder.write("leverd.toml", "include = [\"" + (path / "runbook.toml").string() + "\", \"" +
                                        (path / "policies.toml").string() + "\"]\n" + R"([daemon]
mode_ceiling = "auto"
[observer]
references = ["https://a.example", "https://b.example"]
quorum = 1
[[probe]]
kind = "reference"
interval = "1s"
)"),
        vocabulary());
    for (const Problem& p : loaded.problems) {
        CAPTURE(render(p));
        // This small file has no stack to look at; that is all that may be missing.
        CHECK(p.message.ends_with("does not run, so this signal is never raised"));
    }
    const Config config = shipped().config;
    REQUIRE(loaded.config.runbook.symptoms.size() == config.runbook.symptoms.size());
    for (std::size_t i = 0; i < config.runbook.symptoms.size(); ++i) {
        const Symptom& real = config.runbook.symptoms[i];
        const Symptom& played = loaded.config.runbook.symptoms[i];
        CAPTURE(real.id);
        CHECK(played.id == real.id);
        CHECK(played.any == real.any);
        CHECK(played.unless == real.unless);
        REQUIRE(played.levers.size() == real.levers.size());
        for (std::size_t j = 0; j < real.levers.size(); ++j) {
            // It may show a gentler first rung; the runbook's own lever is on the ladder.
            const auto& then = played.levers[j].then;
            const bool on_ladder =
                played.levers[j].lever == real.levers[j].lever ||
                std::find(then.begin(), then.end(), real.levers[j].lever) != then.end();
            CHECK(on_ladder);
        }
    }
}

TEST_CASE("the shipped numbers are those that the rows were agreed with") {
    const Config config = shipped().config;
    const auto signal = [&](std::string_view id) {
        const auto& all = config.runbook.signals;
        const auto found =
            std::find_if(all.begin(), all.end(), [&](const Signal& s) { return s.id == id; });
        REQUIRE(found != all.end());
        return *found;
    };
    CHECK(signal("agent-errors").where ==
          std::vector<FactCondition>{{"requests", Compare::greater_equal, 3},
                                     {"failed_percent", Compare::greater_equal, 100},
                                     {"spread_seconds", Compare::greater_equal, 120}});
    CHECK(signal("boot-stuck").spread == Millis{660'000});
    CHECK(signal("boot-stuck").spread_by.at("hermes") == Millis{1'860'000});
    CHECK(signal("tenant-health").looks == 3);
    CHECK(signal("tenant-health").except_reasons ==
          std::vector<Reason>{Reason::tls_expired, Reason::tls_untrusted, Reason::tls_wrong_name});
    CHECK(signal("canvas-broken").looks == 3);
    CHECK(signal("control-plane-broken").looks == 3);
    CHECK(signal("image-drift").looks == 2);
    CHECK(signal("image-drift").spread == Millis{30'000});
    CHECK(signal("tenant-not-running").looks == 1);
    CHECK(signal("tenant-not-running").clear_looks == 1);

    const auto& symptoms = config.runbook.symptoms;
    CHECK(symptoms[1].unless == std::vector<std::string>{"tenant-not-running"});
    CHECK(symptoms[1].requires_healthy == std::vector<Subject>{Subject{"control-plane"}});
    CHECK(symptoms[1].needs_working_sibling);
    CHECK(symptoms[4].group ==
          GroupRule{"workspace", 2, "tenant", 50, Millis{900'000}, true, "", Millis{0}});
    CHECK(symptoms[5].group == GroupRule{"tenant", 2, "", 20, Millis{1'800'000}, false,
                                         "image/molecule-ai/platform*", Millis{1'800'000}});
}

}  // namespace
}  // namespace leverd::config
