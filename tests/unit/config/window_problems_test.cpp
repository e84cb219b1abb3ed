// Why: a window that does not do what its author thinks is found out on the day itself, so
// every mistake in one is shown here with the whole answer. The tests' clock stands at Friday,
// 2026-03-27T12:00 UTC.
#include "tests/catch.hpp"
#include "tests/unit/config/fixture.hpp"

namespace leverd::config {
namespace {

// clang-format off
constexpr Case cases[] = {
    {"a window that says nothing",
     R"x(
include = ["base.toml"]
[[window]]
id = "w"
)x",
     R"x(
leverd.toml:2:1: error: [[window]] needs 'effect'
    [[window]]
    ^
leverd.toml:2:1: error: [[window]] needs 'subjects'
    [[window]]
    ^
leverd.toml:2:1: error: [[window]] needs 'owner'
    [[window]]
    ^
leverd.toml:2:1: error: [[window]] needs 'reason'
    [[window]]
    ^)x"},
    {"the same window twice",
     R"x(
include = ["base.toml"]
[[window]]
id = "w"
effect = "hold"
subjects = ["*"]
owner = "ops"
reason = "demo"
[[window]]
id = "w"
effect = "hold"
subjects = ["*"]
owner = "ops"
reason = "demo"
)x",
     R"x(
leverd.toml:9:6: error: duplicate window 'w'
    id = "w"
         ^
hint: the first one is at leverd.toml:3:6)x"},
    {"mute where levers are held outside",
     R"x(
include = ["base.toml"]
[[window]]
id = "w"
effect = "only"
subjects = ["*"]
owner = "ops"
reason = "demo"
mute = true
)x",
     R"x(
leverd.toml:8:8: error: 'mute' needs effect = "hold"
    mute = true
           ^
hint: outside of an "only" window faults are still to be told)x"},
    {"a storm of one page",
     R"x(
include = ["base.toml"]
[page]
group_at = 1
keep_fireing_for = "5m"
)x",
     R"x(
leverd.toml:3:12: error: one case is no storm
    group_at = 1
               ^
hint: write at least 2, or 0 for a page per case
leverd.toml:4:1: error: unknown key 'keep_fireing_for' in [page]
    keep_fireing_for = "5m"
    ^
hint: did you mean 'keep_firing_for'?)x"},
    {"an unknown effect",
     R"x(
include = ["base.toml"]
[[window]]
id = "w"
effect = "block"
subjects = ["*"]
owner = "ops"
reason = "demo"
)x",
     R"x(
leverd.toml:4:10: error: unknown effect 'block'
    effect = "block"
             ^
hint: known: hold, only)x"},
    {"no subjects and no levers",
     R"x(
include = ["base.toml"]
[[window]]
id = "w"
effect = "hold"
subjects = []
owner = "ops"
reason = "demo"
levers = []
)x",
     R"x(
leverd.toml:5:12: error: 'subjects' must not be empty
    subjects = []
               ^
hint: write ["*"] for every subject
leverd.toml:8:10: error: 'levers' must not be empty
    levers = []
             ^
hint: leave it out for every lever)x"},
    {"two stars",
     R"x(
include = ["base.toml"]
[[window]]
id = "w"
effect = "hold"
subjects = ["**"]
owner = "ops"
reason = "demo"
)x",
     R"x(
leverd.toml:5:13: error: an entry of 'subjects' must be a subject, or "*" for all: "tenant/demo"
    subjects = ["**"]
                ^)x"},
    {"an unknown kind and an unknown lever",
     R"x(
include = ["base.toml"]
[[window]]
id = "w"
effect = "hold"
subjects = ["tennant/demo"]
owner = "ops"
reason = "demo"
levers = ["tenant-redploy"]
)x",
     R"x(
leverd.toml:5:12: error: unknown subject kind 'tennant'
    subjects = ["tennant/demo"]
               ^
hint: did you mean 'tenant'?
leverd.toml:8:11: error: unknown lever 'tenant-redploy'
    levers = ["tenant-redploy"]
              ^
hint: did you mean 'tenant-redeploy'?)x"},
    {"no day",
     R"x(
include = ["base.toml"]
[[window]]
id = "w"
effect = "hold"
subjects = ["*"]
owner = "ops"
reason = "demo"
days = []
)x",
     R"x(
leverd.toml:8:8: error: 'days' must name at least one day
    days = []
           ^
hint: a window without a day never opens; leave 'days' out for every day)x"},
    {"an unknown day",
     R"x(
include = ["base.toml"]
[[window]]
id = "w"
effect = "hold"
subjects = ["*"]
owner = "ops"
reason = "demo"
days = ["mon", "tues"]
)x",
     R"x(
leverd.toml:8:16: error: unknown day 'tues'
    days = ["mon", "tues"]
                   ^
hint: known: mon, tue, wed, thu, fri, sat, sun)x"},
    {"hours that are none",
     R"x(
include = ["base.toml"]
[[window]]
id = "w"
effect = "hold"
subjects = ["*"]
owner = "ops"
reason = "demo"
start = "24:00"
end = "6:00"
)x",
     R"x(
leverd.toml:8:9: error: 'start' must be a time from "00:00" to "23:59"
    start = "24:00"
            ^
leverd.toml:9:7: error: 'end' must be a time from "00:00" to "23:59"
    end = "6:00"
          ^)x"},
    {"half of the hours",
     R"x(
include = ["base.toml"]
[[window]]
id = "w"
effect = "hold"
subjects = ["*"]
owner = "ops"
reason = "demo"
start = "22:00"
)x",
     R"x(
