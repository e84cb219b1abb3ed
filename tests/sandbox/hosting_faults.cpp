// Why: what a test breaks at the two hosting providers, one function per kind of fault.
#include "crypto.hpp"
#include "faults.hpp"

#include <algorithm>

namespace sandbox {

namespace {

bool one_of(const std::string& word, const std::vector<std::string>& words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

std::string set(CallMode& call, const json& fault, const std::vector<std::string>& words) {
    const std::string mode = text_of(fault, "mode");
    if (!one_of(mode, words)) {
        return "unknown mode";
    }
    call.mode = mode;
    call.sticky = flag_of(fault, "sticky", false);
    return {};
}

// No two deployments are of the same millisecond, however fast they are shipped.
template <class Deployment>
std::int64_t created_now(const World& world, const std::vector<Deployment>& before) {
    return before.empty() ? world.wall() : std::max(world.wall(), before.back().created + 1);
}

}  // namespace

// Ships a deployment that breaks what it serves: {"breaks": mode of the control plane}.
std::string railway_deploy(World& world, const json& fault, json& result) {
    RailwayDeployment made;
    made.id = random_uuid();
    made.snapshot = random_uuid();
    made.commit = text_of(fault, "commit", random_hex(6));
    made.created = created_now(world, world.railway.deployments);
    made.status = text_of(fault, "status", "SUCCESS");
    made.breaks = text_of(fault, "breaks", "ok");
    result["id"] = made.id;
    world.railway.deployments.push_back(std::move(made));
    RailwayDeployment& deployment = world.railway.deployments.back();
    if (deployment.status == "SUCCESS" || deployment.status == "CRASHED") {
        world.railway_up(deployment);
    }
    return {};
}

std::string railway_rollback(World& world, const json& fault, json&) {
    world.railway.next_end = text_of(fault, "end", "SUCCESS");
    world.railway.next_old_token = flag_of(fault, "old_token", false);
    return set(world.railway.rollback, fault,
               {"ok", "lost", "lost_before_effect", "http_500", "refused", "problem", "false",
                "noop", "html", "429"});
}

std::string railway_reads(World& world, const json& fault, json&) {
    return set(world.railway.reads, fault, {"ok", "429", "refused", "5xx"});
}

// Ships a canvas that breaks: {"breaks": mode of the canvas}.
std::string vercel_deploy(World& world, const json& fault, json& result) {
    VercelDeployment made;
    made.id = "dpl_" + random_hex(8);
    made.commit = random_hex(6);
    made.created = created_now(world, world.vercel.deployments);
    made.breaks = text_of(fault, "breaks", "ok");
    world.vercel.live = made.id;
    world.modes.canvas = made.breaks;
    result["id"] = made.id;
    world.vercel.deployments.push_back(std::move(made));
    return {};
}

std::string vercel_move(World& world, const json& fault, json&) {
    world.vercel.next_end = text_of(fault, "end", "succeeded");
    return set(
        world.vercel.move, fault,
        {"ok", "lost", "lost_before_effect", "http_500", "402", "409", "422", "429", "noop"});
}

std::string vercel_reads(World& world, const json& fault, json&) {
    return set(world.vercel.reads, fault, {"ok", "429", "5xx"});
}

}  // namespace sandbox
