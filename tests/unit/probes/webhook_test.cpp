// Why: an inlet that believes an unsigned byte, or reads before it checks, is a hole in the box
// that can redeploy production.
#include "core/stack/webhook.hpp"

#include "core/base/hmac.hpp"
#include "core/stack/event_table.hpp"
#include "probes/probe.hpp"
#include "tests/catch.hpp"

#include <algorithm>
#include <set>
#include <vector>

using namespace leverd;
using namespace leverd::stack;

namespace {

const Secret key{"a key of ours"};

std::string hex(HashKind kind, const std::string& body) {
    return hmac_hex(kind, key, body).reveal();
}

Webhook from_github(const std::string& event, const std::string& body,
                    const std::string& id = "d-1") {
    Webhook hook;
    hook.source = EventSource::github;
    hook.body = body;
    hook.headers["x-github-event"] = event;
    hook.headers["x-github-delivery"] = id;
    hook.headers["x-hub-signature-256"] = "sha256=" + hex(HashKind::sha256, body);
    return hook;
}

Webhook plain(EventSource source, const std::string& body) {
    Webhook hook;
    hook.source = source;
    hook.body = body;
    return hook;
}

bool wakes(const Event& event, const std::string& probe, const std::string& target) {
    return std::find(event.hints.begin(), event.hints.end(), Hint{probe, target}) !=
           event.hints.end();
}

}  // namespace

TEST_CASE("a signature covers the raw bytes and nothing less") {
    const Webhook good = from_github("push", R"({"a":1})");
    CHECK(is_genuine(good, key));
    Webhook bad = good;
    bad.body = R"({"a": 1})";
    CHECK_FALSE(is_genuine(bad, key));
    CHECK_FALSE(is_genuine(good, Secret{"another key"}));
    CHECK_FALSE(is_genuine(good, Secret{}));
    for (const std::string& sent :
         {std::string{}, std::string{"sha256="}, hex(HashKind::sha256, good.body),
          "sha1=" + hex(HashKind::sha1, good.body),
          "sha256=" + hex(HashKind::sha256, good.body) + "0"}) {
        CAPTURE(sent);
        Webhook other = good;
        other.headers["x-hub-signature-256"] = sent;
        CHECK_FALSE(is_genuine(other, key));
    }
    Webhook none = good;
    none.headers.erase("x-hub-signature-256");
    CHECK_FALSE(is_genuine(none, key));
}

TEST_CASE("each sender proves itself in its own way") {
    Webhook by_gitea = plain(EventSource::gitea, "{}");
    by_gitea.headers["x-gitea-signature"] = hex(HashKind::sha256, "{}");
    CHECK(is_genuine(by_gitea, key));
    by_gitea.headers["x-gitea-signature"] = "sha256=" + hex(HashKind::sha256, "{}");
    CHECK_FALSE(is_genuine(by_gitea, key));

    Webhook vercel = plain(EventSource::vercel, "{}");
    vercel.headers["x-vercel-signature"] = hex(HashKind::sha1, "{}");
    CHECK(is_genuine(vercel, key));
    vercel.headers["x-vercel-signature"] = hex(HashKind::sha256, "{}");
    CHECK_FALSE(is_genuine(vercel, key));

    Webhook railway = plain(EventSource::railway, "{}");
    CHECK_FALSE(is_genuine(railway, key));
    railway.path_secret = key.reveal();
    CHECK(is_genuine(railway, key));

    Webhook alerts = plain(EventSource::alertmanager, "{}");
    CHECK_FALSE(is_genuine(alerts, key));
    alerts.headers["authorization"] = "Bearer " + key.reveal();
    CHECK(is_genuine(alerts, key));
    alerts.headers["authorization"] = "Basic YW06YSBrZXkgb2Ygb3Vycw==";  // am:a key of ours
    CHECK(is_genuine(alerts, key));
    for (const char* sent : {"Basic ", "Basic ====", "Basic YW06", "Basic !!!!", "Bearer ",
                             "a key of ours", "Basic YW06YSBrZXkgb2Ygb3Vyc"}) {
        CAPTURE(sent);
        alerts.headers["authorization"] = sent;
        CHECK_FALSE(is_genuine(alerts, key));
    }
    CHECK_FALSE(is_genuine(plain(EventSource::tenant, "{}"), key));
}

