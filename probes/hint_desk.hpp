// Why: events come in storms, twice, and in any order, and none of that may cost more than one look
// at each thing. The desk keeps a bounded set of wishes and hands them to the scheduler in turn.
#pragma once

#include "core/base/time.hpp"
#include "core/model/hint.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <functional>
#include <set>
#include <vector>

namespace leverd::probes {

class HintDesk {
  public:
    static constexpr std::size_t waiting_max = 4096;
    // Between two hand-overs: the first wish of a quiet time does not wait at all.
    static constexpr Millis pace{20};

    // `wake` answers how many looks a hint meant. One executor.
    HintDesk(boost::asio::any_io_executor executor, std::function<std::size_t(const Hint&)> wake);

    // Never blocks. How many were dropped because the desk is full; one that waits already is not
    // taken twice and not dropped.
    std::uint64_t post(const std::vector<Hint>& hints);
    std::size_t waiting() const { return waiting_.size(); }

    // Ends when it is cancelled.
    boost::asio::awaitable<void> run();

  private:
    std::function<std::size_t(const Hint&)> wake_;
    boost::asio::steady_timer timer_;
    std::set<Hint> waiting_;
};

}  // namespace leverd::probes
