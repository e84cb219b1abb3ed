// Why: who leaves and who gets in when the room is full, without sockets and without waiting.
#include "exporters/web/seats.hpp"
#include "tests/catch.hpp"

#include <vector>

using namespace leverd::exporters::web;
using Phase = Seat::Phase;
using leverd::Instant;
using leverd::Millis;

namespace {

constexpr Instant noon = leverd::at_millis(43'200'000);

SeatLimits small() {
    SeatLimits out;
    out.all = 4;
    out.per_peer = 3;
    out.reserved = 2;
    return out;
}

struct Guest {
    std::unique_ptr<Seat> seat;
    std::shared_ptr<bool> left = std::make_shared<bool>(false);
};

Guest sit(Seats& room, const std::string& peer, Phase phase = Phase::waiting, Instant now = noon) {
    Guest out;
    out.seat = room.admit(peer, now);
    if (out.seat) {
        out.seat->on_leave([left = out.left] { *left = true; });
        out.seat->enter(phase, now);
    }
    return out;
}

}  // namespace

TEST_CASE("in a full room the one that asked nothing for longest leaves, of the peer with most") {
    const auto room = Seats::make(small());
    const Guest other = sit(*room, "b");
    const Guest first = sit(*room, "a");
    const Guest second = sit(*room, "a", Phase::serving);
    const Guest third = sit(*room, "a");
    const Guest fresh = sit(*room, "c");
    REQUIRE(fresh.seat);
    CHECK_FALSE(fresh.seat->reserved());
    CHECK(*first.left);
    CHECK_FALSE(*other.left);
    CHECK_FALSE(*second.left);
    CHECK_FALSE(*third.left);
    CHECK(room->taken() == 4);
    CHECK(room->counts().evicted_full == 1);
}

TEST_CASE("a peer that has its share gets a seat of its own, never another's") {
    const auto room = Seats::make(small());
    const Guest other = sit(*room, "b");
    std::vector<Guest> mine;
    for (int i = 0; i < 50; ++i) {
        mine.push_back(sit(*room, "a"));
        CHECK(mine.back().seat);
    }
    CHECK_FALSE(*other.left);
    CHECK(room->taken() == 4);
    CHECK(room->counts().evicted_peer == 47);
}

TEST_CASE("where everybody is being served, what is urgent has seats of its own") {
    const auto room = Seats::make(small());
    std::vector<Guest> busy;
    for (const char* peer : {"a", "a", "b", "b"}) {
        busy.push_back(sit(*room, peer, Phase::serving));
    }
    const Guest one = sit(*room, "c");
    const Guest two = sit(*room, "c");
    REQUIRE(one.seat);
    CHECK(one.seat->reserved());
    CHECK(two.seat->reserved());
    const Guest three = sit(*room, "d");  // those on reserved seats that ask nothing leave, too
    REQUIRE(three.seat);
    CHECK(three.seat->reserved());
    CHECK(*one.left);
    two.seat->enter(Phase::serving, noon);
    three.seat->enter(Phase::serving, noon);
    CHECK_FALSE(sit(*room, "e").seat);
    CHECK(room->counts().refused_full == 1);
    for (const Guest& guest : busy) {
        CHECK_FALSE(*guest.left);
    }
}

TEST_CASE("whoever reads its answer too slowly may be left for another") {
    const auto room = Seats::make(small());
    std::vector<Guest> slow;
    for (const char* peer : {"a", "a", "b", "b"}) {
        slow.push_back(sit(*room, peer, Phase::writing));
    }
    const Guest at_once = sit(*room, "c", Phase::waiting, noon + Millis{1'999});
    REQUIRE(at_once.seat);
    CHECK(at_once.seat->reserved());
    const Guest later = sit(*room, "c", Phase::waiting, noon + Millis{2'000});
    REQUIRE(later.seat);
    CHECK_FALSE(later.seat->reserved());
    CHECK(*slow[0].left);
}

TEST_CASE("a seat is given back once, whether its owner left or was left") {
    const auto room = Seats::make(small());
    {
        std::vector<Guest> guests;
        for (int i = 0; i < 9; ++i) {
            guests.push_back(sit(*room, "p" + std::to_string(i)));
        }
        CHECK(room->taken() == 4);
        CHECK(guests[0].seat->gone());
    }
    CHECK(room->taken() == 0);
    // Needed before its connection could say how it is closed: closed as soon as it can be.
    Guest late;
    late.seat = room->admit("a", noon);
    std::vector<Guest> others;
    for (int i = 0; i < 4; ++i) {
        others.push_back(sit(*room, "p" + std::to_string(i)));
    }
    late.seat->on_leave([left = late.left] { *left = true; });
    CHECK(*late.left);
}
