// Why: two levers are a person's; leverd must say exactly what to do and must never do it itself.
#include "tests/unit/levers/world.hpp"

namespace leverd::test {
namespace {

std::string joined(const std::vector<std::string>& lines) {
    std::string all;
    for (const auto& line : lines) {
        all += line + "\n";
    }
    return all;
}

struct Row {
    const char* lever;
    const char* subject;
    std::vector<const char*> steps;     // texts that the steps must hold
    std::vector<const char*> warnings;  // texts that the warnings must hold
};

TEST_CASE("manual levers give numbered steps with the real names and the traps") {
    const Row rows[] = {
        {"control-plane-rollback",
         "control-plane",
         {"1. Open the Railway dashboard, project molecule-platform, service controlplane",
          "Rollback to this deployment", "https://cp.test/health",
          "https://cp.test/cp/admin/orgs?limit=500", "$CP_ADMIN_API_TOKEN", "401"},
         {"variables", "CP_ADMIN_API_TOKEN", "401"}},
        {"canvas-rollback",
         "canvas",
         {"1. Open the Vercel dashboard, project molecule-app", "Promote to Production",
          "https://app.test", "__NEXT_DATA__"},
         {"production domains stays off until somebody promotes", "environment variables"}},
    };
    for (const auto& row : rows) {
        World world(row.lever);
        const auto plan = world.plan(row.subject);
        REQUIRE(plan.has_value());
        CHECK(plan->calls.empty());
        CHECK(plan->lever == row.lever);
        CHECK(plan->subject == Subject(row.subject));
        CHECK_FALSE(plan->resource.empty());
        for (const char* text : row.steps) {
            INFO(text << " in " << joined(plan->steps));
            CHECK(joined(plan->steps).find(text) != std::string::npos);
        }
        for (const char* text : row.warnings) {
            INFO(text << " in " << joined(plan->warnings));
            CHECK(joined(plan->warnings).find(text) != std::string::npos);
        }
        CHECK(world.fire(*plan).kind == OutcomeKind::refused);
        CHECK(world.observe(*plan).took == Took::no);
        CHECK_FALSE(world.prove(*plan).has_value());
        CHECK(world.http.seen.empty());
        CHECK(world.plan("tenant/acme").has_error());
        check_no_token(*plan);
    }
}

}  // namespace
}  // namespace leverd::test
