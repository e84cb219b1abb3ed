// Why: the only place that turns a secret's source into its value. It says which secret failed and
// where it was looked for, never what was found there.
#include "config/load.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace leverd::config {
namespace {

constexpr std::size_t secret_bytes_max = 65'536;

// systemd gives a credential to its service through an access list, which shows as group bits; the
// rest of the world must be shut out all the same.
constexpr mode_t forbidden_for_file = 0077;
constexpr mode_t forbidden_for_credential = 0007;

Result<std::string> read_private_file(const std::string& path, const FileUser& user,
                                      mode_t forbidden) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return Error{fmt::format("{}: {}", path, std::strerror(errno)), ""};
    }
    struct stat info{};
    std::string bytes;
    Result<void> fit;
    if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        fit = Error{path + ": not a regular file", ""};
    } else if (fit = check_secret(path, info, user, forbidden); fit) {
        bytes.resize(secret_bytes_max + 1);
        const ssize_t got = ::read(fd, bytes.data(), bytes.size());
        if (got < 0) {
            fit = Error{fmt::format("{}: {}", path, std::strerror(errno)), ""};
        }
        bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    }
    ::close(fd);
    if (bytes.size() > secret_bytes_max) {
        fit = Error{fmt::format("{}: larger than {} bytes", path, secret_bytes_max), ""};
    }
    if (!fit) {
        wipe(bytes);
        return fit.error();
    }
    return Result<std::string>(boost::system::in_place_value, std::move(bytes));
}

Result<std::string> read_source_bytes(const SecretSource& source, const FileUser& user) {
    if (!source.file.empty()) {
        return read_private_file(source.file, user, forbidden_for_file);
    }
    if (!source.credential.empty()) {
        const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
        if (folder == nullptr || *folder == '\0') {
            return Error{
                fmt::format("credential {}: CREDENTIALS_DIRECTORY is not set", source.credential),
                "systemd sets it for a unit with LoadCredential="};
        }
        return read_private_file(std::string(folder) + "/" + source.credential, user,
                                 forbidden_for_credential);
    }
    if (!source.environment.empty()) {
        const char* value = std::getenv(source.environment.c_str());
        if (value == nullptr) {
            return Error{fmt::format("environment variable {}: not set", source.environment),
                         "set it for leverd's own process"};
        }
        return Result<std::string>(boost::system::in_place_value, value);
    }
    return Error{"no source", "one of file, credential and environment"};
}

// A secret goes into a header line, so it must be one line.
Result<Secret> read_one(const SecretSource& source, const FileUser& user) {
    Result<std::string> bytes = read_source_bytes(source, user);
    if (bytes.has_error()) {
        return bytes.error();
    }
    std::string value = std::move(*bytes);
    if (value.ends_with('\n')) {
        value.pop_back();
        if (value.ends_with('\r')) {
            value.pop_back();
        }
    }
    const bool control = std::any_of(value.begin(), value.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
    const bool empty = value.empty();
    const std::string& place = !source.file.empty()         ? source.file
                               : !source.credential.empty() ? source.credential
                                                            : source.environment;
    Secret secret(std::move(value));
    if (empty || control) {
        return Error{fmt::format("{}: {}", place,
                                 empty ? "it is empty" : "it is not one line of plain text"),
                     ""};
    }
    return secret;
}

}  // namespace

Result<Secret> read_secret(const std::string& name, const SecretSource& source,
                           const FileUser& user) {
    Result<Secret> secret = read_one(source, user);
    if (secret.has_error()) {
        return wrap(fmt::format("secret '{}'", name), secret.error());
    }
    return secret;
}

Result<std::map<std::string, Secret>> read_secrets(const Config& config) {
    std::map<std::string, Secret> secrets;
    for (const auto& [name, source] : config.secrets) {
        Result<Secret> secret = read_secret(name, source, FileUser::current());
        if (secret.has_error()) {
            return secret.error();
        }
        secrets.emplace(name, std::move(*secret));
    }
    return secrets;
}

}  // namespace leverd::config
