// Why: the word of every enumerator in one table, so that writing and reading cannot disagree.
// Private to core/model.
#pragma once

#include "core/model/entry.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace leverd {

// Specialised for every stored enum: the names in the order of the enumerators, which count from 0.
template <class E>
struct EnumNames;

template <>
struct EnumNames<Health> {
    static constexpr std::array<std::string_view, 4> names{"healthy", "degraded", "failing",
                                                           "unknown"};
    static_assert(static_cast<std::size_t>(Health::unknown) + 1 == names.size());
};
template <>
struct EnumNames<Origin> {
    static constexpr std::array<std::string_view, 2> names{"target", "local"};
    static_assert(static_cast<std::size_t>(Origin::local) + 1 == names.size());
};
template <>
struct EnumNames<Mode> {
    static constexpr std::array<std::string_view, 4> names{"observe", "recommend", "approve",
                                                           "auto"};
    static_assert(static_cast<std::size_t>(Mode::automatic) + 1 == names.size());
};
template <>
struct EnumNames<Action> {
    static constexpr std::array<std::string_view, 5> names{"none", "hold", "recommend", "ask",
                                                           "fire"};
    static_assert(static_cast<std::size_t>(Action::fire) + 1 == names.size());
};
template <>
struct EnumNames<OutcomeKind> {
    static constexpr std::array<std::string_view, 4> names{"accepted", "refused", "failed",
                                                           "unknown"};
    static_assert(static_cast<std::size_t>(OutcomeKind::unknown) + 1 == names.size());
};
template <>
struct EnumNames<Took> {
    static constexpr std::array<std::string_view, 3> names{"yes", "no", "unclear"};
    static_assert(static_cast<std::size_t>(Took::unclear) + 1 == names.size());
};
template <>
struct EnumNames<VerdictKind> {
    static constexpr std::array<std::string_view, 4> names{"recovered", "not_recovered", "worse",
                                                           "inconclusive"};
    static_assert(static_cast<std::size_t>(VerdictKind::inconclusive) + 1 == names.size());
};
template <>
struct EnumNames<Severity> {
    static constexpr std::array<std::string_view, 3> names{"info", "warning", "critical"};
    static_assert(static_cast<std::size_t>(Severity::critical) + 1 == names.size());
};
template <>
struct EnumNames<PageStatus> {
    static constexpr std::array<std::string_view, 3> names{"firing", "recovered", "resolved"};
    static_assert(static_cast<std::size_t>(PageStatus::resolved) + 1 == names.size());
};
template <>
struct EnumNames<Reversibility> {
    static constexpr std::array<std::string_view, 3> names{"reversible", "restores_old_state",
                                                           "irreversible"};
    static_assert(static_cast<std::size_t>(Reversibility::irreversible) + 1 == names.size());
};

template <>
struct EnumNames<BreakerPhase> {
    static constexpr std::array<std::string_view, 3> names{"closed", "open", "half_open"};
    static_assert(static_cast<std::size_t>(BreakerPhase::half_open) + 1 == names.size());
};

// "invalid" is no enumerator's word, so what was written from a bad value is refused when read.
template <class E>
constexpr std::string_view enum_name(E value) {
    const auto index = static_cast<std::size_t>(value);
    return index < EnumNames<E>::names.size() ? EnumNames<E>::names[index] : "invalid";
}

template <class E>
constexpr std::optional<E> enum_from_name(std::string_view name) {
    for (std::size_t i = 0; i < EnumNames<E>::names.size(); ++i) {
        if (EnumNames<E>::names[i] == name) {
            return static_cast<E>(i);
        }
    }
    return std::nullopt;
}

}  // namespace leverd
