// Why: what a look asked and what came back is the evidence behind its observation. Kept in this
// form it may be shown to people: every secret is masked and every length is bounded.
#pragma once

#include "core/model/observation.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace leverd {

// One request of a look and its answer.
struct Exchange {
    std::string method;
    std::string url;
    std::vector<std::pair<std::string, std::string>> sent;     // headers, masked
    int status = 0;                                            // 0: no answer came
    std::string failure;                                       // why none came, a reason and words
    std::vector<std::pair<std::string, std::string>> headers;  // of the answer, masked
    std::size_t bytes = 0;                                     // of the whole body
    std::string sha256;                                        // of the whole body; empty: no body
    std::string body;    // its beginning, masked; empty where it was kept back
    bool login = false;  // the request carried a credential
    Phases phases;
};

// One look on demand.
struct Looked {
    std::vector<Observation> observations;
    std::vector<Exchange> requests;  // in the order in which they ended
    std::size_t left_out = 0;        // requests beyond those
};

}  // namespace leverd
