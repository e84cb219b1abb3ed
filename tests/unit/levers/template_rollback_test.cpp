// Why: lever B moves a tag that every later provision trusts; each step and each way it can end is
// held down here.
#include "tests/unit/levers/world.hpp"

#include <algorithm>

namespace leverd::test {
namespace {

constexpr const char* repo = "molecule-ai/workspace-template-hermes";
constexpr const char* subject = "image/molecule-ai/workspace-template-hermes";
const std::string manifests = std::string(registry_url) + "/v2/" + repo + "/manifests/";

struct Scene {
    World world{"template-rollback"};
    std::string good;
    std::string bad;
    std::string third;

    Scene() {
        good = world.registry.index(repo, "good", "2026-05-01T00:00:00Z");
        bad = world.registry.image(repo, "bad", "2026-05-06T00:00:00Z");
        third = world.registry.image(repo, "third", "2026-05-06T01:00:00Z");
        tag(bad);
        world.receipt("hermes: " + good + "\n");
    }
    void tag(const std::string& digest) {
        world.registry.tags[std::string(repo) + ":latest"] = digest;
    }
};

TEST_CASE("the plan names the digests, the resource and the one call") {
    for (const char* about : {subject, "runtime/hermes"}) {
        Scene scene;
        const auto plan = scene.world.planned(about);
        CHECK(plan.lever == "template-rollback");
        CHECK(plan.resource == std::string(repo) + ":latest");
        CHECK(plan.target_version == std::string(repo) + "@" + scene.bad);
        CHECK(plan.moves == std::map<std::string, std::string>{{subject, scene.good}});
        REQUIRE(plan.calls.size() == 1);
        CHECK(plan.calls[0].method == "PUT");
        CHECK(plan.calls[0].url == manifests + "latest");
        CHECK(plan.calls[0].body.find(scene.good) != std::string::npos);
        CHECK(plan.steps.empty());
    }
}

TEST_CASE("the plan of a template warns that a pin would make it a no-op") {
    Scene scene;
    const auto plan = scene.world.planned(subject);
    CHECK(std::ranges::any_of(plan.warnings, [](const auto& warning) {
        return warning.find("runtime_image_pins") != std::string::npos &&
               warning.find("no-op") != std::string::npos;
    }));
}

TEST_CASE("without a receipt the digest that leverd saw in service while all was well is used") {
    Scene scene;
    scene.world.inventory.known_good[repo] = scene.good;
    SECTION("no receipt") {
        scene.world.config.freeze.receipt.clear();
    }
    SECTION("a receipt without this image") {
        scene.world.receipt("openclaw: " + scene.bad + "\n");
    }
    const auto plan = scene.world.planned(subject);
    CHECK(plan.calls[0].body.find(scene.good) != std::string::npos);
    const bool said = std::any_of(plan.warnings.begin(), plan.warnings.end(), [](const auto& line) {
        return line.find("the last one that leverd saw in service") != std::string::npos;
    });
    CHECK(said);
}

TEST_CASE("a receipt that contradicts itself is not replaced by what leverd remembers") {
    Scene scene;
    scene.world.inventory.known_good[repo] = scene.good;
    scene.world.receipt("hermes: " + scene.good + "\nhermes: " + scene.bad + "\n");
    const auto plan = scene.world.plan(subject);
    REQUIRE(plan.has_error());
    CHECK(plan.error().what.find("two digests") != std::string::npos);
}

struct Refused {
    const char* name;
    const char* subject;
    std::function<void(Scene&)> change;
    const char* words;
};

TEST_CASE("a plan is refused when anything it stands on is missing") {
    const Refused rows[] = {
        {"equal", subject, [](Scene& s) { s.tag(s.good); }, "nothing to do"},
        {"no receipt", subject, [](Scene& s) { s.world.config.freeze.receipt.clear(); },
         "no freeze receipt"},
        {"receipt without it", subject,
         [](Scene& s) { s.world.receipt("openclaw: " + s.good + "\n"); }, "has no digest"},
        {"receipt contradicts itself", subject,
         [](Scene& s) { s.world.receipt("hermes: " + s.good + "\nhermes: " + s.bad + "\n"); },
         "two digests"},
        {"receipt file gone", subject,
         [](Scene& s) { s.world.config.freeze.receipt = "/nonexistent/receipt.txt"; }, "receipt"},
        {"wanted manifest gone", subject,
         [](Scene& s) { s.world.registry.manifests.erase(std::string(repo) + "@" + s.good); },
         "404"},
        {"wanted bytes changed", subject,
         [](Scene& s) { s.world.registry.manifests[std::string(repo) + "@" + s.good] += " "; },
         "digest"},
        {"tag gone", subject, [](Scene& s) { s.world.registry.tags.clear(); }, "404"},
        {"registry refuses reads", subject, [](Scene& s) { s.world.registry.heads[repo] = 403; },
         "403"},
        {"half of the platform pair", "image/molecule-ai/platform", [](Scene&) {}, "half"},
        {"foreign image", "image/library/nginx", [](Scene&) {}, "neither"},
        {"no repository", "image/../../etc", [](Scene&) {}, "no image"},
        {"no runtime", "runtime/a/b", [](Scene&) {}, "no image"},
        {"another kind", "tenant/acme", [](Scene&) {}, "no image"},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        Scene scene;
        row.change(scene);
        const auto plan = scene.world.plan(row.subject);
        REQUIRE(plan.has_error());
        INFO(plan.error().what);
        CHECK(plan.error().what.find(row.words) != std::string::npos);
        check_no_token(plan.error().what + plan.error().hint);
        CHECK(scene.world.http.mutations().empty());
    }
}

TEST_CASE("firing verifies the bytes, looks at the tag, puts once and reads back") {
    Scene scene;
    const auto plan = scene.world.planned(subject);
    const auto outcome = scene.world.fire(plan);
    CHECK(outcome.kind == OutcomeKind::accepted);
    const std::vector<std::string> expected{"GET " + manifests + scene.good,
                                            "HEAD " + manifests + "latest",
                                            "GET " + std::string(registry_url) + "/v2/",
                                            "HEAD " + manifests + "latest",
                                            "PUT " + manifests + "latest",
                                            "HEAD " + manifests + "latest"};
    CHECK(scene.world.http.calls() == expected);
    const auto* put = scene.world.http.find("PUT " + manifests + "latest");
    REQUIRE(put != nullptr);
    CHECK(put->body == scene.world.registry.manifests[std::string(repo) + "@" + scene.good]);
    CHECK(header_of(*put, "Content-Type") == oci_index);
    CHECK(put->method == plan.calls[0].method);
    CHECK(put->url == plan.calls[0].url);
    CHECK(scene.world.registry.tags[std::string(repo) + ":latest"] == scene.good);
}

TEST_CASE("firing is refused without a PUT when the world moved since the plan") {
    struct Row {
        const char* name;
        std::function<void(Scene&, Plan&)> change;
    };
    const Row rows[] = {
        {"somebody moved the tag", [](Scene& s, Plan&) { s.tag(s.third); }},
        {"somebody moved it to the wanted one", [](Scene& s, Plan&) { s.tag(s.good); }},
        {"tag unreadable", [](Scene& s, Plan&) { s.world.registry.heads[repo] = 500; }},
        {"wanted manifest gone",
         [](Scene& s, Plan&) {
             s.world.registry.manifests.erase(std::string(repo) + "@" + s.good);
         }},
        {"another registry is configured",
         [](Scene& s, Plan&) { s.world.config.registry.url = "https://other.test"; }},
        {"the plan is damaged", [](Scene&, Plan& p) { p.params["to.1"] = "latest"; }},
        {"the plan is empty", [](Scene&, Plan& p) { p.params.erase("repository.1"); }},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        Scene scene;
        auto plan = scene.world.planned(subject);
        row.change(scene, plan);
        CHECK(scene.world.fire(plan).kind == OutcomeKind::refused);
        CHECK(scene.world.http.mutations().empty());
    }
}

TEST_CASE("every end of the PUT is judged once and never repeated") {
    struct Row {
        int status;
        Put put;
        OutcomeKind kind;
    };
    const Row rows[] = {
        {401, Put::ok, OutcomeKind::failed},         {403, Put::ok, OutcomeKind::failed},
        {405, Put::ok, OutcomeKind::failed},         {429, Put::ok, OutcomeKind::failed},
        {302, Put::ok, OutcomeKind::failed},         {408, Put::ok, OutcomeKind::unknown},
        {500, Put::ok, OutcomeKind::unknown},        {0, Put::lost_after, OutcomeKind::unknown},
        {0, Put::lost_before, OutcomeKind::unknown}, {0, Put::not_sent, OutcomeKind::failed},
        {0, Put::bad_digest, OutcomeKind::unknown},
    };
    for (const auto& row : rows) {
        INFO(row.status << " " << static_cast<int>(row.put));
        Scene scene;
        const auto plan = scene.world.planned(subject);
        scene.world.registry.status[repo] = {row.status};
        scene.world.registry.puts[repo] = {row.put};
        const auto outcome = scene.world.fire(plan);
        INFO(outcome.detail);
        CHECK(outcome.kind == row.kind);
        CHECK(scene.world.http.mutations().size() == 1);
        const bool says = outcome.detail.find("nothing was sent") != std::string::npos;
        CHECK(says == (row.put == Put::not_sent));
    }
}

TEST_CASE("what the tag shows after an accepted PUT") {
    Scene scene;
    const auto plan = scene.world.planned(subject);
    SECTION("somebody else was faster: nobody knows any more") {
        scene.world.registry.after_put = [&](const std::string&) { scene.tag(scene.third); };
        const auto outcome = scene.world.fire(plan);
        CHECK(outcome.kind == OutcomeKind::unknown);
        CHECK(outcome.detail.find("conflict") != std::string::npos);
    }
    SECTION("an edge cache still shows the old one: accepted, the proof decides") {
        scene.world.registry.after_put = [&](const std::string&) { scene.tag(scene.bad); };
        const auto outcome = scene.world.fire(plan);
        CHECK(outcome.kind == OutcomeKind::accepted);
        CHECK(outcome.detail.find("still the old") != std::string::npos);
    }
    SECTION("it cannot be read: accepted, the proof decides") {
        scene.world.registry.after_put = [&](const std::string&) {
            scene.world.registry.heads[repo] = 503;
        };
        CHECK(scene.world.fire(plan).kind == OutcomeKind::accepted);
    }
}

TEST_CASE("an ambiguous PUT is settled by looking at the tag") {
    Scene scene;
    const auto plan = scene.world.planned(subject);
    SECTION("the wanted digest: it took") {
        scene.tag(scene.good);
        CHECK(scene.world.observe(plan).took == Took::yes);
    }
    SECTION("the old digest may be a cache at first, and is a no later") {
        CHECK(scene.world.observe(plan).took == Took::unclear);
        scene.world.clock.value.at += Millis{29'999};
        CHECK(scene.world.observe(plan).took == Took::unclear);
        scene.world.clock.value.at += Millis{1};
        CHECK(scene.world.observe(plan).took == Took::no);
    }
    SECTION("a third digest is a conflict") {
        scene.tag(scene.third);
        const auto settled = scene.world.observe(plan);
        CHECK(settled.took == Took::unclear);
        CHECK(settled.detail.find("conflict") != std::string::npos);
    }
    SECTION("a registry that cannot be read says nothing") {
        scene.world.registry.heads[repo] = 500;
        scene.world.clock.value.at += Millis{60'000};
        CHECK(scene.world.observe(plan).took == Took::unclear);
    }
    CHECK(scene.world.http.mutations().empty());
}

TEST_CASE("the lever's own look follows the tag") {
    Scene scene;
    const auto plan = scene.world.planned(subject);
    struct Row {
        std::string digest;
        int head;
        Health health;
        Reason reason;
    };
    const Row rows[] = {
        {scene.good, 0, Health::healthy, Reason::ok},
        {scene.bad, 0, Health::failing, Reason::drift},
        {scene.third, 0, Health::failing, Reason::drift},
        {scene.good, 404, Health::unknown, Reason::tag_missing},
        {scene.good, 429, Health::unknown, Reason::rate_limited},
        {scene.good, 500, Health::unknown, Reason::http_5xx},
    };
    for (const auto& row : rows) {
        scene.tag(row.digest);
        scene.world.registry.heads.clear();
        if (row.head != 0) {
            scene.world.registry.heads[repo] = row.head;
        }
        const auto look = scene.world.prove(plan);
        REQUIRE(look.has_value());
        INFO(look->evidence);
        CHECK(look->subject == Subject(subject));
        CHECK(look->probe == "lever:template-rollback");
        CHECK(look->health == row.health);
        CHECK(look->reason == row.reason);
        CHECK(look->seen == scene.world.clock.now());
    }
    CHECK(scene.world.http.mutations().empty());
}

}  // namespace
}  // namespace leverd::test
