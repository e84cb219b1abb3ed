// Why: receipt, tag and what runs can disagree in every way, and only one of them is to blame. Each
// way has its row here, together with all that must not be called drift.
#include "core/base/text.hpp"
#include "core/stack/tenant.hpp"
#include "tests/catch.hpp"
#include "tests/unit/probes/fake_http.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace leverd;
using test::answer;
using test::fact;
using test::json_answer;

namespace {

const std::string platform = "molecule-ai/platform";
const std::string manifests = "https://registry.test/v2/" + platform + "/manifests/";
const std::string index_type = "application/vnd.oci.image.index.v1+json";
const std::string image_type = "application/vnd.oci.image.manifest.v1+json";

struct Stored {
    std::string digest;
    net::HttpResponse response;
};

Stored stored(const std::string& bytes, const std::string& type) {
    const std::string digest = "sha256:" + sha256_hex(bytes);
    return {digest,
            answer(200, bytes, {{"docker-content-digest", digest}, {"content-type", type}})};
}

const Stored child = stored(R"({"config":{}})", image_type);
// What is deployed, and what somebody pushed meanwhile.
const Stored good = stored(R"({"manifests":[{"digest":")" + child.digest + R"("}]})", index_type);
const Stored bad = stored(R"({"manifests":[]})", index_type);
const Stored third = stored(R"({"manifests":[],"third":1})", index_type);

class Fleet {
  public:
    Fleet() {
        world_.config.registry.images = {platform, "molecule-ai/platform-tenant"};
        world_.config.registry.platform_image = platform;
        world_.config.registry.platform_tenant_image = "molecule-ai/platform-tenant";
        world_.config.freeze.active = true;
        for (const Stored* one : {&child, &good, &bad, &third}) {
            world_.http.on("GET " + manifests + one->digest, one->response);
            world_.http.on("HEAD " + manifests + one->digest, one->response);
        }
        builds("aaaaaaa", good);
        builds("bbbbbbb", bad);
    }
    ~Fleet() { std::filesystem::remove(path_); }
    Fleet(const Fleet&) = delete;
    Fleet& operator=(const Fleet&) = delete;

    void tag(const Stored& image) {
        world_.http.on("HEAD " + manifests + "latest", image.response);
    }
    void builds(const std::string& commit, const Stored& image) {
        world_.http.on("HEAD " + manifests + "staging-" + commit, image.response);
    }
    void receipt(const std::string& digest) {
        std::string name = (std::filesystem::temp_directory_path() / "leverd-XXXXXX").string();
        const int fd = mkstemp(name.data());
        REQUIRE(fd >= 0);
        path_ = name;
        std::ofstream(path_) << "platform: " << digest << "\n";
        ::close(fd);
        world_.config.freeze.receipt = path_;
    }
    void runs(const std::string& slug, const std::string& commit, const std::string& digest = {}) {
        world_.inventory.tenants[slug] = Tenant{slug, test::org_id, "running"};
        world_.inventory.builds[slug] = RunningBuild{commit, digest, world_.clock.value.at};
    }
    Observation look() {
        const auto seen = world_.look("image_drift", platform);
        REQUIRE(seen.size() == 2);
        return seen[0];
    }
    test::World& world() { return world_; }

  private:
    test::World world_;
    std::string path_;
};

bool says(const Observation& seen, const std::string& words) {
    return seen.evidence.find(words) != std::string::npos;
}

}  // namespace

