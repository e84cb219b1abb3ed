// Why: see alertmanager.hpp.
#include "exporters/pager/alertmanager/alertmanager.hpp"

#include "core/base/redact.hpp"
#include "core/model/codec.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace leverd::exporters {
namespace {

using nlohmann::json;

// A message about something that is over is an alert of its own that ends by itself: Alertmanager
// tells nobody about the end of what it never knew.
constexpr Millis late_alert_lasts{5 * 60'000};

json labels_of(const PageSink& sink, const Paged& page) {
    json labels = json::object();
    for (const auto& [name, value] : sink.settings.labels) {
        labels[name] = value;
    }
    labels["alertname"] = "LeverdPage";
    labels["leverd_page_key"] = page.key;
    labels["severity"] = to_string(page.severity);
    if (!page.symptom.empty()) {
        labels["symptom"] = page.symptom;
    }
    if (page.subject != Subject{}) {
        labels["subject"] = page.subject.text();
    }
    return labels;
}

json annotations_of(const Paged& page) {
    json out = json::object();
    out["summary"] = page.title;
    out["description"] = page.text;
    out["status"] = to_string(page.status);
    out["version"] = std::to_string(page.version);
    for (const auto& [name, value] : named_parts(page)) {
        out[name] = value;
    }
    return out;
}

json alert(json labels, json annotations, WallTime starts, WallTime ends) {
    json out = json::object();
    out["labels"] = std::move(labels);
    out["annotations"] = std::move(annotations);
    out["startsAt"] = format_rfc3339(starts);
    out["endsAt"] = format_rfc3339(std::max(starts, ends));
    return out;
}

json late_alert(const PageSink& sink, const Message& message, WallTime now) {
    const auto page = worded(message);
    auto labels = labels_of(sink, page);
    labels["alertname"] = "LeverdPageLate";
    labels["severity"] = to_string(std::min(page.severity, Severity::warning));
    return alert(std::move(labels), annotations_of(page), now, now + late_alert_lasts);
}

}  // namespace

net::HttpRequest alertmanager_request(const PageSink& sink, const Message& message, WallTime now) {
    const auto page = worded(message);
    const bool over = page.status == PageStatus::resolved;
    json alerts = json::array();
    if (is_late(message)) {
        alerts.push_back(late_alert(sink, message, now));
    }
    if (!is_late(message) || !over) {
        const auto starts = page.since.wall == WallTime{} ? page.at.wall : page.since.wall;
        const auto lasts = message.lasts > Millis{0} ? message.lasts : alert_lasts;
        const auto ends = over ? std::min(page.at.wall, now) : now + lasts;
        const auto labels = labels_of(sink, page);
        // Other labels are another alert: the one that was told so far is over.
        if (message.told && message.told->status != PageStatus::resolved &&
            labels_of(sink, *message.told) != labels) {
            const auto& told = *message.told;
            alerts.push_back(alert(labels_of(sink, told), annotations_of(told),
                                   std::min(told.since.wall, now), now));
        }
        alerts.push_back(alert(labels, annotations_of(page), std::min(starts, now), ends));
    }
    net::HttpRequest request;
    request.method = "POST";
    request.url = sink.settings.url;
    while (request.url.ends_with('/')) {
        request.url.pop_back();
    }
    constexpr std::string_view path = "/api/v2/alerts";
    if (!request.url.ends_with(path)) {
        request.url += path;
    }
    request.body = mask_known(dump(alerts));
    request.headers.emplace_back("Content-Type", "application/json");
    if (!sink.key.empty()) {
        request.bearer = sink.key;
    }
    return request;
}

}  // namespace leverd::exporters
