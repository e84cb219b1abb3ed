// Why: what an operator reads after each mistake in the settings, to the letter.
#include "tests/catch.hpp"
#include "tests/unit/config/fixture.hpp"

namespace leverd::config {
namespace {

// clang-format off
constexpr Case cases[] = {
    {"an unknown key gets a suggestion",
     R"x(
[daemon]
log_levle = "info"
)x",
     R"x(
leverd.toml:2:1: error: unknown key 'log_levle' in [daemon]
    log_levle = "info"
    ^
hint: did you mean 'log_level'?)x"},
    {"an unknown table gets a suggestion",
     R"x(
[deamon]
log_level = "info"
)x",
     R"x(
leverd.toml:1:2: error: unknown table 'deamon'
    [deamon]
     ^
hint: did you mean 'daemon'?)x"},
    {"an unknown key in an item",
     R"x(
[stack.canvas]
url = "https://c.example"
marker = "x"
[[probe]]
kind = "canvas"
  intervall = "30s"
)x",
     R"x(
leverd.toml:6:3: error: unknown key 'intervall' in [[probe]]
      intervall = "30s"
      ^
hint: did you mean 'interval'?)x"},
    {"a wrong type",
     R"x(
[daemon]
probes_in_flight = "many"
socket = 3
listen = ["127.0.0.1:1"]
)x",
     R"x(
leverd.toml:2:20: error: 'probes_in_flight' must be a whole number, found a string
    probes_in_flight = "many"
                       ^
leverd.toml:3:10: error: 'socket' must be a string, found an integer
    socket = 3
             ^
leverd.toml:4:10: error: 'listen' must be a string, found an array
    listen = ["127.0.0.1:1"]
             ^)x"},
    {"a table where an array of tables belongs",
     R"x(
[probe]
kind = "canvas"
)x",
     R"x(
leverd.toml:1:1: error: 'probe' must be an array of tables, found a table
    [probe]
    ^
hint: write [[probe]])x"},
    {"an array of tables where a table belongs",
     R"x(
[[daemon]]
log_level = "info"
)x",
     R"x(
leverd.toml:1:1: error: 'daemon' must be a table, found an array of tables
    [[daemon]]
    ^
hint: write [daemon])x"},
    {"numbers out of range",
     R"x(
[daemon]
probes_in_flight = 0
[tenants]
requests_per_minute = 1000000
[observer]
quorum = -1
)x",
     R"x(
leverd.toml:2:20: error: 'probes_in_flight' must be between 1 and 1024, found 0
    probes_in_flight = 0
                       ^
leverd.toml:4:23: error: 'requests_per_minute' must be between 1 and 6000, found 1000000
    requests_per_minute = 1000000
                          ^
leverd.toml:6:10: error: 'quorum' must be between 0 and 64, found -1
    quorum = -1
             ^)x"},
    {"a duration without unit",
     R"x(
[observer]
dwell = 60
max_lateness = "2"
max_clock_step = "1h30m"
)x",
     R"x(
leverd.toml:2:9: error: 'dwell' must be a duration, found an integer
    dwell = 60
            ^
hint: write a number and a unit: ms, s, m, h or d, as in "30s"
leverd.toml:3:16: error: 'max_lateness' must be a duration, found '2'
    max_lateness = "2"
                   ^
hint: write a number and a unit: ms, s, m, h or d, as in "30s"
leverd.toml:4:18: error: 'max_clock_step' must be a duration, found '1h30m'
    max_clock_step = "1h30m"
                     ^
hint: write a number and a unit: ms, s, m, h or d, as in "30s")x"},
    {"a duration out of range",
     R"x(
[observer]
max_lateness = "0s"
)x",
     R"x(
leverd.toml:2:16: error: 'max_lateness' must be between "10ms" and "1m", found "0s"
    max_lateness = "0s"
                   ^)x"},
    {"an unknown word",
     R"x(
[daemon]
mode_ceiling = "recomend"
log_level = "loud"
)x",
     R"x(
leverd.toml:2:16: error: unknown mode 'recomend'
    mode_ceiling = "recomend"
                   ^
hint: did you mean 'recommend'?
leverd.toml:3:13: error: unknown log level 'loud'
    log_level = "loud"
                ^
hint: known: trace, debug, info, warning, error, critical)x"},
    {"a bad address",
     R"x(
[daemon]
listen = "localhost:9847"
[net]
nameservers = ["9.9.9.9", "dns.example"]
)x",
     R"x(
leverd.toml:2:10: error: 'listen' must be a numeric address and a port: "127.0.0.1:9847"
    listen = "localhost:9847"
             ^
