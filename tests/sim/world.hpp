// Why: a seeded world around the pure engine: tenants that die, replies that get lost, restarts
// between any two steps, people who answer late. Everything random comes from the seed, so a
// failing seed replays exactly.
#pragma once

#include "policies/engine.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace leverd::sim {

struct Tally {
    int incidents = 0;
    int fired = 0;
    int lost_replies = 0;
    int restarts = 0;
    int recovered = 0;
    int doubts = 0;
};

class World {
  public:
    explicit World(std::uint64_t seed);

    // Random faults for this long, then everything is healed and the world must come to rest.
    void run(Millis trouble);

    // SHA-256 over every ledger entry.
    std::string ledger_hash() const;
    const std::vector<std::string>& violations() const { return violations_; }
    const Tally& tally() const { return tally_; }

  private:
    struct Tenant {
        bool up = true;
        bool restarting = false;
        Instant back_at{};
        double requests = 100;
    };
    struct Later {
        Instant at;
        Event event;
    };

    std::uint64_t below(std::uint64_t n) { return random_() % n; }
    bool chance(std::uint64_t one_in) { return below(one_in) == 0; }

    void step();
    void trouble();
    void heal();
    void look_around();
    void look_at_tenant(const std::string& slug);
    void deliver(const Event& event);
    void commit(Turn turn);
    void perform(const Effect& effect);
    void fire(const Intent& intent);
    void restart();
    void later(Millis in, Event event) { later_.push_back({now_.at + in, std::move(event)}); }
    void check_state();
    void check_fire(const Intent& intent);
    void check_rest();
    void violate(const std::string& what);

    std::uint64_t seed_;
    std::mt19937_64 random_;
    Rules rules_;
    std::unique_ptr<Engine> engine_;
    Now now_{at_millis(10'000'000), WallTime{Millis{1'800'000'000'000}}};
    std::vector<Entry> ledger_;
    std::vector<Later> later_;
    std::vector<std::string> violations_;
    Tally tally_;

    std::map<std::string, Tenant> tenants_;
    bool control_plane_up_ = true;
    bool network_up_ = true;
    int image_ = 1;
    bool image_bad_ = false;
    bool platform_rolled_back_ = false;
    std::set<std::string> soon_;           // "subject probe" wished for
    std::map<std::string, int> calls_;     // by intent
    std::map<std::string, bool> effects_;  // by intent: did it take effect
    std::map<std::pair<std::string, Subject>, Instant> fired_at_;
    bool healing_ = false;
    int ticks_ = 0;
};

}  // namespace leverd::sim
