// Why: see topology.hpp.
#include "policies/topology.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <optional>

namespace leverd {
namespace {

// "tenant/{tenant}" with the child's attributes; nullopt when one of them is unknown.
std::optional<Subject> expand(std::string_view pattern, const Subject& child,
                              const Attributes& attributes) {
    std::string out;
    while (!pattern.empty()) {
        const auto open = pattern.find('{');
        out += pattern.substr(0, open);
        if (open == std::string_view::npos) {
            break;
        }
        const auto close = pattern.find('}', open);
        if (close == std::string_view::npos) {
            return std::nullopt;
        }
        const std::string key(pattern.substr(open + 1, close - open - 1));
        const auto found = attributes.find(key);
        if (found != attributes.end()) {
            out += found->second;
        } else if (key == "name") {
            out += child.name();
        } else {
            return std::nullopt;
        }
        pattern.remove_prefix(close + 1);
    }
    return Subject{out};
}

}  // namespace

const Attributes& attributes_of(const State& state, const Subject& subject) {
    static const Attributes none;
    const auto found = state.subjects.find(subject);
    return found == state.subjects.end() ? none : found->second.attributes;
}

std::vector<Subject> parents_of(const Runbook& runbook, const State& state,
                                const Subject& subject) {
    std::vector<Subject> parents;
    for (const auto& rule : runbook.topology) {
        if (rule.kind != subject.kind()) {
            continue;
        }
        for (const auto& pattern : rule.parents) {
            if (auto parent = expand(pattern, subject, attributes_of(state, subject))) {
                parents.push_back(std::move(*parent));
            }
        }
    }
    return parents;
}

std::vector<Subject> ancestors_of(const Runbook& runbook, const State& state,
                                  const Subject& subject) {
    std::vector<Subject> found;
    std::vector<Subject> level{subject};
    while (!level.empty()) {
        std::vector<Subject> next;
        for (const auto& child : level) {
            for (auto& parent : parents_of(runbook, state, child)) {
                const bool known =
                    parent == subject || std::ranges::find(found, parent) != found.end();
                if (!known) {
                    found.push_back(parent);
                    next.push_back(std::move(parent));
                }
            }
        }
        level = std::move(next);
    }
    return found;
}

bool is_ancestor(const Runbook& runbook, const State& state, const Subject& above,
                 const Subject& below) {
    const auto all = ancestors_of(runbook, state, below);
    return std::ranges::find(all, above) != all.end();
}

Subject ancestor_of_kind(const Runbook& runbook, const State& state, const Subject& subject,
                         std::string_view kind) {
    for (const auto& above : ancestors_of(runbook, state, subject)) {
        if (above.kind() == kind) {
            return above;
        }
    }
    return Subject{};
}

bool subject_matches(std::string_view pattern, const Subject& subject) {
    return pattern == "*" || pattern == "**" || glob_match(pattern, subject.text());
}

}  // namespace leverd
