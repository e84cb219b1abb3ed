// Why: carries the outbox's messages to their sinks. A page never waits on a lever, a lever never
// on a page, and the loop never on either: every attempt is a task of its own with one deadline.
#pragma once

#include "core/ledger/outbox_store.hpp"
#include "core/net/task_group.hpp"
#include "exporters/pager/outbox.hpp"
#include "exporters/pager/sink.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace leverd::exporters {

class Pager {
  public:
    // All outlive this object; `store` may be null: then nothing is remembered over a restart.
    Pager(boost::asio::any_io_executor executor, const Clock& clock, net::TaskGroup& tasks,
          OutboxStore* store);

    // At the start and after a reload. Attempts under way keep what they began with.
    void use(std::vector<PageSink> sinks, std::shared_ptr<net::HttpTransport> http);
    // Hears of every attempt that ended, for the log.
    void on_end(std::function<void(const Outbox::Attempt&, const AttemptEnd&)> hear) {
        on_end_ = std::move(hear);
    }
    // The newest version of a page. False: nothing new; a start repeats what is known.
    bool put(const Paged& page);
    // Until its task group is cancelled.
    boost::asio::awaitable<void> run();
    // One test page through the real sink, now, beside the outbox. What was answered; an Error when
    // it was not accepted.
    boost::asio::awaitable<Result<std::string>> send_test(std::string sink, std::string who);

    std::vector<SinkReport> report() const { return outbox_.report(clock_.now()); }
    std::vector<Paged> told() const { return outbox_.told(); }
    // What keeps the outbox from being remembered; empty: nothing.
    Error store_problem() const { return store_ == nullptr ? Error{} : store_->problem(); }

  private:
    boost::asio::awaitable<void> deliver(std::shared_ptr<const PageSink> sink,
                                         Outbox::Attempt attempt);
    boost::asio::awaitable<AttemptEnd> send(std::shared_ptr<const PageSink> sink, Message message);
    std::shared_ptr<const PageSink> find(const std::string& id) const;
    void send_due();
    void keep();

    const Clock& clock_;
    std::shared_ptr<net::HttpTransport> http_;
    net::TaskGroup& tasks_;
    OutboxStore* store_;
    const Instant started_;
    Outbox outbox_;
    std::vector<std::shared_ptr<const PageSink>> sinks_;
    boost::asio::steady_timer timer_;
    std::function<void(const Outbox::Attempt&, const AttemptEnd&)> on_end_;
};

}  // namespace leverd::exporters
