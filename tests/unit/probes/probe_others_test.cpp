// Why: boot events, image drift, canvas and the reference points: four small looks with one table
// each.
#include "probes/script_links.hpp"
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

const std::string boot_call = "GET https://cp.test/cp/admin/tenants/acme/boot-events?limit=50";
const std::string image = "molecule-ai/workspace-template-hermes";
const std::string head_call = "HEAD https://registry.test/v2/" + image + "/manifests/latest";
const std::string digest_a = "sha256:" + std::string(64, 'a');
const std::string digest_b = "sha256:" + std::string(64, 'b');

// A receipt file that goes away with the test.
class TempFile {
  public:
    explicit TempFile(const std::string& text) {
        std::string name =
            (std::filesystem::temp_directory_path() / "leverd-receipt-XXXXXX").string();
        const int fd = mkstemp(name.data());
        REQUIRE(fd >= 0);
        std::fclose(fdopen(fd, "w"));
        path_ = name;
        std::ofstream(path_) << text;
    }
    TempFile(const TempFile&) = delete;
    TempFile& operator=(const TempFile&) = delete;
    ~TempFile() { std::filesystem::remove(path_); }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

net::HttpResponse tag_answer(const std::string& digest) {
    return answer(200, "",
                  {{"docker-content-digest", digest},
                   {"content-type", "application/vnd.oci.image.index.v1+json"}});
}

net::HttpResponse page(const std::string& html) {
    return answer(200, html, {{"content-type", "text/html; charset=utf-8"}});
}

net::HttpResponse script() {
    return answer(200, "1;", {{"content-type", "application/javascript"}});
}

void set_canvas(test::World& world) {
    world.config.canvas.url = "https://app.test/";
    world.config.canvas.marker = "__NEXT_DATA__";
}

const std::string good_html =
    "<html><script id=\"__NEXT_DATA__\">{}</script>"
    "<script src=\"/_next/a.js\"></script><script src=\"/_next/b.js\" async></script></html>";

}  // namespace

TEST_CASE("what the boot events say") {
    struct Row {
        const char* name;
        net::HttpResponse response;
        Health health;
        Reason reason;
        Facts facts;
    };
    const std::vector<Row> rows{
        {"none",
         json_answer(200, R"({"slug":"acme","events":[]})"),
         Health::unknown,
         Reason::boot_silent,
         {{"events", 0}, {"failed", 0}}},
        {"fine",
         json_answer(200, R"({"slug":"acme","events":[
             {"stage":"a","status":"failed","created_at":"2026-05-06T17:50:00Z"},
             {"stage":"b","status":"ok","created_at":"2026-05-06T17:59:00Z"}]})"),
         Health::healthy,
         Reason::ok,
         {{"events", 2}, {"failed", 1}, {"last_age_seconds", 60}}},
        {"newest failed",
         json_answer(200, R"({"slug":"acme","events":[
             {"stage":"a","status":"ok","created_at":"2026-05-06T17:50:00Z"},
             {"stage":"b","status":"failed","created_at":"2026-05-06T17:59:30Z"}]})"),
         Health::degraded,
         Reason::boot_failed,
         {{"failed", 1}, {"last_age_seconds", 30}}},
        {"authoritative 404",
         json_answer(404, R"({"error":"org not found","slug":"acme"})"),
         Health::unknown,
         Reason::not_found,
         {}},
        {"gin 404",
         answer(404, "404 page not found"),
         Health::unknown,
         Reason::parent_unreadable,
         {}},
        {"500", answer(500), Health::unknown, Reason::http_5xx, {}},
        {"401", json_answer(401, "{}"), Health::unknown, Reason::unauthorized, {}},
        {"garbage", json_answer(200, "[]"), Health::unknown, Reason::wrong_body, {}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        test::World world;
        world.http.on(boot_call, row.response);
        const auto seen = world.look("boot_events", "acme");
        REQUIRE(seen.size() == 1);
        CHECK(seen[0].subject == Subject("tenant/acme"));
        CHECK(seen[0].health == row.health);
        CHECK(seen[0].reason == row.reason);
        for (const auto& [name, value] : row.facts) {
            CAPTURE(name);
            CHECK(fact(seen[0], name) == value);
        }
    }
}

