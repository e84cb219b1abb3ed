// Why: one table of all targets.
#include "tests/fuzz/targets.hpp"

#include "tests/fuzz/parts.hpp"

#include <cstdio>
#include <cstdlib>

namespace leverd::fuzz {

const std::vector<Target>& targets() {
    static const std::vector<Target> all = [] {
        std::vector<Target> sum;
        for (auto part : {http_targets(), stack_targets(), record_targets(), remote_targets()}) {
            sum.insert(sum.end(), part.begin(), part.end());
        }
        return sum;
    }();
    return all;
}

void require(bool holds, const char* promise) {
    if (!holds) {
        std::fprintf(stderr, "broken promise: %s\n", promise);
        std::abort();
    }
}

net::HttpResponse json_answer(std::string_view bytes) {
    net::HttpResponse response;
    response.status = 200;
    response.headers["content-type"] = "application/json";
    response.body = std::string(bytes);
    return response;
}

}  // namespace leverd::fuzz
