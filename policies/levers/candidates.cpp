// Why: see candidates.hpp.
#include "policies/levers/candidates.hpp"

#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "core/stack/control_plane.hpp"
#include "policies/levers/access.hpp"
#include "policies/levers/image_move.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace leverd::levers {
namespace {

constexpr std::string_view staging_prefix = "staging-";
constexpr std::size_t short_sha = 7;
constexpr const char* created_annotation = "org.opencontainers.image.created";
constexpr const char* ask_person =
    "a person names the tag: compare the builds and move both tags by hand";

std::optional<WallTime> annotated(const nlohmann::json& manifest) {
    const auto annotations = manifest.is_object() ? manifest.find("annotations") : manifest.end();
    if (!manifest.is_object() || annotations == manifest.end()) {
        return std::nullopt;
    }
    return stack::parse_rfc3339(stack::text_at(*annotations, created_annotation));
}

// The first child of an index that is an image: attestations have platform unknown/unknown.
std::string first_child(const nlohmann::json& index) {
    const auto children = index.find("manifests");
    if (children == index.end() || !children->is_array()) {
        return {};
    }
    for (const auto& child : *children) {
        if (!child.is_object()) {
            continue;
        }
        const auto platform = child.find("platform");
        const bool attestation =
            platform != child.end() && stack::text_at(*platform, "os") == "unknown";
        const std::string digest = stack::text_at(child, "digest");
        if (!attestation && is_digest(digest)) {
            return digest;
        }
    }
    return {};
}

boost::asio::awaitable<Result<nlohmann::json>> manifest_json(stack::Registry* registry,
                                                             std::string repository,
                                                             std::string reference,
                                                             net::Deadline deadline) {
    auto manifest = co_await registry->get(repository, reference, deadline);
    if (manifest.has_error()) {
        co_return stack::to_error(manifest.error());
    }
    auto parsed = parse_json(manifest->bytes);
    if (parsed.has_error() || !parsed->is_object()) {
        co_return refusal(repository + ":" + reference + " is no readable manifest");
    }
    co_return success(std::move(*parsed));
}

std::vector<std::string> common_tags(const std::vector<std::string>& a,
                                     const std::vector<std::string>& b) {
    const std::set<std::string> other(b.begin(), b.end());
    std::set<std::string> both;
    for (const auto& tag : a) {
        if (is_staging_tag(tag) && other.contains(tag)) {
            both.insert(tag);
        }
    }
    return {both.begin(), both.end()};
}

boost::asio::awaitable<Result<std::string>> digest_of(stack::Registry* registry,
                                                      std::string repository, std::string tag,
                                                      net::Deadline deadline) {
    auto state = co_await registry->head(repository, tag, deadline);
    if (state.has_error()) {
        co_return wrap(repository + ":" + tag, stack::to_error(state.error()));
    }
    co_return success(state->digest);
}

boost::asio::awaitable<Result<std::vector<std::string>>> list_common(stack::Registry* registry,
                                                                     CandidateQuestion question,
                                                                     net::Deadline deadline) {
    auto tags = co_await registry->tags(question.repository, deadline);
    if (tags.has_error()) {
        co_return wrap("tags of " + question.repository, stack::to_error(tags.error()));
    }
    auto twins = co_await registry->tags(question.twin, deadline);
    if (twins.has_error()) {
        co_return wrap("tags of " + question.twin, stack::to_error(twins.error()));
    }
    auto common = common_tags(*tags, *twins);
    if (common.empty()) {
        co_return refusal("no tag staging-<7 hex> exists in both platform repositories",
                          ask_person);
    }
    if (common.size() > candidates_max) {
        co_return refusal(fmt::format("{} common staging tags are too many to put in order; the "
                                      "limit is {}",
                                      common.size(), candidates_max),
                          ask_person);
    }
    co_return common;
}

}  // namespace

bool is_staging_tag(std::string_view tag) {
    if (!tag.starts_with(staging_prefix) || tag.size() != staging_prefix.size() + short_sha) {
        return false;
    }
    return tag.substr(staging_prefix.size()).find_first_not_of("0123456789abcdef") ==
           std::string_view::npos;
}

