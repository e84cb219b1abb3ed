// Why: firing by hand is the most dangerous request of the API; it must be exact, explained, and
// mean the same to a script as to a person.
#include "daemon/cli_fire.hpp"
#include "tests/catch.hpp"
#include "tests/unit/exporters/web_host.hpp"

#include <nlohmann/json.hpp>

using namespace web_world;
using nlohmann::json;

namespace {

constexpr const char* target = "/api/v1/levers/tenant-redeploy/fire";

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

void give_answer(FakeBackend& backend, const std::string& intent) {
    auto& answer = backend.fire_answer;
    answer.plan.ok = true;
    answer.plan.plan.calls = {Call{"POST", "https://cp.test/redeploy", "", "redeploys"}};
    answer.decision.id = "d-9";
    answer.decision.action = intent.empty() ? Action::hold : Action::fire;
    answer.decision.reason = intent.empty() ? "veto" : "permitted";
    answer.decision.guards = {GuardVerdict{"stop_switch", true, "running", "", "not set"},
                              GuardVerdict{"veto", intent.empty() ? false : true, "", "", "held"}};
    answer.intent = intent;
}

void give_outcome(FakeBackend& backend, OutcomeKind kind) {
    IntentState held;
    held.intent.id = "t-77";
    held.intent.lever = "tenant-redeploy";
    held.intent.subject = Subject("tenant/acme");
    held.outcome = Outcome{"t-77", kind, "what the target said", {}};
    held.diagnosed = Diagnosed{
        "i-1", "t-77", {Diagnostic{"boot_events", Subject("tenant/acme"), true, "{\"rows\":[]}"}}};
    backend.held.intents["t-77"] = held;
}

cli::FireAsked asked() {
    cli::FireAsked out;
    out.lever = "tenant-redeploy";
    out.subject = "tenant/acme";
    out.why = "it hangs";
    out.confirm = "acme";
    out.wait_ms = 50;
    out.look_every_ms = 10;
    return out;
}

}  // namespace

TEST_CASE("a firing needs its subject, its reason and the exact slug") {
    FakeBackend backend;
    fill(backend);
    give_answer(backend, "t-77");
    struct Row {
        const char* body;
        int status;
        const char* words;
    };
    const Row rows[] = {
        {R"({"subject":"tenant/acme","why":"x"})", 400, "confirm \\\"acme\\\""},
        {R"({"subject":"tenant/acme","why":"x","confirm":"Acme"})", 400, "not confirmed"},
        {R"({"subject":"tenant/acme","why":"x","confirm":"acme2"})", 400, "not confirmed"},
        {R"({"subject":"workspace/acme/x","why":"x","confirm":"x"})", 400, "not confirmed"},
        {R"({"why":"x","confirm":"acme"})", 400, "subject and why"},
        {R"({"subject":"tenant/acme","confirm":"acme"})", 400, "subject and why"},
        {R"({"subject":"tenant/acme","why":"x","confrim":"acme"})", 400, "did you mean"},
        {R"({"subject":"tenant/acme","why":"x","dry_run":"yes"})", 400, "dry_run"},
    };
    for (const auto& row : rows) {
        const auto answer = ask(backend, root_access(), request("POST", target, row.body));
        INFO(row.body << " -> " << answer.body);
        CHECK(answer.status == row.status);
        CHECK(has(answer.body, row.words));
    }
    CHECK(ask(backend, root_access(), request("POST", "/api/v1/levers/tenant-redeplo/fire", "{}"))
              .status == 404);
    CHECK(backend.fired.empty());
}

TEST_CASE("a firing is asked for in the caller's own name") {
    FakeBackend backend;
    fill(backend);
    give_answer(backend, "t-77");
    const auto answer =
        ask(backend, root_access(),
            request("POST", target, R"({"subject":"tenant/acme","why":"x","confirm":"acme"})"));
    CHECK(answer.status == 200);
    CHECK(json::parse(answer.body)["intent"] == "t-77");
    REQUIRE(backend.fired.size() == 1);
    CHECK_FALSE(backend.fired[0].who.empty());
    CHECK_FALSE(backend.fired[0].dry_run);
}

TEST_CASE("what a guard refused is a conflict that names the guard") {
    FakeBackend backend;
    fill(backend);
    give_answer(backend, "");
    const auto answer =
        ask(backend, root_access(),
            request("POST", target, R"({"subject":"tenant/acme","why":"x","confirm":"acme"})"));
    CHECK(answer.status == 409);
    CHECK(has(answer.body, "not fired: veto: held"));
}

