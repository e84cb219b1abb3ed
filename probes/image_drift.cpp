// Why: the freeze receipt says which digest each image has to have, the registry says what :latest
// points to now, tenants say what they run. This look compares the three, names who drifted, and
// reports the tag's digest as the subject's version, so that a move is seen also where no receipt
// speaks.
#include "core/stack/image_identity.hpp"
#include "core/stack/receipt.hpp"
#include "core/stack/registry.hpp"
#include "probes/common.hpp"
#include "probes/running_image.hpp"

#include <algorithm>
#include <optional>

namespace leverd::probes {
namespace {

stack::RegistryAccess registry_access(const Context& context) {
    const config::Registry& settings = context.config->registry;
    stack::RegistryAccess access;
    access.http = context.http;
    access.url = settings.url;
    access.user = settings.user;
    access.token = secret_of(context, settings.token);
    access.allow_private_realm = settings.allow_private_realm;
    return access;
}

struct Wanted {
    std::optional<std::string> digest;
    std::string why_not;
};

Wanted wanted_digest(const config::FreezeSettings& freeze, const std::string& repository) {
    if (freeze.receipt.empty()) {
        return Wanted{std::nullopt, "no receipt is configured"};
    }
    const auto receipt = stack::read_digest_receipt(freeze.receipt);
    if (receipt.has_error()) {
        return Wanted{std::nullopt, receipt.error().what};
    }
    if (receipt->conflicting) {
        return Wanted{std::nullopt, "the receipt names two digests for one image: not used"};
    }
    return Wanted{stack::receipt_digest(*receipt, repository), "the receipt does not name it"};
}

// The tag's digest against the receipt's; drift only where both are known to be different images.
Observation judge_tag(const stack::TagState& tag, const Wanted& wanted, bool same, bool frozen,
                      const Subject& subject, const Task& task) {
    Observation seen = observation(subject, task, Health::healthy, Reason::ok, {});
    seen.version = tag.digest;
    seen.phases = tag.response.phases;
    if (!wanted.digest) {
        seen.reason = Reason::receipt_missing;
        seen.evidence = ":latest is " + tag.digest + "; " + wanted.why_not;
    } else if (*wanted.digest == tag.digest) {
        seen.evidence = ":latest is " + tag.digest + ", as the receipt says";
    } else if (same) {
        seen.evidence =
            ":latest is " + tag.digest + ", the image that the receipt names as " + *wanted.digest;
    } else {
        seen.health = frozen ? Health::failing : Health::degraded;
        seen.reason = frozen ? Reason::drift : Reason::image_moved;
        seen.evidence = ":latest is " + tag.digest + "; the receipt says " + *wanted.digest;
    }
    return seen;
}

void add_running(const Running& running, bool has_receipt, Observation& seen) {
    const bool tag_drifted = seen.health != Health::healthy;
    seen.evidence += "; " + describe_running(running, has_receipt, tag_drifted);
    if (running.told.empty()) {
        return;
    }
    seen.facts["tenants_told"] = static_cast<double>(running.told.size());
    seen.facts["tenants_off_tag"] = static_cast<double>(running.off_tag.size());
    if (has_receipt) {
        seen.facts["tenants_off_receipt"] = static_cast<double>(running.off_receipt.size());
    }
    if (!tag_drifted && !running.off_tag.empty()) {
        // Moving the tag would not help: it is where it should be.
        seen.health = Health::degraded;
        seen.reason = Reason::running_differs;
    }
}

boost::asio::awaitable<Observation> compare(Context& context, stack::Registry& registry,
                                            stack::TagState tag, Task task,
                                            net::Deadline deadline) {
    const Subject subject("image/" + task.target);
    const Wanted wanted = wanted_digest(context.config->freeze, task.target);
    stack::ImageIdentity identity(registry, task.target);
    bool same = true;
    if (wanted.digest) {
        auto is_same = co_await identity.same(tag.digest, *wanted.digest, deadline);
        if (is_same.has_error()) {
            // Two digests may still be one image.
            Observation seen = cannot_judge(is_same.error(), subject, task);
            seen.version = tag.digest;
            co_return seen;
        }
        same = *is_same;
    }
    Observation seen = judge_tag(tag, wanted, same, context.config->freeze.active, subject, task);
    if (tenants_run(context.config->registry, task.target)) {
        const Running running = co_await who_runs(context, registry, identity, task.target,
                                                  tag.digest, wanted.digest, deadline);
        add_running(running, wanted.digest.has_value(), seen);
    }
    co_return seen;
}

bool is_refusal(const stack::Problem& problem) {
    return problem.status == 401 || problem.status == 403 || problem.status == 404;
}

// One image that is refused is that image's trouble; when every one is, the registry is lost to us:
// an organisation that is suspended, or a token that is gone.
Observation judge_registry(const Context& context, const std::optional<stack::Problem>& problem,
                           const Task& task) {
    const Subject subject("registry");
    auto& refusals = *context.registry_refusals;
    const bool refused = problem && is_refusal(*problem);
    refusals[task.target] = refused;
    if (problem && !refused) {
        return from_problem(*problem, subject, task);
    }
    const std::vector<std::string>& images = context.config->registry.images;
    const bool all = images.size() > 1 &&
                     std::all_of(images.begin(), images.end(), [&refusals](const auto& image) {
                         const auto it = refusals.find(image);
                         return it != refusals.end() && it->second;
                     });
    if (refused && all) {
        Observation lost = from_problem(*problem, subject, task);
        lost.health = Health::failing;
        lost.reason = Reason::registry_lost;
        lost.evidence =
            "every image is refused: the organisation is suspended or the registry "
            "does not know us; " +
            problem->detail;
        return lost;
    }
    return observation(subject, task, Health::healthy, Reason::ok, "the registry answers");
}

}  // namespace

boost::asio::awaitable<Observations> look_image_drift(Context& context, Task task,
                                                      net::Deadline deadline) {
    const Now started = context.clock->now();
    stack::Registry registry(registry_access(context));
    auto tag = co_await registry.head(task.target, "latest", deadline);
    std::optional<stack::Problem> problem;
    Observations all;
    if (tag.has_value()) {
        Observation seen = co_await compare(context, registry, *tag, task, deadline);
        all.push_back(std::move(seen));
    } else {
        // A registry that does not answer says nothing about the image.
        problem = tag.error();
        all.push_back(cannot_judge(*problem, Subject("image/" + task.target), task));
        if (problem->reason == Reason::not_found) {
            all.back().reason = Reason::tag_missing;
        }
    }
    all.back().attributes["image"] = task.target;
    all.back().facts["freeze"] = context.config->freeze.active ? 1 : 0;
    all.push_back(judge_registry(context, problem, task));
    co_return finish(context, started, std::move(all));
}

}  // namespace leverd::probes
