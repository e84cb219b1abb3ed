// Why: which page a sink has accepted must be known after a crash, or people are called again for
// what they know, or never hear that it is over. One small file beside the ledger, written by a
// thread of its own: a page never waits for a disk, and what cannot be written now is written as
// soon as it can be.
#pragma once

#include "core/base/result.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace leverd {

// What is kept of one page at one sink. An empty `json`: nothing any more.
struct OutboxRow {
    std::string sink;
    std::string key;
    std::string json;
};

class OutboxStore {
  public:
    // <directory>/outbox.db. Never fails: a file that cannot be read or written is said by
    // problem() and tried again; one that is damaged is moved aside first.
    explicit OutboxStore(const std::filesystem::path& directory);
    // Writes what is still waiting, once.
    ~OutboxStore();
    OutboxStore(const OutboxStore&) = delete;
    OutboxStore& operator=(const OutboxStore&) = delete;

    // What was there at the start; for the first caller.
    std::vector<OutboxRow> take_rows();
    // Never blocks. A row replaces the waiting one of the same sink and key.
    void save(std::vector<OutboxRow> rows);
    // Empty while everything was written or is about to be; else what is wrong and the next step.
    Error problem() const;
    // A damaged file that was put aside at the start; empty: there was none.
    std::string put_aside() const;
    // Waits until nothing is waiting or writing failed; for tests.
    void settle();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace leverd
