// Why: whoever captured a signed event may send it again, also after a restart. What was taken is
// remembered in a small file: one line per delivery, bounded in number and age. A lost line costs
// one look too many, so it is neither fsynced nor part of the ledger.
#pragma once

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/ledger/state_directory.hpp"

#include <cstddef>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leverd {

class Deliveries {
  public:
    static constexpr Millis kept_for{24LL * 3'600'000};
    static constexpr std::size_t kept_max = 50'000;  // of one source: a flood of one sender must
                                                     // not wash out what another one sent

    // Lines that cannot be read are left out. A file that cannot be opened is an Error; without one
    // a Deliveries still remembers, until the end of the process.
    static Result<Deliveries> open(const std::filesystem::path& path, WallTime now);
    Deliveries() = default;

    // True when none of the ids was seen in the last 24 hours; only then all are remembered.
    // `ids` are 32 hex digits.
    // `source` is a word of a-z.
    bool is_new(std::string_view source, const std::vector<std::string>& ids, WallTime now);
    std::size_t size() const;

  private:
    struct Memory {
        std::set<std::string> known;
        std::deque<std::pair<WallTime, std::string>> order;

        void remember(const std::string& id, WallTime at);
        void forget_old(WallTime now);
    };
    void append(std::string_view source, const std::string& id, WallTime at);
    void compact();

    std::filesystem::path path_;
    ledger::Descriptor file_;
    std::size_t lines_ = 0;  // in the file
    std::map<std::string, Memory, std::less<>> sources_;
};

}  // namespace leverd
