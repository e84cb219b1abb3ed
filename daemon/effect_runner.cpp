// Why: see effect_runner.hpp.
#include "daemon/effect_runner.hpp"

#include "core/base/text.hpp"
#include "core/model/codec.hpp"
#include "policies/levers/diagnose.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <exception>

namespace asio = boost::asio;

namespace leverd {

EffectRunner::EffectRunner(levers::Context context, const levers::LeverTable& table, Driver& driver,
                           net::TaskGroup& lever_tasks, net::TaskGroup& tasks,
                           probes::Scheduler& scheduler, exporters::Pager& pager)
    : context_(std::move(context)),
      table_(table),
      driver_(driver),
      lever_tasks_(lever_tasks),
      tasks_(tasks),
      scheduler_(scheduler),
      pager_(pager) {
    context_.leaving = &retired_;
}

void EffectRunner::use(const SnapshotPtr& snapshot) {
    context_.config = config_of(snapshot);
    context_.secrets = secrets_of(snapshot);
    context_.http = snapshot->http.get();
    context_.safe = snapshot->safe;
}

net::Deadline EffectRunner::deadline_for(const std::string& lever) const {
    for (const auto& settings : context_.config->levers) {
        if (settings.id == lever) {
            return net::deadline_in(settings.timeout);
        }
    }
    return net::deadline_in(config::LeverSettings{}.timeout);
}

void EffectRunner::perform(const Effect& effect) {
    if (const auto* plan = std::get_if<MakePlan>(&effect)) {
        tasks_.spawn("plan " + plan->incident, make_plan(*plan), net::TaskRole::answerable);
    } else if (const auto* call = std::get_if<FireLever>(&effect)) {
        lever_tasks_.spawn("fire " + call->intent.id, fire(call->intent),
                           net::TaskRole::answerable);
    } else if (const auto* settle = std::get_if<ObserveLever>(&effect)) {
        tasks_.spawn("observe " + settle->intent.id, observe(*settle), net::TaskRole::answerable);
    } else if (const auto* proof = std::get_if<ProveLever>(&effect)) {
        tasks_.spawn("prove " + proof->intent.id, prove(*proof), net::TaskRole::answerable);
    } else if (const auto* again = std::get_if<LookAgain>(&effect)) {
        scheduler_.look_soon(again->subject, again->probe);
    } else if (const auto* sent = std::get_if<SendPage>(&effect)) {
        page(sent->page);
    }
}

asio::awaitable<Result<Plan>> EffectRunner::plan_for(std::shared_ptr<levers::Lever> lever,
                                                     MakePlan wanted, Wanted what) {
    levers::Context context = context_;
    const auto deadline = deadline_for(wanted.lever);
    if (wanted.undo_of.empty()) {
        auto plan = co_await lever->plan(context, wanted.subject, deadline);
        co_return plan;
    }
    auto done = intents_ ? intents_(wanted.undo_of) : std::optional<Intent>{};
    if (!done || done->lever != wanted.lever) {
        Error error;
        error.what = "the intent " + sanitize(wanted.undo_of, 40) + " is not known any more";
        error.hint = what == Wanted::recreation ? "create it by hand" : "take it back by hand";
        co_return error;
    }
    if (what == Wanted::recreation) {
        auto again = co_await lever->plan_recreation(context, *done, deadline);
        co_return again;
    }
    auto back = co_await lever->plan_undo(context, *done, deadline);
    co_return back;
}

// The plan, or why there is none, also when the lever threw.
asio::awaitable<PlanMade> EffectRunner::planned(std::shared_ptr<levers::Lever> lever,
                                                MakePlan wanted, Wanted what) {
    PlanMade made;
    made.incident = wanted.incident;
    made.plan.lever = wanted.lever;
    made.plan.subject = wanted.subject;
    if (lever == nullptr) {
        made.problem = fmt::format("no lever named {} exists", wanted.lever);
        co_return made;
    }
    try {
        auto plan = co_await plan_for(std::move(lever), std::move(wanted), what);
        made.ok = plan.has_value();
        if (plan) {
            made.plan = std::move(*plan);
        } else {
            const auto& error = plan.error();
            made.problem = error.hint.empty() ? error.what : error.what + " (" + error.hint + ")";
        }
    } catch (...) {
        made.problem = "planning failed inside leverd: " + net::what_of(std::current_exception());
    }
    co_return made;
}

asio::awaitable<PlanMade> EffectRunner::plan_by_hand(std::string lever, Subject subject,
                                                     std::string from) {
    const auto found = table_.find(*context_.config, lever);
    const auto what = from.empty() ? Wanted::lever : Wanted::recreation;
    return planned(found, MakePlan{{}, std::move(lever), std::move(subject), std::move(from)},
                   what);
}

// Evidence first: what a lever changes can never be read again. Bounded, and never a reason not to
// fire; the entry is durable before the call.
asio::awaitable<void> EffectRunner::diagnose(Intent intent) {
    levers::Context context = context_;
    Diagnosed found;
    found.incident = intent.incident;
    found.intent = intent.id;
    std::string problem;
    try {
        auto about = linked_ ? linked_(intent.incident) : std::vector<Subject>{};
        about.insert(about.begin(), intent.subject);
        found.diagnostics = co_await levers::diagnose(context, std::move(about));
        if (!found.diagnostics.empty()) {
            const auto kept = co_await driver_.submit(std::move(found));
            problem = kept.durable ? "" : "the ledger could not be written";
        }
    } catch (...) {
        problem = net::what_of(std::current_exception());
    }
    if (!problem.empty()) {
        spdlog::warn("event=diagnostics_not_kept intent={} what=\"{}\"", intent.id, problem);
    }
}

asio::awaitable<void> EffectRunner::make_plan(MakePlan wanted) {
    PlanResult result;
    result.incident = wanted.incident;
    result.undo_of = wanted.undo_of;
    const auto lever = table_.find(*context_.config, wanted.lever);
    auto made = co_await planned(lever, std::move(wanted), Wanted::lever);
    result.ok = made.ok;
    result.problem = std::move(made.problem);
    if (made.ok) {
        result.plan = std::move(made.plan);
    }
    driver_.post(std::move(result));
}

// Each intent gets exactly one outcome, also when the lever throws: `refused` while nothing can
// have been sent, else `unknown`, which is looked into and told.
asio::awaitable<void> EffectRunner::fire(Intent intent) {
    bool begun = false;
    Outcome outcome;
    try {
        outcome = co_await call(intent, &begun);
    } catch (...) {
        const auto what = net::what_of(std::current_exception());
        outcome = Outcome{};
        outcome.kind = begun ? OutcomeKind::unknown : OutcomeKind::refused;
        outcome.detail = begun ? "the lever failed inside leverd, perhaps after its call: " + what
                               : "leverd failed before the call, nothing was sent: " + what;
    }
    outcome.intent = intent.id;
    spdlog::warn("event=outcome intent={} lever={} subject={} outcome={} detail=\"{}\"", intent.id,
                 intent.lever, intent.subject.text(), to_string(outcome.kind), outcome.detail);
    driver_.post(std::move(outcome));
}

asio::awaitable<Outcome> EffectRunner::call(Intent intent, bool* begun) {
    levers::Context context = context_;
    const auto lever = table_.find(*context.config, intent.lever);
    Outcome outcome{intent.id, OutcomeKind::refused, {}, {}};
    const bool held = retired_ || (stopped_ && stopped_());
    if (lever != nullptr && !held) {
        co_await diagnose(intent);
    }
    if (lever == nullptr) {
        outcome.detail = "no lever of this name exists; nothing was sent";
    } else if (retired_) {
        outcome.detail = "leverd is stopping; nothing was sent";
    } else if (stopped_ && stopped_()) {
        outcome.detail = "the stop switch was set before the call; nothing was sent";
    } else {
        spdlog::warn("event=fire intent={} lever={} subject={}", intent.id, intent.lever,
                     intent.subject.text());
        const auto deadline = net::deadline_in(levers::call_time(*context.config, *lever));
        *begun = true;
        outcome = co_await lever->fire(context, intent.plan, intent.id, deadline);
    }
    co_return outcome;
}

asio::awaitable<void> EffectRunner::observe(ObserveLever wanted) {
    levers::Context context = context_;
    const auto lever = table_.find(*context.config, wanted.intent.lever);
    Settled settled{wanted.intent.id, Took::unclear, {}};
    if (lever == nullptr) {
        settled.detail = "no lever of this name exists any more, so nobody can look";
    } else {
        try {
            settled = co_await lever->observe(context, wanted.intent.plan, wanted.intent.id,
                                              wanted.fired, deadline_for(wanted.intent.lever));
        } catch (...) {
            settled.detail =
                "looking failed inside leverd: " + net::what_of(std::current_exception());
        }
    }
    driver_.post(std::move(settled));
}

asio::awaitable<void> EffectRunner::prove(ProveLever wanted) {
    levers::Context context = context_;
    const auto lever = table_.find(*context.config, wanted.intent.lever);
    if (lever == nullptr) {
        co_return;  // the verdict comes from the other looks, or from the time limit
    }
    std::optional<Observation> seen;
    try {
        seen = co_await lever->prove(context, wanted.intent.plan, wanted.outcome,
                                     deadline_for(wanted.intent.lever));
    } catch (...) {
        seen.emplace();
        seen->subject = wanted.intent.subject;
        seen->probe = "lever:" + wanted.intent.lever;
        seen->reason = Reason::deadline_local;
        seen->origin = Origin::local;
        seen->evidence = sanitize(
            "looking failed inside leverd: " + net::what_of(std::current_exception()), 400);
        seen->seen = context.clock->now();
    }
    if (seen) {
        driver_.post(std::move(*seen));
    }
}

// A start asks for every page that is kept; only what is new is worth a line.
void EffectRunner::page(const Paged& sent) {
    if (!pager_.put(sent)) {
        return;
    }
    spdlog::log(sent.status == PageStatus::firing ? spdlog::level::warn : spdlog::level::info,
                "event=page status={} severity={} key={} version={} title=\"{}\" text=\"{}\"",
                to_string(sent.status), to_string(sent.severity), sent.key, sent.version,
                sent.title, sent.text);
}

}  // namespace leverd
