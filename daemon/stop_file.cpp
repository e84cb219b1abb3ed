// Why: see stop_file.hpp.
#include "daemon/stop_file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace leverd {

StopFile read_stop_file(const std::string& path) {
    struct stat found{};
    if (::lstat(path.c_str(), &found) == 0) {
        return {true, false, path + " exists"};
    }
    const int problem = errno;
    if (problem == ENOENT) {
        return {};
    }
    return {true, true,
            fmt::format("whether {} is there cannot be read ({}), so it counts as there: mend "
                        "that, or set daemon.stop_file to another path",
                        path, std::strerror(problem))};
}

}  // namespace leverd
