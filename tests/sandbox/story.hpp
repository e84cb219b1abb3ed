// Why: a demo day in a minute and a half: what breaks when, and what the people in it do.
#pragma once

#include "world.hpp"

#include <functional>
#include <string>
#include <vector>

namespace sandbox {

// One thing that happens once: at `at` seconds (speed 1) and not before `when` holds.
struct Event {
    double at = 0;
    std::string text;  // empty: happens without a word
    std::function<void(World&)> act;
    std::function<bool(const World&)> when;  // empty: at its time
    // The event is called off when this holds at its time: the need for it has gone.
    std::function<bool(const World&)> unless;
};

std::vector<Event> day_story();
// The hour that is told at so many seconds into the day, "08:05"; never goes back.
std::string day_clock(double seconds);

class Story {
  public:
    Story(World* world, double speed) : world_(world), speed_(speed) {}

    // False for an unknown name; "none" ends the current one.
    bool start(const std::string& name);
    void tick();
    json status() const;

  private:
    void happen(const Event& event, double elapsed);

    World* world_;
    double speed_;
    std::string name_ = "none";
    std::int64_t started_ = 0;
    std::vector<Event> pending_;
    json told_ = json::array();
    bool over_ = true;
};

}  // namespace sandbox
