// Why: every parser of bytes from outside is one target here. The fuzzer feeds them invented bytes,
// the unit test feeds them the corpus; both call the same function, which aborts when a promise
// about the parser does not hold.
#pragma once

#include <string_view>
#include <vector>

namespace leverd::fuzz {

struct Target {
    const char* name;  // also the corpus folder
    void (*run)(std::string_view bytes);
};

const std::vector<Target>& targets();

// Says which promise was broken, and aborts.
void require(bool holds, const char* promise);

}  // namespace leverd::fuzz
