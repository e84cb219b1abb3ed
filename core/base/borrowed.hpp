// Why: what a coroutine reads it owns with others, so that a reload cannot take it away. Where the
// owner is known to live longer (a test's own settings, a tool that runs once) nothing need be
// copied: a borrowed pointer looks like an owning one and owns nothing.
#pragma once

#include <memory>

namespace leverd {

template <class T>
std::shared_ptr<const T> borrowed(const T& lives_longer) {
    return std::shared_ptr<const T>(std::shared_ptr<const void>(), &lives_longer);
}

}  // namespace leverd
