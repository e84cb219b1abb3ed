// Why: see line.hpp.
#include "exporters/web/line.hpp"

#include "core/net/asio_use.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

namespace leverd::exporters::web {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using net::tuple_token;

struct Ticket {
    Ticket(const asio::any_io_executor& executor, std::string what, Line::Work how)
        : key(std::move(what)), work(std::move(how)), done(executor) {
        done.expires_at(asio::steady_timer::time_point::max());
    }

    std::string key;
    Line::Work work;
    std::optional<Response> answer;
    bool dropped = false;     // nobody works on it any more
    asio::steady_timer done;  // never expires; cancelled when there is an answer
};

}  // namespace

struct Line::State {
    State(asio::any_io_executor where, net::TaskGroup& group, std::string task, std::size_t most)
        : executor(std::move(where)), tasks(group), name(std::move(task)), waiting_max(most) {}

    asio::any_io_executor executor;
    net::TaskGroup& tasks;
    std::string name;
    std::size_t waiting_max;
    std::deque<std::shared_ptr<Ticket>> waiting;
    bool working = false;
    std::uint64_t begun = 0;
    std::uint64_t shared = 0;
    std::uint64_t refused = 0;
};

namespace {

Response not_made() {
    return error_response(503, "this answer could not be made",
                          "ask for less at once, or try again in a moment");
}

void drop(Ticket& ticket) {
    ticket.dropped = true;
    ticket.work = nullptr;
    ticket.done.cancel();
}

awaitable<void> answer_one(std::shared_ptr<Ticket> ticket) {
    try {
        ticket->answer = co_await ticket->work();
    } catch (const std::exception&) {
        // Out of memory, most likely; the next one may ask for less.
        ticket->answer = not_made();
    }
    ticket->work = nullptr;
    ticket->done.cancel();
}

// Whatever ends the work, nobody waits for it afterwards and the next request begins it anew.
template <class State>
class AtWork {
  public:
    explicit AtWork(State& state) : state_(state) {}
    ~AtWork() {
        if (now) {
            drop(*now);
        }
        for (const auto& ticket : state_.waiting) {
            drop(*ticket);
        }
        state_.waiting.clear();
        state_.working = false;
    }
    AtWork(const AtWork&) = delete;
    AtWork& operator=(const AtWork&) = delete;

    std::shared_ptr<Ticket> now;

  private:
    State& state_;
};

template <class State>
awaitable<void> work_through(std::shared_ptr<State> state) {
    AtWork at_work(*state);
    bool over = co_await net::is_cancelled();
    while (!state->waiting.empty() && !over) {
        const std::shared_ptr<Ticket> ticket = state->waiting.front();
        state->waiting.pop_front();
        ++state->begun;
        at_work.now = ticket;
        co_await answer_one(ticket);
        at_work.now.reset();
        // Whatever else became ready meanwhile goes first.
        co_await asio::post(state->executor, tuple_token);
        over = co_await net::is_cancelled();
    }
}

}  // namespace

Line::Line(asio::any_io_executor executor, net::TaskGroup& tasks, std::string name,
           std::size_t waiting_max)
    : state_(std::make_shared<State>(std::move(executor), tasks, std::move(name), waiting_max)) {}

Line::~Line() = default;

awaitable<Response> Line::ask(std::string key, Work work) {
    const std::shared_ptr<State> state = state_;
    const auto same = std::find_if(state->waiting.begin(), state->waiting.end(),
                                   [&key](const auto& other) { return other->key == key; });
    std::shared_ptr<Ticket> ticket;
    if (same != state->waiting.end()) {
        ticket = *same;
        ++state->shared;
    } else if (state->waiting.size() >= state->waiting_max) {
        ++state->refused;
        Response full = error_response(503, "too many large answers are being asked for",
                                       "try again in a moment, or ask for less at once");
        full.headers.emplace_back("Retry-After", "1");
        co_return full;
    } else {
        ticket = std::make_shared<Ticket>(state->executor, std::move(key), std::move(work));
        state->waiting.push_back(ticket);
    }
    if (!state->working) {
        state->working = true;
        try {
            state->tasks.spawn(state->name, work_through(state));
        } catch (...) {
            state->working = false;
            state->waiting.clear();
            throw;
        }
    }
    bool over = co_await net::is_cancelled();
    while (!ticket->answer && !ticket->dropped && !over) {
        [[maybe_unused]] const auto woken = co_await ticket->done.async_wait(tuple_token);
        over = co_await net::is_cancelled();
    }
    if (!ticket->answer && !over) {
        co_return not_made();
    }
    if (!ticket->answer) {
        co_return error_response(503, "leverd is stopping", "try again when it is back");
    }
    co_return *ticket->answer;
}

std::size_t Line::waiting() const {
    return state_->waiting.size();
}
std::uint64_t Line::begun() const {
    return state_->begun;
}
std::uint64_t Line::shared() const {
    return state_->shared;
}
std::uint64_t Line::refused() const {
    return state_->refused;
}

}  // namespace leverd::exporters::web