leverd.toml:4:27: error: an entry of 'nameservers' must be a numeric address: "9.9.9.9"
    nameservers = ["9.9.9.9", "dns.example"]
                              ^)x"},
    {"a bad URL",
     R"x(
[stack.control_plane]
url = "ftp://cp.example"
[stack.registry]
url = "https://r.example/?x=1"
[tenants]
url = "https://tenants.example"
)x",
     R"x(
leverd.toml:2:7: error: 'url' must be an http(s) URL without user, query or fragment
    url = "ftp://cp.example"
          ^
leverd.toml:4:7: error: 'url' must be an http(s) URL without user, query or fragment
    url = ...
          ^
leverd.toml:6:7: error: 'url' must be an http(s) URL with {slug} in it
    url = "https://tenants.example"
          ^)x"},
    {"a bad path",
     R"x(
[stack.control_plane]
health_path = "health"
redeploy_path = "/cp/redeploy"
orgs_path = "/cp/{slug}"
)x",
     R"x(
leverd.toml:2:15: error: 'health_path' must be a path from one '/' without placeholder
    health_path = "health"
                  ^
leverd.toml:3:17: error: 'redeploy_path' must be a path from one '/' with {slug} in it
    redeploy_path = "/cp/redeploy"
                    ^
leverd.toml:4:13: error: 'orgs_path' must be a path from one '/' without placeholder
    orgs_path = "/cp/{slug}"
                ^)x"},
    {"an unknown probe kind and lever",
     R"x(
[[probe]]
kind = "canvass"
[[lever]]
id = "canvas-rolback"
)x",
     R"x(
leverd.toml:2:8: error: unknown probe kind 'canvass'
    kind = "canvass"
           ^
hint: did you mean 'canvas'?
leverd.toml:4:6: error: unknown lever 'canvas-rolback'
    id = "canvas-rolback"
         ^
hint: did you mean 'canvas-rollback'?)x"},
    {"the same thing twice",
     R"x(
[[probe]]
kind = "reference"
[[probe]]
kind = "reference"
[[notify]]
id = "a"
kind = "webhook"
url = "https://n.example"
[[notify]]
id = "a"
kind = "webhook"
url = "https://n.example"
)x",
     R"x(
leverd.toml:4:8: error: duplicate probe 'reference'
    kind = "reference"
           ^
hint: the first one is at leverd.toml:2:8
leverd.toml:10:6: error: duplicate notify 'a'
    id = ...
         ^
hint: the first one is at leverd.toml:6:6)x"},
    {"a missing key",
     R"x(
[[notify]]
id = "a"
)x",
     R"x(
leverd.toml:1:1: error: [[notify]] needs 'kind'
    [[notify]]
    ^
leverd.toml:1:1: error: [[notify]] needs 'url'
    [[notify]]
    ^)x"},
    {"a retry longer than the interval",
     R"x(
[[probe]]
kind = "reference"
interval = "5s"
retry = "10s"
)x",
     R"x(
leverd.toml:4:9: error: 'retry' is longer than 'interval' ("5s")
    retry = "10s"
            ^)x"},
    {"probes without what they look at",
     R"x(
[[probe]]
kind = "canvas"
[[probe]]
kind = "image_drift"
)x",
     R"x(
leverd.toml:2:8: error: probe 'canvas' needs 'url' in [stack.canvas]
    kind = "canvas"
           ^
leverd.toml:2:8: warning: probe 'canvas' needs 'marker' in [stack.canvas]
    kind = "canvas"
           ^
leverd.toml:4:8: error: probe 'image_drift' needs 'url' in [stack.registry]
    kind = "image_drift"
           ^
leverd.toml:4:8: warning: probe 'image_drift' needs 'images' in [stack.registry]
    kind = "image_drift"
           ^)x"},
    {"looks that are stale before the next",
     R"x(
[[probe]]
kind = "reference"
interval = "2m"
)x",
     R"x(
leverd.toml:3:12: warning: looks go stale before the next: 'fresh_for' is "2m"
    interval = "2m"
               ^
hint: no lever fires on stale evidence)x"},
    {"more quorum than references",
     R"x(
[observer]
references = ["https://a.example"]
quorum = 2
[[probe]]
kind = "reference"
)x",
     R"x(
leverd.toml:3:10: error: 'quorum' is 2, but [observer] has 1 references
    quorum = 2
             ^
hint: trust would never come)x"},
    {"references that nobody looks at",
     R"x(
[observer]
references = ["https://a.example"]
quorum = 1
)x",
     R"x(
