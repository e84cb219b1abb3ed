// Why: a registry does not say in which order its tags were made, and the runbook's "good SHA" is a
// tag that exists in both platform repositories. This finds the newest such build that is older
// than the one in service; when the order cannot be read, a person has to choose.
#pragma once

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/stack/registry.hpp"
#include "policies/levers/lever.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace leverd::levers {

// "staging-" and seven lower-case hex digits (wire-contracts 4.3).
bool is_staging_tag(std::string_view tag);

// When an image was built: its `created` annotation, else `created` of its config (for an index:
// of its first real child). An Error when neither can be read.
boost::asio::awaitable<Result<WallTime>> built_at(stack::Registry* registry, std::string repository,
                                                  std::string reference, net::Deadline deadline);

struct Candidate {
    std::string tag;
    std::string digest;  // in the first repository
    std::string twin_digest;
    WallTime built{};
};

struct CandidateQuestion {
    std::string repository;
    std::string twin;
    std::string current;  // digest in service now, first repository
    std::string twin_current;
};

// The question about the platform's pair as its tags stand now.
boost::asio::awaitable<Result<CandidateQuestion>> platform_question(const Context& context,
                                                                    stack::Registry* registry,
                                                                    net::Deadline deadline);

// More common tags than this cannot be put in order within one plan.
inline constexpr std::size_t candidates_max = 200;

// The newest tag of both repositories that was built before the image in service and is not it.
boost::asio::awaitable<Result<Candidate>> choose_candidate(stack::Registry* registry,
                                                           CandidateQuestion question,
                                                           net::Deadline deadline);

// The common staging tag that names exactly these two digests. An Error when none does: then
// nobody can ask for the images by a tag that stands still.
boost::asio::awaitable<Result<std::string>> explicit_tag(stack::Registry* registry,
                                                         CandidateQuestion question,
                                                         net::Deadline deadline);

}  // namespace leverd::levers
