// Why: see pager.hpp.
#include "exporters/pager/pager.hpp"

#include "core/base/text.hpp"
#include "core/net/asio_use.hpp"
#include "core/net/clock.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace asio = boost::asio;

namespace leverd::exporters {
namespace {

constexpr Millis attempt_timeout{10'000};
constexpr Millis longest_rest{60'000};
constexpr Millis test_lasts{5 * 60'000};

// Whatever ends an attempt, also an exception or a cancellation, its slot is free again.
class GivenBack {
  public:
    GivenBack(Outbox& outbox, const Outbox::Attempt& attempt, const Clock& clock)
        : outbox_(outbox), attempt_(attempt), clock_(clock) {}
    ~GivenBack() { outbox_.ended(attempt_, end, clock_.now()); }
    GivenBack(const GivenBack&) = delete;
    GivenBack& operator=(const GivenBack&) = delete;

    std::optional<AttemptEnd> end;

  private:
    Outbox& outbox_;
    const Outbox::Attempt& attempt_;
    const Clock& clock_;
};

// A text alone could become either side of a Result of text.
Result<std::string> in_words(std::string text) {
    return {boost::system::in_place_value, std::move(text)};
}

Paged test_page(const std::string& sink, const std::string& who, Now now) {
    Paged page;
    page.key = fmt::format("test/{}/{}", sink, to_millis(now.wall));
    page.version = 1;
    page.status = PageStatus::firing;
    page.severity = Severity::critical;
    page.title = "test page from leverd";
    page.text =
        fmt::format("{} asked for it with `leverd notify test {}`. Nothing is wrong.", who, sink);
    page.since = now;
    page.at = now;
    return page;
}

}  // namespace

Pager::Pager(asio::any_io_executor executor, const Clock& clock, net::TaskGroup& tasks,
             OutboxStore* store)
    : clock_(clock),
      tasks_(tasks),
      store_(store),
      started_(clock.now().at),
      outbox_(static_cast<std::uint32_t>(to_millis(clock.now().wall))),
      timer_(std::move(executor)) {
    if (store_ != nullptr) {
        outbox_.restore(store_->take_rows(), clock_.now());
    }
}

void Pager::use(std::vector<PageSink> sinks, std::shared_ptr<net::HttpTransport> http) {
    http_ = std::move(http);
    std::vector<Outbox::Sink> owners;
    sinks_.clear();
    for (auto& sink : sinks) {
        owners.push_back(slot_owner(sink));
        sinks_.push_back(std::make_shared<const PageSink>(std::move(sink)));
    }
    outbox_.declare(owners, clock_.now());
    keep();
    timer_.cancel();
}

bool Pager::put(const Paged& page) {
    const bool news = outbox_.put(page, clock_.now());
    keep();
    timer_.cancel();
    return news || page.at.at >= started_;
}

void Pager::keep() {
    auto rows = outbox_.take_changes();
    if (store_ != nullptr) {
        store_->save(std::move(rows));
    }
}

std::shared_ptr<const PageSink> Pager::find(const std::string& id) const {
    const auto found =
        std::ranges::find(sinks_, id, [](const auto& sink) { return sink->settings.id; });
    return found == sinks_.end() ? nullptr : *found;
}

void Pager::send_due() {
    while (auto attempt = outbox_.take(clock_.now())) {
        auto sink = find(attempt->sink);
        if (sink == nullptr) {
            outbox_.ended(*attempt, std::nullopt, clock_.now());
            return;
        }
        const auto name = "page " + attempt->message.page.key;
        tasks_.spawn(name, deliver(std::move(sink), std::move(*attempt)));
    }
}

asio::awaitable<void> Pager::run() {
    co_await asio::this_coro::throw_if_cancelled(false);
    bool cancelled = false;
    while (!cancelled) {
        send_due();
        const auto now = clock_.now().at;
        const auto due = outbox_.next_due();
        const auto rest = due == Instant::max()
                              ? longest_rest
                              : std::clamp<Millis>(due - now, Millis{1}, longest_rest);
        timer_.expires_after(rest);
        co_await timer_.async_wait(net::tuple_token);
        cancelled = co_await net::is_cancelled();
    }
}

asio::awaitable<void> Pager::deliver(std::shared_ptr<const PageSink> sink,
                                     Outbox::Attempt attempt) {
    {
        GivenBack given_back(outbox_, attempt, clock_);
        auto end = co_await send(std::move(sink), attempt.message);
        const bool cancelled = co_await net::is_cancelled();
        if (!cancelled || end.kind == AttemptEnd::Kind::accepted) {
            if (on_end_) {
                on_end_(attempt, end);
            }
            given_back.end = std::move(end);
        }
    }
    keep();
    timer_.cancel();
}

asio::awaitable<AttemptEnd> Pager::send(std::shared_ptr<const PageSink> sink, Message message) {
    const auto* kind = find_sink_kind(sink->settings.kind);
    auto request = kind->request(*sink, message, clock_.now().wall);
    request.body_limit = 16U << 10;
    request.fresh_connection = true;  // a kept one may be dead, and a POST is sent only once
    const auto http = http_;          // a reload may bring another while this one is at work
    auto answer = co_await http->fetch(std::move(request), net::deadline_in(attempt_timeout));
    co_return judge_answer(answer, clock_.now().wall);
}

asio::awaitable<Result<std::string>> Pager::send_test(std::string id, std::string who) {
    auto sink = find(id);
    if (sink == nullptr) {
        std::vector<std::string> ids;
        for (const auto& known : sinks_) {
            ids.push_back(known->settings.id);
        }
        const auto near = suggest(id, ids);
        co_return Error{fmt::format("no sink '{}' is declared", sanitize(id, 60)),
                        near          ? "did you mean '" + *near + "'?"
                        : ids.empty() ? "declare one: [[notify]] in the configuration"
                                      : fmt::format("declared: {}", fmt::join(ids, ", "))};
    }
    const auto now = clock_.now();
    Message message;
    message.page = test_page(id, sanitize(who, 60), now);
    message.lasts = test_lasts;
    auto end = co_await send(sink, message);
    if (end.kind != AttemptEnd::Kind::accepted) {
        co_return Error{fmt::format("sink '{}' did not accept it: {}", sanitize(id, 60), end.words),
                        "check the sink's url and secret, and what its receiver wants"};
    }
    if (find_sink_kind(sink->settings.kind)->renew_every > Millis{0}) {
        co_return in_words(fmt::format("accepted: {}; it ends by itself in {}", end.words,
                                       format_duration(test_lasts)));
    }
    // What was opened is closed again, so that the receiver keeps nothing open.
    message.told = message.page;
    message.page.version = 2;
    message.page.status = PageStatus::resolved;
    message.page.text = "The test is over. " + message.page.text;
    message.page.at = clock_.now();
    message.page.ended = message.page.at;
    auto closed = co_await send(std::move(sink), std::move(message));
    co_return in_words(fmt::format("accepted: {}; its end: {}", end.words, closed.words));
}

}  // namespace leverd::exporters
