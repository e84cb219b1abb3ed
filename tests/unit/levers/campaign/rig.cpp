// Why: see rig.hpp. Commit before effects, and what becomes of a call whose intent could not be
// written, are as in daemon/driver.cpp and daemon/effect_runner.cpp.
#include "tests/unit/levers/campaign/rig.hpp"

#include "core/base/borrowed.hpp"
#include "policies/levers/canvas_rollback.hpp"
#include "policies/levers/control_plane_rollback.hpp"
#include "policies/levers/fleet_redeploy.hpp"
#include "policies/levers/general.hpp"
#include "policies/levers/platform_rollback.hpp"
#include "policies/levers/template_rollback.hpp"
#include "policies/levers/tenant_redeploy.hpp"
#include "policies/levers/tenant_restart.hpp"
#include "policies/levers/workspace_reprovision.hpp"
#include "policies/levers/workspace_restart.hpp"

#include "tests/unit/levers/hosting_scene.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace leverd::test {
namespace {

using namespace std::chrono_literals;

constexpr int steps_max = 80;

std::unique_ptr<levers::Lever> fresh(const std::string& id, const config::Config& config) {
    if (!config.levers.front().general.kind.empty()) {
        return levers::make_general_lever(config.levers.front());
    }
    static const std::map<std::string, std::unique_ptr<levers::Lever> (*)()> makers{
        {"canvas-rollback", levers::make_canvas_rollback},
        {"control-plane-rollback", levers::make_control_plane_rollback},
        {"fleet-redeploy", levers::make_fleet_redeploy},
        {"platform-rollback", levers::make_platform_rollback},
        {"template-rollback", levers::make_template_rollback},
        {"tenant-redeploy", levers::make_tenant_redeploy},
        {"tenant-restart", levers::make_tenant_restart},
        {"workspace-reprovision", levers::make_workspace_reprovision},
        {"workspace-restart", levers::make_workspace_restart}};
    return makers.at(id)();
}

Rules rules_for(const LeverContract& contract, const Subject& subject) {
    Rules rules;
    Signal signal;
    signal.id = "trouble";
    signal.subject_kind = std::string(subject.kind());
    signal.probe = "trouble";
    signal.looks = 1;
    signal.clear_looks = 1;
    rules.runbook.signals = {signal};
    Symptom row;
    row.id = "in-trouble";
    row.title = row.id;
    row.subject_kind = signal.subject_kind;
    row.any = {signal.id};
    row.levers.push_back({"**", contract.id, {}});
    rules.runbook.topology = {{"workspace", {"image/molecule-ai/workspace-template-{runtime}"}}};
    rules.runbook.symptoms = {row};
    Policy policy;
    policy.id = "p";
    policy.symptom = row.id;
    policy.lever = contract.id;
    policy.subjects = {subject.text()};
    policy.mode = Mode::automatic;
    policy.irreversible_accepted = true;
    policy.owner = "campaign";
    policy.limits.cool_down = 1ms;  // nothing but attempts holds a second firing
    policy.limits.attempts = 1;
    policy.limits.per_hour = 50;
    policy.limits.per_day = 50;
    policy.limits.blast_percent = 100;
    policy.limits.blast_count = 10;
    policy.limits.verify_timeout = 150s;
    rules.policies.policies = {policy};
    rules.policies.ceiling = Mode::automatic;
    rules.policies.storm.incidents = 0;
    rules.policies.observer.dwell = 0ms;
    rules.levers[contract.id] = contract;
    rules.config_hash = "campaign";
    return rules;
}

config::Config config_for(const std::string& lever, const std::string& receipt) {
    config::Config config;
    config.control_plane.url = "https://cp.test";
    config.control_plane.admin_token = "cp";
    config.tenants.url = "https://{slug}.tenants.test";
    config.registry.url = registry_url;
    config.registry.user = "bot";
    config.registry.token = "registry";
    config.registry.platform_image = platform_repo;
    config.registry.platform_tenant_image = twin_repo;
    config.registry.template_prefix = "molecule-ai/workspace-template-";
    config.freeze.receipt = receipt;
    config.railway.url = Hosting::railway_url;
    config.railway.project_id = project_id;
    config.railway.environment_id = environment_id;
    config.railway.service_id = service_id;
    config.railway.project_token = "railway";
    config.vercel.url = Hosting::vercel_url;
    config.vercel.project_id = "prj_1";
    config.vercel.team_id = "team_9";
    config.vercel.token = "vercel";
    config::LeverSettings pace;
    pace.id = lever;
    pace.keeps_token = lever == "workspace-restart";
    if (lever == "tenant-restart") {
        // Its waits between two reads are real time; the machine's own time is virtual.
        pace.timeout = 120ms;
        pace.prove_every = 1ms;
    }
    if (lever == "http" || lever == "command") {
        auto& general = pace.general;
        general.kind = lever;
        general.title = "Restart";
        general.subjects = {"tenant/*"};
        general.probe = "tenant_health";
        general.url = Production::hook;
        general.statuses = {202};
        general.observe_url = Production::hook_state;
        general.observe_text = "restarted";
    }
    config.levers.push_back(pace);
    return config;
}

net::HttpRequest ask(const char* method, const char* url) {
    net::HttpRequest request;
    request.method = method;
    request.url = url;
    return request;
}

}  // namespace

