// Why: see codec.hpp.
#include "policies/state/codec.hpp"

#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "policies/state/members.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <type_traits>

namespace leverd {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 3> incident_phases{"open", "escalated", "closed"};
constexpr std::array<std::string_view, 4> intent_phases{"in_flight", "ambiguous", "verifying",
                                                        "done"};
constexpr std::size_t enumerators_max = 16;

template <class E>
std::string_view name_of(E value) {
    const auto index = static_cast<std::size_t>(value);
    if constexpr (std::is_same_v<E, IncidentPhase>) {
        return index < incident_phases.size() ? incident_phases[index] : "invalid";
    } else if constexpr (std::is_same_v<E, IntentPhase>) {
        return index < intent_phases.size() ? intent_phases[index] : "invalid";
    } else if constexpr (std::is_same_v<E, Reason>) {
        return describe(value).name;
    } else {
        return to_string(value);
    }
}

template <class E>
std::optional<E> value_of(std::string_view name) {
    if constexpr (std::is_same_v<E, Reason>) {
        return reason_from_name(name);
    }
    for (std::size_t i = 0; name != "invalid" && i < enumerators_max; ++i) {
        if (name_of(static_cast<E>(i)) == name) {
            return static_cast<E>(i);
        }
    }
    return std::nullopt;
}

template <class T, class Variant>
inline constexpr bool is_alternative = false;
template <class T, class... All>
inline constexpr bool is_alternative<T, std::variant<All...>> = (std::same_as<T, All> || ...);

// What the entries' own codec writes.
template <class T>
concept Body = is_alternative<T, EntryBody>;
template <class T>
concept List = requires(T& t) {
    typename T::value_type;
    t.insert(t.end(), typename T::value_type{});
} && !std::same_as<T, std::string>;

struct Encode {
    Json operator()(const std::string& text) const { return text; }
    Json operator()(bool value) const { return value; }
    Json operator()(int value) const { return value; }
    Json operator()(std::int64_t value) const { return value; }
    Json operator()(std::uint64_t value) const { return value; }
    Json operator()(Instant t) const { return to_millis(t); }
    Json operator()(WallTime t) const { return to_millis(t); }
    Json operator()(Millis d) const { return d.count(); }
    Json operator()(const Subject& s) const { return s.text(); }
    // The exact bits of what JSON has no word for.
    Json operator()(double n) const {
        if (std::isnan(n)) {
            return "nan";
        }
        return std::isinf(n) ? Json(n > 0 ? "inf" : "-inf") : Json(n);
    }
    Json operator()(const Now& now) const {
        return Json::array({(*this)(now.at), (*this)(now.wall)});
    }
    Json operator()(const Looks& looks) const {
        Json out = Json::array();
        for (const LookState& look : looks) {
            Observed one;
            one.observation = as_observation(Subject{}, look);
            one.repeats = look.repeats;
            out.push_back(to_json(EntryBody{std::move(one)}));
        }
        return out;
    }
    template <class A, class B>
    Json operator()(const std::pair<A, B>& both) const {
        return Json::array({(*this)(both.first), (*this)(both.second)});
    }
    template <class T>
    Json operator()(const std::optional<T>& value) const {
        return value ? Json::array({(*this)(*value)}) : Json::array();
    }
    template <class T>
    Json operator()(const T& value) const {
        if constexpr (std::is_enum_v<T>) {
            return std::string(name_of(value));
        } else if constexpr (Body<T>) {
            return to_json(EntryBody{value});
        } else if constexpr (List<T>) {
            Json out = Json::array();
            for (const auto& item : value) {
                out.push_back((*this)(item));
            }
            return out;
        } else {
            Json out = Json::object();
            members([&](const char* name, const auto& member) { out[name] = (*this)(member); },
                    value);
            return out;
        }
    }
};

// Each answers what is wrong, or nothing.
using Problem = std::optional<std::string>;

struct Decode {
    State& state;  // whose shapes the looks share

