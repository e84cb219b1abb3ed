// Why: what every sink gets to make a request of, and what it makes of the answer. The words of a
// page are the engine's; a sink only puts them into its receiver's form.
#pragma once

#include "core/base/redact.hpp"
#include "core/model/entry.hpp"
#include "core/net/http.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace leverd::exporters {

struct Message {
    Paged page;
    std::optional<Paged> told;  // the newest version that this sink accepted
    Millis lasts{0};            // it ends by itself after this, where the sink can say so; zero: no
    bool brief = false;         // the receiver called the whole one too large
};

struct AttemptEnd {
    enum class Kind { accepted, failed, rejected };
    Kind kind = Kind::failed;
    std::string words;      // "503 in 12 ms", one line without secrets
    Millis retry_after{0};  // what the receiver asked for; zero: it did not say
    bool too_large = false;
};

// 2xx is accepted, whatever becomes of the rest of the answer. 408, 425, 429, 5xx and no status are
// the receiver's trouble; every other status says that it does not want this message.
AttemptEnd judge_answer(const net::HttpResult& answer, WallTime now);

// It is over, and its beginning never reached this sink.
bool is_late(const Message& message);
// The page as this sink is to say it: late, or shortened where the whole was too large.
Paged worded(const Message& message);
// What receivers may route and count by: subject, symptom, incident, lever, guard, the row of the
// page table, and what is new; empty ones are left out.
std::vector<std::pair<std::string, std::string>> named_parts(const Paged& page);

}  // namespace leverd::exporters
