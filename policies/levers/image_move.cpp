// Why: see image_move.hpp.
#include "policies/levers/image_move.hpp"

#include "core/base/text.hpp"
#include "policies/levers/access.hpp"
#include "policies/levers/outcome.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace leverd::levers {
namespace {

constexpr std::size_t pair_size = 2;

std::string key(const char* what, std::size_t number) {
    return fmt::format("{}.{}", what, number);
}

// The moves as the plan wrote them down; empty when it is not one of ours.
std::vector<TagMove> moves_of(const Plan& plan) {
    std::vector<TagMove> moves;
    for (std::size_t i = 1; i <= pair_size; ++i) {
        TagMove move{param(plan, key("repository", i)), param(plan, key("from", i)),
                     param(plan, key("to", i))};
        if (move.repository.empty()) {
            break;
        }
        if (!is_repository(move.repository) || !is_digest(move.from) || !is_digest(move.to)) {
            return {};
        }
        moves.push_back(std::move(move));
    }
    return moves;
}

bool stays(const TagMove& move) {
    return move.from == move.to;
}

// A manifest that must be there before anything is moved, or the Error that says why it is not.
boost::asio::awaitable<Result<stack::Manifest>> fetch(stack::Registry* registry,
                                                      std::string repository, std::string digest,
                                                      net::Deadline deadline) {
    auto manifest = co_await registry->get(repository, digest, deadline);
    if (manifest.has_error()) {
        co_return wrap("manifest " + digest + " of " + repository,
                       stack::to_error(manifest.error()));
    }
    if (manifest->digest != digest) {
        co_return refusal("manifest " + digest + " of " + repository + " has other bytes");
    }
    co_return std::move(*manifest);
}

struct Prepared {
    std::vector<stack::Manifest> wanted;              // one per move
    std::vector<std::optional<stack::Manifest>> old;  // where putting back may become necessary
};

// Reads every manifest that the moves need. Bytes are verified by the registry client.
boost::asio::awaitable<Result<Prepared>> prepare(stack::Registry* registry,
                                                 std::vector<TagMove> moves,
                                                 net::Deadline deadline) {
    Prepared prepared;
    for (std::size_t i = 0; i < moves.size(); ++i) {
        auto wanted = co_await fetch(registry, moves[i].repository, moves[i].to, deadline);
        if (wanted.has_error()) {
            co_return wanted.error();
        }
        prepared.wanted.push_back(std::move(*wanted));
        std::optional<stack::Manifest> old;
        if (i + 1 < moves.size() && !stays(moves[i])) {
            auto kept = co_await fetch(registry, moves[i].repository, moves[i].from, deadline);
            if (kept.has_error()) {
                co_return wrap("it could not be put back", kept.error());
            }
            old = std::move(*kept);
        }
        prepared.old.push_back(std::move(old));
    }
    co_return prepared;
}

enum class TagAt { wanted, old, other, unreadable };

struct TagLook {
    TagAt at = TagAt::unreadable;
    std::string digest;
    stack::Problem problem;  // when unreadable
};

boost::asio::awaitable<TagLook> look_at(stack::Registry* registry, TagMove move,
                                        net::Deadline deadline) {
    TagLook look;
    auto state = co_await registry->head(move.repository, moved_tag, deadline);
    if (state.has_error()) {
        look.problem = state.error();
        co_return look;
    }
    look.digest = state->digest;
    look.at = look.digest == move.to     ? TagAt::wanted
              : look.digest == move.from ? TagAt::old
                                         : TagAt::other;
    co_return look;
}

std::string describe_look(const TagMove& move, const TagLook& look) {
    const std::string tag = move.repository + ":" + moved_tag;
    switch (look.at) {
        case TagAt::wanted:
            return tag + " is the wanted " + look.digest;
        case TagAt::old:
            return tag + " is still the old " + look.digest;
        case TagAt::other:
            return tag + " is " + look.digest + ", neither the old nor the wanted one (conflict)";
        case TagAt::unreadable:
            return tag + " cannot be read: " + look.problem.detail;
    }
    return tag;
}

struct Ended {
    OutcomeKind kind = OutcomeKind::unknown;
    std::string detail;
    bool others = false;  // somebody else is moving these tags at this moment
};

boost::asio::awaitable<Ended> put_once(stack::Registry* registry, std::string repository,
                                       stack::Manifest manifest, net::Deadline deadline) {
    Ended ended;
    const std::string digest = manifest.digest;
    auto put = co_await registry->put(repository, moved_tag, std::move(manifest), deadline);
    if (put.has_error()) {
        ended.kind = judge_mutation(put.error());
        ended.detail = repository + ": " + describe_mutation(put.error());
        co_return ended;
    }
    ended.kind = OutcomeKind::accepted;
    if (!put->empty() && *put != digest) {
        ended.kind = OutcomeKind::unknown;
        ended.detail = repository + ": the registry announced " + *put + " for our bytes";
    }
    co_return ended;
}

// The pair was moved by half and the rest was refused: one PUT per tag already moved takes it back,
// unless somebody else has moved it since.
boost::asio::awaitable<Ended> put_back(stack::Registry* registry, std::vector<TagMove> moves,
                                       Prepared prepared, std::size_t moved,
                                       net::Deadline deadline) {
    Ended ended;
    ended.kind = OutcomeKind::failed;
    for (std::size_t i = moved; i-- > 0;) {
        if (stays(moves[i]) || !prepared.old[i]) {
            continue;
        }
        const auto look = co_await look_at(registry, moves[i], deadline);
        if (look.at == TagAt::other) {
            ended.kind = OutcomeKind::unknown;
            ended.detail += "; not put back: " + describe_look(moves[i], look);
            continue;
        }
        stack::Manifest old = *prepared.old[i];
        const auto put = co_await put_once(registry, moves[i].repository, old, deadline);
        if (put.kind != OutcomeKind::accepted) {
            ended.kind = OutcomeKind::unknown;
            ended.detail += "; the pair is split, putting back did not work: " + put.detail;
            continue;
        }
        // A page from the edge is a 200 too; only the tag itself says that it is back.
        const auto after = co_await look_at(registry, moves[i], deadline);
        if (after.at == TagAt::old) {
            ended.detail += "; " + moves[i].repository + " was put back to " + moves[i].from;
        } else {
            ended.kind = OutcomeKind::unknown;
            ended.detail += "; the pair may be split, the tag is not seen to be put back: " +
                            describe_look(moves[i], after);
        }
    }
    co_return ended;
}

// Every tag must be where the plan saw it; nullopt: they are.
boost::asio::awaitable<std::optional<std::string>> moved_since(stack::Registry* registry,
                                                               std::vector<TagMove> moves,
                                                               net::Deadline deadline) {
    for (const auto& move : moves) {
        const auto look = co_await look_at(registry, move, deadline);
        const bool unchanged = look.digest == move.from && look.at != TagAt::unreadable;
        if (!unchanged) {
            co_return "the tag moved since the plan or cannot be read: " +
                describe_look(move, look);
        }
    }
    co_return std::nullopt;
}

// What the registry shows after all PUTs were accepted.
boost::asio::awaitable<Ended> read_back(stack::Registry* registry, std::vector<TagMove> moves,
                                        net::Deadline deadline) {
    Ended ended;
    ended.kind = OutcomeKind::accepted;
    for (const auto& move : moves) {
        const auto look = co_await look_at(registry, move, deadline);
        if (look.at == TagAt::other) {
            ended.kind = OutcomeKind::unknown;
        }
        ended.detail += (ended.detail.empty() ? "" : "; ") + describe_look(move, look);
    }
    co_return ended;
}

// A PUT right after a look. The first tag was looked at just now; the PUT of one tag takes time in
// which somebody may move the next, and that is not overwritten.
boost::asio::awaitable<Ended> move_one(stack::Registry* registry, TagMove move,
                                       stack::Manifest manifest, bool looked,
                                       net::Deadline deadline) {
    if (!looked) {
        const auto look = co_await look_at(registry, move, deadline);
        if (look.at != TagAt::old) {
            Ended ended;
            ended.kind = look.at == TagAt::wanted ? OutcomeKind::accepted : OutcomeKind::failed;
            ended.others = look.at == TagAt::other;
            ended.detail = "not overwritten: " + describe_look(move, look);
            co_return ended;
        }
    }
    auto put = co_await put_once(registry, move.repository, std::move(manifest), deadline);
    co_return put;
}

bool same_registry(const Context& context, const Plan& plan) {
    return param(plan, "registry") == context.config->registry.url;
}

}  // namespace

