// Why: a declared lever acts on production with what stands in a config; it must fill in nothing
// that was not checked, show the exact call without its secret, and call every doubt unknown.
#include "policies/levers/general.hpp"

#include "tests/catch.hpp"
#include "tests/unit/levers/world.hpp"

using namespace leverd;
using namespace leverd::test;

namespace {

constexpr const char* workspace = "workspace/acme/99999999-2222-4333-8444-555555555555";

struct Scene {
    World world{"tenant-redeploy"};
    levers::Context context;
    config::LeverSettings settings;

    Scene() {
        context.config = borrowed(world.config);
        context.http = &world.http;
        context.clock = &world.clock;
        context.inventory = &world.inventory;
        context.secrets = borrowed(world.secrets);
        world.secrets["hook"] = Secret("s3cr3t-hook");
        settings.id = "restart-hook";
        settings.timeout = std::chrono::seconds{2};
        settings.general.kind = "http";
        settings.general.title = "Restart by hook";
        settings.general.subjects = {"tenant/*", "workspace/acme/*"};
        settings.general.url = "https://hooks.test/{slug}/restart";
        settings.general.body = R"({"tenant":"{slug}"})";
        settings.general.headers = {{"X-Reason", "restart of {slug}"}};
        settings.general.secret = "hook";
        settings.general.secret_header = "Authorization";
    }
    Result<Plan> plan(const std::string& subject) {
        const auto lever = levers::make_general_lever(settings);
        return run(lever->plan(context, Subject(subject), net::deadline_in(Millis{5000})));
    }
    Outcome fire(const Plan& plan) {
        const auto lever = levers::make_general_lever(settings);
        auto outcome =
            run(lever->fire(context, plan, intent_id, net::deadline_in(settings.timeout)));
        check_no_token(outcome);
        return outcome;
    }
    Outcome fire(net::HttpResult reply) {
        world.http.script("POST https://hooks.test/acme/restart", {std::move(reply)});
        return fire(*plan("tenant/acme"));
    }
    Took observe(net::HttpResult reply) {
        settings.general.observe_url = "https://hooks.test/{slug}/state";
        settings.general.observe_text = "restarted";
        world.http.script("GET https://hooks.test/acme/state", {std::move(reply)});
        const auto lever = levers::make_general_lever(settings);
        return run(lever->observe(context, *plan("tenant/acme"), intent_id, world.fired,
                                  net::deadline_in(Millis{5000})))
            .took;
    }
    void command(std::vector<std::string> argv) {
        settings.general.kind = "command";
        settings.general.argv = std::move(argv);
    }
};

}  // namespace

TEST_CASE("templates take only checked values of the subject") {
    const auto filled = [](const std::string& text, const std::string& subject) {
        return levers::fill_template(text, Subject(subject));
    };
    CHECK(*filled("/x/{slug}/y", "tenant/acme") == "/x/acme/y");
    CHECK(*filled("{slug}:{id}", workspace) == "acme:99999999-2222-4333-8444-555555555555");
    CHECK(*filled(R"({"a":{"b":1},"s":"{slug}"})", "tenant/acme") == R"({"a":{"b":1},"s":"acme"})");
    CHECK(filled("{id}", "tenant/acme").has_error());
    for (const char* evil : {"tenant/../x", "tenant/a\"b", "tenant/a b", "tenant/A", "tenant/-rf",
                             "tenant/a/b", "workspace/acme/not-a-uuid"}) {
        INFO(evil);
        CHECK(filled("{slug}", evil).has_error());
    }
}

TEST_CASE("the plan shows the exact call and names the secret without its value") {
    Scene scene;
    const auto plan = scene.plan("tenant/acme");
    REQUIRE(plan.has_value());
    REQUIRE(plan->calls.size() == 1);
    CHECK(plan->calls[0].method == "POST");
    CHECK(plan->calls[0].url == "https://hooks.test/acme/restart");
    CHECK(plan->calls[0].body == R"({"tenant":"acme"})");
    CHECK(plan->calls[0].why.find("<secret hook>") != std::string::npos);
    CHECK(plan->resource == "tenant/acme");
    check_no_token(*plan);
    CHECK(scene.world.http.calls().empty());
    CHECK(scene.plan("control-plane").has_error());
    CHECK(scene.plan("tenant/a\"b").has_error());
}

TEST_CASE("only a declared status is accepted, and every doubt is unknown") {
    struct Row {
        net::HttpResult reply;
        OutcomeKind kind;
    };
    const Row rows[] = {
        {answer(200, "{}"), OutcomeKind::accepted},
        {answer(206, "{}"), OutcomeKind::unknown},
        {answer(302, ""), OutcomeKind::failed},
        {answer(404, "{}"), OutcomeKind::failed},
        {answer(408, "{}"), OutcomeKind::unknown},
        {answer(500, "{}"), OutcomeKind::unknown},
        {lost(), OutcomeKind::unknown},
        {not_sent(), OutcomeKind::failed},
        // The status said enough before the body went wrong.
        {cut(200), OutcomeKind::accepted},
        {cut(206), OutcomeKind::unknown},
        {cut(404), OutcomeKind::failed},
        {cut(408), OutcomeKind::unknown},
        {cut(500), OutcomeKind::unknown},
    };
    for (const auto& row : rows) {
        Scene scene;
        CHECK(scene.fire(row.reply).kind == row.kind);
        CHECK(scene.world.http.mutations().size() == 1);
        const auto* sent = scene.world.http.find("POST https://hooks.test/acme/restart");
        REQUIRE(sent != nullptr);
        REQUIRE(sent->bearer);
        CHECK(sent->bearer->reveal() == "s3cr3t-hook");
        CHECK(header_of(*sent, "X-Reason") == "restart of acme");
    }
}

