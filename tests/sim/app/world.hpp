// Why: one seed of the whole process. The real App with its real ledger lives, is killed between
// two transactions or in the middle of a call, and lives again on the same directory; only the
// network and the clocks are made up. What was done to production is judged by production's own
// journal.
#pragma once

#include "core/net/task_group.hpp"
#include "daemon/app.hpp"
#include "tests/sim/app/stack.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace leverd::sim {

struct AppTally {
    int lives = 0;
    int kills = 0;
    int incidents = 0;
    int intents = 0;
    int effects = 0;
    int lost_replies = 0;
    int reloads = 0;
    int clock_steps = 0;
    int network_losses = 0;
    int approvals = 0;
    int full_disks = 0;
    std::map<std::string, int> verdicts;
    std::map<std::string, int> decisions;  // by reason

    void add(const AppTally& other);
};

class AppWorld {
  public:
    AppWorld(std::uint64_t seed, std::filesystem::path directory);
    AppWorld(const AppWorld&) = delete;
    AppWorld& operator=(const AppWorld&) = delete;

    // Trouble for this long, then all is mended and leverd must come to rest.
    void run(Millis trouble);

    const std::string& ledger_hash() const { return hash_; }
    const std::vector<std::string>& violations() const { return violations_; }
    const AppTally& tally() const { return tally_; }

  private:
    class Transport;
    class Journal;
    enum class Cut { no, before, after };

    std::uint64_t below(std::uint64_t n) { return random_() % n; }
    bool chance(std::uint64_t one_in) { return below(one_in) == 0; }

    void write_config();
    void live();
    boost::asio::awaitable<void> go_on();
    boost::asio::awaitable<void> answer_late(std::string decision, Millis after);
    void trouble();
    void people();
    void reload();
    void leave();
    // From here on nothing that the process does reaches the disk or the network.
    void kill();
    Cut draw_cut(bool weighty);  // commits of intents and outcomes are cut more often
    bool disk_is_full(bool weighty);

    void note(const Entry& entry);
    void check_call(const net::HttpRequest& request);
    void check_journal();
    void check_turn();
    void check_rest();
    void violate(const std::string& what);

    std::uint64_t seed_;
    std::filesystem::path directory_;
    std::mt19937_64 random_;
    FakeStack stack_;
    std::unique_ptr<App> app_;
    std::unique_ptr<net::TaskGroup> tasks_;
    bool leaving_ = false;
    bool dead_ = false;
    bool mended_ = false;
    std::int64_t full_until_ = 0;  // ms of uptime
    bool unwritten_ = false;       // a turn waits for room on the disk
    bool over_ = false;
    std::int64_t trouble_until_ = 0;
    std::int64_t end_ = 0;

    std::string hash_;
    std::vector<std::string> violations_;
    AppTally tally_;
    std::int64_t decisions_durable_ = 0;
    std::map<std::pair<std::string, std::string>, int> intents_;  // by lever and subject
    std::map<std::pair<std::string, std::string>, int> sent_;     // by slug and what
    std::set<std::string> asked_;
};

}  // namespace leverd::sim