class Rig::RigClock final : public Clock {
  public:
    explicit RigClock(const Now* value) : value_(value) {}
    Now now() const override { return *value_; }

  private:
    const Now* value_;
};

class Rig::Transport final : public net::HttpTransport {
  public:
    explicit Transport(Rig* rig) : rig_(rig) {}
    boost::asio::awaitable<net::HttpResult> fetch(net::HttpRequest request,
                                                  net::Deadline deadline) override {
        (void)deadline;
        auto result = rig_->fetch(request);
        co_return result;
    }

  private:
    Rig* rig_;
};

Rig::Rig(const std::string& lever, const std::string& subject, const std::string& receipt,
         Faults faults, bool newest)
    : lever_id_(lever),
      subject_(subject),
      faults_(std::move(faults)),
      config_(config_for(lever, receipt)),
      clock_(std::make_unique<RigClock>(&now_)),
      http_(std::make_unique<Transport>(this)) {
    secrets_["cp"] = Secret("cp-token-0123456789");
    secrets_["railway"] = Secret(railway_token);
    secrets_["vercel"] = Secret(vercel_token);
    secrets_["registry"] = Secret("registry-token-5555555");
    context_.config = borrowed(config_);
    context_.http = http_.get();
    context_.clock = clock_.get();
    context_.inventory = &inventory_;
    context_.secrets = borrowed(secrets_);
    context_.leaving = &leaving_;
    safe_ = std::make_shared<KeptSecrets>();
    context_.safe = safe_;
    if (newest) {
        production_.workspaces.run_newest();
    }
    production_.sick = lever == "fleet-redeploy";
    if (lever == "command") {
        program_ = std::make_unique<Program>();
        program_->declare(config_.levers.front().general);
    }
    rules_ = rules_for(fresh(lever, config_)->contract(), subject_);
}

void Rig::violate(const std::string& what) {
    violations_.push_back(what);
}

void Rig::advance(Millis by) {
    now_.at += by;
    now_.wall += by;
    arrive_late();
}

// A new process on what the disk kept: the lever's own memory and the tokens are gone.
void Rig::start() {
    ledger_.insert(ledger_.end(), ghosts_.begin(), ghosts_.end());
    for (const auto& entry : ghosts_) {
        if (const auto* intent = std::get_if<Intent>(&entry.body)) {
            durable_intents_.insert(intent->id);
        }
    }
    ghosts_.clear();
    unwritten_.clear();
    queue_.clear();
    adopted_.clear();
    firing_.clear();
    inventory_ = Inventory{};
    leaving_ = false;
    terminated_ = false;
    lever_ = fresh(lever_id_, config_);
    engine_ = std::make_unique<Engine>(rules_);
    for (const auto& entry : ledger_) {
        engine_->restore(entry);
    }
    auto turn = engine_->resume(Started{"test", "test", "boot", 0}, now_);
    const bool durable = commit(std::move(turn.entries));
    for (const auto& effect : turn.effects) {
        perform(effect, durable);
    }
}

bool Rig::commit(std::vector<Entry> entries) {
    unwritten_.insert(unwritten_.end(), entries.begin(), entries.end());
    if (unwritten_.empty()) {
        return true;
    }
    const bool counts = std::ranges::any_of(unwritten_, [](const Entry& entry) {
        return std::holds_alternative<PlanMade>(entry.body);
    });
    commits_ += commits_ > 0 || counts ? 1 : 0;
    const bool dies = faults_.crash_commit > 0 && commits_ == faults_.crash_commit;
    if (dies && !faults_.crash_written) {
        faults_.crash_commit = 0;
        throw Crash{};
    }
    const bool refuses = faults_.disk != Disk::fine && commits_ >= faults_.disk_at &&
                         commits_ < faults_.disk_at + faults_.disk_for && commits_ > 0;
    if (refuses) {
        met_[faults_.disk == Disk::full ? "disk_full" : "fsync_error"] += 1;
        ghosts_ = faults_.disk == Disk::lying ? unwritten_ : std::vector<Entry>{};
        if (engine_->view().ledger_writable) {
            send(LedgerHealth{false});
        }
        return false;
    }
    for (auto& entry : std::exchange(unwritten_, {})) {
        if (const auto* intent = std::get_if<Intent>(&entry.body)) {
            durable_intents_.insert(intent->id);
        }
        ledger_.push_back(std::move(entry));
    }
    ghosts_.clear();
    if (!engine_->view().ledger_writable) {
        send(LedgerHealth{true});
    }
    if (dies) {
        faults_.crash_commit = 0;
        throw Crash{};
    }
    return true;
}

