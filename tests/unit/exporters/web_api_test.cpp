// Why: every address answers what openapi.json promises, and refuses what it should.
#include "core/model/codec.hpp"
#include "exporters/web/assets.hpp"
#include "tests/catch.hpp"
#include "tests/unit/exporters/web_world.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>

using namespace web_world;
using nlohmann::json;

namespace {

json body_of(const exporters::web::Response& response) {
    const auto parsed = parse_json(response.body);
    REQUIRE(parsed.has_value());
    return *parsed;
}

json get(FakeBackend& backend, const std::string& target) {
    const auto answer = ask(backend, root_access(), request("GET", target));
    CAPTURE(target, answer.body);
    REQUIRE(answer.status == 200);
    return body_of(answer);
}

const json& document() {
    static const json doc = *parse_json(exporters::web::openapi_document());
    return doc;
}

bool type_fits(const std::string& type, const json& value) {
    return (type == "string" && value.is_string()) || (type == "null" && value.is_null()) ||
           (type == "integer" && value.is_number_integer()) ||
           (type == "number" && value.is_number()) || (type == "boolean" && value.is_boolean()) ||
           (type == "object" && value.is_object()) || (type == "array" && value.is_array());
}

// The part of JSON Schema that the document uses. Empty: it fits; else where it does not.
std::string misfit(const json& schema, const json& value, const std::string& where) {
    if (schema.contains("$ref")) {
        const std::string pointer = schema["$ref"].get<std::string>().substr(1);
        return misfit(document().at(json::json_pointer(pointer)), value, where);
    }
    if (schema.contains("anyOf")) {
        std::string last;
        for (const json& option : schema["anyOf"]) {
            last = misfit(option, value, where);
            if (last.empty()) {
                return {};
            }
        }
        return last;
    }
    for (const json& part : schema.value("allOf", json::array())) {
        const std::string problem = misfit(part, value, where);
        if (!problem.empty()) {
            return problem;
        }
    }
    if (schema.contains("type")) {
        const json types = schema["type"].is_array() ? schema["type"] : json{schema["type"]};
        bool fits = false;
        for (const json& type : types) {
            fits = fits || type_fits(type.get<std::string>(), value);
        }
        if (!fits) {
            return where + ": wrong type, " + value.dump();
        }
    }
    if (schema.contains("enum") &&
        std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end()) {
        return where + ": not one of the words, " + value.dump();
    }
    for (const json& key : schema.value("required", json::array())) {
        if (!value.contains(key.get<std::string>())) {
            return where + ": misses " + key.get<std::string>();
        }
    }
    if (value.is_object() && schema.contains("properties")) {
        for (const auto& item : schema["properties"].items()) {
            if (value.contains(item.key())) {
                const std::string problem =
                    misfit(item.value(), value[item.key()], where + "." + item.key());
                if (!problem.empty()) {
                    return problem;
                }
            }
        }
    }
    if (value.is_array() && schema.contains("items")) {
        for (const json& item : value) {
            const std::string problem = misfit(schema["items"], item, where + "[]");
            if (!problem.empty()) {
                return problem;
            }
        }
    }
    return {};
}

std::string filled(std::string path) {
    const std::map<std::string, std::string> values{
        {"{subject}", "tenant%2Facme"}, {"{incident}", "i-1"}, {"{decision}", "d-12"},
        {"{kind}", "tenant_health"},    {"{veto}", "v-1"},     {"{heartbeat}", "nightly"},
        {"{source}", "alertmanager"},   {"{secret}", "key"},   {"{intent}", "x-1"},
        {"{lever}", "tenant-redeploy"}, {"{sink}", "pager"}};
    for (const auto& [hole, value] : values) {
        const auto at = path.find(hole);
        if (at != std::string::npos) {
            path.replace(at, hole.size(), value);
        }
    }
    return path == "/api/v1/why" ? path + "?subject=tenant%2Facme" : path;
}

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

std::string sample_body(const std::string& path) {
    const std::map<std::string, std::string> special{
        {"/api/v1/stop", R"({"stopped":true,"why":"demo","for":"1h"})"},
        {"/api/v1/vetoes", R"({"subjects":"tenant/*","for":"2h","why":"demo"})"},
        {"/api/v1/incidents/{incident}/acknowledge", R"({"why":"recreated it"})"},
        {"/api/v1/vetoes/{veto}", R"({"why":"over"})"},
        {"/api/v1/ledger/accept", R"({"why":"restored on purpose"})"},
        {"/api/v1/levers/{lever}/fire",
         R"({"subject":"tenant/acme","why":"demo","confirm":"acme","dry_run":true})"},
        {"/events/railway/{secret}", R"({"type":"Deployment.failed"})"}};
    const auto found = special.find(path);
    return found != special.end() ? found->second
                                  : R"({"hash":"abc123","why":"demo","target":"acme"})";
}

}  // namespace

TEST_CASE("every documented address answers as documented") {
    for (const auto& path : document()["paths"].items()) {
        for (const auto& operation : path.value().items()) {
            FakeBackend backend;
            fill(backend);
            backend.write(asking_decision());
            backend.write(SymptomRaised{"tenant-unreachable", Subject("tenant/acme"), "refused"});
            hold_everything(backend);
            give_ladder(backend);
            backend.book.policies.policies[0].mode = Mode::approve;  // d-12 still waits
            const bool change = operation.key() != "get";
            for (const auto source :
                 {stack::EventSource::alertmanager, stack::EventSource::railway}) {
                backend.event_secrets[source] = Secret{"key"};
            }
            auto asked = request(upper(operation.key()), filled(path.key()),
                                 change ? sample_body(path.key()) : "");
            asked.headers["authorization"] = "Bearer key";
            const auto answer = ask(backend, root_access(), asked);
            CAPTURE(path.key(), answer.body);
            const json& responses = operation.value()["responses"];
            const char* good = responses.contains("202") ? "202" : "200";
            CHECK(answer.status == std::stoi(good));
            const json& content = responses[good]["content"];
            const std::string type = content.begin().key();
            CHECK(answer.content_type.substr(0, type.size()) == type);
            if (type == "application/json") {
                CHECK(misfit(content[type]["schema"], body_of(answer), "") == "");
            }
        }
    }
}

TEST_CASE("every list of the API has something in it here, so that the shapes above were checked") {
    FakeBackend backend;
    fill(backend);
    CHECK(get(backend, "/api/v1/incidents")["incidents"].size() == 3);
    CHECK(get(backend, "/api/v1/incidents?open=1")["incidents"].size() == 2);
    CHECK(get(backend, "/api/v1/subjects")["subjects"].size() == 4);
    CHECK(get(backend, "/api/v1/subjects?kind=tenant")["subjects"].size() == 3);
    CHECK(get(backend, "/api/v1/subjects?bad=1")["subjects"].size() == 2);
    CHECK(get(backend, "/api/v1/symptoms")["symptoms"].size() == 1);
    hold_everything(backend);
    give_ladder(backend);
    CHECK(get(backend, "/api/v1/vetoes")["vetoes"].size() == 1);
    const json overview = get(backend, "/api/v1/overview");
    CHECK(overview["incidents"].size() == 3);
    CHECK(overview["subjects"].size() == 2);
    const json& status = overview["status"];
    CHECK(status["vetoes"].size() == 1);
    CHECK(status["flapping"].size() == 1);
    CHECK(status["windows"].size() == 1);
    CHECK(status["autonomy"].size() == 1);
    CHECK(get(backend, "/api/v1/incidents/i-1")["rungs"].size() == 2);
    CHECK(get(backend, "/api/v1/levers")["levers"][0]["proof"].size() == 1);
    CHECK(get(backend, "/api/v1/policies")["policies"].size() == 1);
}

TEST_CASE("wrong addresses, methods and parameters are refused with a next step") {
    struct Row {
        std::string method;
        std::string target;
        int status;
        std::string hint;
    };
    const std::vector<Row> rows{
        {"GET", "/nope", 404, "openapi.json"},
        {"GET", "/api/v1/subjects/", 404, "openapi.json"},
        {"GET", "/api/v1/subjects/a/b", 404, "openapi.json"},
        {"GET", "/api/v1/subjects/tenant%2Facmee", 404, "tenant/acme"},
        {"GET", "/api/v1/subjects/tenant%2", 404, "openapi.json"},
        {"GET", "/api/v1/why", 400, "subject="},
        {"GET", "/api/v1/why?subject=x", 404, "/api/v1/subjects"},
        {"GET", "/api/v1/why?subject=a&subject=b", 400, "once"},
        {"GET", "/api/v1/why?subject=%zz", 400, "percent-encode"},
        {"GET", "*", 400, "percent-encode"},
        {"GET", "/../etc/passwd", 404, "openapi.json"},
        {"GET", "/api/v1/incidents/i-9", 404, "i-"},
        {"GET", "/api/v1/decisions/d-9", 404, "/api/v1/decisions"},
        {"GET", "/api/v1/ledger?after=-1", 400, "limit"},
        {"GET", "/api/v1/ledger?limit=1001", 400, "limit"},
        {"GET", "/api/v1/ledger?limit=0", 400, "limit"},
        {"GET", "/api/v1/ledger?after=99999999999999999999", 400, "limit"},
        {"GET", "/api/v1/ledger?after=1x", 400, "limit"},
        {"POST", "/api/v1/status", 405, "GET, HEAD"},
        {"DELETE", "/", 405, "GET, HEAD"},
        {"GET", "/api/v1/stop", 405, "POST"},
        {"OPTIONS", "/-/reload", 405, "POST"},
        {"POST", "/api/v1/stop", 400, "stopped"},
        {"PUT", "/api/v1/vetoes", 405, "GET, HEAD, POST"},
        {"GET", "/api/v1/vetoes/v-1", 405, "DELETE"},
        {"DELETE", "/api/v1/vetoes", 405, "POST"},
        {"DELETE", "/api/v1/vetoes/v-1", 400, "why"},
        {"POST", "/api/v1/probes/nope/run", 422, "tenant_health"},
    };
    for (const Row& row : rows) {
        FakeBackend backend;
        fill(backend);
        const auto answer = ask(backend, root_access(), request(row.method, row.target));
        CAPTURE(row.method, row.target, answer.body);
        CHECK(answer.status == row.status);
        const json body = body_of(answer);
        CHECK(body["error"].get<std::string>() != "");
        CHECK(body["hint"].get<std::string>().find(row.hint) != std::string::npos);
        CHECK(backend.changes.empty());
    }
}

TEST_CASE("a loss is acknowledged with a reason and a name, and a sink is tried by its id") {
    FakeBackend backend;
    fill(backend);
    SinkReport pager;
    pager.sink = "pager";
    backend.sinks = {pager};
    const std::string target = "/api/v1/incidents/i-1/acknowledge";
    CHECK(ask(backend, root_access(), request("POST", target, "{}")).status == 400);
    CHECK(ask(backend, root_access(), request("POST", target, R"({"why":"x","y":"z"})")).status ==
          400);
    CHECK(backend.changes.empty());
    CHECK(ask(backend, root_access(), request("POST", target, R"({"why":"made anew"})")).status ==
          200);
    CHECK(backend.changes == std::vector<Change>{Change{"ack i-1", "root", "made anew", true}});
    const auto tried = ask(backend, root_access(), request("POST", "/api/v1/sinks/pager/test"));
    CHECK(body_of(tried)["answer"] == "accepted: 200 in 3 ms");
    backend.refusal = Error{"sink 'pager' did not accept it: 401", "check its secret"};
    CHECK(ask(backend, root_access(), request("POST", "/api/v1/sinks/pager/test")).status == 502);
    CHECK(ask(backend, root_access(), request("POST", "/api/v1/sinks/pagr/test")).status == 404);
    CHECK(ask(backend, root_access(), request("POST", target, R"({"why":"made anew"})")).status ==
          409);
    CHECK(ask(backend, root_access(),
              request("POST", "/api/v1/incidents/i-99/acknowledge", R"({"why":"made anew"})"))
              .status == 404);
}

TEST_CASE("status says which pages are not delivered") {
    FakeBackend backend;
    CHECK(get(backend, "/api/v1/status")["pages"]["undelivered"].empty());
    SinkReport down;
    down.sink = "pager";
    down.undelivered = 2;
    down.oldest = backend.time;
    down.oldest->at -= Millis{90'000};
    down.key = "i-7";
    down.problem = "503 in 4 ms";
    backend.sinks = {down};
    CHECK(get(backend, "/api/v1/status")["pages"]["undelivered"] ==
          json::array({"2 pages are not delivered to sink pager, the oldest (i-7) has waited "
                       "for 90s: 503 in 4 ms. Next: leverd notify test pager, then mend the sink's "
                       "url, secret or receiver"}));
}

TEST_CASE("an approval is bound to what the person saw") {
    struct Row {
        std::string name;
        std::string id = "d-12";
        std::string body;
        int status = 200;
    };
    const std::vector<Row> rows{
        {"all is well", "d-12", R"({"hash":"abc123","why":"demo"})", 200},
        {"the situation moved on", "d-12", R"({"hash":"old","why":"demo"})", 409},
        {"no reason", "d-12", R"({"hash":"abc123"})", 400},
        {"no hash", "d-12", R"({"why":"demo"})", 400},
        {"hash of a wrong type", "d-12", R"({"hash":1,"why":"demo"})", 400},
        {"unknown decision", "d-13", R"({"hash":"abc123","why":"demo"})", 404},
        {"not JSON", "d-12", "hash=abc123", 400},
        {"a list", "d-12", "[]", 400},
        {"deep", "d-12", std::string(1000, '[') + std::string(1000, ']'), 400},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        FakeBackend backend;
        fill(backend);
        const std::string target = "/api/v1/decisions/" + row.id + "/approve";
        const auto answer = ask(backend, root_access(), request("POST", target, row.body));
        CHECK(answer.status == row.status);
        const std::vector<Change> expected{Change{"answer d-12", "root", "demo", true}};
        CHECK(backend.changes == (row.status == 200 ? expected : std::vector<Change>{}));
    }
}

TEST_CASE("a decision waits only while it is open, unanswered and not too old") {
    const std::string target = "/api/v1/decisions/d-12/reject";
    const std::string body = R"({"hash":"abc123","why":"no"})";
    FakeBackend backend;
    fill(backend);
    CHECK(get(backend, "/api/v1/decisions?pending=1")["decisions"].size() == 1);

    SECTION("answered") {
        backend.held.incidents["i-1"].approval = Approval{"d-12", "abc123", true, "root", "yes"};
    }
    SECTION("too old") {
        backend.time.at += backend.book.policies.policies[0].limits.approval_ttl;
    }
    SECTION("over") {
        backend.held.incidents["i-1"].phase = IncidentPhase::closed;
    }
    SECTION("not a question") {
        backend.held.incidents["i-1"].decision->action = Action::hold;
    }
    CHECK(get(backend, "/api/v1/decisions?pending=1")["decisions"].empty());
    CHECK(ask(backend, root_access(), request("POST", target, body)).status == 409);
    CHECK(backend.changes.empty());
}

TEST_CASE("a veto says who, what, why and until when, or it is not taken") {
    struct Row {
        std::string name;
        std::string body;
        int status = 200;
        std::string says;
    };
    const std::vector<Row> rows{
        {"all is well", R"({"subjects":"tenant/*","for":"2h","why":"demo"})", 200,
         R"("until":"2026-05-06T20:10:00.000Z")"},
        {"for ever, but spelled", R"({"subjects":"*","for":"forever","why":"demo"})", 200,
         R"("until":null)"},
        {"one lever", R"({"subjects":"**","for":"1s","why":"d","lever":"tenant-redeploy"})", 200,
         R"("matches":4)"},
        {"nothing that leverd sees", R"({"subjects":"tenant/x","for":"1s","why":"d"})", 200,
         R"("matches":0)"},
        {"no end", R"({"subjects":"tenant/*","why":"demo"})", 400, "forever"},
        {"no reason", R"({"subjects":"tenant/*","for":"2h"})", 400, "needed"},
        {"no subjects", R"({"for":"2h","why":"demo"})", 400, "needed"},
        {"a slip in a key", R"({"subjects":"*","fro":"2h","for":"2h","why":"d"})", 400,
         "did you mean 'for'"},
        {"a duration of no unit", R"({"subjects":"*","for":"2","why":"demo"})", 400, "2h"},
        {"no time at all", R"({"subjects":"*","for":"0s","why":"demo"})", 400, "1s to 365d"},
        {"too long", R"({"subjects":"*","for":"366d","why":"demo"})", 400, "1s to 365d"},
        {"a number", R"({"subjects":"*","for":7200,"why":"demo"})", 400, "must be text"},
        {"a lever of a wrong type", R"({"subjects":"*","for":"2h","why":"d","lever":[]})", 400,
         "must be text"},
        {"a lever that is none",
         R"({"subjects":"*","for":"2h","why":"d","lever":"tenant-redeplo"})", 400,
         "did you mean 'tenant-redeploy'"},
        {"no subject", R"({"subjects":"ten ant","for":"2h","why":"d"})", 400, "subjects must be"},
        {"not JSON", "x", 400, "JSON"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        FakeBackend backend;
        fill(backend);
        const auto answer =
            ask(backend, root_access(), request("POST", "/api/v1/vetoes", row.body));
        CAPTURE(answer.body);
        CHECK(answer.status == row.status);
        CHECK(answer.body.find(row.says) != std::string::npos);
        CHECK(backend.held.vetoes.size() == (row.status == 200 ? 1U : 0U));
        CHECK((row.status != 200 || backend.changes.at(0).who == "root"));
    }
}

TEST_CASE("a veto is lifted by its name, once, with a reason, and an old one is not shown") {
    FakeBackend backend;
    fill(backend);
    hold_everything(backend);
    const std::string target = "/api/v1/vetoes/v-1";
    CHECK(ask(backend, root_access(), request("DELETE", target, R"({"whi":"x"})")).status == 400);
    CHECK(backend.held.vetoes.size() == 1);
    auto reader = root_access();
    reader.uid = 4242;
    reader.own_uid = 1;
    CHECK(ask(backend, reader, request("DELETE", target, R"({"why":"x"})")).status == 403);
    CHECK(ask(backend, reader, request("GET", "/api/v1/vetoes")).status == 200);
    CHECK(ask(backend, root_access(), request("DELETE", target, R"({"why":"x"})")).status == 200);
    CHECK(ask(backend, root_access(), request("DELETE", target, R"({"why":"x"})")).status == 404);
    const std::vector<Change> expected{Change{"lift v-1", "root", "x", true}};
    CHECK(backend.changes == expected);

    hold_everything(backend);
    backend.time.at = backend.held.vetoes["v-1"].set.until;
    CHECK(get(backend, "/api/v1/vetoes")["vetoes"].empty());
}

TEST_CASE("vetoes are capped") {
    FakeBackend backend;
    fill(backend);
    for (int i = 0; i < 200; ++i) {
        backend.held.vetoes["w-" + std::to_string(i)] = Veto{};
    }
    const auto one = request("POST", "/api/v1/vetoes", R"({"subjects":"*","for":"1h","why":"x"})");
    CHECK(ask(backend, root_access(), one).status == 409);
    backend.held.vetoes.erase("w-0");
    CHECK(ask(backend, root_access(), one).status == 200);
}

TEST_CASE("the stop switch may have an end, and a slip in its key never makes it last for ever") {
    struct Row {
        std::string body;
        int status = 200;
        Millis lasts{0};
    };
    const std::vector<Row> rows{
        {R"({"stopped":true,"why":"x"})", 200, Millis{0}},
        {R"({"stopped":true,"why":"x","for":"forever"})", 200, Millis{0}},
        {R"({"stopped":true,"why":"x","for":"90m"})", 200, Millis{5'400'000}},
        {R"({"stopped":true,"why":"x","fro":"90m"})", 400, Millis{0}},
        {R"({"stopped":true,"why":"x","for":"90"})", 400, Millis{0}},
        {R"({"stopped":true,"why":"x","for":90})", 400, Millis{0}},
        {R"({"stopped":false,"why":"x","for":"90m"})", 400, Millis{0}},
    };
    for (const Row& row : rows) {
        CAPTURE(row.body);
        FakeBackend backend;
        const auto answer = ask(backend, root_access(), request("POST", "/api/v1/stop", row.body));
        CHECK(answer.status == row.status);
        CHECK(backend.held.stop.stopped == (row.status == 200));
        const Instant until = row.lasts > Millis{0} ? backend.time.at + row.lasts : Instant{};
        CHECK(backend.held.stop.until == until);
    }
}

TEST_CASE("a refusal of the backend reaches the caller") {
    FakeBackend backend;
    fill(backend);
    backend.refusal = Error{"the ledger could not be written", "check the disk"};
    const auto stop = request("POST", "/api/v1/stop", R"({"stopped":true,"why":"demo"})");
    CHECK(ask(backend, root_access(), stop).status == 503);
    const auto veto = request("POST", "/api/v1/vetoes", R"({"subjects":"*","for":"1h","why":"x"})");
    CHECK(ask(backend, root_access(), veto).status == 503);
    hold_everything(backend);
    const auto lift = request("DELETE", "/api/v1/vetoes/v-1", R"({"why":"x"})");
    CHECK(ask(backend, root_access(), lift).status == 503);
    CHECK(ask(backend, root_access(), request("POST", "/-/reload")).status == 422);
    CHECK(ask(backend, root_access(), request("GET", "/api/v1/ledger")).status == 503);
    const auto answer = ask(backend, root_access(), stop);
    CHECK(body_of(answer)["hint"] == "check the disk");
}

TEST_CASE("health addresses say one line and the right status") {
    FakeBackend backend;
    CHECK(ask(backend, root_access(), request("GET", "/-/ready")).status == 200);
    backend.fit = {false, "no look has ended yet\nInjected: header"};
    const auto answer = ask(backend, root_access(), request("GET", "/-/ready"));
    CHECK(answer.status == 503);
    CHECK(std::count(answer.body.begin(), answer.body.end(), '\n') == 1);
    backend.alive = {false, "stuck"};
    CHECK(ask(backend, root_access(), request("GET", "/-/healthy")).status == 503);
}

TEST_CASE("the last looks of a probe can be read, of one subject or of all") {
    FakeBackend backend;
    fill(backend);
    CHECK(get(backend, "/api/v1/probes")["probes"][0]["probe"] == "tenant_health");
    const json all = get(backend, "/api/v1/probes/tenant_health/results");
    CHECK(all["results"].size() > 1);
    const json one = get(backend, "/api/v1/probes/tenant_health/results?subject=tenant%2Facme");
    REQUIRE(one["results"].size() == 1);
    CHECK(one["results"][0]["subject"] == "tenant/acme");
    CHECK(one["results"][0]["answer"]["status"] == 502);
    CHECK(one["results"][0]["answer"]["phases"]["header"] == 31);
    CHECK(get(backend, "/api/v1/probes/tenant_health/results?limit=1")["results"].size() == 1);
    const auto status = [&backend](const std::string& target) {
        return ask(backend, root_access(), request("GET", target)).status;
    };
    CHECK(status("/api/v1/probes/nothing/results") == 404);
    CHECK(status("/api/v1/probes/tenant_health/results?limit=many") == 400);
}
