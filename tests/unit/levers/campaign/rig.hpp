// Why: one firing of one lever under one seed: the real engine and the real lever, a ledger that
// can be full or lie, a transport that breaks at a chosen step, and a process that may die at any
// of them. What was right is judged by Production's journal.
#pragma once

#include "policies/engine.hpp"
#include "policies/levers/lever.hpp"
#include "tests/unit/levers/campaign/production.hpp"
#include "tests/unit/levers/campaign/program.hpp"

#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace leverd::test {

enum class Fault {
    none,
    cut_before,   // for certain nothing left
    lost_before,  // sent, and it never arrived
    lost_after,   // it arrived, and the answer was lost
    slow,         // the answer comes late
    late,         // the answer is lost and the request arrives ten seconds later
    twice,        // something on the way delivers it twice
    http_500,     // without effect
    http_502,     // by the edge, after the effect
    http_429,
    http_403,
    splash,  // the edge's page with 200, without effect
    others_retag,
    crash_before,  // kill -9 before the request
    crash_after,   // kill -9 once it arrived
    stop_switch,
    terminate,  // SIGTERM: what is under way ends, nothing new begins
    reload,     // SIGHUP
    count_
};
const char* to_text(Fault fault);

enum class Disk {
    fine,
    full,   // nothing was written
    lying,  // fsync failed and the entries are there after a crash all the same
    count_
};

struct Broken {
    Fault fault = Fault::none;
    int at = 0;             // the n-th request ...
    bool mutations = true;  // ... that changes something
};

struct Faults {
    std::vector<Broken> broken;
    Disk disk = Disk::fine;
    int disk_at = 0;       // the n-th commit from the plan on
    int disk_for = 0;      // so many commits
    int crash_commit = 0;  // the process dies at this commit; 0: it does not
    bool crash_written = false;
};
// `mutations`: how many calls that change something the lever makes at most.
Faults draw_faults(std::mt19937_64& random, int mutations);

struct Tally {
    int runs = 0;
    int intents = 0;
    int effects = 0;
    int restarts = 0;
    int disk = 0;
    std::map<std::string, int> faults;
    std::map<std::string, int> outcomes;
    std::map<std::string, int> settled;
    std::map<std::string, int> verdicts;
};

// What is sealed on the disk, which this campaign does not break.
struct KeptSecrets final : SecretSafe {
    Result<void> keep(const std::string& intent, const Secret& bytes) override {
        held[intent] = bytes.reveal();
        return {};
    }
    Result<Secret> open(const std::string& intent) const override {
        return Secret::unlisted(held.at(intent));
    }
    void forget(const std::string& intent) override { held.erase(intent); }
    std::vector<std::string> kept() const override { return {}; }

    std::map<std::string, std::string> held;
};

class Rig {
  public:
    // `newest`: the tenant runs the newest build of the platform, not the measured one.
    Rig(const std::string& lever, const std::string& subject, const std::string& receipt,
        Faults faults, bool newest = false);
    // Until the lever's story is over.
    void go();
    void add_to(Tally& tally) const;
    const std::vector<std::string>& violations() const { return violations_; }

    Rig(const Rig&) = delete;
    Rig& operator=(const Rig&) = delete;

  private:
    struct Crash {};
    class Transport;
    class RigClock;

    void start();
    void turn_all();
    void send(Event event) { queue_.push_back(std::move(event)); }
    bool commit(std::vector<Entry> entries);
    void perform(const Effect& effect, bool durable);
    void fire(const Intent& intent);
    void look_around();
    bool over() const;
    void advance(Millis by);

    net::HttpResult fetch(const net::HttpRequest& request);
    net::HttpResult break_with(Fault fault, const net::HttpRequest& request);
    void note_send(const net::HttpRequest& request);
    void arrive_late();

    void judge();
    void judge_intent(const std::string& id);
    void judge_workspaces();
    void violate(const std::string& what);
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

    std::string lever_id_;
    Subject subject_;
    Faults faults_;
    config::Config config_;
    std::map<std::string, Secret> secrets_;
    Now now_{at_millis(100'000'000), WallTime{Millis{1'780'000'000'000}}};
    Production production_{&now_};
    std::unique_ptr<Program> program_;  // of the lever `command`
    std::unique_ptr<Clock> clock_;
    std::unique_ptr<net::HttpTransport> http_;
    Inventory inventory_;
    std::unique_ptr<levers::Lever> lever_;
    levers::Context context_;
    std::shared_ptr<KeptSecrets> safe_;  // a disk: it outlives the process
    bool leaving_ = false;
    bool terminated_ = false;
    bool stopped_ = false;

    Rules rules_;
    std::unique_ptr<Engine> engine_;
    std::vector<Entry> ledger_;
    std::vector<Entry> unwritten_;
    std::vector<Entry> ghosts_;  // not acknowledged, and there after a crash
    std::deque<Event> queue_;
    std::vector<Turn> adopted_;  // of a reload
    int pages_ = 0;

    std::string firing_;  // the intent whose call is under way
    int requests_ = 0;
    int mutations_ = 0;
    int commits_ = 0;
    struct Late {
        Instant at;
        net::HttpRequest request;
        std::string intent;
    };
    std::vector<Late> late_;
    std::map<std::pair<std::string, std::string>, int> sent_;  // intent and key
    std::set<std::string> durable_intents_;
    std::map<std::string, int> met_;  // faults that really happened
    int restarts_ = 0;
    int intents_at_stop_ = -1;
    std::vector<std::string> violations_;
};

}  // namespace leverd::test