boost::asio::awaitable<Result<std::string>> current_digest(stack::Registry* registry,
                                                           std::string repository,
                                                           net::Deadline deadline) {
    auto state = co_await registry->head(repository, moved_tag, deadline);
    if (state.has_error()) {
        co_return wrap(repository + ":" + moved_tag, stack::to_error(state.error()));
    }
    co_return success(state->digest);
}

boost::asio::awaitable<Result<Plan>> plan_moves(Context& context, stack::Registry* registry,
                                                Plan plan, std::vector<TagMove> moves,
                                                net::Deadline deadline) {
    if (std::all_of(moves.begin(), moves.end(), stays)) {
        co_return refusal("nothing to do: " + moves.front().repository + ":" + moved_tag +
                              " already is " + moves.front().to,
                          "the image is the wanted one; the cause is elsewhere");
    }
    auto prepared = co_await prepare(registry, moves, deadline);
    if (prepared.has_error()) {
        co_return prepared.error();
    }
    const std::string url = context.config->registry.url;
    plan.params["registry"] = url;
    plan.params["tag"] = moved_tag;
    for (std::size_t i = 0; i < moves.size(); ++i) {
        const auto& move = moves[i];
        plan.params[key("repository", i + 1)] = move.repository;
        plan.params[key("from", i + 1)] = move.from;
        plan.params[key("to", i + 1)] = move.to;
        plan.target_version += (i == 0 ? "" : " ") + move.repository + "@" + move.from;
        if (stays(move)) {
            continue;
        }
        const auto& manifest = prepared->wanted[i];
        plan.moves["image/" + move.repository] = move.to;
        Call call;
        call.method = "PUT";
        call.url = stack::join_url(url, "/v2/" + move.repository + "/manifests/" + moved_tag);
        call.body = fmt::format("the {} bytes of {} ({})", manifest.bytes.size(), manifest.digest,
                                sanitize(manifest.media_type, 100));
        call.why = fmt::format("moves {}:{} from {} to {}", move.repository, moved_tag, move.from,
                               move.to);
        plan.calls.push_back(std::move(call));
    }
    co_return plan;
}

