// Why: a hosting credential that is half set up would leave a lever that looks armed and is not,
// and one that serves two hosts would hand each host the key of the other.
#include "config/sections.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leverd::config {
namespace {

constexpr std::string_view railway_section = "[stack.railway]";
constexpr std::string_view vercel_section = "[stack.vercel]";

void check_railway(Draft& draft) {
    const Railway& r = draft.config.railway;
    if (!r.project_token.empty() && !r.account_token.empty()) {
        draft.error(draft.section_place(railway_section, "account_token"),
                    "'project_token' and 'account_token' are both set: only one is ever sent",
                    "keep project_token; it reaches one environment only");
    }
    const std::pair<const char*, const std::string*> ids[] = {{"project_id", &r.project_id},
                                                              {"environment_id", &r.environment_id},
                                                              {"service_id", &r.service_id}};
    bool any = false;
    for (const auto& [key, id] : ids) {
        any = any || !id->empty();
        if (r.has_token() && id->empty()) {
            draft.error(
                draft.section_place(railway_section,
                                    r.project_token.empty() ? "account_token" : "project_token"),
                fmt::format("lever control-plane-rollback needs '{}' in [stack.railway]", key),
                "Railway shows it in the address of the service's page");
        }
    }
    if (any && !r.has_token()) {
        draft.warn(draft.section_place(railway_section, "service_id"),
                   "without a token lever control-plane-rollback stays a person's",
                   "set project_token");
    }
}

void check_vercel(Draft& draft) {
    const Vercel& v = draft.config.vercel;
    if (!v.team_id.empty() && !v.team_slug.empty()) {
        draft.error(draft.section_place(vercel_section, "team_slug"),
                    "'team_id' and 'team_slug' are both set", "keep one of them");
    }
    if (v.has_token() && v.project_id.empty()) {
        draft.error(draft.section_place(vercel_section, "token"),
                    "lever canvas-rollback needs 'project_id' in [stack.vercel]",
                    "Vercel shows it in the project's settings: \"prj_...\"");
    }
    if (!v.has_token() && !v.project_id.empty()) {
        draft.warn(draft.section_place(vercel_section, "project_id"),
                   "without a token lever canvas-rollback stays a person's", "set token");
    }
}

// Everywhere else that a secret of [secrets] is sent or compared.
std::vector<std::pair<std::string, std::string>> other_uses(const Config& c) {
    std::vector<std::pair<std::string, std::string>> uses{
        {c.control_plane.admin_token, "the control plane"},
        {c.registry.token, "the registry"},
        {c.daemon.api_token, "this daemon's own API"}};
    for (const Notify& sink : c.notify) {
        uses.emplace_back(sink.secret, fmt::format("notify '{}'", sink.id));
    }
    return uses;
}

void check_apart(Draft& draft, std::string_view section, const char* key, const std::string& name,
                 std::vector<std::pair<std::string, std::string>> uses) {
    for (const auto& [used, where] : uses) {
        if (!name.empty() && used == name) {
            draft.error(draft.section_place(section, key),
                        fmt::format("the secret '{}' also belongs to {}", name, where),
                        "one secret for one host: make another token");
        }
    }
}

}  // namespace

void check_hosting(Draft& draft) {
    check_railway(draft);
    check_vercel(draft);
    const Config& c = draft.config;
    auto uses = other_uses(c);
    check_apart(draft, vercel_section, "token", c.vercel.token, uses);
    uses.emplace_back(c.vercel.token, "Vercel");
    check_apart(draft, railway_section, "project_token", c.railway.project_token, uses);
    check_apart(draft, railway_section, "account_token", c.railway.account_token, uses);
}

}  // namespace leverd::config
