// Why: the token flow decides where a password goes, and a retag must be one PUT of the very bytes
// that were verified (wire-contracts 4).
#include "core/stack/registry.hpp"
#include "core/base/text.hpp"
#include "tests/catch.hpp"
#include "tests/unit/probes/fake_http.hpp"

using namespace leverd;
using test::answer;
using test::Headers;
using test::json_answer;

namespace {

const std::string repo = "molecule-ai/platform";
const std::string manifest_url = "https://registry.test/v2/molecule-ai/platform/manifests/";
const std::string index_type = "application/vnd.oci.image.index.v1+json";
const std::string bytes = R"({"schemaVersion":2,"manifests":[]})";
const std::string digest = "sha256:" + sha256_hex(bytes);
const std::string challenge =
    R"(Bearer realm="https://registry.test/token",service="registry.test",)"
    R"(scope="repository:x:pull")";
const std::string token_url =
    "GET https://registry.test/token?service=registry.test&scope=repository:molecule-ai/platform:";
const std::string password = "registry-password-1";

net::Deadline soon() {
    return net::deadline_in(Millis{1'000});
}

stack::RegistryAccess access_to(net::HttpTransport* http) {
    stack::RegistryAccess access;
    access.http = http;
    access.url = "https://registry.test";
    access.user = "robot";
    access.token = Secret(password);
    return access;
}

net::HttpResponse unauthorized() {
    return answer(401, R"({"errors":[]})", {{"www-authenticate", challenge}});
}

Headers manifest_headers(const std::string& announced) {
    return {{"content-type", index_type}, {"docker-content-digest", announced}};
}

stack::Manifest good_manifest() {
    stack::Manifest manifest;
    manifest.digest = digest;
    manifest.media_type = index_type;
    manifest.bytes = bytes;
    return manifest;
}

}  // namespace

TEST_CASE("challenges are read whatever their spelling") {
    const auto full = stack::parse_challenge(challenge);
    REQUIRE(full.has_value());
    CHECK(full->realm == "https://registry.test/token");
    CHECK(full->service == "registry.test");
    const auto loose = stack::parse_challenge(R"(bearer  service=x , realm="https://a/\"t")");
    REQUIRE(loose.has_value());
    CHECK(loose->realm == "https://a/\"t");
    CHECK(loose->service == "x");
    const auto joined = stack::parse_challenge(R"(Basic realm="r", Bearer realm="https://a/t")");
    REQUIRE(joined.has_value());
    CHECK_FALSE(joined->basic);
    CHECK(stack::parse_challenge(R"(Basic realm="r")")->basic);
    for (const char* text : {"", "Digest x", "Bearer", "Bearer ", "Bearer service=\"x\"",
                             "Bearer realm=", "Bearer realm=\""}) {
        CAPTURE(text);
        CHECK_FALSE(stack::parse_challenge(text).has_value());
    }
}

TEST_CASE("a realm may only be where a password may go") {
    struct Row {
        const char* registry;
        const char* realm;
        bool allow;
        bool good;
    };
    const std::vector<Row> rows{
        {"https://ghcr.io", "https://ghcr.io/token", false, true},
        {"https://ghcr.io", "https://GHCR.io/token", false, true},
        {"https://registry.test:5000", "https://registry.test:5001/token", false, true},
        {"https://ghcr.io", "https://evil.test/token", false, false},
        {"https://ghcr.io", "https://auth.ghcr.io/token", false, false},
        {"https://ghcr.io", "https://auth.ghcr.io/token", true, true},
        {"https://ghcr.io", "http://ghcr.io/token", false, false},
        {"https://ghcr.io", "http://ghcr.io/token", true, false},
        {"https://ghcr.io", "https://10.0.0.7/token", false, false},
        {"https://ghcr.io", "https://169.254.169.254/token", false, false},
        {"https://ghcr.io", "https://[::1]/token", false, false},
        {"https://ghcr.io", "https://user:pw@ghcr.io/token", true, false},
        {"https://ghcr.io", "https://ghcr.io@evil.test/token", false, false},
        {"http://127.0.0.1:5000", "http://127.0.0.1:5000/token", false, true},
        {"http://127.0.0.1:5000", "http://127.0.0.1:5001/token", false, false},
        {"https://ghcr.io", "/token", false, false},
        {"https://ghcr.io", "", false, false},
        {"https://ghcr.io", "file:///etc/passwd", true, false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.registry, row.realm, row.allow);
        stack::RegistryAccess access;
        access.url = row.registry;
        access.allow_private_realm = row.allow;
        CHECK(stack::check_realm(access, row.realm).has_value() == row.good);
    }
}

TEST_CASE("a HEAD goes through the token flow once and keeps the token") {
    test::FakeHttp http;
    http.on("HEAD " + manifest_url + "latest", unauthorized());
    http.on("HEAD " + manifest_url + "latest", answer(200, "", manifest_headers(digest)));
    http.on(token_url + "pull", json_answer(200, R"({"token":"bearer-1"})"));
    stack::Registry registry(access_to(&http));
    const auto first = test::run(registry.head(repo, "latest", soon()));
    REQUIRE(first.has_value());
    CHECK(first->digest == digest);
    CHECK(first->media_type == index_type);
    REQUIRE(http.requests.size() == 3);
    CHECK_FALSE(http.requests[0].bearer.has_value());
    CHECK_FALSE(http.requests[0].basic.has_value());
    REQUIRE(http.requests[1].basic.has_value());
    CHECK(http.requests[1].basic->second.reveal() == password);
    CHECK(http.requests[2].bearer->reveal() == "bearer-1");
    CHECK_FALSE(http.requests[2].basic.has_value());
    CHECK(test::header_of(http.requests[0], "Accept") ==
          "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
          "application/vnd.docker.distribution.manifest.list.v2+json, "
          "application/vnd.docker.distribution.manifest.v2+json");
    CHECK(test::run(registry.head(repo, "latest", soon())).has_value());
    CHECK(http.requests.size() == 4);
}

TEST_CASE("a realm on another host gets nothing") {
    test::FakeHttp http;
    http.on("HEAD " + manifest_url + "latest",
            answer(401, "", {{"www-authenticate", R"(Bearer realm="https://evil.test/token")"}}));
    stack::Registry registry(access_to(&http));
    const auto tag = test::run(registry.head(repo, "latest", soon()));
    REQUIRE(tag.has_error());
    CHECK(tag.error().reason == Reason::unauthorized);
    CHECK(http.requests.size() == 1);
}

TEST_CASE("statuses of a HEAD keep their meaning") {
    struct Row {
        int status;
        Reason reason;
    };
    for (const Row& row : std::vector<Row>{{404, Reason::not_found},
                                           {403, Reason::forbidden},
                                           {429, Reason::rate_limited},
                                           {500, Reason::http_5xx},
                                           {307, Reason::http_redirect},
                                           {401, Reason::unauthorized}}) {
        CAPTURE(row.status);
        test::FakeHttp http;
        http.on("HEAD " + manifest_url + "latest", answer(row.status));
        stack::Registry registry(access_to(&http));
        const auto tag = test::run(registry.head(repo, "latest", soon()));
        REQUIRE(tag.has_error());
        CHECK(tag.error().reason == row.reason);
    }
}

TEST_CASE("a HEAD without a digest is answered by the bytes") {
    test::FakeHttp http;
    http.on("HEAD " + manifest_url + "latest", answer(200, "", {{"content-type", index_type}}));
    http.on("GET " + manifest_url + "latest", answer(200, bytes, {{"content-type", index_type}}));
    stack::Registry registry(access_to(&http));
    CHECK(test::run(registry.head(repo, "latest", soon()))->digest == digest);
}

TEST_CASE("bytes must be what was asked for and what was announced") {
    const std::string other = "sha256:" + std::string(64, 'b');
    struct Row {
        std::string reference;
        Headers headers;
        std::string body;
        bool good;
    };
    const std::vector<Row> rows{
        {digest, manifest_headers(digest), bytes, true},
        {"latest", manifest_headers(digest), bytes, true},
        {"latest", {{"content-type", index_type + "; charset=utf-8"}}, bytes, true},
        {digest, manifest_headers(digest), bytes + " ", false},
        {other, manifest_headers(other), bytes, false},
        {"latest", manifest_headers(other), bytes, false},
        {"latest",
         {{"content-type", "application/json"}, {"docker-content-digest", digest}},
         bytes,
         false},
        {"latest",
         {{"content-type", "application"}, {"docker-content-digest", digest}},
         bytes,
         false},
        {"latest", {{"docker-content-digest", digest}}, bytes, false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.reference, row.headers, row.body);
        test::FakeHttp http;
        http.on("GET " + manifest_url + row.reference, answer(200, row.body, row.headers));
        stack::Registry registry(access_to(&http));
        const auto manifest = test::run(registry.get(repo, row.reference, soon()));
        REQUIRE(manifest.has_value() == row.good);
        if (row.good) {
            CHECK(manifest->bytes == bytes);
            CHECK(manifest->digest == digest);
            CHECK(manifest->media_type == index_type);
        } else {
            CHECK(manifest.error().reason == Reason::wrong_body);
        }
    }
}

TEST_CASE("odd names reach no URL") {
    test::FakeHttp http;
    stack::Registry registry(access_to(&http));
    CHECK(test::run(registry.head("../etc", "latest", soon())).has_error());
    CHECK(test::run(registry.head(repo, "a/b", soon())).has_error());
    CHECK(test::run(registry.get(repo, "sha256:xyz", soon())).has_error());
    CHECK(test::run(registry.blob(repo, "latest", soon())).has_error());
    CHECK(test::run(registry.tags("UPPER", soon())).has_error());
    CHECK(test::run(registry.put(repo, "a b", good_manifest(), soon())).has_error());
    CHECK(http.requests.empty());
}

TEST_CASE("tags are read over all pages of the same list") {
    const std::string list = "GET https://registry.test/v2/molecule-ai/platform/tags/list?n=";
    test::FakeHttp http;
    auto first = json_answer(200, R"({"tags":["latest","b","../x",5]})");
    first.headers["link"] = R"(</v2/molecule-ai/platform/tags/list?n=1000&last=b>; rel="next")";
    http.on(list + "1000", first);
    http.on(list + "1000&last=b", json_answer(200, R"({"tags":["a","b"]})"));
    stack::Registry registry(access_to(&http));
    const auto tags = test::run(registry.tags(repo, soon()));
    REQUIRE(tags.has_value());
    CHECK(*tags == std::vector<std::string>{"a", "b", "latest"});
}

TEST_CASE("a next page that leads elsewhere or in a circle ends the list with a problem") {
    const std::string list = "GET https://registry.test/v2/molecule-ai/platform/tags/list?n=1000";
    for (const char* link :
         {"<https://evil.test/v2/molecule-ai/platform/tags/list?last=b>; rel=\"next\"",
          "</v2/other/tags/list?last=b>; rel=\"next\"",
          "</v2/molecule-ai/platform/tags/list?n=1000>; rel=\"next\""}) {
        CAPTURE(link);
        test::FakeHttp http;
        auto page = json_answer(200, R"({"tags":["a"]})");
        page.headers["link"] = link;
        http.on(list, page);
        stack::Registry registry(access_to(&http));
        CHECK(test::run(registry.tags(repo, soon())).has_error());
        CHECK(http.requests.size() == 1);
    }
}

TEST_CASE("a PUT sends the exact bytes once, with a push token fetched before") {
    test::FakeHttp http;
    http.on("HEAD " + manifest_url + "latest", unauthorized());
    http.on(token_url + "pull,push", json_answer(200, R"({"access_token":"push-1"})"));
    http.on("PUT " + manifest_url + "latest", answer(201, "", {{"docker-content-digest", digest}}));
    stack::Registry registry(access_to(&http));
    const auto put = test::run(registry.put(repo, "latest", good_manifest(), soon()));
    REQUIRE(put.has_value());
    CHECK(*put == digest);
    REQUIRE(http.count("PUT " + manifest_url + "latest") == 1);
    const net::HttpRequest& sent = http.requests.back();
    CHECK(sent.body == bytes);
    CHECK(test::header_of(sent, "Content-Type") == index_type);
    CHECK(sent.bearer->reveal() == "push-1");
}

TEST_CASE("a PUT is never repeated and says what may have happened") {
    const std::string put_call = "PUT " + manifest_url + "latest";
    struct Row {
        std::optional<net::HttpResponse> response;
        bool sent;
        int status;
        Reason reason;
    };
    const std::vector<Row> rows{
        {unauthorized(), true, 401, Reason::unauthorized},
        {json_answer(403, R"({"errors":[{"message":"permission_denied: write_package"}]})"), true,
         403, Reason::forbidden},
        {answer(405), true, 405, Reason::http_4xx},
        {answer(500), true, 500, Reason::http_5xx},
        {std::nullopt, true, 0, Reason::connection_cut},
    };
    for (const Row& row : rows) {
        CAPTURE(row.status);
        test::FakeHttp http;
        http.on("HEAD " + manifest_url + "latest", answer(200, "", manifest_headers(digest)));
        http.on("GET https://registry.test/v2/", answer(200));
        if (row.response) {
            http.on(put_call, *row.response);
        } else {
            http.on(put_call, test::failure(Reason::connection_cut, Origin::target, true));
        }
        stack::Registry registry(access_to(&http));
        const auto put = test::run(registry.put(repo, "latest", good_manifest(), soon()));
        REQUIRE(put.has_error());
        CHECK(put.error().reason == row.reason);
        CHECK(put.error().status == row.status);
        CHECK(put.error().sent == row.sent);
        CHECK(http.count(put_call) == 1);
        if (row.status == 403) {
            CHECK(put.error().detail.find("permission_denied") != std::string::npos);
        }
    }
}

TEST_CASE("a PUT whose status came is done or refused, however its answer's body went wrong") {
    for (const auto& [status, done] : {std::pair{201, true}, {202, true}, {403, false}}) {
        CAPTURE(status);
        test::FakeHttp http;
        http.on("HEAD " + manifest_url + "latest", answer(200, "", manifest_headers(digest)));
        http.on("GET https://registry.test/v2/", answer(200));
        auto cut = test::failure(Reason::body_cut, Origin::target, true);
        cut.status = status;
        http.on("PUT " + manifest_url + "latest", cut);
        stack::Registry registry(access_to(&http));
        const auto put = test::run(registry.put(repo, "latest", good_manifest(), soon()));
        CHECK(put.has_value() == done);
        if (!done) {
            CHECK(put.error().status == 0);
            CHECK(put.error().heard == status);
            CHECK(put.error().detail.find("403, then body_cut") != std::string::npos);
        }
    }
}

TEST_CASE("when no push token is to be had nothing is put") {
    test::FakeHttp http;
    http.on("HEAD " + manifest_url + "latest", unauthorized());
    http.on(token_url + "pull,push", json_answer(401, R"({"error":"registry-password-1"})"));
    stack::Registry registry(access_to(&http));
    const auto put = test::run(registry.put(repo, "latest", good_manifest(), soon()));
    REQUIRE(put.has_error());
    CHECK_FALSE(put.error().sent);
    CHECK(put.error().status == 0);
    CHECK(put.error().detail.find(password) == std::string::npos);
    CHECK(http.count("PUT " + manifest_url + "latest") == 0);
}

TEST_CASE("a manifest that is not what it claims is not put") {
    test::FakeHttp http;
    stack::Registry registry(access_to(&http));
    auto altered = good_manifest();
    altered.bytes += "\n";
    CHECK(test::run(registry.put(repo, "latest", altered, soon())).has_error());
    auto untyped = good_manifest();
    untyped.media_type = "application/json";
    CHECK(test::run(registry.put(repo, "latest", untyped, soon())).has_error());
    CHECK(http.requests.empty());
}
