// Why: see pool.hpp.
#include "core/net/pool.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <utility>

namespace leverd::net {
namespace {

constexpr std::size_t per_target_max = 2;
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

Pool::Rows::iterator Pool::drop(Rows::iterator row) {
    const auto mine = of_target_.find(row->key);
    std::erase(mine->second, row);
    if (mine->second.empty()) {
        of_target_.erase(mine);
    }
    return idle_.erase(row);
}

Kept Pool::take(const std::string& key) {
    sweep();
    const auto now = std::chrono::steady_clock::now();
    for (auto mine = of_target_.find(key); mine != of_target_.end(); mine = of_target_.find(key)) {
        const auto newest = mine->second.back();
        Kept kept = std::move(newest->kept);
        drop(newest);
        if (now - kept.opened < age_max_ && is_quiet(kept.stream->socket())) {
            return kept;
        }
    }
    return {};
}

void Pool::keep_only(const std::string& key, const Addresses& addresses) {
    const auto mine = of_target_.find(key);
    if (mine == of_target_.end()) {
        return;
    }
    for (const auto& row : std::vector<Rows::iterator>(mine->second)) {
        boost::system::error_code gone;
        const auto peer = row->kept.stream->socket().remote_endpoint(gone);
        if (gone || std::ranges::find(addresses, peer.address()) == addresses.end()) {
            drop(row);
        }
    }
}

void Pool::give(std::string key, Kept kept) {
    sweep();
    const auto now = std::chrono::steady_clock::now();
    if (connections_max_ == 0 || !kept.stream->socket().is_open() ||
        now - kept.opened >= age_max_) {
        return;
    }
    // Looks that overlap for a moment, as when all of them are late or tried again, would leave one
    // connection each.
    const auto mine = of_target_.find(key);
    if (mine != of_target_.end() && mine->second.size() >= per_target_max) {
        drop(mine->second.front());
    }
    if (idle_.size() >= connections_max_) {
        drop(idle_.begin());
    }
    Idle row;
    row.key = key;
    row.kept = std::move(kept);
    row.since = now;
    of_target_[std::move(key)].push_back(idle_.insert(idle_.end(), std::move(row)));
}

void Pool::sweep() {
    const auto now = std::chrono::steady_clock::now();
    while (!idle_.empty() && now - idle_.front().since >= idle_for_) {
        drop(idle_.begin());
    }
    // What the other side has closed holds a descriptor here until somebody looks.
    if (now - dead_sought_ >= dead_pace) {
        dead_sought_ = now;
        for (auto row = idle_.begin(); row != idle_.end();) {
            row = is_quiet(row->kept.stream->socket()) ? std::next(row) : drop(row);
        }
    }
}

}  // namespace leverd::net
