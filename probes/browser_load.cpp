// Why: see browser_load.hpp. Chromium writes the page as it is after its scripts ran to its output,
// and what the scripts complained about to its log; no debugging port is opened.
#include "probes/browser_load.hpp"

#include "core/base/text.hpp"
#include "core/net/process.hpp"

#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string_view>

namespace leverd::probes {
namespace {

constexpr std::array places{"/usr/bin/chromium", "/usr/bin/chromium-browser",
                            "/usr/bin/google-chrome"};
constexpr std::size_t output_bytes_max = 4U << 20;
constexpr std::size_t words_shown = 300;
// The kill comes this long before the look's deadline, so that its end is still told in time.
constexpr Millis spare{200};
// Next.js shows this when a component throws while the page is built in the browser.
constexpr std::string_view error_page = "client-side exception";
const Subject canvas_subject{"canvas"};

// A profile of its own, gone with the look: nothing of one load is known to the next.
class Profile {
  public:
    Profile() {
        std::string name = (std::filesystem::temp_directory_path() / "leverd-page-XXXXXX").string();
        if (::mkdtemp(name.data()) != nullptr) {
            path_ = name;
        }
    }
    Profile(const Profile&) = delete;
    Profile& operator=(const Profile&) = delete;
    ~Profile() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

std::string program_of(const config::Canvas& settings) {
    if (!settings.browser_program.empty()) {
        return ::access(settings.browser_program.c_str(), X_OK) == 0 ? settings.browser_program
                                                                     : std::string{};
    }
    for (const char* place : places) {
        if (::access(place, X_OK) == 0) {
            return place;
        }
    }
    return {};
}

std::string origin_of(const std::string& url) {
    const auto host = url.find("://");
    return host == std::string::npos ? std::string{} : url.substr(0, url.find('/', host + 3));
}

Observation cannot_tell(const Task& task, Reason reason, std::string words) {
    Observation seen = observation(canvas_subject, task, Health::unknown, reason, std::move(words));
    seen.origin = Origin::local;
    return seen;
}

net::ProcessRequest request_of(const config::Canvas& settings, const std::string& program,
                               const Profile& profile) {
    net::ProcessRequest request;
    request.argv = {program,
                    "--headless",
                    "--disable-gpu",
                    "--disable-extensions",
                    "--disable-background-networking",
                    "--disable-sync",
                    "--disable-dev-shm-usage",
                    "--no-first-run",
                    "--mute-audio",
                    "--enable-logging=stderr",
                    "--virtual-time-budget=5000",
                    "--user-data-dir=" + profile.path()};
    request.argv.insert(request.argv.end(), settings.browser_arguments.begin(),
                        settings.browser_arguments.end());
    request.argv.push_back("--dump-dom");
    request.argv.push_back(settings.url);
    request.environment = {
        {"HOME", profile.path()}, {"LANG", "C.UTF-8"}, {"PATH", "/usr/bin:/bin"}};
    request.output_limit = output_bytes_max;
    return request;
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
    const std::string program = program_of(settings);
    if (program.empty()) {
        co_return cannot_tell(task, Reason::browser_missing,
                              "no Chromium on this box: apt-get install chromium, or set "
                              "'browser_program' in [stack.canvas], or browser = false");
    }
    const Profile profile;
    if (profile.path().empty()) {
        co_return cannot_tell(task, Reason::browser_missing,
                              "no directory for the browser's profile: is /tmp writable?");
    }
    net::ProcessRequest request = request_of(settings, program, profile);
    const net::ProcessResult result =
        co_await net::run_process(std::move(request), deadline - spare);
    if (result.end == net::ProcessEnd::cancelled) {
        co_return cannot_tell(task, Reason::deadline_local, "cancelled");
    }
    co_return judge(settings, result, task);
}

}  // namespace leverd::probes
