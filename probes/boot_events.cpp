// Why: the control plane's boot events tell a boot that failed from one that is slow, and silence
// is its own finding: a box that cannot phone home leaves no events at all (wire-contracts 1.4).
#include "probes/common.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace leverd::probes {
namespace {

std::string describe_event(const stack::BootEvent& event) {
    std::string text = fmt::format("stage \"{}\" status \"{}\"", event.stage, event.status);
    if (!event.text.empty()) {
        text += " \"" + event.text + "\"";
    }
    return text;
}

// `booting`: the control plane says that the instance is being provisioned.
Observation judge(const stack::BootEvents& boot, const Subject& subject, const Task& task,
                  bool booting, WallTime now) {
    if (boot.events.empty()) {
        Observation silent = observation(subject, task, Health::unknown, Reason::boot_silent,
                                         "the control plane holds no boot event of this tenant");
        silent.facts["events"] = 0;
        silent.facts["failed"] = 0;
        return silent;
    }
    const stack::BootEvent& newest = boot.events.front();
    const auto failed = std::count_if(boot.events.begin(), boot.events.end(),
                                      [](const stack::BootEvent& event) { return event.failed; });
    Observation seen = observation(
        subject, task, newest.failed ? Health::degraded : Health::healthy,
        newest.failed ? Reason::boot_failed : Reason::ok,
        fmt::format("{} boot events, newest: {}", boot.events.size(), describe_event(newest)));
    if (booting && !newest.failed) {
        seen.health = Health::degraded;
        seen.reason = Reason::provisioning;
    }
    seen.facts["events"] = static_cast<double>(boot.events.size());
    seen.facts["failed"] = static_cast<double>(failed);
    if (newest.at) {
        const Millis age = std::max(Millis{0}, now - *newest.at);
        seen.facts["last_age_seconds"] = static_cast<double>(age.count()) / 1000.0;
    }
    seen.phases = boot.response.phases;
    return seen;
}

}  // namespace

boost::asio::awaitable<Observations> look_boot_events(Context& context, Task task,
                                                      net::Deadline deadline) {
    const Now started = context.clock->now();
    const Subject subject("tenant/" + task.target);
    stack::ControlPlaneAccess access = control_plane_access(context);
    auto boot = co_await stack::read_boot_events(
        access, context.config->control_plane.boot_events_path, task.target, deadline);
    Observations all;
    if (boot.has_error()) {
        // The control plane's trouble, or a tenant that it does not know: never a failing tenant.
        all.push_back(cannot_judge(boot.error(), subject, task));
        if (boot.error().reason == Reason::not_found && !boot.error().exact) {
            all.back().reason = Reason::parent_unreadable;
        }
    } else {
        const auto tenant = context.inventory->tenants.find(task.target);
        const bool booting = tenant != context.inventory->tenants.end() &&
                             tenant->second.instance_status == "provisioning";
        all.push_back(judge(*boot, subject, task, booting, context.clock->now().wall));
    }
    all.back().attributes["tenant"] = task.target;
    co_return finish(context, started, std::move(all));
}

}  // namespace leverd::probes
