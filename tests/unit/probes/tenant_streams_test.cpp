// Why: streams follow tenants and config for months. What comes must go, nothing may be told twice,
// and whatever comes over one may only wake looks.
#include "probes/tenant_streams.hpp"

#include "core/base/borrowed.hpp"
#include "core/net/asio_use.hpp"
#include "core/net/clock.hpp"
#include "tests/catch.hpp"
#include "tests/unit/net/loop.hpp"

#include <deque>
#include <set>

using namespace leverd;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using Why = net::WebSocketEnd::Why;

namespace {

// Gives what is put into it, then waits for more, for its end or for the deadline.
class FakeSocket final : public net::WebSocket {
  public:
    FakeSocket(asio::any_io_executor executor, std::string of)
        : url(std::move(of)), news_(std::move(executor)) {}

    asio::awaitable<net::WebSocketResult<std::string>> read(net::Deadline deadline) override {
        const auto owner = co_await asio::this_coro::cancellation_state;
        while (frames_.empty() && !end_ && !net::is_cancelled(owner)) {
            news_.expires_at(deadline);
            const auto [ec] = co_await news_.async_wait(net::tuple_token);
            if (!ec) {
                co_return net::WebSocketEnd{Why::silent, "silent"};
            }
        }
        if (net::is_cancelled(owner)) {
            co_return net::WebSocketEnd{Why::stopped, "stopped"};
        }
        if (frames_.empty()) {
            co_return *end_;
        }
        std::string frame = std::move(frames_.front());
        frames_.pop_front();
        co_return net::WebSocketResult<std::string>(boost::system::in_place_value,
                                                    std::move(frame));
    }
    asio::awaitable<void> close(net::Deadline) override {
        closed = true;
        finish({Why::ended, "closed"});
        co_return;
    }
    void say(std::string frame) {
        frames_.push_back(std::move(frame));
        news_.cancel();
    }
    void finish(net::WebSocketEnd end) {
        end_ = std::move(end);
        news_.cancel();
    }

    std::string url;
    bool closed = false;

  private:
    asio::steady_timer news_;
    std::deque<std::string> frames_;
    std::optional<net::WebSocketEnd> end_;
};

class FakeClient final : public net::WebSocketClient {
  public:
    asio::awaitable<net::WebSocketResult<std::shared_ptr<net::WebSocket>>> connect(
        net::WebSocketRequest request, net::Deadline) override {
        ++tries;
        const auto executor = co_await asio::this_coro::executor;
        if (refuse) {
            co_return net::WebSocketEnd{Why::refused, "the answer to the upgrade was 403"};
        }
        auto made = std::make_shared<FakeSocket>(executor, request.url);
        made_.push_back(made);
        std::shared_ptr<net::WebSocket> result = std::move(made);
        co_return std::move(result);
    }
    // The newest open one to that tenant.
    std::shared_ptr<FakeSocket> to(const std::string& slug) {
        for (auto one = made_.rbegin(); one != made_.rend(); ++one) {
            const auto socket = one->lock();
            if (socket && socket->url.find("//" + slug + ".") != std::string::npos) {
                return socket;
            }
        }
        return nullptr;
    }
    std::size_t alive() const {
        return static_cast<std::size_t>(std::count_if(
            made_.begin(), made_.end(), [](const auto& one) { return !one.expired(); }));
    }
    int tries = 0;
    bool refuse = false;

  private:
    std::vector<std::weak_ptr<FakeSocket>> made_;
};

struct Box {
    Box() {
        config.tenants.url = "https://{slug}.example";
        config.events.tenant_stream = true;
        context.config = borrowed(config);
        context.inventory = &inventory;
        probes::StreamHooks hooks;
        hooks.on_event = [this](const std::string& slug, const std::string& event) {
            events.push_back(slug + " " + event);
        };
        hooks.on_open = [this](const std::string& slug) { ++opened[slug]; };
        hooks.on_bad = [this] { ++bad; };
        hooks.chance = [this] { return chance; };
        streams = std::make_unique<probes::TenantStreams>(loop.io.get_executor(), context,
                                                          shared_client, group, std::move(hooks));
    }
    ~Box() {
        group.cancel();
        loop.turn_until([this] { return group.size() == 0; });
    }
    void add(const std::string& slug) { inventory.tenants[slug] = Tenant{slug, {}, "running"}; }
    void run() { group.spawn("streams", streams->run()); }
    void until_open(std::size_t count) {
        loop.turn_until([this, count] { return streams->counters().open == count; });
    }

    net::test::Loop loop;
    config::Config config;
    Inventory inventory;
    probes::Context context;
    FakeClient client;
    std::shared_ptr<net::WebSocketClient> shared_client{std::shared_ptr<void>(), &client};
    net::TaskGroup group{loop.io.get_executor(),
                         [](const net::TaskDefect& defect) { FAIL_CHECK(defect.what); }};
    std::vector<std::string> events;
    std::map<std::string, int> opened;
    int bad = 0;
    double chance = 0;
    std::unique_ptr<probes::TenantStreams> streams;
};

const std::string offline = R"({"event":"WORKSPACE_OFFLINE"})";

}  // namespace