boost::asio::awaitable<Result<Plan>> plan_moves_back(Context& context, Intent done,
                                                     net::Deadline deadline) {
    const auto made = moves_of(done.plan);
    if (made.empty() || !same_registry(context, done.plan)) {
        co_return refusal(done.id + " does not fit the configuration any more",
                          "look at the tag by hand");
    }
    stack::Registry registry(registry_of(context));
    std::vector<TagMove> back;
    for (const auto& move : made) {
        const auto look = co_await look_at(&registry, move, deadline);
        if (look.at != TagAt::wanted) {
            co_return refusal("not taken back: " + describe_look(move, look),
                              "only a tag that is still what leverd set is taken back");
        }
        back.push_back(TagMove{move.repository, move.to, move.from});
    }
    Plan plan;
    plan.lever = done.plan.lever;
    plan.subject = done.plan.subject;
    plan.resource = done.plan.resource;
    plan.params["chosen_by"] = "what was in service before " + done.id;
    plan.warnings = {"this takes back " + done.id +
                     ": the image that was in service before it returns, with its faults"};
    auto planned = co_await plan_moves(context, &registry, std::move(plan), back, deadline);
    co_return planned;
}

boost::asio::awaitable<Outcome> fire_moves(Context& context, Plan plan, std::string intent,
                                           net::Deadline deadline) {
    const auto moves = moves_of(plan);
    if (moves.empty() || !same_registry(context, plan)) {
        co_return make_outcome(intent, OutcomeKind::refused,
                               "the plan does not fit the configuration any more");
    }
    stack::Registry registry(registry_of(context));
    auto prepared = co_await prepare(&registry, moves, deadline);
    if (prepared.has_error()) {
        co_return make_outcome(intent, OutcomeKind::refused, prepared.error().what);
    }
    for (const auto& move : moves) {
        if (stays(move)) {
            continue;
        }
        const auto closed = co_await registry.prepare_push(move.repository, moved_tag, deadline);
        if (closed) {
            co_return make_outcome(intent, judge_mutation(*closed),
                                   move.repository + ": " + describe_mutation(*closed));
        }
    }
    // Last of all reads: whatever happens between this look and the PUT cannot be excluded.
    const auto moved = co_await moved_since(&registry, moves, deadline);
    if (moved) {
        co_return make_outcome(intent, OutcomeKind::refused, *moved);
    }
    for (std::size_t i = 0; i < moves.size(); ++i) {
        if (stays(moves[i])) {
            continue;
        }
        auto put = co_await move_one(&registry, moves[i], prepared->wanted[i], i == 0, deadline);
        if (put.kind == OutcomeKind::accepted) {
            continue;
        }
        if (put.kind == OutcomeKind::failed) {
            const auto back = co_await put_back(&registry, moves, *prepared, i, deadline);
            // Whoever moved one of the pair may have moved the other too, right under our PUT.
            put.kind = put.others ? OutcomeKind::unknown : back.kind;
            put.detail += back.detail;
        }
        co_return make_outcome(intent, put.kind, put.detail);
    }
    const auto seen = co_await read_back(&registry, moves, deadline);
    co_return make_outcome(intent, seen.kind, seen.detail);
}

