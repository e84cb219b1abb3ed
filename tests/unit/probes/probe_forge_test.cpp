// Why: what the freeze and the branches look like from the forge's answers, every finding once,
// and a forge that is gone told apart from a token that is.
#include "tests/catch.hpp"
#include "tests/unit/probes/fake_http.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>

using namespace leverd;
using test::answer;
using test::fact;
using test::json_answer;

namespace {

const std::string api = "GET https://forge.test/repos/";
const std::string core = "Molecule-AI/molecule-core";
const std::string hermes = "Molecule-AI/template-hermes";
const std::string cp = "Molecule-AI/molecule-controlplane";
const std::string digest = "sha256:" + std::string(64, 'a');

std::string workflow_call(const std::string& repository, const std::string& file) {
    return api + repository + "/actions/workflows/" + file;
}
std::string runs_call(const std::string& repository, const std::string& status) {
    return api + repository + "/actions/runs?per_page=50&status=" + status;
}
net::HttpResponse state(const std::string& word) {
    return json_answer(200, R"({"id":1,"state":")" + word + "\"}");
}
net::HttpResponse no_runs() {
    return json_answer(200, R"({"total_count":0,"workflow_runs":[]})");
}

// A whole freeze of two workflows that holds; each test breaks one thing.
struct Freeze {
    Freeze() : folder(std::filesystem::temp_directory_path() / "leverd-freeze-XXXXXX") {
        std::string name = folder.string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        folder = name;
        write("workflows.txt", core + ": publish.yml\n" + hermes + ": image.yml\n");
        write("digests.txt", "hermes: " + digest + "\n");
        world.config.freeze.active = true;
        world.config.freeze.workflows_receipt = (folder / "workflows.txt").string();
        world.config.freeze.receipt = (folder / "digests.txt").string();
        world.config.registry.images = {"molecule-ai/workspace-template-hermes"};
        world.config.forge.url = "https://forge.test";
        world.config.forge.token = "forge";
        world.secrets.emplace("forge", Secret("forge-secret-value"));
    }
    ~Freeze() { std::filesystem::remove_all(folder); }
    Freeze(const Freeze&) = delete;
    Freeze& operator=(const Freeze&) = delete;

    void write(const char* name, const std::string& text) const {
        std::ofstream(folder / name) << text;
    }
    // What a test has not said itself is as it should be.
    void rest() {
        world.http.on(workflow_call(core, "publish.yml"), state("disabled_manually"));
        world.http.on(workflow_call(hermes, "image.yml"), state("disabled_manually"));
        for (const auto& repository : {core, hermes}) {
            world.http.on(runs_call(repository, "in_progress"), no_runs());
            world.http.on(runs_call(repository, "queued"), no_runs());
        }
    }
    std::vector<Observation> look() { return world.look("freeze_state", ""); }

    std::filesystem::path folder;
    test::World world;
};

bool says(const Observation& seen, const std::string& words) {
    return seen.evidence.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("a freeze that holds") {
    Freeze freeze;
    freeze.rest();
    const auto seen = freeze.look();
    REQUIRE(seen.size() == 2);
    CAPTURE(seen[0].evidence);
    CHECK(seen[0].subject.text() == "freeze");
    CHECK(seen[0].health == Health::healthy);
    CHECK(fact(seen[0], "disabled") == 2);
    CHECK(seen[1].subject.text() == "forge");
    CHECK(seen[1].health == Health::healthy);
}

TEST_CASE("only disabled_manually is a freeze") {
    struct Row {
        const char* state;
        Health health;
        Reason reason;
    };
    for (const Row& row : {Row{"disabled_manually", Health::healthy, Reason::ok},
                           Row{"active", Health::failing, Reason::workflow_enabled},
                           Row{"disabled_inactivity", Health::failing, Reason::workflow_enabled},
                           Row{"disabled_fork", Health::failing, Reason::workflow_enabled},
                           Row{"something_new", Health::failing, Reason::workflow_enabled},
                           Row{"deleted", Health::healthy, Reason::ok}}) {
        CAPTURE(row.state);
        Freeze freeze;
        freeze.world.http.on(workflow_call(hermes, "image.yml"), state(row.state));
        freeze.world.http.on(workflow_call(core, "publish.yml"), state("disabled_manually"));
        for (const auto& repository : {core, hermes}) {
            freeze.world.http.on(runs_call(repository, "in_progress"), no_runs());
            freeze.world.http.on(runs_call(repository, "queued"), no_runs());
        }
        const auto seen = freeze.look();
        CHECK(seen[0].health == row.health);
        CHECK(seen[0].reason == row.reason);
    }
}

TEST_CASE("a run that started before the freeze still publishes") {
    Freeze freeze;
    freeze.world.http.on(runs_call(core, "in_progress"), json_answer(200, R"({"workflow_runs":[
        {"id":11,"path":".github/workflows/ci.yml","status":"in_progress"},
        {"id":12,"path":".github/workflows/publish.yml","status":"in_progress","event":"push",
         "head_sha":"0123456789abcdef"}]})"));
    freeze.rest();
    freeze.world.http.on(runs_call(hermes, "queued"), no_runs());
    const auto seen = freeze.look();
    CHECK(seen[0].health == Health::failing);
    CHECK(seen[0].reason == Reason::publisher_running);
    CHECK(fact(seen[0], "publishers") == 1);
    CHECK(says(seen[0], "run 12 of publish.yml"));
}

