// Why: what happens when memory runs out at one chosen place. The program that links this has its
// own operator new; what is refused is refused to the threads of leverd, never to the test's own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace leverd::test::memory {

// A place is who asked: the innermost callers. The same in every fork of one process.
using Place = std::uint64_t;

// From here on: learn every place that asks, in order of their first request.
void learn();
// From here on: refuse the first request of this place and the `further` ones that follow it,
// whoever makes them. The refused caller is written to `told`, a file descriptor.
void refuse(Place place, int further, int told);
// Nothing is refused or learnt any more.
void relent();

std::vector<Place> learnt();
bool refused();

// The thread that holds one is the test's own.
class Exempt {
  public:
    Exempt();
    ~Exempt();
    Exempt(const Exempt&) = delete;
    Exempt& operator=(const Exempt&) = delete;

  private:
    bool before_;
};

}  // namespace leverd::test::memory