TEST_CASE("a boot under way tells its age, and a failed stage is not its end") {
    struct Row {
        const char* status;
        const char* event;
        Health health;
        Reason reason;
    };
    const std::vector<Row> rows{
        {"provisioning", "ok", Health::degraded, Reason::provisioning},
        {"provisioning", "failed", Health::degraded, Reason::boot_failed},
        {"running", "ok", Health::healthy, Reason::ok},
    };
    for (const Row& row : rows) {
        CAPTURE(row.status, row.event);
        test::World world;
        world.inventory.tenants["acme"].instance_status = row.status;
        world.http.on(boot_call,
                      json_answer(200, std::string(R"({"slug":"acme","events":[{"stage":"a",)") +
                                           R"("created_at":"2026-05-06T17:40:00Z","status":")" +
                                           row.event + R"("}]})"));
        const auto seen = world.look("boot_events", "acme");
        CHECK(seen[0].health == row.health);
        CHECK(seen[0].reason == row.reason);
        CHECK(fact(seen[0], "last_age_seconds") == 1'200);
    }
}

TEST_CASE("the tag against the receipt") {
    const TempFile receipt("hermes: " + digest_a + "\n");
    const TempFile other("openclaw: " + digest_a + "\n");
    const TempFile torn("hermes: " + digest_a + "\nhermes: " + digest_b + "\n");
    struct Row {
        const char* name;
        net::HttpResponse response;
        std::string receipt;
        bool freeze;
        Health health;
        Reason reason;
    };
    const std::vector<Row> rows{
        {"equal", tag_answer(digest_a), receipt.path(), true, Health::healthy, Reason::ok},
        {"drift", tag_answer(digest_b), receipt.path(), true, Health::failing, Reason::drift},
        {"moved", tag_answer(digest_b), receipt.path(), false, Health::degraded,
         Reason::image_moved},
        {"not named", tag_answer(digest_b), other.path(), true, Health::healthy,
         Reason::receipt_missing},
        {"no file", tag_answer(digest_b), "/nonexistent/r.txt", true, Health::healthy,
         Reason::receipt_missing},
        {"none", tag_answer(digest_b), "", false, Health::healthy, Reason::receipt_missing},
        {"conflicting", tag_answer(digest_b), torn.path(), true, Health::healthy,
         Reason::receipt_missing},
        {"no tag", answer(404), receipt.path(), true, Health::unknown, Reason::tag_missing},
        {"registry down", answer(503), receipt.path(), true, Health::unknown, Reason::http_5xx},
        {"no rights", answer(403), receipt.path(), true, Health::unknown, Reason::forbidden},
        {"too fast", answer(429), receipt.path(), true, Health::unknown, Reason::rate_limited},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        test::World world;
        world.config.freeze.active = row.freeze;
        world.config.freeze.receipt = row.receipt;
        world.http.on(head_call, row.response);
        for (const std::string& digest : {digest_a, digest_b}) {
            world.http.on("GET https://registry.test/v2/" + image + "/manifests/" + digest,
                          answer(404));
        }
        const auto seen = world.look("image_drift", image);
        REQUIRE(seen.size() == 2);
        CHECK(seen[0].subject == Subject("image/" + image));
        CHECK(seen[0].health == row.health);
        CHECK(seen[0].reason == row.reason);
        CHECK(seen[0].attributes.at("image") == image);
        CHECK(fact(seen[0], "freeze") == (row.freeze ? 1 : 0));
        CHECK(seen[0].version == row.response.header("docker-content-digest"));
        if (row.reason == Reason::drift) {
            CHECK(seen[0].evidence == ":latest is " + digest_b + "; the receipt says " + digest_a);
        }
    }
}

