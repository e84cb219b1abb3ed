// Why: what tests of pages ask and do again and again: what was sent, and time that passes while
// some tenants are down.
#pragma once

#include "tests/catch.hpp"
#include "tests/unit/policies/bench.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <string>
#include <vector>

namespace leverd::test {

inline std::vector<Paged> sent(const Bench& bench) {
    std::vector<Paged> found;
    for (const auto& effect : bench.asked<SendPage>()) {
        found.push_back(effect.page);
    }
    return found;
}

// "firing i-1 held/mode": what was sent, in order.
inline std::vector<std::string> heard(const Bench& bench) {
    std::vector<std::string> lines;
    for (const auto& page : sent(bench)) {
        const auto* status = page.status == PageStatus::firing      ? "firing"
                             : page.status == PageStatus::recovered ? "recovered"
                                                                    : "resolved";
        lines.push_back(fmt::format("{} {}{}", status, page.key, page.again ? " again" : ""));
    }
    return lines;
}

inline Paged newest(const Bench& bench) {
    const auto pages = bench.entries<Paged>();
    REQUIRE_FALSE(pages.empty());
    return pages.back();
}

// `down` goes on failing, every other tenant works.
inline void pass(Bench& bench, Millis time, const std::vector<std::string>& down,
                 Millis step = std::chrono::seconds{5}) {
    for (Millis gone{0}; gone < time; gone += step) {
        bench.advance(step);
        std::vector<std::string> working;
        for (const auto& [subject, held] : bench.view().subjects) {
            const std::string name(subject.name());
            if (subject.kind() == "tenant" && std::ranges::find(down, name) == down.end()) {
                working.push_back(name);
            }
        }
        for (int i = 0; i < 3; ++i) {
            bench.reference(i, true);
        }
        bench.look("control-plane", "control_plane", Health::healthy);
        for (const auto& name : working) {
            bench.good(name, 1);
        }
        for (const auto& name : down) {
            bench.bad(name);
        }
        bench.tick();
    }
}

inline Rules recommending() {
    auto rules = small_rules();
    rules.policies.policies[0].mode = Mode::recommend;
    return rules;
}

}  // namespace leverd::test
