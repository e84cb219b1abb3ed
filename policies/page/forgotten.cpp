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

// An open page of which a newer version was told than the ledger holds.
Paged told_on(Paged page, std::int64_t told, Now now) {
    page.version = told + 1;
    page.news = "leverd begins again from what its ledger holds";
    page.at = now;
    return page;
}

struct Greatest {
    std::int64_t number = 0;
    const Paged* page = nullptr;  // null: none is greater than what the ledger knows

    void take(const Paged& other, std::int64_t its) {
        if (its > number) {
            number = its;
            page = &other;
        }
    }
};

}  // namespace

std::vector<Entry> forgotten_pages(const Rules& rules, const State& state,
                                   const std::vector<Paged>& told, bool doubted, Now now) {
    const auto until = until_when(rules, doubted, now);
    std::vector<Entry> open;
    std::set<std::string> keys;
    const auto tell = [&](Paged page) {
        keys.insert(page.key);
        open.push_back({now, std::move(page)});
    };
    Greatest cases{state.incidents_made};
    Greatest storms{state.book.storms};
    Greatest versions{state.book.made};
    for (const auto& page : told) {
        cases.take(page, number_in_key(page.key, "i-"));
        storms.take(page, number_in_key(page.key, storm_prefix));
        versions.take(page, page.version);
        const auto known = state.pages.find(page.key);
        if (known != state.pages.end() && known->second.version >= page.version) {
            continue;
        }
        if (known != state.pages.end() && is_open(known->second)) {
            tell(told_on(known->second, page.version, now));
        } else if (is_open(page)) {
            tell(told_anew(page, until, now));
        }
    }
    // A page that is over is only worth its numbers.
    std::vector<Entry> out;
    for (const auto* page : {cases.page, storms.page, versions.page}) {
        if (page != nullptr && keys.insert(page->key).second) {
            out.push_back({now, *page});
        }
    }
    std::ranges::move(open, std::back_inserter(out));
    return out;
}

std::string history_told_by(const State& state, const std::vector<Paged>& told, bool first) {
    std::int64_t newest = 0;
    for (const auto& page : told) {
        newest = std::max(newest, page.unwritten ? 0 : page.version);
    }
    if (newest <= state.book.made) {
        return {};
    }
    return first ? "the ledger begins with nothing before it, but outbox.db knows pages of an "
                   "earlier one"
                 : fmt::format(
                       "outbox.db knows page version {} and the ledger only {}: the ledger "
                       "was put back to an older copy",
                       newest, state.book.made);
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
