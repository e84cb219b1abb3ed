// Why: see scarce_memory.hpp. Asio takes the frames of coroutines from aligned_alloc, which the
// linker therefore hands to us, too (--wrap).
#include "tests/unit/daemon/scarce_memory.hpp"

#include <execinfo.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <mutex>
#include <new>

extern "C" {
void* __real_aligned_alloc(std::size_t alignment, std::size_t size);
void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size);
const char* __asan_default_options();
}

// What a sanitizer finds is no end that leverd meant.
const char* __asan_default_options() {
    return "exitcode=77";
}

namespace leverd::test::memory {
namespace {

enum class Mode { off, learning, refusing };

constexpr int depth = 9;
constexpr std::size_t slots = 1U << 16;

std::atomic<Mode> mode{Mode::off};
std::atomic<Place> wanted{0};
std::atomic<int> further{0};
std::atomic<int> told{-1};
std::atomic<bool> met{false};
thread_local bool exempt = false;

// Fixed storage: what watches the requests makes none.
std::mutex table_guard;
std::array<Place, slots> table{};
std::array<Place, slots> in_order{};
std::size_t known = 0;

using Frames = std::array<void*, depth>;

Place place_of(const Frames& frames, int count) {
    Place hash = 14695981039346656037ULL;
    for (int i = 0; i < count; ++i) {
        hash ^= reinterpret_cast<std::uintptr_t>(frames[static_cast<std::size_t>(i)]);
        hash *= 1099511628211ULL;
    }
    return hash == 0 ? 1 : hash;
}

void note(Place place) {
    const std::lock_guard hold(table_guard);
    for (std::size_t i = 0; i < slots && known < slots / 2; ++i) {
        Place& slot = table[(place + i) % slots];
        if (slot == place) {
            return;
        }
        if (slot == 0) {
            slot = place;
            in_order[known++] = place;
            return;
        }
    }
}

bool give() {
    const Mode now = mode;
    if (now == Mode::off || exempt) {
        return true;
    }
    if (met) {
        return further.fetch_sub(1) <= 0;
    }
    const Exempt unwinding;  // the unwinder may ask for memory itself
    Frames frames{};
    const int count = backtrace(frames.data(), depth);
    const Place place = place_of(frames, count);
    if (now == Mode::learning) {
        note(place);
        return true;
    }
    if (place != wanted || met.exchange(true)) {
        return true;
    }
    if (told >= 0) {
        std::array<void*, 40> all{};
        backtrace_symbols_fd(all.data(), backtrace(all.data(), 40), told);
    }
    return false;
}

}  // namespace

void learn() {
    std::array<void*, 2> first{};
    (void)backtrace(first.data(), 2);  // loads the unwinder
    mode = Mode::learning;
}

void refuse(Place place, int more, int descriptor) {
    std::array<void*, 2> first{};
    (void)backtrace(first.data(), 2);
    wanted = place;
    further = more;
    told = descriptor;
    met = false;
    mode = Mode::refusing;
}

void relent() {
    mode = Mode::off;
}

std::vector<Place> learnt() {
    const std::lock_guard hold(table_guard);
    return {in_order.begin(), in_order.begin() + static_cast<std::ptrdiff_t>(known)};
}

bool refused() {
    return met;
}

Exempt::Exempt() : before_(exempt) {
    exempt = true;
}
Exempt::~Exempt() {
    exempt = before_;
}

}  // namespace leverd::test::memory

void* operator new(std::size_t size) {
    if (!leverd::test::memory::give()) {
        throw std::bad_alloc();
    }
    void* got = std::malloc(size == 0 ? 1 : size);
    if (got == nullptr) {
        throw std::bad_alloc();
    }
    return got;
}

void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
    return leverd::test::memory::give() ? std::malloc(size == 0 ? 1 : size) : nullptr;
}

void operator delete(void* given) noexcept {
    std::free(given);
}
void operator delete(void* given, std::size_t) noexcept {
    std::free(given);
}

void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size) {
    return leverd::test::memory::give() ? __real_aligned_alloc(alignment, size) : nullptr;
}
