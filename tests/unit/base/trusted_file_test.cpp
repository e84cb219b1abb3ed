// Why: a file that somebody else may write is somebody else's command to leverd. What is refused,
// what is not, and the remedy that is named.
#include "core/base/trusted_file.hpp"
#include "tests/catch.hpp"

#include <filesystem>
#include <fstream>
#include <string>

#include <stdlib.h>
#include <unistd.h>

using namespace leverd;
namespace fs = std::filesystem;

namespace {

constexpr uid_t stranger = 54'321;

class Folder {
  public:
    Folder() {
        std::string name = (fs::temp_directory_path() / "leverd-trust-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    fs::path file(const std::string& name, mode_t mode) const {
        const fs::path made = path / name;
        fs::create_directories(made.parent_path());
        std::ofstream(made) << "x";
        REQUIRE(::chmod(made.c_str(), mode) == 0);
        return made;
    }

    fs::path path;
};

// Who is judged. As root the test gives files away; else it judges for somebody who is not us.
const FileUser us = FileUser::current();
const FileUser other{stranger, stranger};

Error refused(const Result<void>& result) {
    REQUIRE(result.has_error());
    return result.error();
}

}  // namespace

TEST_CASE("a config that others may write is refused with the remedy") {
    const Folder folder;
    CHECK(check_believed_path(folder.file("good", 0644), us).has_value());
    CHECK(check_believed_path(folder.file("private", 0600), us).has_value());
    const auto open = folder.file("open", 0666);
    const Error error = refused(check_believed_path(open, us));
    CHECK(error.what == open.string() + ": mode 0666 lets others write it");
    CHECK(error.hint == "chmod go-w " + open.string());
    CHECK(refused(check_believed_path(folder.path / "gone", us)).what.find("No such file") !=
          std::string::npos);
}

TEST_CASE("a config of somebody else's is refused, root's never") {
    const Folder folder;
    const auto file = folder.file("config", 0644);
    if (us.uid == 0) {
        REQUIRE(::chown(file.c_str(), stranger, stranger) == 0);
        const Error error = refused(check_believed_path(file, us));
        CHECK(error.what.find("it belongs to 54321, who is neither root nor") != std::string::npos);
        CHECK(error.hint == "chown root " + file.string());
        // The owner's own leverd may read it; the folder is root's.
        CHECK(check_believed_path(file, other).has_value());
    } else {
        CHECK(refused(check_believed_path(file, other)).what.find("it belongs to") !=
              std::string::npos);
    }
    CHECK(check_believed_path("/etc/passwd", other).has_value());
}

TEST_CASE("a group may write only when it is leverd's own or root's") {
    const Folder folder;
    const auto file = folder.file("config", 0664);
    struct stat info{};
    REQUIRE(::stat(file.c_str(), &info) == 0);
    info.st_uid = us.uid;
    info.st_gid = us.gid;
    CHECK(check_believed("f", info, us).has_value());
    info.st_gid = 0;
    CHECK(check_believed("f", info, us).has_value());
    info.st_gid = stranger;
    CHECK(check_believed("f", info, us).has_error());
}

TEST_CASE("the directory of a config must be closed, too, also behind a link") {
    const Folder folder;
    const auto file = folder.file("open/config", 0644);
    REQUIRE(::chmod((folder.path / "open").c_str(), 0777) == 0);
    const Error error = refused(check_believed_path(file, us));
    CHECK(error.what ==
          (folder.path / "open").string() + ": mode 0777 lets others replace what is in it");
    CHECK(error.hint == "chmod go-w " + (folder.path / "open").string());
    const fs::path link = folder.path / "link";
    fs::create_symlink(file, link);
    CHECK(check_believed_path(link, us).has_error());
    // As /tmp is: nobody else can put another file in its place.
    REQUIRE(::chmod((folder.path / "open").c_str(), 01777) == 0);
    CHECK(check_believed_path(file, us).has_value());
    CHECK(check_believed_path(link, us).has_value());
}

TEST_CASE("a state directory is its user's alone") {
    const Folder folder;
    CHECK(check_state_directory(folder.path / "not-made-yet", us).has_value());
    CHECK(check_state_directory(folder.path, us).has_value());
    REQUIRE(::chmod(folder.path.c_str(), 0777) == 0);
    Error error = refused(check_state_directory(folder.path, us));
    CHECK(error.what.find("mode 0777 lets others write the ledger") != std::string::npos);
    CHECK(error.hint == "chmod 0700 " + folder.path.string());
    REQUIRE(::chmod(folder.path.c_str(), 0700) == 0);
    error = refused(check_state_directory(folder.path, other));
    CHECK(error.what.find("it belongs to") != std::string::npos);
    CHECK(error.hint.find("chown -R 54321 ") != std::string::npos);
    CHECK(check_state_directory(folder.file("file", 0600), us).has_error());
}

TEST_CASE("a secret is root's or leverd's own, and nobody else reads it") {
    struct stat info{};
    info.st_mode = S_IFREG | 0600;
    info.st_uid = stranger;
    CHECK(check_secret("s", info, other, 0077).has_value());
    const Error foreign = refused(check_secret("s", info, FileUser{0, 0}, 0077));
    CHECK(foreign.what.find("it belongs to 54321") != std::string::npos);
    CHECK(foreign.hint == "chown root s");
    info.st_uid = 0;
    CHECK(check_secret("s", info, other, 0077).has_value());
    info.st_mode = S_IFREG | 0640;
    CHECK(refused(check_secret("s", info, other, 0077)).hint == "chmod 0600 s");
    // systemd opens a credential to its service by an access list, which shows as group bits.
    CHECK(check_secret("s", info, other, 0007).has_value());
}

TEST_CASE("a program is there, executable and nobody else's to change") {
    const Folder folder;
    CHECK(check_program("/bin/sh", us).has_value());
    CHECK(check_program(folder.path / "gone", us).has_error());
    CHECK(refused(check_program(folder.file("plain", 0644), us)).hint.find("chmod +x") == 0);
    CHECK(check_program(folder.file("open", 0777), us).has_error());
    CHECK(check_program(folder.file("good", 0755), us).has_value());
}

TEST_CASE("root judges for the user whose state directory it is") {
    const Folder folder;
    if (us.uid == 0) {
        REQUIRE(::chown(folder.path.c_str(), stranger, stranger) == 0);
        CHECK(FileUser::of_state(folder.path).uid == stranger);
    }
    CHECK(FileUser::of_state(folder.path / "gone").uid == us.uid);
}
