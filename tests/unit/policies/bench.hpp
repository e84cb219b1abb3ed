// Why: a small stack and a hand-held clock, so that a policy test reads as a story: looks go in,
// decisions come out.
#pragma once

#include "policies/engine.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace leverd::test {

// Two rows over tenants, one over a platform, one over images; see bench.cpp.
Rules small_rules();

class Bench {
  public:
    // `first`: neither a history nor a witness of one was there.
    explicit Bench(Rules rules = small_rules(), bool first = false);

    void advance(Millis by);
    void jump_wall(Millis by) { now_.wall += by; }
    void tick() { take(engine_->on(Tick{}, now_)); }
    void send(Event event) { take(engine_->on(event, now_)); }

    void look(const std::string& subject, const std::string& probe, Health health,
              Reason reason = Reason::ok, Facts facts = {}, const std::string& version = {});
    // The control plane, the references and every tenant look good now.
    void all_good();
    void good(const std::string& tenant, double requests = 100);
    void bad(const std::string& tenant, Reason reason = Reason::connect_refused);
    // `looks` bad looks of a tenant, a second apart, while everything else stays good.
    void kill(const std::string& tenant, int looks = 3) { kill_all({tenant}, looks); }
    void kill_all(const std::vector<std::string>& dead, int looks = 3);
    void reference(int index, bool works);
    // Past the observer's dwell, with everything good.
    void settle();

    void answer_plan(const std::string& incident, const std::string& target_version = "v1");
    void fail_plan(const std::string& incident, const std::string& problem);
    void outcome(const std::string& intent, OutcomeKind kind);
    void approve(const std::string& decision, bool yes = true);

    // Throws everything away and folds the ledger into a new engine.
    // `away`: so long ago the process before it was heard of last.
    void restart(Millis away = Millis{0});
    // The ledger is gone, too; what is left is what the sinks were told.
    void lose_history(const std::vector<Paged>& told, bool doubted);
    void restart_with(Rules rules) {
        rules_ = std::move(rules);
        restart();
    }
    void reload(Rules rules);

    const State& view() const { return engine_->view(); }
    const Engine& engine() const { return *engine_; }
    Now now() const { return now_; }
    const std::vector<Entry>& ledger() const { return ledger_; }
    const std::vector<Effect>& effects() const { return effects_; }

    std::vector<Decision> decisions() const;
    std::optional<Decision> newest(const std::string& subject) const;
    template <class Body>
    std::vector<Body> entries() const {
        std::vector<Body> found;
        for (const auto& entry : ledger_) {
            if (const auto* body = std::get_if<Body>(&entry.body)) {
                found.push_back(*body);
            }
        }
        return found;
    }
    template <class Wanted>
    std::vector<Wanted> asked() const {
        std::vector<Wanted> found;
        for (const auto& effect : effects_) {
            if (const auto* one = std::get_if<Wanted>(&effect)) {
                found.push_back(*one);
            }
        }
        return found;
    }

    static constexpr const char* tenants[] = {"acme", "globex", "initech", "umbrella", "hooli"};

  private:
    void take(Turn turn);
    void answer_open_plans();

    Rules rules_;
    std::unique_ptr<Engine> engine_;
    Now now_{at_millis(1'000'000), WallTime{Millis{1'800'000'000'000}}};
    std::vector<Entry> ledger_;
    std::vector<Effect> effects_;
    bool answering_ = false;

  public:
    bool auto_plan = true;  // answers every MakePlan with a good plan at once
};

}  // namespace leverd::test