TEST_CASE("streams come and go with the tenants that are watched") {
    Box box;
    box.add("acme");
    box.add("demo");
    box.config.tenants.exclude = {"hooli"};
    box.add("hooli");
    box.run();
    box.until_open(2);
    CHECK(box.opened == std::map<std::string, int>{{"acme", 1}, {"demo", 1}});
    CHECK(box.streams->counters().wanted == 2);
    box.add("stark");
    box.until_open(3);
    const auto gone = box.client.to("demo");
    box.inventory.tenants.erase("demo");
    box.until_open(2);
    CHECK(gone->closed);
    CHECK(box.opened["acme"] == 1);
    CHECK(box.streams->counters().reconnects == 0);
}

TEST_CASE("many tenants get their streams a few at a time") {
    Box box;
    constexpr int count = 2 * probes::TenantStreams::started_max + 1;
    for (int i = 0; i < count; ++i) {
        box.add("tenant-" + std::to_string(i));
    }
    const auto begun = net::test::Steady::now();
    box.run();
    box.until_open(count);
    CHECK(net::test::since(begun) >= 2 * probes::TenantStreams::pace);
    CHECK(box.client.tries == count);
}

TEST_CASE("without the setting there is none, and a reload turns them off and on") {
    Box box;
    box.config.events.tenant_stream = false;
    box.add("acme");
    box.run();
    box.loop.run(net::pause(2 * probes::TenantStreams::pace));
    CHECK(box.client.tries == 0);
    config::Config on = box.config;
    on.events.tenant_stream = true;
    box.context.config = borrowed(on);
    box.until_open(1);
    const auto first = box.client.to("acme");
    config::Config moved = on;
    moved.tenants.url = "https://{slug}.elsewhere";
    box.context.config = borrowed(moved);
    box.loop.turn_until([&] { return box.opened["acme"] == 2; });
    CHECK(first->closed);
    box.context.config = borrowed(box.config);
    box.until_open(0);
    CHECK(box.streams->counters().wanted == 0);
}

TEST_CASE("every connect wakes once, whether it is the first or the tenth") {
    Box box;
    box.add("acme");
    box.run();
    for (int i = 1; i <= 10; ++i) {
        box.loop.turn_until([&] { return box.opened["acme"] == i; });
        box.client.to("acme")->finish({Why::ended, "cut"});
    }
    box.loop.turn_until([&] { return box.opened["acme"] == 11; });
    CHECK(box.streams->counters().reconnects == 10);
    CHECK(box.streams->counters().open == 1);
    CHECK(box.client.alive() == 1);
}

TEST_CASE("an event goes to the hook by name, a bad frame closes and is counted") {
    Box box;
    box.add("acme");
    box.run();
    box.until_open(1);
    box.client.to("acme")->say(offline);
    box.client.to("acme")->say(R"({"event":"WORKSPACE_HEARTBEAT"})");
    box.loop.turn_until([&] { return box.events.size() == 2; });
    CHECK(box.events.front() == "acme WORKSPACE_OFFLINE");
    const auto first = box.client.to("acme");
    first->say(R"({"event":"connected"})");
    first->say(offline);
    box.loop.turn_until([&] { return box.opened["acme"] == 2; });
    CHECK(first->closed);
    CHECK(box.bad == 1);
    CHECK(box.events.size() == 2);
    CHECK(box.streams->counters().messages == 2);
}

TEST_CASE("a sender that does not stop gets a share of the loop and no more") {
    Box box;
    box.add("acme");
    box.run();
    box.until_open(1);
    for (int i = 0; i < 640; ++i) {
        box.client.to("acme")->say(offline);
    }
    const auto begun = net::test::Steady::now();
    box.loop.turn_until([&] { return box.events.size() == 640; });
    CHECK(net::test::since(begun) >= 850ms);
}

TEST_CASE("a tenant that refuses is asked again with growing waits") {
    Box box;
    box.client.refuse = true;
    box.chance = 0.05;
    box.add("acme");
    box.run();
    box.loop.run(net::pause(500ms));
    CHECK(box.client.tries >= 2);
    CHECK(box.client.tries <= 5);  // after 50, 150, 350 ms and so on
    CHECK(box.streams->counters().open == 0);
}

TEST_CASE("a stop closes every stream, opens none any more, and ends") {
    Box box;
    box.add("acme");
    box.add("demo");
    box.run();
    box.until_open(2);
    const auto acme = box.client.to("acme");
    box.group.spawn("stop", box.streams->stop());
    box.loop.turn_until([&] { return box.group.size() == 0; });
    CHECK(acme->closed);
    CHECK(box.streams->counters().open == 0);
    CHECK(box.client.tries == 2);
}