TEST_CASE("the same body under another delivery id is the same event") {
    const auto first = read_webhook(from_github("push", R"({"after":"1"})", "d-1"));
    const auto replay = read_webhook(from_github("push", R"({"after":"1"})", "d-2"));
    const auto other = read_webhook(from_github("push", R"({"after":"2"})", "d-3"));
    REQUIRE(first.has_value());
    REQUIRE(replay.has_value());
    REQUIRE(other.has_value());
    const std::set<std::string> known(first->ids.begin(), first->ids.end());
    const auto seen = [&known](const std::string& id) { return known.contains(id); };
    CHECK(std::any_of(replay->ids.begin(), replay->ids.end(), seen));
    CHECK(std::none_of(other->ids.begin(), other->ids.end(), seen));
}

TEST_CASE("a captured body under another event header is the same delivery, or refused") {
    const std::string body = R"({"workflow_run":{"id":1},"package":{"name":"x"},"after":"1"})";
    const auto first = read_webhook(from_github("workflow_run", body, "d-0"));
    REQUIRE(first.has_value());
    for (int i = 0; i < 305; ++i) {
        const std::string name = i == 0   ? "push"
                                 : i == 1 ? "package"
                                          : "made_up_" + std::to_string(i);
        const auto replay = read_webhook(from_github(name, body, "d-" + std::to_string(i)));
        REQUIRE(replay.has_value());
        CHECK(replay->ids == first->ids);
    }
    // The same bytes signed for another source are another delivery.
    Webhook by_gitea = plain(EventSource::gitea, body);
    by_gitea.headers["x-gitea-event"] = "workflow_run";
    const auto gitea = read_webhook(by_gitea);
    REQUIRE(gitea.has_value());
    CHECK(gitea->ids != first->ids);
}

TEST_CASE("an event header that does not fit the body's shape is not trusted") {
    const std::string run = R"({"action":"completed","workflow_run":{"id":1}})";
    CHECK(read_webhook(from_github("workflow_run", run)).has_value());
    for (const std::string name : {"push", "package", "registry_package"}) {
        CAPTURE(name);
        CHECK(read_webhook(from_github(name, run)).has_error());
    }
    CHECK(read_webhook(from_github("workflow_run", R"({"workflow_run":"text"})")).has_error());
    const auto unknown = read_webhook(from_github("check_run", run));
    REQUIRE(unknown.has_value());
    CHECK(unknown->hints.empty());
}

TEST_CASE("headers that no signature covers make no old event of other senders new") {
    const std::vector<Webhook> hooks{
        plain(EventSource::vercel, R"({"type":"deployment.ready","id":"e1"})"),
        plain(EventSource::railway,
              R"({"type":"Deployment.failed","timestamp":"2026-05-06T18:00:00Z"})"),
        plain(EventSource::alertmanager,
              R"({"groupKey":"g","status":"firing","alerts":[{"fingerprint":"f"}]})")};
    for (const Webhook& hook : hooks) {
        CAPTURE(to_string(hook.source));
        const auto first = read_webhook(hook);
        Webhook replay = hook;
        for (const char* name : {"x-github-event", "x-github-delivery", "x-gitea-event",
                                 "x-gitea-delivery", "x-vercel-id", "user-agent", "date"}) {
            replay.headers[name] = "other";
        }
        const auto again = read_webhook(replay);
        REQUIRE(first.has_value());
        REQUIRE(again.has_value());
        CHECK(again->ids == first->ids);
    }
}

