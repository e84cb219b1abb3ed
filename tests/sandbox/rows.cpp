// Why: the activity log is where broken agents show themselves, in many disguises; every disguise
// that the real stack is known to wear is made here.
#include "clock.hpp"
#include "crypto.hpp"
#include "world.hpp"

#include <algorithm>
#include <array>

namespace sandbox {

namespace {

constexpr std::size_t kMostRows = 120;
constexpr const char* kSeeLogs = ") \xe2\x80\x94 see workspace logs for details.";

struct HiddenText {
    const char* form;
    const char* text;  // a lone word is the tag of "Agent error (<tag>)"
    bool whole;
};

// Failures that the platform logs as "ok": only the text gives them away.
constexpr std::array kHidden{
    HiddenText{"agent_error_ok_row", "RuntimeError", false},
    HiddenText{"rate_limited", "rate_limited", false},
    HiddenText{"auth_failed", "auth_failed", false},
    HiddenText{"sdk_wedge", "Agent error: Control request timeout: initialize", true},
    HiddenText{"hermes_401", "[hermes-agent error 401]", true},
    HiddenText{"hermes_unreachable", "hermes-agent unreachable", true},
    HiddenText{"invalid_key", "Invalid API key", true},
    HiddenText{"model_not_found", "model_not_found", true},
};

json text_parts(const std::string& text) {
    json part = json::object({{"kind", "text"}, {"text", text}});
    return json::array({part});
}

// The same text travels in one of three shapes, depending on the protocol version of the agent.
json answer_body(const std::string& text, std::int64_t shape) {
    json result = json::object();
    if (shape % 3 == 0) {
        result["parts"] = text_parts(text);
        result["role"] = "agent";
    } else if (shape % 3 == 1) {
        result["artifacts"] = json::array({json::object({{"parts", text_parts(text)}})});
    } else {
        result["status"] = json::object(
            {{"state", "completed"}, {"message", json::object({{"parts", text_parts(text)}})}});
    }
    return json::object({{"jsonrpc", "2.0"}, {"id", shape}, {"result", result}});
}

json request_body(std::int64_t number) {
    // Users quote error texts; a reader that searches the whole row would be fooled.
    const std::string text = number % 7 == 3
                                 ? "why did I see \"Agent error (RuntimeError)\" yesterday?"
                                 : "please continue with step " + std::to_string(number);
    const json message = json::object({{"role", "user"}, {"parts", text_parts(text)}});
    return json::object(
        {{"method", "message/send"}, {"params", json::object({{"message", message}})}});
}

void push_row(Workspace& workspace, Row row, json body) {
    body["id"] = row.id;
    body["workspace_id"] = workspace.id;
    body["activity_type"] = row.type;
    body["created_at"] = rfc3339(row.at);
    row.text = dump(body);
    workspace.rows.push_back(std::move(row));
    while (workspace.rows.size() > kMostRows) {
        workspace.rows.pop_front();
    }
}

// Fills status and bodies of an a2a_receive row; answers whether the platform counts an error.
bool fill_answer(json& body, const Workspace& workspace, const std::string& form) {
    const std::int64_t number = workspace.requests;
    body["status"] = "ok";
    body["duration_ms"] = 180 + number % 40;
    if (form.empty()) {
        body["response_body"] =
            answer_body("Done: step " + std::to_string(number) + " is finished.", number);
        return false;
    }
    for (const HiddenText& hidden : kHidden) {
        if (form == hidden.form) {
            const std::string text = hidden.whole
                                         ? std::string(hidden.text)
                                         : "Agent error (" + std::string(hidden.text) + kSeeLogs;
            body["response_body"] = answer_body(text, number);
            return false;
        }
    }
    const bool timed_out = form == "timeout_status";
    body["status"] = timed_out ? "timeout" : "error";
    body["summary"] = "A2A request to " + workspace.name + " failed";
    if (form == "error_status" || timed_out) {
        body["duration_ms"] = 30'000;
        body["error_detail"] = timed_out
                                   ? "context deadline exceeded"
                                   : "Post \"http://10.0.3.7:8000/\": connect: connection refused";
        return true;
    }
    // agent_error and json_rpc: the agent answered, with an error of its own.
    body["error_detail"] = nullptr;
    body["response_body"] =
        json::object({{"jsonrpc", "2.0"},
                      {"id", number},
                      {"error", json::object({{"code", -32603}, {"message", "Internal error"}})}});
    if (form == "json_rpc") {
        body["status"] = "ok";
        return false;
    }
    return true;
}

// Rows that are not requests: a reader that counts them as answers is wrong.
void add_log_row(Workspace& workspace, std::int64_t at, const std::string& type) {
    json body = json::object();
    body["source_id"] = workspace.id;
    body["summary"] = type == "agent_log" ? "checkpoint written" : "task updated";
    body["status"] = "ok";
    push_row(workspace, Row{random_uuid(), at, type, workspace.id, {}}, std::move(body));
}

// What another agent answered after a delegation, logged by this one under its own id.
void add_delegated_row(Workspace& workspace, std::int64_t at) {
    json body = json::object();
    body["source_id"] = workspace.id;
    body["target_id"] = "0d9e8c7b-6a5f-4e3d-8c2b-1a0f9e8d7c6b";
    body["method"] = "message/send";
    body["status"] = "error";
    body["error_detail"] = "peer answered HTTP 500";
    push_row(workspace, Row{random_uuid(), at, "a2a_receive", workspace.id, {}}, std::move(body));
}

// A message that the agent pushed by itself.
void add_pushed_row(Workspace& workspace, std::int64_t at) {
    json body = json::object();
    body["source_id"] = nullptr;
    body["method"] = "notify";
    body["status"] = "ok";
    body["request_body"] = nullptr;
    body["response_body"] = answer_body("I am still at it.", workspace.requests);
    push_row(workspace, Row{random_uuid(), at, "a2a_receive", {}, {}}, std::move(body));
}

// The caller got 202 {"queued":true}; the row tells it badly, each build in its own way.
void add_busy_row(Workspace& workspace, std::int64_t at, bool later_build) {
    json body = json::object();
    body["source_id"] = nullptr;
    body["method"] = "message/send";
    body["request_body"] = request_body(workspace.requests);
    body["status"] = later_build ? "ok" : "error";
    if (later_build) {
        body["summary"] = "message/send to " + workspace.name + " (queued: target busy)";
    } else {
        body["error_detail"] = "Post \"http://10.0.3.7:8000/\": EOF";
    }
    push_row(workspace, Row{random_uuid(), at, "a2a_receive", {}, {}}, std::move(body));
}

void add_noise_row(Workspace& workspace, std::int64_t at, bool later_build) {
    switch (workspace.requests / 9 % 5) {
        case 0:
            add_log_row(workspace, at, "agent_log");
            break;
        case 1:
            add_delegated_row(workspace, at);
            break;
        case 2:
            add_pushed_row(workspace, at);
            break;
        case 3:
            add_busy_row(workspace, at, later_build);
            break;
        default:
            add_log_row(workspace, at, "task_update");
    }
}

// heartbeat error_rate: degraded from 0.5, back below 0.1; claude-code reports its own status.
void count_error(Workspace& workspace, bool error) {
    workspace.recent_errors.push_back(error);
    if (workspace.recent_errors.size() > 10) {
        workspace.recent_errors.pop_front();
    }
    const auto errors =
        std::count(workspace.recent_errors.begin(), workspace.recent_errors.end(), true);
    const auto seen = static_cast<std::ptrdiff_t>(workspace.recent_errors.size());
    if (workspace.runtime == "claude-code" || seen < 6) {
        return;
    }
    if (errors * 2 >= seen) {
        workspace.status = "degraded";
        workspace.last_error = "error rate above threshold";
    } else if (errors * 10 < seen) {
        workspace.status = "online";
        workspace.last_error.clear();
    }
}

}  // namespace

bool known_form(const std::string& form) {
    if (form == "agent_error" || form == "error_status" || form == "timeout_status" ||
        form == "json_rpc") {
        return true;
    }
    return std::any_of(kHidden.begin(), kHidden.end(),
                       [&form](const HiddenText& hidden) { return form == hidden.form; });
}

std::string failure_form(const World& world, const Workspace& workspace) {
    if (!workspace.form.empty()) {
        return workspace.form;
    }
    if (world.registry.is_bad(workspace.digest)) {
        return "agent_error_ok_row";
    }
    // A workspace that was made again without what it needs comes up and cannot work.
    if (workspace.runtime == "claude-code" &&
        !workspace.secrets.contains("CLAUDE_CODE_OAUTH_TOKEN")) {
        return "auth_failed";
    }
    const bool has_provider = workspace.model.find('/') != std::string::npos;
    if (workspace.runtime == "hermes" &&
        (!has_provider || !workspace.secrets.contains("OPENROUTER_API_KEY"))) {
        return "hermes_401";
    }
    return {};
}

void add_request_row(World& world, Tenant& tenant, Workspace& workspace) {
    ++workspace.requests;
    if (workspace.requests % 9 == 0) {
        add_noise_row(workspace, world.wall(), tenant.later_build);
    }
    json body = json::object();
    body["source_id"] = nullptr;
    body["method"] = "message/send";
    body["summary"] = "message/send to " + workspace.name;
    body["request_body"] = request_body(workspace.requests);
    const bool error = fill_answer(body, workspace, failure_form(world, workspace));
    if (tenant.down.empty()) {
        world.tell(tenant, "ACTIVITY_LOGGED", workspace.id,
                   json::object({{"activity_type", "a2a_receive"},
                                 {"method", body["method"]},
                                 {"summary", body["summary"]},
                                 {"status", body["status"]},
                                 {"source_id", nullptr},
                                 {"target_id", workspace.id},
                                 {"duration_ms", body["duration_ms"]}}));
    }
    push_row(workspace, Row{random_uuid(), world.wall(), "a2a_receive", {}, {}}, std::move(body));
    count_error(workspace, error);
    ++tenant.counters[R"(method="POST",path="/workspaces/:id/a2a",status="200")"];
}

}  // namespace sandbox
