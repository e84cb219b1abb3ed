// Why: see story.hpp. The chapters themselves are in story_day.cpp.
#include "story.hpp"

#include "clock.hpp"

#include <cstdio>

namespace sandbox {

bool Story::start(const std::string& name) {
    if (name != "day" && name != "none") {
        return false;
    }
    name_ = name;
    started_ = steady_ms();
    told_ = json::array();
    pending_ = name == "day" ? day_story() : std::vector<Event>();
    over_ = pending_.empty();
    return true;
}

void Story::tick() {
    if (over_) {
        return;
    }
    const double elapsed = static_cast<double>(steady_ms() - started_) / 1000.0 * speed_;
    for (std::size_t i = 0; i < pending_.size();) {
        const Event& event = pending_[i];
        if (elapsed < event.at || (event.when && !event.when(*world_))) {
            ++i;
            continue;
        }
        const Event now = event;
        pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(i));
        if (!now.unless || !now.unless(*world_)) {
            happen(now, elapsed);
        }
    }
    over_ = pending_.empty();
}

void Story::happen(const Event& event, double elapsed) {
    const std::string clock = day_clock(elapsed);
    if (event.act) {
        event.act(*world_);
    }
    if (event.text.empty()) {
        return;
    }
    std::printf("%s %s\n", clock.c_str(), event.text.c_str());
    std::fflush(stdout);
    told_.push_back(json::object(
        {{"seconds", elapsed}, {"time", steady_ms()}, {"clock", clock}, {"text", event.text}}));
}

json Story::status() const {
    json out = json::object();
    out["name"] = name_;
    out["running"] = !over_;
    out["elapsed_seconds"] = static_cast<double>(steady_ms() - started_) / 1000.0 * speed_;
    out["chapter"] = told_.empty() ? json(nullptr) : told_.back()["text"];
    out["events"] = told_;
    out["pending"] = pending_.size();
    out["green"] = world_->green();
    return out;
}

}  // namespace sandbox
