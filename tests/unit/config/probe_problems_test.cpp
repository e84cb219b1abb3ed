// Why: what an operator reads after each mistake in a general probe, to the letter; and that a good
// one arrives compiled.
#include "config/checks.hpp"
#include "tests/catch.hpp"
#include "tests/unit/config/fixture.hpp"

namespace leverd::config {
namespace {

// clang-format off
constexpr Case cases[] = {
    {"an unknown kind",
     R"x(
[[probe]]
kind = "htpp"
name = "shop"
)x",
     R"x(
leverd.toml:2:8: error: unknown probe kind 'htpp'
    kind = "htpp"
           ^
hint: did you mean 'http'?)x"},
    {"no name, and a key of another kind",
     R"x(
[[probe]]
kind = "http"
url = "https://a.example"
expect = "x"
)x",
     R"x(
leverd.toml:1:1: error: [[probe]] needs 'name'
    [[probe]]
    ^
leverd.toml:4:1: error: unknown key 'expect' in [[probe]]
    expect = "x"
    ^)x"},
    {"a name that is a kind, and one that is taken",
     R"x(
[[probe]]
kind = "tcp"
name = "canvas"
address = "a:1"
[[probe]]
kind = "tcp"
name = "b"
address = "a:1"
[[probe]]
kind = "tcp"
name = "b"
address = "a:2"
)x",
     R"x(
leverd.toml:3:8: error: 'canvas' is a probe kind
    name = "canvas"
           ^
hint: name the probe after what it looks at
leverd.toml:11:8: error: duplicate probe 'b'
    name = "b"
           ^
hint: the first one is at leverd.toml:7:8)x"},
    {"a bad expression",
     R"x(
[[probe]]
kind = "http"
name = "a"
url = "https://a.example"
body = 'x(?=y)'
)x",
     R"x(
leverd.toml:5:8: error: 'body' is not a regular expression: invalid perl operator: (?=
    body = 'x(?=y)'
           ^
hint: RE2's syntax; look-around and back-references do not exist in it)x"},
    {"bad conditions",
     R"x(
[[probe]]
kind = "http"
name = "a"
url = "https://a.example"
json = ["status == 1", "/a = 1", "/b < true", "/c == up"]
)x",
     R"x(
leverd.toml:5:9: error: bad condition 'status == 1': it must begin with a JSON pointer
    json = ["status == 1", "/a = 1", "/b < true", "/c == up"]
            ^
hint: a pointer, one of < <= == != >= > and JSON, or exists, absent: '/a/b == "ok"'
leverd.toml:5:24: error: bad condition '/a = 1': no comparison after the pointer
    json = ["status == 1", "/a = 1", "/b < true", "/c == up"]
                           ^
hint: a pointer, one of < <= == != >= > and JSON, or exists, absent: '/a/b == "ok"'
leverd.toml:5:34: error: bad condition '/b < true': < <= >= > compare numbers only
    json = ["status == 1", "/a = 1", "/b < true", "/c == up"]
                                     ^
hint: a pointer, one of < <= == != >= > and JSON, or exists, absent: '/a/b == "ok"'
leverd.toml:5:47: error: bad condition '/c == up': the value is not JSON
    json = ["status == 1", "/a = 1", "/b < true", "/c == up"]
                                                  ^
hint: a pointer, one of < <= == != >= > and JSON, or exists, absent: '/a/b == "ok"')x"},
    {"limits that contradict",
     R"x(
[[probe]]
kind = "http"
name = "a"
url = "https://a.example"
timeout = "2s"
degraded_over = "900ms"
failing_over = "800ms"
json = ["/n > 5", "/n <= 5"]
[[probe]]
kind = "tls"
name = "b"
address = "b.example:443"
warn_days = 5
[[probe]]
kind = "promql"
name = "c"
url = "http://127.0.0.1:9090"
query = "up"
degraded = "> 10"
failing = "> 5"
[[probe]]
kind = "command"
name = "d"
command = ["/bin/true"]
degraded = [0]
)x",
     R"x(
leverd.toml:6:17: error: 'degraded_over' is not below 'failing_over' ("800ms")
    degraded_over = "900ms"
                    ^
leverd.toml:8:8: error: the conditions on '/n' contradict each other
    json = ["/n > 5", "/n <= 5"]
           ^
hint: no number fulfils '/n <= 5' and those before it
leverd.toml:13:13: error: 'fail_days' (7) is not below 'warn_days' (5)
    warn_days = 5
                ^
hint: the warning comes first, with more days left
leverd.toml:19:12: error: 'degraded' never holds: 'failing' ('> 5') comes first
    degraded = "> 10"
               ^
leverd.toml:25:12: error: exit code 0 is both 'healthy' and 'degraded'
    degraded = [0]
               ^
hint: the defaults are healthy = [0], degraded = [1], failing = [2])x"},
    {"a limit beyond the look's end",
     R"x(
[[probe]]
kind = "tcp"
name = "a"
address = "a.example:25"
timeout = "1s"
failing_over = "1s"
)x",
     R"x(
leverd.toml:6:16: error: 'failing_over' is not below 'timeout' ("1s")
    failing_over = "1s"
                   ^
hint: a look ends at its timeout, so the limit would never be passed)x"},
    {"a secret in the file, a subject of our own, a shell word",
     R"x(
[[probe]]
kind = "http"
name = "a"
url = "https://a.example"
subject = "reference/a"
headers = { Authorization = "Bearer x" }
[[probe]]
kind = "command"
name = "b"
command = ["df", "-h"]
[[probe]]
kind = "tcp"
name = "c"
address = "c.example"
)x",
     R"x(
