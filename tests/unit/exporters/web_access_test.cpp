// Why: the permission matrix in one table. Every row that refuses guards production.
#include "exporters/web/access.hpp"
#include "exporters/web/throttle.hpp"
#include "tests/catch.hpp"
#include "tests/unit/exporters/web_world.hpp"

#include <unistd.h>

using namespace web_world;
using exporters::web::Access;

namespace {

const exporters::ApiTokens all_tokens{{"token", Secret("right"), exporters::Role::operate},
                                      {"alice", Secret("alices"), exporters::Role::approve},
                                      {"grafana", Secret("grafanas"), exporters::Role::read}};

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
    out.peer = "192.0.2.7";
    out.tokens =
        row.token_configured ? std::make_shared<const exporters::ApiTokens>(all_tokens) : nullptr;
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

TEST_CASE("an identity is the user's name on the socket and the token's name over TCP") {
    Row row;
    auto asked = request("POST", "/-/reload");
    const auto who = [&](const std::string& secret, exporters::web::Need need) {
        asked.headers["authorization"] = "Bearer " + secret;
        const auto found = authorize(access_of(row), asked, need);
        return found.has_value() ? found->who : std::string(found.error().reason);
    };
    using exporters::web::Need;
    CHECK(who("right", Need::operate) == "token");
    CHECK(who("alices", Need::approve) == "alice");
    CHECK(who("alices", Need::operate) == "role");
    CHECK(who("grafanas", Need::heartbeat) == "grafana");
    CHECK(who("grafanas", Need::approve) == "role");
    CHECK(who("wrong", Need::heartbeat) == "wrong_token");
    CHECK(authorize(root_access(), asked, Need::operate)->who == "root");
}

namespace {

// What one token may do, by the status that its request gets on the way to the handler.
int status_with(const std::string& secret, const std::string& method, const std::string& target,
                const std::string& body) {
    FakeBackend backend;
    fill(backend);
    auto asked = request(method, target, body);
    asked.headers["authorization"] = "Bearer " + secret;
    return ask(backend, access_of(Row{}), asked).status;
}

}  // namespace

TEST_CASE(
    "a role may do its own part and no more, and whoever may approve may stop but not resume") {
    const std::string stop = R"({"stopped":true,"why":"x"})";
    const std::string resume = R"({"stopped":false,"why":"x"})";
    const std::string veto = R"({"subjects":"*","for":"1h","why":"x"})";
    struct Case {
        std::string method;
        std::string target;
        std::string body;
        bool read;
        bool approve;
        bool operate;
    };
    for (const Case& c :
         {Case{"POST", "/api/v1/stop", stop, false, true, true},
          Case{"POST", "/api/v1/stop", resume, false, false, true},
          Case{"POST", "/api/v1/vetoes", veto, false, true, true},
          Case{"DELETE", "/api/v1/vetoes/v-1", "", false, false, true},
          Case{"POST", "/api/v1/decisions/d-1/approve", "", false, true, true},
          Case{"POST", "/api/v1/levers/tenant-redeploy/fire", "", false, false, true},
          Case{"POST", "/-/reload", "", false, false, true},
          Case{"POST", "/events/heartbeat/nightly", "", true, true, true}}) {
        CAPTURE(c.method, c.target, c.body);
        CHECK((status_with("grafanas", c.method, c.target, c.body) != 403) == c.read);
        CHECK((status_with("alices", c.method, c.target, c.body) != 403) == c.approve);
        CHECK((status_with("right", c.method, c.target, c.body) != 403) == c.operate);
    }
}

TEST_CASE("an approval over TCP is recorded under the name of its token") {
    FakeBackend backend;
    fill(backend);
    const auto decision = asking_decision();
    auto asked = request("POST", "/api/v1/decisions/" + decision.id + "/approve",
                         R"({"hash":")" + decision.hash + R"(","why":"seen it"})");
    asked.headers["authorization"] = "Bearer alices";
    CHECK(ask(backend, access_of(Row{}), asked).status == 200);
    REQUIRE(backend.changes.size() == 1);
    CHECK(backend.changes[0].who == "alice");
}

TEST_CASE("wrong tokens are counted, slowed more and more, and cost other peers nothing") {
    FakeBackend backend;
    fill(backend);
    exporters::web::Throttle throttle;
    exporters::WebFigures figures;
    exporters::web::Service service;
    service.throttle = &throttle;
    service.figures = &figures;
    auto access = access_of(Row{});
    const auto attempt = [&](const std::string& secret) {
        auto asked = request("POST", "/-/reload");
        asked.headers["authorization"] = "Bearer " + secret;
        return ask(backend, access, asked, service);
    };
    for (int i = 0; i < exporters::web::Throttle::free_tries; ++i) {
        CHECK(attempt("wrong").status == 401);
    }
    CHECK(attempt("right").status == 200);  // a person who mistyped
    CHECK(attempt("wrong").status == 401);
    int looked_at = 0;
    int slowed = 0;
    for (int i = 0; i < 6'317; ++i) {
        (attempt("wrong").status == 401 ? looked_at : slowed) += 1;
    }
    CHECK(looked_at == 0);
    CHECK(slowed == 6'317);
    CHECK(attempt("right").status == 429);
    // The delay passes, and the next wrong one makes it twice as long.
    std::vector<Millis> delays;
    for (int i = 0; i < 7; ++i) {
        delays.push_back(throttle.held(access.peer, backend.time.at));
        backend.time.at += delays.back();
        CHECK(attempt("wrong").status == 401);
    }
    CHECK(delays[1] == 2 * delays[0]);
    CHECK(delays[2] == 4 * delays[0]);
    CHECK(delays[6] == exporters::web::Throttle::longest_delay);
    access.peer = "192.0.2.8";
    CHECK(attempt("right").status == 200);
    CHECK(figures.auth_failures["wrong_token"] == 13);
    CHECK(figures.auth_failures["slowed"] == 6'318);
    CHECK(backend.denied.front() == "192.0.2.7 wrong_token");
}

TEST_CASE("what is remembered of wrong tokens is bounded and forgiven") {
    exporters::web::Throttle throttle;
    const Instant start = at_millis(1'000);
    for (std::size_t i = 0; i < 3 * exporters::web::Throttle::peers_max; ++i) {
        throttle.failed("peer " + std::to_string(i), start + Millis{static_cast<int>(i)});
    }
    CHECK(throttle.size() == exporters::web::Throttle::peers_max);
    const Instant now = start + Millis{10'000};
    for (int i = 0; i < 20; ++i) {
        throttle.failed("x", now);
    }
    CHECK(throttle.held("x", now) == exporters::web::Throttle::longest_delay);
    const Instant later = now + exporters::web::Throttle::forgiven_after + Millis{1};
    throttle.failed("x", later);
    CHECK(throttle.held("x", later) == Millis{0});
}
