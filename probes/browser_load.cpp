// Why: see browser_load.hpp. Chromium writes the page as it is after its scripts ran to its output,
// and what the scripts complained about to its log; no debugging port is opened.
#include "probes/browser_load.hpp"

#include "core/base/text.hpp"
#include "core/net/process.hpp"
#include "probes/programs.hpp"

#include <fmt/format.h>

#include <string_view>

namespace leverd::probes {
namespace {

constexpr std::size_t words_shown = 300;
// The kill comes this long before the look's deadline, so that its end is still told in time.
constexpr Millis spare{200};
// Next.js shows this when a component throws while the page is built in the browser.
constexpr std::string_view error_page = "client-side exception";
const Subject canvas_subject{"canvas"};

std::string origin_of(const std::string& url) {
    const auto host = url.find("://");
    return host == std::string::npos ? std::string{} : url.substr(0, url.find('/', host + 3));
}

Observation cannot_tell(const Task& task, Reason reason, std::string words) {
    Observation seen = observation(canvas_subject, task, Health::unknown, reason, std::move(words));
    seen.origin = Origin::local;
    return seen;
}

std::optional<Observation> judge(const config::Canvas& settings, const net::ProcessResult& result,
                                 const Task& task) {
    if (result.end == net::ProcessEnd::timed_out) {
        return cannot_tell(task, Reason::command_timeout,
                           "the browser did not show the page in time: give the canvas probe a "
                           "longer 'timeout'");
    }
    const auto thrown = client_exception(result.out, result.err, settings.url);
    if (thrown) {
        return observation(canvas_subject, task, Health::failing, Reason::client_exception,
                           "in a browser the page throws: " + *thrown);
    }
    if (result.end != net::ProcessEnd::exited || result.code != 0 ||
        result.out.find(settings.marker) == std::string::npos) {
        // Our own network, certificates or rights: the page was fetched well a moment ago.
        return cannot_tell(
            task, Reason::command_unclear,
            fmt::format("the browser did not show the page (code {}): {}", result.code,
                        sanitize(result.detail + result.err, words_shown)));
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::string> client_exception(const std::string& dom, const std::string& log,
                                            const std::string& url) {
    if (dom.find(error_page) != std::string::npos) {
        return "it shows \"" + std::string(error_page) + "\"";
    }
    const std::string ours = "source: " + origin_of(url) + "/";
    std::string_view rest = log;
    while (!rest.empty()) {
        const auto end = rest.find('\n');
        const std::string_view line = rest.substr(0, end);
        rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
        const auto words = line.find("\"Uncaught ");
        if (words != std::string_view::npos && line.find("CONSOLE") < words &&
            line.substr(words).find("\"Uncaught (in promise)") != 0 &&
            line.find(ours) != std::string_view::npos) {
            return sanitize(std::string(line.substr(words)), words_shown);
        }
    }
    return std::nullopt;
}

boost::asio::awaitable<std::optional<Observation>> load_in_browser(Context& context, Task task,
                                                                   net::Deadline deadline) {
    const config::Canvas& settings = context.config->canvas;
    if (browser_path(settings).empty()) {
        co_return cannot_tell(task, Reason::browser_missing,
                              "no Chromium on this box: apt-get install chromium, or set "
                              "'browser_program' in [stack.canvas], or browser = false");
    }
    BrowserProgram browser = browser_program(settings);
    if (browser.profile == nullptr) {
        co_return cannot_tell(task, Reason::browser_missing,
                              "no directory for the browser's profile: is /tmp writable?");
    }
    browser.request.helper = context.config->daemon.exec_socket;
    browser.request.called = {"browser"};
    const net::ProcessResult result =
        co_await net::run_process(std::move(browser.request), deadline - spare);
    if (result.end == net::ProcessEnd::cancelled) {
        co_return cannot_tell(task, Reason::deadline_local, "cancelled");
    }
    co_return judge(settings, result, task);
}

}  // namespace leverd::probes
