// Why: see witness.hpp.
#include "core/ledger/witness.hpp"

#include "core/ledger/state_directory.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <charconv>

#include <fcntl.h>
#include <unistd.h>

namespace leverd::ledger {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t hash_bytes_max = 80;

Error unwritable(const char* verb, const fs::path& file, int number) {
    return Error{
        fmt::format("{} the ledger's witness {}: {}", verb, file.string(), errno_text(number)),
        fmt::format("make {} writable for the user that leverd runs as",
                    file.parent_path().string())};
}

// Empty when it is no witness' line.
std::optional<Tail> parse(std::string_view text) {
    Tail tail;
    const auto [end, failed] =
        std::from_chars(text.data(), text.data() + text.size(), tail.sequence);
    const auto rest = text.substr(static_cast<std::size_t>(end - text.data()));
    if (failed != std::errc{} || tail.sequence < 0 || rest.size() < 3 || rest.front() != ' ' ||
        rest.back() != '\n') {
        return std::nullopt;
    }
    tail.hash = std::string(rest.substr(1, rest.size() - 2));
    const bool plain = tail.hash.find_first_not_of("0123456789abcdefhmc:") == std::string::npos;
    return plain && tail.hash.size() <= hash_bytes_max ? std::optional(tail) : std::nullopt;
}

std::string newest(const Tail& tail) {
    return tail.sequence == 0 ? std::string("nothing") : fmt::format("entry {}", tail.sequence);
}

HistoryDoubted doubt(std::string why, const Tail& known, const Tail& found) {
    return HistoryDoubted{std::move(why), known.sequence, known.hash, found.sequence, found.hash};
}

}  // namespace

fs::path witness_path(const fs::path& directory) {
    return directory / "witness";
}

Result<std::optional<Tail>> read_witness(const fs::path& file) {
    const Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!opened.valid()) {
        if (errno == ENOENT) {
            return std::optional<Tail>{};
        }
        return unwritable("read", file, errno);
    }
    std::array<char, 160> bytes{};
    const auto count = ::read(opened.get(), bytes.data(), bytes.size());
    if (count < 0) {
        return unwritable("read", file, errno);
    }
    auto tail = parse(std::string_view(bytes.data(), static_cast<std::size_t>(count)));
    if (!tail) {
        return Error{fmt::format("the ledger's witness {} holds something else", file.string()),
                     "find out who changed it; leverd ledger verify compares what is there"};
    }
    return tail;
}

Result<void> write_witness(const fs::path& file, const Tail& tail) {
    const fs::path draft = file.string() + ".new";
    const Descriptor made(::open(
        draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
    if (!made.valid()) {
        return unwritable("create", draft, errno);
    }
    const std::string text = fmt::format("{} {}\n", tail.sequence, tail.hash);
    if (::write(made.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::fsync(made.get()) != 0 || ::rename(draft.c_str(), file.c_str()) != 0) {
        return unwritable("write", file, errno);
    }
    const Descriptor folder(::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.valid() || ::fsync(folder.get()) != 0) {
        return unwritable("flush", file, errno);
    }
    return {};
}

std::optional<HistoryDoubted> compare_with_witness(
    const std::vector<fs::path>& files, const Kept& kept,
    const std::function<std::optional<std::string>(std::int64_t)>& hash_of) {
    for (const fs::path& file : files) {
        const auto known = read_witness(file);
        if (!known) {
            return doubt(known.error().what, Tail{}, kept.last);
        }
        if (!*known) {
            if (kept.witnessed && &file == &files.front()) {
                return doubt(fmt::format("the ledger's witness {} is gone", file.string()), Tail{},
                             kept.last);
            }
            continue;
        }
        const Tail& mark = **known;
        if (mark.sequence > kept.last.sequence) {
            return doubt(fmt::format("the ledger ends with {}, but {} knows entry {}: what came "
                                     "after was cut off, or an older copy lies in its place",
                                     newest(kept.last), file.string(), mark.sequence),
                         mark, kept.last);
        }
        const auto hash = mark.sequence == kept.first.sequence ? std::optional(kept.first.hash)
                                                               : hash_of(mark.sequence);
        if (mark.sequence < kept.first.sequence || !hash) {
            return doubt(fmt::format("{} knows entry {}, which the ledger does not hold any more",
                                     file.string(), mark.sequence),
                         mark, kept.last);
        }
        if (*hash != mark.hash) {
            return doubt(fmt::format("entry {} of the ledger is another one than {} knows: the "
                                     "history was written anew",
                                     mark.sequence, file.string()),
                         mark, kept.last);
        }
    }
    return std::nullopt;
}

}  // namespace leverd::ledger
