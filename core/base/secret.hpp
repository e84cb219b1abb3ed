// Why: a secret must not reach a log, metric, ledger, page, answer or error text by accident, so it
// is a type of its own that no formatter or JSON codec accepts; `reveal()` is the one word to grep
// for.
#pragma once

#include <string>
#include <utility>

namespace leverd {

class Secret {
  public:
    Secret() = default;
    explicit Secret(std::string value) : value_(std::move(value)) {}
    Secret(const Secret&) = default;
    Secret(Secret&&) = default;
    // Assignment overwrites the bytes of the old value too.
    Secret& operator=(const Secret& other);
    Secret& operator=(Secret&& other) noexcept;
    ~Secret();  // overwrites the bytes

    bool empty() const { return value_.empty(); }
    const std::string& reveal() const { return value_; }

  private:
    std::string value_;
};

// Compares without leaking the position of the first difference through timing. An empty secret
// equals nothing, so that a token nobody configured lets nobody in.
bool equal_constant_time(const Secret& a, const std::string& b);

}  // namespace leverd
