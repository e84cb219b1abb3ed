// Why: users of the canvas see a blank page when one script chunk is missing although the page
// itself answers 200. So the page, its marker and every script of its own origin are fetched.
#include "core/base/text.hpp"
#include "probes/browser_load.hpp"
#include "probes/common.hpp"
#include "probes/script_links.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace leverd::probes {
namespace {

constexpr std::size_t page_bytes_max = 4U << 20;
constexpr std::size_t asset_bytes_max = 8U << 20;
const Subject canvas_subject{"canvas"};

bool type_contains(const net::HttpResponse& response, std::string_view word) {
    return stack::lower_case(response.header("content-type")).find(word) != std::string::npos;
}

// nullopt: the script loads. Else what to say: failing asset_failed, or unknown when the answer is
// about us.
boost::asio::awaitable<std::optional<Observation>> check_asset(Context& context, Task task,
                                                               std::string url,
                                                               net::Deadline deadline) {
    net::HttpRequest request;
    request.url = std::move(url);
    request.body_limit = asset_bytes_max;
    auto answer = co_await stack::call(context.http, request, deadline);
    if (answer.has_error()) {
        Observation seen = from_problem(answer.error(), canvas_subject, task);
        if (seen.health == Health::failing) {
            seen.reason = Reason::asset_failed;
        }
        co_return seen;
    }
    if (answer->status == 200 &&
        (type_contains(*answer, "javascript") || type_contains(*answer, "ecmascript"))) {
        co_return std::nullopt;
    }
    stack::Problem problem = stack::problem_of(request, *answer);
    problem.detail = stack::describe_without_body(request, *answer) + "; content type \"" +
                     sanitize(answer->header("content-type"), 80) + "\"";
    Observation seen = from_problem(problem, canvas_subject, task);
    // The tenant guard is no part of the canvas: an empty 404 is a chunk that is not there.
    if (seen.health == Health::failing || problem.reason == Reason::guard_not_found) {
        seen.health = Health::failing;
        seen.reason = Reason::asset_failed;
    }
    co_return seen;
}

// What the page alone says; healthy when it is the page that it should be.
Observation judge_page(const net::HttpRequest& request, const net::HttpResponse& page,
                       const config::Canvas& settings, const Task& task) {
    stack::Problem problem;
    if (page.status != 200) {
        problem = stack::problem_of(request, page);
    } else if (!type_contains(page, "text/html")) {
        problem = stack::problem_of(request, page, Reason::wrong_content_type);
    } else if (!stack::coding_of(page).empty()) {
        problem = stack::problem_of(request, page, Reason::bad_protocol);
    } else if (page.body.find(settings.marker) == std::string::npos) {
        problem = stack::problem_of(request, page, Reason::marker_missing);
    } else {
        Observation seen = observation(canvas_subject, task, Health::healthy, Reason::ok,
                                       stack::describe_without_body(request, page));
        seen.phases = page.phases;
        return seen;
    }
    if (problem.reason == Reason::guard_not_found) {
        problem.reason = Reason::not_found;
    }
    return from_problem(problem, canvas_subject, task);
}

}  // namespace

boost::asio::awaitable<Observations> look_canvas(Context& context, Task task,
                                                 net::Deadline deadline) {
    const Now started = context.clock->now();
    const config::Canvas& settings = context.config->canvas;
    net::HttpRequest request;
    request.url = settings.url;
    request.headers.emplace_back("Accept", "text/html");
    request.body_limit = page_bytes_max;
    auto page = co_await stack::call(context.http, request, deadline);
    Observations all;
    if (page.has_error()) {
        all.push_back(from_problem(page.error(), canvas_subject, task));
        co_return finish(context, started, std::move(all));
    }
    all.push_back(judge_page(request, *page, settings, task));
    if (all.front().health != Health::healthy) {
        co_return finish(context, started, std::move(all));
    }
    const auto most = static_cast<std::size_t>(std::max(settings.assets_max, 0));
    const std::vector<std::string> links = script_links(settings.url, page->body, most);
    for (const std::string& link : links) {
        auto trouble = co_await check_asset(context, task, link, deadline);
        if (trouble) {
            all.front() = std::move(*trouble);
            co_return finish(context, started, std::move(all));
        }
    }
    all.front().facts["assets"] = static_cast<double>(links.size());
    all.front().evidence += fmt::format("; marker and {} scripts load", links.size());
    if (settings.browser) {
        auto trouble = co_await load_in_browser(context, task, deadline);
        if (trouble) {
            all.front() = std::move(*trouble);
        } else {
            all.front().facts["browser"] = 1;
            all.front().evidence += "; it runs in a browser";
        }
    }
    co_return finish(context, started, std::move(all));
}

}  // namespace leverd::probes
