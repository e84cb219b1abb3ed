// Why: when the room is full, somebody has to leave or wait outside, and it must not be chance who:
// a connection that asks nothing gives its seat to one that does, no peer takes the whole room, and
// a few seats are kept for what a person or a scraper needs in an outage. No sockets here, and the
// time is handed in.
#pragma once

#include "core/base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>

namespace leverd::exporters::web {

struct SeatLimits {
    std::size_t all = 64;
    std::size_t per_peer = 48;
    std::size_t reserved = 8;  // beside `all`; for urgent requests only
    Millis stalled{2'000};     // a peer that reads its answer slower may be left
};

struct SeatCounts {
    std::uint64_t refused_full = 0;     // connections that found no seat at all
    std::uint64_t evicted_full = 0;     // left because the room was full
    std::uint64_t evicted_peer = 0;     // left because its own peer had too many
    std::uint64_t kept_for_urgent = 0;  // sat down on a reserved seat
};

class Seats;

// One connection's place, given back when it dies.
class Seat {
  public:
    // waiting: no complete request yet; serving: an answer is being made, or a stream is open;
    // writing: the peer is to take the answer.
    enum class Phase { waiting, serving, writing };

    ~Seat();
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;

    void enter(Phase phase, Instant now);
    // How the connection is closed when its seat is needed; at once when it was needed before this.
    void on_leave(std::function<void()> leave);
    bool reserved() const { return reserved_; }
    bool gone() const { return gone_; }

  private:
    friend class Seats;
    Seat(std::shared_ptr<Seats> room, std::string peer, bool reserved, Instant now);
    void leave();

    std::shared_ptr<Seats> room_;
    std::string peer_;
    bool reserved_;
    bool gone_ = false;
    Phase phase_ = Phase::waiting;
    Instant since_;
    std::uint64_t order_ = 0;  // of the last change, for equal times
    std::function<void()> leave_;
    std::list<Seat*>::iterator place_;
};

class Seats : public std::enable_shared_from_this<Seats> {
  public:
    static std::shared_ptr<Seats> make(SeatLimits limits);

    // A seat for one more connection of `peer`, or nullptr when there is none.
    std::unique_ptr<Seat> admit(const std::string& peer, Instant now);
    std::size_t taken() const { return ordinary_ + reserved_; }
    const SeatCounts& counts() const { return counts_; }

  private:
    friend class Seat;
    explicit Seats(SeatLimits limits) : limits_(limits) {}
    std::unique_ptr<Seat> sit(const std::string& peer, bool reserved, Instant now);
    void give_back(Seat& seat);
    // Sends one away, if any may be: of `peer` only, or (empty) of the peer that holds the most.
    bool make_room(const std::string& peer, bool reserved, Instant now);
    bool may_be_left(const Seat& seat, Instant now) const;
    bool leaves_before(const Seat& a, const Seat& b) const;

    SeatLimits limits_;
    SeatCounts counts_;
    std::size_t ordinary_ = 0;
    std::size_t reserved_ = 0;
    std::uint64_t changes_ = 0;
    std::map<std::string, std::size_t> by_peer_;  // ordinary seats
    std::list<Seat*> seats_;
};

}  // namespace leverd::exporters::web
