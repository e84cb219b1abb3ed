// Why: what a sink was told, and what it is still to be told. For every sink and every page there
// is one slot that holds the newest version only: it is tried until the sink accepts it or a newer
// one takes its place, and what was accepted is not told again. Pure: no clock, no network, no
// disk.
//
// put -> waiting -> take (on its way; one at a time per slot, so that an end never overtakes its
// beginning) -> ended: accepted | failed (the sink's trouble: soon again) | rejected (it does not
// want this message: slowly again, and told to a person).
#pragma once

#include "core/ledger/outbox_store.hpp"
#include "core/model/delivery.hpp"
#include "core/model/entry.hpp"
#include "exporters/pager/message.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace leverd::exporters {

class Outbox {
  public:
    struct Sink {
        std::string id;
        std::string target;     // changes when the id stands for another place
        Millis renew_every{0};  // an open page is said again this often; zero: never
    };
    struct Attempt {
        std::string sink;  // its id
        std::string place;
        Message message;
        bool renewal = false;
    };

    explicit Outbox(std::uint32_t seed) : random_(seed) {}

    // What the store held; before declare(). Rows that cannot be read are left out.
    void restore(const std::vector<OutboxRow>& rows, Now now);
    // At the start and after a reload. A new sink is told what is open, not what is over.
    void declare(const std::vector<Sink>& sinks, Now now);
    // The newest version of a page, for all sinks. The same one again changes nothing.
    // Whether any sink is to hear of it.
    bool put(const Paged& page, Now now);

    // The next message that may go now; it must be given back to ended().
    std::optional<Attempt> take(Now now);
    // What became of it; nothing: it was given up because leverd stops.
    void ended(const Attempt& attempt, const std::optional<AttemptEnd>& end, Now now);
    // When take() could give something; Instant::max(): not before the next put().
    Instant next_due() const;

    // Rows that changed since the last call.
    std::vector<OutboxRow> take_changes();
    std::vector<SinkReport> report(Now now) const;
    // The newest version of each page that any declared sink was told or is still to be told.
    std::vector<Paged> told() const;

    static constexpr Millis told_kept{9LL * 86'400'000};  // longer than the engine keeps its pages
    static constexpr std::size_t told_max = 5'000;        // pages that are over, per sink

  private:
    struct Slot {
        std::optional<Paged> accepted;
        std::optional<Paged> waiting;
        std::optional<Now> waiting_since;  // something newer than `accepted` exists since then
        Instant changed{};
        // Memory of this process.
        Instant next{};
        int attempts = 0;
        bool under_way = false;
        bool rejected = false;
        bool brief = false;  // it was too large
        std::string problem;
    };
    struct Place {
        std::string id;
        bool declared = false;
        WallTime known_since{};
        Millis renew_every{0};
        Instant not_before{};
        int failures = 0;  // in a row
        std::size_t under_way = 0;
        SinkReport counts;
        std::map<std::string, Slot> slots;  // by page
        std::set<std::string> live;         // slots with something to say, now or later
    };

    bool put(const std::string& name, Place& place, const Paged& page, Now now);
    bool has_work(const Place& place, const Slot& slot) const;
    bool may_send(const Place& place) const;
    void settle_slot(const std::string& name, Place& place, const std::string& key);
    void accepted(Place& place, Slot& slot, const Attempt& attempt, Now now);
    void not_accepted(Place& place, Slot& slot, const AttemptEnd& end, Now now);
    void forget_old(Now now);
    Millis jittered(Millis wait);

    std::map<std::string, Place> places_;  // by id and target
    std::set<std::pair<std::string, std::string>> changed_;
    std::minstd_rand random_;
    Instant forget_next_{};
    bool first_ = true;  // nothing was ever kept
};

}  // namespace leverd::exporters