TEST_CASE("without its secret, or with another config, nothing is sent") {
    Scene scene;
    const auto plan = *scene.plan("tenant/acme");
    SECTION("secret gone") {
        scene.world.secrets.erase("hook");
    }
    SECTION("another url by now") {
        scene.settings.general.url = "https://hooks.test/{slug}/kill";
    }
    SECTION("not meant any more") {
        scene.settings.general.subjects = {"tenant/other"};
    }
    CHECK(scene.fire(plan).kind == OutcomeKind::refused);
    CHECK(scene.world.http.calls().empty());
}

TEST_CASE("its own look tells whether an ambiguous call took") {
    Scene scene;
    CHECK(scene.observe(answer(200, R"({"state":"restarted"})")) == Took::yes);
    CHECK(Scene{}.observe(answer(200, R"({"state":"running"})")) == Took::unclear);
    CHECK(Scene{}.observe(lost()) == Took::unclear);
}

TEST_CASE("a program gets its arguments as they are, no shell, and an empty environment") {
    Scene scene;
    scene.command({"/bin/echo", "$HOME", "{slug}; rm -rf /"});
    const auto plan = *scene.plan("tenant/acme");
    CHECK(plan.calls[0].method == "RUN");
    const auto outcome = scene.fire(plan);
    CHECK(outcome.kind == OutcomeKind::accepted);
    CHECK(outcome.detail == "exit 0: $HOME acme; rm -rf /");
    scene.command({"/usr/bin/env"});
    CHECK(scene.fire(*scene.plan("tenant/acme")).detail == "exit 0: PATH=/usr/bin:/bin");
}

TEST_CASE("a program that did not end well may have done half of its work") {
    Scene scene;
    scene.settings.timeout = Millis{700};
    struct Row {
        std::vector<std::string> argv;
        OutcomeKind kind;
    };
    const Row rows[] = {{{"/bin/false"}, OutcomeKind::unknown},
                        {{"/bin/sleep", "60"}, OutcomeKind::unknown},
                        {{"/nonexistent/program"}, OutcomeKind::failed}};
    for (const auto& row : rows) {
        scene.command(row.argv);
        CHECK(scene.fire(*scene.plan("tenant/acme")).kind == row.kind);
    }
}

TEST_CASE("an exit code that is declared as without effect is a no, and every other is a doubt") {
    Scene scene;
    scene.settings.general.no_effect_exit_codes = {4, 77};
    struct Row {
        std::string script;
        OutcomeKind kind;
        std::string detail;
    };
    const Row rows[] = {{"echo working; echo 'Access denied' >&2; echo more >&2; exit 4",
                         OutcomeKind::failed, "exit 4: Access denied (declared as without effect)"},
                        {"exit 77", OutcomeKind::failed, "exit 77 (declared as without effect)"},
                        {"echo; echo 'half done'; exit 5", OutcomeKind::unknown,
                         "exit 5: half done (what it did before that is not known)"},
                        {"kill -9 $$", OutcomeKind::unknown,
                         "ended by signal 9 (what it did before that is not known)"},
                        {"echo fine", OutcomeKind::accepted, "exit 0: fine"}};
    for (const auto& row : rows) {
        INFO(row.script);
        scene.command({"/bin/sh", "-c", row.script});
        const auto outcome = scene.fire(*scene.plan("tenant/acme"));
        CHECK(outcome.kind == row.kind);
        CHECK(outcome.detail == row.detail);
        CHECK(outcome.detail.find("lost") == std::string::npos);
    }
}

TEST_CASE("what a program says is shown as one short line, without the secrets that leverd has") {
    Scene scene;
    scene.command({"/bin/sh", "-c", "echo \"denied for s3cr3t-hook\" >&2; exit 4"});
    const auto denied = scene.fire(*scene.plan("tenant/acme"));
    CHECK(denied.detail.find("denied for") != std::string::npos);
    CHECK(denied.detail.find("s3cr3t") == std::string::npos);
    CHECK(denied.results.at("exit_code") == "4");
    scene.command({"/bin/sh", "-c", "head -c 9000 /dev/zero | tr '\\0' x"});
    CHECK(scene.fire(*scene.plan("tenant/acme")).detail.size() < 600);
}

TEST_CASE("the contract is careful until the operator says otherwise") {
    Scene scene;
    auto contract = levers::general_contract(scene.settings);
    CHECK(contract.reversibility == Reversibility::irreversible);
    REQUIRE(contract.proof.size() == 1);
    CHECK(contract.proof[0].who == ProofStep::Who::cleared);
    scene.settings.general.probe = "tenant_health";
    contract = levers::general_contract(scene.settings);
    REQUIRE(contract.proof.size() == 2);
    CHECK(contract.proof[0].probe == "tenant_health");
    scene.world.config.levers.push_back(scene.settings);
    CHECK(levers::LeverTable().find(scene.world.config, "restart-hook") != nullptr);
    CHECK(levers::LeverTable().find(scene.world.config, "restart-hooks") == nullptr);
    CHECK(levers::effective_contracts(scene.world.config).back().id == "restart-hook");
}
