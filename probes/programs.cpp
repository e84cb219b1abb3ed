// Why: see programs.hpp.
#include "probes/programs.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>

#include <unistd.h>

namespace leverd::probes {
namespace {

constexpr std::array places{"/usr/bin/chromium", "/usr/bin/chromium-browser",
                            "/usr/bin/google-chrome"};
constexpr std::size_t line_bytes_max = 16U << 10;
constexpr std::size_t page_bytes_max = 4U << 20;

std::shared_ptr<const std::string> make_profile() {
    std::string name = (std::filesystem::temp_directory_path() / "leverd-page-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
        return nullptr;
    }
    return std::shared_ptr<const std::string>(new std::string(std::move(name)),
                                              [](const std::string* path) {
                                                  std::error_code ignored;
                                                  std::filesystem::remove_all(*path, ignored);
                                                  delete path;
                                              });
}

}  // namespace

net::ProcessRequest command_program(const config::CommandCheck& check) {
    net::ProcessRequest request;
    request.argv = check.argv;
    request.environment = check.environment;
    request.directory = check.directory;
    request.output_limit = line_bytes_max;
    return request;
}

std::string browser_path(const config::Canvas& settings) {
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

BrowserProgram browser_program(const config::Canvas& settings) {
    BrowserProgram browser;
    browser.profile = make_profile();
    const std::string profile = browser.profile ? *browser.profile : std::string{};
    net::ProcessRequest& request = browser.request;
    request.argv = {browser_path(settings),
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
                    "--user-data-dir=" + profile};
    request.argv.insert(request.argv.end(), settings.browser_arguments.begin(),
                        settings.browser_arguments.end());
    request.argv.push_back("--dump-dom");
    request.argv.push_back(settings.url);
    request.environment = {{"HOME", profile}, {"LANG", "C.UTF-8"}, {"PATH", "/usr/bin:/bin"}};
    request.output_limit = page_bytes_max;
    return browser;
}

}  // namespace leverd::probes