leverd.toml:5:11: error: 'reference/a' speaks about the box itself
    subject = "reference/a"
              ^
hint: leave 'subject' out, or name what the probe looks at: "service/shop"
leverd.toml:6:29: error: 'authorization' would be a secret in the file
    headers = ...
                 ^
hint: use bearer = "...", a name in [secrets]
leverd.toml:10:12: error: the program 'df' needs its whole path
    command = ["df", "-h"]
               ^
hint: nothing is looked up in PATH and there is no shell
leverd.toml:14:11: error: 'address' must be a host and a port: "shop.example:443"
    address = "c.example"
              ^)x"},
    {"a signal that names a probe wrongly",
     R"x(
[[probe]]
kind = "tcp"
name = "mail-in"
address = "m.example:25"
[[signal]]
id = "a"
subject = "service"
probe = "mail-on"
[[signal]]
id = "b"
subject = "service"
probe = "tcp"
[[signal]]
id = "c"
subject = "tenant"
probe = "mail-in"
)x",
     R"x(
leverd.toml:8:9: error: unknown probe 'mail-on'
    probe = "mail-on"
            ^
hint: did you mean 'mail-in'?
leverd.toml:12:9: error: 'tcp' is a kind of probes with names
    probe = "tcp"
            ^
hint: write the 'name' of the [[probe]] that this signal is about
leverd.toml:15:11: error: probe 'mail-in' speaks about 'service/mail-in', not 'tenant'
    subject = "tenant"
              ^
hint: write subject = "service" here, or give the probe another 'subject')x"},
};
// clang-format on

TEST_CASE("a mistake in a general probe is shown with its place and a way out") {
    for (const Case& c : cases) {
        CAPTURE(c.name);
        CHECK(problems_of(c.toml.substr(1)) == c.problems.substr(1));
    }
}

TEST_CASE("a general probe arrives ready to be asked") {
    const Folder folder;
    const auto path = folder.write("leverd.toml", R"(
[[probe]]
kind = "http"
name = "shop"
url = "https://shop.example/x"
attributes = { team = "red" }
statuses = [204, "3xx"]
body = "a+b"
json = ["/a~1b/0 >= 1.5", "/gone absent"]
)");
    const Loaded loaded = load(path, vocabulary());
    REQUIRE(rendered(loaded) == "");
    const ProbeSettings& probe = loaded.config.probes.at(0);
    CHECK(probe.called() == "shop");
    CHECK(probe.subject == "service/shop");
    CHECK(probe.attributes.at("team") == "red");
    REQUIRE(probe.check != nullptr);
    const auto& check = std::get<HttpCheck>(probe.check->what);
    CHECK(check.statuses.size() == 2);
    CHECK(check.statuses[1].last == 399);
    CHECK(check.body->found_in("xaab"));
    CHECK_FALSE(check.body->found_in("ba"));
    REQUIRE(check.json.size() == 2);
    CHECK(check.json[0].at.to_string() == "/a~1b/0");
    CHECK(check.json[0].comparison == Comparison::greater_equal);
    CHECK(check.json[1].comparison == Comparison::absent);
}

constexpr std::string_view credential_toml = R"(
[secrets]
key = { environment = "KEY" }
[[probe]]
kind = "credential"
name = "key"
url = "https://api.example/admin"
)";

TEST_CASE("a credential goes to its one host, and its age is a day that exists") {
    const auto problems = [](const std::string& lines) {
        return problems_of(std::string(credential_toml.substr(1)) + lines);
    };
    CHECK(problems("bearer = \"key\"\nrotated = \"2028-02-29\"\nmax_age = \"90d\"\n"
                   "also = [\"https://api.example/x\"]\n") == "");
    CHECK(problems("").find("a credential probe needs 'bearer'") != std::string::npos);
    for (const char* url : {"https://api.example.evil/x", "http://api.example/x"}) {
        CAPTURE(url);
        CHECK(problems(std::string("bearer = \"key\"\nalso = [\"") + url + "\"]\n")
                  .find("is on another host than 'url'") != std::string::npos);
    }
    for (const char* day : {"2026-02-30", "2026-2-3", "yesterday", "2026-05-06T00", "-026-05-06"}) {
        CAPTURE(day);
        CHECK(problems(std::string("bearer = \"key\"\nrotated = \"") + day + "\"\n")
                  .find("a day: \"2026-05-06\"") != std::string::npos);
    }
}

TEST_CASE("a credential may be asked for by a query in a header of its own, never by a mutation") {
    const auto problems = [](const std::string& lines) {
        return problems_of(std::string(credential_toml.substr(1)) + lines);
    };
    const std::string good =
        "bearer = \"key\"\nheader = \"Project-Access-Token\"\n"
        "graphql = \"query { projectToken { projectId } }\"\n";
    CHECK(problems(good) == "");
    CHECK(problems(good + "also = [\"https://api.example/x\"]\n").find("'also' are further GETs") !=
          std::string::npos);
    CHECK(problems("user = \"me\"\npassword = \"key\"\nheader = \"X-Token\"\n")
              .find("'header' says where") != std::string::npos);
    CHECK(problems("bearer = \"key\"\nheader = \"a b\"\n").find("a header name") !=
          std::string::npos);
    for (const char* query : {"mutation { deploymentRollback(id: 1) }", "query {a} mutation {b}",
                              "{a}, mutation {b}", ""}) {
        CAPTURE(query);
        CHECK(problems(std::string("bearer = \"key\"\ngraphql = \"") + query + "\"\n")
                  .find("a GraphQL query") != std::string::npos);
    }
}

}  // namespace
}  // namespace leverd::config
