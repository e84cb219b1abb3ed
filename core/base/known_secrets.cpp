// Why: see known_secrets.hpp. A secret is found by its first six bytes, which costs one look-up per
// place in the text however many secrets there are; an automaton over all secrets and all their
// coats would hold millions of states for a thousand tenants.
#include "core/base/known_secrets.hpp"

#include "core/base/secret.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

namespace leverd {
namespace {

// Coats that are worn over each other: base64 of JSON, percent-encoded, and one more.
constexpr int coats_max = 3;

// Upper and lower case are one, and so are '+' and the blank, which a form turns into it.
constexpr auto folds = [] {
    std::array<char, 256> table{};
    for (unsigned i = 0; i < table.size(); ++i) {
        const char c = static_cast<char>(static_cast<unsigned char>(i));
        table[i] = c == '+' ? ' ' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return table;
}();

char fold(char c) {
    return folds[static_cast<unsigned char>(c)];
}

std::string folded(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), fold);
    return out;
}

// The last six bytes seen, as a number.
std::uint64_t shift_in(std::uint64_t seen, char folded) {
    static_assert(KnownSecrets::bytes_min == 6);
    return ((seen << 8) | static_cast<unsigned char>(folded)) & 0x0000'FFFF'FFFF'FFFFULL;
}

std::size_t coarse(std::uint64_t bytes) {
    return static_cast<std::size_t>((bytes * 0x9E37'79B9'7F4A'7C15ULL) >> 46);
}

// What was decoded from a run of letters by chance is mostly unprintable: no coat under it.
bool is_text(std::string_view bytes) {
    const auto printable = std::count_if(bytes.begin(), bytes.end(), [](char c) {
        return (c >= ' ' && c < '\x7f') || c == '\n' || c == '\r' || c == '\t';
    });
    return static_cast<std::size_t>(printable) * 8 >= bytes.size() * 7;
}

std::vector<Span> merged(std::vector<Span> spans) {
    std::sort(spans.begin(), spans.end(),
              [](const Span& a, const Span& b) { return a.begin < b.begin; });
    std::vector<Span> out;
    for (const Span& one : spans) {
        if (!out.empty() && one.begin < out.back().end) {
            out.back().end = std::max(out.back().end, one.end);
        } else {
            out.push_back(one);
        }
    }
    return out;
}

}  // namespace

KnownSecrets::Held::~Held() {
    wipe(value);
    wipe(forwards);
    wipe(backwards);
}

bool KnownSecrets::is_plain(std::string_view value) {
    const bool word = std::all_of(value.begin(), value.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || c == '-' || c == '_';
    });
    const bool number =
        std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
    return value.size() < KnownSecrets::prefix_min && (word || number);
}

KnownSecrets& KnownSecrets::instance() {
    static auto* const known = new KnownSecrets;
    return *known;
}

std::shared_ptr<const std::string> KnownSecrets::add(const std::string& value) {
    const std::unique_lock lock(mutex_);
    auto it = held_.find(value);
    if (it == held_.end()) {
        auto made = std::make_unique<Held>();
        made->value = value;
        made->forwards = folded(value);
        made->backwards.assign(made->forwards.rbegin(), made->forwards.rend());
        made->plain = is_plain(value);
        const std::string_view key = made->value;
        it = held_.emplace(key, std::move(made)).first;
        it->second->handles = 1;  // so that it is not forgotten at once
        index_one(*it->second);
        forget();
        it->second->handles = 0;
    }
    Held& held = *it->second;
    auto owned = held.owned.lock();
    if (!owned) {
        owned = std::shared_ptr<const std::string>(
            &held.value, [this, &held](const std::string*) { take_back(held); });
        held.owned = owned;
        ++held.handles;
    }
    return owned;
}

// As long as a handle is out, its entry is not forgotten.
void KnownSecrets::take_back(Held& held) {
    const std::unique_lock lock(mutex_);
    --held.handles;
    held.unused_since = now_;
    held.order = ++order_;
}

void KnownSecrets::tell(Instant now) {
    const std::unique_lock lock(mutex_);
    now_ = now;
    forget();
}

void KnownSecrets::forget() {
    std::vector<std::pair<std::uint64_t, std::string_view>> unused;
    std::size_t bytes = 0;
    for (const auto& [value, held] : held_) {
        if (held->handles == 0) {
            unused.emplace_back(held->order, value);
            bytes += value.size();
        }
    }
    std::sort(unused.begin(), unused.end());
    bool changed = false;
    for (const auto& [order, value] : unused) {
        if (now_ - held_.at(value)->unused_since > kept_for || bytes > unused_bytes_max) {
            bytes -= value.size();
            held_.erase(value);
            changed = true;
        }
    }
    if (changed) {
        index();
    }
}

void KnownSecrets::index() {
    by_beginning_.clear();
    seen_.reset();
    longest_ = 0;
    for (const auto& [value, held] : held_) {
        index_one(*held);
    }
}

void KnownSecrets::index_one(const Held& held) {
    longest_ = std::max(longest_, held.value.size());
    for (const std::string* text : {&held.forwards, &held.backwards}) {
        std::uint64_t bytes = 0;
        for (std::size_t i = 0; i < bytes_min; ++i) {
            bytes = shift_in(bytes, (*text)[i]);
        }
        by_beginning_.emplace(bytes, Pattern{&held, text});
        seen_.set(coarse(bytes));
    }
}

// How many bytes at the beginning of `text`, which begins with `first`, are a secret.
std::size_t KnownSecrets::match(std::string_view text, std::uint64_t first, bool own_words) const {
    std::size_t longest = 0;
    const auto [from, to] = by_beginning_.equal_range(first);
    for (auto it = from; it != to; ++it) {
        if (own_words && it->second.held->plain) {
            continue;
        }
        const std::string& secret = *it->second.text;
        std::size_t same = 0;
        while (same < secret.size() && same < text.size() && secret[same] == fold(text[same])) {
            ++same;
        }
        if (same >= std::min(secret.size(), prefix_min)) {
            longest = std::max(longest, same);
        }
    }
    return longest;
}

void KnownSecrets::search_plain(std::string_view bytes, bool own_words,
                                std::vector<Span>& found) const {
    std::uint64_t seen = 0;
    std::size_t past = 0;  // what was found reaches to here
    for (std::size_t end = 1; end <= bytes.size(); ++end) {
        seen = shift_in(seen, fold(bytes[end - 1]));
        if (end < past + bytes_min || !seen_.test(coarse(seen))) {
            continue;
        }
        const std::size_t begin = end - bytes_min;
        const std::size_t length = match(bytes.substr(begin), seen, own_words);
        if (length > 0) {
            past = begin + length;
            found.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(past)});
        }
    }
}

void KnownSecrets::search(std::string_view bytes, bool own_words, int depth,
                          std::vector<Span>& found) const {
    search_plain(bytes, own_words, found);
    if (depth == 0 || (depth < coats_max && !is_text(bytes))) {
        return;
    }
    take_off_coats(bytes, [&](std::string_view bare, const Back& back) {
        std::vector<Span> under;
        search(bare, own_words, depth - 1, under);
        for (const Span& one : under) {
            found.push_back(back(one));
        }
    });
}

std::vector<Span> KnownSecrets::find(std::string_view text, bool own_words) const {
    const std::shared_lock lock(mutex_);
    std::vector<Span> found;
    if (!held_.empty()) {
        search(text, own_words, coats_max, found);
    }
    return merged(std::move(found));
}

std::size_t KnownSecrets::longest() const {
    const std::shared_lock lock(mutex_);
    return longest_;
}

std::size_t KnownSecrets::size() const {
    const std::shared_lock lock(mutex_);
    return held_.size();
}

}  // namespace leverd
