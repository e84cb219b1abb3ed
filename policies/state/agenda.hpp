// Why: the work of a turn follows what changed, not what is open. Whatever changes state notes here
// what that touches, and each stage takes from here what it must look at; what only time can change
// rings an alarm. Nothing here is durable: a start touches everything.
#pragma once

#include "core/model/observation.hpp"
#include "policies/state/alarms.hpp"

#include <compare>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace leverd {

using SymptomKey = std::pair<std::string, Subject>;  // symptom id, subject
using RunKey = std::pair<std::string, Subject>;      // signal id, subject

// What changed since the page stage looked last. It takes the whole (`std::exchange(news, {})`);
// what only time moves it keeps in its own desk (`PageDesk`).
struct PageNews {
    bool everything = false;      // a start or a reload: look at all that is open
    bool box = false;             // observer, breaker, stop switch, vetoes, autonomy, flapping
    bool storms = false;          // what every storm tells of
    std::set<std::string> cases;  // incidents: opened, linked, decided, escalated, closed, woken
    std::set<std::string> keys;   // pages that a case joined
    std::set<Subject> subjects;   // a symptom cleared, it flaps or does not any more
};

// Why a tripped row is not raised yet, and by which look that would change.
enum class Wait { references, healthy, sibling, lever };

// Tripped rows that something forbids for now, by what they wait for and since when it must hold.
class WaitingRows {
  public:
    struct List {
        Wait why;
        Subject what;  // of `healthy`: the needed one; of `sibling`: its kind
        std::string symptom;

        friend auto operator<=>(const List&, const List&) = default;
    };
    using Rows = std::set<std::pair<Instant, SymptomKey>>;

    void add(Wait why, Subject what, Instant since, const SymptomKey& row) {
        List list{why, std::move(what), row.first};
        lists_[list].emplace(since, row);
        rows_[row] = {std::move(list), since};
    }
    void remove(const SymptomKey& row) {
        const auto held = rows_.find(row);
        if (held == rows_.end()) {
            return;
        }
        const auto list = lists_.find(held->second.first);
        list->second.erase({held->second.second, row});
        if (list->second.empty()) {
            lists_.erase(list);
        }
        rows_.erase(held);
    }
    bool waits(Wait why, const Subject& what) const {
        const auto found = lists_.lower_bound(List{why, what, {}});
        return found != lists_.end() && found->first.why == why && found->first.what == what;
    }
    const std::map<List, Rows>& lists() const { return lists_; }

  private:
    std::map<List, Rows> lists_;
    std::map<SymptomKey, std::pair<List, Instant>> rows_;
};

struct Agenda {
    bool everything = true;
    std::set<SymptomKey> rows;  // rows of the table to be asked for a subject
    std::set<std::string> to_move;
    std::set<std::string> to_decide;
    std::set<std::string> to_close;
    bool all_cases = false;     // something about the box changed: every case is decided anew
    bool lever_news = false;    // a lever began or ended
    bool records_news = false;  // what levers or time achieved
    std::set<RunKey> flaps;     // whose looks turned
    std::set<std::string> siblings_good;  // kinds of which one was seen good
    WaitingRows waiting;
    PageNews pages;

    Alarms<std::string> case_alarms;    // incident: a guard or a limit may say something else then
    Alarms<SymptomKey> group_alarms;    // a member is no longer recent
    LooseAlarms<Subject> sight_alarms;  // its newest look is no longer fresh
    Alarms<RunKey> change_alarms;       // its newest change leaves the flap window
    Alarms<RunKey> flap_alarms;         // it may be steady again
    Alarms<RunKey> silence_alarms;      // nothing heard for too long

    // The case changed, or something that its decision, its place or its end depends on.
    void touch_case(const std::string& id) {
        to_move.insert(id);
        to_decide.insert(id);
        to_close.insert(id);
        pages.cases.insert(id);
    }
    void touch_box() {
        all_cases = true;
        pages.box = true;
    }
};

}  // namespace leverd
