// Why: an outcome goes to the ledger, the log and a page. A lever sends the strongest credentials
// there are, so nothing that it says may hold one.
#include "core/base/borrowed.hpp"
#include "core/model/codec.hpp"
#include "policies/levers/general.hpp"
#include "policies/levers/lever.hpp"
#include "tests/catch.hpp"
#include "tests/unit/secrets/echo_world.hpp"

#include <nlohmann/json.hpp>

using namespace leverd;
using namespace leverd::test;

namespace {

const std::string digest = "sha256:" + std::string(64, 'a');

std::string text_of(const Error& error) {
    return error.what + "\n" + error.hint + "\n";
}

// A plan as it could have been made before the other side went mad.
Plan old_plan(const std::string& lever, const Subject& subject) {
    Plan plan;
    plan.lever = lever;
    plan.subject = subject;
    plan.target_version = digest;
    plan.params = {{"slug", slug},           {"org_id", organisation}, {"id", workspace},
                   {"workspace", workspace}, {"digest", digest},       {"deployment", "dpl_1"}};
    plan.calls = {{"POST", "https://cp.test/x", "{}", "why"}};
    return plan;
}

// Everything that one life of the lever says.
std::string live(EchoWorld& world, levers::Lever& lever, const Subject& subject) {
    const auto deadline = [] { return net::deadline_in(Millis{60'000}); };
    levers::Context context;
    context.config = borrowed(world.config);
    context.http = &world.http;
    context.clock = &world.clock;
    context.inventory = &world.inventory;
    context.secrets = borrowed(world.secrets);
    std::string all;
    Plan plan = old_plan(lever.contract().id, subject);
    const auto planned = run_one(lever.plan(context, subject, deadline()));
    if (planned) {
        plan = *planned;
        all += dump(to_json(EntryBody{PlanMade{"c-1", true, "", plan}})) + "\n";
    } else {
        all += text_of(planned.error());
    }
    const Outcome outcome = run_one(lever.fire(context, plan, "i-1", deadline()));
    all += outcome.detail + "\n" + dump(to_json(EntryBody{outcome})) + "\n";
    all += run_one(lever.observe(context, plan, "i-1", world.clock.now(), deadline())).detail;
    if (const auto seen = run_one(lever.prove(context, plan, outcome, deadline()))) {
        all += "\n" + seen->evidence;
    }
    return all;
}

config::LeverSettings declared(const std::string& kind, const std::string& header) {
    config::LeverSettings settings;
    settings.id = "restart-hook";
    settings.general.kind = kind;
    settings.general.title = "Restart by hook";
    settings.general.subjects = {"tenant/*"};
    settings.general.url = "https://hooks.test/{slug}/restart";
    settings.general.observe_url = "https://hooks.test/{slug}/state";
    settings.general.secret = "hook";
    settings.general.secret_header = header;
    return settings;
}

void check_all(const std::string& name, const std::function<std::string(EchoWorld&)>& life) {
    EchoWorld world;
    for (const EchoForm& form : echo_forms()) {
        for (const Echo how : all_echoes) {
            world.echo(how, form);
            const std::string said = life(world);
            const std::string leaked = world.leaked(said);
            if (!leaked.empty()) {
                CAPTURE(name, form.name, static_cast<int>(how), said);
                CHECK(leaked.empty());
            }
        }
    }
}

}  // namespace

TEST_CASE("no built-in lever passes on a secret, in whatever coat it is given back") {
    const levers::LeverTable table;
    for (const auto& lever : table.all()) {
        const std::string id = lever->contract().id;
        const bool of_workspace = id.starts_with("workspace");
        const Subject subject(of_workspace ? "workspace/" + slug + "/" + workspace
                                           : "tenant/" + slug);
        check_all(id, [&](EchoWorld& world) { return live(world, *lever, subject); });
    }
}

TEST_CASE("no declared call passes on its secret, whatever header carries it") {
    for (const std::string header : {"Authorization", "X-Api-Key", "PRIVATE-TOKEN", "X-Hook"}) {
        const auto lever = levers::make_general_lever(declared("http", header));
        check_all(header,
                  [&](EchoWorld& world) { return live(world, *lever, Subject("tenant/" + slug)); });
    }
}

TEST_CASE("no declared program passes on a secret that it prints") {
    EchoWorld world;
    for (const EchoForm& form : echo_forms()) {
        world.echo(Echo::body_of_500, form);
        auto settings = declared("command", "");
        settings.general.argv = {"/bin/echo", world.worn("hook")};
        const auto lever = levers::make_general_lever(settings);
        const std::string said = live(world, *lever, Subject("tenant/" + slug));
        // The plan shows the argv of the configuration; that is the operator's own text.
        const std::string outcome = said.substr(said.find("\n") + 1);
        CAPTURE(form.name, outcome);
        CHECK_FALSE(leaks(outcome, world.secrets.at("hook").reveal()));
    }
}
