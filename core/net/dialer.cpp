// Why: see dialer.hpp.
#include "core/net/dialer.hpp"

#include "core/base/text.hpp"
#include "core/net/ares_channel.hpp"
#include "core/net/asio_use.hpp"
#include "core/net/dns_records.hpp"
#include "core/net/dns_status.hpp"
#include "core/net/guard.hpp"
#include "core/net/opener.hpp"
#include "core/net/tls_sessions.hpp"

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <chrono>

namespace leverd::net {
namespace {

namespace asio = boost::asio;
using Steady = std::chrono::steady_clock;

std::string name_of(const X509_NAME* name) {
    if (name == nullptr) {
        return {};
    }
    BIO* out = BIO_new(BIO_s_mem());
    X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253);
    char* text = nullptr;
    const long bytes = BIO_get_mem_data(out, &text);
    std::string shown = sanitize(std::string_view(text, static_cast<std::size_t>(bytes)), 200);
    BIO_free(out);
    return shown;
}

std::optional<Certificate> certificate_of(SSL* ssl) {
    STACK_OF(X509)* chain = SSL_get0_verified_chain(ssl);
    const int length = chain == nullptr ? 0 : sk_X509_num(chain);
    std::optional<Certificate> seen;
    for (int i = 0; i < length; ++i) {
        const X509* one = sk_X509_value(chain, i);
        const auto expires = not_after(one);
        if (!expires) {
            return std::nullopt;
        }
        if (!seen) {
            seen.emplace();
            seen->subject = name_of(X509_get_subject_name(one));
            seen->issuer = name_of(X509_get_issuer_name(one));
            seen->expires = *expires;
            seen->chain_expires = *expires;
            seen->chain_length = length;
        }
        seen->chain_expires = std::min(seen->chain_expires, *expires);
    }
    return seen;
}

// Until it is enough, the other side or the deadline ended it, or the limit is reached.
asio::awaitable<std::optional<Fault>> read_enough(Stream* stream, const Guard* guard,
                                                  const DialRequest* request, Dialed* dialed) {
    StopWatch watch;
    std::array<char, 4096> room{};
    bool enough = request->enough == nullptr || request->enough(dialed->received);
    while (!enough && dialed->received.size() < request->read_limit) {
        const Phase phase = dialed->received.empty() ? Phase::header : Phase::body;
        if (auto stop = guard->stopped(phase)) {
            co_return stop;
        }
        const std::size_t left = request->read_limit - dialed->received.size();
        const asio::mutable_buffer buffer = asio::buffer(room.data(), std::min(left, room.size()));
        const Transferred got = co_await stream->read_some(buffer);
        dialed->received.append(room.data(), got.bytes);
        watch.mark(phase == Phase::header ? dialed->phases.header : dialed->phases.body);
        enough = got.bytes > 0 && request->enough(dialed->received);
        if (got.ec && !enough) {
            // Whatever ended it, what was said until then can be judged.
            std::optional<Fault> fault = guard->explain(got.ec, phase);
            const bool said = !dialed->received.empty() && fault->origin == Origin::target;
            co_return said ? std::nullopt : std::move(fault);
        }
    }
    co_return std::nullopt;
}

asio::awaitable<Attempt<Dialed>> dial_steps(Opener* core, const DialRequest* request,
                                            Deadline deadline, Dialed* dialed) {
    Opener::Where where{request->host, request->port, request->tls, request->server_name};
    if (where.server_name.empty()) {
        where.server_name = request->host;
    }
    auto opened = co_await core->open(std::move(where), deadline, &dialed->phases);
    if (!opened) {
        co_return opened.error();
    }
    const std::unique_ptr<Stream> stream = std::move(*opened);
    if (SSL* ssl = stream->tls_layer()) {
        dialed->certificate = certificate_of(ssl);
        dialed->protocol = SSL_get_version(ssl);
    }
    const auto owner = co_await asio::this_coro::cancellation_state;
    const Guard guard(core->executor(), deadline, stream->socket(), owner);
    if (!request->send.empty()) {
        if (auto stop = guard.stopped(Phase::header)) {
            co_return std::move(*stop);
        }
        const asio::const_buffer bytes = asio::buffer(request->send);
        const Transferred put = co_await stream->write(bytes);
        if (put.ec) {
            co_return guard.explain(put.ec, Phase::header);
        }
    }
    if (request->enough != nullptr) {
        auto fault = co_await read_enough(stream.get(), &guard, request, dialed);
        if (fault) {
            co_return std::move(*fault);
        }
    }
    co_return std::move(*dialed);
}

HttpFailure to_failure(const Fault& fault, const Phases& phases) {
    HttpFailure failure;
    failure.reason = fault.reason;
    failure.origin = fault.origin;
    failure.detail = sanitize(fault.detail, 300);
    failure.phases = phases;
    return failure;
}

struct Question {
    int status = ARES_ECANCELLED;
    bool answered = false;
    std::vector<std::string> texts;
};

// Asks with a channel of its own: nothing of other looks is in its way, and dropping it ends
// whatever is under way.
asio::awaitable<Attempt<Records>> ask(Opener* core, const std::string* host, RecordType type,
                                      const std::string* nameserver, Deadline deadline) {
    const auto owner = co_await asio::this_coro::cancellation_state;
    std::vector<std::string> servers = core->options().nameservers;
    if (!nameserver->empty()) {
        servers.assign(1, *nameserver);
    }
    const auto opened = AresChannel::open(core->executor(), servers);
    if (!opened) {
        co_return opened.error();
    }
    const std::shared_ptr<AresChannel> channel = *opened;
    const std::uint64_t mark = channel->servers().mark();
    auto question = std::make_shared<Question>();
    auto timer = std::make_shared<asio::steady_timer>(core->executor(), deadline);
    auto on_packet = [question, timer, type](int status, const unsigned char* packet, int bytes) {
        question->status =
            status == ARES_SUCCESS ? parse_records(type, packet, bytes, question->texts) : status;
        question->answered = true;
        timer->cancel();
    };
    StopWatch watch;
    Records found;
    channel->query_records(*host, wire_type(type), std::move(on_packet));
    if (!question->answered) {
        co_await timer->async_wait(tuple_token);
    }
    watch.mark(found.phases.dns);
    if (!question->answered) {
        const bool refused = channel->servers().all_refused_since(mark);
        channel->cancel_all();
        if (is_cancelled(owner)) {
            co_return cancelled_fault();
        }
        if (!refused) {
            co_return timed_out(Phase::dns,
                                std::chrono::duration_cast<Millis>(Steady::now() - deadline));
        }
        question->status = ARES_ECONNREFUSED;
    }
    const int status = clarify_dns(question->status, channel->servers(), mark);
    if (status == ARES_SUCCESS) {
        found.texts = std::move(question->texts);
        co_return found;
    }
    Fault fault = dns_fault(status);
    if (fault.reason == Reason::resolver_down && !nameserver->empty()) {
        // It is the server that was to be looked at, not ours.
        fault = Fault{Reason::dns_failure, Origin::target,
                      "name lookup: " + *nameserver + " does not take questions"};
    } else if (status == ARES_ENODATA) {
        fault.detail = "name lookup: the name exists, without a record of that type";
    } else if (status == ARES_ENOTFOUND) {
        fault.detail = "name lookup: no such name";
    }
    co_return fault;
}

asio::awaitable<DialResult> dial_whole(std::shared_ptr<Opener> core, DialRequest request,
                                       Deadline deadline) {
    const bool threw = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    Dialed dialed;
    std::optional<DialResult> result;
    try {
        auto steps = co_await dial_steps(core.get(), &request, deadline, &dialed);
        if (steps) {
            result.emplace(std::move(*steps));
        } else {
            result.emplace(to_failure(steps.error(), dialed.phases));
        }
    } catch (const std::exception& e) {
        const Fault fault{Reason::no_descriptors, Origin::local, e.what()};
        result.emplace(to_failure(fault, dialed.phases));
    }
    co_await asio::this_coro::throw_if_cancelled(threw);
    co_return std::move(*result);
}

asio::awaitable<RecordsResult> records_whole(std::shared_ptr<Opener> core, std::string host,
                                             RecordType type, std::string nameserver,
                                             Deadline deadline) {
    const bool threw = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    std::optional<RecordsResult> result;
    const Phases none;
    try {
        auto steps = co_await ask(core.get(), &host, type, &nameserver, deadline);
        if (steps) {
            result.emplace(std::move(*steps));
        } else {
            result.emplace(to_failure(steps.error(), none));
        }
    } catch (const std::exception& e) {
        const Fault fault{Reason::no_descriptors, Origin::local, e.what()};
        result.emplace(to_failure(fault, none));
    }
    co_await asio::this_coro::throw_if_cancelled(threw);
    co_return std::move(*result);
}

class NetDialer final : public Dialer {
  public:
    NetDialer(asio::any_io_executor executor, const TransportOptions& options)
        : core_(std::make_shared<Opener>(std::move(executor), options)) {}

    asio::awaitable<DialResult> dial(DialRequest request, Deadline deadline) override {
        return dial_whole(core_, std::move(request), deadline);
    }
    asio::awaitable<RecordsResult> records(std::string host, RecordType type,
                                           std::string nameserver, Deadline deadline) override {
        return records_whole(core_, std::move(host), type, std::move(nameserver), deadline);
    }

  private:
    std::shared_ptr<Opener> core_;
};

}  // namespace

std::unique_ptr<Dialer> make_dialer(asio::any_io_executor executor,
                                    const TransportOptions& options) {
    return std::make_unique<NetDialer>(std::move(executor), options);
}

}  // namespace leverd::net
