// Why: an agent that only ever fails still answers 200 and its rows say "ok"; the failure is a text
// deep in the body (wire-contracts 2.6). This file holds that table and tells what recreating a
// workspace can mend (agent faults) from what it cannot (provider faults). Bodies hold user chat:
// only words known to be failure texts ever leave this file.
#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "core/stack/control_plane.hpp"
#include "core/stack/tenant.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <set>

namespace leverd::stack {
namespace {

constexpr std::size_t rows_bytes_max = 4U << 20;
constexpr std::size_t failure_bytes_max = 160;
constexpr std::size_t parts_max = 200;
// A provider's phrase inside a long text is a conversation about it, not a failure.
constexpr std::size_t bare_failure_bytes_max = 300;

// Texts that begin like this are written by the runtime in place of an answer.
constexpr std::array<std::string_view, 5> failure_starts{"agent error (",
                                                         "agent error:", "[hermes-agent error",
                                                         "hermes-agent unreachable", "[a2a_error]"};

// A short text with one of these is a provider's refusal passed on as the answer.
constexpr std::array<std::string_view, 4> bare_failures{
    "invalid api key", "model_not_found", "unknown provider", "encrypted content is not supported"};

// Inside a failure these say that a credential, a quota or a model is at fault. Reading too much
// into them costs a person's look; reading too little costs a workspace.
constexpr std::array<std::string_view, 21> provider_words{"rate_limited",
                                                          "rate_limit",
                                                          "rate limit",
                                                          "ratelimit",
                                                          "auth_failed",
                                                          "authenticationerror",
                                                          "authentication_error",
                                                          "permissiondenied",
                                                          "unauthorized",
                                                          "invalid api key",
                                                          "invalid_api_key",
                                                          "invalid x-api-key",
                                                          "model_not_found",
                                                          "unknown provider",
                                                          "encrypted content is not supported",
                                                          "credit balance",
                                                          "insufficient_quota",
                                                          "quota exceeded",
                                                          "overloaded_error",
                                                          "agent error 401",
                                                          "agent error 403"};
constexpr std::array<std::string_view, 3> provider_statuses{
    "[hermes-agent error 402", "[hermes-agent error 404", "[hermes-agent error 429"};

template <std::size_t N>
bool contains_any(const std::string& folded, const std::array<std::string_view, N>& words) {
    return std::any_of(words.begin(), words.end(), [&folded](std::string_view word) {
        return folded.find(word) != std::string::npos;
    });
}

std::string_view trimmed(std::string_view text) {
    const auto is_blank = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

bool is_failure_text(std::string_view text) {
    text = trimmed(text);
    const std::string folded = lower_case(text.substr(0, 1024));
    const bool starts =
        std::any_of(failure_starts.begin(), failure_starts.end(),
                    [&folded](std::string_view start) { return folded.starts_with(start); });
    return starts || (text.size() <= bare_failure_bytes_max && contains_any(folded, bare_failures));
}

AnswerKind fault_of(std::string_view failure_text) {
    const std::string folded = lower_case(failure_text.substr(0, 4096));
    const bool provider =
        contains_any(folded, provider_words) || contains_any(folded, provider_statuses);
    return provider ? AnswerKind::provider_fault : AnswerKind::agent_fault;
}

// The member of an object, or null.
const nlohmann::json& member(const nlohmann::json& object, const char* key) {
    static const nlohmann::json none;
    if (!object.is_object()) {
        return none;
    }
    const auto it = object.find(key);
    return it == object.end() ? none : *it;
}

void collect_parts(const nlohmann::json& owner, std::vector<std::string>& texts) {
    const nlohmann::json& parts = member(owner, "parts");
    if (!parts.is_array()) {
        return;
    }
    for (const auto& part : parts) {
        if (texts.size() >= parts_max) {
            return;
        }
        std::string text = text_at(part, "text");
        if (text.empty()) {
            text = text_at(member(part, "root"), "text");
        }
        if (!text.empty()) {
            texts.push_back(std::move(text));
        }
    }
}

// Every place where an answer's text may stand: v0 result.parts, v1 result.artifacts[].parts and
// result.status.message.parts, a message inside the result, or a bare text.
std::vector<std::string> answer_texts(const nlohmann::json& body) {
    std::vector<std::string> texts;
    if (body.is_string()) {
        texts.push_back(body.get<std::string>());
        return texts;
    }
    const nlohmann::json& wrapped = member(body, "result");
    const nlohmann::json& result = wrapped.is_null() ? body : wrapped;
    if (result.is_string()) {
        texts.push_back(result.get<std::string>());
        return texts;
    }
    collect_parts(result, texts);
    collect_parts(member(result, "message"), texts);
    collect_parts(member(member(result, "status"), "message"), texts);
    const nlohmann::json& artifacts = member(result, "artifacts");
    if (artifacts.is_array()) {
        for (const auto& artifact : artifacts) {
            collect_parts(artifact, texts);
        }
    }
    return texts;
}

// The stored body may be JSON, or JSON once more wrapped into a text.
nlohmann::json response_body_of(const nlohmann::json& row) {
    const nlohmann::json& body = member(row, "response_body");
    if (body.is_string()) {
        auto inner = parse_json(body.get<std::string>());
        if (inner.has_value() && inner->is_object()) {
            return std::move(*inner);
        }
    }
    return body;
}

// The JSON-RPC error's words; empty when the body holds none.
std::string rpc_error_text(const nlohmann::json& body) {
    const nlohmann::json& error = member(body, "error");
    if (error.is_string()) {
        return error.get<std::string>();
    }
    if (!error.is_object()) {
        return {};
    }
    const std::string message = text_at(error, "message");
    const std::string detail = text_at(error, "data");
    return fmt::format("JSON-RPC error {}: {}{}{}", number_at(error, "code", 0), message,
                       detail.empty() ? "" : "; ", detail);
}

std::string hidden_failure(const nlohmann::json& body) {
    std::string failure = rpc_error_text(body);
    if (!failure.empty()) {
        return failure;
    }
    for (const std::string& text : answer_texts(body)) {
        if (is_failure_text(text)) {
            return std::string(trimmed(text));
        }
    }
    return {};
}

// "queued", "busy", "restarting", "waking": the agent was not asked yet, so the row says nothing.
bool is_deferral(const nlohmann::json& body) {
    for (const char* key : {"queued", "busy", "restarting", "waking"}) {
        const nlohmann::json& flag = member(body, key);
        if (flag.is_boolean() && flag.get<bool>()) {
            return true;
        }
    }
    return false;
}

// The runtime logs what another agent answered it under its own id, after a delegation; and a
// message that it pushed by itself is a row too (method `notify`). Measured on the platform at
// 7cf77f2.
bool is_about_others(const nlohmann::json& row) {
    const auto own = text_at(row, "workspace_id");
    const auto source = text_at(row, "source_id");
    const auto target = text_at(row, "target_id");
    return (!own.empty() && source == own) || (!own.empty() && !target.empty() && target != own) ||
           text_at(row, "method") == "notify";
}

// Newer builds write `ok` without a body when the message was queued because the agent was busy.
bool says_nothing(const nlohmann::json& row, const std::string& status) {
    const nlohmann::json& body = member(row, "response_body");
    const bool empty = body.is_null() || (body.is_string() && body.get<std::string>().empty());
    return status == "ok" && empty;
}

// No byte of an answer came. The platform queues the message of a busy agent and still writes this
// row, so it does not show that the agent answers badly. A refused connection is another thing.
bool is_unanswered(const nlohmann::json& row, const std::string& status) {
    constexpr std::array<std::string_view, 5> signs{"eof", "deadline exceeded", "timeout",
                                                    "timed out", "awaiting headers"};
    const nlohmann::json& body = member(row, "response_body");
    if (!body.is_null() || (status != "error" && status != "timeout")) {
        return false;
    }
    const auto detail = lower_case(text_at(row, "error_detail"));
    return contains_any(detail, signs) || (status == "timeout" && detail.empty());
}

ActivityRow activity_row_of(const nlohmann::json& row, std::string id) {
    ActivityRow out;
    out.id = std::move(id);
    out.at = parse_rfc3339(text_at(row, "created_at"));
    const std::string status = lower_case(text_at(row, "status"));
    const bool finished = status == "ok" || status == "error" || status == "timeout";
    out.request = text_at(row, "activity_type") == "a2a_receive" && finished &&
                  !is_deferral(response_body_of(row)) && !is_about_others(row) &&
                  !says_nothing(row, status);
    if (out.request) {
        out.answer = classify_activity(row, out.failure);
    }
    return out;
}

// Oldest first. Equal times keep the order in which things happened, which is the reverse of the
// answer's order when that is newest first.
void sort_oldest_first(std::vector<ActivityRow>& rows) {
    const auto with_time = [](const ActivityRow& row) { return row.at.has_value(); };
    const auto first = std::find_if(rows.begin(), rows.end(), with_time);
    const auto last = std::find_if(rows.rbegin(), rows.rend(), with_time);
    if (first != rows.end() && *first->at > *last->at) {
        std::reverse(rows.begin(), rows.end());
    }
    std::vector<std::pair<std::size_t, ActivityRow>> numbered;
    numbered.reserve(rows.size());
    for (auto& row : rows) {
        numbered.emplace_back(numbered.size(), std::move(row));
    }
    std::sort(numbered.begin(), numbered.end(), [](const auto& a, const auto& b) {
        return a.second.at != b.second.at ? a.second.at < b.second.at : a.first < b.first;
    });
    for (std::size_t i = 0; i < rows.size(); ++i) {
        rows[i] = std::move(numbered[i].second);
    }
}

}  // namespace

AnswerKind classify_activity(const nlohmann::json& row, std::string& failure) {
    const std::string status = lower_case(text_at(row, "status"));
    const nlohmann::json body = response_body_of(row);
    std::string text = hidden_failure(body);
    if (status == "error" || status == "timeout") {
        const std::string detail = text_at(row, "error_detail");
        if (is_unanswered(row, status)) {
            failure = sanitize(fmt::format("status {}: {}", status, detail), failure_bytes_max);
            return AnswerKind::unanswered;
        }
        // Both texts are read for the cause: the detail is the transport's, the body the agent's.
        const AnswerKind kind = fault_of(detail + "\n" + text);
        failure = sanitize(fmt::format("status {}: {}", status, detail.empty() ? text : detail),
                           failure_bytes_max);
        return kind;
    }
    if (text.empty()) {
        failure.clear();
        return AnswerKind::clean;
    }
    failure = sanitize(text, failure_bytes_max);
    return fault_of(text);
}

Read<std::vector<ActivityRow>> parse_activity(const net::HttpRequest& request,
                                              const net::HttpResponse& response) {
    auto body = json_of(request, response);
    if (body.has_error()) {
        Problem problem = body.error();
        // The body may be chat.
        problem.detail = describe_without_body(request, response);
        return problem;
    }
    std::vector<ActivityRow> rows;
    if (body->is_null()) {
        return rows;
    }
    if (!body->is_array()) {
        Problem problem = problem_of(request, response, Reason::wrong_body);
        problem.detail = describe_without_body(request, response) + "; not a list";
        return problem;
    }
    std::set<std::string> seen;
    for (const auto& row : *body) {
        std::string id = text_at(row, "id");
        if (!id.empty() && seen.insert(id).second) {
            rows.push_back(activity_row_of(row, std::move(id)));
        }
    }
    sort_oldest_first(rows);
    return rows;
}

boost::asio::awaitable<Read<std::vector<ActivityRow>>> read_activity(TenantAccess access,
                                                                     std::string workspace_id,
                                                                     int limit,
                                                                     net::Deadline deadline) {
    if (!is_uuid(workspace_id)) {
        co_return local_problem(Reason::parent_unreadable, "not a workspace id");
    }
    net::HttpRequest request =
        tenant_request(access, "GET",
                       fmt::format("/workspaces/{}/activity?type=a2a_receive&limit={}",
                                   workspace_id, std::clamp(limit, 1, 500)));
    request.body_limit = rows_bytes_max;
    auto answer = co_await tenant_call(access, request, deadline);
    if (answer.has_error()) {
        co_return answer.error();
    }
    co_return parse_activity(request, *answer);
}

ActivitySummary summarize_activity(const std::vector<ActivityRow>& rows, WallTime from,
                                   WallTime to) {
    ActivitySummary sum;
    for (const auto& row : rows) {
        if (!row.request || !row.at || *row.at < from || *row.at > to) {
            continue;
        }
        if (row.answer == AnswerKind::unanswered) {
            ++sum.unanswered;
            continue;
        }
        ++sum.requests;
        sum.clean_last = row.answer == AnswerKind::clean;
        if (sum.clean_last) {
            continue;
        }
        ++sum.failed;
        sum.provider_faults += row.answer == AnswerKind::provider_fault ? 1 : 0;
        if (!sum.first_failed) {
            sum.first_failed = row.at;
        }
        sum.last_failed = row.at;
        sum.last_failure = row.failure;
    }
    return sum;
}

}  // namespace leverd::stack
