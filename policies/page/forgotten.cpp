// Why: see forgotten.hpp.
#include "policies/page/forgotten.hpp"

#include "policies/page/groups.hpp"
#include "policies/page/table.hpp"
#include "policies/page/text.hpp"
#include "policies/state/page_book.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <iterator>
#include <set>
#include <string>

namespace leverd {
namespace {

bool is_open(const Paged& page) {
    return page.status != PageStatus::resolved;
}

constexpr std::string_view unknown_now =
    "leverd lost the history that this page comes from, so it does not know whether this is over. "
    "What leverd still sees wrong, it tells in a page of its own.";

std::string until_when(const Rules& rules, bool doubted, Now now) {
    if (doubted) {
        return "This page stays until you accept that the history is lost: leverd ledger accept "
               "--why ...";
    }
    now.at += rules.policies.page.keep_firing_for;
    now.wall += rules.policies.page.keep_firing_for;
    return fmt::format("This page ends by itself at {}", moment_text(now));
}

Paged told_anew(Paged page, const std::string& until, Now now) {
    const auto subject = page.subject.text();
    page.version += 1;
    page.status = PageStatus::firing;
    page.news = "leverd lost the history of it";
    page.text = fmt::format("{} Next: look at {} by hand. {}. Before that it said: {}", unknown_now,
                            subject.empty() ? "it" : subject, until, page.text);
    page.state = page_state::no_history;
    page.lever = {};
    page.guard = {};
    page.at = now;
    page.ended = {};
    return page;
}

}  // namespace

std::vector<Entry> forgotten_pages(const Rules& rules, const State& state,
                                   const std::vector<Paged>& told, bool doubted, Now now) {
    const auto until = until_when(rules, doubted, now);
    std::vector<Entry> open;
    // A page that is over is only worth its numbers.
    const Paged* newest_case = nullptr;
    const Paged* newest_storm = nullptr;
    const Paged* newest_version = nullptr;
    const auto take_greater = [](const Paged*& best, const Paged& page, std::int64_t number,
                                 std::int64_t& most) {
        if (number > most) {
            best = &page;
            most = number;
        }
    };
    auto cases = state.incidents_made;
    auto storms = state.book.storms;
    auto versions = state.book.made;
    for (const auto& page : told) {
        if (state.pages.contains(page.key)) {
            continue;
        }
        if (is_open(page)) {
            open.push_back({now, told_anew(page, until, now)});
        }
        take_greater(newest_case, page, number_in_key(page.key, "i-"), cases);
        take_greater(newest_storm, page, number_in_key(page.key, storm_prefix), storms);
        take_greater(newest_version, page, page.version, versions);
    }
    std::vector<Entry> out;
    std::set<std::string> keys;
    for (const auto* page : {newest_case, newest_storm, newest_version}) {
        if (page != nullptr && !is_open(*page) && keys.insert(page->key).second) {
            out.push_back({now, *page});
        }
    }
    std::ranges::move(open, std::back_inserter(out));
    return out;
}

std::string history_told_by(const std::vector<Entry>& forgotten) {
    return forgotten.empty() ? std::string{}
                             : "the ledger begins with nothing before it, but outbox.db knows "
                               "pages of an earlier one";
}

void settle_forgotten(Work& work, const Paged& page) {
    const auto& history = work.state.history;
    const bool accepted = !history.accepted.empty() && history.since.at >= page.at.at;
    const bool looked_again = work.now.at - page.at.at >= work.rules.policies.page.keep_firing_for;
    if (history.doubted || !(accepted || looked_again)) {
        return;
    }
    auto ended = page;
    ended.status = PageStatus::resolved;
    ended.ended = work.now;
    ended.text = fmt::format(
        "Closed, and nobody saw whether it is over. {}{}", unknown_now,
        accepted ? fmt::format(" A person accepted that the history is lost: {}.", history.why)
                 : std::string{});
    tell(work, std::move(ended));
}

}  // namespace leverd
