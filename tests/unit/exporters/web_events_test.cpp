// Why: the inlets are open to the outside; each way to be turned away is one row here, and none of
// them may reach the rest of the daemon.
#include "core/base/hmac.hpp"
#include "tests/catch.hpp"
#include "tests/unit/exporters/web_host.hpp"
#include "tests/unit/exporters/web_world.hpp"

using namespace web_world;

namespace {

const Secret key{"a key of ours"};

exporters::web::Access stranger() {
    exporters::web::Access out;
    out.loopback = true;
    out.listen_host = "127.0.0.1";
    return out;
}

exporters::web::Request vercel(const std::string& body) {
    auto out = request("POST", "/events/vercel", body);
    out.headers["x-vercel-signature"] = hmac_hex(HashKind::sha1, key, body).reveal();
    return out;
}

}  // namespace

TEST_CASE("an inlet without a secret is off and says what to do") {
    FakeBackend backend;
    const auto answer = ask(backend, stranger(), vercel(R"({"type":"deployment.ready"})"));
    CHECK(answer.status == 404);
    CHECK(answer.body.find("[events] vercel") != std::string::npos);
    CHECK(backend.refused == std::vector<std::string>{"vercel off"});
    CHECK(ask(backend, stranger(), request("POST", "/events/tenant", "{}")).status == 404);
    CHECK(ask(backend, stranger(), request("POST", "/events/nobody", "{}")).status == 404);
    CHECK(ask(backend, stranger(), request("GET", "/events/vercel")).status == 405);
    CHECK(backend.events.empty());
}

TEST_CASE("an event is taken once, without a token, and answered at once") {
    FakeBackend backend;
    backend.event_secrets[stack::EventSource::vercel] = key;
    const auto event = vercel(R"({"type":"deployment.ready","id":"e1"})");
    CHECK(ask(backend, stranger(), event).status == 202);
    const auto again = ask(backend, stranger(), event);
    CHECK(again.status == 202);
    CHECK(again.body.find("seen before") != std::string::npos);
    REQUIRE(backend.events.size() == 1);
    CHECK(backend.events[0].hints == std::vector<Hint>{{"canvas", "*"}});
}

TEST_CASE("what is not signed, not an event or too old is counted and goes no further") {
    FakeBackend backend;
    backend.event_secrets[stack::EventSource::vercel] = key;
    auto forged = vercel(R"({"type":"deployment.ready"})");
    forged.body += " ";
    const auto refusal = ask(backend, stranger(), forged);
    CHECK(refusal.status == 401);
    CHECK(refusal.body.find(key.reveal()) == std::string::npos);
    CHECK(ask(backend, stranger(), vercel("nonsense")).status == 400);
    CHECK(ask(backend, stranger(), vercel(R"({"type":"x","createdAt":1000})")).status == 202);
    CHECK(backend.refused ==
          std::vector<std::string>{"vercel unsigned", "vercel malformed", "vercel stale"});
    CHECK(backend.events.empty());
    // A sender whose clock is ahead is believed no more and no less.
    CHECK(ask(backend, stranger(), vercel(R"({"type":"x","createdAt":99000000000000})")).status ==
          202);
    CHECK(backend.events.size() == 1);
}

TEST_CASE("the secret of the railway inlet is in its address") {
    FakeBackend backend;
    backend.event_secrets[stack::EventSource::railway] = Secret{"long-and-random"};
    const std::string body = R"({"type":"Deployment.failed"})";
    const auto at = [&](const std::string& path) {
        return ask(backend, stranger(), request("POST", path, body)).status;
    };
    CHECK(at("/events/railway") == 401);
    CHECK(at("/events/railway/guess") == 401);
    CHECK(at("/events/railway/long-and-random") == 202);
}

TEST_CASE("only an event may have a large body, and not too large a one") {
    Host host;
    host.on_loop([&host] { host.backend.event_secrets[stack::EventSource::vercel] = key; });
    const auto post = [&host](const std::string& target, std::size_t bytes) {
        Client client(host.port());
        const std::string body(bytes, ' ');
        client.send("POST " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n" +
                    "Content-Length: " + std::to_string(bytes) + "\r\n\r\n" + body);
        return status_of(client.read());
    };
    CHECK(post("/events/vercel", 200U << 10) == 401);
    CHECK(post("/events/vercel", 300U << 10) == 413);
    CHECK(post("/api/v1/stop", 100U << 10) == 413);
}
