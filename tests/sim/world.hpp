// Why: a seeded world around leverd: tenants, workspaces, runtimes and images that fail, replies
// that get lost, restarts between any two steps, reloads, clocks that step, people who answer late
// or say no. Everything random comes from the seed, so a failing seed replays exactly.
#pragma once

#include "tests/sim/machine.hpp"

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
    int undone = 0;
    int lost_replies = 0;
    int restarts = 0;
    int reloads = 0;
    int doubts = 0;
    int vetoes = 0;
    int approvals = 0;
    int storms = 0;
    std::map<std::string, int> verdicts;

    void add(const Tally& other);
};

Rules sim_rules();

class World {
  public:
    World(std::uint64_t seed, std::unique_ptr<Machine> machine);
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    // Random faults for this long, then everything is healed and the world must come to rest; in
    // less than the usual time it need not have.
    void run(Millis trouble, Millis rest = std::chrono::minutes{100});

    // SHA-256 over every ledger entry.
    const std::string& ledger_hash() const { return hash_; }
    const std::vector<std::string>& violations() const { return violations_; }
    const Tally& tally() const { return tally_; }

  private:
    struct Thing {
        bool up = true;
        Instant back_at{};   // while it restarts; the epoch: it does not
        Instant fails_at{};  // what a lever broke shows only after a while; the epoch: nothing is
        Instant last_up{};
        Instant flaps_until{};  // goes up and down until then, and stays down
        double requests = 100;
        std::string runtime;  // of a workspace
    };
    struct Later {
        Instant at;
        Event event;
    };
    struct Fired {
        Instant at;
        bool effect = false;
        bool refused = false;
        std::string lever;
        Subject subject;
        std::string resource;
        bool undo = false;
    };

    std::uint64_t below(std::uint64_t n) { return random_() % n; }
    bool chance(std::uint64_t one_in) { return below(one_in) == 0; }

    void step();
    void trouble();
    void people();
    void heal();
    void come_back(Thing& thing);
    void look_around();
    void look_at_tenant(const std::string& slug, const Thing& tenant);
    void look_at_workspace(const std::string& name, const Thing& workspace);
    void plain_look(const std::string& subject, const char* probe, bool good,
                    const std::string& version = {});
    void deliver(const Event& event);
    void perform_all(const std::vector<Effect>& effects);
    void perform(const Effect& effect);
    void answer_plan(const MakePlan& wanted);
    void answer_question();
    void fire(const Intent& intent);
    void take_effect(const Intent& intent);
    void restart();
    void reload();
    void note(const Entry& entry);
    void later(Millis in, Event event) { later_.push_back({now_.at + in, std::move(event)}); }
    bool is_up(const Subject& subject) const;

    void check_fire(const Intent& intent);
    void check_is_broken(const Intent& intent);
    void check_verdict(const Verdict& verdict);
    void check_state();
    void check_rest();
    // At every moment: what is broken in the world itself is told, worked on, or covered by what a
    // person said.
    void check_silence();
    bool is_broken(const Subject& subject) const;
    bool can_be_seen(const Subject& subject) const;
    bool is_told_or_in_hand(const Subject& subject) const;
    void violate(const std::string& what);

    std::uint64_t seed_;
    // Little breaks by itself and releases come often: where a rollback is met by nothing else.
    bool of_releases_;
    std::mt19937_64 random_;
    Rules rules_;
    std::unique_ptr<Machine> machine_;
    Now now_{at_millis(10'000'000), WallTime{Millis{1'800'000'000'000}}};
    std::string hash_;
    std::vector<Later> later_;
    std::vector<std::string> violations_;
    Tally tally_;

    std::map<std::string, Thing> tenants_;
    std::map<std::string, Thing> workspaces_;  // "slug/number"
    std::map<std::string, bool> runtime_bad_;
    bool control_plane_up_ = true;
    bool network_up_ = true;
    int image_ = 1;
    std::set<std::string> soon_;          // subjects wished for
    std::map<std::string, Fired> fired_;  // by intent
    std::set<std::string> intents_durable_;
    std::set<std::string> undone_;
    std::int64_t decisions_durable_ = 0;
    std::map<Subject, Instant> silent_from_;  // of what is broken, and nobody says so
    std::map<Subject, Instant> broken_at_;    // when it was so last
    Instant network_up_at_{};
    bool healing_ = false;
    int ticks_ = 0;
};

}  // namespace leverd::sim