TEST_CASE("an event names the looks that it wakes") {
    const auto run = read_webhook(
        from_github("workflow_run", R"({"action":"completed","workflow_run":{"id":1}})"));
    REQUIRE(run.has_value());
    CHECK(wakes(*run, "forge_ci", "*"));
    CHECK(wakes(*run, "image_drift", "*"));

    const auto package = read_webhook(
        from_github("registry_package",
                    R"({"registry_package":{"name":"platform","namespace":"Molecule-AI"},
            "action":"published"})"));
    REQUIRE(package.has_value());
    CHECK(package->hints == std::vector<Hint>{{"image_drift", "molecule-ai/platform"}});
    const auto odd = read_webhook(
        from_github("package", R"({"package":{"name":"../../etc","namespace":"a b"}})"));
    REQUIRE(odd.has_value());
    CHECK(odd->hints == std::vector<Hint>{{"image_drift", "*"}});

    const auto canvas = read_webhook(
        plain(EventSource::vercel,
              R"({"type":"deployment.promoted","id":"e1","createdAt":1778000000000})"));
    REQUIRE(canvas.has_value());
    CHECK(canvas->hints == std::vector<Hint>{{"canvas", "*"}});
    CHECK(canvas->at == WallTime{Millis{1'778'000'000'000}});

    const auto railway =
        read_webhook(plain(EventSource::railway,
                           R"({"type":"Deployment.failed","details":{"status":"SUCCESS"},
            "resource":{"deployment":{"id":"x"}},"timestamp":"2026-05-06T18:00:00Z"})"));
    REQUIRE(railway.has_value());
    CHECK(wakes(*railway, "control_plane", "*"));

    const auto ping = read_webhook(from_github("ping", "{}"));
    REQUIRE(ping.has_value());
    CHECK(ping->hints.empty());
}

TEST_CASE("alerts say what to look at by their labels, and repeats are no news") {
    const auto body = [](const std::string& labels, const std::string& started) {
        return plain(
            EventSource::alertmanager,
            R"({"groupKey":"g","status":"firing","alerts":[{"status":"firing","labels":{)" +
                labels + R"(},"fingerprint":"f","startsAt":")" + started + "\"}]}");
    };
    const auto tenant = read_webhook(body(R"("tenant":"acme")", "t1"));
    REQUIRE(tenant.has_value());
    CHECK(wakes(*tenant, "tenant_health", "acme"));
    const auto hostile = read_webhook(body(R"("tenant":"../x")", "t1"));
    REQUIRE(hostile.has_value());
    CHECK(hostile->hints == std::vector<Hint>{{"control_plane", "*"}, {"canvas", "*"}});
    const auto exact = read_webhook(body(R"("leverd_probe":"http","leverd_target":"shop")", "t1"));
    REQUIRE(exact.has_value());
    CHECK(exact->hints == std::vector<Hint>{{"http", "shop"}});
    const auto again = read_webhook(body(R"("tenant":"acme")", "t1"));
    const auto anew = read_webhook(body(R"("tenant":"acme")", "t2"));
    CHECK(again->ids == tenant->ids);
    CHECK(anew->ids != tenant->ids);
}

TEST_CASE("what is no event is turned away without a word of it") {
    const std::string deep(5000, '[');
    for (const std::string& body : {std::string{}, std::string{"null"}, std::string{"[]"}, deep,
                                    std::string{"{\"a\":\xff}"}, std::string{"{}"}}) {
        CAPTURE(body);
        const auto event = read_webhook(plain(EventSource::vercel, body));
        REQUIRE(event.has_error());
        CHECK_FALSE(event.error().hint.empty());
    }
    const auto odd = read_webhook(plain(
        EventSource::vercel, R"({"type":"x","createdAt":-9223372036854775808,"id":{"a":[1]}})"));
    REQUIRE(odd.has_value());
    CHECK(odd->at == WallTime{});
    const auto wrong = read_webhook(
        plain(EventSource::alertmanager, R"({"alerts":[null,1,{"labels":5},[],{"labels":{}}]})"));
    REQUIRE(wrong.has_value());
}

TEST_CASE("events of a tenant wake the looks at that tenant") {
    EventScope scope;
    scope.tenant = "acme";
    CHECK(hints_for(EventSource::tenant, "ACTIVITY_LOGGED", scope) ==
          std::vector<Hint>{{"workspace_activity", "acme"}});
    CHECK(hints_for(EventSource::tenant, "WORKSPACE_HEARTBEAT", scope).empty());
    CHECK(hints_for(EventSource::tenant, "AGENT_MESSAGE", scope).empty());
    CHECK(hints_for(EventSource::github, "ACTIVITY_LOGGED", scope).empty());
}
