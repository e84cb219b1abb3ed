// Why: levers A and B both move `:latest` of one or two repositories to a digest. A registry has no
// compare-and-swap, so every move is: verify the wanted bytes, look at the tag once more, put those
// very bytes once, look again; and a pair that could be moved only by half is put back.
#pragma once

#include "core/stack/registry.hpp"
#include "policies/levers/lever.hpp"

#include <string>
#include <vector>

namespace leverd::levers {

inline constexpr const char* moved_tag = "latest";

struct TagMove {
    std::string repository;
    std::string from;  // digest of the tag when the plan was made
    std::string to;    // wanted digest; equal to `from`: this one stays as it is

    friend bool operator==(const TagMove&, const TagMove&) = default;
};

// HEAD of the tag; a tag that does not exist is an Error like any other.
boost::asio::awaitable<Result<std::string>> current_digest(stack::Registry* registry,
                                                           std::string repository,
                                                           net::Deadline deadline);

// Fills what every image plan has: params, moves, target_version and the PUT calls. The wanted
// manifests are fetched and verified now, and for a pair the old ones too, because without them a
// half-made move could not be put back.
boost::asio::awaitable<Result<Plan>> plan_moves(Context& context, stack::Registry* registry,
                                                Plan plan, std::vector<TagMove> moves,
                                                net::Deadline deadline);

// The moves of `done` the other way round. An Error unless every tag is still what `done` made it:
// somebody who has moved one since knows something that we do not.
boost::asio::awaitable<Result<Plan>> plan_moves_back(Context& context, Intent done,
                                                     net::Deadline deadline);

boost::asio::awaitable<Outcome> fire_moves(Context& context, Plan plan, std::string intent,
                                           net::Deadline deadline);

// `propagation` is the lever's effective delay: right after a PUT an edge cache may still show the
// old digest, so "old" is no proof before that, or before edge_cache at the latest.
boost::asio::awaitable<Settled> observe_moves(Context& context, Plan plan, std::string intent,
                                              Now fired, Millis propagation,
                                              net::Deadline deadline);
inline constexpr Millis edge_cache{30'000};

boost::asio::awaitable<Observation> prove_moves(Context& context, Plan plan,
                                                net::Deadline deadline);

}  // namespace leverd::levers
