// Why: frames come from other people's process, and only a checked name may leave the reader; the
// waits between two tries are tested as numbers, without waiting.
#include "core/stack/tenant_event.hpp"
#include "core/stack/event_table.hpp"
#include "probes/backoff.hpp"
#include "tests/catch.hpp"

using namespace leverd;
using namespace std::chrono_literals;
using probes::Backoff;

namespace {

std::string name_in(const std::string& frame) {
    const auto read = stack::read_tenant_event(frame);
    return read ? *read : "";
}

stack::TenantAccess acme() {
    stack::TenantAccess access;
    access.url_template = "https://{slug}.example:8443";
    access.slug = "acme";
    access.org_id = "3f0c0000-0000-4000-8000-000000000001";
    access.admin_token = Secret("token-of-acme");
    return access;
}

}  // namespace

TEST_CASE("a frame of the wire contract gives its event's name") {
    CHECK(name_in(R"({"event":"WORKSPACE_OFFLINE","workspace_id":)"
                  R"("3f0c0000-0000-4000-8000-000000000001","timestamp":"2026-05-06T18:00:00Z",)"
                  R"("payload":{}})") == "WORKSPACE_OFFLINE");
    CHECK(name_in(R"({"event":"A2A_RESPONSE"})") == "A2A_RESPONSE");
    CHECK(name_in(R"({"event":"NEW_THING","workspace_id":null,"more":[1]})") == "NEW_THING");
    CHECK(name_in(R"({"event":"ORG_EVENT","workspace_id":""})") == "ORG_EVENT");
}

TEST_CASE("what is no frame of a tenant gives no name") {
    const std::vector<std::string> bad{
        "",
        "hello",
        "[]",
        "\"WORKSPACE_OFFLINE\"",
        "{}",
        R"({"event":7})",
        R"({"event":""})",
        R"({"event":"connected"})",  // leverd's own, nobody else's to say
        R"({"event":"*"})",
        R"({"event":"WORKSPACE OFFLINE"})",
        R"({"event":"WORKSPACE_OFFLINE\n"})",
        R"({"event":"_X"})",
        R"({"event":")" + std::string(65, 'A') + R"("})",
        R"({"event":"A","workspace_id":"../admin"})",
        R"({"event":"A","workspace_id":{}})",
        R"({"event":"A","timestamp":1})",
        R"({"event":"A","payload":)" + std::string(100, '[') + std::string(100, ']') + "}",
    };
    for (const auto& frame : bad) {
        CAPTURE(frame);
        CHECK(name_in(frame).empty());
    }
}

TEST_CASE("the upgrade carries org id and origin and no token") {
    const auto request = stack::tenant_stream_request(acme(), "");
    CHECK(request.url == "https://acme.example:8443/ws");
    CHECK_FALSE(request.bearer.has_value());
    const std::vector<std::pair<std::string, std::string>> own{
        {"Origin", "https://acme.example:8443"},
        {"X-Molecule-Org-Id", "3f0c0000-0000-4000-8000-000000000001"}};
    CHECK(request.headers == own);
    const auto other = stack::tenant_stream_request(acme(), "https://app.example");
    CHECK(other.headers.at(0).second == "https://app.example");
}

TEST_CASE("an opened stream wakes everything about its tenant once") {
    const auto hints = stack::hints_for(stack::EventSource::tenant, "connected", {"acme", {}});
    const std::vector<Hint> all{
        {"workspace_status", "acme"}, {"workspace_activity", "acme"}, {"boot_events", "acme"}};
    CHECK(hints == all);
}

TEST_CASE("waits double up to the cap and lie anywhere below it") {
    Backoff always_most;
    std::vector<Millis> waits;
    for (int i = 0; i < 9; ++i) {
        waits.push_back(always_most.next(0ms, 1.0));
    }
    const std::vector<Millis> doubled{1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s, 60s};
    CHECK(waits == doubled);
    CHECK(always_most.next(0ms, 0.0) == 0ms);
    CHECK(always_most.next(0ms, 0.5) == 30s);
}

TEST_CASE("only a stream that lasted makes the next wait short again") {
    Backoff backoff;
    for (int i = 0; i < 8; ++i) {
        (void)backoff.next(0ms, 1.0);
    }
    CHECK(backoff.next(Backoff::proven - 1ms, 1.0) == Backoff::most);
    CHECK(backoff.next(Backoff::proven, 1.0) == Backoff::first);
    CHECK(backoff.next(0ms, 1.0) == 2 * Backoff::first);
}