void Rig::turn_all() {
    send(Tick{});
    while (!queue_.empty() || !adopted_.empty()) {
        Turn turn;
        if (!adopted_.empty()) {
            turn = std::move(adopted_.front());
            adopted_.erase(adopted_.begin());
        } else {
            const auto event = std::move(queue_.front());
            queue_.pop_front();
            turn = engine_->on(event, now_);
        }
        const bool durable = commit(std::move(turn.entries));
        const auto effects = std::move(turn.effects);
        for (const auto& effect : effects) {
            perform(effect, durable);
        }
    }
}

void Rig::perform(const Effect& effect, bool durable) {
    const auto deadline = net::deadline_in(Millis{60'000});
    if (const auto* wanted = std::get_if<MakePlan>(&effect)) {
        auto plan = run(lever_->plan(context_, wanted->subject, deadline));
        PlanResult result;
        result.incident = wanted->incident;
        result.ok = plan.has_value();
        result.problem = plan.has_value() ? std::string{} : plan.error().what;
        result.plan = plan.has_value() ? *plan : Plan{};
        send(std::move(result));
    } else if (const auto* call = std::get_if<FireLever>(&effect)) {
        if (!durable || leaving_ || stopped_) {
            send(Outcome{call->intent.id, OutcomeKind::refused, "nothing was sent", {}});
        } else {
            fire(call->intent);
        }
    } else if (const auto* settle = std::get_if<ObserveLever>(&effect)) {
        if (program_) {
            // A look may say "no" only when nothing is under way any more.
            const auto look = fetch(ask("GET", Production::hook_state));
            program_->looks_as(late_.empty() ? look : lost());
        }
        send(run(lever_->observe(context_, settle->intent.plan, settle->intent.id, settle->fired,
                                 deadline)));
    } else if (const auto* proof = std::get_if<ProveLever>(&effect)) {
        auto seen = run(lever_->prove(context_, proof->intent.plan, proof->outcome, deadline));
        if (seen) {
            send(std::move(*seen));
        }
    } else if (std::holds_alternative<SendPage>(effect)) {
        pages_ += 1;
    }
}

void Rig::fire(const Intent& intent) {
    firing_ = intent.id;
    if (program_) {
        program_->acts_as(fetch(ask("POST", Production::hook)));
    }
    const auto ran = program_ ? program_->runs() : 0;
    const auto deadline = net::deadline_in(levers::call_time(config_, *lever_));
    auto outcome = run(lever_->fire(context_, intent.plan, intent.id, deadline));
    firing_.clear();
    if (program_ && program_->runs() > ran + 1) {
        violate("the program ran more than once for " + intent.id);
    }
    send(std::move(outcome));
}

void Rig::look_around() {
    Observation trouble;
    trouble.subject = subject_;
    trouble.probe = "trouble";
    trouble.seen = now_;
    const bool good = production_.helped(lever_id_) && production_.tenant_up();
    trouble.health = good ? Health::healthy : Health::failing;
    trouble.reason = good ? Reason::ok : Reason::http_5xx;
    send(trouble);
    Observation health = trouble;
    health.probe = "tenant_health";
    health.health = production_.tenant_up() ? Health::healthy : Health::failing;
    health.facts = {{"auth_read", 1}, {"requests_total", production_.requests()}};
    send(health);
    // What is proven by a probe of its own.
    for (const auto& [subject, probe] :
         {std::pair{"control-plane", "control_plane"}, std::pair{"canvas", "canvas"}}) {
        if (subject_.text() == subject) {
            trouble.probe = probe;
            send(trouble);
        }
    }
    if (lever_id_ == "template-rollback" && good) {
        // Somebody provisions a workspace on the image that is in service.
        Observation fresh = trouble;
        fresh.subject = Subject(fmt::format("workspace/acme/fresh-{}", durable_intents_.size()));
        fresh.attributes = {{"runtime", "hermes"}};
        for (const auto* probe : {"workspace_status", "workspace_activity"}) {
            fresh.probe = probe;
            send(fresh);
        }
    }
}

bool Rig::over() const {
    const auto& state = engine_->view();
    if (state.intents.empty() || state.intents_open > 0 || !unwritten_.empty() || !late_.empty()) {
        return false;
    }
    return std::ranges::any_of(state.intents, [](const auto& item) {
        return item.second.outcome && item.second.outcome->kind != OutcomeKind::refused;
    });
}

void Rig::go() {
    bool running = false;
    for (int step = 0; step < steps_max; ++step) {
        try {
            if (!running) {
                restarts_ += step > 0 ? 1 : 0;
                start();
                running = true;
            }
            advance(15s);
            look_around();
            turn_all();
            if (terminated_) {
                running = false;
            }
        } catch (const Crash&) {
            running = false;
        }
        if (running && over()) {
            break;
        }
    }
    judge();
}

}  // namespace leverd::test
