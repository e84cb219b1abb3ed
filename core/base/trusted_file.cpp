// Why: see trusted_file.hpp.
#include "core/base/trusted_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

#include <pwd.h>
#include <unistd.h>

namespace leverd {
namespace {

namespace fs = std::filesystem;

std::string name_of(uid_t uid) {
    const passwd* entry = ::getpwuid(uid);
    return entry != nullptr ? std::string(entry->pw_name) : std::to_string(uid);
}

bool is_ours(uid_t owner, const FileUser& user) {
    return owner == 0 || owner == user.uid;
}

Error foreign(const std::string& path, uid_t owner, const FileUser& user, const std::string& to) {
    return Error{fmt::format("{}: it belongs to {}, who is neither root nor leverd's user {}", path,
                             name_of(owner), name_of(user.uid)),
                 fmt::format("chown {} {}", to, path)};
}

Error unreadable(const fs::path& path) {
    return Error{fmt::format("{}: {}", path.string(),
                             std::error_code(errno, std::generic_category()).message()),
                 ""};
}

// Which bits of the mode let somebody write who should not.
mode_t strangers(const struct stat& info, const FileUser& user) {
    const bool own_group = info.st_gid == 0 || info.st_gid == user.gid;
    return info.st_mode & (own_group ? mode_t{S_IWOTH} : mode_t{S_IWOTH | S_IWGRP});
}

Result<void> check_directory(const fs::path& path, const FileUser& user) {
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) {
        return unreadable(path);
    }
    if (!is_ours(info.st_uid, user)) {
        return foreign(path.string(), info.st_uid, user, "root");
    }
    if (strangers(info, user) != 0 && (info.st_mode & S_ISVTX) == 0) {
        return Error{fmt::format("{}: mode {:04o} lets others replace what is in it", path.string(),
                                 info.st_mode & 07777U),
                     fmt::format("chmod go-w {}", path.string())};
    }
    return {};
}

}  // namespace

FileUser FileUser::current() {
    return {::geteuid(), ::getegid()};
}

FileUser FileUser::of_state(const fs::path& state_directory) {
    struct stat info{};
    if (::geteuid() != 0 || ::stat(state_directory.c_str(), &info) != 0) {
        return current();
    }
    return {info.st_uid, info.st_gid};
}

Result<void> check_believed(const std::string& path, const struct stat& info,
                            const FileUser& user) {
    if (!is_ours(info.st_uid, user)) {
        return foreign(path, info.st_uid, user, "root");
    }
    if (strangers(info, user) != 0) {
        return Error{
            fmt::format("{}: mode {:04o} lets others write it", path, info.st_mode & 07777U),
            fmt::format("chmod go-w {}", path)};
    }
    return {};
}

Result<void> check_believed_path(const fs::path& path, const FileUser& user) {
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) {
        return unreadable(path);
    }
    if (auto file = check_believed(path.string(), info, user); !file) {
        return file;
    }
    std::error_code ignored;
    const fs::path named = fs::absolute(path, ignored).parent_path();
    const fs::path real = fs::canonical(path, ignored).parent_path();
    auto folder = check_directory(named, user);
    if (!folder || real.empty() || real == named) {
        return folder;
    }
    return check_directory(real, user);
}

Result<void> check_secret(const std::string& path, const struct stat& info, const FileUser& user,
                          mode_t forbidden) {
    if (!is_ours(info.st_uid, user)) {
        return foreign(path, info.st_uid, user, name_of(user.uid));
    }
    if ((info.st_mode & forbidden) != 0) {
        return Error{
            fmt::format("{}: mode {:04o} lets others read it", path, info.st_mode & 07777U),
            fmt::format("chmod 0600 {}", path)};
    }
    return {};
}

Result<void> check_state_directory(const fs::path& path, const FileUser& user) {
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) {
        return errno == ENOENT ? Result<void>() : Result<void>(unreadable(path));
    }
    if (!S_ISDIR(info.st_mode)) {
        return Error{path.string() + ": it is not a directory", "move it away"};
    }
    if (info.st_uid != user.uid) {
        return Error{fmt::format("{}: it belongs to {}, and leverd runs as {}", path.string(),
                                 name_of(info.st_uid), name_of(user.uid)),
                     fmt::format("run leverd as {}, or chown -R {} {}", name_of(info.st_uid),
                                 name_of(user.uid), path.string())};
    }
    if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return Error{fmt::format("{}: mode {:04o} lets others write the ledger", path.string(),
                                 info.st_mode & 07777U),
                     fmt::format("chmod 0700 {}", path.string())};
    }
    return {};
}

Result<void> check_program(const fs::path& path, const FileUser& user) {
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0) {
        return unreadable(path);
    }
    if (!S_ISREG(info.st_mode) || (info.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0) {
        return Error{path.string() + ": it is not a program",
                     fmt::format("chmod +x {}", path.string())};
    }
    return check_believed_path(path, user);
}

}  // namespace leverd
