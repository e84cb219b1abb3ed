// Why: the table of wire-contracts 2.6. A missed failure lets a broken agent pass as healthy; a
// provider fault read as an agent fault deletes a workspace for nothing.
#include "core/stack/tenant.hpp"
#include "tests/catch.hpp"
#include "tests/unit/probes/fake_http.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace leverd;
using nlohmann::json;
using stack::AnswerKind;

namespace {

json row_with(const std::string& status, json body) {
    json row{{"id", "1"}, {"activity_type", "a2a_receive"}, {"status", status}};
    row["response_body"] = std::move(body);
    return row;
}

json v0(const std::string& text) {
    json part{{"kind", "text"}, {"text", text}};
    json body;
    body["result"]["parts"] = json::array({part});
    return body;
}

json v1_artifact(const std::string& text) {
    json part{{"text", text}};
    json artifact;
    artifact["parts"] = json::array({part});
    json body;
    body["result"]["artifacts"] = json::array({artifact});
    return body;
}

json v1_status(const std::string& text) {
    json part{{"text", text}};
    json body;
    body["result"]["status"]["message"]["parts"] = json::array({part});
    return body;
}

AnswerKind classify(const json& row) {
    std::string failure;
    return stack::classify_activity(row, failure);
}

net::HttpRequest activity_request() {
    net::HttpRequest request;
    request.url = "https://acme.test/workspaces/x/activity";
    return request;
}

}  // namespace

TEST_CASE("failure texts hidden in ok rows are found on every path") {
    struct Row {
        const char* text;
        AnswerKind kind;
    };
    const std::vector<Row> rows{
        {"Agent error (RuntimeError) \xE2\x80\x94 see workspace logs for details.",
         AnswerKind::agent_fault},
        {"Agent error (rate_limited) \xE2\x80\x94 see workspace logs for details.",
         AnswerKind::provider_fault},
        {"Agent error (auth_failed) \xE2\x80\x94 see workspace logs for details.",
         AnswerKind::provider_fault},
        {"Agent error (session_error) \xE2\x80\x94 see workspace logs.", AnswerKind::agent_fault},
        {"Agent error (exit_137) \xE2\x80\x94 see workspace logs.", AnswerKind::agent_fault},
        {"Agent error (subprocess_error) \xE2\x80\x94 see logs.", AnswerKind::agent_fault},
        {"Agent error (unknown) \xE2\x80\x94 see workspace logs.", AnswerKind::agent_fault},
        {"Agent error (RateLimitError) \xE2\x80\x94 see logs.", AnswerKind::provider_fault},
        {"Agent error: list index out of range", AnswerKind::agent_fault},
        {"Agent error: Invalid API key provided", AnswerKind::provider_fault},
        {"  \nAgent error: KeyError", AnswerKind::agent_fault},
        {"[hermes-agent error 401] nope", AnswerKind::provider_fault},
        {"[hermes-agent error 429] slow down", AnswerKind::provider_fault},
        {"[hermes-agent error 500] boom", AnswerKind::agent_fault},
        {"hermes-agent unreachable: connection refused", AnswerKind::agent_fault},
        {"Invalid API key", AnswerKind::provider_fault},
        {"Error code: 404 - model_not_found", AnswerKind::provider_fault},
        {"Unknown provider 'foo'", AnswerKind::provider_fault},
        {"Encrypted content is not supported with this model", AnswerKind::provider_fault},
        {"[A2A_ERROR] peer did not answer", AnswerKind::agent_fault},
        {"Control request timeout: initialize", AnswerKind::clean},
        {"Agent error: Control request timeout: initialize", AnswerKind::agent_fault},
        {"Here is your answer.", AnswerKind::clean},
        {"I looked for 'Agent error (' in your logs and found none.", AnswerKind::clean},
        {"", AnswerKind::clean},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(classify(row_with("ok", v0(row.text))) == row.kind);
        CHECK(classify(row_with("ok", v1_artifact(row.text))) == row.kind);
        CHECK(classify(row_with("ok", v1_status(row.text))) == row.kind);
        CHECK(classify(row_with("ok", json(v0(row.text).dump()))) == row.kind);
    }
}

TEST_CASE("a long text about an API key is a conversation and not a failure") {
    const std::string essay = std::string(400, 'a') + " Invalid API key " + std::string(50, 'b');
    CHECK(classify(row_with("ok", v0(essay))) == AnswerKind::clean);
}

