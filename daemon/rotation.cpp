// Why: see rotation.hpp.
#include "daemon/rotation.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

namespace leverd {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 6> stores{
    "/etc/credstore",           "/run/credstore",           "/usr/lib/credstore",
    "/etc/credstore.encrypted", "/run/credstore.encrypted", "/usr/lib/credstore.encrypted"};

bool later(const timespec& a, const timespec& b) {
    return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

std::optional<struct stat> look_at(const fs::path& path) {
    struct stat found{};
    if (::stat(path.c_str(), &found) != 0) {
        return std::nullopt;
    }
    return found;
}

// The first original of this name, as systemd would find it.
std::optional<fs::path> original_of(const std::string& credential, const fs::path& config_path) {
    std::vector<fs::path> places{config_path.parent_path() / "credentials"};
    places.insert(places.end(), stores.begin(), stores.end());
    for (const auto& place : places) {
        if (look_at(place / credential)) {
            return place / credential;
        }
    }
    return std::nullopt;
}

// A file that was moved over the old one keeps its own time of writing, so both times count.
bool changed_since(const fs::path& original, const fs::path& copy) {
    const auto now = look_at(original);
    const auto then = look_at(copy);
    return now && then &&
           (later(now->st_mtim, then->st_mtim) || later(now->st_ctim, then->st_mtim));
}

bool differs(const Snapshot& a, const Snapshot& b, const std::string& name) {
    const auto one = a.secrets.find(name);
    const auto other = b.secrets.find(name);
    return one != a.secrets.end() && other != b.secrets.end() &&
           !equal_constant_time(one->second, other->second.reveal());
}

}  // namespace

std::vector<std::string> secrets_left_behind(const Snapshot& begun_with, const Snapshot& now,
                                             const fs::path& config_path) {
    std::vector<std::string> lines;
    const char* delivered = std::getenv("CREDENTIALS_DIRECTORY");  // NOLINT(concurrency-mt-unsafe)
    for (const auto& [name, source] : now.config.secrets) {
        if (source.credential.empty() || delivered == nullptr) {
            continue;
        }
        const auto original = original_of(source.credential, config_path);
        if (original && changed_since(*original, fs::path(delivered) / source.credential)) {
            lines.push_back(
                fmt::format("[secrets] {}: {} changed after systemd made the copy that leverd uses",
                            name, original->string()));
        }
    }
    if (const auto& key = begun_with.config.ledger.key; differs(begun_with, now, key)) {
        lines.push_back(
            fmt::format("[secrets] {}: the ledger is written with the key of the start", key));
    }
    return lines;
}

std::vector<std::string> secrets_taken_up(const Snapshot& before, const Snapshot& now) {
    std::vector<std::string> names;
    for (const auto& [name, secret] : now.secrets) {
        if (differs(before, now, name)) {
            names.push_back(name);
        }
    }
    return names;
}

}  // namespace leverd
