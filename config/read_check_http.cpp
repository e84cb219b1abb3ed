// Why: the questions that are asked over HTTP: an answer's status, headers, body and values, and a
// query to Prometheus.
#include "config/read_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <limits>
#include <optional>

namespace leverd::config {
namespace {

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

// Sent by ourselves, or a secret that belongs in [secrets].
void read_headers(TableReader& t, HttpCheck& c) {
    constexpr std::string_view ours[] = {"host", "connection",      "content-length",
                                         "te",   "accept-encoding", "transfer-encoding"};
    Draft& draft = t.draft();
    const auto each = [&](const std::string& name, const std::string& value, Place place) {
        const std::string folded = lower(name);
        if (a_header_name(name)) {
            draft.error(place, fmt::format("{} is no header name", quote(name)));
        } else if (folded == "authorization" || folded == "cookie" ||
                   folded == "proxy-authorization") {
            draft.error(place, fmt::format("'{}' would be a secret in the file", folded),
                        "use bearer = \"...\", a name in [secrets]");
        } else if (std::find(std::begin(ours), std::end(ours), folded) != std::end(ours)) {
            draft.error(place, fmt::format("leverd sets '{}' itself", folded), "leave it out");
        } else if (const auto complaint = optional_text(value)) {
            draft.error(place, fmt::format("a header's value must be {}", *complaint));
        } else {
            c.headers.emplace_back(name, value);
        }
    };
    read_texts_by_name(t, "headers", each);
}

void read_required_headers(TableReader& t, HttpCheck& c) {
    const auto each = [&](const std::string& name, const std::string& value, Place place) {
        std::string problem;
        if (a_header_name(name)) {
            t.draft().error(place, fmt::format("{} is no header name", quote(name)));
        } else if (auto pattern = Pattern::compile(value, problem)) {
            c.require_headers.push_back({lower(name), std::move(*pattern)});
        } else {
            t.draft().error(place,
                            fmt::format("{} is not a regular expression: {}", quote(name), problem),
                            "an empty text asks only whether the header is there");
        }
    };
    read_texts_by_name(t, "require_headers", each);
}

std::optional<StatusRange> status_range(const toml::node& node) {
    if (const auto* number = node.as_integer()) {
        const auto value = number->get();
        return value >= 100 && value <= 599
                   ? std::optional(StatusRange{static_cast<int>(value), static_cast<int>(value)})
                   : std::nullopt;
    }
    const auto* text = node.as_string();
    if (text == nullptr || text->get().size() != 3 || !text->get().ends_with("xx") ||
        text->get()[0] < '1' || text->get()[0] > '5') {
        return std::nullopt;
    }
    const int hundred = (text->get()[0] - '0') * 100;
    return StatusRange{hundred, hundred + 99};
}

void read_statuses(TableReader& t, HttpCheck& c) {
    const toml::node* node = t.node("statuses");
    if (node == nullptr) {
        return;
    }
    constexpr std::string_view hint = "statuses = [200, 204] or [\"2xx\", 304]";
    const toml::array* items = node->as_array();
    if (items == nullptr || items->empty()) {
        t.wrong_type(*node, "statuses", "an array of statuses", std::string(hint));
        return;
    }
    for (const toml::node& item : *items) {
        if (const auto range = status_range(item)) {
            c.statuses.push_back(*range);
        } else {
            t.draft().error(t.place(item), "an entry of 'statuses' must be 100 to 599 or \"2xx\"",
                            std::string(hint));
        }
    }
}

void read_login(TableReader& t, const std::string& url, Login& login) {
    t.secret("bearer", login.bearer);
    t.text("user", login.user);
    t.secret("password", login.password);
    if (t.has("bearer") && (t.has("user") || t.has("password"))) {
        t.draft().error(t.place("bearer"), "'bearer' beside 'user' and 'password'",
                        "write one of the two");
    } else if (t.has("user") != t.has("password")) {
        t.draft().error(t.place(t.has("user") ? "user" : "password"),
                        "'user' and 'password' go together");
    }
    const bool any = !login.bearer.empty() || !login.password.empty();
    if (any && sends_in_clear(url)) {
        t.draft().warn(t.place("url"), "credentials go over http, readable on the way",
                       "use https");
    }
}

// The numbers that all conditions on one pointer leave.
struct Span {
    double low = -std::numeric_limits<double>::infinity();
    double high = std::numeric_limits<double>::infinity();
    bool low_open = false;
    bool high_open = false;