boost::asio::awaitable<Settled> observe_moves(Context& context, Plan plan, std::string intent,
                                              Now fired, Millis propagation,
                                              net::Deadline deadline) {
    const auto moves = moves_of(plan);
    if (moves.empty() || !same_registry(context, plan)) {
        co_return make_settled(intent, Took::unclear,
                               "the plan does not fit the configuration any more");
    }
    stack::Registry registry(registry_of(context));
    std::size_t changed = 0;
    std::size_t wanted = 0;
    std::size_t old = 0;
    std::string detail;
    for (const auto& move : moves) {
        const auto look = co_await look_at(&registry, move, deadline);
        detail += (detail.empty() ? "" : "; ") + describe_look(move, look);
        if (stays(move)) {
            continue;
        }
        ++changed;
        wanted += look.at == TagAt::wanted ? 1 : 0;
        old += look.at == TagAt::old ? 1 : 0;
    }
    if (changed > 0 && wanted == changed) {
        co_return make_settled(intent, Took::yes, detail);
    }
    if (old != changed) {
        co_return make_settled(intent, Took::unclear, detail);
    }
    const auto waited = context.clock->now().at - fired.at;
    if (waited < std::min(propagation, edge_cache)) {
        co_return make_settled(intent, Took::unclear, detail + "; it may be an edge cache");
    }
    co_return make_settled(intent, Took::no, detail);
}

boost::asio::awaitable<Observation> prove_moves(Context& context, Plan plan,
                                                net::Deadline deadline) {
    const auto moves = moves_of(plan);
    Observation look = make_look(plan, context.clock->now());
    look.health = moves.empty() ? Health::unknown : Health::healthy;
    look.reason = moves.empty() ? Reason::proof_missing : Reason::ok;
    stack::Registry registry(registry_of(context));
    for (const auto& move : moves) {
        const auto at = co_await look_at(&registry, move, deadline);
        look.evidence += (look.evidence.empty() ? "" : "; ") + describe_look(move, at);
        if (plan.subject.text() == "image/" + move.repository) {
            look.version = at.digest;
        }
        if (at.at == TagAt::unreadable && look.health == Health::healthy) {
            const bool missing = at.problem.reason == Reason::not_found;
            look.health = Health::unknown;
            look.reason = missing ? Reason::tag_missing : at.problem.reason;
            look.origin = at.problem.origin;
        } else if (at.at == TagAt::old || at.at == TagAt::other) {
            // A tag that is certainly wrong outweighs one that could not be read.
            look.health = Health::failing;
            look.reason = Reason::drift;
            look.origin = Origin::target;
        }
    }
    look.evidence = sanitize(look.evidence, evidence_bytes_max);
    look.seen = context.clock->now();
    co_return look;
}

}  // namespace leverd::levers
