// Why: the whole process on a small production that answers at once: one tenant behind a control
// plane. What changes something can be kept waiting, so that a test chooses what happens meanwhile.
#pragma once

#include "core/net/clock.hpp"
#include "core/net/task_group.hpp"
#include "daemon/app.hpp"
#include "daemon/rules.hpp"
#include "tests/catch.hpp"
#include "tests/unit/levers/fake_http.hpp"

#include <boost/asio/awaitable.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace leverd::test {

// What the production of one tenant is and was asked; outlives every App that looks at it.
struct OneTenant {
    net::HttpResult serve(const net::HttpRequest& request);

    std::string status = "running";
    bool healthy = true;
    bool hold_changes = false;  // requests that change something wait while this is set
    std::vector<std::string> changes;
    std::vector<std::string> tokens;  // bearer of each request to the control plane
};

class AppBench {
  public:
    AppBench();
    ~AppBench();
    AppBench(const AppBench&) = delete;
    AppBench& operator=(const AppBench&) = delete;

    // The config file; `more` is appended, `daemon` stands in [daemon].
    void write(const std::string& more = {}, const std::string& daemon = {});
    // The policy's mode from the next write() on.
    std::string mode = "approve";
    void write_raw(const std::string& text);

    // Makes the App, runs it, and inside runs `story`; when that ends, SIGTERM.
    using Story = std::function<boost::asio::awaitable<void>(AppBench&)>;
    Exit run(Story story);

    App& app() { return *app_; }
    exporters::Backend& backend() { return app_->backend(); }
    // Waits until it holds; fails the test when it never does.
    boost::asio::awaitable<void> until(std::function<bool()> holds, std::string what);

    // Ready, with the tenant and both reference points seen: a lever may go.
    bool settled();

    std::filesystem::path directory;
    std::filesystem::path config_path() const { return directory / "leverd.toml"; }
    OneTenant tenant;
    std::unique_ptr<net::HttpTransport> transport();  // one to the tenant
    int transports = 0;                               // that were made
    std::string stop_file;                            // daemon.stop_file; empty: the usual one
    Outside outside;  // its transport is set by run() unless it is set already

  private:
    std::unique_ptr<App> app_;
};

}  // namespace leverd::test
