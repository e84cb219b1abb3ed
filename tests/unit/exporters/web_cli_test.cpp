// Why: the command line's words and exit codes are what scripts and tired people rely on.
#include "daemon/cli_client.hpp"
#include "daemon/cli_tables.hpp"
#include "daemon/cli_verbs.hpp"
#include "tests/catch.hpp"
#include "tests/unit/exporters/web_host.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <nlohmann/json.hpp>

using namespace web_world;

namespace {

cli::CliOptions options_for(const std::string& socket) {
    cli::CliOptions out;
    out.socket = socket;
    return out;
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// Takes one request and answers with these bytes, whatever was asked.
class OneAnswer {
  public:
    OneAnswer(const std::string& path, std::string bytes)
        : acceptor_(io_, boost::asio::local::stream_protocol::endpoint(path)),
          thread_([this, bytes = std::move(bytes)] {
              boost::asio::local::stream_protocol::socket peer(io_);
              acceptor_.accept(peer);
              std::string request;
              boost::system::error_code ignored;
              boost::asio::read_until(peer, boost::asio::dynamic_buffer(request), "\r\n\r\n",
                                      ignored);
              boost::asio::write(peer, boost::asio::buffer(bytes), ignored);
          }) {}
    ~OneAnswer() { thread_.join(); }

  private:
    boost::asio::io_context io_;
    boost::asio::local::stream_protocol::acceptor acceptor_;
    std::thread thread_;
};

}  // namespace

TEST_CASE("status says what matters first") {
    Host host;
    const auto report = cli::status(options_for(host.socket()));
    CHECK(report.code == Exit::ok);
    CHECK(report.err.empty());
    CHECK(report.out.rfind("tenant/acme: Whole tenant unreachable, since 2026-05-06 18:05:00 UTC. "
                           "Waiting for a person to approve lever C (tenant-redeploy). You: leverd "
                           "approve d-12 --why \"...\"\nalso: tenant/globex: Whole tenant "
                           "unreachable, since ",
                           0) == 0);
    CHECK(has(report.out, "\nleverd is able to act\n"));
    CHECK(has(report.out, "incidents open: 2, waiting for a person: 1, levers in flight: 1\n"));
    CHECK(has(report.out, "  tenant         1        0         2        0\n"));
    auto as_json = options_for(host.socket());
    as_json.json = true;
    CHECK(cli::status(as_json).out.rfind("{\"autonomy\":", 0) == 0);
}

TEST_CASE("why shows the guards and never a control character of a remote side") {
    Host host;
    const auto report = cli::why(options_for(host.socket()), "tenant/acme");
    CHECK(report.code == Exit::ok);
    CHECK(has(report.out, "tenant/acme is failing"));
    CHECK(has(report.out, "3 of 3"));
    CHECK(has(report.out, "a person has to approve"));
    CHECK(has(report.out, "POST https://cp.example/cp/admin/orgs/acme/redeploy"));
    CHECK(has(report.out, "<script>"));
    CHECK_FALSE(has(report.out, "\x1b"));
    const auto missing = cli::why(options_for(host.socket()), "tenant/acmee");
    CHECK(missing.code == Exit::failed);
    CHECK(missing.err ==
          "leverd: no subject 'tenant/acmee'\n  next: did you mean 'tenant/acme'?\n");
}

TEST_CASE("approve binds to what was read, and a refusal is exit 4") {
    Host host;
    const auto options = options_for(host.socket());
    CHECK(cli::answer_decision(options, "d-12", true, "").code == Exit::usage);
    const auto report = cli::answer_decision(options, "d-12", true, "demo must go on");
    CHECK(report.code == Exit::ok);
    CHECK(report.out.rfind("approved d-12 as ", 0) == 0);
    CHECK(has(report.out, "drops SSH sessions"));
    host.on_loop([&host] {
        REQUIRE(host.backend.changes.size() == 1);
        CHECK(host.backend.changes[0].why == "demo must go on");
        host.backend.refusal = Error{"the situation moved on", "look again"};
    });
    const auto refused = cli::answer_decision(options, "d-12", false, "no");
    CHECK(refused.code == Exit::refused);
    CHECK(refused.err == "leverd: the situation moved on\n  next: look again\n");
    CHECK(cli::answer_decision(options, "d-99", true, "x").code == Exit::failed);
}

TEST_CASE("what no guard refused is exit 1: an unknown case or sink, a receiver that says no") {
    Host host;
    const auto options = options_for(host.socket());
    host.on_loop([&host] {
        SinkReport pager;
        pager.sink = "pager";
        host.backend.sinks = {pager};
    });
    CHECK(cli::test_page(options, "pager").code == Exit::ok);
    CHECK(cli::acknowledge(options, "i-1", "made anew").code == Exit::ok);
    CHECK(cli::acknowledge(options, "i-99", "made anew").code == Exit::failed);
    CHECK(cli::acknowledge(options, "i-1", "").code == Exit::usage);
    host.on_loop([&host] { host.backend.refusal = Error{"401 in 3 ms", "check its secret"}; });
    CHECK(cli::test_page(options, "pager").code == Exit::failed);
    CHECK(cli::test_page(options, "pagr").code == Exit::failed);
    // Nothing was lost in it: it is not for this person to say.
    CHECK(cli::acknowledge(options, "i-1", "made anew").code == Exit::refused);
}

TEST_CASE("subjects lists what is watched, by kind and by health") {
    Host host;
    auto options = options_for(host.socket());
    const auto all = cli::subjects(options, "", false);
    CHECK(all.code == Exit::ok);
    CHECK(has(all.out, "  tenant/acme "));
    CHECK(has(all.out, "failing"));
    CHECK(has(all.out, "healthy"));
    const auto bad = cli::subjects(options, "tenant", true).out;
    CHECK(has(bad, "tenant/acme"));
    CHECK_FALSE(has(bad, "healthy"));
    CHECK(cli::subjects(options, "nothing", false).out == "no subject of that kind is known\n");
    CHECK(cli::subjects(options, "nothing", true).out == "none of them is bad\n");
    options.json = true;
    CHECK(has(cli::subjects(options, "", false).out, "\"subjects\":["));
}

TEST_CASE("status names the stop file and the keys that need a restart; a reload warns") {
    Host host;
    const auto options = options_for(host.socket());
    CHECK_FALSE(has(cli::status(options).out, "restart"));
    CHECK_FALSE(has(cli::status(options).out, "stop file"));
    CHECK(cli::reload(options).err.empty());
    host.on_loop([&host] {
        host.backend.stop_file = "/state/STOP";
        host.backend.left_behind = {"[daemon] listen: 127.0.0.1:1"};
        host.backend.warnings = {"warning: pages reach nobody\nhint: add a sink"};
    });
    const auto status = cli::status(options).out;
    CHECK(has(status, "remove /state/STOP"));
    CHECK(has(status, "needs a restart  [daemon] listen: 127.0.0.1:1"));
    const auto reload = cli::reload(options);
    CHECK(reload.code == Exit::ok);
    CHECK(has(reload.out, "reloaded"));
    CHECK(reload.err == "warning: pages reach nobody\nhint: add a sink\n");
    host.on_loop([&host] { host.backend.refusal = Error{"no such key", ""}; });
    const auto refused = cli::reload(options);
    CHECK(refused.code == Exit::config);
    CHECK(has(refused.err, "warning: pages reach nobody"));
}

TEST_CASE("a long text is cut before its next step, never within it") {
    nlohmann::json status;
    status["headline"] =
        "tenant/acme: gone. Seen: " + std::string(1'500, 'x') + ". You: leverd ack i-1 --why ...";
    const auto shown = cli::status_text(status, false);
    CHECK(has(shown, "tenant/acme: gone."));
    CHECK(has(shown, "You: leverd ack i-1 --why ...\n"));
    CHECK_FALSE(has(shown, std::string(700, 'x')));
}

TEST_CASE("stop, resume and probe reach the daemon") {
    Host host;
    const auto options = options_for(host.socket());
    CHECK(cli::set_stop(options, true, "fire drill").code == Exit::ok);
    CHECK(cli::set_stop(options, false, "over").code == Exit::ok);
    CHECK(cli::set_stop(options, false, "").code == Exit::usage);
    const auto look = cli::probe(options, "tenant_health", "acme");
    CHECK(look.code == Exit::failed);  // what it saw is failing
    CHECK(has(look.out, "tenant/acme"));
    CHECK_FALSE(has(look.out, "requests"));
    const auto whole = cli::probe(options, "tenant_health", "acme", true);
    CHECK(has(whole.out, "  GET https://acme.example.test/health\n    502 in 31 ms"));
    CHECK(has(whole.out, "    > authorization: [masked]\n    < content-type: text/html\n"));
    CHECK(has(whole.out, "    body: 11 bytes, sha256 aaaa"));
    CHECK(has(whole.out, "    bad gateway\n"));
    CHECK(cli::probe(options, "no/such kind", "").code == Exit::failed);
    host.on_loop([&host] { CHECK(host.backend.changes.size() == 4); });
}

TEST_CASE("a veto is set, listed and lifted without a browser") {
    Host host;
    const auto options = options_for(host.socket());
    CHECK(cli::vetoes(options).out == "no vetoes\n");
    CHECK(cli::veto(options, {"tenant/acme", "", "2h", ""}).code == Exit::usage);
    const auto endless = cli::veto(options, {"tenant/acme", "", "", "demo"});
    CHECK(endless.code == Exit::usage);
    CHECK(has(endless.err, "add --for 2h, or --for forever"));
    const auto wrong = cli::veto(options, {"tenant/acme", "", "two hours", "demo"});
    CHECK(wrong.code == Exit::usage);
    CHECK(has(wrong.err, "'two hours' is not how long something lasts"));
    const auto set = cli::veto(options, {"tenant/acme", "tenant-redeploy", "2h", "on stage"});
    CHECK(set.code == Exit::ok);
    CHECK(
        has(set.out, "veto v-1 holds tenant-redeploy on tenant/acme, until 2026-05-06 20:10:00Z"));
    CHECK(has(set.out, "leverd unveto v-1 --why"));
    CHECK_FALSE(has(set.out, "note:"));
    const auto typo = cli::veto(options, {"tenant/acmee", "", "forever", "x"});
    CHECK(has(typo.out, "every lever on tenant/acmee, until somebody lifts it"));
    CHECK(has(typo.out, "leverd sees no subject that 'tenant/acmee' means"));
    const auto listed = cli::vetoes(options);
    CHECK(has(listed.out, "tenant-redeploy"));
    CHECK(has(listed.out, "lifted by hand"));
    CHECK(has(cli::status(options).out, "veto v-2"));
    CHECK(cli::unveto(options, "v-1", "").code == Exit::usage);
    CHECK(cli::unveto(options, "v-1", "over").code == Exit::ok);
    const auto again = cli::unveto(options, "v-1", "over");
    CHECK(again.code == Exit::failed);
    CHECK(has(again.err, "leverd vetoes lists those that are"));
    host.on_loop([&host] {
        REQUIRE(host.backend.changes.size() == 3);
        CHECK(host.backend.changes[0].why == "on stage");
        CHECK_FALSE(host.backend.changes[0].who.empty());
    });
}

TEST_CASE("status, why and autonomy show everything that holds levers back") {
    Host host;
    const auto options = options_for(host.socket());
    const auto calm = cli::status(options).out;
    for (const char* word : {"storm", "veto", "window", "flapping", "policy"}) {
        CAPTURE(word);
        CHECK_FALSE(has(calm, word));
    }
    host.on_loop([&host] {
        hold_everything(host.backend);
        give_ladder(host.backend);
    });
    const auto held = cli::status(options).out;
    CHECK(has(held, "SET by root at 2026-05-06 18:08:20Z, until 2026-05-06 19:08:20Z: drill"));
    CHECK(has(held, "OPEN: no lever fires until 5m pass without a new incident"));
    CHECK(has(held, "every lever on tenant/*, until 2026-05-06 20:10:00Z, by ops"));
    CHECK(has(held, "open, no lever inside: nobody is awake (Wed 18:00-02:00 UTC), by ops"));
    CHECK(has(held, "tenant/acme: tenant-down changed 2 times in 30m"));
    CHECK(has(held, "0 of 5 proven recoveries in a row"));
    const auto why = cli::why(options, "tenant/acme").out;
    CHECK(has(why, "approval, rung 2 of 2\n"));
    CHECK(has(why, "  rung 1: tenant-restart tried once, not_recovered\n"));
    CHECK(has(why, "  rung 2: tenant-redeploy not tried yet\n"));
    CHECK(has(cli::incidents(options, true).out, "[rung 1: tenant-restart tried once"));
    const auto autonomy = cli::autonomy(options);
    CHECK(autonomy.code == Exit::ok);
    CHECK(has(autonomy.out, "demo-tenants"));
    CHECK(has(autonomy.out, "auto  approve"));
    CHECK(cli::set_stop(options, true, "x", "90m").out ==
          "stopped: no lever fires until 2026-05-06 19:40:00Z or 'leverd resume'\n");
    CHECK(cli::set_stop(options, true, "x", "soon").code == Exit::usage);
}

TEST_CASE("an incident's summary is a post-mortem to start from") {
    Host host;
    host.on_loop([&host] {
        host.backend.write(IncidentOpened{"i-2", "tenant-unreachable", Subject("tenant/globex")});
    });
    const auto report = cli::incident_summary(options_for(host.socket()), "i-2");
    CHECK(report.code == Exit::ok);
    CHECK(has(report.out, "# i-2: Whole tenant unreachable (tenant/globex)"));
    CHECK(has(report.out, "outcome accepted, verdict still waited for"));
    CHECK(has(report.out, "incident_opened: symptom: tenant-unreachable, subject: tenant/globex"));
}

TEST_CASE("nobody there is exit 6, a lost answer to a change is exit 5") {
    ScratchFolder folder;
    const auto gone = cli::status(options_for(folder.path("none.sock")));
    CHECK(gone.code == Exit::unreachable);
    CHECK(has(gone.err, "systemctl status leverd"));
    CHECK(cli::status(options_for(std::string(200, 'x'))).code == Exit::unreachable);

    const std::vector<std::string> broken{
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\n\r\n{}",
        "SSH-2.0-x\r\n\r\n",
    };
    for (std::size_t i = 0; i < broken.size(); ++i) {
        CAPTURE(broken[i]);
        const std::string path = folder.path("s" + std::to_string(i));
        {
            OneAnswer daemon(path, broken[i]);
            CHECK(cli::status(options_for(path)).code == Exit::unreachable);
        }
        std::filesystem::remove(path);
        OneAnswer daemon(path, broken[i]);
        CHECK(cli::set_stop(options_for(path), true, "x").code == Exit::unknown);
    }
}

TEST_CASE("tables align by what is seen, and colour is only added when asked for") {
    cli::Table table({"name", "health", "note"});
    table.add({"é", "failing", "x"});
    table.add({"abc", "healthy", ""});
    CHECK(table.render(false) ==
          "  name  health   note\n"
          "  é     failing  x\n"
          "  abc   healthy\n");
    CHECK(has(table.render(true), "\x1b[31mfailing\x1b[0m  x"));
    for (const std::string odd : {"null", "[]", "{}", "7", R"({"incidents":7})",
                                  R"({"incidents":[7,null,{"incident":{}}]})"}) {
        CAPTURE(odd);
        const auto body = nlohmann::json::parse(odd);
        CHECK_FALSE(cli::incidents_text(body, false).empty());
        CHECK_FALSE(cli::subjects_text(body, false, false).empty());
        CHECK_FALSE(cli::status_text(body, false).empty());
        CHECK_FALSE(cli::why_text(body, false).empty());
        CHECK_FALSE(cli::summary_text(body).empty());
        CHECK_FALSE(cli::looks_text(body, false).empty());
        CHECK_FALSE(cli::vetoes_text(body).empty());
        CHECK_FALSE(cli::veto_text(body).empty());
        CHECK_FALSE(cli::autonomy_text(body, false).empty());
    }
}
