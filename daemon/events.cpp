// Why: where events from outside meet the rest. A new one becomes wishes for looks and a line in a
// figure; it never reaches the engine.
#include "daemon/app_impl.hpp"

#include "core/stack/event_table.hpp"

#include <spdlog/spdlog.h>

#include <random>

namespace leverd {
namespace {

const std::string& secret_name(const config::Events& events, stack::EventSource source) {
    static const std::string none;
    switch (source) {
        case stack::EventSource::github:
            return events.github;
        case stack::EventSource::gitea:
            return events.gitea;
        case stack::EventSource::vercel:
            return events.vercel;
        case stack::EventSource::railway:
            return events.railway;
        case stack::EventSource::alertmanager:
            return events.alertmanager;
        case stack::EventSource::tenant:
            break;
    }
    return none;
}

}  // namespace

// Without its file the memory of deliveries ends with the process; that is no reason not to start.
void App::Impl::open_deliveries() {
    const auto path = std::filesystem::path(config().daemon.state_directory) / "deliveries";
    auto opened = Deliveries::open(path, clock->now().wall);
    if (opened) {
        deliveries = std::move(*opened);
        return;
    }
    spdlog::warn("event=deliveries_not_kept what=\"{}\" hint=\"{}\"", opened.error().what,
                 opened.error().hint);
}

const Secret* App::Impl::event_secret(stack::EventSource source) {
    const auto& secrets = current->secrets;
    const auto found = secrets.find(secret_name(config().events, source));
    return found == secrets.end() ? nullptr : &found->second;
}

bool App::Impl::take_event(stack::EventSource source, const stack::Event& event) {
    const std::string name(to_string(source));
    if (!deliveries.is_new(name, event.ids, clock->now().wall)) {
        ++event_counts.duplicates[name];
        return false;
    }
    ++event_counts.taken[name];
    event_counts.dropped[name] += desk->post(event.hints);
    return true;
}

void App::Impl::refuse_event(stack::EventSource source, std::string_view reason) {
    ++event_counts.rejected[{std::string(to_string(source)), std::string(reason)}];
}

// What a tenant's stream says wakes looks at that tenant; its name was checked.
void App::Impl::wake_tenant(const std::string& slug, std::string_view event) {
    constexpr auto source = stack::EventSource::tenant;
    const auto hints = stack::hints_for(source, event, stack::EventScope{slug, {}});
    event_counts.dropped[std::string(to_string(source))] += desk->post(hints);
}

void App::Impl::wire_streams() {
    probes::StreamHooks hooks;
    hooks.on_open = [this](const std::string& slug) { wake_tenant(slug, "connected"); };
    hooks.on_event = [this](const std::string& slug, const std::string& event) {
        ++event_counts.taken[std::string(to_string(stack::EventSource::tenant))];
        wake_tenant(slug, event);
    };
    hooks.on_bad = [this] { refuse_event(stack::EventSource::tenant, "malformed"); };
    hooks.chance = [random = std::mt19937{std::random_device{}()}]() mutable {
        return std::uniform_real_distribution<double>{}(random);
    };
    streams = std::make_unique<probes::TenantStreams>(io.get_executor(), probe_context,
                                                      current->streams, *tasks, std::move(hooks));
}

}  // namespace leverd
