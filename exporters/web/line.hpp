// Why: twenty people who each ask for the whole ledger must not hold up the one who scrapes, nor
// the loop that looks at production. What costs much is done one at a time, in the order of asking,
// with the loop free for others in between; the line is short, and who finds it full is told when
// to come back.
#pragma once

#include "core/net/task_group.hpp"
#include "exporters/web/http.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace leverd::exporters::web {

class Line {
  public:
    using Work = std::function<boost::asio::awaitable<Response>()>;

    // `name` is what the work is called as a task. `tasks` outlives the line.
    Line(boost::asio::any_io_executor executor, net::TaskGroup& tasks, std::string name,
         std::size_t waiting_max);
    ~Line();

    // The answer of `work`, or 503 when too many wait. Who asks for the same `key` as somebody who
    // still waits gets the answer of that one: it is not begun yet, so it cannot be older than the
    // question.
    boost::asio::awaitable<Response> ask(std::string key, Work work);

    std::size_t waiting() const;
    std::uint64_t begun() const;    // pieces of work
    std::uint64_t shared() const;   // questions answered by the work of another
    std::uint64_t refused() const;  // questions that found the line full

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace leverd::exporters::web
