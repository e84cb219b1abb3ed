// Why: how GitHub's REST interface spells the calls of forge.hpp (wire-contracts 5).
#include "core/stack/forge.hpp"

#include <fmt/format.h>

namespace leverd::stack {
namespace {

std::string runs_path(const std::string& repository, const RunQuery& query) {
    std::string path = fmt::format("/repos/{}/actions/runs?per_page={}", repository, query.limit);
    path += query.branch.empty() ? "" : "&branch=" + query.branch;
    path += query.status.empty() ? "" : "&status=" + query.status;
    return path;
}

std::string merged_path(const std::string& repository, const std::string& base) {
    return fmt::format(
        "/repos/{}/pulls?state=closed&base={}&sort=updated&direction=desc&per_page=100", repository,
        base);
}

}  // namespace

const ForgeDialect github_dialect{
    "github",   "application/vnd.github+json", "X-GitHub-Api-Version", "2022-11-28", runs_path,
    merged_path};

}  // namespace leverd::stack