    Problem operator()(const Json& j, std::string& out) const {
        return take(j.is_string(), "text", [&] { out = j.get<std::string>(); });
    }
    Problem operator()(const Json& j, bool& out) const {
        return take(j.is_boolean(), "true or false", [&] { out = j.get<bool>(); });
    }
    template <class N>
        requires std::is_integral_v<N>
    Problem operator()(const Json& j, N& out) const {
        return take(j.is_number_integer(), "a whole number", [&] { out = j.get<N>(); });
    }
    Problem operator()(const Json& j, double& out) const {
        if (j.is_string()) {
            const auto word = j.get<std::string>();
            out = word == "nan"   ? std::numeric_limits<double>::quiet_NaN()
                  : word == "inf" ? std::numeric_limits<double>::infinity()
                                  : -std::numeric_limits<double>::infinity();
            return std::nullopt;
        }
        return take(j.is_number(), "a number", [&] { out = j.get<double>(); });
    }
    template <class Clock>
    Problem operator()(const Json& j, std::chrono::time_point<Clock, Millis>& out) const {
        return take(j.is_number_integer(), "a time", [&] {
            out = std::chrono::time_point<Clock, Millis>{Millis{j.get<std::int64_t>()}};
        });
    }
    Problem operator()(const Json& j, Millis& out) const {
        return take(j.is_number_integer(), "a duration",
                    [&] { out = Millis{j.get<std::int64_t>()}; });
    }
    Problem operator()(const Json& j, Subject& out) const {
        return take(j.is_string(), "a subject", [&] { out = Subject{j.get<std::string>()}; });
    }
    Problem operator()(const Json& j, Now& out) const {
        if (!j.is_array() || j.size() != 2) {
            return "expected a time";
        }
        auto problem = (*this)(j[0], out.at);
        return problem ? problem : (*this)(j[1], out.wall);
    }
    Problem operator()(const Json& j, Looks& out) const {
        if (!j.is_array()) {
            return "expected looks";
        }
        for (const Json& item : j) {
            auto body = entry_of_json("observation", item);
            if (!body) {
                return body.error().what;
            }
            const auto& seen = std::get<Observed>(*body);
            out.restore(state.shapes, seen.observation, seen.repeats);
        }
        return std::nullopt;
    }
    template <class A, class B>
    Problem operator()(const Json& j, std::pair<A, B>& out) const {
        if (!j.is_array() || j.size() != 2) {
            return "expected a pair";
        }
        auto problem = (*this)(j[0], out.first);
        return problem ? problem : (*this)(j[1], out.second);
    }
    template <class T>
    Problem operator()(const Json& j, std::optional<T>& out) const {
        if (!j.is_array() || j.size() > 1) {
            return "expected one value or none";
        }
        return j.empty() ? std::nullopt : (*this)(j[0], out.emplace());
    }
    template <class T>
    Problem operator()(const Json& j, T& out) const {
        if constexpr (std::is_enum_v<T>) {
            const auto value = j.is_string() ? value_of<T>(j.get<std::string>()) : std::nullopt;
            return take(value.has_value(), "a known word", [&] { out = *value; });
        } else if constexpr (Body<T>) {
            auto body = entry_of_json(entry_kind(EntryBody{T{}}), j);
            if (!body) {
                return body.error().what;
            }
            out = std::get<T>(std::move(*body));
            return std::nullopt;
        } else if constexpr (List<T>) {
            return list(j, out);
        } else {
            return object(j, out);
        }
    }

    template <class T>
    Problem element(const Json& j, T& out) const {
        unlocked_t<typename T::value_type> item{};
        auto problem = (*this)(j, item);
        if (!problem) {
            out.insert(out.end(), std::move(item));
        }
        return problem;
    }

  private:
    // The element of a map without the const of its key.
    template <class T>
    struct Unlocked {
        using type = T;
    };
    template <class A, class B>
    struct Unlocked<std::pair<const A, B>> {
        using type = std::pair<A, B>;
    };
    template <class T>
    using unlocked_t = typename Unlocked<T>::type;