namespace {

struct Drift {
    const char* name;
    const Stored* receipt;  // null: none
    const Stored* tag;
    std::vector<std::string> commits;  // one tenant each: t0, t1, ...
    Health health;
    Reason reason;
    const char* words;
    double off_tag;
    double off_receipt;
};
const std::vector<Drift> drifts{
    {"all agree",
     &good,
     &good,
     {"aaaaaaa", "aaaaaaa"},
     Health::healthy,
     Reason::ok,
     "2 of 2 tenants that tell run it",
     0,
     0},
    {"the tag alone",
     &good,
     &bad,
     {"aaaaaaa", "aaaaaaa"},
     Health::failing,
     Reason::drift,
     "the tag drifted alone: 2 of 2 tenants that tell run the receipt's image",
     2,
     0},
    {"tag and one tenant",
     &good,
     &bad,
     {"aaaaaaa", "bbbbbbb"},
     Health::failing,
     Reason::drift,
     "tag and tenants drifted: 1 of 2 tenants that tell left the receipt: t1",
     1,
     1},
    {"tag and all tenants",
     &good,
     &bad,
     {"bbbbbbb", "bbbbbbb"},
     Health::failing,
     Reason::drift,
     "tag and tenants drifted: 2 of 2 tenants that tell left the receipt: t0, t1",
     0,
     2},
    {"a tenant alone",
     &good,
     &good,
     {"aaaaaaa", "bbbbbbb"},
     Health::degraded,
     Reason::running_differs,
     "the tenants drifted from receipt and tag: 1 of 2 tenants that tell run another image",
     1,
     1},
    {"all three differ",
     &third,
     &good,
     {"bbbbbbb"},
     Health::failing,
     Reason::drift,
     "tag and tenants drifted: 1 of 1 tenants that tell left the receipt: t0",
     1,
     1},
    {"no receipt",
     nullptr,
     &good,
     {"bbbbbbb"},
     Health::degraded,
     Reason::running_differs,
     "the tenants drifted: 1 of 1 tenants that tell run another image",
     1,
     -1},
    {"nobody tells",
     &good,
     &good,
     {},
     Health::healthy,
     Reason::ok,
     "no tenant tells what it runs",
     -1,
     -1},
    {"nobody tells of a drift",
     &good,
     &bad,
     {},
     Health::failing,
     Reason::drift,
     "no tenant tells what it runs",
     -1,
     -1},
    {"an unknown commit",
     &good,
     &good,
     {"ccccccc"},
     Health::healthy,
     Reason::ok,
     "no tenant tells what it runs",
     -1,
     -1},
};

}  // namespace

TEST_CASE("the finding names who drifted: receipt, tag or tenants") {
    for (const Drift& row : drifts) {
        CAPTURE(row.name);
        Fleet fleet;
        fleet.tag(*row.tag);
        if (row.receipt != nullptr) {
            fleet.receipt(row.receipt->digest);
        }
        for (std::size_t i = 0; i < row.commits.size(); ++i) {
            fleet.runs("t" + std::to_string(i), row.commits[i]);
        }
        const Observation seen = fleet.look();
        CAPTURE(seen.evidence);
        CHECK(seen.health == row.health);
        CHECK(seen.reason == row.reason);
        CHECK(says(seen, row.words));
        CHECK(fact(seen, "tenants_off_tag") == row.off_tag);
        CHECK(fact(seen, "tenants_off_receipt") == row.off_receipt);
        CHECK(seen.version == row.tag->digest);
    }
}

TEST_CASE("a platform manifest of the tag's index is no drift") {
    Fleet fleet;
    fleet.tag(good);
    fleet.receipt(child.digest);
    fleet.runs("acme", {}, child.digest);
    const Observation seen = fleet.look();
    CHECK(seen.health == Health::healthy);
    CHECK(says(seen, "the image that the receipt names as " + child.digest));
    CHECK(says(seen, "1 of 1 tenants that tell run it"));
}

TEST_CASE("two digests that cannot be compared are no drift") {
    Fleet fleet;
    fleet.tag(good);
    const std::string elsewhere = "sha256:" + std::string(64, 'e');
    fleet.receipt(elsewhere);
    fleet.world().http.on("GET " + manifests + elsewhere, answer(503));
    const Observation seen = fleet.look();
    CHECK(seen.health == Health::unknown);
    CHECK(seen.reason == Reason::http_5xx);
    CHECK(seen.version == good.digest);
}

