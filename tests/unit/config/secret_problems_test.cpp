// Why: what an operator reads after each mistake with a secret, to the letter: never the secret.
#include "tests/catch.hpp"
#include "tests/unit/config/fixture.hpp"

namespace leverd::config {
namespace {

// clang-format off
constexpr Case cases[] = {
    {"a URL with a password is not shown",
     R"x(
[stack.control_plane]
url = "https://ops:hunter2@cp.example"
)x",
     R"x(
leverd.toml:2:7: error: 'url' must be an http(s) URL without user, query or fragment
    url = ...
          ^)x"},
    {"credentials in clear",
     R"x(
[stack.control_plane]
url = "http://cp.example"
[stack.registry]
url = "http://127.0.0.1:5000"
)x",
     R"x(
leverd.toml:2:7: warning: credentials go over http, readable on the way
    url = "http://cp.example"
          ^
hint: use https)x"},
    {"a secret written inline is not shown",
     R"x(
[secrets]
cp = "hunter2"
)x",
     R"x(
leverd.toml:2:6: error: secret 'cp' is written inline
    cp = ...
         ^
hint: write { credential = "..." }, { file = "..." } or { environment = "..." })x"},
    {"an API token that is not complete",
     R"x(
[[api_token]]
name = "Alice"
rol = "approve"
[[api_token]]
name = "bob"
secret = "bob_token"
role = "aprove"
[secrets]
bob_token = { environment = "BOB" }
)x",
     R"x(
leverd.toml:1:1: error: [[api_token]] needs 'secret'
    [[api_token]]
    ^
leverd.toml:1:1: error: [[api_token]] needs 'role'
    [[api_token]]
    ^
leverd.toml:2:8: error: 'name' must be a name of a-z, 0-9, '-' and '_' (at most 63)
    name = "Alice"
           ^
leverd.toml:3:1: error: unknown key 'rol' in [[api_token]]
    rol = "approve"
    ^
hint: did you mean 'role'?
leverd.toml:7:8: error: unknown role 'aprove'
    role = "aprove"
           ^
hint: did you mean 'approve'?)x"},
    {"API tokens that cannot be told apart",
     R"x(
[daemon]
api_token = "shared"
[secrets]
shared = { environment = "SHARED" }
own = { environment = "OWN" }
[[api_token]]
name = "token"
secret = "own"
role = "read"
[[api_token]]
name = "alice"
secret = "shared"
role = "read"
[[api_token]]
name = "alice"
secret = "own"
role = "read"
)x",
     R"x(
leverd.toml:7:8: error: the name 'token' belongs to daemon.api_token
    name = ...
           ^
hint: name the person or the program that has this one
leverd.toml:12:10: error: the secret 'shared' also belongs to daemon.api_token
    secret = ...
             ^
hint: make a secret of its own for each
leverd.toml:15:8: error: duplicate API token 'alice'
    name = "alice"
           ^
hint: the first one is at leverd.toml:11:8
leverd.toml:16:10: error: the secret 'own' also belongs to API token 'token'
    secret = ...
             ^
hint: make a secret of its own for each)x"},
    {"a secret with no or two sources",
     R"x(
[secrets]
one = { }
two = { file = "/x", environment = "X" }
three = { fil = "/x" }
)x",
     R"x(
leverd.toml:2:7: error: secret 'one' must have exactly one source
    one = ...
          ^
hint: one of file, credential and environment
leverd.toml:3:7: error: secret 'two' must have exactly one source
    two = ...
          ^
hint: one of file, credential and environment
leverd.toml:4:9: error: secret 'three' must have exactly one source
    three = ...
            ^
hint: one of file, credential and environment
leverd.toml:4:11: error: unknown key 'fil' in the secret
    three = ...
              ^
hint: did you mean 'file'?)x"},
    {"a syntax error in a secret is not shown",
     R"x(
[secrets]
cp = hunter2
)x",
     R"x(
leverd.toml:2:6: error: not valid TOML: this value or key
    cp = ...
         ^)x"},
    {"the address of a sink is not shown",
     R"x(
[[notify]]
id = "pager"
kind = "webhok"
url = "hooks.example/T0/hunter2"
)x",
     R"x(
leverd.toml:3:8: error: unknown notify kind 'webhok'
    kind = ...
           ^
hint: did you mean 'webhook'?
leverd.toml:4:7: error: 'url' must be an http(s) URL without user or fragment
    url = ...
          ^)x"},
    {"an undefined secret with a near name",
     R"x(
[secrets]
cp_admin = { environment = "CP" }
[stack.control_plane]
admin_token = "cp_admn"
)x",
     R"x(
leverd.toml:4:15: error: 'admin_token' does not name a secret of [secrets]
    admin_token = ...
                  ^
hint: did you mean 'cp_admin'?)x"},
    {"an undefined secret may be the secret itself",
     R"x(
[secrets]
cp_admin = { environment = "CP" }
[daemon]
api_token = "0123456789abcdef"
)x",
     R"x(
leverd.toml:4:13: error: 'api_token' does not name a secret of [secrets]
    api_token = ...
                ^
hint: known: cp_admin)x"},
    {"an undefined secret without any",
     R"x(
[daemon]
api_token = "0123456789abcdef"
)x",
     R"x(
leverd.toml:2:13: error: 'api_token' does not name a secret of [secrets]
    api_token = ...
                ^
hint: define it: api_token = { credential = "..." } in [secrets])x"},
};
// clang-format on

TEST_CASE("a mistake with a secret is shown, the secret is not") {
    for (const Case& c : cases) {
        CAPTURE(c.name);
        CHECK(problems_of(c.toml.substr(1)) == c.problems.substr(1));
    }
}

TEST_CASE("whatever line a secret was put into by mistake, no message repeats it") {
    const std::string probe =
        "[[probe]]\nkind = \"http\"\nname = \"shop\"\nurl = \"http://127.0.0.1:1/s\"\n";
    const std::string canary = "S3cretInlineZZZZ0000";
    for (const std::string line : {
             "headers = { Authorization = \"Bearer @\" }",
             "headers = { X-Api-Key = \"@\", \"bad header\" = \"x\" }",
             "headers = { Cookie = \"session=@\" }",
             "header = { Authorization = \"Bearer @\" }",
             "bearer = \"@\"",
             "bearer = \"api\"\nbearer = \"@\"",
             "user = \"u\"\npassword = \"@\"",
             "unknown = [{ url = \"https://hooks/@\" }]",
             "send = \"AUTH @\\q\"",
         }) {
        auto text = line;
        text.replace(text.find('@'), 1, canary);
        CAPTURE(line);
        const auto problems = problems_of(probe + text + "\n");
        CHECK_FALSE(problems.empty());
        CHECK(problems.find(canary) == std::string::npos);
    }
}

}  // namespace
}  // namespace leverd::config
