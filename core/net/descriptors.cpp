// Why: see descriptors.hpp.
#include "core/net/descriptors.hpp"

#include <sys/resource.h>

namespace leverd::net {

bool leaves_reserve(int descriptor) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return true;
    }
    return static_cast<rlim_t>(descriptor) + descriptors_reserved < limit.rlim_cur;
}

}  // namespace leverd::net
