// Why: the targets by what they read; targets.cpp puts them into one table. Private to tests/fuzz.
#pragma once

#include "core/net/http.hpp"
#include "tests/fuzz/targets.hpp"

namespace leverd::fuzz {

std::vector<Target> http_targets();    // answers, requests, headers
std::vector<Target> stack_targets();   // bodies of the stack's interfaces
std::vector<Target> record_targets();  // what people and leverd itself write: config, ledger, JSON
std::vector<Target> remote_targets();  // events, forge, hosters, Prometheus, name servers

// A 200 with this JSON body.
net::HttpResponse json_answer(std::string_view bytes);

}  // namespace leverd::fuzz
