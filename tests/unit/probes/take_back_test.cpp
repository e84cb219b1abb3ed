// Why: what leverd says of a target that it could not look at must not stand for ever.
#include "tests/unit/probes/scheduler_rig.hpp"

using namespace leverd;
using namespace leverd::test;

TEST_CASE("what was said of a target is taken back by looks that speak of what it holds") {
    Rig rig;
    rig.kinds.push_back({"inner", quick_look, quick_targets, "tenant", nullptr, false});
    rig.add_settings("inner", Millis{20}, Millis{5}, Millis{100});
    rig.world.config.probes.erase(rig.world.config.probes.begin());
    rig.script.quick_targets = {"a"};
    bool was_unknown = false;
    rig.run([&rig, &was_unknown] {
        const auto& tenant = rig.last["tenant/a"];
        was_unknown = was_unknown || tenant.health == Health::unknown;
        return was_unknown && tenant.health == Health::healthy &&
               rig.seen_of["workspace/a/" + std::string(test::org_id)] >= 2;
    });
    CHECK(was_unknown);
    // Said once, not at each look.
    CHECK(rig.seen_of["tenant/a"] == 2);
}

TEST_CASE("a look that had nothing to look at takes nothing back") {
    Rig rig;
    rig.kinds.push_back({"inner", quick_look, quick_targets, "tenant", nullptr, false});
    rig.add_settings("inner", Millis{20}, Millis{5}, Millis{100});
    rig.world.config.probes.erase(rig.world.config.probes.begin());
    rig.script.quick_targets = {"a", "b"};
    rig.script.hollow = {"a"};
    // The first look at each throws.
    rig.run([&rig] { return rig.script.begun["a"] >= 4 && rig.script.begun["b"] >= 4; });
    CHECK(rig.last["tenant/a"].health == Health::unknown);
    CHECK(rig.seen_of["tenant/a"] == 1);
    CHECK(rig.last["tenant/b"].health == Health::healthy);
}