TEST_CASE("an old word of a tenant, an unwatched one and the other image say nothing") {
    Fleet fleet;
    fleet.tag(good);
    fleet.runs("old", "bbbbbbb");
    fleet.world().inventory.builds["old"].asked -= Millis{600'001};
    fleet.runs("hidden", "bbbbbbb");
    fleet.world().config.tenants.exclude = {"hidden"};
    const std::string twin = "sha256:" + std::string(64, 'f');
    fleet.world().http.on("HEAD " + manifests + twin, answer(404));
    fleet.runs("twin", {}, twin);
    const Observation seen = fleet.look();
    CHECK(seen.health == Health::healthy);
    CHECK(says(seen, "no tenant tells what it runs"));
}

TEST_CASE("the loss of a registry is one finding, the loss of one image is none") {
    test::World world;
    world.config.registry.images = {"a/one", "a/two"};
    const auto script = [&world](const std::string& image, int status) {
        world.http.on("HEAD https://registry.test/v2/" + image + "/manifests/latest",
                      status == 200 ? good.response : answer(status));
    };
    const auto registry = [&world](const std::string& image) {
        const auto seen = world.look("image_drift", image);
        REQUIRE(seen.size() == 2);
        CHECK(seen[1].subject == Subject("registry"));
        CHECK((seen[0].health == Health::unknown || seen[0].health == Health::healthy));
        return seen[1];
    };
    script("a/one", 403);
    script("a/one", 403);
    script("a/one", 200);
    script("a/two", 404);
    script("a/two", 503);
    script("a/two", 429);
    CHECK(registry("a/one").health == Health::healthy);
    const Observation lost = registry("a/two");
    CHECK(lost.health == Health::failing);
    CHECK(lost.reason == Reason::registry_lost);
    CHECK(registry("a/two").reason == Reason::http_5xx);  // no answer at all needs no company
    CHECK(registry("a/two").health == Health::unknown);   // nor does our own pace say anything
    CHECK(registry("a/one").health == Health::healthy);
    CHECK(registry("a/one").reason == Reason::ok);
}

TEST_CASE("a build is read from what looks like one and from nothing else") {
    net::HttpRequest request;
    request.url = "https://acme.test/buildinfo";
    struct Row {
        std::string body;
        std::string commit;
        std::string digest;
    };
    const std::string sha = "sha256:" + std::string(64, 'a');
    const std::vector<Row> rows{
        {R"({"git_sha":"ABC1234"})", "abc1234", ""},
        {R"({"sha":"not hex","commit":"0123456789"})", "0123456789", ""},
        {R"({"image":"r.test/x@)" + sha + R"("})", "", sha},
        {R"({"digest":")" + sha + R"(0"})", "", ""},
        {R"({"git_sha":"abc"})", "", ""},
        {R"({"git_sha":7})", "", ""},
        {R"([])", "", ""},
    };
    for (const Row& row : rows) {
        CAPTURE(row.body);
        const auto build = stack::parse_build(request, json_answer(200, row.body));
        CHECK(build.has_value() == !(row.commit.empty() && row.digest.empty()));
        if (build.has_value()) {
            CHECK(build->commit == row.commit);
            CHECK(build->digest == row.digest);
        }
    }
    CHECK(stack::parse_build(request, answer(200, "<html>", {{"content-type", "text/html"}}))
              .has_error());
}

TEST_CASE("tenants are asked for their build every two minutes, never with a token") {
    test::World world;
    world.http.on("GET https://acme.test/health", json_answer(200, R"({"status":"ok"})"));
    world.http.on("GET https://acme.test/workspaces", json_answer(200, "[]"));
    const std::string ask = "GET https://acme.test/buildinfo";
    world.http.on(ask, json_answer(200, R"({"git_sha":"abc1234"})"));
    world.http.on(ask, answer(404, "", {}));
    const auto* kind = probes::find_probe_kind("tenant_health");
    CHECK(kind->cost(world.context, "acme") == 4);
    world.look("tenant_health", "acme");
    CHECK(kind->cost(world.context, "acme") == 3);
    CHECK(world.inventory.builds.at("acme").commit == "abc1234");
    world.clock.value.at += Millis{119'000};
    world.look("tenant_health", "acme");
    CHECK(world.http.count(ask) == 1);
    world.clock.value.at += Millis{1'000};
    const auto seen = world.look("tenant_health", "acme");
    CHECK(world.http.count(ask) == 2);
    CHECK(world.inventory.builds.at("acme").commit.empty());
    CHECK(seen[0].health == Health::healthy);
    CHECK_FALSE(world.http.find(ask)->bearer.has_value());
}
