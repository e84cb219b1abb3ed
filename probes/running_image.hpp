// Why: receipt and tag say what is meant to run; only tenants can say what does. This is the third
// side of image_drift.
#pragma once

#include "core/stack/image_identity.hpp"
#include "probes/common.hpp"

#include <optional>
#include <string>
#include <vector>

namespace leverd::probes {

// How the tenants that tell what they run stand to one image. Whoever does not tell, or tells
// something that cannot be resolved, is in none of the lists.
struct Running {
    std::vector<std::string> told;  // slugs
    std::vector<std::string> off_tag;
    std::vector<std::string> off_receipt;  // empty without a receipt
    std::string other;                     // a digest that runs and is not the tag's; empty: none
};

// Only the two platform images are run by tenants; for any other nobody tells.
bool tenants_run(const config::Registry& settings, const std::string& repository);

boost::asio::awaitable<Running> who_runs(Context& context, stack::Registry& registry,
                                         stack::ImageIdentity& identity, std::string repository,
                                         std::string tag, std::optional<std::string> receipt,
                                         net::Deadline deadline);

// The finding in words: who left whom. `receipt` as in who_runs().
std::string describe_running(const Running& running, bool has_receipt, bool tag_drifted);

}  // namespace leverd::probes
