// Why: see workspace_proof.hpp.
#include "policies/levers/workspace_proof.hpp"

#include "core/base/text.hpp"
#include "policies/levers/access.hpp"
#include "policies/levers/outcome.hpp"
#include "policies/levers/workspace_look.hpp"
#include "policies/levers/workspace_recreate.hpp"
#include "policies/levers/workspace_spec.hpp"

#include <optional>
#include <utility>

namespace leverd::levers {
namespace {

// The new one by the id that the create call gave, else by name.
std::optional<stack::Workspace> replacement_of(const stack::WorkspaceList& list, const Plan& plan,
                                               const Outcome& outcome, const std::string& old_id) {
    const auto known = outcome.results.find("new_id");
    if (known == outcome.results.end()) {
        return find_replacement(list, param(plan, "name"), old_id,
                                split(param(plan, "namesakes"), ','));
    }
    const auto* row = find_id(list, known->second);
    return row == nullptr ? std::nullopt : std::optional<stack::Workspace>(*row);
}

// A process that died between minting and deleting cannot say which token it was.
std::string token_words(const Plan& plan) {
    return param(plan, "secrets").empty() || plan.params.contains(recreates_param)
               ? std::string{}
               : std::string(
                     "; if leverd was cut short, a token of it that was minted to read its "
                     "secrets may still be live: revoke the newest one");
}

// The intent that has the spec: of a recreation, the one that it made up for.
std::string recreated_from(const Plan& plan, const std::string& intent) {
    const auto from = param(plan, recreates_param);
    return from.empty() ? intent : from;
}

boost::asio::awaitable<Observation> look_at_replacement(Context& context, Plan plan,
                                                        Outcome outcome, net::Deadline deadline) {
    Observation look = make_look(plan, context.clock->now());
    const auto name = workspace_name(plan.subject);
    if (name.has_error()) {
        say(look, Health::unknown, Reason::proof_missing, name.error().what);
        co_return look;
    }
    auto access = co_await open_tenant(context, name->slug, deadline);
    if (access.has_error()) {
        say(look, Health::unknown, Reason::parent_unreadable, access.error().what);
        co_return look;
    }
    auto list = co_await read_workspaces(context, &*access, deadline);
    if (list.has_error()) {
        say(look, list.error());
        co_return look;
    }
    if (find_id(*list, name->id) != nullptr) {
        say(look, Health::failing, Reason::proof_missing, "the old workspace is still listed");
        co_return look;
    }
    const auto fresh = replacement_of(*list, plan, outcome, name->id);
    if (!fresh || !list->complete) {
        say(look, Health::unknown, Reason::proof_missing,
            "the old workspace is gone; which one replaced it cannot be seen in the list");
        co_return look;
    }
    const std::string who = "the new one, " + fresh->row.id + ",";
    if (judge_status(look, *fresh, who)) {
        co_return look;
    }
    auto rows = co_await stack::read_activity(*access, fresh->row.id, activity_rows, deadline);
    if (rows.has_error()) {
        say(look, rows.error());
        co_return look;
    }
    judge_answers(look, *rows, std::nullopt, who,
                  "the old one is gone; " + who + " is online and answers cleanly");
    co_return look;
}

}  // namespace

boost::asio::awaitable<Settled> observe_replacement(Context& context, Plan plan, std::string intent,
                                                    Now fired, Millis quiet,
                                                    net::Deadline deadline) {
    const auto name = workspace_name(plan.subject);
    if (name.has_error()) {
        co_return make_settled(intent, Took::unclear, name.error().what);
    }
    auto access = co_await open_tenant(context, name->slug, deadline);
    if (access.has_error()) {
        co_return make_settled(intent, Took::unclear, access.error().what);
    }
    auto list = co_await read_workspaces(context, &*access, deadline);
    if (list.has_error()) {
        co_return make_settled(intent, Took::unclear, list.error().detail);
    }
    if (find_id(*list, name->id) != nullptr) {
        const bool settled = context.clock->now().at - fired.at >= quiet;
        co_return make_settled(intent, settled ? Took::no : Took::unclear,
                               settled ? "the old workspace is still listed" + token_words(plan)
                                       : "the old workspace is still listed; it is early to tell");
    }
    if (!list->complete) {
        co_return make_settled(intent, Took::unclear, "the list has rows that cannot be read");
    }
    const auto fresh = find_replacement(*list, param(plan, "name"), name->id,
                                        split(param(plan, "namesakes"), ','));
    if (!fresh) {
        auto gone = make_settled(intent, Took::unclear,
                                 "the workspace is deleted and nothing replaced it: recreate it by "
                                 "hand, or with leverd workspace recreate --from " +
                                     recreated_from(plan, intent) + ", unless it appears");
        gone.results[lost_result] = plan.subject.text();
        co_return gone;
    }
    co_return make_settled(intent, Took::yes, "new_id=" + fresh->row.id);
}

boost::asio::awaitable<Observation> prove_replacement(Context& context, Plan plan, Outcome outcome,
                                                      net::Deadline deadline) {
    auto look =
        co_await look_at_replacement(context, std::move(plan), std::move(outcome), deadline);
    look.seen = context.clock->now();
    co_return look;
}

}  // namespace leverd::levers
