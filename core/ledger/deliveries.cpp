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
#include <sstream>

namespace leverd {
namespace {

constexpr std::size_t id_bytes = 32;
// Twice as many lines as are kept, of fifty bytes each, and room to spare.
constexpr std::size_t file_bytes_max = 16U << 20;

bool is_id(std::string_view text) {
    return text.size() == id_bytes && text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::string line_of(const std::string& id, WallTime at) {
    return fmt::format("{} {}\n", to_millis(at), id);
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
        std::int64_t at = 0;
        const char* end = line.data() + line.size();
        const auto [stop, bad] = std::from_chars(line.data(), end, at);
        if (bad != std::errc{} || stop == end || *stop != ' ') {
            continue;
        }
        const std::string id(stop + 1, end);
        // A clock that was wrong may have left times to come; they must not last for ever.
        const WallTime seen = std::min(WallTime{Millis{at}}, now);
        if (is_id(id) && seen >= now - kept_for) {
            out.remember(id, seen);
        }
    }
    out.compact();
    if (!out.file_.valid()) {
        return Error{"cannot write " + path.string() + ": " + ledger::errno_text(errno),
                     "check the owner and the free space of the state directory"};
    }
    return out;
}

bool Deliveries::is_new(const std::vector<std::string>& ids, WallTime now) {
    forget_old(now);
    const bool fresh = std::none_of(ids.begin(), ids.end(),
                                    [this](const std::string& id) { return known_.contains(id); });
    if (!fresh) {
        // Nothing new is learnt from a replay, or a flood of them would wash out the memory.
        return false;
    }
    for (const std::string& id : ids) {
        if (is_id(id) && !known_.contains(id)) {
            remember(id, now);
            append(id, now);
        }
    }
    return true;
}

void Deliveries::remember(const std::string& id, WallTime at) {
    if (known_.insert(id).second) {
        order_.emplace_back(at, id);
    }
    if (order_.size() > kept_max) {
        known_.erase(order_.front().second);
        order_.pop_front();
    }
}

void Deliveries::forget_old(WallTime now) {
    while (!order_.empty() && order_.front().first < now - kept_for) {
        known_.erase(order_.front().second);
        order_.pop_front();
    }
}

void Deliveries::append(const std::string& id, WallTime at) {
    if (!file_.valid()) {
        return;
    }
    if (lines_ >= 2 * kept_max) {
        compact();
        return;
    }
    const std::string line = line_of(id, at);
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
    for (const auto& [at, id] : order_) {
        text += line_of(id, at);
    }
    const auto written = ::write(file.get(), text.data(), text.size());
    if (written != static_cast<ssize_t>(text.size()) ||
        ::rename(fresh.c_str(), path_.c_str()) != 0) {
        return;
    }
    file_ = std::move(file);
    lines_ = order_.size();
}

}  // namespace leverd
