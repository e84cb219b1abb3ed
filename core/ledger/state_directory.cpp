// Why: see state_directory.hpp.
#include "core/ledger/state_directory.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace leverd::ledger {

namespace {

LedgerOpenError unwritable(const std::string& what, const std::filesystem::path& directory) {
    return {LedgerOpenFailure::unwritable,
            {what, fmt::format("make {} a directory that the user of leverd may write",
                               directory.string())}};
}

}  // namespace

std::string errno_text(int number) {
    return std::error_code(number, std::generic_category()).message();
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

Descriptor::~Descriptor() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

OpenResult<Descriptor> lock_state_directory(const std::filesystem::path& directory) {
    std::error_code failure;
    if (directory.has_parent_path()) {
        std::filesystem::create_directories(directory.parent_path(), failure);
    }
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
        const int number = errno;
        return unwritable(fmt::format("create {}: {}", directory.string(), errno_text(number)),
                          directory);
    }
    const std::filesystem::path path = directory / "lock";
    Descriptor lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock.valid()) {
        const int number = errno;
        return unwritable(fmt::format("open {}: {}", path.string(), errno_text(number)), directory);
    }
    while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        const int number = errno;
        if (number == EINTR) {
            continue;
        }
        if (number == EWOULDBLOCK) {
            return LedgerOpenError{
                LedgerOpenFailure::locked,
                {fmt::format("another process holds {}", path.string()),
                 "one leverd per state directory: stop the other one or use another directory"}};
        }
        return unwritable(fmt::format("lock {}: {}", path.string(), errno_text(number)), directory);
    }
    return lock;
}

}  // namespace leverd::ledger