    void meet(Comparison comparison, double value) {
        const bool open = comparison == Comparison::less || comparison == Comparison::greater;
        const bool below = comparison == Comparison::less || comparison == Comparison::less_equal;
        const bool above =
            comparison == Comparison::greater || comparison == Comparison::greater_equal;
        if ((below || comparison == Comparison::equal) && value <= high) {
            high_open = open || (high_open && value == high);
            high = value;
        }
        if ((above || comparison == Comparison::equal) && value >= low) {
            low_open = open || (low_open && value == low);
            low = value;
        }
    }
    bool empty() const { return low > high || (low == high && (low_open || high_open)); }
};

// What can never be true together would fail for ever.
void check_conditions(TableReader& t, const std::vector<JsonCondition>& conditions) {
    std::map<std::string, Span> spans;
    for (const JsonCondition& condition : conditions) {
        if (!condition.value.is_number()) {
            continue;
        }
        Span& span = spans[condition.at.to_string()];
        const bool was_empty = span.empty();
        span.meet(condition.comparison, condition.value.get<double>());
        if (span.empty() && !was_empty) {
            t.draft().error(
                t.place("json"),
                fmt::format("the conditions on {} contradict each other",
                            quote(condition.at.to_string())),
                fmt::format("no number fulfils {} and those before it", quote(condition.text)));
        }
    }
}

void read_conditions(TableReader& t, HttpCheck& c) {
    std::vector<std::string> texts;
    if (!t.texts("json", texts, any_text)) {
        return;
    }
    const toml::array& items = *t.raw().get("json")->as_array();
    for (std::size_t i = 0; i < texts.size(); ++i) {
        std::string problem;
        if (auto condition = parse_json_condition(texts[i], problem)) {
            c.json.push_back(std::move(*condition));
        } else {
            t.draft().error(
                t.place(items[i]), fmt::format("bad condition {}: {}", quote(texts[i]), problem),
                "a pointer, one of < <= == != >= > and JSON, or exists, absent: '/a/b == \"ok\"'");
        }
    }
    check_conditions(t, c.json);
}

void read_number_condition(TableReader& t, std::string_view key,
                           std::optional<NumberCondition>& out) {
    std::string text;
    if (!t.text(key, text)) {
        return;
    }
    out = parse_number_condition(text);
    if (!out) {
        t.draft().error(t.place(key),
                        fmt::format("'{}' must be a comparison, found {}", key, quote(text)),
                        "one of < <= == != >= > and a number: \"> 0.05\"");
    }
}

// Of two limits in one direction, failing must be the farther one.
bool never_degraded(const NumberCondition& degraded, const NumberCondition& failing) {
    const auto up = [](Comparison c) {
        return c == Comparison::greater || c == Comparison::greater_equal;
    };
    const auto down = [](Comparison c) {
        return c == Comparison::less || c == Comparison::less_equal;
    };
    const Comparison d = degraded.comparison;
    const Comparison f = failing.comparison;
    return (up(d) && up(f) && degraded.value >= failing.value) ||
           (down(d) && down(f) && degraded.value <= failing.value);
}

// "https://host:port" of a URL that passed a_url.
std::string_view scheme_and_host(std::string_view url) {
    const auto host = url.find("://");
    return url.substr(0, url.find('/', host == std::string_view::npos ? 0 : host + 3));
}

// "2026-05-06", the beginning of that day in UTC.
std::optional<WallTime> parse_day(std::string_view text) {
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    char end = 0;
    const std::string whole(text);
    const bool shaped = text.size() == 10 && text[0] != '-' && text[4] == '-' && text[7] == '-' &&
                        std::sscanf(whole.c_str(), "%4d-%2u-%2u%c", &year, &month, &day, &end) == 3;
    const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month},
                                           std::chrono::day{day}};
    if (!shaped || !date.ok()) {
        return std::nullopt;
    }
    return WallTime{Millis{std::chrono::sys_days{date}.time_since_epoch()}};
}

