// Why: the general kinds read an answer against a user's expectations; each way to miss one must
// have its own reason, and what only keeps us from judging must never count against the target.
#include "config/load.hpp"
#include "probes/heartbeat.hpp"
#include "tests/catch.hpp"
#include "tests/unit/probes/fake_http.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <set>

#include <unistd.h>

namespace leverd {
namespace {

using test::answer;
using test::fact;
using test::json_answer;

// Answers whatever it was given last.
class FakeDialer : public net::Dialer {
  public:
    boost::asio::awaitable<net::DialResult> dial(net::DialRequest request, net::Deadline) override {
        asked = std::move(request);
        co_return dialed;
    }
    boost::asio::awaitable<net::RecordsResult> records(std::string host, net::RecordType,
                                                       std::string, net::Deadline) override {
        asked_host = std::move(host);
        co_return found;
    }

    net::DialRequest asked;
    std::string asked_host;
    net::DialResult dialed = net::Dialed();
    net::RecordsResult found = net::Records();
};

// The one probe of a configuration, through the real reader.
config::ProbeSettings settings_of(const std::string& toml) {
    const auto path = std::filesystem::temp_directory_path() /
                      ("leverd-general-" + std::to_string(::getpid()) + ".toml");
    std::ofstream(path) << "[secrets]\ntoken = { environment = \"T\" }\n[[probe]]\n" << toml;
    config::Vocabulary words;
    for (const auto& kind : probes::probe_kinds()) {
        words.probe_kinds.emplace_back(kind.name);
    }
    const auto loaded = config::load(path, words);
    std::filesystem::remove(path);
    std::string problems;
    for (const auto& problem : loaded.problems) {
        problems += problem.warning ? "" : config::render(problem);
    }
    INFO(problems);
    REQUIRE(loaded.ok());
    return loaded.config.probes.at(0);
}

struct General : test::World {
    explicit General(const std::string& toml) : settings(settings_of(toml)) {
        config.probes.push_back(settings);
        context.dialer = &dialer;
        context.heartbeats = &heartbeats;
        secrets.emplace("token", Secret("bearer-secret-value"));
    }

