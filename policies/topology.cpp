// Why: see topology.hpp.
#include "policies/topology.hpp"

#include "core/base/text.hpp"

#include <algorithm>
#include <optional>

namespace leverd {
namespace {

constexpr std::size_t value_bytes_max = 128;

// Attributes come from outside; what would make an odd subject makes none.
bool is_safe(std::string_view value) {
    return !value.empty() && value.size() <= value_bytes_max &&
           std::ranges::all_of(value, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_' || c == '.' || c == ':' || c == '/';
           });
}

// "tenant/{tenant}" with the child's attributes; nullopt when one of them is unknown.
std::optional<Subject> expand(std::string_view pattern, const State& state, const Subject& child) {
    const auto held = state.subjects.find(child);
    const auto& attributes = attributes_of(state, child);
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
        if (found != attributes.end() && is_safe(found->second)) {
            out += found->second;
        } else if (key == "name") {
            out += child.name();
        } else if (key == "version" && held != state.subjects.end() &&
                   is_safe(held->second.version)) {
            out += held->second.version;
        } else {
            return std::nullopt;
        }
        pattern.remove_prefix(close + 1);
    }
    return Subject{out};
}

}  // namespace

const SmallMap<std::string>& attributes_of(const State& state, const Subject& subject) {
    static const SmallMap<std::string> none;
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
            if (auto parent = expand(pattern, state, subject)) {
                parents.push_back(std::move(*parent));
            }
        }
    }
    return parents;
}

namespace {

Family find_ancestors(const Runbook& runbook, const State& state, const Subject& subject) {
    Family found;
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

}  // namespace

const std::vector<Subject>& ancestors_of(const Runbook& runbook, const State& state,
                                         const Subject& subject) {
    const auto held = state.subjects.find(subject);
    if (held == state.subjects.end()) {
        const auto [known, fresh] = state.ancestry.try_emplace(subject);
        if (fresh) {
            known->second = find_ancestors(runbook, state, subject);
        }
        return known->second;
    }
    auto& above = held->second.above;
    if (!above) {
        above = state.index.families.of(find_ancestors(runbook, state, subject));
        for (const auto& one : *above) {
            if (hangs_on_looks(runbook, state, one)) {
                state.index.dependents[one].insert(subject);
            }
        }
    }
    return *above;
}

bool hangs_on_looks(const Runbook& runbook, const State& state, const Subject& subject) {
    const bool renamed = attributes_of(state, subject).contains("name");
    return std::ranges::any_of(runbook.topology, [&](const TopologyRule& rule) {
        return rule.kind == subject.kind() &&
               std::ranges::any_of(rule.parents, [&](const std::string& pattern) {
                   auto at = pattern.find('{');
                   while (at != std::string::npos && !renamed &&
                          pattern.compare(at, 6, "{name}") == 0) {
                       at = pattern.find('{', at + 1);
                   }
                   return at != std::string::npos;
               });
    });
}

bool is_above_others(const Runbook& runbook, const Subject& subject) {
    const auto kind = subject.kind();
    return std::ranges::any_of(runbook.topology, [&](const TopologyRule& rule) {
        return std::ranges::any_of(rule.parents, [&](const std::string& pattern) {
            const auto head = std::string_view(pattern).substr(0, pattern.find_first_of("/{"));
            return head == kind || pattern.starts_with("{") ||
                   (kind.starts_with(head) && pattern.substr(head.size()).starts_with("{"));
        });
    });
}

bool is_ancestor(const Runbook& runbook, const State& state, const Subject& above,
                 const Subject& below) {
    const auto& all = ancestors_of(runbook, state, below);
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
