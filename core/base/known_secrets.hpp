// Why: the redactor masks what it knows, so every secret of this process is listed here from the
// moment it is made (secret.hpp) until a day after its last use: a rotated token may still be
// echoed by somebody's cache. Private to core/base. Any thread.
#pragma once

#include "core/base/coats.hpp"
#include "core/base/time.hpp"

#include <bitset>
#include <cstdint>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace leverd {

class KnownSecrets {
  public:
    // A shorter one would mask a part of every other text.
    static constexpr std::size_t bytes_min = 6;
    // Of a secret so much in one piece is masked even where the rest is missing: others cut, too.
    static constexpr std::size_t prefix_min = 16;
    static constexpr Millis kept_for{24LL * 3'600'000};
    static constexpr std::size_t unused_bytes_max = 4U << 20;

    // "workspace" or "20260101": as a secret it is worth little, and masked in leverd's own words
    // it would make them unreadable.
    static bool is_plain(std::string_view value);

    // Lives as long as the process: secrets may die after everything else.
    static KnownSecrets& instance();

    // The one copy of the bytes; when the last of its owners is gone, the secret counts as unused.
    std::shared_ptr<const std::string> add(const std::string& value);

    // Where `text` holds a known secret in any coat, in order and not overlapping. `own_words`:
    // leverd speaks, so a short plain word is no secret.
    std::vector<Span> find(std::string_view text, bool own_words) const;

    std::size_t longest() const;
    std::size_t size() const;
    // Tells the time, since nothing here reads a clock, and forgets what was unused for kept_for.
    // The longest unused of what is too much goes at once, whatever the time.
    void tell(Instant now);

  private:
    struct Held {
        std::string value;
        std::string forwards;  // as it is compared
        std::string backwards;
        bool plain = false;  // a short word or number
        std::weak_ptr<const std::string> owned;
        std::size_t handles = 0;  // given out by add() and not yet back; 0: unused
        Instant unused_since{};
        std::uint64_t order = 0;  // in which they became unused
        ~Held();
    };
    struct Pattern {
        const Held* held;
        const std::string* text;
    };

    void take_back(Held& held);
    void index();
    void index_one(const Held& held);
    void forget();
    void search(std::string_view bytes, bool own_words, int depth, std::vector<Span>& found) const;
    void search_plain(std::string_view bytes, bool own_words, std::vector<Span>& found) const;
    std::size_t match(std::string_view text, std::uint64_t first, bool own_words) const;

    mutable std::shared_mutex mutex_;
    std::map<std::string_view, std::unique_ptr<Held>> held_;  // keys are the values' own bytes
    std::unordered_multimap<std::uint64_t, Pattern> by_beginning_;
    std::bitset<1U << 18> seen_;  // beginnings, coarsely: most places in a text end here
    std::size_t longest_ = 0;
    Instant now_{};
    std::uint64_t order_ = 0;
};

}  // namespace leverd
