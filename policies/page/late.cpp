// Why: see late.hpp.
#include "policies/page/late.hpp"

#include "policies/page/table.hpp"

#include <fmt/format.h>

namespace leverd {
namespace {

// "2026-05-06 18:00:07 UTC"
std::string for_people(WallTime moment) {
    auto text = format_rfc3339(moment).substr(0, 19);
    text[10] = ' ';
    return text + " UTC";
}

}  // namespace

Paged told_late(Paged page) {
    // Nobody saw until when it was broken, where the history of it was lost.
    if (page.status == PageStatus::firing || page.state == page_state::no_history) {
        return page;
    }
    const bool from = page.since.wall != WallTime{};
    const auto over = page.ended.wall != WallTime{} ? page.ended.wall : page.at.wall;
    page.text =
        fmt::format("It was broken {}{}; no message about it could be delivered in that time. {}",
                    from ? "from " + for_people(page.since.wall) + " to " : "until ",
                    for_people(over), page.text);
    return page;
}

}  // namespace leverd
