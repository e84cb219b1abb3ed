// Why: reading fails closed. Whatever is not exactly what leverd writes is an error that names the
// place, because a default in its place could be consent to act.
#include "core/model/codec.hpp"
#include "tests/catch.hpp"
#include "tests/unit/model/examples.hpp"

#include <nlohmann/json.hpp>
#include <set>

#include <algorithm>

using namespace leverd;
using nlohmann::json;

namespace {

// Paths of every value inside `j`, as JSON pointers.
void collect(const json& j, const json::json_pointer& at, std::vector<json::json_pointer>& out) {
    if (j.is_object()) {
        for (const auto& item : j.items()) {
            out.push_back(at / item.key());
            collect(item.value(), at / item.key(), out);
        }
    } else if (j.is_array()) {
        for (std::size_t i = 0; i < j.size(); ++i) {
            out.push_back(at / i);
            collect(j[i], at / i, out);
        }
    }
}

// Maps of free names: an entry less or more in them is another value, not an error.
bool inside_map(const json::json_pointer& path) {
    const std::string parent = path.parent_pointer().back();
    return parent == "attributes" || parent == "facts" || parent == "params" || parent == "moves" ||
           parent == "results";
}

// Keys that ledgers of the first version do not have. What is read instead permits nothing: the
// first rung, an intent that undoes nothing, a stop that stays.
bool added_later(std::string_view kind, const json::json_pointer& path) {
    const std::string at = path.to_string();
    // A page had a key, a severity and two texts.
    static const std::set<std::string> of_page{"/key", "/severity", "/title", "/text"};
    if (kind == "page" && at.find('/', 1) == std::string::npos) {
        return !of_page.contains(at);
    }
    const auto one_of = [&at](std::initializer_list<std::string_view> keys) {
        return std::find(keys.begin(), keys.end(), at) != keys.end();
    };
    return (kind == "decision" && at == "/rung") ||
           (kind == "intent" && one_of({"/undoes", "/verify_timeout"})) ||
           (kind == "stop" && at == "/until") || (kind == "veto" && at == "/mute") ||
           (kind == "settled" && at == "/results") ||
           (kind == "started" && one_of({"/first", "/away", "/proven"}));
}

}  // namespace

TEST_CASE("a missing key of any kind of entry is named") {
    for (const EntryBody& body : test::example_bodies()) {
        const json whole = to_json(body);
        std::vector<json::json_pointer> paths;
        collect(whole, json::json_pointer(), paths);
        for (const auto& path : paths) {
            json changed = whole;
            json& parent = changed[path.parent_pointer()];
            if (!parent.is_object() ||
                (path.parent_pointer() != json::json_pointer() && inside_map(path)) ||
                added_later(entry_kind(body), path)) {
                continue;
            }
            parent.erase(path.back());
            const auto read = entry_from_json(entry_kind(body), changed.dump());
            CAPTURE(entry_kind(body), path.to_string());
            REQUIRE(read.has_error());
            CHECK(read.error().what.find("missing key") != std::string::npos);
            CHECK(read.error().what.find(path.back() + "\"") != std::string::npos);
            CHECK_FALSE(read.error().hint.empty());
        }
    }
}

TEST_CASE("what a ledger of the first version lacks is read as what permits nothing") {
    int lacking = 0;
    for (const EntryBody& body : test::example_bodies()) {
        json old = to_json(body);
        for (const char* key : {"rung", "undoes", "until"}) {
            if (added_later(entry_kind(body), json::json_pointer(std::string("/") + key))) {
                lacking += static_cast<int>(old.erase(key));
            }
        }
        const auto read = entry_from_json(entry_kind(body), old.dump());
        REQUIRE(read.has_value());
        if (const auto* decision = std::get_if<Decision>(&*read)) {
            CHECK(decision->rung == 1);
        } else if (const auto* intent = std::get_if<Intent>(&*read)) {
            CHECK(intent->undoes.empty());
        } else if (const auto* stop = std::get_if<StopSet>(&*read)) {
            CHECK(stop->stopped);
            CHECK(stop->until == Instant{});
        }
    }
    CHECK(lacking == 3);
}

