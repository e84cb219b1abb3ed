// Why: one process per state directory. The directory and its lock file come first; nothing in it
// is read or written before the lock is held. Private to core/ledger.
#pragma once

#include "core/ledger/sqlite_ledger.hpp"

#include <filesystem>
#include <string>

namespace leverd::ledger {

template <class T>
using OpenResult = boost::system::result<T, LedgerOpenError>;

// "Invalid argument" and the like, for `number` of errno.
std::string errno_text(int number);

// A file descriptor that closes itself.
class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    Descriptor& operator=(Descriptor&& other) noexcept;
    ~Descriptor();
    int get() const { return fd_; }
    bool valid() const { return fd_ >= 0; }

  private:
    int fd_ = -1;
};

// Creates `directory` (mode 0700) when it is missing and locks <directory>/lock until the result
// dies.
OpenResult<Descriptor> lock_state_directory(const std::filesystem::path& directory);

}  // namespace leverd::ledger