leverd.toml:2:14: error: nothing looks at the references
    references = ["https://a.example"]
                 ^
hint: add [[probe]] with kind = "reference")x"},
    {"references that nothing uses",
     R"x(
[observer]
references = ["https://a.example"]
[[probe]]
kind = "reference"
)x",
     R"x(
leverd.toml:2:14: warning: the references are not used: 'quorum' is 0
    references = ["https://a.example"]
                 ^
hint: set quorum = 1 or more)x"},
    {"a freeze without receipt",
     R"x(
[freeze]
active = true
)x",
     R"x(
leverd.toml:2:10: error: an active freeze needs 'receipt'
    active = true
             ^
hint: the digests-<TS>.txt that the freeze wrote)x"},
    {"an open address without token",
     R"x(
[daemon]
listen = "0.0.0.0:9847"
)x",
     R"x(
leverd.toml:2:10: warning: 'listen' is not a loopback address and there is no 'api_token'
    listen = "0.0.0.0:9847"
             ^
hint: listen on 127.0.0.1, or set api_token: beyond loopback every request needs it)x"},
    {"images that nobody watches",
     R"x(
[stack.registry]
images = ["a/b", "A/b", "a/b"]
platform_image = "a/c"
)x",
     R"x(
leverd.toml:2:18: error: an entry of 'images' must be a repository: "molecule-ai/platform"
    images = ["a/b", "A/b", "a/b"]
                     ^
leverd.toml:2:25: error: duplicate entry 'a/b' in 'images'
    images = ["a/b", "A/b", "a/b"]
                            ^
leverd.toml:3:18: warning: 'platform_image' is not among 'images', so nobody watches it
    platform_image = "a/c"
                     ^)x"},
    {"brackets too deep",
     R"x(
x = [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]
)x",
     R"x(
leverd.toml:1:21: error: brackets are nested deeper than 16
    x = [[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]
                        ^
hint: no leverd configuration needs that)x"},
    {"a key too long",
     R"x(
a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q = 1
)x",
     R"x(
leverd.toml:1:32: error: a line holds more than 15 dots
    a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q = 1
                                   ^
hint: no leverd configuration needs that)x"},
    {"tenant streams that nothing lists and nothing looks after",
     R"x(
[events]
tenant_stream = true
)x",
     R"x(
leverd.toml:2:17: error: 'tenant_stream' needs the list of tenants, which nobody reads
    tenant_stream = true
                    ^
hint: add url in [stack.control_plane] and [[probe]] with kind = "control_plane"
leverd.toml:2:17: warning: 'tenant_stream' wakes nothing: no probe looks at workspaces
    tenant_stream = true
                    ^
hint: add [[probe]] with kind = "workspace_status")x"},
    {"an origin of streams that are off",
     R"x(
[events]
tenant_stream_origin = "https://app.example"
)x",
     R"x(
leverd.toml:2:24: warning: 'tenant_stream_origin' is not used: there is no stream
    tenant_stream_origin = "https://app.example"
                           ^
hint: set tenant_stream = true)x"},
    {"an origin with a path",
     R"x(
[events]
tenant_stream_origin = "https://app.example/"
)x",
     R"x(
leverd.toml:2:24: error: 'tenant_stream_origin' must be an http(s) URL without path
    tenant_stream_origin = "https://app.example/"
                           ^)x"},
    {"times that contradict",
     R"x(
[runbook]
fresh_for = "10m"
gone_after = "5m"
)x",
     R"x(
leverd.toml:3:14: error: 'gone_after' is shorter than 'fresh_for' ("10m")
    gone_after = "5m"
                 ^)x"},
};
// clang-format on

TEST_CASE("a mistake in the settings is shown with its place and a way out") {
    for (const Case& c : cases) {
        CAPTURE(c.name);
        CHECK(problems_of(c.toml.substr(1)) == c.problems.substr(1));
    }
}

TEST_CASE("a socket path that the system would not take is an error with a shorter one") {
    for (const std::string key : {"socket", "exec_socket"}) {
        const auto toml = [&key](std::size_t length) {
            return "[daemon]\n" + key + " = \"/run/" + std::string(length - 5, 'x') + "\"\n";
        };
        CHECK(problems_of(toml(107)).find("bytes long") == std::string::npos);
        const auto said = problems_of(toml(108));
        CHECK(said.find("error: '" + key + "' must be at most 107 bytes long, found 108") !=
              std::string::npos);
        CHECK(said.find("hint: the system takes no longer one: e.g. /run/leverd") !=
              std::string::npos);
    }
}

}  // namespace
}  // namespace leverd::config
