// Why: see workspace_losses.hpp.
#include "policies/levers/workspace_losses.hpp"

#include "core/base/text.hpp"
#include "core/model/codec.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

namespace leverd::levers {
namespace {

struct Kind {
    const char* path;
    const char* one;
    const char* many;
};
constexpr std::array kinds{
    Kind{"/schedules", "schedule", "schedules"},
    Kind{"/memories", "memory", "memories"},
    Kind{"/memory", "memory key", "memory keys"},
    Kind{"/config", "configuration value", "configuration values"},
    Kind{"/channels", "channel", "channels"},
    Kind{"/plugins", "plugin", "plugins"},
};

// Fields of a list row that are copied, told one by one below, or follow from what the agent does.
constexpr std::array<std::string_view, 32> known_fields{
    "id",
    "name",
    "role",
    "runtime",
    "template",
    "workspace_dir",
    "workspace_access",
    "parent_id",
    "tier",
    "max_concurrent_tasks",
    "budget_limit",
    "monthly_spend",
    "x",
    "y",
    "collapsed",
    "compute",
    "kind",
    "broadcast_enabled",
    "talk_to_user_enabled",
    "status",
    "url",
    "agent_card",
    "active_tasks",
    "current_task",
    "last_error_rate",
    "last_sample_error",
    "last_outbound_at",
    "uptime_seconds",
    "provision_timeout_ms",
    "delivery_mode",
    "created_at",
    "updated_at",
};

// A list as such, or the one list or the `data` of an object.
std::optional<std::size_t> count_in(const nlohmann::json& body) {
    if (body.is_array()) {
        return body.size();
    }
    if (!body.is_object()) {
        return std::nullopt;
    }
    const auto data = body.find("data");
    if (data != body.end() && (data->is_object() || data->is_array())) {
        return data->size();
    }
    for (const auto& member : body) {
        if (member.is_array()) {
            return member.size();
        }
    }
    return std::nullopt;
}

std::string counted(const Kind& kind, std::size_t number) {
    return fmt::format("{} {}", number, number == 1 ? kind.one : kind.many);
}

bool is_false(const nlohmann::json& row, const char* key) {
    const auto found = row.find(key);
    return found != row.end() && found->is_boolean() && !found->get<bool>();
}

void tell_money(const WorkspaceSpec& spec, std::vector<std::string>& told) {
    const double spent = stack::number_at(spec.row, "monthly_spend", 0);
    if (spent > 0) {
        told.push_back(
            fmt::format("lost: monthly_spend is {:g} and restarts at 0, so its budget of this "
                        "month begins anew",
                        spent));
    }
}

void tell_fields(const WorkspaceSpec& spec, std::vector<std::string>& told) {
    const auto collapsed = spec.row.find("collapsed");
    if (collapsed != spec.row.end() && *collapsed == true) {
        told.emplace_back("lost: collapsed; the new one is shown expanded on the canvas");
    }
    for (const char* key : {"broadcast_enabled", "talk_to_user_enabled"}) {
        if (is_false(spec.row, key)) {
            told.push_back(fmt::format("lost: {} is false and becomes the default", key));
        }
    }
    const double tier = stack::number_at(spec.row, "tier", 0);
    if (spec.newest && tier > 0 && tier != 4) {
        told.push_back(fmt::format("lost: tier {:g}; this build creates tier 4 only", tier));
    }
    std::string unknown;
    for (const auto& [key, value] : spec.row.items()) {
        if (std::find(known_fields.begin(), known_fields.end(), key) == known_fields.end()) {
            unknown += (unknown.empty() ? "" : ", ") + sanitize(key, 60);
        }
    }
    if (!unknown.empty()) {
        told.push_back("lost: fields that leverd does not know and does not copy: " +
                       sanitize(unknown, 300));
    }
}

void tell_model(const WorkspaceSpec& spec, std::vector<std::string>& told) {
    if (!spec.create.contains("model")) {
        told.emplace_back(
            "lost: its model, if it was given one when it was created: none is stored, so no read "
            "shows it, and the new one boots with what its runtime defaults to");
    }
}

void tell_secrets(const WorkspaceSpec& spec, bool sealed, std::vector<std::string>& told) {
    if (spec.secret_names.empty()) {
        return;
    }
    const auto names = fmt::format("{}", fmt::join(spec.secret_names, ", "));
    told.push_back("secret values: read after the intent, before the delete: " + names);
    told.push_back(sealed ? "they are kept sealed until the new one is proven, so that a create "
                            "that fails loses none"
                          : "no sealing key is set: if the create fails they are gone, and have "
                            "to be entered again by hand");
}

}  // namespace

boost::asio::awaitable<Belongings> count_belongings(stack::TenantAccess access, std::string id,
                                                    net::Deadline deadline) {
    Belongings found;
    for (const auto& kind : kinds) {
        const auto request = stack::tenant_request(access, "GET", "/workspaces/" + id + kind.path);
        auto answer = co_await stack::call(access.http, request, deadline);
        std::optional<std::size_t> number;
        if (answer.has_value()) {
            const auto body = stack::json_of(request, *answer);
            number = body.has_value() ? count_in(*body) : std::nullopt;
        }
        if (!number) {
            found.uncounted.emplace_back(kind.many);
        } else if (*number > 0) {
            found.counted.push_back(counted(kind, *number));
        }
    }
    co_return found;
}

std::vector<std::string> describe_losses(const WorkspaceSpec& spec, const Belongings& belongings,
                                         bool sealed) {
    std::vector<std::string> told;
    auto lost = belongings.counted;
    lost.emplace_back("its history");
    lost.emplace_back("its tokens");
    lost.emplace_back("the files and the prompt of its configuration");
    lost.emplace_back("its id");
    told.push_back(fmt::format("irreversible: lost for good are {}", fmt::join(lost, ", ")));
    if (!belongings.uncounted.empty()) {
        told.push_back(fmt::format("lost, and could not be counted: {}",
                                   fmt::join(belongings.uncounted, ", ")));
    }
    tell_model(spec, told);
    tell_money(spec, told);
    tell_fields(spec, told);
    told.emplace_back(
        "lost: what no read shows: workspace_access, hibernation_idle_minutes and the template; "
        "the new one has none of them");
    tell_secrets(spec, sealed, told);
    told.emplace_back(
        "not checked by reading: what the platform asks of the model, its provider and "
        "credentials. "
        "The create is rehearsed after the intent and before the delete; a quota, the computer, or "
        "a "
        "key that this organisation must not have shows only afterwards");
    told.emplace_back(
        "on older builds the machine of the deleted workspace goes on running and may go on "
        "answering: look for an orphan");
    return told;
}

}  // namespace leverd::levers
