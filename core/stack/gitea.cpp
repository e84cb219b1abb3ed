// Why: how Gitea's REST interface spells the calls of forge.hpp: pages are sized by `limit`, and
// older servers ignore `base_branch`, so the base is compared again in the answer.
#include "core/stack/forge.hpp"

#include <fmt/format.h>

namespace leverd::stack {
namespace {

std::string runs_path(const std::string& repository, const RunQuery& query) {
    std::string path = fmt::format("/repos/{}/actions/runs?limit={}", repository, query.limit);
    path += query.branch.empty() ? "" : "&branch=" + query.branch;
    path += query.status.empty() ? "" : "&status=" + query.status;
    return path;
}

std::string merged_path(const std::string& repository, const std::string& base) {
    return fmt::format("/repos/{}/pulls?state=closed&base_branch={}&sort=recentupdate&limit=50",
                       repository, base);
}

}  // namespace

const ForgeDialect gitea_dialect{"gitea", "application/json", "", "", runs_path, merged_path};

}  // namespace leverd::stack
