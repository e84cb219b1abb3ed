// Why: the freeze receipt says which digest each image has to have; the registry says what :latest
// points to now. This look compares the two and reports the digest as the subject's version, so
// that a move is seen also where no receipt speaks.
#include "core/stack/receipt.hpp"
#include "core/stack/registry.hpp"
#include "probes/common.hpp"

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

Observation compare(const stack::TagState& tag, const Wanted& wanted, bool frozen,
                    const Subject& subject, const Task& task) {
    Observation seen = observation(subject, task, Health::healthy, Reason::ok, {});
    seen.version = tag.digest;
    seen.phases = tag.response.phases;
    if (!wanted.digest) {
        seen.reason = Reason::receipt_missing;
        seen.evidence = ":latest is " + tag.digest + "; " + wanted.why_not;
    } else if (*wanted.digest == tag.digest) {
        seen.evidence = ":latest is " + tag.digest + ", as the receipt says";
    } else {
        seen.health = frozen ? Health::failing : Health::degraded;
        seen.reason = frozen ? Reason::drift : Reason::image_moved;
        seen.evidence = ":latest is " + tag.digest + "; the receipt says " + *wanted.digest;
    }
    return seen;
}

}  // namespace

boost::asio::awaitable<Observations> look_image_drift(Context& context, Task task,
                                                      net::Deadline deadline) {
    const Now started = context.clock->now();
    const Subject subject("image/" + task.target);
    const bool frozen = context.config->freeze.active;
    stack::Registry registry(registry_access(context));
    auto tag = co_await registry.head(task.target, "latest", deadline);
    Observations all;
    if (tag.has_value()) {
        const Wanted wanted = wanted_digest(context.config->freeze, task.target);
        all.push_back(compare(*tag, wanted, frozen, subject, task));
    } else {
        // A registry that does not answer says nothing about the image.
        all.push_back(cannot_judge(tag.error(), subject, task));
        if (tag.error().reason == Reason::not_found) {
            all.back().reason = Reason::tag_missing;
        }
    }
    all.back().attributes["image"] = task.target;
    all.back().facts["freeze"] = frozen ? 1 : 0;
    co_return finish(context, started, std::move(all));
}

}  // namespace leverd::probes