TEST_CASE("a writer that the freeze forgot is told unless somebody switched it off") {
    for (const bool on : {true, false}) {
        CAPTURE(on);
        Freeze freeze;
        freeze.world.config.forge.writers = {core + ": promote.yml", core + ": publish.yml"};
        freeze.world.http.on(workflow_call(core, "promote.yml"),
                             state(on ? "active" : "disabled_manually"));
        freeze.rest();
        const auto seen = freeze.look();
        CHECK(seen[0].health == (on ? Health::degraded : Health::healthy));
        CHECK(fact(seen[0], "writers") == (on ? 1 : 0));
    }
}

TEST_CASE("holes of the receipts are told line by line") {
    Freeze freeze;
    freeze.write("workflows.txt", core + ": publish.yml\nnonsense\n" + hermes + ": image.yml\n");
    freeze.world.config.registry.images.emplace_back("molecule-ai/platform");
    freeze.rest();
    const auto seen = freeze.look();
    CHECK(seen[0].health == Health::degraded);
    CHECK(seen[0].reason == Reason::receipt_incomplete);
    CHECK(says(seen[0], "workflows receipt line 2"));
    CHECK(says(seen[0], "lacks molecule-ai/platform"));
    CHECK(fact(seen[0], "receipt_holes") == 2);
    CHECK(fact(seen[0], "disabled") == 2);
}

TEST_CASE("after the freeze what is still off is remembered") {
    Freeze freeze;
    freeze.world.config.freeze.active = false;
    freeze.rest();
    const auto seen = freeze.look();
    CHECK(seen[0].health == Health::degraded);
    CHECK(seen[0].reason == Reason::thaw_pending);
    CHECK(freeze.world.http.count(runs_call(core, "queued")) == 0);
}

TEST_CASE("everything refused is a forge that is gone, not a bad token only") {
    Freeze freeze;
    const auto refused = json_answer(401, R"({"message":"Bad credentials"})");
    freeze.world.http.on(workflow_call(core, "publish.yml"), refused);

    SECTION("the repository is not to be seen without the token either") {
        freeze.world.http.on(api + core, json_answer(401, "{}"));
        const auto seen = freeze.look();
        CHECK(seen[0].health == Health::unknown);
        CHECK(seen[1].health == Health::failing);
        CHECK(seen[1].reason == Reason::forge_lost);
        CHECK(says(seen[1], "suspended"));
    }
    SECTION("without the token it answers") {
        freeze.world.http.on(api + core, json_answer(200, "{}"));
        const auto seen = freeze.look();
        CHECK(seen[0].health == Health::unknown);
        CHECK(seen[1].health == Health::unknown);
        CHECK(seen[1].reason == Reason::unauthorized);
        CHECK(says(seen[1], "only our token"));
    }
    // One refusal is enough: the other workflows are not asked, and the proof goes without a token.
    CHECK(freeze.world.http.requests.size() == 2);
    CHECK_FALSE(freeze.world.http.requests.back().bearer.has_value());
}

