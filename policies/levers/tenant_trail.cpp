// Why: see tenant_trail.hpp.
#include "policies/levers/tenant_trail.hpp"

#include "policies/levers/access.hpp"
#include "policies/levers/outcome.hpp"

#include <fmt/format.h>

namespace leverd::levers {
namespace {

constexpr std::size_t remembered_max = 64;

// The words for a trace that only a new start leaves; empty: none was found.
std::string trace_of(const Plan& plan, const Result<TenantRecord>& record, const TenantSigns& signs,
                     const TenantTrail& before) {
    const auto marker = plan.params.find("boot_marker");
    if (record.has_value() && marker != plan.params.end()) {
        if (record->boot_marker != marker->second) {
            return "a newer boot event: " + record->boot_marker;
        }
        if (record->instance_status == "provisioning") {
            return "the control plane says provisioning";
        }
    }
    if (before.requests && signs.requests && *signs.requests < *before.requests) {
        return fmt::format("the request counter started anew: {} after {}", *signs.requests,
                           *before.requests);
    }
    const bool changed = before.front && *before.front != signs.front;
    if (changed && *before.front == Front::down && signs.front == Front::healthy) {
        return "it was down when the call was sent and is healthy now";
    }
    if (changed && signs.front == Front::splash) {
        return "the edge shows the provisioning page";
    }
    return {};
}

}  // namespace

TenantTrail& TrailBook::of(const std::string& intent) {
    while (!trails_.contains(intent) && trails_.size() >= remembered_max) {
        trails_.erase(trails_.begin());
    }
    return trails_[intent];
}

// The organisation belongs to it: a slug may be given to another one while a person thinks.
std::string version_of(const TenantRecord& record) {
    return "org " + record.org_id + "; " + record.instance_status + "; boot " + record.boot_marker;
}

boost::asio::awaitable<Settled> settle_by_trail(Context& context, Plan plan, std::string intent,
                                                Now fired, Millis quiet, TrailBook* book,
                                                net::Deadline deadline) {
    const auto slug = tenant_slug(plan.subject);
    if (slug.has_error()) {
        co_return make_settled(intent, Took::unclear, slug.error().what);
    }
    auto record = co_await read_tenant_record(context, *slug, deadline);
    if (record.has_value() && record->instance_status.starts_with("stop")) {
        book->of(intent).untouched = 0;
        co_return make_settled(intent, Took::unclear,
                               "the control plane says " + record->instance_status +
                                   ": start the tenant by hand if it stays so");
    }
    const auto signs = co_await read_tenant_signs(context, *slug, param(plan, "org_id"), deadline);
    auto& trail = book->of(intent);
    const auto trace = trace_of(plan, record, signs, trail);
    if (!trace.empty()) {
        book->forget(intent);
        co_return make_settled(intent, Took::yes, trace);
    }
    const auto waited = context.clock->now().at - fired.at;
    const bool untouched = record.has_value() && version_of(*record) == plan.target_version &&
                           trail.requests && signs.requests && *signs.requests >= *trail.requests;
    trail.untouched = untouched && waited >= quiet ? trail.untouched + 1 : 0;
    if (trail.untouched >= 2) {
        book->forget(intent);
        co_return make_settled(intent, Took::no,
                               "no boot event, the same status and the same process: two "
                               "looks found the tenant untouched");
    }
    co_return make_settled(
        intent, Took::unclear,
        record.has_error()
            ? record.error().what
            : fmt::format("{}; the tenant is {}", version_of(*record), to_text(signs.front)));
}

}  // namespace leverd::levers