Complaint a_day(std::string_view value) {
    return parse_day(value) ? Complaint{} : Complaint{"a day: \"2026-05-06\""};
}

}  // namespace

Check read_http_check(TableReader& t, Millis timeout) {
    HttpCheck c;
    t.text("url", c.url, a_url);
    t.word("method", c.method, "method", {"GET", "HEAD"});
    read_headers(t, c);
    read_login(t, c.url, c.login);
    read_statuses(t, c);
    read_required_headers(t, c);
    read_pattern(t, "body", c.body);
    read_pattern(t, "body_not", c.body_not);
    read_conditions(t, c);
    t.integer("body_kib", c.body_kib, 1, 65'536);
    t.boolean("fresh_connection", c.fresh_connection);
    read_limits(t, timeout, c.limits);
    t.require({"url"});
    for (const std::string_view key : {"body", "body_not", "json"}) {
        if (c.method == "HEAD" && t.has(key)) {
            t.draft().error(t.place(key), fmt::format("'{}' with method \"HEAD\"", key),
                            "such an answer has no body; use GET");
        }
    }
    if (c.body && c.body_not && c.body->text() == c.body_not->text()) {
        t.draft().error(t.place("body_not"), "'body' and 'body_not' contradict each other");
    }
    return Check{std::move(c)};
}

Check read_promql_check(TableReader& t, Millis) {
    PromqlCheck c;
    if (t.text("url", c.url, a_base_url)) {
        while (c.url.ends_with('/')) {
            c.url.pop_back();
        }
    }
    t.text("query", c.query);
    read_login(t, c.url, c.login);
    read_number_condition(t, "degraded", c.degraded);
    read_number_condition(t, "failing", c.failing);
    t.require({"url", "query"});
    if (!t.has("degraded") && !t.has("failing")) {
        t.draft().error(t.place(), "a promql probe needs 'failing' or 'degraded'",
                        "failing = \"> 0.05\": what the value must not be");
    }
    if (c.degraded && c.failing && never_degraded(*c.degraded, *c.failing)) {
        t.draft().error(t.place("degraded"),
                        fmt::format("'degraded' never holds: 'failing' ({}) comes first",
                                    quote(c.failing->text)));
    }
    return Check{std::move(c)};
}

// The plainest form that asks and cannot change anything.
Complaint a_graphql_query(std::string_view value) {
    const bool asks = (value.starts_with("query {") || value.starts_with("{")) &&
                      value.find("mutation") == std::string_view::npos;
    return asks ? any_text(value) : Complaint{"a GraphQL query: \"query { ... }\""};
}

Check read_credential_check(TableReader& t, Millis) {
    CredentialCheck c;
    t.text("url", c.url, a_url);
    read_login(t, c.url, c.login);
    t.text("header", c.header, a_header_name);
    t.text("graphql", c.graphql, a_graphql_query);
    t.texts("also", c.also, a_url);
    if (t.has("header") && !t.has("bearer")) {
        t.draft().error(t.place("header"), "'header' says where the secret of 'bearer' goes",
                        "bearer = \"...\", a name in [secrets]");
    }
    if (t.has("graphql") && t.has("also")) {
        t.draft().error(t.place("also"), "'also' are further GETs, and 'graphql' is none",
                        "put every field that it must be good for into the query");
    }
    std::string day;
    if (t.text("rotated", day, a_day)) {
        c.rotated = parse_day(day);
    }
    t.duration("max_age", c.max_age, std::chrono::hours{1}, std::chrono::days{3650});
    t.require({"url"});
    if (!t.has("bearer") && !t.has("password")) {
        t.draft().error(t.place(), "a credential probe needs 'bearer', or 'user' and 'password'",
                        "bearer = \"...\", a name in [secrets]");
    }
    for (const std::string& url : c.also) {
        if (scheme_and_host(url) != scheme_and_host(c.url)) {
            t.draft().error(t.place("also"),
                            fmt::format("{} is on another host than 'url'", quote(url)),
                            "a credential goes to its one host only");
        }
    }
    return Check{std::move(c)};
}

}  // namespace leverd::config
