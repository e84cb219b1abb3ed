// Why: see outbox.hpp. The order of arrival decides what is newest, and equal content what is old:
// after a crash in which the ledger could not be written, the engine may count versions anew.
#include "exporters/pager/outbox.hpp"

#include "core/model/codec.hpp"
#include "exporters/pager/slot_codec.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <tuple>

namespace leverd::exporters {
namespace {

constexpr Millis first_wait{1'000};
constexpr Millis longest_wait{60'000};
constexpr Millis first_wait_rejected{60'000};
constexpr Millis longest_wait_rejected{15 * 60'000};
constexpr Millis first_gap{250};  // between two messages to a sink that is in trouble
constexpr Millis longest_gap{10'000};
constexpr Millis a_moment{5'000};
constexpr Millis forget_every{60'000};
constexpr std::size_t at_once_max = 4;
const std::string place_row;  // the key of the row that speaks about the sink itself

Millis doubled(Millis first, Millis most, int times) {
    auto wait = first;
    for (int i = 0; i < times && wait < most; ++i) {
        wait *= 2;
    }
    return std::min(wait, most);
}

bool same(const std::optional<Paged>& one, const Paged& other) {
    return one && to_json(EntryBody{*one}) == to_json(EntryBody{other});
}

}  // namespace

void Outbox::restore(const std::vector<OutboxRow>& rows, Now now) {
    for (const auto& row : rows) {
        first_ = false;
        auto& place = places_[row.sink];
        if (row.key == place_row) {
            if (const auto since = known_since_from_json(row.json)) {
                place.known_since = *since;
            }
            continue;
        }
        auto kept = slot_from_json(row.json);
        if (!kept) {
            changed_.emplace(row.sink, row.key);  // written anew, or removed
            continue;
        }
        Slot slot;
        slot.accepted = std::move(kept->accepted);
        slot.waiting = std::move(kept->waiting);
        slot.waiting_since = kept->waiting_since;
        // A time that is still to come was written before the timeline was carried over.
        slot.changed = std::min(kept->changed, now.at);
        place.slots.insert_or_assign(row.key, std::move(slot));
    }
}

void Outbox::declare(const std::vector<Sink>& sinks, Now now) {
    for (auto& [name, place] : places_) {
        place.declared = false;
    }
    for (const auto& sink : sinks) {
        const auto name = sink.id + "@" + sink.target;
        const auto [at, is_new] = places_.try_emplace(name);
        auto& place = at->second;
        place.id = sink.id;
        place.declared = true;
        place.renew_every = sink.renew_every;
        if (is_new) {
            // The first sinks of all are told everything that is not known to be old.
            place.known_since = first_ ? WallTime{} : now.wall;
            changed_.emplace(name, place_row);
        }
        for (const auto& [key, slot] : place.slots) {
            settle_slot(name, place, key);
        }
    }
    first_ = first_ && sinks.empty();
    forget_old(now);
}

bool Outbox::put(const Paged& page, Now now) {
    bool news = false;
    for (auto& [name, place] : places_) {
        if (place.declared && page.muted.empty()) {
            news = put(name, place, page, now) || news;
        }
    }
    forget_old(now);
    return news;
}

bool Outbox::put(const std::string& name, Place& place, const Paged& page, Now now) {
    const bool over = page.status == PageStatus::resolved;
    const auto held = place.slots.find(page.key);
    if (held == place.slots.end() && over &&
        (page.version == 0 || page.since.wall < place.known_since)) {
        return false;  // it began before this sink was there
    }
    auto& slot = held == place.slots.end() ? place.slots[page.key] : held->second;
    if (same(slot.waiting, page) || (!slot.waiting && same(slot.accepted, page))) {
        return false;
    }
    slot.waiting = page;
    slot.changed = now.at;
    if (!slot.waiting_since) {
        slot.waiting_since = now;
        slot.next = now.at;
    }
    if (slot.rejected) {  // other words may be welcome
        slot.rejected = false;
        slot.attempts = 0;
        slot.next = now.at;
    }
    changed_.emplace(name, page.key);
    settle_slot(name, place, page.key);
    return true;
}

bool Outbox::has_work(const Place& place, const Slot& slot) const {
    const bool open = slot.accepted && slot.accepted->status != PageStatus::resolved;
    return place.declared && (slot.waiting || (open && place.renew_every > Millis{0}));
}

void Outbox::settle_slot(const std::string& name, Place& place, const std::string& key) {
    (void)name;
    if (has_work(place, place.slots.at(key))) {
        place.live.insert(key);
    } else {
        place.live.erase(key);
    }
}

bool Outbox::may_send(const Place& place) const {
    return place.declared && place.under_way < (place.failures > 0 ? 1 : at_once_max);
}

std::optional<Outbox::Attempt> Outbox::take(Now now) {
    for (auto& [name, place] : places_) {
        if (!may_send(place) || place.not_before > now.at) {
            continue;
        }
        // What was tried least goes first, so that a message that only fails holds up no other.
        const auto rank = [](const Slot& slot) {
            const auto severity = slot.waiting ? slot.waiting->severity : Severity::info;
            const auto since = slot.waiting_since ? slot.waiting_since->at : Instant::max();
            return std::tuple{!slot.waiting, slot.attempts, -static_cast<int>(severity), since};
        };
        const std::string* best = nullptr;
        for (const auto& key : place.live) {
            const auto& slot = place.slots.at(key);
            if (slot.under_way || slot.next > now.at) {
                continue;
            }
            if (best == nullptr || rank(slot) < rank(place.slots.at(*best))) {
                best = &key;
            }
        }
        if (best == nullptr) {
            continue;
        }
        auto& slot = place.slots.at(*best);
        slot.under_way = true;
        place.under_way += 1;
        Attempt attempt;
        attempt.sink = place.id;
        attempt.place = name;
        attempt.renewal = !slot.waiting;
        attempt.message.page = slot.waiting ? *slot.waiting : *slot.accepted;
        attempt.message.told = slot.accepted;
        attempt.message.brief = slot.brief;
        return attempt;
    }
    return std::nullopt;
}

void Outbox::ended(const Attempt& attempt, const std::optional<AttemptEnd>& end, Now now) {
    auto& place = places_.at(attempt.place);
    const auto& key = attempt.message.page.key;
    auto& slot = place.slots.at(key);
    slot.under_way = false;
    place.under_way -= 1;
    if (!end) {
        return;
    }
    place.counts.problem = end->kind == AttemptEnd::Kind::accepted ? std::string{} : end->words;
    if (end->kind == AttemptEnd::Kind::accepted) {
        accepted(place, slot, attempt, now);
    } else {
        not_accepted(place, slot, *end, now);
    }
    if (!attempt.renewal) {
        changed_.emplace(attempt.place, key);
    }
    settle_slot(attempt.place, place, key);
}

void Outbox::accepted(Place& place, Slot& slot, const Attempt& attempt, Now now) {
    place.counts.accepted += 1;
    place.failures = 0;
    place.not_before = now.at;
    slot.attempts = 0;
    slot.rejected = false;
    slot.problem.clear();
    slot.accepted = attempt.message.page;
    slot.next = now.at + place.renew_every;
    if (!attempt.renewal) {
        slot.changed = now.at;
    }
    if (same(slot.waiting, attempt.message.page)) {
        slot.waiting.reset();
        slot.waiting_since.reset();
    } else if (slot.waiting) {
        slot.waiting_since = now;
        slot.next = now.at;
    }
    // It takes messages again: the others need not wait any longer.
    for (const auto& key : place.live) {
        auto& other = place.slots.at(key);
        if (other.waiting && !other.rejected && other.attempts > 0) {
            other.next = std::min(other.next, now.at);
        }
    }
}

void Outbox::not_accepted(Place& place, Slot& slot, const AttemptEnd& end, Now now) {
    slot.problem = end.words;
    if (end.too_large && !slot.brief) {
        slot.brief = true;
        slot.next = now.at;
        return;
    }
    slot.attempts += 1;
    slot.rejected = end.kind == AttemptEnd::Kind::rejected;
    const auto wait = slot.rejected
                          ? doubled(first_wait_rejected, longest_wait_rejected, slot.attempts - 1)
                          : doubled(first_wait, longest_wait, slot.attempts - 1);
    slot.next = now.at + std::max(jittered(wait), end.retry_after);
    if (slot.rejected) {
        place.counts.rejected += 1;
        place.failures = 0;
        return;
    }
    place.counts.failed += 1;
    place.not_before =
        now.at + std::max(doubled(first_gap, longest_gap, place.failures), end.retry_after);
    place.failures += 1;
}

// Between half of it and the whole, so that many do not come back at one moment.
Millis Outbox::jittered(Millis wait) {
    std::uniform_int_distribution<std::int64_t> more(0, wait.count() / 2);
    return wait - Millis{more(random_)};
}

Instant Outbox::next_due() const {
    auto next = Instant::max();
    for (const auto& [name, place] : places_) {
        if (!may_send(place)) {
            continue;  // the end of what is under way comes first
        }
        for (const auto& key : place.live) {
            const auto& slot = place.slots.at(key);
            if (!slot.under_way) {
                next = std::min(next, std::max(slot.next, place.not_before));
            }
        }
    }
    return next;
}

// What is over and told; and everything of a sink that is not declared any more.
void Outbox::forget_old(Now now) {
    if (now.at < forget_next_) {
        return;  // it walks through everything that is kept
    }
    forget_next_ = now.at + forget_every;
    for (auto& [name, place] : places_) {
        std::vector<std::pair<Instant, std::string>> old;
        for (const auto& [key, slot] : place.slots) {
            const bool told =
                !slot.waiting && slot.accepted && slot.accepted->status == PageStatus::resolved;
            if ((told || !place.declared) && !slot.under_way) {
                old.emplace_back(slot.changed, key);
            }
        }
        std::ranges::sort(old);
        const std::size_t over = old.size() > told_max ? old.size() - told_max : 0;
        for (std::size_t i = 0; i < old.size(); ++i) {
            if (i < over || now.at - old[i].first > told_kept) {
                place.slots.erase(old[i].second);
                place.live.erase(old[i].second);
                changed_.emplace(name, old[i].second);
            }
        }
    }
}

std::vector<OutboxRow> Outbox::take_changes() {
    std::vector<OutboxRow> rows;
    for (const auto& [name, key] : std::exchange(changed_, {})) {
        const auto& place = places_.at(name);
        OutboxRow row{name, key, {}};
        if (key == place_row) {
            row.json = known_since_to_json(place.known_since);
        } else if (const auto slot = place.slots.find(key); slot != place.slots.end()) {
            const auto& held = slot->second;
            row.json =
                slot_to_json({held.accepted, held.waiting, held.waiting_since, held.changed});
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

std::vector<Paged> Outbox::told() const {
    std::map<std::string, const Paged*> newest;
    for (const auto& [name, place] : places_) {
        if (!place.declared) {
            continue;  // what it holds of long ago is nobody's business any more
        }
        for (const auto& [key, slot] : place.slots) {
            for (const auto* page : {&slot.accepted, &slot.waiting}) {
                auto& best = newest[key];
                if (*page && (best == nullptr || best->version < (*page)->version)) {
                    best = &**page;
                }
            }
        }
    }
    std::vector<Paged> out;
    for (const auto& [key, page] : newest) {
        if (page != nullptr) {
            out.push_back(*page);
        }
    }
    return out;
}

std::vector<SinkReport> Outbox::report(Now now) const {
    std::vector<SinkReport> out;
    for (const auto& [name, place] : places_) {
        if (!place.declared) {
            continue;
        }
        SinkReport one = place.counts;
        one.sink = place.id;
        for (const auto& key : place.live) {
            const auto& slot = place.slots.at(key);
            if (!slot.waiting || !slot.waiting_since ||
                (slot.attempts == 0 && now.at - slot.waiting_since->at < a_moment)) {
                continue;
            }
            one.undelivered += 1;
            if (!one.oldest || slot.waiting_since->at < one.oldest->at) {
                one.oldest = slot.waiting_since;
                one.key = key;
                one.problem = slot.problem.empty() ? one.problem : slot.problem;
            }
        }
        out.push_back(std::move(one));
    }
    return out;
}

}  // namespace leverd::exporters
