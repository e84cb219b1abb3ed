// Why: the permission matrix in one table. Every row that refuses guards production.
#include "exporters/web/access.hpp"
#include "tests/catch.hpp"
#include "tests/unit/exporters/web_world.hpp"

#include <unistd.h>

using namespace web_world;
using exporters::web::Access;

namespace {

const Secret right_token{"right"};

struct Row {
    std::string name;
    bool unix_socket = false;
    unsigned uid = 0;
    bool loopback = true;
    bool token_configured = true;
    std::string method = "GET";
    std::string target = "/api/v1/status";
    std::map<std::string, std::string> headers;
    int expected = 200;
};

Access access_of(const Row& row) {
    Access out;
    out.unix_socket = row.unix_socket;
    out.uid = row.uid;
    out.own_uid = 990;
    out.loopback = row.loopback;
    out.listen_host = row.loopback ? "127.0.0.2" : "10.0.0.5";
    out.token = row.token_configured ? &right_token : nullptr;
    return out;
}

Row get(std::string name, std::map<std::string, std::string> headers, int expected) {
    Row out;
    out.name = std::move(name);
    out.headers = std::move(headers);
    out.expected = expected;
    return out;
}

Row post(std::string name, std::map<std::string, std::string> headers, int expected) {
    Row out = get(std::move(name), std::move(headers), expected);
    out.method = "POST";
    out.target = "/-/reload";
    return out;
}

Row peer(std::string name, unsigned uid, const std::string& method, int expected) {
    Row out =
        method == "POST" ? post(std::move(name), {}, expected) : get(std::move(name), {}, expected);
    out.unix_socket = true;
    out.uid = uid;
    return out;
}

std::vector<Row> matrix() {
    const std::string auth = "authorization";
    std::vector<Row> rows{
        get("read on loopback", {}, 200),
        get("host localhost", {{"host", "localhost:9847"}}, 200),
        get("host in capitals", {{"host", "LOCALHOST"}}, 200),
        get("host ipv6", {{"host", "[::1]:9847"}}, 200),
        get("host as configured", {{"host", "127.0.0.2:9847"}}, 200),
        get("rebound name", {{"host", "evil.example:9847"}}, 421),
        get("rebound name with our address in it", {{"host", "127.0.0.1.evil.example"}}, 421),
        get("two hosts", {{"host", "127.0.0.1, evil.example"}}, 421),
        get("no host", {{"host", ""}}, 421),
        get("cross-site read has no side effect", {{"sec-fetch-site", "cross-site"}}, 200),
        post("change without a token", {}, 401),
        post("change with the token", {{auth, "Bearer right"}}, 200),
        post("scheme in lower case", {{auth, "bearer right"}}, 200),
        post("wrong token", {{auth, "Bearer wrong"}}, 401),
        post("token with a tail", {{auth, "Bearer right "}}, 401),
        post("empty token", {{auth, "Bearer "}}, 401),
        post("basic", {{auth, "Basic right"}}, 401),
        post("two tokens", {{auth, "Bearer right, Bearer right"}}, 401),
        post("own page", {{auth, "Bearer right"}, {"origin", "http://127.0.0.1:9847"}}, 200),
        post("own page says so", {{auth, "Bearer right"}, {"sec-fetch-site", "same-origin"}}, 200),
        post("foreign origin", {{auth, "Bearer right"}, {"origin", "https://evil.example"}}, 403),
        post("other port", {{auth, "Bearer right"}, {"origin", "http://127.0.0.1:1"}}, 403),
        post("opaque origin", {{auth, "Bearer right"}, {"origin", "null"}}, 403),
        post("cross-site", {{auth, "Bearer right"}, {"sec-fetch-site", "cross-site"}}, 403),
        post("same-site is not same-origin",
             {{auth, "Bearer right"}, {"sec-fetch-site", "same-site"}}, 403),
        post("rebound name with a token", {{auth, "Bearer right"}, {"host", "evil.example"}}, 421),
        peer("root reads", 0, "GET", 200),
        peer("root changes", 0, "POST", 200),
        peer("own user changes", 990, "POST", 200),
        peer("other user reads", 1234, "GET", 200),
        peer("other user changes", 1234, "POST", 403),
    };
    Row unconfigured = post("no token configured", {{auth, "Bearer "}}, 403);
    unconfigured.token_configured = false;
    rows.push_back(unconfigured);
    Row exposed = get("read on an address that others reach", {{"host", "10.0.0.5:9847"}}, 401);
    exposed.loopback = false;
    rows.push_back(exposed);
    exposed.name = "the same with the token";
    exposed.headers[auth] = "Bearer right";
    exposed.expected = 200;
    rows.push_back(exposed);
    exposed.name = "the page itself is open";
    exposed.headers.erase(auth);
    exposed.target = "/";
    rows.push_back(exposed);
    return rows;
}

}  // namespace

TEST_CASE("who may do what") {
    for (const Row& row : matrix()) {
        CAPTURE(row.name);
        FakeBackend backend;
        fill(backend);
        auto asked = request(row.method, row.target);
        for (const auto& [name, value] : row.headers) {
            asked.headers[name] = value;
        }
        const auto answer = ask(backend, access_of(row), asked);
        CHECK(answer.status == row.expected);
        const bool changed = !backend.changes.empty();
        CHECK(changed == (row.method == "POST" && row.expected == 200));
    }
}

TEST_CASE("a refusal says the next step and nothing secret") {
    FakeBackend backend;
    Row row;
    row.token_configured = true;
    auto asked = request("POST", "/-/reload");
    asked.headers["authorization"] = "Bearer wrong-guess";
    const auto answer = ask(backend, access_of(row), asked);
    CHECK(answer.body.find("wrong-guess") == std::string::npos);
    CHECK(answer.body.find("right\"") == std::string::npos);
    CHECK(answer.body.find("daemon.api_token") != std::string::npos);
}

TEST_CASE("an identity is the user's name on the socket and 'token' over TCP") {
    Row row;
    auto asked = request("POST", "/-/reload");
    asked.headers["authorization"] = "Bearer right";
    CHECK(*authorize(access_of(row), asked, exporters::web::Need::change) == "token");
    CHECK(*authorize(root_access(), asked, exporters::web::Need::change) == "root");
}
