// Why: see hosts.hpp.
#include "hosts.hpp"

namespace sandbox {

namespace {

constexpr std::string_view kZone = ".sandbox.test";

Reply dispatch(World& world, const Request& request) {
    const auto hostile = world.modes.hostile.find(request.host);
    if (hostile != world.modes.hostile.end()) {
        if (std::optional<Reply> reply = hostile_reply(hostile->second)) {
            return std::move(*reply);
        }
    }
    if (!request.host.ends_with(kZone)) {
        return text_reply(421, "no such host here\n");
    }
    const std::string name = request.host.substr(0, request.host.size() - kZone.size());
    if (name == "api") {
        return control_plane_host(world, request);
    }
    if (name == "registry") {
        return registry_host(world, request);
    }
    if (name == "forge") {
        return forge_host(world, request);
    }
    if (name == "app") {
        return canvas_host(world, request);
    }
    if (name == "pager") {
        return pager_host(world, request);
    }
    if (name == "railway") {
        return railway_host(world, request);
    }
    if (name == "vercel") {
        return vercel_host(world, request);
    }
    if (name == "ref1" || name == "ref2" || name == "ref3") {
        return reference_host(request);
    }
    if (Tenant* tenant = world.tenant(name)) {
        return tenant_host(world, *tenant, request);
    }
    return html_reply(404, "<!doctype html><title>no such organisation</title>\n");
}

}  // namespace

Reply route(World& world, Request& request) {
    split_target(request);
    world.tick();
    Reply reply = dispatch(world, request);
    world.journal->record(request, reply);
    return reply;
}

}  // namespace sandbox