TEST_CASE("a forge that does not answer says nothing of the freeze") {
    Freeze freeze;
    freeze.world.http.on(workflow_call(core, "publish.yml"), test::failure(Reason::dns_failure));
    const auto seen = freeze.look();
    CHECK(seen[0].health == Health::unknown);
    CHECK(seen[0].reason == Reason::dns_failure);
    CHECK(seen[1].health == Health::failing);
}

TEST_CASE("one workflow that cannot be seen leaves the others judged") {
    Freeze freeze;
    freeze.world.http.on(workflow_call(core, "publish.yml"), json_answer(404, "{}"));
    freeze.world.http.on(workflow_call(hermes, "image.yml"), state("active"));
    freeze.rest();
    const auto seen = freeze.look();
    CHECK(seen[0].reason == Reason::workflow_enabled);
    CHECK(says(seen[0], "publish.yml not read"));
    CHECK(seen[1].health == Health::healthy);
}

TEST_CASE("what the newest run of a branch says") {
    struct Row {
        const char* name;
        std::string runs;
        std::string commit;
        Health health;
        Reason reason;
    };
    const std::string success =
        R"({"id":1,"path":"ci.yml","head_branch":"main","head_sha":"abcdef0","status":"completed",
            "conclusion":"success",
            "created_at":"2026-05-06T10:00:00Z"})";
    const std::string failed =
        R"({"id":2,"path":"ci.yml","head_branch":"main","head_sha":"fedcba0","status":"completed",
            "conclusion":"failure","created_at":"2026-05-06T11:00:00Z"})";
    const std::string running =
        R"({"id":3,"path":"ci.yml","head_branch":"main","head_sha":"abcdef0123","status":"queued",
            "conclusion":null,"created_at":"2026-05-06T12:00:00Z"})";
    const std::string other =
        R"({"id":4,"path":"lint.yml","head_branch":"main","head_sha":"0000000","status":"completed",
            "conclusion":"failure","created_at":"2026-05-06T13:00:00Z"})";
    const std::vector<Row> rows{
        {"success", success, "abcdef0", Health::healthy, Reason::ok},
        {"any commit", success, "", Health::healthy, Reason::ok},
        {"other commit", success, "fffffff", Health::failing, Reason::wrong_commit},
        {"newest failed", success + "," + failed, "", Health::failing, Reason::ci_failed},
        {"order is not trusted", failed + "," + success, "", Health::failing, Reason::ci_failed},
        {"still running", running + "," + success, "", Health::unknown, Reason::ci_running},
        {"another workflow", other + "," + success, "", Health::healthy, Reason::ok},
        {"none", "", "", Health::unknown, Reason::proof_missing},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        test::World world;
        world.config.forge.url = "https://forge.test";
        config::ForgeBranch branch;
        branch.repository = cp;
        branch.workflow = "ci.yml";
        branch.commit = row.commit;
        world.config.forge.branches = {branch};
        world.http.on(api + cp + "/actions/runs?per_page=20&branch=main",
                      json_answer(200, R"({"workflow_runs":[)" + row.runs + "]}"));
        const auto seen = world.look("forge_ci", cp);
        REQUIRE(seen.size() == 2);
        CAPTURE(seen[0].evidence);
        CHECK(seen[0].subject.text() == "branch/" + cp);
        CHECK(seen[0].health == row.health);
        CHECK(seen[0].reason == row.reason);
    }
}

TEST_CASE("merges that the freeze holds back are counted and named") {
    test::World world;
    world.config.forge.url = "https://forge.test";
    world.config.forge.kind = "gitea";
    config::ForgeBranch branch;
    branch.repository = cp;
    branch.held_base = "staging";
    world.config.forge.branches = {branch};
    world.http.on(api + cp + "/actions/runs?limit=20&branch=main",
                  json_answer(200, R"({"workflow_runs":null})"));
    world.http.on(api + cp + "/pulls?state=closed&base_branch=staging&sort=recentupdate&limit=50",
                  json_answer(200,
                              R"([{"number":9,"title":"fix","base":{"ref":"staging"},
                "merged_at":"2026-05-06T09:00:00Z"}])"));
    const auto seen = world.look("forge_ci", cp);
    CHECK(fact(seen[0], "held_back") == 1);
    CHECK(says(seen[0], "#9 \"fix\""));
}
