// Why: see seats.hpp. A room has some seventy seats, so that looking through all of them when it is
// full costs less than keeping them sorted.
#include "exporters/web/seats.hpp"

#include <utility>

namespace leverd::exporters::web {

Seat::Seat(std::shared_ptr<Seats> room, std::string peer, bool reserved, Instant now)
    : room_(std::move(room)), peer_(std::move(peer)), reserved_(reserved), since_(now) {}

Seat::~Seat() {
    if (!gone_) {
        room_->give_back(*this);
    }
}

void Seat::enter(Phase phase, Instant now) {
    phase_ = phase;
    since_ = now;
    order_ = ++room_->changes_;
}

void Seat::on_leave(std::function<void()> leave) {
    leave_ = std::move(leave);
    if (gone_ && leave_) {
        leave_();
    }
}

void Seat::leave() {
    room_->give_back(*this);
    gone_ = true;
    if (leave_) {
        leave_();
    }
}

std::shared_ptr<Seats> Seats::make(SeatLimits limits) {
    return std::shared_ptr<Seats>(new Seats(limits));
}

std::unique_ptr<Seat> Seats::admit(const std::string& peer, Instant now) {
    const auto mine = by_peer_.find(peer);
    const bool too_many = mine != by_peer_.end() && mine->second >= limits_.per_peer;
    if (too_many && make_room(peer, false, now)) {
        ++counts_.evicted_peer;
        return sit(peer, false, now);
    }
    if (!too_many && ordinary_ < limits_.all) {
        return sit(peer, false, now);
    }
    if (!too_many && make_room({}, false, now)) {
        ++counts_.evicted_full;
        return sit(peer, false, now);
    }
    // Everybody inside is being served. What is urgent still gets in; the rest is told to wait.
    if (reserved_ < limits_.reserved) {
        ++counts_.kept_for_urgent;
        return sit(peer, true, now);
    }
    if (make_room({}, true, now)) {
        ++counts_.evicted_full;
        return sit(peer, true, now);
    }
    ++counts_.refused_full;
    return nullptr;
}

std::unique_ptr<Seat> Seats::sit(const std::string& peer, bool reserved, Instant now) {
    std::unique_ptr<Seat> seat(new Seat(shared_from_this(), peer, reserved, now));
    seat->order_ = ++changes_;
    seats_.push_back(seat.get());
    seat->place_ = std::prev(seats_.end());
    if (reserved) {
        ++reserved_;
    } else {
        ++ordinary_;
        ++by_peer_[peer];
    }
    return seat;
}

void Seats::give_back(Seat& seat) {
    seats_.erase(seat.place_);
    if (seat.reserved_) {
        --reserved_;
        return;
    }
    --ordinary_;
    const auto mine = by_peer_.find(seat.peer_);
    if (--mine->second == 0) {
        by_peer_.erase(mine);
    }
}

bool Seats::make_room(const std::string& peer, bool reserved, Instant now) {
    Seat* first = nullptr;
    for (Seat* seat : seats_) {
        const bool asked = seat->reserved_ == reserved && (peer.empty() || seat->peer_ == peer);
        if (asked && may_be_left(*seat, now) &&
            (first == nullptr || leaves_before(*seat, *first))) {
            first = seat;
        }
    }
    if (first == nullptr) {
        return false;
    }
    first->leave();
    return true;
}

bool Seats::may_be_left(const Seat& seat, Instant now) const {
    switch (seat.phase_) {
        case Seat::Phase::waiting:
            return true;
        case Seat::Phase::writing:
            return now - seat.since_ >= limits_.stalled;
        case Seat::Phase::serving:
            return false;
    }
    return false;
}

// Those who ask nothing before those who read slowly; then those whose peer has the most seats;
// then those who have done so for longest.
bool Seats::leaves_before(const Seat& a, const Seat& b) const {
    if (a.phase_ != b.phase_) {
        return a.phase_ == Seat::Phase::waiting;
    }
    const auto held = [this](const Seat& seat) {
        const auto found = by_peer_.find(seat.peer_);
        return found == by_peer_.end() ? std::size_t{0} : found->second;
    };
    const std::size_t more = held(a);
    const std::size_t less = held(b);
    return more != less ? more > less : a.order_ < b.order_;
}

}  // namespace leverd::exporters::web
