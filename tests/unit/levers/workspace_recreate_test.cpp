// Why: a workspace that is gone is made anew from what the ledger and the sealed file kept, once,
// and never beside one that stands there already.
#include "tests/unit/levers/workspace_scene.hpp"

#include <algorithm>
#include <memory>

namespace leverd::test {
namespace {

// Holds what was sealed for the intent that deleted it.
struct Sealed final : SecretSafe {
    Result<void> keep(const std::string&, const Secret&) override { return {}; }
    Result<Secret> open(const std::string& intent) const override {
        if (intent != intent_id || text.empty()) {
            return Error{"it does not open with this sealing key", ""};
        }
        return Secret::unlisted(text);
    }
    void forget(const std::string&) override { forgotten = true; }
    std::vector<std::string> kept() const override { return {}; }

    std::string text = R"({"OPENROUTER_API_KEY":"s3cr3t-one"})";
    bool forgotten = false;
};

struct Gone {
    WorkspaceScene scene;
    std::shared_ptr<Sealed> sealed = std::make_shared<Sealed>();
    Plan lost;  // of the firing that deleted it

    Gone() {
        scene.world.keep_in(sealed);
        lost = scene.world.planned(subject);
        scene.list(scene.gone);
    }
    Result<Plan> plan() { return scene.world.recreation(lost); }
    Plan planned() {
        auto made = plan();
        if (made.has_error()) {
            FAIL("no plan: " + made.error().what);
        }
        check_no_token(*made);
        scene.world.http.seen.clear();
        return *made;
    }
};

TEST_CASE("what was deleted is planned again from its intent, by reading only") {
    Gone gone;
    const auto plan = gone.planned();
    CHECK(gone.scene.world.http.mutations().empty());
    CHECK(plan.lever == gone.lost.lever);
    CHECK(plan.subject == gone.lost.subject);
    CHECK(plan.params.at("recreates") == intent_id);
    CHECK(plan.params.at("id") == old_id);
    REQUIRE(plan.calls.size() == 2);
    CHECK(plan.calls[1].body == gone.lost.calls.back().body);
    CHECK(plan.warnings.size() == 1);
}

TEST_CASE("a recreation rehearses, creates once and brings the secrets back") {
    Gone gone;
    const auto plan = gone.planned();
    const auto outcome = gone.scene.world.fire(plan);
    INFO(outcome.detail);
    CHECK(outcome.kind == OutcomeKind::accepted);
    CHECK(outcome.results.at("new_id") == new_id);
    CHECK(outcome.results.at("replaced_by") == "workspace/acme/" + new_id);
    CHECK_FALSE(outcome.results.contains(lost_result));
    CHECK(gone.scene.world.http.calls() ==
          std::vector<std::string>{list_call, create_call, create_call});
    const auto body = nlohmann::json::parse(gone.scene.world.http.seen[2].body);
    CHECK(body["secrets"]["OPENROUTER_API_KEY"] == "s3cr3t-one");
    CHECK(body["secrets"]["MODEL_PROVIDER"] == "openrouter/x");
    CHECK_FALSE(body.contains("workspace_access"));
    CHECK_FALSE(gone.sealed->forgotten);  // that is done when a person has seen to it
}

TEST_CASE("a recreation without sealed values names the secrets and leaves them out") {
    Gone gone;
    gone.sealed->text.clear();
    const auto plan = gone.planned();
    REQUIRE(plan.warnings.size() == 2);
    CHECK(plan.warnings[1].find("OPENROUTER_API_KEY") != std::string::npos);
    CHECK(plan.warnings[1].find("enter them by hand") != std::string::npos);
    CHECK(gone.scene.world.fire(plan).kind == OutcomeKind::accepted);
    const auto body = nlohmann::json::parse(gone.scene.world.http.seen.back().body);
    CHECK(body["secrets"] == nlohmann::json{{"MODEL_PROVIDER", "openrouter/x"}});
}

struct Refused {
    const char* name;
    std::function<void(Gone&)> change;
    const char* words;
};
const Refused refused[] = {
    {"it is still there", [](Gone& g) { g.scene.list(g.scene.before); }, "still there"},
    {"something has its name", [](Gone& g) { g.scene.list(g.scene.after); }, new_id.c_str()},
    {"rows that cannot be read",
     [](Gone& g) {
         g.scene.gone.push_back(nlohmann::json::object());
         g.scene.list(g.scene.gone);
     },
     "unreadable"},
    {"the list is a page", [](Gone& g) { g.scene.world.http.script(list_call, {html(200)}); },
     "list"},
};

TEST_CASE("nothing is recreated beside what stands there, at the plan or at the call") {
    for (const auto& one : refused) {
        INFO(one.name);
        Gone before;
        one.change(before);
        const auto plan = before.plan();
        REQUIRE(plan.has_error());
        CHECK(plan.error().what.find(one.words) != std::string::npos);
        Gone after;
        const auto good = after.planned();
        one.change(after);
        const auto outcome = after.scene.world.fire(good);
        CHECK(outcome.kind == OutcomeKind::refused);
        CHECK(after.scene.world.http.mutations().empty());
    }
}

TEST_CASE("a recreation is refused when what is kept changed, or its parent is gone") {
    Gone gone;
    const auto plan = gone.planned();
    gone.sealed->text.clear();
    CHECK(gone.scene.world.fire(plan).kind == OutcomeKind::refused);
    auto other = plan;
    other.target_version = "sha256:other";
    gone.sealed->text = R"({"OPENROUTER_API_KEY":"s3cr3t-one"})";
    CHECK(gone.scene.world.fire(other).kind == OutcomeKind::refused);
    auto bare = gone.lost;
    bare.calls.clear();
    CHECK(gone.scene.world.recreation(bare).has_error());
    auto child = gone.lost;
    auto body = nlohmann::json::parse(child.calls.back().body);
    body["parent_id"] = old_id;
    child.calls.back().body = body.dump();
    const auto orphan = gone.scene.world.recreation(child);
    REQUIRE(orphan.has_error());
    CHECK(orphan.error().what.find("parent") != std::string::npos);
    CHECK(gone.scene.world.http.mutations().empty());
}

TEST_CASE("a recreation that the platform would refuse or that was lost is told as that") {
    Gone gone;
    const auto plan = gone.planned();
    gone.scene.world.http.script(create_call, {answer(422, R"({"code":"MODEL_REQUIRED"})")});
    const auto refused_now = gone.scene.world.fire(plan);
    CHECK(refused_now.kind == OutcomeKind::refused);
    CHECK(refused_now.detail.find("MODEL_REQUIRED") != std::string::npos);
    gone.scene.create(lost());
    CHECK(gone.scene.world.fire(plan).kind == OutcomeKind::unknown);
    gone.scene.create(lost());
    gone.scene.world.http.script(list_call, {rows(gone.scene.gone), rows(gone.scene.after)});
    const auto seen = gone.scene.world.fire(plan);
    CHECK(seen.kind == OutcomeKind::accepted);
    CHECK(seen.results.at("new_id") == new_id);
    // Its own look finds the new one as it would after a reprovisioning.
    gone.scene.list(gone.scene.after);
    CHECK(gone.scene.world.observe(plan).took == Took::yes);
    gone.scene.list(gone.scene.gone);
    CHECK(gone.scene.world.observe(plan).detail.find("recreate --from i-1") != std::string::npos);
}

TEST_CASE("levers that destroy nothing recreate nothing") {
    World world("tenant-redeploy");
    Plan done;
    done.lever = "tenant-redeploy";
    const auto plan = world.recreation(done);
    REQUIRE(plan.has_error());
    CHECK(plan.error().what == "lever tenant-redeploy recreates nothing");
}

}  // namespace
}  // namespace leverd::test
