// Why: what an operator reads after each mistake in the two hosting sections, to the letter.
#include "tests/catch.hpp"
#include "tests/unit/config/fixture.hpp"

namespace leverd::config {
namespace {

// clang-format off
constexpr Case cases[] = {
    {"two Railway tokens",
     R"x(
[secrets]
a = { environment = "A" }
b = { environment = "B" }
[stack.railway]
project_id = "00000000-0000-4000-8000-000000000001"
environment_id = "00000000-0000-4000-8000-000000000002"
service_id = "00000000-0000-4000-8000-000000000003"
project_token = "a"
account_token = "b"
)x",
     R"x(
leverd.toml:9:17: error: 'project_token' and 'account_token' are both set: only one is ever sent
    account_token = ...
                    ^
hint: keep project_token; it reaches one environment only)x"},
    {"a Railway token without its service",
     R"x(
[secrets]
a = { environment = "A" }
[stack.railway]
project_id = "00000000-0000-4000-8000-000000000001"
environment_id = "00000000-0000-4000-8000-000000000002"
project_token = "a"
)x",
     R"x(
leverd.toml:6:17: error: lever control-plane-rollback needs 'service_id' in [stack.railway]
    project_token = ...
                    ^
hint: Railway shows it in the address of the service's page)x"},
    {"ids without a token",
     R"x(
[stack.railway]
service_id = "00000000-0000-4000-8000-000000000003"
[stack.vercel]
project_id = "prj_1"
)x",
     R"x(
leverd.toml:2:14: warning: without a token lever control-plane-rollback stays a person's
    service_id = "00000000-0000-4000-8000-000000000003"
                 ^
hint: set project_token
leverd.toml:4:14: warning: without a token lever canvas-rollback stays a person's
    project_id = "prj_1"
                 ^
hint: set token)x"},
    {"a Vercel token without its project, and two teams",
     R"x(
[secrets]
a = { environment = "A" }
[stack.vercel]
team_id = "team_1"
team_slug = "molecule"
token = "a"
)x",
     R"x(
leverd.toml:5:13: error: 'team_id' and 'team_slug' are both set
    team_slug = "molecule"
                ^
hint: keep one of them
leverd.toml:6:9: error: lever canvas-rollback needs 'project_id' in [stack.vercel]
    token = ...
            ^
hint: Vercel shows it in the project's settings: "prj_...")x"},
    {"one secret for two hosts",
     R"x(
[secrets]
a = { environment = "A" }
[stack.railway]
project_id = "00000000-0000-4000-8000-000000000001"
environment_id = "00000000-0000-4000-8000-000000000002"
service_id = "00000000-0000-4000-8000-000000000003"
project_token = "a"
[stack.vercel]
project_id = "prj_1"
token = "a"
)x",
     R"x(
leverd.toml:7:17: error: the secret 'a' also belongs to Vercel
    project_token = ...
                    ^
hint: one secret for one host: make another token)x"},
};
// clang-format on

TEST_CASE("a mistake in a hosting section is shown with its place and a way out") {
    for (const Case& c : cases) {
        CAPTURE(c.name);
        CHECK(problems_of(c.toml.substr(1)) == c.problems.substr(1));
    }
}

TEST_CASE("an id that could leave its place in a URL is refused") {
    const std::string railway = problems_of("[stack.railway]\nservice_id = \"controlplane\"\n");
    CHECK(railway.find("leverd.toml:2:14: error: 'service_id' must be a UUID") == 0);
    const std::string vercel = problems_of("[stack.vercel]\nproject_id = \"../x\"\n");
    CHECK(vercel.find("leverd.toml:2:14: error: 'project_id' must be an id of letters") == 0);
}

}  // namespace
}  // namespace leverd::config
