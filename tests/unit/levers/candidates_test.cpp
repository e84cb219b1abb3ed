// Why: which build is "the last good one" is decided from dates in untrusted files; when they do
// not decide, a person must.
#include "policies/levers/candidates.hpp"

#include "tests/unit/levers/world.hpp"

namespace leverd::test {
namespace {

constexpr const char* first = "molecule-ai/platform";
constexpr const char* second = "molecule-ai/platform-tenant";

struct Scene {
    World world{"platform-rollback"};
    levers::CandidateQuestion question;

    Scene() {
        question.repository = first;
        question.twin = second;
        question.current = world.registry.image(first, "now", "2026-05-06T00:00:00Z");
        question.twin_current = world.registry.image(second, "now", "2026-05-06T00:00:00Z");
    }
    std::string build(const std::string& tag, const std::string& created, bool both = true) {
        auto& registry = world.registry;
        const auto digest = registry.image(first, tag, created);
        registry.tags[std::string(first) + ":" + tag] = digest;
        if (both) {
            registry.tags[std::string(second) + ":" + tag] = registry.image(second, tag, created);
        }
        return digest;
    }
    Result<levers::Candidate> choose() {
        stack::RegistryAccess access;
        access.http = &world.http;
        access.url = registry_url;
        stack::Registry client(access);
        return run(levers::choose_candidate(&client, question, net::deadline_in(Millis{5000})));
    }
};

TEST_CASE("a staging tag is the word and seven hex digits") {
    for (const char* good : {"staging-0123abc", "staging-fffffff"}) {
        CHECK(levers::is_staging_tag(good));
    }
    for (const char* bad : {"latest", "staging-", "staging-0123ab", "staging-0123abcd",
                            "staging-0123abG", "staging-latest", "xstaging-0123abc", ""}) {
        INFO(bad);
        CHECK_FALSE(levers::is_staging_tag(bad));
    }
}

TEST_CASE("newer builds, lonely ones and other tags never count") {
    Scene scene;
    scene.build("staging-1111111", "2026-05-01T00:00:00Z");
    const auto best = scene.build("staging-2222222", "2026-05-03T00:00:00Z");
    scene.build("staging-3333333", "2026-05-07T00:00:00Z");
    scene.build("staging-4444444", "2026-05-05T00:00:00Z", false);
    scene.build("sha-5555555", "2026-05-05T00:00:00Z");
    const auto chosen = scene.choose();
    REQUIRE(chosen.has_value());
    CHECK(chosen->tag == "staging-2222222");
    CHECK(chosen->digest == best);
    CHECK(chosen->twin_digest ==
          scene.world.registry.tags[std::string(second) + ":staging-2222222"]);
}

TEST_CASE("a date may stand in an annotation, in a child's config, or nowhere") {
    Scene scene;
    auto& registry = scene.world.registry;
    const auto noted = registry.add(
        first, R"({"annotations":{"org.opencontainers.image.created":"2026-05-04T00:00:00Z"}})",
        oci_index);
    const auto indexed = registry.index(first, "x", "2026-05-03T00:00:00Z");
    struct Row {
        std::string digest;
        bool readable;
    };
    const Row rows[] = {
        {noted, true},
        {indexed, true},
        {registry.image(first, "undated", ""), false},
        {registry.image(first, "epoch", "1970-01-01T00:00:00Z"), false},
        {registry.image(first, "odd", "yesterday"), false},
        {registry.add(first, "[]", oci_manifest), false},
        {registry.add(first, "{", oci_manifest), false},
        {registry.add(first, R"({"manifests":[7,{"digest":"x"}]})", oci_index), false},
        {registry.add(first, R"({"manifests":{},"annotations":3})", oci_index), false},
        {registry.add(first, R"({"config":{"digest":"../../etc"}})", oci_manifest), false},
    };
    stack::RegistryAccess access;
    access.http = &scene.world.http;
    access.url = registry_url;
    for (const auto& row : rows) {
        INFO(registry.manifests[std::string(first) + "@" + row.digest]);
        stack::Registry client(access);
        const auto at =
            run(levers::built_at(&client, first, row.digest, net::deadline_in(Millis{5000})));
        CHECK(at.has_value() == row.readable);
    }
}

TEST_CASE("an order that cannot be known is a person's choice") {
    struct Row {
        const char* name;
        std::function<void(Scene&)> change;
    };
    const Row rows[] = {
        {"no common tag",
         [](Scene& s) { s.build("staging-1111111", "2026-05-01T00:00:00Z", false); }},
        {"only newer ones", [](Scene& s) { s.build("staging-1111111", "2026-05-09T00:00:00Z"); }},
        {"one without a date",
         [](Scene& s) {
             s.build("staging-1111111", "2026-05-01T00:00:00Z");
             s.build("staging-2222222", "");
         }},
        {"two of one instant",
         [](Scene& s) {
             s.build("staging-1111111", "2026-05-01T00:00:00Z");
             s.build("staging-2222222", "2026-05-01T00:00:00Z");
         }},
        {"the one in service has no date",
         [](Scene& s) {
             s.build("staging-1111111", "2026-05-01T00:00:00Z");
             s.question.current = s.world.registry.image(first, "undated", "");
         }},
        {"the twin would not move",
         [](Scene& s) {
             s.build("staging-1111111", "2026-05-01T00:00:00Z");
             s.question.twin_current =
                 s.world.registry.tags[std::string(second) + ":staging-1111111"];
         }},
    };
    for (const auto& row : rows) {
        INFO(row.name);
        Scene scene;
        row.change(scene);
        const auto chosen = scene.choose();
        REQUIRE(chosen.has_error());
        CHECK(chosen.error().hint.find("a person") != std::string::npos);
    }
}

TEST_CASE("too many tags are not put in order by guessing") {
    Scene scene;
    for (std::size_t i = 0; i <= levers::candidates_max; ++i) {
        const std::string number = std::to_string(1'000'000 + i);
        scene.world.registry.tags[std::string(first) + ":staging-" + number] = "sha256:x";
        scene.world.registry.tags[std::string(second) + ":staging-" + number] = "sha256:x";
    }
    const auto chosen = scene.choose();
    REQUIRE(chosen.has_error());
    CHECK(chosen.error().what.find("too many") != std::string::npos);
    CHECK(scene.world.http.seen.size() == 2);
}

}  // namespace
}  // namespace leverd::test
