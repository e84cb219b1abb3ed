// Why: see pool.hpp.
#include "core/net/pool.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace leverd::net {
namespace {

constexpr std::ptrdiff_t per_target_max = 2;
constexpr std::chrono::seconds dead_pace{1};

// Nothing to read is what a sound idle connection looks like; an end of stream, an error or any
// byte means that its next request would go astray.
bool is_quiet(boost::asio::ip::tcp::socket& socket) {
    if (!socket.is_open()) {
        return false;
    }
    char byte = 0;
    const auto n = ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace

std::unique_ptr<Stream> Pool::take(const std::string& key) {
    sweep();
    for (auto at = idle_.end(); at != idle_.begin();) {
        --at;
        if (at->key != key) {
            continue;
        }
        std::unique_ptr<Stream> stream = std::move(at->stream);
        at = idle_.erase(at);
        if (is_quiet(stream->socket())) {
            return stream;
        }
    }
    return nullptr;
}

void Pool::give(std::string key, std::unique_ptr<Stream> stream) {
    sweep();
    if (connections_max_ == 0 || !stream->socket().is_open()) {
        return;
    }
    // Looks that overlap for a moment, as when all of them are late or tried again, would leave one
    // connection each.
    const auto same = [&key](const Idle& row) { return row.key == key; };
    if (std::count_if(idle_.begin(), idle_.end(), same) >= per_target_max) {
        idle_.erase(std::find_if(idle_.begin(), idle_.end(), same));
    }
    if (idle_.size() >= connections_max_) {
        idle_.pop_front();
    }
    Idle row;
    row.key = std::move(key);
    row.stream = std::move(stream);
    row.since = std::chrono::steady_clock::now();
    idle_.push_back(std::move(row));
}

void Pool::sweep() {
    const auto now = std::chrono::steady_clock::now();
    while (!idle_.empty() && now - idle_.front().since >= idle_for_) {
        idle_.pop_front();
    }
    // What the other side has closed holds a descriptor here until somebody looks.
    if (now - dead_sought_ >= dead_pace) {
        dead_sought_ = now;
        idle_.remove_if([](const Idle& row) { return !is_quiet(row.stream->socket()); });
    }
}

}  // namespace leverd::net
