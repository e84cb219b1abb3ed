// Why: lever D deletes first and creates then, so whatever the platform would refuse to create, or
// would create as something else, has to be found before. Judged here, by what reading shows; what
// reading cannot show is found by rehearsing the create (workspace_values.hpp).
#pragma once

#include "policies/levers/workspace_spec.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace leverd::levers {

inline constexpr const char* by_a_person = "a person decides; nothing was deleted";

// The tenant runs a build of the platform that is newer than the one that was measured: it shows
// fields, or stores the model in a way, that the measured one does not know.
bool looks_newest(const nlohmann::json& row, const std::string& model_source,
                  const std::vector<std::string>& secrets);

// It is no workspace that leverd may delete and create anew: children, asleep, somebody else's, the
// organisation's own. Nullopt: it may.
std::optional<Error> not_replaceable(const stack::Workspace& found, const nlohmann::json& row);

// A create with this spec would be refused, or would lose what makes it work. Nullopt: nothing that
// can be read speaks against it.
std::optional<Error> not_creatable(const WorkspaceSpec& spec);

}  // namespace leverd::levers
