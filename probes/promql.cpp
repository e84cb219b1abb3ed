// Why: what Prometheus already measures need not be measured again. But it stands between us and
// the subject: when it cannot answer, answers with nothing or with a part, nothing is known.
#include "core/base/text.hpp"
#include "probes/general.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace leverd::probes {
namespace {

using Json = nlohmann::json;
using config::PromqlCheck;

constexpr std::size_t labels_shown_max = 200;
constexpr std::size_t answer_bytes_max = 4U << 20;

std::string encode(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
        if (plain) {
            out.push_back(c);
        } else {
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return out;
}

struct Series {
    std::string labels;
    double value = 0;
};

// [ <unix time>, "<value>" ]
std::optional<double> sample(const Json& pair) {
    if (!pair.is_array() || pair.size() != 2 || !pair[1].is_string()) {
        return std::nullopt;
    }
    const auto& text = pair[1].get_ref<const std::string&>();
    if (text == "NaN" || text == "+Inf" || text == "-Inf") {
        return text == "NaN" ? std::nan("") : text[0] == '-' ? -INFINITY : INFINITY;
    }
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional(value)
                                                                    : std::nullopt;
}

// nullopt: not what an instant query gives.
std::optional<std::vector<Series>> series_of(const Json& answer) {
    const auto data = answer.find("data");
    if (data == answer.end() || !data->is_object() || !data->contains("result")) {
        return std::nullopt;
    }
    const std::string type = stack::text_at(*data, "resultType");
    const Json& result = (*data)["result"];
    std::vector<Series> all;
    if (type == "scalar") {
        const auto value = sample(result);
        return value ? std::optional(std::vector<Series>{{"", *value}}) : std::nullopt;
    }
    if (type != "vector" || !result.is_array()) {
        return std::nullopt;
    }
    for (const Json& row : result) {
        const auto value =
            row.is_object() && row.contains("value") ? sample(row["value"]) : std::nullopt;
        if (!value) {
            return std::nullopt;
        }
        const std::string labels =
            row.contains("metric")
                ? row["metric"].dump(-1, ' ', true, Json::error_handler_t::replace)
                : std::string{};
        all.push_back({sanitize(labels, labels_shown_max), *value});
    }
    return all;
}

bool is_partial(const Json& answer) {
    const auto warnings = answer.find("warnings");
    const bool warned = warnings != answer.end() && warnings->is_array() && !warnings->empty();
    const auto partial = answer.find("partial");
    return warned || (partial != answer.end() && partial->is_boolean() && partial->get<bool>());
}

const Series* first_that(const std::vector<Series>& all,
                         const std::optional<config::NumberCondition>& condition) {
    if (!condition) {
        return nullptr;
    }
    const auto found = std::find_if(all.begin(), all.end(), [&condition](const Series& one) {
        return config::holds(condition->comparison, one.value, condition->value);
    });
    return found == all.end() ? nullptr : &*found;
}

Observation judge(const PromqlCheck& check, const Task& task, const std::vector<Series>& all) {
    const Series* failing = first_that(all, check.failing);
    const Series* degraded = first_that(all, check.degraded);
    const Series* bad = failing != nullptr ? failing : degraded;
    const Series& shown = bad != nullptr ? *bad : all.front();
    Observation seen = general(
        task, Health::healthy, Reason::ok,
        fmt::format("{}{}: {}", shown.labels, all.size() > 1 ? " of several" : "", shown.value));
    if (bad != nullptr) {
        seen.health = failing != nullptr ? Health::failing : Health::degraded;
        seen.reason = Reason::wrong_value;
        const auto& limit = failing != nullptr ? *check.failing : *check.degraded;
        seen.evidence = fmt::format("{} is {}, which is {}; query {}",
                                    shown.labels.empty() ? "the value" : shown.labels, shown.value,
                                    limit.text, sanitize(check.query, labels_shown_max));
    }
    seen.facts["value"] = shown.value;
    seen.facts["series"] = static_cast<double>(all.size());
    return seen;
}

Observation read_answer(const PromqlCheck& check, const Task& task, const net::HttpRequest& request,
                        const net::HttpResponse& response) {
    const auto answer = stack::json_of(request, response);
    if (answer.has_error()) {
        Observation seen = general(task, answer.error());
        seen.health = Health::unknown;
        return seen;
    }
    const auto all = series_of(*answer);
    if (!all) {
        return general(task, Health::unknown, Reason::bad_json,
                       "the answer holds no instant vector and no scalar; " +
                           stack::describe_answer(request, response));
    }
    if (is_partial(*answer)) {
        return general(
            task, Health::unknown, Reason::partial_data,
            "the answer warns of missing data; " + stack::describe_answer(request, response));
    }
    std::vector<Series> usable = *all;
    std::erase_if(usable, [](const Series& one) { return std::isnan(one.value); });
    if (usable.empty()) {
        return general(task, Health::unknown, Reason::no_data,
                       fmt::format("no series for {}", sanitize(check.query, labels_shown_max)));
    }
    return judge(check, task, usable);
}

}  // namespace

boost::asio::awaitable<Observations> look_promql(Context& context, Task task,
                                                 net::Deadline deadline) {
    const Now started = context.clock->now();
    const auto* check = check_of<PromqlCheck>(task);
    if (check == nullptr) {
        co_return Observations();
    }
    net::HttpRequest request;
    request.url = check->url + "/api/v1/query?query=" + encode(check->query);
    request.body_limit = answer_bytes_max;
    if (!log_in(context, check->login, request)) {
        const auto problem = stack::local_problem(Reason::credential_missing,
                                                  "the secret of this probe is empty or missing");
        co_return only(context, started, general(task, problem));
    }
    auto answer = co_await stack::call(context.http, request, deadline);
    if (answer.has_error()) {
        Observation seen = general(task, answer.error());
        seen.health = Health::unknown;
        co_return only(context, started, std::move(seen));
    }
    Observation seen = read_answer(*check, task, request, *answer);
    seen.phases = answer->phases;
    co_return only(context, started, std::move(seen));
}

}  // namespace leverd::probes
