// Why: a person fires a lever through the same door as leverd itself: exact target confirmed, every
// guard asked, the answer only once the intent is durable.
#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "exporters/web/body.hpp"
#include "exporters/web/router.hpp"
#include "exporters/web/views.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace leverd::exporters::web {
namespace {

using boost::asio::awaitable;

constexpr std::size_t why_bytes_max = 300;
constexpr std::size_t subject_bytes_max = 200;
constexpr std::size_t from_bytes_max = 64;

// What has to be typed once more: the slug where a tenant's production is touched, the subject
// where nothing can be taken back.
std::string to_confirm(const LeverContract& lever, const Subject& subject) {
    if (subject.kind() == "tenant" || subject.kind() == "workspace") {
        return std::string(subject.name().substr(0, subject.name().find('/')));
    }
    return lever.reversibility == Reversibility::irreversible ? subject.text() : std::string{};
}

Json answer_json(const FireAnswer& answer, bool dry_run) {
    Json out = Json::object();
    out["dry_run"] = dry_run;
    out["lever"] = answer.decision.lever;
    out["subject"] = answer.decision.subject.text();
    out["planned"] = answer.plan.ok;
    out["problem"] = answer.plan.problem;
    out["plan"] = answer.plan.ok ? to_json(answer.plan.plan) : Json(nullptr);
    out["decision"] = to_json(EntryBody{answer.decision});
    out["intent"] = answer.intent;
    return out;
}

std::string refusal_words(const Decision& decision) {
    for (const auto& guard : decision.guards) {
        if (!guard.pass) {
            return guard.guard + ": " + guard.text;
        }
    }
    return decision.reason;
}

// What is to be made good must be of this very lever and subject.
std::optional<Response> check_from(const Scene& scene, const FireWanted& wanted) {
    const auto held = scene.state.intents.find(wanted.from);
    if (held == scene.state.intents.end()) {
        return error_response(404, "no intent '" + sanitize(wanted.from, 64) + "'",
                              "old ones are in /api/v1/ledger only: create it by hand");
    }
    const auto& done = held->second.intent;
    if (done.lever != wanted.lever || done.subject != wanted.subject) {
        return error_response(400, wanted.from + " is " + done.lever + " on " + done.subject.text(),
                              "name its lever and its subject");
    }
    return std::nullopt;
}

std::optional<Response> read_wanted(const Scene& scene, const Json& body, FireWanted& out) {
    static const std::vector<std::string> known{"subject", "why", "confirm", "dry_run", "from"};
    if (auto odd = odd_key(body, known)) {
        return odd;
    }
    const auto lever = scene.rules.levers.find(out.lever);
    if (lever == scene.rules.levers.end()) {
        std::vector<std::string> levers;
        for (const auto& [id, contract] : scene.rules.levers) {
            levers.push_back(id);
        }
        const auto near = suggest(out.lever, levers);
        return error_response(404, "no lever '" + sanitize(out.lever, 64) + "'",
                              near ? "did you mean '" + *near + "'?"
                                   : fmt::format("known: {}", fmt::join(levers, ", ")));
    }
    const auto dry = body.find("dry_run");
    if (dry != body.end() && !dry->is_boolean()) {
        return error_response(400, "'dry_run' must be true or false", "leave it out to fire");
    }
    out.dry_run = dry != body.end() && dry->get<bool>();
    out.subject = Subject(text_in(body, "subject", subject_bytes_max));
    out.why = text_in(body, "why", why_bytes_max);
    if (out.subject.text().empty() || (out.why.empty() && !out.dry_run)) {
        return error_response(400, "subject and why are both needed",
                              "send {\"subject\": \"tenant/acme\", \"why\": your reason}");
    }
    if (body.contains("from")) {
        out.from = text_in(body, "from", from_bytes_max);
        if (auto wrong = check_from(scene, out)) {
            return wrong;
        }
    }
    const auto wanted = to_confirm(lever->second, out.subject);
    if (!out.dry_run && text_in(body, "confirm", subject_bytes_max) != wanted) {
        return error_response(
            400,
            wanted.empty() ? "this lever needs no confirmation, so the one given means another"
                           : "the exact target is not confirmed",
            wanted.empty() ? "leave confirm out, or check the subject"
                           : "this acts on production: say confirm \"" + wanted + "\"");
    }
    return std::nullopt;
}

}  // namespace

awaitable<Response> post_fire(Call call) {
    const auto body = body_object(*call.request);
    if (body.has_error()) {
        co_return body.error();
    }
    FireWanted wanted;
    wanted.lever = call.capture;
    wanted.who = call.who;
    if (auto wrong = read_wanted(scene_of(*call.backend), *body, wanted)) {
        co_return *wrong;
    }
    const bool dry_run = wanted.dry_run;
    const auto answer = co_await call.backend->fire(std::move(wanted));
    if (answer.has_error()) {
        co_return error_response(503, answer.error().what, answer.error().hint);
    }
    Json out = answer_json(*answer, dry_run);
    if (dry_run || !answer->intent.empty()) {
        co_return json_response(200, out);
    }
    out["error"] = "not fired: " + refusal_words(answer->decision);
    out["hint"] = "every guard: leverd fire --dry-run";
    co_return json_response(409, out);
}

Response get_intent(const Call& call) {
    const Scene scene = scene_of(*call.backend);
    const auto held = scene.state.intents.find(call.capture);
    if (held == scene.state.intents.end()) {
        return error_response(404, "no intent '" + sanitize(call.capture, 64) + "'",
                              "old ones are in /api/v1/ledger only");
    }
    return json_response(200, intent_view(scene, held->second));
}

}  // namespace leverd::exporters::web
