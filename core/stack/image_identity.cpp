// Why: see image_identity.hpp.
#include "core/stack/image_identity.hpp"

#include "core/base/text.hpp"
#include "core/model/codec.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace leverd::stack {

std::vector<std::string> listed_manifests(const Manifest& manifest) {
    std::vector<std::string> digests;
    const auto body = parse_json(manifest.bytes);
    if (!body.has_value() || !body->is_object()) {
        return digests;
    }
    const auto list = body->find("manifests");
    if (list == body->end() || !list->is_array()) {
        return digests;
    }
    for (const auto& entry : *list) {
        std::string digest = text_at(entry, "digest");
        if (is_digest(digest)) {
            digests.push_back(std::move(digest));
        }
    }
    return digests;
}

ImageIdentity::ImageIdentity(Registry& registry, std::string repository)
    : registry_(registry), repository_(std::move(repository)) {}

boost::asio::awaitable<Read<bool>> ImageIdentity::lists(std::string index, std::string digest,
                                                        net::Deadline deadline) {
    auto known = listed_.find(index);
    if (known == listed_.end()) {
        auto manifest = co_await registry_.get(repository_, index, deadline);
        std::vector<std::string> digests;
        if (manifest.has_value()) {
            digests = listed_manifests(*manifest);
        } else if (manifest.error().reason != Reason::not_found) {
            co_return manifest.error();
        }
        known = listed_.emplace(index, std::move(digests)).first;
    }
    const auto& all = known->second;
    co_return good(std::find(all.begin(), all.end(), digest) != all.end());
}

boost::asio::awaitable<Read<bool>> ImageIdentity::same(std::string a, std::string b,
                                                       net::Deadline deadline) {
    if (a == b) {
        co_return good(true);
    }
    auto contains = co_await lists(a, b, deadline);
    if (contains.has_error() || *contains) {
        co_return contains;
    }
    auto contained = co_await lists(b, a, deadline);
    co_return contained;
}

}  // namespace leverd::stack