TEST_CASE("image drift goes through the token flow") {
    test::World world;
    world.http.on(
        head_call,
        answer(401, "", {{"www-authenticate", R"(Bearer realm="https://registry.test/token")"}}));
    world.http.on(head_call, tag_answer(digest_a));
    world.http.on("GET https://registry.test/token?scope=repository:" + image + ":pull",
                  json_answer(200, R"({"token":"anonymous-pull"})"));
    const auto seen = world.look("image_drift", image);
    REQUIRE(seen.size() == 2);
    CHECK(seen[0].version == digest_a);
    CHECK(seen[0].health == Health::healthy);
}

TEST_CASE("what the canvas page says") {
    struct Row {
        const char* name;
        net::HttpResponse response;
        Health health;
        Reason reason;
    };
    const std::vector<Row> rows{
        {"good", page(good_html), Health::healthy, Reason::ok},
        {"no marker", page("<html>Application error</html>"), Health::failing,
         Reason::marker_missing},
        {"json", json_answer(200, "{}"), Health::failing, Reason::wrong_content_type},
        {"500", answer(500, "x"), Health::failing, Reason::http_5xx},
        {"404", answer(404), Health::failing, Reason::not_found},
        {"302", answer(302), Health::failing, Reason::http_redirect},
        {"401", answer(401), Health::unknown, Reason::unauthorized},
        {"429", answer(429), Health::unknown, Reason::rate_limited},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        test::World world;
        set_canvas(world);
        world.http.on("GET https://app.test/", row.response);
        world.http.on("GET https://app.test/_next/a.js", script());
        world.http.on("GET https://app.test/_next/b.js", script());
        const auto seen = world.look("canvas", "");
        REQUIRE(seen.size() == 1);
        CHECK(seen[0].subject == Subject("canvas"));
        CHECK(seen[0].health == row.health);
        CHECK(seen[0].reason == row.reason);
        CHECK(fact(seen[0], "assets") == (row.reason == Reason::ok ? 2 : -1));
    }
}

TEST_CASE("a script that does not load breaks the canvas") {
    struct Row {
        const char* name;
        net::HttpResponse response;
        Health health;
        Reason reason;
    };
    const std::vector<Row> rows{
        {"404", answer(404, "not found"), Health::failing, Reason::asset_failed},
        {"empty 404", answer(404), Health::failing, Reason::asset_failed},
        {"500", answer(500), Health::failing, Reason::asset_failed},
        {"html with 200", page("<html>"), Health::failing, Reason::asset_failed},
        {"429", answer(429), Health::unknown, Reason::rate_limited},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        test::World world;
        set_canvas(world);
        world.http.on("GET https://app.test/", page(good_html));
        world.http.on("GET https://app.test/_next/a.js", script());
        world.http.on("GET https://app.test/_next/b.js", row.response);
        const auto seen = world.look("canvas", "");
        CHECK(seen[0].health == row.health);
        CHECK(seen[0].reason == row.reason);
        CHECK(seen[0].evidence.find("b.js") != std::string::npos);
    }
    test::World cut;
    set_canvas(cut);
    cut.http.on("GET https://app.test/", page(good_html));
    cut.http.on("GET https://app.test/_next/a.js", test::failure(Reason::body_cut));
    CHECK(cut.look("canvas", "")[0].reason == Reason::asset_failed);
    test::World ours;
    set_canvas(ours);
    ours.http.on("GET https://app.test/", page(good_html));
    ours.http.on("GET https://app.test/_next/a.js",
                 test::failure(Reason::resolver_down, Origin::local));
    CHECK(ours.look("canvas", "")[0].health == Health::unknown);
}

TEST_CASE("scripts are found as a browser would ask for them") {
    const std::string html =
        "<!-- <script src=/commented.js></script> --><SCRIPT SRC='/a.js'></SCRIPT>"
        "<script async src=b.js?x=1&amp;y=2></script><script>inline('<script')</script>"
        "<script data-src=\"/no.js\" src = \"/a.js\"></script><scripty src=/no.js>"
        "<script src=\"https://cdn.test/other.js\"></script><script src=\"//app.test/c.js\">"
        "<script src=\"javascript:alert(1)\"></script><script src=\"\"></script>"
        "<script src=\"https://app.test:443@evil.test/x.js\"></script>"
        "<script src=\"/d.js#part\"></script><script src=/e.js";
    const std::vector<std::string> wanted{
        "https://app.test/a.js", "https://app.test/dir/b.js?x=1&y=2", "https://app.test/c.js",
        "https://app.test/d.js", "https://app.test/e.js"};
    CHECK(probes::script_links("https://app.test/dir/", html, 40) == wanted);
    CHECK(probes::script_links("https://app.test/dir/", html, 2).size() == 2);
    CHECK(probes::script_links("https://app.test/", "<script", 40).empty());
    CHECK(probes::script_links("https://app.test/", "<script =\"\"\"'/<>", 40).empty());
    CHECK(probes::script_links("https://app.test/", std::string(200'000, '<'), 40).empty());
}

TEST_CASE("a reference point is good when anything answers") {
    struct Row {
        std::optional<net::HttpResponse> response;
        Health health;
    };
    const std::vector<Row> rows{{answer(200), Health::healthy}, {answer(301), Health::healthy},
                                {answer(404), Health::healthy}, {answer(429), Health::healthy},
                                {answer(503), Health::failing}, {std::nullopt, Health::failing}};
    for (const Row& row : rows) {
        test::World world;
        world.config.observer.references = {"https://ref0.test/", "https://ref1.test/"};
        if (row.response) {
            world.http.on("GET https://ref1.test/", *row.response);
        }
        const auto seen = world.look("reference", "1");
        REQUIRE(seen.size() == 1);
        CHECK(seen[0].subject == Subject("reference/1"));
        CHECK(seen[0].health == row.health);
        CHECK(world.http.requests[0].fresh_connection);
    }
    test::World world;
    world.config.observer.references = {"https://ref0.test/"};
    CHECK(world.look("reference", "7").empty());
    CHECK(world.look("reference", "x").empty());
    world.http.on("GET https://ref0.test/", test::failure(Reason::resolver_down, Origin::local));
    CHECK(world.look("reference", "0")[0].health == Health::failing);
}
