// Why: how a call breaks in the campaign; see rig.hpp.
#include "tests/unit/levers/campaign/rig.hpp"

#include <fmt/format.h>

#include <utility>

namespace leverd::test {
namespace {

using namespace std::chrono_literals;

constexpr auto latency = 300ms;
constexpr auto late_by = 10s;

bool changes(const net::HttpRequest& request) {
    const auto says = [&](const char* words) {
        return request.body.find(words) != std::string::npos;
    };
    const bool reads = says(R"("dry_run":true)") || says(R"("query":"query )");
    return request.method != "GET" && request.method != "HEAD" && !reads;
}

}  // namespace

const char* to_text(Fault fault) {
    static constexpr const char* names[] = {
        "none",  "cut_before",   "lost_before", "lost_after",  "slow",      "late",
        "twice", "http_500",     "http_502",    "http_429",    "http_403",  "splash",
        "retag", "crash_before", "crash_after", "stop_switch", "terminate", "reload"};
    return names[static_cast<std::size_t>(fault)];
}

Faults draw_faults(std::mt19937_64& random, int mutations) {
    const auto below = [&](std::uint64_t n) { return static_cast<int>(random() % n); };
    Faults faults;
    const int count = below(8) == 0 ? 2 : 1;
    for (int i = 0; i < count; ++i) {
        Broken broken;
        broken.fault = static_cast<Fault>(1 + below(static_cast<std::uint64_t>(Fault::count_) - 1));
        broken.mutations = below(3) != 0;
        broken.at =
            1 + (broken.mutations ? below(static_cast<std::uint64_t>(mutations)) : below(24));
        faults.broken.push_back(broken);
    }
    if (below(4) == 0) {
        faults.disk = static_cast<Disk>(1 + below(2));
        faults.disk_at = 1 + below(5);
        faults.disk_for = 1 + below(4);
    }
    if (below(4) == 0) {
        faults.crash_commit = 1 + below(8);
        faults.crash_written = below(2) == 0;
    }
    return faults;
}

void Rig::note_send(const net::HttpRequest& request) {
    const bool prepares = Workspaces::only_prepares(request);
    const auto key = (prepares ? "prepare " : "") + Production::key_of(request);
    if (firing_.empty()) {
        violate("a call that changes something outside a firing: " + key);
        return;
    }
    if (!durable_intents_.contains(firing_)) {
        violate("a call without a durable intent: " + key);
    }
    const int times = ++sent_[{firing_, key}];
    if (times > 1) {
        violate(fmt::format("{} sent {} times for {}", key, times, firing_));
    }
}

void Rig::arrive_late() {
    for (auto& late : std::exchange(late_, {})) {
        if (late.at <= now_.at) {
            (void)production_.serve(late.request, late.intent);
        } else {
            late_.push_back(std::move(late));
        }
    }
}

net::HttpResult Rig::fetch(const net::HttpRequest& request) {
    advance(latency);
    requests_ += 1;
    mutations_ += changes(request) ? 1 : 0;
    for (auto& broken : faults_.broken) {
        const int at = broken.mutations ? mutations_ : requests_;
        const bool hit = broken.fault != Fault::none && at == broken.at &&
                         (!broken.mutations || changes(request));
        if (hit) {
            const auto fault = std::exchange(broken.fault, Fault::none);
            met_[to_text(fault)] += 1;
            return break_with(fault, request);
        }
    }
    if (changes(request)) {
        note_send(request);
    }
    return production_.serve(request, firing_);
}

net::HttpResult Rig::break_with(Fault fault, const net::HttpRequest& request) {
    const bool sent = fault != Fault::cut_before && fault != Fault::crash_before;
    if (sent && changes(request)) {
        note_send(request);
    }
    switch (fault) {
        case Fault::cut_before:
            return not_sent();
        case Fault::lost_before:
            return lost();
        case Fault::lost_after:
            (void)production_.serve(request, firing_);
            return lost();
        case Fault::slow:
            advance(12s);
            break;
        case Fault::late:
            if (changes(request)) {
                late_.push_back(Late{now_.at + late_by, request, firing_});
            }
            return lost();
        case Fault::twice:
            (void)production_.serve(request, firing_);
            return production_.serve(request, firing_, true);
        case Fault::http_500:
            return answer(500, R"({"error":"internal"})");
        case Fault::http_502:
            (void)production_.serve(request, firing_);
            return html(502);
        case Fault::http_429:
            return answer(429, R"({"error":"rate limit exceeded","retry_after":5})");
        case Fault::http_403:
            return answer(403, R"({"error":"forbidden"})");
        case Fault::splash:
            return html(200);
        case Fault::others_retag:
            production_.retag_by_others();
            break;
        case Fault::crash_before:
            throw Crash{};
        case Fault::crash_after:
            (void)production_.serve(request, firing_);
            throw Crash{};
        case Fault::stop_switch:
            stopped_ = true;
            intents_at_stop_ = static_cast<int>(durable_intents_.size());
            send(StopCommand{true, "somebody", "hands off", Millis{0}});
            break;
        case Fault::terminate:
            leaving_ = true;
            terminated_ = true;
            break;
        case Fault::reload: {
            auto turn = engine_->reload(rules_, now_);
            adopted_.push_back(std::move(turn));
            break;
        }
        case Fault::none:
        case Fault::count_:
            break;
    }
    return production_.serve(request, firing_);
}

}  // namespace leverd::test