leverd.toml:8:9: error: 'start' and 'end' go together
    start = "22:00"
            ^
hint: leave both out for the whole day)x"},
    {"an unknown zone",
     R"x(
include = ["base.toml"]
[[window]]
id = "w"
effect = "hold"
subjects = ["*"]
owner = "ops"
reason = "demo"
zone = "Europe/Berln"
expires = "never"
)x",
     R"x(
leverd.toml:8:8: error: no time zone "Europe/Berln"
    zone = "Europe/Berln"
           ^
hint: did you mean "Europe/Berlin"?)x"},
    {"an expiry that is no time",
     R"x(
include = ["base.toml"]
[[window]]
id = "w"
effect = "hold"
subjects = ["*"]
owner = "ops"
reason = "demo"
expires = "2026-05-06"
)x",
     R"x(
leverd.toml:8:11: error: "2026-05-06" is no date and time
    expires = "2026-05-06"
              ^
hint: write it like "2026-05-06T18:00")x"},
    {"an expiry that the clock skips",
     R"x(
include = ["base.toml"]
[[window]]
id = "w"
effect = "hold"
subjects = ["*"]
owner = "ops"
reason = "demo"
zone = "Europe/Berlin"
expires = "2027-03-28T02:30"
)x",
     R"x(
leverd.toml:9:11: error: 2027-03-28T02:30 does not exist in Europe/Berlin: the clock skips it
    expires = "2027-03-28T02:30"
              ^
hint: choose a time before or after the change to daylight saving)x"},
    {"a window that is over",
     R"x(
include = ["base.toml"]
[[window]]
id = "w"
effect = "hold"
subjects = ["*"]
owner = "ops"
reason = "demo"
expires = "2026-03-27T12:00"
)x",
     R"x(
leverd.toml:8:11: warning: window 'w' has expired
    expires = "2026-03-27T12:00"
              ^
hint: it holds nothing: remove it, or move 'expires')x"},
    {"a limit that is over",
     R"x(
include = ["base.toml"]
[[window]]
id = "w"
effect = "only"
subjects = ["*"]
owner = "ops"
reason = "demo"
start = "08:00"
end = "18:00"
expires = "2026-03-26T18:00"
)x",
     R"x(
leverd.toml:10:11: warning: window 'w' has expired
    expires = "2026-03-26T18:00"
              ^
hint: it no longer limits anything: remove it, or move 'expires')x"},
    {"a window that never opens",
     R"x(
include = ["base.toml"]
[[window]]
id = "w"
effect = "hold"
subjects = ["*"]
owner = "ops"
reason = "demo"
days = ["wed"]
expires = "2026-03-31T18:00"
)x",
     R"x(
leverd.toml:9:11: warning: window 'w' never opens before it expires
    expires = "2026-03-31T18:00"
              ^
hint: it holds nothing: none of its hours comes before then, or the clock skips them)x"},
    {"hours that the clock skips",
     R"x(
include = ["base.toml"]
[[window]]
id = "w"
effect = "hold"
subjects = ["*"]
owner = "ops"
reason = "demo"
days = ["sun"]
start = "02:00"
end = "03:00"
zone = "Europe/Berlin"
expires = "2026-03-29T12:00"
)x",
     R"x(
leverd.toml:12:11: warning: window 'w' never opens before it expires
    expires = "2026-03-29T12:00"
              ^
hint: it holds nothing: none of its hours comes before then, or the clock skips them)x"},
    {"hours that never come",
     R"x(
include = ["base.toml"]
[[window]]
id = "w"
effect = "only"
subjects = ["*"]
owner = "ops"
reason = "demo"
start = "22:00"
end = "06:00"
days = ["fri"]
expires = "2026-03-27T22:00"
)x",
     R"x(
leverd.toml:11:11: warning: window 'w' never opens before it expires
    expires = "2026-03-27T22:00"
              ^
hint: until then it holds every lever that it names)x"},
    {"a storm of one",
     R"x(
include = ["base.toml"]
[storm]
incidents = 1
quiet = "0s"
ramp = 0
)x",
     R"x(
leverd.toml:3:13: error: one incident is no storm
    incidents = 1
                ^
hint: write at least 2, or 0 for no breaker
leverd.toml:4:9: error: 'quiet' must be between "100ms" and "1d", found "0s"
    quiet = "0s"
            ^
leverd.toml:5:8: error: 'ramp' must be between 1 and 1000, found 0
    ramp = 0
           ^)x"},
    {"a record out of range",
     R"x(
include = ["base.toml"]
[effect]
floor_percent = 101
least_verdicts = 51
window = "0s"
)x",
     R"x(
leverd.toml:3:17: error: 'floor_percent' must be between 0 and 100, found 101
    floor_percent = 101
                    ^
leverd.toml:4:18: error: 'least_verdicts' must be between 1 and 50, found 51
    least_verdicts = 51
                     ^
leverd.toml:5:10: error: 'window' must be between "1m" and "365d", found "0s"
    window = "0s"
             ^)x"},
};
// clang-format on

TEST_CASE("a mistake in a window, breaker or record is shown with its place and a way out") {
    for (const Case& c : cases) {
        CAPTURE(c.name);
        CHECK(problems_of(c.toml.substr(1)) == c.problems.substr(1));
    }
}

}  // namespace
}  // namespace leverd::config