boost::asio::awaitable<Result<WallTime>> built_at(stack::Registry* registry, std::string repository,
                                                  std::string reference, net::Deadline deadline) {
    auto manifest = co_await manifest_json(registry, repository, reference, deadline);
    if (manifest.has_error()) {
        co_return manifest.error();
    }
    if (const auto at = annotated(*manifest)) {
        co_return *at;
    }
    if (manifest->contains("manifests")) {
        const std::string child = first_child(*manifest);
        if (child.empty()) {
            co_return refusal(repository + ":" + reference + " is an index without an image");
        }
        manifest = co_await manifest_json(registry, repository, child, deadline);
        if (manifest.has_error()) {
            co_return manifest.error();
        }
        if (const auto at = annotated(*manifest)) {
            co_return *at;
        }
    }
    const auto config = manifest->find("config");
    const std::string digest =
        config == manifest->end() ? std::string{} : stack::text_at(*config, "digest");
    if (!is_digest(digest)) {
        co_return refusal(repository + ":" + reference + " names no config");
    }
    auto bytes = co_await registry->blob(repository, digest, deadline);
    if (bytes.has_error()) {
        co_return stack::to_error(bytes.error());
    }
    const auto image = parse_json(*bytes);
    const auto at = image.has_value() ? stack::parse_rfc3339(stack::text_at(*image, "created"))
                                      : std::optional<WallTime>{};
    // Reproducible builds write 1970: a date that orders nothing.
    if (!at || to_millis(*at) <= 0) {
        co_return refusal(repository + ":" + reference + " does not say when it was built");
    }
    co_return *at;
}

boost::asio::awaitable<Result<Candidate>> choose_candidate(stack::Registry* registry,
                                                           CandidateQuestion question,
                                                           net::Deadline deadline) {
    auto common = co_await list_common(registry, question, deadline);
    if (common.has_error()) {
        co_return common.error();
    }
    auto current = co_await built_at(registry, question.repository, question.current, deadline);
    if (current.has_error()) {
        co_return wrap("build time of the image in service",
                       refusal(current.error().what, ask_person));
    }
    std::optional<Candidate> best;
    bool tie = false;
    for (const auto& tag : *common) {
        auto digest = co_await digest_of(registry, question.repository, tag, deadline);
        if (digest.has_error()) {
            co_return digest.error();
        }
        if (*digest == question.current) {
            continue;
        }
        auto built = co_await built_at(registry, question.repository, *digest, deadline);
        if (built.has_error()) {
            co_return wrap("build time of " + tag, refusal(built.error().what, ask_person));
        }
        if (*built >= *current || (best && *built < best->built)) {
            continue;
        }
        // Two tags of one build are no choice; two builds of one instant are.
        tie = best && *built == best->built && *digest != best->digest;
        best = Candidate{tag, *digest, {}, *built};
    }
    if (!best || tie) {
        co_return refusal(tie ? "two builds have the same time, so their order is unknown"
                              : "no common staging tag is older than the image in service",
                          ask_person);
    }
    auto twin = co_await digest_of(registry, question.twin, best->tag, deadline);
    if (twin.has_error()) {
        co_return twin.error();
    }
    best->twin_digest = *twin;
    if (best->twin_digest == question.twin_current) {
        co_return refusal(question.twin + ":" + best->tag + " is what is in service already",
                          ask_person);
    }
    co_return *best;
}

boost::asio::awaitable<Result<CandidateQuestion>> platform_question(const Context& context,
                                                                    stack::Registry* registry,
                                                                    net::Deadline deadline) {
    CandidateQuestion question;
    question.repository = context.config->registry.platform_image;
    question.twin = context.config->registry.platform_tenant_image;
    auto first = co_await current_digest(registry, question.repository, deadline);
    if (first.has_error()) {
        co_return first.error();
    }
    auto second = co_await current_digest(registry, question.twin, deadline);
    if (second.has_error()) {
        co_return second.error();
    }
    question.current = *first;
    question.twin_current = *second;
    co_return question;
}

boost::asio::awaitable<Result<std::string>> explicit_tag(stack::Registry* registry,
                                                         CandidateQuestion question,
                                                         net::Deadline deadline) {
    auto common = co_await list_common(registry, question, deadline);
    if (common.has_error()) {
        co_return common.error();
    }
    for (const auto& tag : *common) {
        auto digest = co_await digest_of(registry, question.repository, tag, deadline);
        if (digest.has_error()) {
            co_return digest.error();
        }
        if (*digest != question.current) {
            continue;
        }
        auto twin = co_await digest_of(registry, question.twin, tag, deadline);
        if (twin.has_error()) {
            co_return twin.error();
        }
        if (*twin == question.twin_current) {
            co_return success(tag);
        }
    }
    co_return refusal("no common staging tag names the images that :latest is now", ask_person);
}

}  // namespace leverd::levers
