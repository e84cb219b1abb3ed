// Why: looks that somebody wishes for before their time: the engine after a change, and events from
// outside, which come in storms. The schedule itself is scheduler.cpp's.
#include "probes/scheduler.hpp"

#include <algorithm>

namespace leverd::probes {

bool Scheduler::look_soon(const std::string& kind, const std::string& target) {
    const auto it = entries_.find(Key{kind, target});
    if (it == entries_.end() || it->second.gone) {
        return false;
    }
    Entry& entry = it->second;
    if (entry.running) {
        entry.soon = true;
        return true;
    }
    const net::Deadline wished = net::deadline_in(Millis{0}) + entry.task.settings.retry;
    if (wished < entry.due) {
        queue(entry, wished);
        wake();
    }
    return true;
}

bool Scheduler::look_soon(const Subject& subject, const std::string& probe) {
    // A kind with one target speaks about every subject it mentions.
    if (look_soon(probe, std::string{})) {
        return true;
    }
    const auto kind = std::find_if(kinds_.begin(), kinds_.end(),
                                   [&probe](const ProbeKind& row) { return row.name == probe; });
    if (kind == kinds_.end()) {
        return false;
    }
    std::string target(subject.name());
    if (subject.kind() != kind->subject_kind) {
        // "workspace/acme/<id>" is seen by looking at "acme".
        target.resize(std::min(target.size(), target.find('/')));
    }
    return look_soon(probe, target);
}

// The first event looks at once; those of a storm share one look per `retry`. An event that comes
// while a look runs may be about what that look has already read, so it asks for another.
void Scheduler::take_hint(Entry& entry) {
    if (entry.running) {
        entry.hinted = true;
        return;
    }
    const net::Deadline earliest = entry.woken_at + entry.task.settings.retry;
    const net::Deadline wished = std::max(net::deadline_in(Millis{0}), earliest);
    if (wished < entry.due) {
        ++counters_.hinted;
        entry.woken_at = wished;
        queue(entry, wished);
    }
}

std::size_t Scheduler::hint(const std::string& kind, const std::string& target) {
    std::size_t meant = 0;
    const bool all = target == "*";
    auto it = entries_.lower_bound(Key{kind, all ? std::string{} : target});
    for (; it != entries_.end() && it->first.first == kind; ++it) {
        if (!all && it->first.second != target) {
            break;
        }
        if (!it->second.gone) {
            take_hint(it->second);
            ++meant;
        }
    }
    if (meant > 0) {
        wake();
    }
    return meant;
}

}  // namespace leverd::probes
