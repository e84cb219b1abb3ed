// Why: see web_world.hpp.
#include "tests/unit/exporters/web_world.hpp"

#include "core/model/codec.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <bitset>

namespace web_world {
namespace {

constexpr std::int64_t start_wall = 1'778'090'400'000;  // 2026-05-06T18:00:00Z

Now moment(std::int64_t seconds) {
    Now out;
    out.at = at_millis(1'000'000 + seconds * 1000);
    out.wall = WallTime{Millis{start_wall + seconds * 1000}};
    return out;
}

void see(FakeBackend& backend, const std::string& subject, leverd::Health health, Reason reason,
         const std::string& evidence) {
    Observation look;
    look.subject = Subject(subject);
    look.probe = "tenant_health";
    look.health = health;
    look.reason = reason;
    look.evidence = evidence;
    look.seen = moment(590);
    SubjectState& held = backend.held.subjects[look.subject];
    held.first_seen = moment(0).at;
    held.last_seen = look.seen.at;
    for (int i = 0; i < 7; ++i) {
        held.looks.keep(backend.held.shapes, look);
    }
}

void add_rules(Rules& book) {
    Signal signal;
    signal.id = "tenant-down";
    signal.subject_kind = "tenant";
    signal.probe = "tenant_health";
    Symptom symptom;
    symptom.id = "tenant-unreachable";
    symptom.title = "Whole tenant unreachable";
    symptom.first_lever = "Lever C (redeploy)";
    symptom.row = 2;
    book.runbook.signals = {signal};
    book.runbook.symptoms = {symptom};
    LeverContract contract;
    contract.id = "tenant-redeploy";
    contract.letter = "C";
    contract.title = "Redeploy the tenant";
    ProofStep step;
    step.probe = "tenant_health";
    contract.proof = {step};
    book.levers["tenant-redeploy"] = contract;
    Policy policy;
    policy.id = "demo-tenants";
    policy.symptom = "tenant-unreachable";
    policy.lever = "tenant-redeploy";
    policy.subjects = {"tenant/*"};
    policy.mode = Mode::approve;
    book.policies.policies = {policy};
    book.policies.ceiling = Mode::automatic;
    book.config_hash = "c0ffee";
}

Plan plan_for(const std::string& subject) {
    leverd::Call call;
    call.method = "POST";
    call.url = "https://cp.example/cp/admin/orgs/acme/redeploy";
    call.why = "a fresh instance";
    Plan plan;
    plan.lever = "tenant-redeploy";
    plan.subject = Subject(subject);
    plan.calls = {call};
    plan.warnings = {"drops SSH sessions"};
    return plan;
}

Incident incident(const std::string& id, const std::string& subject, std::int64_t opened) {
    Incident out;
    out.id = id;
    out.symptom = "tenant-unreachable";
    out.subject = Subject(subject);
    out.opened = moment(opened);
    out.linked.insert(SymptomKey{out.symptom, out.subject});
    return out;
}

IntentState verifying_intent() {
    IntentState out;
    out.intent.id = "x-1";
    out.intent.decision = "d-8";
    out.intent.incident = "i-2";
    out.intent.lever = "tenant-redeploy";
    out.intent.subject = Subject("tenant/globex");
    out.intent.plan = plan_for("tenant/globex");
    out.fired = moment(500);
    out.phase = IntentPhase::verifying;
    Outcome outcome;
    outcome.intent = "x-1";
    outcome.kind = OutcomeKind::accepted;
    out.outcome = outcome;
    out.ended = moment(503);
    out.proof.resize(1);
    out.proof[0].looks = 1;
    return out;
}

void add_incidents(State& held) {
    Incident asking = incident("i-1", "tenant/acme", 300);
    asking.decision = asking_decision();
    asking.decided = moment(400);
    PlanMade plan;
    plan.incident = "i-1";
    plan.ok = true;
    plan.plan = plan_for("tenant/acme");
    asking.plan = plan;
    asking.planned = moment(399);
    Incident healing = incident("i-2", "tenant/globex", 450);
    healing.intents = {"x-1"};
    Incident over = incident("i-0", "tenant/hooli", 100);
    over.phase = IncidentPhase::closed;
    over.end = "self_healed";
    over.closed = moment(200);
    for (const Incident& one : {asking, healing, over}) {
        held.incidents[one.id] = one;
    }
    held.intents["x-1"] = verifying_intent();
}

}  // namespace

Decision asking_decision() {
    GuardVerdict first;
    first.guard = "stop switch";
    first.pass = true;
    first.value = "off";
    first.limit = "off";
    GuardVerdict last;
    last.guard = "approval";
    last.value = "none";
    last.limit = "one";
    last.text = "a person has to approve";
    Decision out;
    out.id = "d-12";
    out.incident = "i-1";
    out.symptom = "tenant-unreachable";
    out.subject = Subject("tenant/acme");
    out.lever = "tenant-redeploy";
    out.policy = "demo-tenants";
    out.mode = Mode::approve;
    out.action = Action::ask;
    out.reason = "approval";
    out.hash = "abc123";
    out.guards = {first, last};
    return out;
}

void hold_everything(FakeBackend& backend) {
    State& held = backend.held;
    held.stop = StopSwitch{true, "root", "drill", moment(500), moment(4100).at};
    held.breaker = Breaker{BreakerPhase::open, 0, "6 incidents within 5m", moment(550)};
    Veto veto;
    veto.set.id = "v-1";
    veto.set.subjects = "tenant/*";
    veto.set.until = moment(7800).at;
    veto.set.who = "ops";
    veto.set.why = "the customer is on stage";
    veto.since = moment(300);
    held.vetoes["v-1"] = veto;
    held.vetoes_made = 1;
    held.flapping.insert({"tenant-down", Subject("tenant/acme")});
    held.changes[{"tenant-down", Subject("tenant/acme")}] = {moment(1).at, moment(2).at};
    Window window;  // 2026-05-06 is a Wednesday, and it is 18:10
    window.id = "evening";
    window.days = std::bitset<7>{0b0000100};
    window.start = 18 * 60;
    window.end = 2 * 60;
    window.owner = "ops";
    window.reason = "nobody is awake";
    backend.book.policies.windows = {window};
    Policy& policy = backend.book.policies.policies[0];
    policy.mode = Mode::automatic;
    policy.auto_after = AutoAfter{};
}

void give_ladder(FakeBackend& backend) {
    LeverContract gentle = backend.book.levers["tenant-redeploy"];
    gentle.id = "tenant-restart";
    gentle.letter = "";
    backend.book.levers["tenant-restart"] = gentle;
    LeverChoice choice;
    choice.subjects = "tenant/*";
    choice.lever = "tenant-restart";
    choice.then = {"tenant-redeploy"};
    backend.book.runbook.symptoms[0].levers = {choice};
    IntentState tried = verifying_intent();
    tried.intent.id = "x-2";
    tried.intent.incident = "i-1";
    tried.intent.lever = "tenant-restart";
    tried.phase = IntentPhase::done;
    tried.verdict = Verdict{"x-2", VerdictKind::not_recovered, "still refuses"};
    backend.held.intents["x-2"] = tried;
    backend.held.incidents["i-1"].intents = {"x-2"};
    backend.held.incidents["i-1"].decision->rung = 2;
}

FakeBackend::FakeBackend() : time(moment(600)) {
    add_rules(book);
}

void fill(FakeBackend& backend) {
    using leverd::Health;
    see(backend, "tenant/acme", Health::failing, Reason::connect_refused,
        "<script>alert(1)</script>\x1b[31m refused");
    see(backend, "tenant/globex", Health::failing, Reason::http_5xx, "502");
    see(backend, "tenant/hooli", Health::healthy, Reason::ok, "");
    see(backend, "control-plane", Health::healthy, Reason::ok, "");
    Detector detector;
    detector.bad = 3;
    detector.raised = true;
    detector.first_bad = moment(280).at;
    backend.held.subjects[Subject("tenant/acme")].detectors["tenant-down"] = detector;
    ActiveSymptom active;
    active.raised = moment(300);
    active.evidence = "connection refused";
    active.incident = "i-1";
    backend.held.symptoms[SymptomKey{"tenant-unreachable", Subject("tenant/acme")}] = active;
    backend.held.started = moment(0);
    add_incidents(backend.held);
}

boost::asio::awaitable<Result<std::vector<StoredEntry>>> FakeBackend::ledger(std::int64_t after,
                                                                             std::size_t limit) {
    if (refusal) {
        co_return *refusal;
    }
    std::vector<StoredEntry> out;
    for (auto i = static_cast<std::size_t>(
             std::min<std::int64_t>(after, static_cast<std::int64_t>(record.size())));
         i < record.size() && out.size() < limit; ++i) {
        out.push_back(record[i]);
    }
    entries_read += out.size();
    co_return out;
}

boost::asio::awaitable<Result<void>> FakeBackend::approve(std::string decision, bool approved,
                                                          std::string who, std::string why) {
    if (refusal) {
        co_return *refusal;
    }
    changes.push_back(Change{"answer " + decision, who, why, approved});
    co_return Result<void>{};
}

boost::asio::awaitable<Result<exporters::FireAnswer>> FakeBackend::fire(
    exporters::FireWanted wanted) {
    if (refusal) {
        co_return *refusal;
    }
    auto answer = fire_answer;
    answer.decision.lever = wanted.lever;
    answer.decision.subject = wanted.subject;
    if (wanted.dry_run) {
        answer.intent.clear();
    }
    fired.push_back(std::move(wanted));
    co_return answer;
}

boost::asio::awaitable<Result<void>> FakeBackend::stop(StopCommand command) {
    if (refusal) {
        co_return *refusal;
    }
    changes.push_back(Change{"stop", command.who, command.why, command.stopped});
    const bool ends = command.stopped && command.lasts > Millis{0};
    held.stop = StopSwitch{command.stopped, command.who, command.why, time,
                           ends ? time.at + command.lasts : Instant{}};
    co_return Result<void>{};
}

boost::asio::awaitable<Result<Veto>> FakeBackend::veto(VetoCommand command) {
    if (refusal) {
        co_return *refusal;
    }
    held.vetoes_made += 1;
    Veto made;
    made.set.id = "v-" + std::to_string(held.vetoes_made);
    made.set.subjects = command.subjects;
    made.set.lever = command.lever;
    made.set.until = command.lasts > Millis{0} ? time.at + command.lasts : Instant{};
    made.set.who = command.who;
    made.set.why = command.why;
    made.since = time;
    held.vetoes[made.set.id] = made;
    changes.push_back(Change{"veto " + command.subjects, command.who, command.why, true});
    co_return made;
}

boost::asio::awaitable<Result<void>> FakeBackend::lift_veto(LiftVeto command) {
    if (refusal) {
        co_return *refusal;
    }
    held.vetoes.erase(command.id);
    changes.push_back(Change{"lift " + command.id, command.who, command.why, true});
    co_return Result<void>{};
}

boost::asio::awaitable<Result<void>> FakeBackend::acknowledge(Acknowledge given) {
    if (refusal) {
        co_return *refusal;
    }
    changes.push_back(Change{"ack " + given.incident, given.who, given.why, true});
    co_return Result<void>{};
}

boost::asio::awaitable<Result<std::string>> FakeBackend::test_page(std::string sink,
                                                                   std::string who) {
    (void)sink, (void)who;
    if (refusal) {
        co_return *refusal;
    }
    co_return Result<std::string>(boost::system::in_place_value, "accepted: 200 in 3 ms");
}

boost::asio::awaitable<exporters::Reloaded> FakeBackend::reload() {
    exporters::Reloaded done;
    done.ok = !refusal;
    done.warnings = warnings;
    if (refusal) {
        done.problems.push_back(refusal->what);
        co_return done;
    }
    changes.push_back(Change{"reload", "", "", true});
    done.changed = {"[net] ca_file"};
    co_return done;
}

namespace {

Exchange some_exchange() {
    Exchange exchange;
    exchange.method = "GET";
    exchange.url = "https://acme.example.test/health";
    exchange.sent = {{"authorization", "[masked]"}};
    exchange.status = 502;
    exchange.headers = {{"content-type", "text/html"}};
    exchange.bytes = 11;
    exchange.sha256 = std::string(64, 'a');
    exchange.body = "bad gateway";
    exchange.phases.header = Millis{31};
    return exchange;
}

}  // namespace

std::vector<config::ProbeSettings> some_settings() {
    config::ProbeSettings settings;
    settings.kind = "tenant_health";
    return {settings};
}

boost::asio::awaitable<Result<Looked>> FakeBackend::look(std::string kind, std::string target) {
    if (kind != "tenant_health") {
        co_return Error{"no probe kind '" + kind + "'", "use tenant_health"};
    }
    changes.push_back(Change{"look " + target, "", "", true});
    const Subject acme("tenant/acme");
    Looked out;
    out.observations.push_back(as_observation(acme, *held.subjects.at(acme).looks.find(kind)));
    out.requests.push_back(some_exchange());
    co_return out;
}

std::shared_ptr<void> FakeBackend::subscribe(std::function<void()> wake) {
    auto kept = std::make_shared<std::function<void()>>(std::move(wake));
    listeners.push_back(kept);
    return std::shared_ptr<void>(kept.get(), [this, kept](void*) {
        listeners.erase(std::remove(listeners.begin(), listeners.end(), kept), listeners.end());
    });
}

void FakeBackend::turn() {
    for (const auto& wake : listeners) {
        (*wake)();
    }
}

void FakeBackend::write(const EntryBody& body) {
    StoredEntry entry;
    entry.sequence = static_cast<std::int64_t>(record.size()) + 1;
    entry.now = moment(entry.sequence);
    entry.kind = std::string(entry_kind(body));
    entry.json = dump(to_json(body));
    entry.hash = "h" + std::to_string(entry.sequence);
    record.push_back(std::move(entry));
}

std::vector<Results::Result> FakeBackend::results(const std::string& probe, const Subject& subject,
                                                  std::size_t limit) const {
    std::vector<Results::Result> out;
    for (const auto& [name, seen] : held.subjects) {
        const auto* look = seen.looks.find(probe);
        if (look != nullptr && (subject.empty() || subject == name) && out.size() < limit) {
            out.push_back(
                {as_observation(name, *look), std::make_shared<Exchange>(some_exchange())});
        }
    }
    return out;
}

const Secret* FakeBackend::event_secret(stack::EventSource source) {
    const auto found = event_secrets.find(source);
    return found == event_secrets.end() ? nullptr : &found->second;
}

bool FakeBackend::take_event(stack::EventSource, const stack::Event& event) {
    for (const auto& before : events) {
        if (before.ids == event.ids) {
            return false;
        }
    }
    events.push_back(event);
    return true;
}

void FakeBackend::refuse_event(stack::EventSource source, std::string_view reason) {
    refused.push_back(std::string(to_string(source)) + " " + std::string(reason));
}

exporters::web::Response ask(FakeBackend& backend, const exporters::web::Access& access,
                             exporters::web::Request request, exporters::web::Service service) {
    boost::asio::io_context io;
    exporters::web::Response out;
    bool ended = false;
    const auto on_end = [&out, &ended](std::exception_ptr thrown, exporters::web::Response got) {
        if (thrown) {
            std::rethrow_exception(thrown);
        }
        out = std::move(got);
        ended = true;
    };
    boost::asio::co_spawn(io, exporters::web::serve(backend, access, std::move(request), service),
                          on_end);
    io.run();
    if (!ended) {
        out.status = 0;
    }
    return out;
}

exporters::web::Request request(std::string method, std::string target, std::string body) {
    exporters::web::Request out;
    out.method = std::move(method);
    out.target = std::move(target);
    out.body = std::move(body);
    out.headers["host"] = "127.0.0.1:9847";
    return out;
}

exporters::web::Access root_access() {
    exporters::web::Access out;
    out.unix_socket = true;
    out.uid = 0;
    return out;
}

}  // namespace web_world
