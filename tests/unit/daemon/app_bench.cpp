// Why: see app_bench.hpp.
#include "tests/unit/daemon/app_bench.hpp"

#include "tests/unit/daemon/through.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <utility>

namespace asio = boost::asio;

namespace leverd::test {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

constexpr const char* org = "11111111-2222-4333-8444-000000000001";
// Far beyond what a loaded machine needs; only a test that fails waits so long.
constexpr Millis patience{60'000};

net::HttpResult json(int status, const Json& body) {
    return answer(status, body.dump(), "application/json; charset=utf-8");
}

class TenantTransport final : public net::HttpTransport {
  public:
    explicit TenantTransport(OneTenant* tenant) : tenant_(*tenant) {}

    asio::awaitable<net::HttpResult> fetch(net::HttpRequest request,
                                           net::Deadline deadline) override {
        (void)deadline;
        if (request.method != "GET") {
            tenant_.changes.push_back(request.method + " " + request.url);
            while (tenant_.hold_changes) {
                const bool awake = co_await net::pause(2ms);
                if (!awake) {
                    co_return lost();
                }
            }
        }
        co_return tenant_.serve(request);
    }

  private:
    OneTenant& tenant_;
};

struct Told {
    bool done = false;
    std::exception_ptr threw;
};

asio::awaitable<void> tell(AppBench* bench, AppBench::Story story, std::shared_ptr<Told> told) {
    (void)co_await net::pause(1ms);
    try {
        co_await story(*bench);
    } catch (...) {
        told->threw = std::current_exception();
    }
    told->done = true;
    (void)std::raise(SIGTERM);
}

}  // namespace

net::HttpResult OneTenant::serve(const net::HttpRequest& request) {
    const auto ends = [&](std::string_view end) { return request.url.ends_with(end); };
    if (request.url.starts_with("https://reference")) {
        return no_body(204);
    }
    if (request.url.starts_with("https://acme.tenants.test")) {
        if (!healthy) {
            return answer(502, "bad gateway", "text/plain");
        }
        return ends("/health")       ? json(200, {{"status", "ok"}})
               : ends("/workspaces") ? json(200, Json::array())
                                     : html(404);
    }
    tokens.push_back(request.bearer ? std::string(request.bearer->reveal()) : std::string{});
    if (ends("/health")) {
        return json(200, {{"service", "molecule-cp"}, {"status", "ok"}});
    }
    if (request.url.find("/cp/auth") != std::string::npos) {
        return answer(302, "", "text/html");
    }
    if (request.url.find("/orgs?") != std::string::npos) {
        return json(200, {{"orgs", Json::array({{{"id", org},
                                                 {"slug", "acme"},
                                                 {"instance_status", status},
                                                 {"created_at", "2026-05-01T09:00:00Z"}}})}});
    }
    if (request.url.find("boot-events") != std::string::npos) {
        return json(200, {{"slug", "acme"}, {"org_id", org}, {"events", Json::array()}});
    }
    if (ends("/admin-token")) {
        return json(200, {{"admin_token", "tenant-token-0123456789"}});
    }
    if (request.method == "POST") {
        status = ends("/stop") ? "stopped" : "running";
        return json(200, {{"ok", true}});
    }
    return answer(404, "404 page not found", "text/plain");
}

AppBench::AppBench() {
    std::string name = (std::filesystem::temp_directory_path() / "leverd-app-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    directory = name;
    std::filesystem::create_directories(directory / "state");
    spdlog::set_level(std::getenv("APP_LOG") == nullptr ? spdlog::level::off
                                                        : spdlog::level::debug);
}

AppBench::~AppBench() {
    app_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
}

std::unique_ptr<net::HttpTransport> AppBench::transport() {
    return std::make_unique<TenantTransport>(&tenant);
}

void AppBench::write_raw(const std::string& text) {
    std::ofstream(config_path()) << text;
}

void AppBench::write(const std::string& more, const std::string& daemon) {
    const auto secret = [this](const char* file, const char* value) {
        const auto path = directory / file;
        if (!std::filesystem::exists(path)) {
            std::ofstream(path) << value << "\n";
            std::filesystem::permissions(
                path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
        }
    };
    secret("cp-token", "cp-token-0123456789");
    secret("api-token", "api-token-0123456789");
    write_raw(fmt::format(R"([daemon]
state_directory = "{0}/state"
socket = "{0}/leverd.sock"
listen = "127.0.0.1:0"
api_token = "api"
mode_ceiling = "auto"
{1}
[secrets]
cp = {{ file = "{0}/cp-token" }}
api = {{ file = "{0}/api-token" }}
[observer]
references = ["https://reference-0.test/", "https://reference-1.test/"]
quorum = 1
dwell = "0ms"
max_lateness = "60s"
[stack.control_plane]
url = "https://cp.test"
admin_token = "cp"
[tenants]
url = "https://{{slug}}.tenants.test"
[[probe]]
kind = "reference"
interval = "1s"
retry = "200ms"
timeout = "900ms"
[[probe]]
kind = "control_plane"
interval = "1s"
retry = "200ms"
timeout = "900ms"
[[probe]]
kind = "tenant_health"
interval = "1s"
retry = "200ms"
timeout = "900ms"
[[signal]]
id = "tenant-health-bad"
probe = "tenant_health"
subject = "tenant"
looks = 1
clear_looks = 1
[[symptom]]
id = "tenant-unreachable"
row = 2
title = "A tenant does not answer"
subject = "tenant"
any = ["tenant-health-bad"]
dwell = "0ms"
lever = "tenant-restart"
[[policy]]
id = "restart"
symptom = "tenant-unreachable"
lever = "tenant-restart"
subjects = ["tenant/acme"]
mode = "{3}"
owner = "test"
cool_down = "30m"
attempts = 1
blast_percent = 10
blast_count = 1
[[lever]]
id = "tenant-restart"
prove_every = "100ms"
{2}
)",
                          directory.string(),
                          daemon + (stop_file.empty() ? "" : "\nstop_file = \"" + stop_file + "\""),
                          more, mode));
}

Exit AppBench::run(Story story) {
    auto loaded = config::load(config_path(), vocabulary());
    for (const auto& problem : loaded.problems) {
        if (!problem.warning) {
            FAIL(config::render(problem));
        }
    }
    if (!outside.transport) {
        outside.transport = [this](const asio::any_io_executor&) {
            transports += 1;
            return transport();
        };
    }
    auto made = App::make(config_path(), std::move(loaded), outside);
    if (!made) {
        FAIL("it does not start: " + made.error().error.what);
    }
    app_ = std::move(*made);
    auto told = std::make_shared<Told>();
    asio::co_spawn(app_->executor(), tell(this, std::move(story), told), [](std::exception_ptr) {});
    const auto exit = app_->run();
    app_.reset();
    if (told->threw) {
        std::rethrow_exception(told->threw);
    }
    return exit;
}

std::optional<LeverEnd> end_of_lever(const State& state) {
    for (const auto& [id, held] : state.intents) {
        if (held.outcome) {
            return held.outcome->kind == OutcomeKind::unknown ? LeverEnd::unknown
                                                              : LeverEnd::answered;
        }
    }
    const bool no_plan = std::ranges::any_of(state.incidents, [](const auto& item) {
        return item.second.plan && !item.second.plan->ok;
    });
    return no_plan ? std::optional(LeverEnd::no_plan) : std::nullopt;
}

bool is_settled(exporters::Backend& backend) {
    const auto& subjects = backend.state().subjects;
    const auto references = std::ranges::count_if(
        subjects, [](const auto& item) { return item.first.kind() == "reference"; });
    return backend.ready().ok && references == 2 && subjects.contains(Subject{"tenant/acme"});
}

bool AppBench::settled() {
    return is_settled(backend());
}

asio::awaitable<void> AppBench::until(std::function<bool()> holds, std::string what) {
    const auto latest = net::deadline_in(patience);
    while (!holds()) {
        if (net::deadline_in(Millis{0}) > latest) {
            FAIL("it never happened: " + what);
        }
        (void)co_await net::pause(5ms);
    }
}

}  // namespace leverd::test
