// Why: whoever may write leverd's configuration, secrets or state commands leverd. So none of them
// is believed while anybody but root and leverd's own user could have written it.
#pragma once

#include "core/base/result.hpp"

#include <filesystem>
#include <string>

#include <sys/stat.h>
#include <sys/types.h>

namespace leverd {

// For whom the files are judged.
struct FileUser {
    uid_t uid = 0;
    gid_t gid = 0;

    static FileUser current();
    // Who runs a daemon with this state directory: its owner, when we are root, who may become
    // anybody; else we ourselves.
    static FileUser of_state(const std::filesystem::path& state_directory);
};

// Each Error says what is wrong with the file and, as its hint, the command that mends it.

// A file that is read and believed: root's or the user's own, and nobody else may write it. Its
// group may when it is root's or the user's own.
Result<void> check_believed(const std::string& path, const struct stat& info, const FileUser& user);
// The file, through links, and the directories in which its name and its bytes stand. A directory
// with the sticky bit may be everybody's: nobody can put another file in the place of ours.
Result<void> check_believed_path(const std::filesystem::path& path, const FileUser& user);
// A file that must be secret besides: `forbidden` are the mode bits that it must not have.
Result<void> check_secret(const std::string& path, const struct stat& info, const FileUser& user,
                          mode_t forbidden);
// The directory that the user alone writes. One that is not there is fine.
Result<void> check_state_directory(const std::filesystem::path& path, const FileUser& user);
// A program that is run: there, executable and to be believed.
Result<void> check_program(const std::filesystem::path& path, const FileUser& user);

}  // namespace leverd