    template <class Do>
    static Problem take(bool right, const char* wanted, Do put) {
        if (!right) {
            return std::string("expected ") + wanted;
        }
        put();
        return std::nullopt;
    }
    template <class T>
    Problem list(const Json& j, T& out) const {
        if (!j.is_array()) {
            return "expected a list";
        }
        for (const Json& item : j) {
            if (auto problem = element(item, out)) {
                return problem;
            }
        }
        return std::nullopt;
    }
    template <class T>
    Problem object(const Json& j, T& out) const {
        if (!j.is_object()) {
            return "expected an object";
        }
        Problem problem;
        std::size_t known = 0;
        members(
            [&](const char* name, auto& member) {
                const auto found = j.find(name);
                if (problem || found == j.end()) {
                    return;
                }
                ++known;
                if (auto wrong = (*this)(*found, member)) {
                    problem = fmt::format("{}: {}", name, *wrong);
                }
            },
            out);
        return problem || known == j.size() ? problem : "a member that this leverd does not know";
    }
};

void put_line(std::string& text, std::string_view name, Json value) {
    text += dump(Json::array({std::string(name), std::move(value)}));
    text += '\n';
}

// Large members go element by element, so that nobody needs all of the text as one value.
struct Lines {
    std::string& text;

    template <class T>
    void operator()(const char* name, const T& member) const {
        if constexpr (List<T>) {
            for (const auto& item : member) {
                put_line(text, name, Encode{}(item));
            }
        } else {
            put_line(text, name, Encode{}(member));
        }
    }
};

Problem take_line(const Json& line, State& state, Chronicle& chronicle) {
    if (!line.is_array() || line.size() != 2 || !line[0].is_string()) {
        return "expected a name and a value";
    }
    const auto name = line[0].get<std::string>();
    const Decode decode{state};
    if (name == "newest_start") {
        std::pair<Now, Started> newest;
        auto problem = decode(line[1], newest);
        chronicle.started_at = newest.first;
        chronicle.started = std::move(newest.second);
        return problem;
    }
    if (name == "count") {
        std::pair<Count, std::int64_t> count;
        auto problem = decode(line[1], count);
        chronicle.tally.set(std::move(count.first), count.second);
        return problem;
    }
    if (name == "intent_lever") {
        std::pair<std::string, std::string> pair;
        auto problem = decode(line[1], pair);
        chronicle.tally.remember(pair.first, pair.second);
        return problem;
    }
    Problem problem = "a member that this leverd does not know";
    members(
        [&](const char* known, auto& member) {
            if (name != known) {
                return;
            }
            if constexpr (List<std::remove_cvref_t<decltype(member)>>) {
                problem = decode.element(line[1], member);
            } else {
                problem = decode(line[1], member);
            }
        },
        state);
    return problem ? name + ": " + *problem : problem;
}

}  // namespace

std::string encode_state(const State& state) {
    std::string text;
    members(Lines{text}, state);
    return text;
}

std::string encode_snapshot(const State& state, const Chronicle& chronicle) {
    std::string text = encode_state(state);
    put_line(text, "newest_start",
             Encode{}(std::pair<Now, Started>{chronicle.started_at, chronicle.started}));
    for (const auto& count : chronicle.tally.counts()) {
        put_line(text, "count", Encode{}(count));
    }
    for (const auto& intent : chronicle.tally.intents()) {
        put_line(text, "intent_lever", Encode{}(intent));
    }
    return text;
}

Result<void> decode_snapshot(std::string_view text, State& state, Chronicle& chronicle) {
    std::int64_t number = 0;
    for (std::size_t at = 0; at < text.size();) {
        ++number;
        const auto end = std::min(text.find('\n', at), text.size());
        const auto line = parse_json(text.substr(at, end - at));
        const auto problem = line ? take_line(*line, state, chronicle) : Problem{line.error().what};
        if (problem) {
            return Error{
                fmt::format("line {} of the snapshot: {}", number, sanitize(*problem, 300)),
                "it was made by another version of leverd: install that one again"};
        }
        at = end + 1;
    }
    return {};
}

}  // namespace leverd
