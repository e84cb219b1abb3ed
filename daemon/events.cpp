// Why: where events from outside meet the rest. A new one becomes wishes for looks and a line in a
// figure; it never reaches the engine.
#include "daemon/app_impl.hpp"

#include <spdlog/spdlog.h>

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
    const auto path = std::filesystem::path(config.daemon.state_directory) / "deliveries";
    auto opened = Deliveries::open(path, clock->now().wall);
    if (opened) {
        deliveries = std::move(*opened);
        return;
    }
    spdlog::warn("event=deliveries_not_kept what=\"{}\" hint=\"{}\"", opened.error().what,
                 opened.error().hint);
}

const Secret* App::Impl::event_secret(stack::EventSource source) {
    const auto found = secrets.find(secret_name(config.events, source));
    return found == secrets.end() ? nullptr : &found->second;
}

bool App::Impl::take_event(stack::EventSource source, const stack::Event& event) {
    const std::string name(to_string(source));
    if (!deliveries.is_new(event.ids, clock->now().wall)) {
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

}  // namespace leverd
