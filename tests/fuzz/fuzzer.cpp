// Why: the door of libFuzzer. LEVERD_FUZZ names the target; one program holds them all, so that one
// link serves every target.
#include "tests/fuzz/targets.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

const leverd::fuzz::Target* chosen = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
    const char* name = std::getenv("LEVERD_FUZZ");
    for (const auto& target : leverd::fuzz::targets()) {
        if (name != nullptr && std::strcmp(name, target.name) == 0) {
            chosen = &target;
        }
    }
    if (chosen == nullptr) {
        std::fputs("LEVERD_FUZZ must name one of:", stderr);
        for (const auto& target : leverd::fuzz::targets()) {
            std::fprintf(stderr, " %s", target.name);
        }
        std::fputc('\n', stderr);
        std::exit(64);
    }
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    chosen->run(std::string_view(reinterpret_cast<const char*>(data), size));
    return 0;
}
