// Why: lever A moves two tags that must never part. Every way in which the pair could split is
// tried.
#include "tests/unit/levers/world.hpp"

namespace leverd::test {
namespace {

constexpr const char* first = "molecule-ai/platform";
constexpr const char* second = "molecule-ai/platform-tenant";

std::string latest(const char* repo) {
    return std::string(registry_url) + "/v2/" + repo + "/manifests/latest";
}

// Three builds in both repositories, a fourth in the first one only, and a bad one in service.
struct Scene {
    World world{"platform-rollback"};
    std::string good1, good2, bad1, bad2;

    Scene() {
        build("staging-aaaaaaa", "2026-05-01T00:00:00Z");
        build("staging-bbbbbbb", "2026-05-02T00:00:00Z");
        build("staging-fffffff", "2026-05-06T08:00:00Z");
        auto& registry = world.registry;
        registry.tags[tag(first, "staging-ccccccc")] =
            registry.index(first, "lonely", "2026-05-03T00:00:00Z");
        good1 = registry.tags[tag(first, "staging-bbbbbbb")];
        good2 = registry.tags[tag(second, "staging-bbbbbbb")];
        bad1 = registry.tags[tag(first, "staging-fffffff")];
        bad2 = registry.tags[tag(second, "staging-fffffff")];
        point(bad1, bad2);
    }
    static std::string tag(const char* repo, const char* name) {
        return std::string(repo) + ":" + name;
    }
    void build(const char* name, const char* created) {
        auto& registry = world.registry;
        registry.tags[tag(first, name)] = registry.index(first, std::string("p-") + name, created);
        registry.tags[tag(second, name)] =
            registry.image(second, std::string("t-") + name, created);
    }
    void point(const std::string& one, const std::string& two) {
        world.registry.tags[tag(first, "latest")] = one;
        world.registry.tags[tag(second, "latest")] = two;
    }
    std::string at(const char* repo) { return world.registry.tags[tag(repo, "latest")]; }
    std::vector<std::string> puts() { return world.http.mutations(); }
};

TEST_CASE("the newest build of both repositories that is older than the one in service") {
    for (const char* about : {"platform", "image/molecule-ai/platform"}) {
        Scene scene;
        const auto plan = scene.world.planned(about);
        CHECK(plan.resource == "platform:latest");
        CHECK(plan.moves ==
              std::map<std::string, std::string>{{std::string("image/") + first, scene.good1},
                                                 {std::string("image/") + second, scene.good2}});
        CHECK(plan.params.at("chosen_by") == "tag staging-bbbbbbb, built 2026-05-02T00:00:00.000Z");
        CHECK(plan.params.at("target_from") == "elsewhere");
        CHECK(plan.params.at("from.1") == scene.bad1);
        CHECK(plan.params.at("from.2") == scene.bad2);
        CHECK(plan.target_version ==
              std::string(first) + "@" + scene.bad1 + " " + second + "@" + scene.bad2);
        REQUIRE(plan.calls.size() == 2);
        CHECK(plan.calls[0].url == latest(first));
        CHECK(plan.calls[1].url == latest(second));
    }
}

TEST_CASE("the receipt's digests come first when it has both images") {
    Scene scene;
    const auto old1 = scene.world.registry.tags[Scene::tag(first, "staging-aaaaaaa")];
    const auto old2 = scene.world.registry.tags[Scene::tag(second, "staging-aaaaaaa")];
    scene.world.receipt("platform: " + old1 + "\nplatform-tenant: " + old2 + "\n");
    const auto plan = scene.world.planned("platform");
    CHECK(plan.params.at("chosen_by") == "the freeze receipt");
    CHECK(plan.params.at("target_from") == "receipt");
    CHECK(plan.params.at("to.1") == old1);
    CHECK(plan.params.at("to.2") == old2);
    SECTION("half a receipt is none") {
        scene.world.receipt("platform: " + old1 + "\n");
        CHECK(scene.world.planned("platform").params.at("to.1") == scene.good1);
    }
    SECTION("already there: nothing to do") {
        scene.point(old1, old2);
        const auto again = scene.world.plan("platform");
        REQUIRE(again.has_error());
        CHECK(again.error().what.find("nothing to do") != std::string::npos);
    }
    SECTION("one is there already: only the other one is moved") {
        scene.point(old1, scene.bad2);
        const auto half = scene.world.planned("platform");
        REQUIRE(half.calls.size() == 1);
        CHECK(half.calls[0].url == latest(second));
        CHECK(half.moves.size() == 1);
        CHECK(scene.world.fire(half).kind == OutcomeKind::accepted);
        CHECK(scene.puts() == std::vector<std::string>{"PUT " + latest(second)});
        CHECK(scene.world.prove(half)->health == Health::healthy);
    }
}

TEST_CASE("without a receipt the pair that was in service while all was well comes first") {
    Scene scene;
    auto& registry = scene.world.registry;
    const auto old1 = registry.tags[Scene::tag(first, "staging-aaaaaaa")];
    const auto old2 = registry.tags[Scene::tag(second, "staging-aaaaaaa")];
    auto& known = scene.world.inventory.known_good;
    known = {{first, old1}, {second, old2}};
    const auto plan = scene.world.planned("platform");
    CHECK(plan.params.at("to.1") == old1);
    CHECK(plan.params.at("to.2") == old2);
    CHECK(plan.params.at("chosen_by").find("tag staging-aaaaaaa") != std::string::npos);
    struct Row {
        const char* name;
        std::map<std::string, std::string> known;
    };
    const Row rows[] = {
        {"only one of the pair", {{first, old1}}},
        {"two builds", {{first, old1}, {second, scene.good2}}},
        {"what is in service now", {{first, scene.bad1}, {second, scene.bad2}}},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        known = row.known;
        CHECK(scene.world.planned("platform").params.at("to.1") == scene.good1);
    }
}

TEST_CASE("a plan is refused for other subjects and without configuration") {
    Scene scene;
    CHECK(scene.world.plan("tenant/acme").has_error());
    CHECK(scene.world.plan("image/molecule-ai/canvas").has_error());
    scene.world.config.registry.platform_tenant_image.clear();
    CHECK(scene.world.plan("platform").has_error());
}

TEST_CASE("both tags are moved, in order, and read back") {
    Scene scene;
    const auto plan = scene.world.planned("platform");
    const auto outcome = scene.world.fire(plan);
    INFO(outcome.detail);
    CHECK(outcome.kind == OutcomeKind::accepted);
    CHECK(scene.puts() ==
          std::vector<std::string>{"PUT " + latest(first), "PUT " + latest(second)});
    CHECK(scene.at(first) == scene.good1);
    CHECK(scene.at(second) == scene.good2);
    const auto* put = scene.world.http.find("PUT " + latest(second));
    REQUIRE(put != nullptr);
    CHECK(put->body == scene.world.registry.manifests[std::string(second) + "@" + scene.good2]);
    CHECK(header_of(*put, "Content-Type") == oci_manifest);
}

TEST_CASE("nothing is moved unless all manifests are there and both tags stand still") {
    const std::function<void(Scene&)> changes[] = {
        [](Scene& s) { s.world.registry.manifests.erase(std::string(first) + "@" + s.good1); },
        [](Scene& s) { s.world.registry.manifests.erase(std::string(second) + "@" + s.good2); },
        [](Scene& s) { s.world.registry.manifests.erase(std::string(first) + "@" + s.bad1); },
        [](Scene& s) { s.point(s.good1, s.bad2); },
        [](Scene& s) { s.point(s.bad1, s.good2); },
        [](Scene& s) { s.world.registry.heads[second] = 500; },
    };
    for (const auto& change : changes) {
        Scene scene;
        const auto plan = scene.world.planned("platform");
        change(scene);
        CHECK(scene.world.fire(plan).kind == OutcomeKind::refused);
        CHECK(scene.puts().empty());
    }
}

TEST_CASE("the first one refused: the second one is not touched") {
    struct Row {
        int status;
        Put put;
        OutcomeKind kind;
    };
    for (const auto& row :
         {Row{403, Put::ok, OutcomeKind::failed}, Row{500, Put::ok, OutcomeKind::unknown},
          Row{0, Put::lost_after, OutcomeKind::unknown},
          Row{0, Put::not_sent, OutcomeKind::failed}}) {
        Scene scene;
        const auto plan = scene.world.planned("platform");
        scene.world.registry.status[first] = {row.status};
        scene.world.registry.puts[first] = {row.put};
        CHECK(scene.world.fire(plan).kind == row.kind);
        CHECK(scene.puts() == std::vector<std::string>{"PUT " + latest(first)});
        CHECK(scene.at(second) == scene.bad2);
    }
}

TEST_CASE("the second one refused for certain: the first one is put back with its old bytes") {
    struct Row {
        int status;
        Put put;
    };
    for (const auto& row : {Row{403, Put::ok}, Row{405, Put::ok}, Row{0, Put::not_sent}}) {
        Scene scene;
        const auto plan = scene.world.planned("platform");
        scene.world.registry.status[second] = {row.status};
        scene.world.registry.puts[second] = {row.put};
        const auto outcome = scene.world.fire(plan);
        INFO(outcome.detail);
        CHECK(outcome.kind == OutcomeKind::failed);
        CHECK(outcome.detail.find("was put back") != std::string::npos);
        CHECK(scene.puts() == std::vector<std::string>{"PUT " + latest(first),
                                                       "PUT " + latest(second),
                                                       "PUT " + latest(first)});
        CHECK(scene.at(first) == scene.bad1);
        CHECK(scene.at(second) == scene.bad2);
        // The tag is read once more after it was put back, so the PUT is the last but one.
        const auto& seen = scene.world.http.seen;
        CHECK(seen.back().method == "HEAD");
        const auto& back = seen[seen.size() - 2];
        CHECK(back.body == scene.world.registry.manifests[std::string(first) + "@" + scene.bad1]);
    }
}

TEST_CASE("race: somebody retags the second one between the PUTs, and is not overwritten") {
    Scene scene;
    const auto plan = scene.world.planned("platform");
    const auto theirs = scene.world.registry.image(second, "theirs", "2026-05-06T09:00:00Z");
    scene.world.registry.after_put = [&](const std::string& repo) {
        if (repo == first) {
            scene.world.registry.tags[Scene::tag(second, "latest")] = theirs;
        }
    };
    const auto outcome = scene.world.fire(plan);
    INFO(outcome.detail);
    CHECK(outcome.kind == OutcomeKind::unknown);
    CHECK(outcome.detail.find("not overwritten") != std::string::npos);
    CHECK(scene.at(first) == scene.bad1);
    CHECK(scene.at(second) == theirs);
    CHECK(scene.puts() == std::vector<std::string>{"PUT " + latest(first), "PUT " + latest(first)});
}

TEST_CASE("race: somebody retags between plan and PUT, and nothing is put") {
    for (const char* repo : {first, second}) {
        INFO(repo);
        Scene scene;
        const auto plan = scene.world.planned("platform");
        const auto theirs = scene.world.registry.image(repo, "theirs", "2026-05-06T09:00:00Z");
        scene.world.registry.tags[Scene::tag(repo, "latest")] = theirs;
        CHECK(scene.world.fire(plan).kind == OutcomeKind::refused);
        CHECK(scene.puts().empty());
        CHECK(scene.at(repo) == theirs);
    }
}

TEST_CASE("race: nothing but the last look at the tags stands before the PUT") {
    Scene scene;
    const auto plan = scene.world.planned("platform");
    REQUIRE(scene.world.fire(plan).kind == OutcomeKind::accepted);
    const auto& seen = scene.world.http.seen;
    const auto put = std::ranges::find(seen, "PUT", &net::HttpRequest::method);
    REQUIRE(put != seen.end());
    REQUIRE(put - seen.begin() >= 2);
    CHECK((put - 2)->method + " " + (put - 2)->url == "HEAD " + latest(first));
    CHECK((put - 1)->method + " " + (put - 1)->url == "HEAD " + latest(second));
}

TEST_CASE("an ambiguous second PUT leaves the first one where it is") {
    for (const int status : {0, 502}) {
        Scene scene;
        const auto plan = scene.world.planned("platform");
        scene.world.registry.status[second] = {status};
        scene.world.registry.puts[second] = {Put::lost_before};
        CHECK(scene.world.fire(plan).kind == OutcomeKind::unknown);
        CHECK(scene.puts() ==
              std::vector<std::string>{"PUT " + latest(first), "PUT " + latest(second)});
        CHECK(scene.at(first) == scene.good1);
    }
}

TEST_CASE("a pair that cannot be put back is unknown and says so") {
    Scene scene;
    const auto plan = scene.world.planned("platform");
    scene.world.registry.status[second] = {403};
    SECTION("the put back is refused") {
        scene.world.registry.status[first] = {0, 403};
        const auto outcome = scene.world.fire(plan);
        CHECK(outcome.kind == OutcomeKind::unknown);
        CHECK(outcome.detail.find("split") != std::string::npos);
        CHECK(scene.puts().size() == 3);
    }
    SECTION("somebody else moved the first one meanwhile: it is left alone") {
        scene.world.registry.after_put = [&](const std::string& repo) {
            const auto& tags = scene.world.registry.tags;
            scene.world.registry.tags[repo + ":latest"] = tags.at(repo + ":staging-aaaaaaa");
        };
        const auto outcome = scene.world.fire(plan);
        CHECK(outcome.kind == OutcomeKind::unknown);
        CHECK(outcome.detail.find("conflict") != std::string::npos);
        CHECK(scene.puts().size() == 2);
    }
}

TEST_CASE("looking at the pair settles an ambiguous end") {
    struct Row {
        bool moved1, moved2;
        Took took;
    };
    for (const auto& row : {Row{true, true, Took::yes}, Row{true, false, Took::unclear},
                            Row{false, true, Took::unclear}, Row{false, false, Took::no}}) {
        Scene scene;
        const auto plan = scene.world.planned("platform");
        scene.point(row.moved1 ? scene.good1 : scene.bad1, row.moved2 ? scene.good2 : scene.bad2);
        scene.world.clock.value.at += Millis{30'000};
        CHECK(scene.world.observe(plan).took == row.took);
        const auto look = scene.world.prove(plan);
        REQUIRE(look.has_value());
        const bool both = row.moved1 && row.moved2;
        CHECK(look->health == (both ? Health::healthy : Health::failing));
        CHECK(look->reason == (both ? Reason::ok : Reason::drift));
        CHECK(look->subject == Subject("platform"));
        CHECK(look->probe == "lever:platform-rollback");
        CHECK(scene.puts().empty());
    }
}

TEST_CASE("half a look is no proof") {
    Scene scene;
    const auto plan = scene.world.planned("platform");
    scene.point(scene.good1, scene.good2);
    scene.world.registry.heads[second] = 500;
    CHECK(scene.world.prove(plan)->health == Health::unknown);
    scene.point(scene.bad1, scene.good2);
    CHECK(scene.world.prove(plan)->health == Health::failing);
}

}  // namespace
}  // namespace leverd::test
