// Why: the steps of one fetch in order: check, look up, connect, TLS, write, read header, read
// body; each with the same deadline.
#include "core/base/text.hpp"
#include "core/net/asio_use.hpp"
#include "core/net/connect.hpp"
#include "core/net/guard.hpp"
#include "core/net/http.hpp"
#include "core/net/pool.hpp"
#include "core/net/request.hpp"
#include "core/net/resolver.hpp"
#include "core/net/response_reader.hpp"
#include "core/net/tls.hpp"

#include <chrono>
#include <exception>
#include <optional>

namespace leverd::net {
namespace {

namespace asio = boost::asio;

constexpr std::size_t retry_after_bytes_max = 100;

// Shared by the transport and every fetch in flight, so that neither has to outlive the other.
struct Core {
    Core(asio::any_io_executor e, TransportOptions o)
        : executor(std::move(e)),
          options(std::move(o)),
          resolver(executor, options.nameservers),
          pool(options) {}

    asio::any_io_executor executor;
    TransportOptions options;
    Resolver resolver;
    Pool pool;
    std::optional<TlsClient> tls_client;

    // Reading the system's certificates takes a moment, which a plain http user does not need.
    TlsClient& tls() {
        if (!tls_client) {
            tls_client.emplace(options.ca_file);
        }
        return *tls_client;
    }
};

// What one fetch has come to, in the frame of its outermost coroutine.
struct Progress {
    Phases phases;
    bool sent = false;   // some byte of the request may be out
    bool heard = false;  // some byte of an answer came
    int status = 0;
    std::string retry_after;
};

// Whatever ends the answer, also memory that ran out: its status is known if it came.
class StatusKept {
  public:
    StatusKept(const ResponseReader& reader, Progress& progress)
        : reader_(reader), progress_(progress) {}
    ~StatusKept() { progress_.status = reader_.status(); }
    StatusKept(const StatusKept&) = delete;
    StatusKept& operator=(const StatusKept&) = delete;

  private:
    const ResponseReader& reader_;
    Progress& progress_;
};

// Adds the time that passed since the last mark to a phase.
class StopWatch {
  public:
    void mark(Millis& phase) {
        const auto now = std::chrono::steady_clock::now();
        phase += std::chrono::duration_cast<Millis>(now - since_);
        since_ = now;
    }

