// Why: the ledger keeps runs of looks, the engine lives on single ones. Here the runs are expanded
// again, so that freshness, clearing and silence behave as they did.
#include "policies/replay.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace leverd {
namespace {

constexpr Millis default_pace{30'000};
constexpr Millis least_pace{1'000};
constexpr std::string_view lever_probe = "lever:";

using Pair = std::pair<Subject, std::string>;

// What is known about a subject and probe at some point of the ledger.
struct Run {
    std::uint32_t entry = 0;     // the newest Observed
    std::int64_t counted = 1;    // equal looks in a row, as the engine that lived counted them
    std::int64_t journaled = 1;  // as an engine that began from the ledger counts them
    std::uint32_t process = 0;   // which process wrote it
};

bool same_value(const Observation& a, const Observation& b) {
    return a.health == b.health && a.reason == b.reason;
}

class Expander {
  public:
    Expander(const std::vector<Entry>& ledger, Instant from) : ledger_(ledger), from_(from) {}

    std::vector<ReplayMoment> run() {
        find_paces();
        // What was not journaled any more: a run goes on until its subject is gone, or to the end.
        const auto go_on = [this](const Pair& pair, const Run& run, Instant until) {
            if (!std::string_view(pair.second).starts_with(lever_probe)) {
                fill_at_pace(pair, run.entry, seen(run.entry), until);
            }
        };
        walk([this](const Pair& pair, const Run& run,
                    const Observed& next) { expand(pair, run, next); },
             go_on);
        for (const auto& [pair, run] : runs_) {
            go_on(pair, run, ledger_.back().now.at);
        }
        for (std::uint32_t i = 0; i < ledger_.size(); ++i) {
            add(ledger_[i].now.at, i, false);
        }
        // Looks of a run come before what was decided at the same time.
        std::ranges::sort(moments_, [](const ReplayMoment& a, const ReplayMoment& b) {
            return std::tuple(a.at, !a.repeat, a.entry) < std::tuple(b.at, !b.repeat, b.entry);
        });
        return std::move(moments_);
    }

  private:
    const Observation& look(std::uint32_t entry) const {
        return std::get<Observed>(ledger_[entry].body).observation;
    }
    Instant seen(std::uint32_t entry) const { return look(entry).seen.at; }

    // Calls `visit(pair, run before, entry)` for every Observed that follows one of its pair, and
    // `gone(pair, run, when)` for each run of a subject that is removed.
    template <class Visit, class Gone>
    void walk(Visit visit, Gone gone) {
        runs_.clear();
        process_ = 0;
        last_alive_.assign(1, Instant{});
        for (std::uint32_t i = 0; i < ledger_.size(); ++i) {
            if (std::holds_alternative<Started>(ledger_[i].body) && i > 0) {
                process_ += 1;
                last_alive_.push_back(ledger_[i].now.at);
            }
            last_alive_.back() = ledger_[i].now.at;
            const auto* next = std::get_if<Observed>(&ledger_[i].body);
            if (next == nullptr) {
                continue;
            }
            const auto& subject = next->observation.subject;
            if (next->observation.reason == Reason::removed) {
                for (auto at = runs_.lower_bound({subject, std::string{}});
                     at != runs_.end() && at->first.first == subject; at = runs_.erase(at)) {
                    gone(at->first, at->second, ledger_[i].now.at);
                }
                continue;
            }
            const Pair pair{subject, next->observation.probe};
            Run now{i, 1, 1, process_};
            if (const auto before = runs_.find(pair); before != runs_.end()) {
                visit(pair, before->second, *next);
                if (same_value(look(before->second.entry), next->observation)) {
                    now.counted = next->repeats + 1;
                    now.journaled = before->second.journaled + 1;
                }
            }
            runs_[pair] = now;
        }
    }

    // Looks of the run that the ledger does not hold.
    std::int64_t missing(const Run& run, const Observed& next) const {
        const bool restarted = run.process != process_;
        return std::max<std::int64_t>(0, next.repeats - (restarted ? run.journaled : run.counted));
    }

    // The pace of a pair is that of its longest run; of a pair without one, that of its probe.
    void find_paces() {
        std::map<Pair, std::int64_t> longest;
        walk(
            [&](const Pair& pair, const Run& run, const Observed& next) {
                const auto count = missing(run, next);
                if (count <= longest[pair] || next.previous_until <= seen(run.entry) ||
                    run.process != process_) {
                    return;
                }
                longest[pair] = count;
                const auto span =
                    std::chrono::duration_cast<Millis>(next.previous_until - seen(run.entry));
                pace_[pair] = std::max(least_pace, span / count);
            },
            [](const Pair&, const Run&, Instant) {});
        for (const auto& [pair, pace] : pace_) {
            auto& of_probe = probe_pace_[pair.second];
            of_probe = std::max(of_probe, pace);
        }
    }

    Millis pace_of(const Pair& pair) const {
        if (const auto own = pace_.find(pair); own != pace_.end()) {
            return own->second;
        }
        const auto of_probe = probe_pace_.find(pair.second);
        return of_probe == probe_pace_.end() ? default_pace : of_probe->second;
    }

    void expand(const Pair& pair, const Run& run, const Observed& next) {
        const auto begin = seen(run.entry);
        if (run.process != process_) {
            // Nobody journaled how the run went on before that process ended.
            fill_at_pace(pair, run.entry, begin, last_alive_[run.process]);
            if (next.previous_until > begin) {
                fill_at_pace(pair, run.entry, std::max(begin, last_alive_[run.process]),
                             next.previous_until);
                add(next.previous_until, run.entry, true);
            }
            return;
        }
        const auto count = missing(run, next);
        for (std::int64_t i = 1; i <= count; ++i) {
            add(begin + (next.previous_until - begin) * i / count, run.entry, true);
        }
    }

    void fill_at_pace(const Pair& pair, std::uint32_t entry, Instant begin, Instant end) {
        const auto pace = pace_of(pair);
        for (auto at = begin + pace; at <= end; at += pace) {
            add(at, entry, true);
        }
    }

    void add(Instant at, std::uint32_t entry, bool repeat) {
        // An entry belongs to the part that is decided again by its place, a look by its time.
        if (at >= from_) {
            moments_.push_back({at, entry, repeat});
        }
    }

    const std::vector<Entry>& ledger_;
    Instant from_;
    std::map<Pair, Run> runs_;
    std::map<Pair, Millis> pace_;
    std::map<std::string, Millis> probe_pace_;
    std::vector<Instant> last_alive_;  // by process: its newest entry
    std::uint32_t process_ = 0;
    std::vector<ReplayMoment> moments_;
};

}  // namespace

std::vector<ReplayMoment> replay_moments(const std::vector<Entry>& ledger, Instant from) {
    return ledger.empty() ? std::vector<ReplayMoment>{} : Expander(ledger, from).run();
}

}  // namespace leverd