TEST_CASE("the status column and JSON-RPC errors are failures too") {
    json transport = row_with("error", nullptr);
    transport["error_detail"] = "dial tcp 10.0.0.1:8000: connect: connection refused";
    CHECK(classify(transport) == AnswerKind::agent_fault);
    CHECK(classify(row_with("error", nullptr)) == AnswerKind::agent_fault);
    CHECK(classify(row_with("timeout", nullptr)) == AnswerKind::unanswered);
    CHECK(classify(row_with("timeout", v0("Agent error: late"))) == AnswerKind::agent_fault);
    CHECK(classify(row_with("error", v0("Agent error (auth_failed) x"))) ==
          AnswerKind::provider_fault);

    const json rpc{{"jsonrpc", "2.0"},
                   {"error", {{"code", -32603}, {"message", "Internal error"}}}};
    CHECK(classify(row_with("ok", rpc)) == AnswerKind::agent_fault);
    const json limited{{"error", {{"code", 1}, {"message", "provider rate limit reached"}}}};
    CHECK(classify(row_with("ok", limited)) == AnswerKind::provider_fault);
    const json fine{{"error", nullptr}, {"result", {{"parts", json::array()}}}};
    CHECK(classify(row_with("ok", fine)) == AnswerKind::clean);
}

TEST_CASE("odd shapes never throw and count as clean") {
    const std::vector<std::string> bodies{"null",
                                          "1",
                                          "[]",
                                          "\"text\"",
                                          "{}",
                                          R"({"result":null})",
                                          R"({"result":[]})",
                                          R"({"result":{"parts":{}}})",
                                          R"({"result":{"parts":[1,null,{"text":5}]}})",
                                          R"({"result":{"artifacts":[[],{"parts":"x"}]}})",
                                          R"({"result":{"status":"done"}})",
                                          R"({"result":{"status":{"message":"x"}}})"};
    for (const auto& body : bodies) {
        CAPTURE(body);
        CHECK(classify(row_with("ok", json::parse(body))) == AnswerKind::clean);
    }
}

TEST_CASE("rows come out oldest first, once each, whatever the order was") {
    const auto row = [](const char* id, const char* at) {
        return fmt::format(R"({{"id":"{}","activity_type":"a2a_receive","status":"ok",)"
                           R"("created_at":"{}"}})",
                           id, at);
    };
    const std::string a = row("a", "2026-05-06T17:50:00Z");
    const std::string b = row("b", "2026-05-06T17:51:00.5+00:00");
    const std::string c = row("c", "2026-05-06T17:51:00.5Z");
    const std::string d = row("d", "2026-05-06T17:52:00Z");
    const std::string desc = "[" + d + "," + c + "," + b + "," + a + "," + a + "]";
    const std::string asc = "[" + a + "," + b + "," + c + "," + d + "," + d + "]";
    for (const auto& body : {desc, asc}) {
        const auto rows = stack::parse_activity(activity_request(), test::json_answer(200, body));
        REQUIRE(rows.has_value());
        std::string order;
        for (const auto& parsed : *rows) {
            order += parsed.id;
        }
        CHECK(order == "abcd");
    }
}

TEST_CASE("only finished a2a_receive rows are requests") {
    const auto request_flag = [](const std::string& fields) {
        const std::string body = R"([{"id":"1",)" + fields + "}]";
        const auto rows = stack::parse_activity(activity_request(), test::json_answer(200, body));
        return rows.has_value() && rows->size() == 1 && rows->front().request;
    };
    CHECK(request_flag(R"("activity_type":"a2a_receive","status":"ok","response_body":{})"));
    CHECK(request_flag(R"("activity_type":"a2a_receive","status":"ERROR")"));
    CHECK_FALSE(request_flag(R"("activity_type":"a2a_send","status":"ok")"));
    CHECK_FALSE(request_flag(R"("activity_type":"a2a_receive","status":"pending")"));
    CHECK_FALSE(request_flag(R"("activity_type":"a2a_receive")"));
    for (const char* word : {"queued", "busy", "restarting", "waking"}) {
        CAPTURE(word);
        CHECK_FALSE(request_flag(fmt::format(
            R"("activity_type":"a2a_receive","status":"error","response_body":{{"{}":true}})",
            word)));
    }
}