    Observation look() {
        const auto* row = probes::find_probe_kind(settings.kind);
        const probes::Task task{settings.called(), "", settings};
        const auto all = test::run(row->look(context, task, net::deadline_in(Millis{5'000})));
        REQUIRE(all.size() == 1);
        CHECK(all[0].probe == settings.name);
        CHECK(all[0].subject.text() == settings.subject);
        return all[0];
    }

    config::ProbeSettings settings;
    FakeDialer dialer;
    probes::Heartbeats heartbeats;
};

const std::string call = "GET https://shop.test/s";

General http_probe(const std::string& more = {}) {
    return General("kind = \"http\"\nname = \"shop\"\nurl = \"https://shop.test/s\"\n" + more);
}

Reason reason_for(const std::string& more, net::HttpResponse response) {
    General world = http_probe(more);
    world.http.on(call, std::move(response));
    return world.look().reason;
}

}  // namespace

TEST_CASE("an http probe is content with what was expected") {
    General world = http_probe(R"(
bearer = "token"
attributes = { team = "red" }
require_headers = { content-type = "json" }
body = "v2"
json = ['/status == "ok"', "/depth < 100", "/error absent", "/list/1 != 3"]
)");
    world.http.on(call, json_answer(200, R"({"status":"ok","depth":99,"list":[1,2],"v":"v2"})"));
    const Observation seen = world.look();
    CHECK(seen.health == Health::healthy);
    CHECK(seen.reason == Reason::ok);
    CHECK(seen.attributes.at("team") == "red");
    CHECK(fact(seen, "status") == 200);
    CHECK(fact(seen, "latency_ms") == 31);
    CHECK(world.http.requests.at(0).bearer->reveal() == "bearer-secret-value");
    CHECK(seen.evidence.find("bearer-secret") == std::string::npos);
}

TEST_CASE("an http probe names the first expectation that does not hold") {
    CHECK(reason_for("", answer(503)) == Reason::http_5xx);
    CHECK(reason_for("", answer(404)) == Reason::not_found);
    CHECK(reason_for("", answer(302)) == Reason::http_redirect);
    CHECK(reason_for("statuses = [204]", answer(200)) == Reason::wrong_status);
    CHECK(reason_for("statuses = [\"4xx\"]", answer(404)) == Reason::ok);
    CHECK(reason_for("require_headers = { x-id = \"\" }", answer(200)) == Reason::header_missing);
    CHECK(reason_for("require_headers = { a = \"^b$\" }", answer(200, "", {{"a", "c"}})) ==
          Reason::header_missing);
    CHECK(reason_for("body = \"up\"", answer(200, "down")) == Reason::wrong_body);
    CHECK(reason_for("body_not = \"(?i)error\"", answer(200, "ERROR")) == Reason::wrong_body);
    CHECK(reason_for("json = [\"/a exists\"]", answer(200, "<html>")) == Reason::bad_json);
    CHECK(reason_for("json = [\"/a > 1\"]", answer(200, "{}")) == Reason::wrong_value);
    CHECK(reason_for("json = [\"/a > 1\"]", answer(200, R"({"a":1})")) == Reason::wrong_value);
    CHECK(reason_for("json = [\"/a > 1\"]", answer(200, R"({"a":"2"})")) == Reason::wrong_value);
    CHECK(reason_for("json = [\"/a absent\"]", answer(200, R"({"a":1})")) == Reason::wrong_value);
    CHECK(reason_for("failing_over = \"30ms\"", answer(200)) == Reason::too_slow);
}

TEST_CASE("a coded body matters only where a body is judged") {
    const auto coded = answer(200, "\x1f\x8b", {{"content-encoding", "gzip"}});
    CHECK(reason_for("", coded) == Reason::ok);
    CHECK(reason_for("require_headers = { content-encoding = \"gzip\" }", coded) == Reason::ok);
    CHECK(reason_for("body = \"up\"", coded) == Reason::bad_protocol);
    CHECK(reason_for("body_not = \"error\"", coded) == Reason::bad_protocol);
    CHECK(reason_for("json = [\"/a exists\"]", coded) == Reason::bad_protocol);
    const auto plain = answer(200, "up", {{"content-encoding", "identity"}});
    CHECK(reason_for("body = \"up\"", plain) == Reason::ok);
}

TEST_CASE("an http probe that may not look does not judge") {
    General refused = http_probe();
    refused.http.on(call, answer(403));
    CHECK(refused.look().health == Health::unknown);
    General poor = http_probe("bearer = \"token\"");
    poor.secrets.clear();
    const Observation seen = poor.look();
    CHECK(seen.health == Health::unknown);
    CHECK(seen.reason == Reason::credential_missing);
    CHECK(poor.http.requests.empty());
}

TEST_CASE("an http probe is degraded before it is too slow") {
    General world = http_probe("degraded_over = \"30ms\"\nfailing_over = \"2s\"");
    world.http.on(call, answer(200));
    const Observation seen = world.look();
    CHECK(seen.health == Health::degraded);
    CHECK(seen.reason == Reason::too_slow);
}

TEST_CASE("a tls probe warns before the first certificate of the chain ends") {
    General world(
        "kind = \"tls\"\nname = \"c\"\naddress = \"c.test:443\"\nserver_name = \"d.test\"");
    net::Certificate certificate;
    certificate.expires = world.clock.value.wall + std::chrono::hours(24 * 90);
    const auto look_with = [&](int days_left) {
        certificate.chain_expires = world.clock.value.wall + std::chrono::hours(24 * days_left);
        net::Dialed dialed;
        dialed.certificate = certificate;
        world.dialer.dialed = dialed;
        return world.look();
    };
    CHECK(look_with(22).health == Health::healthy);
    CHECK(world.dialer.asked.tls);
    CHECK(world.dialer.asked.server_name == "d.test");
    const Observation soon = look_with(20);
    CHECK(soon.health == Health::degraded);
    CHECK(soon.reason == Reason::tls_expires_soon);
    CHECK(fact(soon, "chain_days") == 20);
    CHECK(fact(soon, "certificate_days") == 90);
    CHECK(look_with(6).health == Health::failing);
    world.dialer.dialed = test::failure(Reason::tls_wrong_name);
    CHECK(world.look().reason == Reason::tls_wrong_name);
    world.dialer.dialed = test::failure(Reason::resolver_down, Origin::local);
    CHECK(world.look().health == Health::unknown);
}

TEST_CASE("a tcp probe reads what was expected and no more") {
    General world(
        "kind = \"tcp\"\nname = \"m\"\naddress = \"m.test:25\"\nsend = \"EHLO x\\r\\n\"\n"
        "expect = \"^220 \"");
    net::Dialed dialed;
    dialed.received = "220 ready";
    world.dialer.dialed = dialed;
    CHECK(world.look().health == Health::healthy);
    CHECK(world.dialer.asked.send == "EHLO x\r\n");
    CHECK(world.dialer.asked.enough("220 "));
    CHECK_FALSE(world.dialer.asked.enough("22"));
    dialed.received = "554 no\x01";
    world.dialer.dialed = dialed;
    const Observation seen = world.look();
    CHECK(seen.health == Health::failing);
    CHECK(seen.reason == Reason::wrong_body);
    CHECK(seen.evidence == "m.test:25 said \"554 no?\", without \"^220 \"");
}

TEST_CASE("a dns probe compares records, and absence can be what is wanted") {
    General world(
        "kind = \"dns\"\nname = \"n\"\nhost = \"n.test\"\nanswers = [\"192.0.2.1\"]\n"
        "only = true");
    const auto look_with = [&world](std::vector<std::string> texts) {
        net::Records records;
        records.texts = std::move(texts);
        world.dialer.found = records;
        return world.look();
    };
    CHECK(look_with({"192.0.2.1"}).health == Health::healthy);
    CHECK(look_with({"192.0.2.2"}).reason == Reason::dns_wrong_answer);
    CHECK(look_with({"192.0.2.1", "192.0.2.2"}).reason == Reason::dns_wrong_answer);
    world.dialer.found = test::failure(Reason::dns_failure);
    CHECK(world.look().reason == Reason::dns_failure);

    General gone("kind = \"dns\"\nname = \"n\"\nhost = \"n.test\"\nabsent = true");
    gone.dialer.found = test::failure(Reason::dns_not_found);
    CHECK(gone.look().health == Health::healthy);
    gone.dialer.found = test::failure(Reason::dns_timeout);
    CHECK(gone.look().health == Health::failing);
    gone.dialer.found = net::Records();
    CHECK(gone.look().reason == Reason::dns_wrong_answer);
}

TEST_CASE("a promql probe judges values and nothing else") {
    const std::string url = "GET http://127.0.0.1:9090/api/v1/query?query=up%7Ba%3D%22b%22%7D";
    const auto look_at = [&url](net::HttpResponse response) {
        General world(
            "kind = \"promql\"\nname = \"p\"\nurl = \"http://127.0.0.1:9090/\"\n"
            "query = 'up{a=\"b\"}'\ndegraded = \"> 1\"\nfailing = \"> 5\"");
        world.http.on(url, std::move(response));
        return world.look();
    };
    const auto vector = [](const std::string& rows, const std::string& more = {}) {
        return json_answer(200, R"({"status":"success","data":{"resultType":"vector","result":[)" +
                                    rows + "]}" + more + "}");
    };
    const std::string one = R"({"metric":{"i":"1"},"value":[1.0,"1"]})";
    const std::string two = R"({"metric":{"i":"2"},"value":[1.0,"2"]})";
    const std::string six = R"({"metric":{"i":"6"},"value":[1.0,"6"]})";
    const std::string nan = R"({"metric":{},"value":[1.0,"NaN"]})";
    CHECK(look_at(vector(one)).health == Health::healthy);
    CHECK(look_at(vector(one + "," + two)).health == Health::degraded);
    const Observation bad = look_at(vector(one + "," + two + "," + six));
    CHECK(bad.health == Health::failing);
    CHECK(bad.reason == Reason::wrong_value);
    CHECK(fact(bad, "value") == 6);
    CHECK(look_at(vector("")).reason == Reason::no_data);
    CHECK(look_at(vector("")).health == Health::unknown);
    CHECK(look_at(vector(nan)).reason == Reason::no_data);
    CHECK(look_at(vector(six, R"(,"warnings":["partial"])")).reason == Reason::partial_data);
    CHECK(look_at(vector(one, R"(,"partial":true)")).health == Health::unknown);
    CHECK(look_at(json_answer(200, R"({"status":"success","data":{"resultType":"scalar",)"
                                   R"("result":[1.0,"7"]}})"))
              .health == Health::failing);
    CHECK(look_at(json_answer(200, R"({"data":{"resultType":"matrix","result":[]}})")).reason ==
          Reason::bad_json);
    // Whatever keeps Prometheus from answering says nothing about the subject.
    CHECK(look_at(answer(503)).health == Health::unknown);
    CHECK(look_at(answer(400)).health == Health::unknown);
}

TEST_CASE("a command's exit code is the answer, and every other end is unknown") {
    const auto look_at = [](const std::string& script, const std::string& more = {}) {
        General world("kind = \"command\"\nname = \"k\"\ncommand = [\"/bin/sh\", \"-c\", '" +
                      script + "']\n" + more);
        return world.look();
    };
    const Observation good = look_at("echo all fine; echo more");
    CHECK(good.health == Health::healthy);
    CHECK(good.evidence == "exit code 0: all fine");
    CHECK(look_at("exit 1").health == Health::degraded);
    CHECK(look_at("echo bad >&2; exit 2").evidence == "exit code 2: bad");
    CHECK(look_at("exit 2").reason == Reason::command_failed);
    CHECK(look_at("exit 3").reason == Reason::command_unclear);
    CHECK(look_at("exit 3").health == Health::unknown);
    CHECK(look_at("exit 3", "failing = [3]").health == Health::failing);
    CHECK(look_at("kill -9 $$").reason == Reason::command_unclear);
    CHECK(look_at("echo $A$HOME", "environment = { A = \"b\" }").evidence == "exit code 0: b");
    General missing("kind = \"command\"\nname = \"k\"\ncommand = [\"/nonexistent\"]");
    const Observation seen = missing.look();
    CHECK(seen.reason == Reason::command_not_started);
    CHECK(seen.origin == Origin::local);
    CHECK(seen.health == Health::unknown);
}

TEST_CASE("a command that takes too long is killed and unknown") {
    General world("kind = \"command\"\nname = \"k\"\ncommand = [\"/bin/sleep\", \"60\"]");
    const auto* row = probes::find_probe_kind("command");
    const probes::Task task{"k", "", world.settings};
    const auto all = test::run(row->look(world.context, task, net::deadline_in(Millis{300})));
    CHECK(all.at(0).reason == Reason::command_timeout);
    CHECK(all.at(0).health == Health::unknown);
}

TEST_CASE("a heartbeat is awaited, heard, and missed after its deadline") {
    General world("kind = \"heartbeat\"\nname = \"backup\"\ndeadline = \"1h\"");
    const auto wait = [&world](Millis d) {
        world.clock.value.at += d;
        world.clock.value.wall += d;
    };
    CHECK(world.look().reason == Reason::heartbeat_awaited);
    CHECK(world.look().health == Health::unknown);
    wait(std::chrono::minutes(61));
    const Observation never = world.look();
    CHECK(never.health == Health::failing);
    CHECK(never.reason == Reason::heartbeat_missed);
    CHECK(never.evidence.starts_with("never called"));

    const auto heard = world.heartbeats.heard(world.config, "backup", world.clock.value);
    REQUIRE(heard);
    CHECK(heard->health == Health::healthy);
    CHECK(heard->probe == "backup");
    CHECK(heard->seen == world.clock.value);
    CHECK_FALSE(world.heartbeats.heard(world.config, "other", world.clock.value));
    wait(std::chrono::minutes(60));
    CHECK(world.look().health == Health::healthy);
    wait(Millis{1});
    CHECK(world.look().reason == Reason::heartbeat_missed);
}

TEST_CASE("a heartbeat's deadline goes on over a restart") {
    General before("kind = \"heartbeat\"\nname = \"backup\"\ndeadline = \"1h\"");
    const auto heard = before.heartbeats.heard(before.config, "backup", before.clock.value);
    REQUIRE(heard);

    General after("kind = \"heartbeat\"\nname = \"backup\"\ndeadline = \"1h\"");
    after.heartbeats.restore(heard->attributes);
    after.clock.value.at += std::chrono::minutes(59);
    CHECK(after.look().health == Health::healthy);
    // The ledger may know an older call than the last one, by a twentieth of the deadline.
    after.clock.value.at += std::chrono::minutes(4);
    CHECK(after.look().health == Health::healthy);
    after.clock.value.at += Millis{1};
    CHECK(after.look().reason == Reason::heartbeat_missed);

    General old("kind = \"heartbeat\"\nname = \"backup\"\ndeadline = \"1h\"");
    old.heartbeats.restore(
        {{"heartbeat.backup", fmt::format("called {} 7", to_millis(old.clock.value.at))}});
    old.clock.value.at += std::chrono::minutes(60) + Millis{1};
    CHECK(old.look().reason == Reason::heartbeat_missed);

    General hostile("kind = \"heartbeat\"\nname = \"backup\"\ndeadline = \"1h\"");
    hostile.heartbeats.restore({{"heartbeat.backup", "called x"},
                                {"heartbeat.", ""},
                                {"heartbeat.a", "called"},
                                {"heartbeat.b", "called 1 2 3"}});
    CHECK(hostile.look().reason == Reason::heartbeat_awaited);
}

TEST_CASE("time in which no leverd ran counts against no heartbeat") {
    General world("kind = \"heartbeat\"\nname = \"backup\"\ndeadline = \"1h\"");
    const auto called = world.clock.value.at;
    Millis away{0};
    world.heartbeats.on_away([&](Instant from) {
        CHECK(from == called);
        return away;
    });
    REQUIRE(world.heartbeats.heard(world.config, "backup", world.clock.value));
    away = std::chrono::minutes(10);
    world.clock.value.at += std::chrono::minutes(70);
    CHECK(world.look().health == Health::healthy);
    world.clock.value.at += Millis{1};
    const auto missed = world.look();
    CHECK(missed.reason == Reason::heartbeat_missed);
    CHECK(missed.evidence.find("the 10m00s in which leverd was not running do not count") !=
          std::string::npos);
}

TEST_CASE("a heartbeat's calls do not grow the ledger, and a restart invents no silence") {
    General world("kind = \"heartbeat\"\nname = \"backup\"\ndeadline = \"1h\"");
    std::set<std::string> carried;
    Attributes last;
    for (int minute = 0; minute < 240; ++minute) {
        world.clock.value.at += std::chrono::minutes(1);
        world.clock.value.wall += std::chrono::minutes(1);
        const auto heard = world.heartbeats.heard(world.config, "backup", world.clock.value);
        REQUIRE(heard);
        REQUIRE(heard->health == Health::healthy);
        last = heard->attributes;
        carried.insert(last.at("heartbeat.backup"));
        if (minute % 7 != 0) {
            continue;
        }
        // Whenever it ends, the next process must not call a job silent that called in time.
        General next("kind = \"heartbeat\"\nname = \"backup\"\ndeadline = \"1h\"");
        next.heartbeats.restore(last);
        next.clock.value = world.clock.value;
        next.clock.value.at += std::chrono::minutes(60);
        REQUIRE(next.look().health == Health::healthy);
        next.clock.value.at += std::chrono::minutes(3) + Millis{1};
        REQUIRE(next.look().reason == Reason::heartbeat_missed);
    }
    // 240 calls; one entry for each twentieth of an hour.
    CHECK(carried.size() <= 240 / 4 + 1);
}

}  // namespace leverd
