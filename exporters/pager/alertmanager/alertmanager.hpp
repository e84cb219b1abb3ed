// Why: pages as alerts of an Alertmanager, beside those that Prometheus sends it from the rules.
// What a page is, its labels say, and they stay the same through its life: an alert with the same
// labels and beginning is no new one, so it can be said again before it times out. The rules about
// the same thing carry the same leverd_page_key, so that this alert can inhibit theirs.
#pragma once

#include "exporters/pager/sink.hpp"

namespace leverd::exporters {

inline constexpr Millis alert_renewed_every{60'000};
// So long it stays open when leverd falls silent; by then the rule LeverdAbsent has called.
inline constexpr Millis alert_lasts{3'600'000};

net::HttpRequest alertmanager_request(const PageSink& sink, const Message& message, WallTime now);

}  // namespace leverd::exporters