  private:
    std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

using Opened = Attempt<std::unique_ptr<Stream>>;

asio::awaitable<Opened> open_stream(Core* core, const Target* target, Deadline deadline,
                                    Progress* progress) {
    StopWatch watch;
    const auto addresses = co_await core->resolver.resolve(target->host, deadline);
    watch.mark(progress->phases.dns);
    if (!addresses) {
        co_return addresses.error();
    }
    core->pool.keep_only(target->key, *addresses);
    auto connected = co_await connect_any(core->executor, *addresses, target->port, deadline);
    Millis waited{0};
    watch.mark(waited);
    progress->phases.connect += connected ? connected->took : waited;
    if (!connected) {
        co_return connected.error();
    }
    auto& socket = connected->socket;
    if (!target->tls) {
        co_return make_plain_stream(std::move(socket));
    }
    auto stream =
        co_await core->tls().handshake(std::move(socket), target->host, target->key, deadline);
    watch.mark(progress->phases.tls);
    co_return std::move(stream);
}

asio::awaitable<std::optional<Fault>> read_answer(Stream* stream, const Guard* guard,
                                                  ResponseReader* reader, Progress* progress) {
    StopWatch watch;
    while (!reader->done()) {
        const Phase phase = reader->header_done() ? Phase::body : Phase::header;
        if (auto stop = guard->stopped(phase)) {
            co_return stop;
        }
        const asio::mutable_buffer room = reader->room();
        const Transferred got = co_await stream->read_some(room);
        std::optional<Fault> fault = reader->took(got.bytes);
        progress->heard = reader->began();
        watch.mark(phase == Phase::header ? progress->phases.header : progress->phases.body);
        if (!fault && got.ec == asio::error::eof) {
            fault = reader->end();
        } else if (!fault && got.ec && !reader->done()) {
            fault = guard->explain(got.ec, phase);
        }
        if (fault) {
            co_return fault;
        }
    }
    co_return std::nullopt;
}

// What changes something opens a connection of its own: on a kept one that the other side closes
// just then, nobody could tell whether it arrived.
bool may_share(const HttpRequest& request) {
    return !request.fresh_connection && is_repeatable(request.method);
}

// One request and its answer over an open stream.
asio::awaitable<Attempt<HttpResponse>> exchange(Core* core, Stream* stream, const Secret* wire,
                                                const HttpRequest* request, bool* reusable,
                                                Deadline deadline, Progress* progress) {
    const auto owner = co_await asio::this_coro::cancellation_state;
    const Guard guard(core->executor, deadline, stream->socket(), owner);
    if (auto stop = guard.stopped(Phase::header)) {
        co_return std::move(*stop);
    }
    StopWatch watch;
    progress->sent = true;
    const asio::const_buffer bytes = asio::buffer(wire->reveal());
    const Transferred put = co_await stream->write(bytes);
    watch.mark(progress->phases.header);
    if (put.ec) {
        co_return guard.explain(put.ec, Phase::header);
    }
    ResponseReader reader(request->method == "HEAD", core->options.header_limit,
                          request->body_limit);
    const StatusKept kept(reader, *progress);
    std::optional<Fault> fault = co_await read_answer(stream, &guard, &reader, progress);
    if (fault) {
        progress->retry_after = sanitize(reader.retry_after(), retry_after_bytes_max);
        co_return std::move(*fault);
    }
    HttpResponse response = reader.take();
    response.certificate_expires = stream->certificate_expires();
    stream->answered();
    *reusable = reader.reusable() && may_share(*request);
    co_return std::move(response);
}

asio::awaitable<Attempt<HttpResponse>> fetch_steps(Core* core, const HttpRequest* request,
                                                   Deadline deadline, Progress* progress) {
    const auto target = parse_target(request->url);
    if (!target) {
        co_return target.error();
    }
    const auto wire = serialize(*request, *target, core->options.user_agent);
    if (!wire) {
        co_return wire.error();
    }
    if (deadline <= std::chrono::steady_clock::now()) {
        Fault late{Reason::deadline_local, Origin::local, "no time left before the request began"};
        co_return late;
    }
    Kept line;
    if (may_share(*request)) {
        line = core->pool.take(target->key);
    }
    while (true) {
        const bool kept = line.stream != nullptr;
        if (!kept) {
            auto opened = co_await open_stream(core, &*target, deadline, progress);
            if (!opened) {
                co_return opened.error();
            }
            line = Kept{std::move(*opened), std::chrono::steady_clock::now()};
        }
        bool reusable = false;
        auto answer = co_await exchange(core, line.stream.get(), &*wire, request, &reusable,
                                        deadline, progress);
        if (answer && reusable) {
            core->pool.give(target->key, std::move(line));
        }
        // A kept connection may die just as we use it. Only what changes nothing is sent again, and
        // only once: the next stream is a new one.
        const bool died =
            kept && !answer && !progress->heard && answer.error().reason == Reason::connection_cut;
        if (!died) {
            co_return std::move(answer);
        }
        line = Kept{};
    }
}

HttpFailure to_failure(const Fault& fault, const Progress& progress) {
    HttpFailure failure;
    failure.reason = fault.reason;
    failure.origin = fault.origin;
    failure.detail = sanitize(fault.detail, 300);
    failure.phases = progress.phases;
    failure.sent = progress.sent;
    failure.status = progress.status;
    failure.retry_after = progress.retry_after;
    return failure;
}

asio::awaitable<HttpResult> fetch_whole(std::shared_ptr<Core> core, HttpRequest request,
                                        Deadline deadline) {
    const bool threw = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    Progress progress;
    std::optional<HttpResult> result;
    try {
        auto answer = co_await fetch_steps(core.get(), &request, deadline, &progress);
        if (answer) {
            answer->phases = progress.phases;
            result.emplace(std::move(*answer));
        } else {
            result.emplace(to_failure(answer.error(), progress));
        }
    } catch (const std::exception& e) {
        // Out of memory and the like: ours, whatever the target did.
        const Fault fault{Reason::no_descriptors, Origin::local, e.what()};
        result.emplace(to_failure(fault, progress));
    }
    co_await asio::this_coro::throw_if_cancelled(threw);
    co_return std::move(*result);
}

class Transport final : public HttpTransport {
  public:
    Transport(asio::any_io_executor executor, TransportOptions options)
        : core_(std::make_shared<Core>(std::move(executor), std::move(options))) {}

    asio::awaitable<HttpResult> fetch(HttpRequest request, Deadline deadline) override {
        return fetch_whole(core_, std::move(request), deadline);
    }

  private:
    std::shared_ptr<Core> core_;
};

}  // namespace

std::unique_ptr<HttpTransport> make_transport(asio::any_io_executor executor,
                                              TransportOptions options) {
    return std::make_unique<Transport>(std::move(executor), std::move(options));
}

}  // namespace leverd::net
