// Why: what leaves leverd is read by programs of other people; its form is a promise, and what
// their answers mean is decided here.
#include "exporters/pager/alertmanager/alertmanager.hpp"
#include "exporters/pager/webhook/webhook.hpp"

#include "core/model/codec.hpp"
#include "tests/catch.hpp"

#include <nlohmann/json.hpp>

using namespace leverd;
using namespace leverd::exporters;
using nlohmann::json;

namespace {

constexpr WallTime noon{Millis{1'778'000'000'000}};  // 2026-05-05T16:53:20Z
constexpr Millis minute{60'000};

Message message(PageStatus status = PageStatus::firing, std::int64_t version = 3) {
    Message made;
    auto& page = made.page;
    page.key = "i-7";
    page.version = version;
    page.status = status;
    page.severity = Severity::critical;
    page.title = "tenant/acme: unreachable";
    page.text = "waits for approval";
    page.subject = Subject("tenant/acme");
    page.symptom = "tenant-unreachable";
    page.incident = "i-7";
    page.since.wall = noon - 5 * minute;
    page.at.wall = noon - minute;
    if (status != PageStatus::firing) {
        page.ended.wall = noon - 2 * minute;
    }
    return made;
}

PageSink sink_of(std::string kind) {
    PageSink sink;
    sink.settings.id = "pager";
    sink.settings.kind = std::move(kind);
    sink.settings.url = "https://pager.test/hook";
    sink.key = Secret("hunter2-hunter2");
    return sink;
}

std::string header(const net::HttpRequest& request, const std::string& name) {
    for (const auto& [known, value] : request.headers) {
        if (known == name) {
            return value;
        }
    }
    return {};
}

json alerts_of(const Message& sent, WallTime now = noon) {
    return *parse_json(alertmanager_request(sink_of("alertmanager"), sent, now).body);
}

net::HttpResult answered(int status, std::string retry_after = {}, std::string body = {}) {
    net::HttpResponse response;
    response.status = status;
    response.body = std::move(body);
    if (!retry_after.empty()) {
        response.headers["retry-after"] = std::move(retry_after);
    }
    return response;
}

}  // namespace

TEST_CASE("a webhook gets the known members, and what a page is besides") {
    const auto request = webhook_request(sink_of("webhook"), message(), noon);
    const auto body = *parse_json(request.body);
    for (const auto* member : {"key", "status", "severity", "title", "text", "at"}) {
        CHECK(body.contains(member));
    }
    CHECK(body["key"] == "i-7");
    CHECK(body["status"] == "firing");
    CHECK(body["version"] == 3);
    CHECK(body["at"] == "2026-05-05T16:52:20.000Z");
    CHECK(body["since"] == "2026-05-05T16:48:20.000Z");
    CHECK(body["subject"] == "tenant/acme");
    CHECK_FALSE(body.contains("lever"));
    CHECK(header(request, "X-Watchdog-Timestamp") == "1778000000");
    CHECK(header(request, "X-Watchdog-Signature") ==
          page_signature(Secret("hunter2-hunter2"), "1778000000", request.body));
}

TEST_CASE("body and delivery id are the same on every attempt, the signed time is not") {
    const auto sink = sink_of("webhook");
    const auto first = webhook_request(sink, message(), noon);
    const auto later = webhook_request(sink, message(), noon + 60 * minute);
    CHECK(first.body == later.body);
    CHECK(header(first, "X-Watchdog-Delivery") == header(later, "X-Watchdog-Delivery"));
    CHECK(header(first, "X-Watchdog-Delivery").size() == 32);
    CHECK(header(first, "X-Watchdog-Timestamp") != header(later, "X-Watchdog-Timestamp"));
    const auto next = webhook_request(sink, message(PageStatus::firing, 4), noon);
    CHECK(header(first, "X-Watchdog-Delivery") != header(next, "X-Watchdog-Delivery"));
}

TEST_CASE("an alert keeps its labels and its beginning, and is renewed while it is open") {
    const auto first = alerts_of(message());
    REQUIRE(first.size() == 1);
    const json labels{{"alertname", "LeverdPage"},
                      {"leverd_page_key", "i-7"},
                      {"severity", "critical"},
                      {"symptom", "tenant-unreachable"},
                      {"subject", "tenant/acme"}};
    CHECK(first[0]["labels"] == labels);
    CHECK(first[0]["startsAt"] == "2026-05-05T16:48:20.000Z");
    CHECK(first[0]["endsAt"] == format_rfc3339(noon + alert_lasts));
    auto update = message(PageStatus::recovered, 4);
    update.told = message().page;
    const auto later = alerts_of(update, noon + 10 * minute);
    REQUIRE(later.size() == 1);
    CHECK(later[0]["labels"] == labels);
    CHECK(later[0]["startsAt"] == first[0]["startsAt"]);
    CHECK(later[0]["endsAt"] == format_rfc3339(noon + 10 * minute + alert_lasts));
    CHECK(later[0]["annotations"]["status"] == "recovered");
    CHECK(alert_renewed_every * 3 < alert_lasts);
}

TEST_CASE("the end of an alert is its end, and other labels close the old alert") {
    auto over = message(PageStatus::resolved, 5);
    over.told = message().page;
    const auto ended = alerts_of(over);
    REQUIRE(ended.size() == 1);
    CHECK(ended[0]["labels"] == alerts_of(message())[0]["labels"]);
    CHECK(ended[0]["endsAt"] == "2026-05-05T16:52:20.000Z");
    auto milder = message(PageStatus::firing, 4);
    milder.told = message().page;
    milder.page.severity = Severity::warning;
    const auto both = alerts_of(milder);
    REQUIRE(both.size() == 2);
    CHECK(both[0]["labels"]["severity"] == "critical");
    CHECK(both[0]["endsAt"] == format_rfc3339(noon));
    CHECK(both[1]["labels"]["severity"] == "warning");
}

TEST_CASE("Alertmanager is told of a case that is over by an alert that ends by itself") {
    const auto alerts = alerts_of(message(PageStatus::resolved));
    REQUIRE(alerts.size() == 1);
    CHECK(alerts[0]["labels"]["alertname"] == "LeverdPageLate");
    CHECK(alerts[0]["labels"]["severity"] == "warning");
    CHECK(alerts[0]["startsAt"] == format_rfc3339(noon));
    CHECK(alerts[0]["endsAt"] > alerts[0]["startsAt"]);
    CHECK(alerts[0]["annotations"]["description"] ==
          "It was broken from 2026-05-05 16:48:20 UTC to 2026-05-05 16:51:20 UTC; no message about "
          "it could be delivered in that time. waits for approval");
}

TEST_CASE("the address of an Alertmanager may be its base, and its secret is a bearer token") {
    auto sink = sink_of("alertmanager");
    for (const auto* url :
         {"http://am.test:9093", "http://am.test:9093/", "http://am.test:9093/api/v2/alerts"}) {
        sink.settings.url = url;
        const auto request = alertmanager_request(sink, message(), noon);
        CHECK(request.url == "http://am.test:9093/api/v2/alerts");
        REQUIRE(request.bearer);
        CHECK(request.body.find("hunter2") == std::string::npos);
    }
    sink.settings.labels["site"] = "eu";
    CHECK((*parse_json(alertmanager_request(sink, message(), noon).body))[0]["labels"]["site"] ==
          "eu");
}

TEST_CASE("what an answer means for a page") {
    struct Row {
        int status;
        AttemptEnd::Kind kind;
    };
    using Kind = AttemptEnd::Kind;
    const Row rows[] = {{200, Kind::accepted}, {202, Kind::accepted}, {204, Kind::accepted},
                        {301, Kind::rejected}, {400, Kind::rejected}, {401, Kind::rejected},
                        {404, Kind::rejected}, {408, Kind::failed},   {410, Kind::rejected},
                        {413, Kind::rejected}, {429, Kind::failed},   {500, Kind::failed},
                        {503, Kind::failed}};
    for (const auto& row : rows) {
        INFO(row.status);
        CHECK(judge_answer(answered(row.status), noon).kind == row.kind);
    }
    net::HttpFailure lost;
    lost.sent = true;
    CHECK(judge_answer(lost, noon).kind == Kind::failed);
    CHECK(judge_answer(answered(413), noon).too_large);
}

TEST_CASE("a page whose status came is judged by it, however its answer's body went wrong") {
    using Kind = AttemptEnd::Kind;
    const auto cut = [](int status, Reason reason, std::string retry_after = {}) {
        net::HttpFailure failure;
        failure.reason = reason;
        failure.detail = "the rest went wrong";
        failure.sent = true;
        failure.status = status;
        failure.retry_after = std::move(retry_after);
        return judge_answer(failure, noon);
    };
    for (const auto reason :
         {Reason::body_too_large, Reason::body_cut, Reason::body_timeout, Reason::bad_protocol,
          Reason::header_too_large, Reason::header_timeout, Reason::connection_cut}) {
        INFO(describe(reason).name);
        for (const int status : {200, 202, 204}) {
            CHECK(cut(status, reason).kind == Kind::accepted);
        }
        CHECK(cut(0, reason).kind == Kind::failed);
        CHECK(cut(400, reason).kind == Kind::rejected);
        CHECK(cut(503, reason, "30").kind == Kind::failed);
        CHECK(cut(503, reason, "30").retry_after == Millis{30'000});
        CHECK(cut(413, reason).too_large);
    }
    CHECK(cut(202, Reason::body_cut).words == "202, then body_cut: the rest went wrong");
}

TEST_CASE("Retry-After in seconds or as a date, and never longer than a quarter of an hour") {
    const auto wait = [](const char* text) {
        return judge_answer(answered(503, text), noon).retry_after;
    };
    CHECK(wait("30") == Millis{30'000});
    CHECK(wait("Tue, 05 May 2026 16:55:20 GMT") == 2 * minute);
    CHECK(wait("Tue, 05 May 2026 16:50:20 GMT") == Millis{0});
    CHECK(wait("99999999") == 15 * minute);
    CHECK(wait("-5") == Millis{0});
    CHECK(wait("soon") == Millis{0});
}

TEST_CASE("an answer that echoes the sink's secret is shown without it") {
    const Secret key("hunter2-hunter2");
    const auto end = judge_answer(answered(403, "", "bad key hunter2-hunter2\nsecond"), noon);
    CHECK(end.words.find("hunter2") == std::string::npos);
    CHECK(end.words.find("bad key") != std::string::npos);
    CHECK(end.words.find('\n') == std::string::npos);
}

TEST_CASE("what was too large is said in short") {
    auto sent = message();
    sent.page.text = std::string(5'000, 'x') + ". Next: leverd why tenant/acme";
    sent.brief = true;
    CHECK(page_body(sent).size() < 1'000);
    CHECK(page_body(sent).find("Next: leverd why tenant/acme") != std::string::npos);
}
