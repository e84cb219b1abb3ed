// Why: one function per virtual host of the played stack, and the router that picks among them.
#pragma once

#include "world.hpp"

#include <optional>

namespace sandbox {

// Answers one call on the TLS port: picks the host, applies hostile modes, writes the journal.
Reply route(World& world, Request& request);

Reply control_plane_host(World& world, const Request& request);
Reply tenant_host(World& world, Tenant& tenant, const Request& request);
Reply registry_host(World& world, const Request& request);
Reply forge_host(World& world, const Request& request);
Reply canvas_host(World& world, const Request& request);
Reply reference_host(const Request& request);
Reply pager_host(World& world, const Request& request);
Reply railway_host(World& world, const Request& request);
Reply vercel_host(World& world, const Request& request);

// workspace_http.cpp: everything under /workspaces of a tenant, behind guard and rate limit.
Reply workspaces_routes(World& world, Tenant& tenant, const Request& request,
                        const std::vector<std::string>& parts);
// workspace_life.cpp
Reply create_workspace(World& world, Tenant& tenant, const Request& request);
Reply delete_workspace(World& world, Tenant& tenant, const std::string& id, const Request& request);
// workspace_private.cpp: model, secrets, tokens and belongings of one workspace; nullptr: of one
// that is not there, as the measured build answers for it.
Reply private_reads(World& world, const Tenant& tenant, const Workspace* workspace,
                    const Request& request, const std::vector<std::string>& parts);
// Nothing when the call is none of these.
std::optional<Reply> private_changes(World& world, const Tenant& tenant, Workspace& workspace,
                                     const Request& request, const std::vector<std::string>& parts);
// Nothing for the admin bearer, the workspace's own, or the same origin without any bearer.
std::optional<Reply> refuse_workspace(const Tenant& tenant, const Workspace* workspace,
                                      const Request& request);
// The HTML that the tenant's canvas proxy gives for a path that nobody routes.
Reply canvas_fallback(int status);
// events.cpp: the upgrade to a tenant's event stream, behind guard and rate limit.
Reply stream_route(World& world, const Tenant& tenant, const Request& request);
// Nothing when the admin bearer is right, else the 401.
std::optional<Reply> refuse_admin(const Tenant& tenant, const Request& request);

// hostile.cpp: the body or the way of sending of a hostile mode; nothing for an unknown mode.
std::optional<Reply> hostile_reply(const std::string& mode);

}  // namespace sandbox
