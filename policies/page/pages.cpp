// Why: see pages.hpp. Cases first: what is told with a case needs no page of its own.
#include "policies/page/pages.hpp"

#include "policies/page/desk.hpp"
#include "policies/page/groups.hpp"
#include "policies/page/joining.hpp"
#include "policies/page/standing.hpp"

namespace leverd {
namespace {

void add_page_of(const State& state, const std::string& incident, std::set<std::string>& keys) {
    if (const auto key = state.book.keys.find(incident); key != state.book.keys.end()) {
        keys.insert(key->second);
    }
}

}  // namespace

void settle_pages(Work& work) {
    auto moved = what_moved(work);
    const auto before = work.turn.entries.size();
    for (const auto& id : moved.cases) {
        group_case(work, id);
        add_page_of(work.state, id, moved.pages);
    }
    // A storm takes in others than the one that began it; they all share its page.
    settle_groups(work, moved.pages);
    const bool told = work.turn.entries.size() > before;
    settle_standing(work, moved.standing || told);
}

}  // namespace leverd
