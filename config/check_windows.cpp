// Why: a window that is over or never opens looks like protection and is none; and one about a kind
// of subject that does not exist holds nothing.
#include "config/sections.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace leverd::config {
namespace {

constexpr Millis minute{60'000};
constexpr Millis searched{8LL * 86'400'000};  // every day of the week, whatever the hour now

bool is_inside(const Window& w, const LocalTime& local) {
    const auto day = static_cast<std::size_t>(local.weekday);
    const int now = local.minute_of_day;
    if (w.start < w.end) {
        return w.days.test(day) && now >= w.start && now < w.end;
    }
    if (w.start == w.end) {
        return w.days.test(day);
    }
    return (w.days.test(day) && now >= w.start) || (w.days.test((day + 6) % 7) && now < w.end);
}

bool opens_before(const Window& w, WallTime now, WallTime expires) {
    const WallTime end = std::min(expires, now + searched);
    for (WallTime at = now; at < end; at += minute) {
        if (is_inside(w, w.zone.local(at))) {
            return true;
        }
    }
    return expires > end;
}

std::string what_it_means(const Window& w) {
    return w.effect == Window::Effect::hold ? "it holds nothing" : "it no longer limits anything";
}

void check_expiry(Draft& draft, const Window& w, const ItemPlaces& places) {
    const WallTime now = draft.vocabulary().now;
    if (!w.expires || now == WallTime{} || w.days.none()) {
        return;
    }
    if (*w.expires <= now) {
        draft.warn(places.of("expires"), fmt::format("window {} has expired", quote(w.id)),
                   fmt::format("{}: remove it, or move 'expires'", what_it_means(w)));
    } else if (w.effect == Window::Effect::hold && !opens_before(w, now, *w.expires)) {
        draft.warn(
            places.of("expires"),
            fmt::format("window {} never opens before it expires", quote(w.id)),
            "it holds nothing: none of its hours comes before then, or the clock skips them");
    } else if (w.effect == Window::Effect::only && !opens_before(w, now, *w.expires)) {
        draft.warn(places.of("expires"),
                   fmt::format("window {} never opens before it expires", quote(w.id)),
                   "until then it holds every lever that it names");
    }
}

}  // namespace

void check_windows(Draft& draft) {
    const auto kinds = subject_kinds(draft);
    for (std::size_t i = 0; i < draft.config.policies.windows.size(); ++i) {
        const Window& w = draft.config.policies.windows[i];
        const ItemPlaces& places = draft.window_places[i];
        for (const std::string& glob : w.subjects) {
            const std::string kind = kind_of(glob);
            if (glob != "*" && std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) {
                draft.error(places.of("subjects"),
                            fmt::format("unknown subject kind {}", quote(kind)),
                            did_you_mean(kind, kinds));
            }
        }
        check_expiry(draft, w, places);
    }
}

}  // namespace leverd::config
