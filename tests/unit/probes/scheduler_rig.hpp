// Why: a scheduler with kinds that do as the test says, and what it made of them.
#pragma once

#include "probes/scheduler.hpp"

#include "core/net/asio_use.hpp"
#include "tests/catch.hpp"
#include "tests/unit/probes/fake_http.hpp"

#include <functional>
#include <set>
#include <stdexcept>

namespace leverd::test {

namespace asio = boost::asio;

// What the scripted kinds below look at; looks are plain functions, so this is where they keep
// their notes.
struct Notes {
    std::vector<std::string> quick_targets;
    std::set<std::string> hangs;  // ends at its deadline
    std::set<std::string> deaf;   // ignores its deadline, ends when cancelled
    std::set<std::string> throws;
    std::set<std::string> hollow;  // has nothing to look at
    std::map<std::string, int> begun;
    std::map<std::string, int> running;
    int most_at_once = 0;
    int most_of_one = 0;
    int now_running = 0;
};
inline Notes* notes = nullptr;

inline std::vector<std::string> quick_targets(const probes::Context&) {
    return notes->quick_targets;
}

inline Observation note(const probes::Task& task) {
    Observation seen;
    seen.subject = Subject("tenant/" + task.target);
    seen.probe = task.kind;
    seen.health = Health::healthy;
    return seen;
}

inline asio::awaitable<std::vector<Observation>> quick_look(probes::Context&, probes::Task task,
                                                            net::Deadline deadline) {
    const std::string& target = task.target;
    ++notes->begun[target];
    notes->most_of_one = std::max(notes->most_of_one, ++notes->running[target]);
    notes->most_at_once = std::max(notes->most_at_once, ++notes->now_running);
    asio::steady_timer timer(co_await asio::this_coro::executor);
    if (notes->throws.contains(target) || (task.kind == "inner" && notes->begun[target] == 1)) {
        --notes->running[target];
        --notes->now_running;
        throw std::runtime_error("a defect");
    }
    if (notes->deaf.contains(target)) {
        timer.expires_at(net::Deadline::max());
        co_await timer.async_wait(net::tuple_token);
    } else {
        timer.expires_at(notes->hangs.contains(target) ? deadline : net::deadline_in(Millis{1}));
        co_await timer.async_wait(net::tuple_token);
    }
    --notes->running[target];
    --notes->now_running;
    std::vector<Observation> out;
    if (notes->hollow.contains(target)) {
        co_return out;
    }
    out.push_back(note(task));
    if (task.kind == "inner") {
        out.back().subject = Subject("workspace/" + target + "/" + test::org_id);
    }
    co_return out;
}

// Keeps the test going and is counted nowhere.
inline asio::awaitable<std::vector<Observation>> free_look(probes::Context&, probes::Task task,
                                                           net::Deadline) {
    co_return std::vector<Observation>(1, note(task));
}

inline int one_request(const probes::Context&, const std::string&) {
    return 1;
}

// Runs a scheduler until `enough` says so, or ten seconds have passed (which fails the test).
struct Rig {
    Rig() {
        notes = &script;
        kinds.push_back({"quick", quick_look, quick_targets, "tenant", nullptr, false});
        add_settings("quick", Millis{20}, Millis{5}, Millis{100});
        hooks.on_observation = [this](Observation seen) {
            ++seen_of[seen.subject.text()];
            last[seen.subject.text()] = seen;
            if (enough && enough()) {
                group.cancel();
            }
        };
        hooks.on_lateness = [this](Millis late) { lateness.push_back(late); };
    }

    void add_settings(const std::string& kind, Millis interval, Millis retry, Millis timeout) {
        config::ProbeSettings settings;
        settings.kind = kind;
        settings.interval = interval;
        settings.retry = retry;
        settings.timeout = timeout;
        world.config.probes.push_back(settings);
    }

    void run(std::function<bool()> until) {
        enough = std::move(until);
        group.spawn("scheduler", scheduler.run());
        asio::steady_timer limit(io);
        limit.expires_after(std::chrono::seconds(10));
        limit.async_wait([this](boost::system::error_code error) {
            if (!error) {
                timed_out = true;
                group.cancel();
            }
        });
        auto on_joined = [&limit](const std::exception_ptr&) { limit.cancel(); };
        asio::co_spawn(io, group.join(), std::move(on_joined));
        io.run();
        CHECK_FALSE(timed_out);
    }

    Notes script;
    test::World world;
    asio::io_context io;
    std::vector<std::string> defects;
    net::TaskGroup group{io.get_executor(), [this](const net::TaskDefect& defect) {
                             defects.push_back(defect.task + ": " + defect.what);
                         }};
    std::vector<probes::ProbeKind> kinds;
    probes::SchedulerHooks hooks;
    std::map<std::string, int> seen_of;
    std::map<std::string, Observation> last;
    std::vector<Millis> lateness;
    std::function<bool()> enough;
    bool timed_out = false;
    probes::Scheduler scheduler{
        io.get_executor(), world.context, group,
        probes::SchedulerHooks{[this](Observation seen) { hooks.on_observation(std::move(seen)); },
                               [this](Millis late) { hooks.on_lateness(late); }},
        kinds};
};
}  // namespace leverd::test
