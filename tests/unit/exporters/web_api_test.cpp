// Why: every address answers what openapi.json promises, and refuses what it should.
#include "core/model/codec.hpp"
#include "exporters/web/assets.hpp"
#include "tests/catch.hpp"
#include "tests/unit/exporters/web_world.hpp"

#include <nlohmann/json.hpp>

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
    const std::map<std::string, std::string> values{{"{subject}", "tenant%2Facme"},
                                                    {"{incident}", "i-1"},
                                                    {"{decision}", "d-12"},
                                                    {"{kind}", "tenant_health"}};
    for (const auto& [hole, value] : values) {
        const auto at = path.find(hole);
        if (at != std::string::npos) {
            path.replace(at, hole.size(), value);
        }
    }
    return path == "/api/v1/why" ? path + "?subject=tenant%2Facme" : path;
}

std::string sample_body(const std::string& path) {
    return path == "/api/v1/stop" ? R"({"stopped":true,"why":"demo"})"
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
            const bool post = operation.key() == "post";
            const auto answer = ask(backend, root_access(),
                                    request(post ? "POST" : "GET", filled(path.key()),
                                            post ? sample_body(path.key()) : ""));
            CAPTURE(path.key(), answer.body);
            CHECK(answer.status == 200);
            const json& content = operation.value()["responses"]["200"]["content"];
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

TEST_CASE("a refusal of the backend reaches the caller") {
    FakeBackend backend;
    fill(backend);
    backend.refusal = Error{"the ledger could not be written", "check the disk"};
    const auto stop = request("POST", "/api/v1/stop", R"({"stopped":true,"why":"demo"})");
    CHECK(ask(backend, root_access(), stop).status == 503);
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
