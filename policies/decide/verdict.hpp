// Why: each guard answers in the same three words: may it pass, why, and which value met which
// limit.
#pragma once

#include "policies/guards.hpp"

#include <chrono>
#include <string>
#include <utility>

namespace leverd {

inline GuardVerdict pass(std::string text, std::string value = {}, std::string limit = {}) {
    return GuardVerdict{{}, true, std::move(value), std::move(limit), std::move(text)};
}
inline GuardVerdict block(std::string text, std::string value = {}, std::string limit = {}) {
    return GuardVerdict{{}, false, std::move(value), std::move(limit), std::move(text)};
}
inline std::string since(Instant from, Instant now) {
    return shown_duration(std::chrono::duration_cast<Millis>(now - from));
}

}  // namespace leverd
