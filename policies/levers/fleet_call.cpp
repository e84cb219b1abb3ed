// Why: see fleet_call.hpp.
#include "policies/levers/fleet_call.hpp"

#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "policies/levers/access.hpp"
#include "policies/levers/outcome.hpp"
#include "policies/levers/redeploy_row.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <optional>

namespace leverd::levers {
namespace {

constexpr const char* fleet_path = "/cp/admin/tenants/redeploy-fleet";
constexpr int soak_seconds = 60;  // between the canary and the others
constexpr int batch_size = 3;
constexpr std::size_t word_max = 120;

struct Rows {
    std::map<std::string, nlohmann::json> of;  // by slug
    bool clean = true;                         // each row an object with a slug of its own
    bool ok = true;                            // what the whole answer says
};

// nullopt: the answer is none of the control plane's.
std::optional<Rows> rows_of(const net::HttpResponse& response) {
    const auto body = parse_json(response.body);
    if (!stack::is_json(response) || !body.has_value() || !body->is_object()) {
        return std::nullopt;
    }
    Rows rows;
    const auto ok = body->find("ok");
    rows.ok = ok == body->end() || !ok->is_boolean() || ok->get<bool>();
    const auto results = body->find("results");
    if (results == body->end() || !results->is_array()) {
        return rows;
    }
    for (const auto& row : *results) {
        const std::string slug = stack::text_at(row, "slug");
        rows.clean = rows.clean && is_slug(slug) && rows.of.emplace(slug, row).second;
    }
    return rows;
}

std::string row_words(const nlohmann::json& row) {
    const std::string why = stack::text_at(row, "error");
    return sanitize(stack::text_at(row, "ssm_status") + (why.empty() ? "" : ", " + why), word_max);
}

bool is_dry(const nlohmann::json& row) {
    return stack::text_at(row, "ssm_status") == "DryRun";
}

bool answered_2xx(const net::HttpResponse& response) {
    return response.status >= 200 && response.status <= 299;
}

}  // namespace

net::HttpRequest fleet_request(const Context& context, const std::vector<std::string>& slugs,
                               const std::string& tag, bool dry_run) {
    auto request = stack::control_plane_request(control_plane_of(context), "POST", fleet_path);
    request.headers.emplace_back("Content-Type", "application/json");
    const nlohmann::json body{{"only_slugs", slugs},          {"target_tag", tag},
                              {"canary_slug", slugs.front()}, {"soak_seconds", soak_seconds},
                              {"batch_size", batch_size},     {"dry_run", dry_run}};
    request.body = body.dump();
    return request;
}

FleetAnswer judge_dry_run(const stack::Read<net::HttpResponse>& answer,
                          const net::HttpRequest& request, const std::vector<std::string>& slugs) {
    // A control plane that does not know `dry_run` may have acted on it, so only an answer that
    // rules this out is a refusal.
    const auto unanswered = [&](const stack::Problem& problem, const std::string& words) {
        const bool nothing = judge_mutation(problem) == OutcomeKind::failed;
        return FleetAnswer{nothing ? OutcomeKind::refused : OutcomeKind::unknown,
                           (nothing               ? "no dry run: "
                            : problem.status == 0 ? "the dry run was not answered: "
                                                  : "the dry run ended otherwise: ") +
                               words};
    };
    if (answer.has_error()) {
        return unanswered(answer.error(), answer.error().detail);
    }
    const std::string words = stack::describe_answer(request, *answer);
    if (!answered_2xx(*answer)) {
        return unanswered(stack::problem_of(request, *answer), words);
    }
    const auto rows = rows_of(*answer);
    if (!rows) {
        return {OutcomeKind::unknown, "something else answered the dry run: " + words};
    }
    for (const auto& [slug, row] : rows->of) {
        if (!is_dry(row)) {
            return {OutcomeKind::unknown,
                    "the dry run may have been a real one, nothing more was sent; " + slug + ": " +
                        row_words(row)};
        }
    }
    const bool exact =
        rows->ok && rows->clean && rows->of.size() == slugs.size() &&
        std::ranges::all_of(slugs, [&](const auto& slug) { return rows->of.contains(slug); });
    if (!exact) {
        return {OutcomeKind::refused,
                "the dry run would not redeploy exactly the planned tenants: " + words};
    }
    return {OutcomeKind::accepted, {}};
}

FleetAnswer judge_fleet(const stack::Read<net::HttpResponse>& answer,
                        const net::HttpRequest& request, const std::vector<std::string>& slugs) {
    if (answer.has_error()) {
        return {judge_mutation(answer.error()), describe_mutation(answer.error())};
    }
    if (!answered_2xx(*answer)) {
        return {judge_mutation(stack::problem_of(request, *answer)),
                stack::describe_answer(request, *answer)};
    }
    const auto rows = rows_of(*answer);
    if (!rows) {
        return {OutcomeKind::unknown, "something else answered instead of the control plane: " +
                                          stack::describe_answer(request, *answer)};
    }
    std::size_t good = 0;
    std::size_t bad = 0;
    FleetAnswer out;
    for (const auto& slug : slugs) {
        const auto row = rows->of.find(slug);
        const bool missing = row == rows->of.end();
        const bool failed = !missing && redeploy_row_failed(row->second);
        good += missing || failed ? 0 : 1;
        bad += failed ? 1 : 0;
        out.detail += (out.detail.empty() ? "" : "; ") + slug +
                      (missing  ? ": no result"
                       : failed ? ": failed (" + row_words(row->second) + ")"
                                : ": ok");
    }
    if (good == slugs.size() && rows->ok) {
        out.kind = OutcomeKind::accepted;
    } else if (bad == slugs.size()) {
        out.kind = OutcomeKind::failed;
    }
    if (!rows->ok) {
        out.detail += "; the control plane calls the rollout failed";
    }
    return out;
}

}  // namespace leverd::levers
