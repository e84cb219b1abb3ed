// Why: what the engine asks for is done here: plans, the one call of a lever, the looks afterwards,
// pages. Results come back as events; nothing is decided here.
#pragma once

#include "config/config.hpp"
#include "core/net/task_group.hpp"
#include "daemon/driver.hpp"
#include "daemon/snapshot.hpp"
#include "exporters/pager/pager.hpp"
#include "policies/levers/lever.hpp"
#include "probes/scheduler.hpp"

#include <functional>
#include <optional>

namespace leverd {

class EffectRunner {
  public:
    // Everything referenced outlives this object. Lever calls run in `lever_tasks`, so that a stop
    // can wait for them.
    EffectRunner(levers::Context context, const levers::LeverTable& table, Driver& driver,
                 net::TaskGroup& lever_tasks, net::TaskGroup& tasks, probes::Scheduler& scheduler,
                 exporters::Pager& pager);

    void perform(const Effect& effect);
    // New lever calls are refused from now on.
    void retire() { retired_ = true; }
    // After a reload; calls under way keep what they began with.
    void use(const SnapshotPtr& snapshot);
    // Read just before each call: the stop switch as a file works with everything else down.
    void set_stop_check(std::function<bool()> stopped) { stopped_ = std::move(stopped); }
    // The engine's view of an intent, for the plan that takes it back.
    void set_intents(std::function<std::optional<Intent>(const std::string&)> intents) {
        intents_ = std::move(intents);
    }
    // The plan for a firing that a person asked for; read-only. `from`: the intent whose loss is to
    // be made good; empty: the lever as such.
    boost::asio::awaitable<PlanMade> plan_by_hand(std::string lever, Subject subject,
                                                  std::string from);
    // What an incident is about besides its own subject, for the diagnostics.
    void set_linked(std::function<std::vector<Subject>(const std::string&)> linked) {
        linked_ = std::move(linked);
    }

  private:
    // What a plan is for; with `undo_of`, the inverse of that intent unless it says recreation.
    enum class Wanted { lever, recreation };

    boost::asio::awaitable<void> make_plan(MakePlan wanted);
    boost::asio::awaitable<Result<Plan>> plan_for(std::shared_ptr<levers::Lever> lever,
                                                  MakePlan wanted, Wanted what);
    boost::asio::awaitable<PlanMade> planned(std::shared_ptr<levers::Lever> lever, MakePlan wanted,
                                             Wanted what);
    boost::asio::awaitable<void> fire(Intent intent);
    // `*begun`: from here on the call may have been sent.
    boost::asio::awaitable<Outcome> call(Intent intent, bool* begun);
    boost::asio::awaitable<void> diagnose(Intent intent);
    boost::asio::awaitable<void> observe(ObserveLever wanted);
    boost::asio::awaitable<void> prove(ProveLever wanted);
    void page(const Paged& sent);
    net::Deadline deadline_for(const std::string& lever) const;

    levers::Context context_;
    const levers::LeverTable& table_;
    Driver& driver_;
    net::TaskGroup& lever_tasks_;
    net::TaskGroup& tasks_;
    probes::Scheduler& scheduler_;
    exporters::Pager& pager_;
    std::function<bool()> stopped_;
    std::function<std::optional<Intent>(const std::string&)> intents_;
    std::function<std::vector<Subject>(const std::string&)> linked_;
    bool retired_ = false;
};

}  // namespace leverd
