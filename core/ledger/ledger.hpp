// Why: the durable, append-only record that everything is folded from. An awaitable interface, so
// that an embedded and a shared store look the same to the driver.
#pragma once

#include "core/base/result.hpp"
#include "core/model/entry.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace leverd {

struct StoredEntry {
    std::int64_t sequence = 0;  // 1, 2, 3 ... without a hole
    Now now;
    std::string kind;
    std::string json;
    std::string hash;  // over previous hash, sequence, times, kind and json
};

struct LedgerReport {
    std::int64_t entries = 0;
    std::string last_hash;
    // The witness knows of everything that protects somebody; else no lever may be fired on it.
    bool witnessed = true;
};

class Ledger {
  public:
    virtual ~Ledger() = default;

    // One transaction: all entries are durable when this completes with success, none when it
    // fails.
    virtual boost::asio::awaitable<Result<LedgerReport>> append(std::vector<Entry> entries) = 0;

    // Entries with sequence > after, oldest first, at most `limit`. Any thread may have written
    // them.
    virtual boost::asio::awaitable<Result<std::vector<StoredEntry>>> read(std::int64_t after,
                                                                          std::size_t limit) = 0;
};

}  // namespace leverd