TEST_CASE("a wrong type anywhere in any kind of entry is an error") {
    const std::vector<json> values{
        nullptr, true, 1, 1.5, "text", json::array({1}), json::object({{"x", 1}})};
    for (const EntryBody& body : test::example_bodies()) {
        const json whole = to_json(body);
        std::vector<json::json_pointer> paths;
        collect(whole, json::json_pointer(), paths);
        for (const auto& path : paths) {
            for (const json& value : values) {
                json changed = whole;
                changed[path] = value;
                const bool same_type = value.type() == whole[path].type() ||
                                       (value.is_number() && whole[path].is_number());
                if (same_type) {
                    continue;
                }
                CAPTURE(entry_kind(body), path.to_string(), value.dump());
                CHECK(entry_from_json(entry_kind(body), changed.dump()).has_error());
            }
        }
    }
}

TEST_CASE("what reading refuses, and how it says so") {
    struct Row {
        const char* kind;
        const char* text;
        const char* what;
    };
    const std::vector<Row> rows{
        {"no_such", "{}", "ledger entry of kind \"no_such\": unknown kind"},
        {"", "{}", "ledger entry of kind \"\": unknown kind"},
        {"config", "", "ledger entry of kind \"config\": not valid JSON at byte 1"},
        {"config", "[]", "ledger entry of kind \"config\": must be an object"},
        {"config", "{}", "ledger entry of kind \"config\": missing key \"hash\""},
        {"config", "{\"hash\":1}",
         "ledger entry of kind \"config\": key \"hash\" must be a string"},
        {"config", "{\"hash\":\"a\",\"hash\":\"b\"}",
         "ledger entry of kind \"config\": repeated key \"hash\""},
        {"config", "{\"hash\":\"a\",\"new\":1}",
         "ledger entry of kind \"config\": unknown key \"new\""},
        {"observer", "{\"trusted\":1,\"why\":\"\"}",
         "ledger entry of kind \"observer\": key \"trusted\" must be true or false"},
        {"settled", "{\"intent\":\"\",\"took\":\"maybe\",\"detail\":\"\"}",
         "ledger entry of kind \"settled\": key \"took\" has the unknown value \"maybe\""},
        {"settled", "{\"intent\":\"\",\"took\":\"invalid\",\"detail\":\"\"}",
         "ledger entry of kind \"settled\": key \"took\" has the unknown value \"invalid\""},
        {"settled", "{\"intent\":\"\",\"took\":\"Yes\",\"detail\":\"\"}",
         "ledger entry of kind \"settled\": key \"took\" has the unknown value \"Yes\""},
        {"started",
         "{\"version\":\"\",\"config_hash\":\"\",\"boot_id\":\"\","
         "\"boottime_ms\":9223372036854775808}",
         "ledger entry of kind \"started\": key \"boottime_ms\" must be a 64-bit integer"},
        {"started", "{\"version\":\"\",\"config_hash\":\"\",\"boot_id\":\"\",\"boottime_ms\":1.0}",
         "ledger entry of kind \"started\": key \"boottime_ms\" must be a 64-bit integer"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.kind, row.text);
        const auto read = entry_from_json(row.kind, row.text);
        REQUIRE(read.has_error());
        CHECK(read.error().what == row.what);
    }
}

TEST_CASE("nested places are named in full") {
    json decision = to_json(test::example_bodies()[10]);
    decision["guards"][1]["pass"] = "yes";
    const auto read = entry_from_json("decision", decision.dump());
    REQUIRE(read.has_error());
    CHECK(read.error().what ==
          "ledger entry of kind \"decision\": key \"guards[1].pass\" must be true or false");
}

TEST_CASE("an unknown reason or mode is an error, never the first one") {
    json observed = to_json(test::example_bodies()[2]);
    observed["observation"]["reason"] = "all_fine";
    CHECK(entry_from_json("observation", observed.dump()).has_error());
    json decision = to_json(test::example_bodies()[10]);
    decision["mode"] = "automatic";
    CHECK(entry_from_json("decision", decision.dump()).has_error());
    decision["mode"] = "";
    CHECK(entry_from_json("decision", decision.dump()).has_error());
}

TEST_CASE("a value outside its enumeration is written so that it cannot be read") {
    Decision decision;
    decision.mode = static_cast<Mode>(77);
    const std::string text = dump(to_json(EntryBody{decision}));
    CHECK(entry_from_json("decision", text).has_error());
}
