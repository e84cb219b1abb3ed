// Why: see workspace_fit.hpp.
#include "policies/levers/workspace_fit.hpp"

#include "core/base/text.hpp"
#include "policies/levers/access.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace leverd::levers {
namespace {

constexpr std::size_t name_max = 255;
constexpr std::size_t role_max = 1000;
constexpr std::size_t model_max = 100;
constexpr std::string_view forbidden = "{}[]|>*&!\r\n";

// Runtimes of agents that run somewhere else; a create makes no machine for them, or a wrong one.
constexpr std::array<std::string_view, 4> outside{"external", "kimi", "kimi-cli", "mock"};
constexpr std::array<std::string_view, 4> newest_runtimes{"claude-code", "codex", "hermes",
                                                          "openclaw"};
// Those of the older builds besides. langgraph is not among them: see not_replaceable.
constexpr std::array<std::string_view, 4> older_runtimes{"deepagents", "crewai", "autogen",
                                                         "gemini-cli"};
// What lets a claude-code workspace work on a model without a provider in its name.
constexpr std::array<std::string_view, 3> claude_credentials{
    "CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"};

template <class Names>
bool among(const Names& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool has_control(const std::string& text) {
    return std::any_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f;
    });
}

bool is_true(const nlohmann::json& row, const char* key) {
    const auto found = row.find(key);
    return found != row.end() && found->is_boolean() && found->get<bool>();
}

// Somebody's own agent, under whatever name the platform stores it. The measured build cannot write
// `awaiting_agent` and keeps such a workspace as `langgraph`, even when its agent is online.
std::optional<Error> runs_outside(const stack::Workspace& found, const nlohmann::json& row) {
    const std::string runtime = stack::text_at(row, "runtime");
    if (among(outside, runtime) || is_true(row, "external") ||
        found.row.status == "awaiting_agent") {
        return refusal("it runs outside the platform, so the platform cannot create it anew",
                       by_a_person);
    }
    if (runtime == "langgraph") {
        return refusal(
            "its runtime is langgraph, under which the platform also keeps agents that run "
            "outside it; a create would put a machine of the platform in their place",
            by_a_person);
    }
    if (stack::text_at(row, "delivery_mode") == "poll") {
        return refusal("it fetches its messages by itself, as agents outside the platform do",
                       by_a_person);
    }
    return std::nullopt;
}

std::optional<Error> bad_words(const WorkspaceSpec& spec) {
    const std::string name = stack::text_at(spec.create, "name");
    const std::string role = stack::text_at(spec.create, "role");
    if (name.empty() || name.size() > name_max ||
        name.find_first_of(forbidden) != std::string::npos || has_control(name)) {
        return refusal(
            "its name would be refused when it is created anew: it must have 1 to 255 bytes and "
            "none of { } [ ] | > * & ! or a line break",
            by_a_person);
    }
    if (role.size() > role_max || role.find_first_of(forbidden) != std::string::npos) {
        return refusal(
            "its role would be refused when it is created anew: it must have at most 1,000 bytes "
            "and none of { } [ ] | > * & ! or a line break",
            "change the role first, or a person decides; nothing was deleted");
    }
    if (stack::text_at(spec.create, "model").size() > model_max) {
        return refusal("its model would be refused when it is created anew: more than 100 bytes",
                       by_a_person);
    }
    return std::nullopt;
}

std::optional<Error> bad_runtime(const WorkspaceSpec& spec) {
    const std::string runtime = stack::text_at(spec.create, "runtime");
    if (runtime.empty()) {
        return refusal("its runtime cannot be read, so another one would be created", by_a_person);
    }
    const bool known =
        among(newest_runtimes, runtime) || (!spec.newest && among(older_runtimes, runtime));
    if (!known) {
        return refusal(
            "its runtime " + sanitize(runtime, 40) + " is none that this build is known to create",
            by_a_person);
    }
    return std::nullopt;
}

std::optional<Error> bad_model(const WorkspaceSpec& spec) {
    const std::string runtime = stack::text_at(spec.create, "runtime");
    const std::string model = stack::text_at(spec.create, "model");
    if (model.empty() && spec.newest) {
        return refusal("no model is stored for it, and this build creates none without one",
                       "set its model first; nothing was deleted");
    }
    if (model.empty() && runtime == "hermes") {
        return refusal("no model is stored for it, and hermes does not work without one",
                       "set its model first; nothing was deleted");
    }
    const bool bare = !model.empty() && model.find_first_of("/:") == std::string::npos;
    const bool paid =
        std::any_of(spec.all_secrets.begin(), spec.all_secrets.end(),
                    [](const std::string& name) { return among(claude_credentials, name); });
    if (spec.newest && runtime == "claude-code" && bare && !paid) {
        return refusal("it has no credential for its model " + sanitize(model, 100) +
                           ", of its own or inherited, without which this build creates none",
                       by_a_person);
    }
    return std::nullopt;
}

std::optional<Error> bad_place(const WorkspaceSpec& spec) {
    const std::string parent = stack::text_at(spec.create, "parent_id");
    if (parent.empty() && spec.newest) {
        return refusal(
            "it stands at the top of its organisation, and this build puts whatever is created "
            "without a parent under the organisation's root",
            by_a_person);
    }
    if (!parent.empty() && !is_uuid(parent)) {
        return refusal("its parent has no readable id", by_a_person);
    }
    if (!parent.empty() && !among(spec.others, parent)) {
        return refusal("its parent is not in the list, so it could not be put under it again",
                       by_a_person);
    }
    return std::nullopt;
}

}  // namespace

bool looks_newest(const nlohmann::json& row, const std::string& model_source,
                  const std::vector<std::string>& secrets) {
    for (const char* key : {"kind", "compute", "broadcast_enabled", "talk_to_user_enabled"}) {
        if (row.contains(key)) {
            return true;
        }
    }
    return model_source == "unresolved" || among(secrets, "MODEL");
}

std::optional<Error> not_replaceable(const stack::Workspace& found, const nlohmann::json& row) {
    const std::string& status = found.row.status;
    if (found.children > 0) {
        return refusal(
            fmt::format("it has {} children, which a delete would take along", found.children),
            by_a_person);
    }
    if (status == "removed") {
        return refusal("it is removed already", "look for what replaced it");
    }
    if (status == "paused" || status.starts_with("hibernat")) {
        return refusal("somebody put it to sleep: it is " + status, by_a_person);
    }
    if (stack::text_at(row, "kind") == "platform") {
        return refusal("it is the organisation's own agent, which only the platform creates",
                       by_a_person);
    }
    const std::string access = stack::text_at(row, "workspace_access");
    const bool mounted = !access.empty() && access != "none";
    if (mounted || !stack::text_at(row, "workspace_dir").empty()) {
        return refusal(
            "it works in a directory of its host (workspace_dir), and no read shows with which "
            "access",
            by_a_person);
    }
    return runs_outside(found, row);
}

std::optional<Error> not_creatable(const WorkspaceSpec& spec) {
    for (const auto check : {bad_words, bad_place, bad_runtime, bad_model}) {
        if (const auto why = check(spec)) {
            return why;
        }
    }
    return std::nullopt;
}

}  // namespace leverd::levers
