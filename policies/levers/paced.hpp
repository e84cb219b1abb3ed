// Why: a hosting provider counts every call, and the engine asks often while an incident is open. A
// look that is young enough is used again, and a 429 is obeyed before anything else is tried.
#pragma once

#include "core/stack/call.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace leverd::levers {

template <class T>
class PacedRead {
  public:
    // What is known about `key` (the place that was read): the kept value when it was read at most
    // `pace` ago, the refusal while the provider asked for patience, else nothing: read anew.
    std::optional<stack::Read<T>> known(const std::string& key, Instant now, Millis pace) const {
        auto refusal = held(key, now);
        if (refusal) {
            return stack::Read<T>(std::move(*refusal));
        }
        if (key_ == key && value_ && now - read_ <= pace) {
            return stack::good(T(*value_));
        }
        return std::nullopt;
    }

    // The provider's refusal, while the time that it asked for is not over.
    std::optional<stack::Problem> held(const std::string& key, Instant now) const {
        return key_ == key && refusal_ && now < until_ ? refusal_ : std::nullopt;
    }

    void keep(const std::string& key, Instant now, const stack::Read<T>& fresh) {
        constexpr Millis usual{60'000};
        key_ = key;
        read_ = now;
        value_.reset();
        refusal_.reset();
        if (fresh.has_value()) {
            value_ = *fresh;
        } else if (fresh.error().reason == Reason::rate_limited) {
            refusal_ = fresh.error();
            until_ =
                now + (fresh.error().retry_after > Millis{0} ? fresh.error().retry_after : usual);
        }
    }

    // The world was changed: what was read before is worth nothing.
    void forget() { value_.reset(); }

    Instant read_at() const { return read_; }

  private:
    std::string key_;
    std::optional<T> value_;
    std::optional<stack::Problem> refusal_;
    Instant read_{};
    Instant until_{};
};

}  // namespace leverd::levers
