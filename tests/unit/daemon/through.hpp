// Why: tests of the whole process stand between it and its ledger, and ask the same about the end
// of a lever; each of them says only what is its own.
#pragma once

#include "core/ledger/ledger.hpp"
#include "daemon/app.hpp"

#include <optional>

namespace leverd::test {

// A ledger that reads from the one behind it; what it does with appends is the test's.
class ThroughLedger : public Ledger {
  public:
    explicit ThroughLedger(Ledger* inner) : inner_(*inner) {}
    boost::asio::awaitable<Result<std::vector<StoredEntry>>> read(std::int64_t after,
                                                                  std::size_t limit) override {
        return inner_.read(after, limit);
    }

  protected:
    Ledger& inner() { return inner_; }

  private:
    Ledger& inner_;
};

// How the lever ended, or its plan; nothing while it has not.
enum class LeverEnd { answered, unknown, no_plan };
std::optional<LeverEnd> end_of_lever(const State& state);

// Ready, with the tenant and both reference points seen: a lever may go.
bool is_settled(exporters::Backend& backend);

}  // namespace leverd::test
