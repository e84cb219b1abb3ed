// Why: see deliveries.hpp. The file is appended to, and written anew once it has twice as many
// lines as are worth keeping.
#include "core/ledger/deliveries.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <sstream>

namespace leverd {
namespace {

constexpr std::size_t id_bytes = 32;
// Twice as many lines as are kept, of fifty bytes each, and room to spare.
constexpr std::size_t file_bytes_max = 16U << 20;

bool is_id(std::string_view text) {
    return text.size() == id_bytes && text.find_first_not_of("0123456789abcdef") == text.npos;
}

constexpr std::size_t source_bytes_max = 32;

bool is_source(std::string_view text) {
    return !text.empty() && text.size() <= source_bytes_max &&
           text.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == text.npos;
}

std::string line_of(std::string_view source, const std::string& id, WallTime at) {
    return fmt::format("{} {} {}\n", to_millis(at), id, source);
}

// What one line says; nothing when nobody wrote it so.
struct Line {
    WallTime at{};
    std::string id;
    std::string source;
};
std::optional<Line> read_line(const std::string& line) {
    std::int64_t at = 0;
    const char* end = line.data() + line.size();
    const auto [stop, bad] = std::from_chars(line.data(), end, at);
    if (bad != std::errc{} || stop == end || *stop != ' ') {
        return std::nullopt;
    }
    const std::string_view rest(stop + 1, static_cast<std::size_t>(end - stop - 1));
    const auto space = rest.find(' ');
    if (space == rest.npos || !is_id(rest.substr(0, space)) || !is_source(rest.substr(space + 1))) {
        return std::nullopt;
    }
    return Line{WallTime{Millis{at}}, std::string(rest.substr(0, space)),
                std::string(rest.substr(space + 1))};
}

// Nothing where it is not a plain file of that name: a link or a pipe was put there by somebody
// else.
std::string text_of(const std::filesystem::path& path) {
    const ledger::Descriptor file(
        ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat info{};
    std::string text;
    if (!file.valid() || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
        return text;
    }
    std::array<char, 16'384> block{};
    while (text.size() < file_bytes_max) {
        const ssize_t got = ::read(file.get(), block.data(), block.size());
        if (got <= 0) {
            break;
        }
        text.append(block.data(), static_cast<std::size_t>(got));
    }
    return text;
}

}  // namespace

Result<Deliveries> Deliveries::open(const std::filesystem::path& path, WallTime now) {
    Deliveries out;
    out.path_ = path;
    std::istringstream in(text_of(path));
    std::string line;
    while (std::getline(in, line)) {
        ++out.lines_;
        const auto read = read_line(line);
        if (!read) {
            continue;
        }
        // A clock that was wrong may have left times to come; they must not last for ever.
        const WallTime seen = std::min(read->at, now);
        if (seen >= now - kept_for) {
            out.sources_[read->source].remember(read->id, seen);
        }
    }
    out.compact();
    if (!out.file_.valid()) {
        return Error{"cannot write " + path.string() + ": " + ledger::errno_text(errno),
                     "check the owner and the free space of the state directory"};
    }
    return out;
}

bool Deliveries::is_new(std::string_view source, const std::vector<std::string>& ids,
                        WallTime now) {
    Memory& memory = sources_[std::string(source)];
    memory.forget_old(now);
    const bool fresh = std::none_of(ids.begin(), ids.end(), [&memory](const std::string& id) {
        return memory.known.contains(id);
    });
    if (!fresh) {
        // Nothing new is learnt from a replay, or a flood of them would wash out the memory.
        return false;
    }
    for (const std::string& id : ids) {
        if (is_id(id) && !memory.known.contains(id)) {
            memory.remember(id, now);
            append(source, id, now);
        }
    }
    return true;
}

std::size_t Deliveries::size() const {
    std::size_t out = 0;
    for (const auto& [source, memory] : sources_) {
        out += memory.known.size();
    }
    return out;
}

void Deliveries::Memory::remember(const std::string& id, WallTime at) {
    if (known.insert(id).second) {
        order.emplace_back(at, id);
    }
    if (order.size() > kept_max) {
        known.erase(order.front().second);
        order.pop_front();
    }
}

void Deliveries::Memory::forget_old(WallTime now) {
    while (!order.empty() && order.front().first < now - kept_for) {
        known.erase(order.front().second);
        order.pop_front();
    }
}

void Deliveries::append(std::string_view source, const std::string& id, WallTime at) {
    if (!file_.valid()) {
        return;
    }
    if (lines_ >= 2 * std::max(kept_max, size())) {
        compact();
        return;
    }
    const std::string line = line_of(source, id, at);
    // A line that was not written is one delivery that a restart forgets.
    [[maybe_unused]] const auto written = ::write(file_.get(), line.data(), line.size());
    ++lines_;
}

// A crash in between leaves the old file whole.
void Deliveries::compact() {
    const std::filesystem::path fresh = path_.string() + ".new";
    // Whatever stands there under this name, a link above all, is not written through.
    ::unlink(fresh.c_str());
    ledger::Descriptor file(::open(
        fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_APPEND | O_CLOEXEC, 0600));
    if (!file.valid()) {
        return;
    }
    std::string text;
    std::size_t written_lines = 0;
    for (const auto& [source, memory] : sources_) {
        for (const auto& [at, id] : memory.order) {
            text += line_of(source, id, at);
            ++written_lines;
        }
    }
    const auto written = ::write(file.get(), text.data(), text.size());
    if (written != static_cast<ssize_t>(text.size()) ||
        ::rename(fresh.c_str(), path_.c_str()) != 0) {
        return;
    }
    file_ = std::move(file);
    lines_ = written_lines;
}

}  // namespace leverd