TEST_CASE("fire's exit code says what became of it") {
    Host host;
    cli::CliOptions options;
    options.socket = host.socket();
    const auto fired = [&](OutcomeKind kind) {
        host.on_loop([&] {
            give_answer(host.backend, "t-77");
            give_outcome(host.backend, kind);
        });
        return cli::fire(options, asked());
    };
    CHECK(fired(OutcomeKind::accepted).code == Exit::ok);
    CHECK(fired(OutcomeKind::refused).code == Exit::refused);
    CHECK(fired(OutcomeKind::failed).code == Exit::failed);
    const auto unknown = fired(OutcomeKind::unknown);
    CHECK(unknown.code == Exit::unknown);
    CHECK(has(unknown.out, "does not send it again"));
    host.on_loop([&] { host.backend.held.intents.erase("t-77"); });
    CHECK(cli::fire(options, asked()).code == Exit::unknown);
    host.on_loop([&] { give_answer(host.backend, ""); });
    const auto refused = cli::fire(options, asked());
    CHECK(refused.code == Exit::refused);
    CHECK(has(refused.err, "veto"));
    auto without_why = asked();
    without_why.why.clear();
    CHECK(cli::fire(options, without_why).code == Exit::usage);
    auto odd = asked();
    odd.lever = "../stop";
    CHECK(cli::fire(options, odd).code == Exit::usage);
}

TEST_CASE("a dry run prints the exact calls and each guard's line") {
    Host host;
    cli::CliOptions options;
    options.socket = host.socket();
    host.on_loop([&] { give_answer(host.backend, "t-77"); });
    auto dry = asked();
    dry.dry_run = true;
    dry.why.clear();
    dry.confirm.clear();
    const auto report = cli::fire(options, dry);
    CHECK(report.code == Exit::ok);
    CHECK(report.out.starts_with("dry run: nothing was fired\n"));
    CHECK(has(report.out, "POST https://cp.test/redeploy"));
    CHECK(has(report.out, "stop_switch"));
    REQUIRE(host.backend.fired.size() == 1);
    CHECK(host.backend.fired[0].dry_run);
}

TEST_CASE("levers lists what each lever moves, needs and proves") {
    Host host;
    host.on_loop([&] {
        auto& lever = host.backend.book.levers["tenant-redeploy"];
        lever.id = "tenant-redeploy";
        lever.resource = "one tenant";
        lever.precondition = "the slug is known";
        lever.known_false_success = "200 with ok=false";
    });
    cli::CliOptions options;
    options.socket = host.socket();
    const auto report = cli::levers(options);
    CHECK(report.code == Exit::ok);
    for (const char* words : {"one tenant", "the slug is known", "200 with ok=false"}) {
        CHECK(has(report.out, words));
    }
    options.json = true;
    CHECK(json::parse(cli::levers(options).out).contains("levers"));
}

TEST_CASE("what is to be made good is named by its intent, with its own lever and subject") {
    FakeBackend backend;
    fill(backend);
    give_answer(backend, "t-78");
    give_outcome(backend, OutcomeKind::accepted);
    const auto post = [&](const std::string& from, const std::string& subject) {
        const std::string slug = subject.substr(subject.find('/') + 1);
        const std::string body = R"({"subject":")" + subject + R"(","why":"x","confirm":")" + slug +
                                 R"(","from":")" + from + "\"}";
        return ask(backend, root_access(), request("POST", target, body));
    };
    CHECK(post("t-77", "tenant/acme").status == 200);
    CHECK(backend.fired.back().from == "t-77");
    CHECK(post("t-76", "tenant/acme").status == 404);
    const auto other = post("t-77", "tenant/demo");
    CHECK(other.status == 400);
    CHECK(has(other.body, "t-77 is tenant-redeploy on tenant/acme"));
}

TEST_CASE("leverd workspace recreate takes lever and subject from the intent") {
    Host host;
    cli::CliOptions options;
    options.socket = host.socket();
    host.on_loop([&] {
        give_answer(host.backend, "t-77");
        give_outcome(host.backend, OutcomeKind::accepted);
    });
    auto wanted = asked();
    wanted.lever.clear();
    wanted.subject.clear();
    wanted.from = "t-77";
    CHECK(cli::recreate(options, wanted).code == Exit::ok);
    host.on_loop([&] {
        REQUIRE(host.backend.fired.size() == 1);
        CHECK(host.backend.fired[0].lever == "tenant-redeploy");
        CHECK(host.backend.fired[0].subject == Subject("tenant/acme"));
        CHECK(host.backend.fired[0].from == "t-77");
    });
    wanted.from = "t-1";
    CHECK(cli::recreate(options, wanted).code == Exit::usage);
    wanted.from = "../stop";
    const auto odd = cli::recreate(options, wanted);
    CHECK(odd.code == Exit::usage);
    CHECK(has(odd.err, "that is no intent"));
}
