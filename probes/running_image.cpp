// Why: see running_image.hpp. A build says a commit or a digest. The commit becomes a digest by the
// tag that its build got; what does not resolve is no evidence of drift.
#include "probes/running_image.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace leverd::probes {
namespace {

constexpr Millis build_fresh_for{600'000};
constexpr std::size_t commit_digits = 7;  // of staging-<sha7>
constexpr std::size_t names_shown = 5;

// What this build is called in the repository; nullopt: it cannot be told.
boost::asio::awaitable<std::optional<std::string>> digest_of(stack::Registry& registry,
                                                             std::string repository,
                                                             RunningBuild build,
                                                             net::Deadline deadline) {
    // A digest that this repository does not hold is of the other platform image.
    const std::string reference =
        build.digest.empty() ? "staging-" + build.commit.substr(0, commit_digits) : build.digest;
    auto found = co_await registry.head(repository, reference, deadline);
    if (found.has_error()) {
        co_return std::nullopt;
    }
    co_return std::optional<std::string>(found->digest);
}

std::map<std::string, RunningBuild> fresh_builds(const Context& context) {
    std::map<std::string, RunningBuild> fresh;
    const Instant now = context.clock->now().at;
    for (const auto& [slug, build] : context.inventory->builds) {
        const bool says = !build.commit.empty() || !build.digest.empty();
        if (says && now - build.asked <= build_fresh_for &&
            is_watched(context.config->tenants, slug)) {
            fresh.emplace(slug, build);
        }
    }
    return fresh;
}

// What one build is to tag and receipt; nullopt where any of it cannot be told.
struct Standing {
    std::string digest;
    bool is_tag = false;
    bool is_receipt = false;
};

std::string names(const std::vector<std::string>& slugs) {
    std::string text;
    for (std::size_t i = 0; i < std::min(slugs.size(), names_shown); ++i) {
        text += (i == 0 ? "" : ", ") + slugs[i];
    }
    if (slugs.size() > names_shown) {
        text += fmt::format(" and {} more", slugs.size() - names_shown);
    }
    return text;
}

std::string of_all(std::size_t some, const Running& running) {
    return fmt::format("{} of {} tenants that tell", some, running.told.size());
}

}  // namespace

bool tenants_run(const config::Registry& settings, const std::string& repository) {
    return !repository.empty() &&
           (repository == settings.platform_image || repository == settings.platform_tenant_image);
}

boost::asio::awaitable<Running> who_runs(Context& context, stack::Registry& registry,
                                         stack::ImageIdentity& identity, std::string repository,
                                         std::string tag, std::optional<std::string> receipt,
                                         net::Deadline deadline) {
    Running running;
    if (!tenants_run(context.config->registry, repository)) {
        co_return running;
    }
    // A fleet runs one build or two, so each is resolved once.
    std::map<std::string, std::optional<Standing>> known;
    const std::map<std::string, RunningBuild> builds = fresh_builds(context);
    for (const auto& [slug, build] : builds) {
        const std::string key = build.digest + build.commit;
        auto it = known.find(key);
        if (it == known.end()) {
            it = known.emplace(key, std::nullopt).first;
            auto digest = co_await digest_of(registry, repository, build, deadline);
            if (digest) {
                auto is_tag = co_await identity.same(*digest, tag, deadline);
                auto is_receipt =
                    co_await identity.same(*digest, receipt ? *receipt : tag, deadline);
                if (is_tag.has_value() && is_receipt.has_value()) {
                    it->second = Standing{*digest, *is_tag, *is_receipt};
                }
            }
        }
        if (!it->second) {
            continue;
        }
        running.told.push_back(slug);
        if (!it->second->is_tag) {
            running.off_tag.push_back(slug);
            running.other = running.other.empty() ? it->second->digest : running.other;
        }
        if (receipt && !it->second->is_receipt) {
            running.off_receipt.push_back(slug);
        }
    }
    co_return running;
}

std::string describe_running(const Running& running, bool has_receipt, bool tag_drifted) {
    if (running.told.empty()) {
        return "no tenant tells what it runs";
    }
    if (!tag_drifted) {
        if (running.off_tag.empty()) {
            return of_all(running.told.size(), running) + " run it";
        }
        return fmt::format("the tenants drifted{}: {} run another image ({}): {}",
                           has_receipt ? " from receipt and tag" : "",
                           of_all(running.off_tag.size(), running), running.other,
                           names(running.off_tag));
    }
    if (running.off_receipt.empty()) {
        return "the tag drifted alone: " + of_all(running.told.size(), running) +
               " run the receipt's image";
    }
    return fmt::format("tag and tenants drifted: {} left the receipt: {}",
                       of_all(running.off_receipt.size(), running), names(running.off_receipt));
}

}  // namespace leverd::probes
