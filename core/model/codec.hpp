// Why: one exact JSON form for everything that is stored or shown. Keys are sorted and numbers have
// one spelling, so equal values give equal bytes (invariant 14) and a hash over them means
// something.
#pragma once

#include "core/base/result.hpp"
#include "core/model/entry.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace leverd {

std::string_view to_string(Health h);
std::string_view to_string(Origin o);
std::string_view to_string(Mode m);  // observe, recommend, approve, auto
std::string_view to_string(Action a);
std::string_view to_string(OutcomeKind k);
std::string_view to_string(Took t);
std::string_view to_string(VerdictKind k);
std::string_view to_string(Severity s);
std::string_view to_string(PageStatus s);
std::string_view to_string(Reversibility r);
std::string_view to_string(BreakerPhase p);

// "decision", "intent" ...: the entry's kind as stored and shown.
std::string_view entry_kind(const EntryBody& body);

nlohmann::json to_json(const Observation& o);
nlohmann::json to_json(const Plan& p);
nlohmann::json to_json(const GuardVerdict& g);
nlohmann::json to_json(const EntryBody& body);

// The body of an entry of this kind; an unknown kind, a missing key or an unknown enum value is an
// Error (fail closed).
Result<EntryBody> entry_from_json(std::string_view kind, const std::string& json_text);
// The same for a body that was parsed already.
Result<EntryBody> entry_of_json(std::string_view kind, const nlohmann::json& body);

// Stable compact text: sorted keys, invalid UTF-8 replaced.
std::string dump(const nlohmann::json& j);

// Parses untrusted bytes without throwing: at most `depth_max` levels, no duplicate keys kept
// silently.
Result<nlohmann::json> parse_json(std::string_view bytes, int depth_max = 64);

}  // namespace leverd
