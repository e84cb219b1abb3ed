// Why: probes are tested against scripted answers: what each URL says next, and what was asked.
#pragma once

#include "core/base/borrowed.hpp"
#include "core/net/asio_use.hpp"
#include "core/net/http.hpp"
#include "probes/probe.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace leverd::test {

using Headers = std::map<std::string, std::string>;

inline net::HttpResponse answer(int status, std::string body = {}, Headers headers = {}) {
    net::HttpResponse response;
    response.status = status;
    response.headers = std::move(headers);
    response.body = std::move(body);
    response.phases.header = Millis{31};
    return response;
}

inline net::HttpResponse json_answer(int status, std::string body) {
    return answer(status, std::move(body), {{"content-type", "application/json; charset=utf-8"}});
}

inline net::HttpFailure failure(Reason reason, Origin origin = Origin::target, bool sent = false) {
    net::HttpFailure failed;
    failed.reason = reason;
    failed.origin = origin;
    failed.detail = "scripted";
    failed.sent = sent;
    return failed;
}

// Answers by "METHOD URL". Several answers for one call are given in order, the last one for ever.
class FakeHttp : public net::HttpTransport {
  public:
    void on(const std::string& call, net::HttpResponse response) {
        script_[call].emplace_back(std::move(response));
    }
    void on(const std::string& call, net::HttpFailure failed) {
        script_[call].emplace_back(std::move(failed));
    }
    // The call never answers; the fetch ends at its deadline or when it is cancelled.
    void hang(const std::string& call) { hanging_[call] = true; }

    boost::asio::awaitable<net::HttpResult> fetch(net::HttpRequest request,
                                                  net::Deadline deadline) override {
        const std::string call = request.method + " " + request.url;
        requests.push_back(std::move(request));
        if (hanging_.contains(call)) {
            boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
            timer.expires_at(deadline);
            co_await timer.async_wait(net::tuple_token);
            co_return failure(Reason::header_timeout, Origin::target, true);
        }
        const auto it = script_.find(call);
        if (it == script_.end()) {
            net::HttpFailure failed = failure(Reason::connect_refused);
            failed.detail = "nothing scripted for " + call;
            co_return failed;
        }
        net::HttpResult next = it->second.front();
        if (it->second.size() > 1) {
            it->second.pop_front();
        }
        co_return next;
    }

    std::size_t count(const std::string& call) const {
        std::size_t n = 0;
        for (const auto& request : requests) {
            n += request.method + " " + request.url == call ? 1U : 0U;
        }
        return n;
    }
    const net::HttpRequest* find(const std::string& call) const {
        for (const auto& request : requests) {
            if (request.method + " " + request.url == call) {
                return &request;
            }
        }
        return nullptr;
    }

    std::vector<net::HttpRequest> requests;

  private:
    std::map<std::string, std::deque<net::HttpResult>> script_;
    std::map<std::string, bool> hanging_;
};

inline std::string header_of(const net::HttpRequest& request, const std::string& name) {
    for (const auto& [key, value] : request.headers) {
        if (key == name) {
            return value;
        }
    }
    return {};
}

class FixedClock : public Clock {
  public:
    Now now() const override { return value; }
    // 2026-05-06T18:00:00Z
    Now value{Instant{Millis{5'000'000}}, WallTime{Millis{1'778'090'400'000}}};
};

// Runs one coroutine to its end on an io_context of its own.
template <class T>
T run(boost::asio::awaitable<T> task) {
    boost::asio::io_context io;
    std::optional<T> out;
    std::exception_ptr thrown;
    auto on_end = [&out, &thrown](std::exception_ptr e, T value) {
        thrown = e;
        out.emplace(std::move(value));
    };
    boost::asio::co_spawn(io, std::move(task), std::move(on_end));
    io.run();
    if (thrown) {
        std::rethrow_exception(thrown);
    }
    return std::move(*out);
}

inline const std::string org_id = "3f0c1111-2222-4333-8444-555566667777";
inline const std::string admin_secret = "cp-admin-secret-value";
inline const std::string tenant_secret = "tenant-admin-secret-value";

// A context over scripted answers, with one tenant "acme" that is known and has a token.
struct World {
    World() {
        config.control_plane.url = "https://cp.test";
        config.control_plane.admin_token = "cp";
        config.tenants.url = "https://{slug}.test";
        config.registry.url = "https://registry.test";
        secrets.emplace("cp", Secret(admin_secret));
        inventory.tenants["acme"] = Tenant{"acme", org_id, "running"};
        inventory.admin_tokens["acme"] = Secret(tenant_secret);
        context.config = borrowed(config);
        context.http = &http;
        context.clock = &clock;
        context.inventory = &inventory;
        context.secrets = borrowed(secrets);
    }

    std::vector<Observation> look(const std::string& kind, const std::string& target) {
        const probes::ProbeKind* row = probes::find_probe_kind(kind);
        probes::Task task{kind, target, {}};
        task.settings.kind = kind;
        return run(row->look(context, task, net::deadline_in(Millis{2'000})));
    }

    config::Config config;
    FakeHttp http;
    FixedClock clock;
    Inventory inventory;
    std::map<std::string, Secret> secrets;
    probes::Context context;
};

inline double fact(const Observation& seen, const std::string& name, double missing = -1) {
    const auto it = seen.facts.find(name);
    return it == seen.facts.end() ? missing : it->second;
}

}  // namespace leverd::test
