// Why: "what did leverd do about this before" is answered from the ledger, newest first, with a
// bound on how much of a long ledger one question may read.
#pragma once

#include "exporters/web/backend.hpp"
#include "exporters/web/worker.hpp"

#include <boost/asio/awaitable.hpp>

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace leverd::exporters::web {

inline constexpr std::size_t history_page = 500;
inline constexpr std::size_t history_pages_max = 40;  // 20 000 entries

struct History {
    std::vector<StoredEntry> entries;
    bool complete = true;  // false: older entries were not looked at
};

// The newest `wanted` decisions about this subject, newest first.
boost::asio::awaitable<Result<History>> past_decisions(Backend& backend, Worker* worker,
                                                       std::string subject, std::size_t wanted);

// Everything the ledger holds of one incident, oldest first.
boost::asio::awaitable<Result<History>> incident_timeline(Backend& backend, Worker* worker,
                                                          std::string incident);

}  // namespace leverd::exporters::web
