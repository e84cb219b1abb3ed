// Why: when nobody answered, only traces tell whether a tenant started anew. A redeploy and a
// restart leave the same ones, and both read them here, so that a "no" is as hard to get for one as
// for the other.
#pragma once

#include "policies/levers/tenant_state.hpp"

#include <map>
#include <optional>
#include <string>

namespace leverd::levers {

// What the tenant showed right before the call. Lost with the process: a settlement then has the
// control plane's record only, and says `unclear` more often.
struct TenantTrail {
    std::optional<Front> front;
    std::optional<double> requests;
    int untouched = 0;  // looks in a row that found nothing changed
};

class TrailBook {
  public:
    TenantTrail& of(const std::string& intent);
    void forget(const std::string& intent) { trails_.erase(intent); }

  private:
    std::map<std::string, TenantTrail> trails_;
};

// "running; boot <newest event>": the state that a plan is made for.
std::string version_of(const TenantRecord& record);

// yes: a trace that only a new start leaves. no: two looks in a row, `quiet` after firing, found
// the same status, the same boot and the same process. Needs plan.params boot_marker and org_id.
boost::asio::awaitable<Settled> settle_by_trail(Context& context, Plan plan, std::string intent,
                                                Now fired, Millis quiet, TrailBook* book,
                                                net::Deadline deadline);

}  // namespace leverd::levers
