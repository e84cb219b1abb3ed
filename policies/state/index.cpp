// Why: see index.hpp.
#include "policies/state/index.hpp"

namespace leverd {
namespace {

void count(std::map<Subject, int>& counts, const Subject& one, int by) {
    const auto held = counts.try_emplace(one).first;
    held->second += by;
    if (held->second <= 0) {
        counts.erase(held);
    }
}

}  // namespace

std::shared_ptr<const Family> Families::of(Family wanted) {
    auto made = std::make_shared<const Family>(std::move(wanted));
    const auto found = known_.find(made);
    if (found != known_.end()) {
        return *found;
    }
    if (known_.size() >= tidy_at_) {
        std::erase_if(known_, [](const auto& one) { return one.use_count() == 1; });
        tidy_at_ = std::max<std::size_t>(256, known_.size() * 2);
    }
    return *known_.insert(std::move(made)).first;
}

void Counted::add(const RunKey& key, const MemberRun& run) {
    if (runs.insert(key).second) {
        count(members, key.second, 1);
        count(distinct, run.distinct, 1);
        by_tripped.emplace(run.tripped, key);
        by_first_bad.emplace(run.first_bad, key);
    }
}

void Counted::remove(const RunKey& key, const MemberRun& run) {
    if (runs.erase(key) > 0) {
        count(members, key.second, -1);
        count(distinct, run.distinct, -1);
        by_tripped.erase({run.tripped, key});
        by_first_bad.erase({run.first_bad, key});
    }
}

}  // namespace leverd
