// Why: what a look says is stored, paged and shown, so no kind of look may quote a secret, whatever
// header it travels in and however the other side gives it back.
#include "core/base/borrowed.hpp"
#include "core/model/codec.hpp"
#include "core/net/trace.hpp"
#include "probes/heartbeat.hpp"
#include "probes/probe.hpp"
#include "tests/catch.hpp"
#include "tests/unit/secrets/echo_world.hpp"

#include <nlohmann/json.hpp>

using namespace leverd;
using namespace leverd::test;

namespace {

std::optional<config::Check> check_of(const std::string& kind, const std::string& said) {
    if (kind == "http") {
        config::HttpCheck check;
        check.url = "https://shop.test/s";
        check.login.user = "operator";
        check.login.password = "probe";
        check.json.push_back(*[] {
            std::string problem;
            return config::parse_json_condition("/status == \"ok\"", problem);
        }());
        return config::Check{check};
    }
    if (kind == "tls") {
        return config::Check{config::TlsCheck{{"shop.test", 443}, "shop.test"}};
    }
    if (kind == "tcp") {
        config::TcpCheck check;
        check.address = {"shop.test", 25};
        std::string problem;
        check.expect = config::Pattern::compile("^220 ", problem);
        return config::Check{check};
    }
    if (kind == "dns") {
        config::DnsCheck check;
        check.host = "shop.test";
        check.answers = {"10.0.0.1"};
        return config::Check{check};
    }
    if (kind == "promql") {
        config::PromqlCheck check;
        check.url = "https://prometheus.test";
        check.query = "up";
        check.login.bearer = "probe";
        return config::Check{check};
    }
    if (kind == "heartbeat") {
        return config::Check{config::HeartbeatCheck{Millis{1000}}};
    }
    if (kind == "command") {
        config::CommandCheck check;
        check.argv = {"/bin/echo", said};
        return config::Check{check};
    }
    if (kind == "credential") {
        config::CredentialCheck check;
        check.url = "https://api.test/graphql";
        check.login.bearer = "probe";
        check.header = "X-Api-Key";
        check.graphql = "{ me { id } }";
        return config::Check{check};
    }
    return std::nullopt;
}

// Everything that is kept of one look, as text.
std::string look(EchoWorld& world, const probes::ProbeKind& kind) {
    probes::Heartbeats heartbeats;
    net::Trace trace(&world.http, 50);
    probes::Context context;
    context.config = borrowed(world.config);
    context.http = &trace;
    context.clock = &world.clock;
    context.inventory = &world.inventory;
    context.secrets = borrowed(world.secrets);
    context.dialer = &world.dialer;
    context.heartbeats = &heartbeats;
    probes::Task task;
    task.kind = task.settings.kind = std::string(kind.name);
    if (auto check = check_of(task.kind, world.worn("probe"))) {
        task.settings.check = std::make_shared<const config::Check>(std::move(*check));
        task.settings.name = task.kind = "general";
        task.settings.subject = "service/general";
    }
    const auto targets = kind.targets(context);
    REQUIRE_FALSE(targets.empty());
    task.target = targets.front();
    const auto seen = run_one(kind.look(context, task, net::deadline_in(Millis{60'000})));
    std::string all;
    for (const Observation& one : seen) {
        all += one.evidence + "\n" + dump(to_json(EntryBody{Observed{one, 1, {}}})) + "\n";
    }
    for (const Exchange& exchange : trace.shown()) {
        all += exchange.url + "\n" + exchange.failure + "\n" + exchange.body + "\n";
        for (const auto& headers : {exchange.sent, exchange.headers}) {
            for (const auto& [name, value] : headers) {
                all += name + ": " + value + "\n";
            }
        }
    }
    return all;
}

}  // namespace

TEST_CASE("no look of any kind passes on a secret, in whatever coat it is given back") {
    EchoWorld world;
    for (const auto& kind : probes::probe_kinds()) {
        for (const EchoForm& form : echo_forms()) {
            for (const Echo how : all_echoes) {
                // A program is started for each of its looks, and it hears nothing of HTTP.
                if (kind.name == "command" && how != Echo::body_of_500) {
                    continue;
                }
                world.echo(how, form);
                const std::string kept = look(world, kind);
                const std::string leaked = world.leaked(kept);
                if (!leaked.empty()) {
                    CAPTURE(kind.name, form.name, static_cast<int>(how), kept);
                    CHECK(leaked.empty());
                }
            }
        }
    }
    CHECK(world.http.asked > 1000);
}

TEST_CASE("a credential in a header of its own is masked when the answer quotes it") {
    EchoWorld world;
    world.echo(Echo::body_of_200, echo_forms().front());
    const std::string kept = look(world, *probes::find_probe_kind("credential"));
    CAPTURE(kept);
    CHECK(world.leaked(kept).empty());
    CHECK(kept.find("[masked]") != std::string::npos);
}
