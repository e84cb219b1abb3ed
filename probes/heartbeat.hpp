// Why: some things can only say themselves that they ran: a backup, a cron job. They call, and what
// must not happen is that nobody notices when they no longer do.
#pragma once

#include "core/model/observation.hpp"
#include "probes/probe.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace leverd::probes {

// When each heartbeat was last heard. Every look carries that as an attribute of its subject, which
// the ledger keeps, so a restart goes on counting where the run before it was. A call a minute must
// not be an entry a minute: what is carried may be older than the last call by a twentieth of the
// deadline, and after a restart the deadline is that much longer, until the next call.
class Heartbeats {
  public:
    // How long no process of leverd listened since then: that time counts against nobody.
    using AwaySince = std::function<Millis(Instant)>;
    void on_away(AwaySince away_since) { away_since_ = std::move(away_since); }

    // From the attributes of a subject that the ledger remembers; call it before the first look.
    void restore(const Attributes& attributes);

    // Somebody called. The observation to post, or nullopt when no [[probe]] of kind heartbeat has
    // that name.
    std::optional<Observation> heard(const config::Config& config, const std::string& name,
                                     const Now& now);

    // What to say of it now. The first look at a name begins its first deadline.
    Observation look(const Task& task, const Now& now);

  private:
    struct Beat {
        Now last;  // the last call; before the first: when we began to wait
        bool called = false;
        Now carried;      // what the looks say of `last`
        Millis slack{0};  // how much later than `last` the true last call may have been
    };
    static std::string carried_text(const Beat& beat, Millis slack);
    AwaySince away_since_;  // empty: leverd was never away
    std::map<std::string, Beat> beats_;
};

}  // namespace leverd::probes
