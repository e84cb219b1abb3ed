// Why: one image has several digests. A tag usually names an index, and a machine that pulls it
// runs one of the index's platform manifests; the two digests differ and nothing has drifted.
#pragma once

#include "core/stack/registry.hpp"

#include <map>
#include <string>
#include <vector>

namespace leverd::stack {

// The manifests that an index lists; empty for a manifest that is no index.
std::vector<std::string> listed_manifests(const Manifest& manifest);

// Compares digests of one repository. What it has read stays valid, because a digest's bytes never
// change; make one per look. Outlived by the registry and outlives its coroutines.
class ImageIdentity {
  public:
    ImageIdentity(Registry& registry, std::string repository);

    // Equal, or one is an index that lists the other. A manifest that the registry no longer has
    // lists nothing; any other trouble is a Problem, and then the two may be the same.
    boost::asio::awaitable<Read<bool>> same(std::string a, std::string b, net::Deadline deadline);

  private:
    boost::asio::awaitable<Read<bool>> lists(std::string index, std::string digest,
                                             net::Deadline deadline);

    Registry& registry_;
    std::string repository_;
    std::map<std::string, std::vector<std::string>> listed_;
};

}  // namespace leverd::stack
