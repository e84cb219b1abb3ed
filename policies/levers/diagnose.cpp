// Why: see diagnose.hpp. Activity bodies hold what people said to their agents and boot texts may
// hold an environment, so texts are left out and only their words of failure's class are kept.
#include "policies/levers/diagnose.hpp"

#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "policies/levers/access.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <utility>

namespace leverd::levers {
namespace {

using nlohmann::json;

constexpr int activity_rows = 20;
constexpr std::size_t word_bytes_max = 60;
constexpr std::size_t problem_bytes_max = 400;

Diagnostic unread(const char* what, Subject subject, const std::string& why) {
    return Diagnostic{what, std::move(subject), false,
                      "could not be read: " + sanitize(why, problem_bytes_max)};
}

// The newest rows that fit; how many were left out is said.
Diagnostic rows_read(const char* what, Subject subject, json rows) {
    json out = json::object();
    out["left_out"] = 0;
    out["rows"] = std::move(rows);
    std::string text = dump(out);
    int left_out = 0;
    while (text.size() > diagnostic_bytes_max && !out["rows"].empty()) {
        out["rows"].erase(out["rows"].size() - 1);
        out["left_out"] = ++left_out;
        text = dump(out);
    }
    return Diagnostic{what, std::move(subject), true, std::move(text)};
}

// "Agent error (TimeoutError) - see ..." and "Agent error: what the user said" keep their class:
// what stands before the first ':' , or up to the closing parenthesis.
std::string failure_class(const std::string& words) {
    const auto colon = words.find(':');
    const auto closing = words.find(')');
    std::string kept = words.substr(0, colon);
    if (closing != std::string::npos && closing < kept.size()) {
        kept.resize(closing + 1);
    }
    return sanitize(kept, word_bytes_max);
}

json moment_of(const std::optional<WallTime>& at) {
    return at ? json(to_millis(*at)) : json(nullptr);
}

boost::asio::awaitable<std::vector<Diagnostic>> infra_states(Context& context,
                                                             std::vector<std::string> slugs,
                                                             net::Deadline deadline) {
    std::vector<Diagnostic> found;
    auto orgs = co_await stack::list_orgs(control_plane_of(context),
                                          context.config->control_plane.orgs_path, deadline);
    for (const auto& slug : slugs) {
        const Subject subject("tenant/" + slug);
        if (orgs.has_error()) {
            found.push_back(unread("infra_state", subject, orgs.error().detail));
            continue;
        }
        const auto row = std::find_if(orgs->tenants.begin(), orgs->tenants.end(),
                                      [&](const Tenant& one) { return one.slug == slug; });
        if (row == orgs->tenants.end()) {
            found.push_back(
                unread("infra_state", subject, "the control plane's list does not show this slug"));
            continue;
        }
        json out = json::object();
        out["slug"] = row->slug;
        out["id"] = row->org_id;
        out["instance_status"] = sanitize(row->instance_status, word_bytes_max);
        found.push_back(Diagnostic{"infra_state", subject, true, dump(out)});
    }
    co_return found;
}

boost::asio::awaitable<Diagnostic> boot_events(Context& context, std::string slug,
                                               net::Deadline deadline) {
    const Subject subject("tenant/" + slug);
    auto read = co_await stack::read_boot_events(
        control_plane_of(context), context.config->control_plane.boot_events_path, slug, deadline);
    if (read.has_error()) {
        co_return unread("boot_events", subject, read.error().detail);
    }
    json rows = json::array();
    for (const auto& event : read->events) {
        json row = json::object();
        row["stage"] = sanitize(event.stage, word_bytes_max);
        row["status"] = sanitize(event.status, word_bytes_max);
        row["failed"] = event.failed;
        row["at_ms"] = moment_of(event.at);
        row["text_bytes"] = event.text.size();
        rows.push_back(std::move(row));
    }
    co_return rows_read("boot_events", subject, std::move(rows));
}

boost::asio::awaitable<Diagnostic> activity(Context& context, WorkspaceName name,
                                            net::Deadline deadline) {
    const Subject subject("workspace/" + name.slug + "/" + name.id);
    auto access = co_await open_tenant(context, name.slug, deadline);
    if (access.has_error()) {
        co_return unread("activity", subject, access.error().what);
    }
    auto read = co_await stack::read_activity(*access, name.id, activity_rows, deadline);
    if (read.has_error()) {
        co_return unread("activity", subject, read.error().detail);
    }
    json rows = json::array();
    for (auto row = read->rbegin(); row != read->rend(); ++row) {
        json out = json::object();
        out["at_ms"] = moment_of(row->at);
        out["request"] = row->request;
        out["answer"] = row->answer == stack::AnswerKind::clean         ? "clean"
                        : row->answer == stack::AnswerKind::agent_fault ? "agent_fault"
                        : row->answer == stack::AnswerKind::unanswered  ? "unanswered"
                                                                        : "provider_fault";
        out["class"] = failure_class(row->failure);
        rows.push_back(std::move(out));
    }
    co_return rows_read("activity", subject, std::move(rows));
}

struct Wanted {
    std::vector<std::string> slugs;
    std::vector<WorkspaceName> workspaces;
};

Wanted wanted_of(const std::vector<Subject>& about) {
    Wanted wanted;
    std::set<Subject> seen;
    for (const auto& subject : about) {
        std::string slug;
        if (const auto workspace = workspace_name(subject); workspace.has_value()) {
            slug = workspace->slug;
            if (wanted.workspaces.size() < diagnosed_workspaces_max &&
                seen.insert(subject).second) {
                wanted.workspaces.push_back(*workspace);
            }
        } else if (const auto tenant = tenant_slug(subject); tenant.has_value()) {
            slug = *tenant;
        }
        const bool known =
            std::find(wanted.slugs.begin(), wanted.slugs.end(), slug) != wanted.slugs.end();
        if (!slug.empty() && !known && wanted.slugs.size() < diagnosed_tenants_max) {
            wanted.slugs.push_back(slug);
        }
    }
    return wanted;
}

}  // namespace

boost::asio::awaitable<std::vector<Diagnostic>> diagnose(Context& context,
                                                         std::vector<Subject> about) {
    std::vector<Diagnostic> found;
    const auto deadline = net::deadline_in(diagnose_within);
    const Wanted wanted = wanted_of(about);
    if (wanted.slugs.empty()) {
        co_return found;
    }
    found = co_await infra_states(context, wanted.slugs, deadline);
    for (const auto& slug : wanted.slugs) {
        auto one = co_await boot_events(context, slug, deadline);
        found.push_back(std::move(one));
    }
    for (const auto& workspace : wanted.workspaces) {
        auto one = co_await activity(context, workspace, deadline);
        found.push_back(std::move(one));
    }
    co_return found;
}

}  // namespace leverd::levers