TEST_CASE("rows that are not about this agent's answers count neither for nor against it") {
    const std::string own = "11111111-1111-4111-8111-111111111111";
    const std::string peer = "22222222-2222-4222-8222-222222222222";
    const auto read = [](const json& row) {
        const auto rows = stack::parse_activity(activity_request(),
                                                test::json_answer(200, json::array({row}).dump()));
        REQUIRE(rows.has_value());
        return stack::summarize_activity(*rows, WallTime{Millis{0}},
                                         WallTime{Millis{4'000'000'000'000}});
    };
    json user = row_with("ok", v0("Here is your answer."));
    user["created_at"] = "2026-05-06T17:50:00Z";
    user["workspace_id"] = own;
    user["source_id"] = nullptr;
    CHECK(read(user).requests == 1);
    user["source_id"] = peer;  // another agent asked
    user["target_id"] = own;
    CHECK(read(user).requests == 1);

    // What a broken peer answered after a delegation, logged by this agent itself.
    json delegated = user;
    delegated["source_id"] = own;
    delegated["target_id"] = peer;
    delegated["status"] = "error";
    delegated["error_detail"] = "peer failed";
    CHECK(read(delegated).requests == 0);
    delegated["source_id"] = nullptr;
    CHECK(read(delegated).requests == 0);

    // What it pushed by itself hides no failure and proves nothing.
    json pushed = user;
    pushed["method"] = "notify";
    pushed["request_body"] = nullptr;
    CHECK(read(pushed).requests == 0);

    // The agent was busy: the message was queued, and the user told so (202).
    json busy = user;
    busy["status"] = "error";
    busy["response_body"] = nullptr;
    for (const char* detail : {"Post \"http://10.0.3.7:8000/\": EOF", "context deadline exceeded",
                               "net/http: request canceled (Client.Timeout exceeded while "
                               "awaiting headers)"}) {
        CAPTURE(detail);
        busy["error_detail"] = detail;
        CHECK(read(busy).requests == 0);
        CHECK(read(busy).unanswered == 1);
        CHECK(read(busy).failed == 0);
    }
    busy["error_detail"] = "connect: connection refused";
    CHECK(read(busy).failed == 1);
    busy["error_detail"] = nullptr;  // the agent answered with HTTP 400 or above
    CHECK(read(busy).failed == 1);

    json queued = user;  // the same on newer builds
    queued["response_body"] = nullptr;
    queued["summary"] = "message/send to Research Lead (queued: target busy)";
    CHECK(read(queued).requests == 0);
    CHECK(read(queued).unanswered == 0);
}

TEST_CASE("an unreadable list is a problem that quotes no chat") {
    const auto html = stack::parse_activity(
        activity_request(), test::answer(200, "private chat", {{"content-type", "text/html"}}));
    REQUIRE(html.has_error());
    CHECK(html.error().reason == Reason::wrong_content_type);
    CHECK(html.error().detail.find("private") == std::string::npos);
    const auto object =
        stack::parse_activity(activity_request(), test::json_answer(200, R"({"a":"private"})"));
    REQUIRE(object.has_error());
    CHECK(object.error().reason == Reason::wrong_body);
    CHECK(object.error().detail.find("private") == std::string::npos);
    CHECK(stack::parse_activity(activity_request(), test::json_answer(200, "null"))->empty());
}

TEST_CASE("the summary counts requests inside the window") {
    const auto row = [](int minute, AnswerKind kind, bool request = true) {
        stack::ActivityRow out;
        out.id = std::to_string(minute);
        out.request = request;
        out.at = WallTime{Millis{minute * 60'000}};
        out.answer = kind;
        out.failure = kind == AnswerKind::clean ? "" : "words " + out.id;
        return out;
    };
    const std::vector<stack::ActivityRow> rows{
        row(1, AnswerKind::agent_fault),     row(10, AnswerKind::agent_fault),
        row(11, AnswerKind::clean),          row(12, AnswerKind::agent_fault, false),
        row(13, AnswerKind::provider_fault), row(14, AnswerKind::clean),
        row(30, AnswerKind::agent_fault)};
    const auto sum = stack::summarize_activity(rows, WallTime{Millis{10 * 60'000}},
                                               WallTime{Millis{20 * 60'000}});
    CHECK(sum.requests == 4);
    CHECK(sum.failed == 2);
    CHECK(sum.provider_faults == 1);
    CHECK(sum.clean_last);
    CHECK(sum.last_failure == "words 13");
    CHECK(*sum.last_failed - *sum.first_failed == Millis{180'000});
}
