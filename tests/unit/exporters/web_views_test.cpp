// Why: what the page and the command line say is worked out here and nowhere else, so the words
// themselves are tested.
#include "core/model/codec.hpp"
#include "exporters/web/assets.hpp"
#include "exporters/web/history.hpp"
#include "exporters/web/views.hpp"
#include "tests/catch.hpp"
#include "tests/unit/exporters/web_world.hpp"

using namespace web_world;
using namespace leverd::exporters::web;

namespace {

Json get(FakeBackend& backend, const std::string& target) {
    const auto answer = ask(backend, root_access(), web_world::request("GET", target));
    REQUIRE(answer.status == 200);
    return *parse_json(answer.body);
}

std::size_t window_count(const FakeBackend& backend) {
    return status_view(backend)["windows"].size();
}

}  // namespace

TEST_CASE("everything that keeps leverd from acting is listed") {
    FakeBackend backend;
    CHECK(status_view(backend)["can_act"]["ok"] == true);
    backend.held.stop = StopSwitch{true, "root", "demo is over", backend.time};
    backend.held.ledger_writable = false;
    backend.book.policies.ceiling = Mode::recommend;
    const Json can_act = status_view(backend)["can_act"];
    CHECK(can_act["ok"] == false);
    REQUIRE(can_act["why"].size() == 3);
    CHECK(can_act["why"][0] == "the ledger cannot be written");
    CHECK(can_act["why"][1] ==
          "the stop switch is set by root: demo is over; lift it: leverd resume --why ...");
    CHECK(can_act["why"][2] == "the mode ceiling of this box is recommend: levers are only shown");
}

TEST_CASE("what holds levers back is told with its end and its reason") {
    FakeBackend backend;
    fill(backend);
    const Json quiet = status_view(backend);
    for (const char* list : {"vetoes", "windows", "flapping", "autonomy"}) {
        CAPTURE(list);
        CHECK(quiet[list].empty());
    }
    CHECK(quiet["storm"]["phase"] == "closed");
    hold_everything(backend);
    const Json status = status_view(backend);
    CHECK(status["stop"]["until"] == "2026-05-06T19:08:20.000Z");
    CHECK(status["vetoes"][0]["until"] == "2026-05-06T20:10:00.000Z");
    CHECK(status["storm"]["words"] == "no lever fires until 5m pass without a new incident");
    CHECK(status["windows"][0]["when"] == "Wed 18:00-02:00 UTC");
    CHECK(status["flapping"][0]["changes"] == 2);
    CHECK(status["autonomy"][0]["missing"] ==
          "auto is not earned yet: 0 of 5 proven recoveries in a row");
    const Json why = status["can_act"]["why"];
    REQUIRE(why.size() == 3);  // the veto does not hold everything
    CHECK(why[0] ==
          "the stop switch is set by root until 2026-05-06T19:08:20.000Z: drill; lift "
          "it: leverd resume --why ...");
    CHECK(why[1] == "the storm breaker is open: 6 incidents within 5m");
    CHECK(why[2] == "window evening (Wed 18:00-02:00 UTC) holds every lever: nobody is awake");
    backend.held.vetoes["v-1"].set.subjects = "*";
    CHECK(status_view(backend)["can_act"]["why"].size() == 4);
    backend.held.vetoes["v-1"].set.lever = "tenant-redeploy";
    CHECK(status_view(backend)["can_act"]["why"].size() == 3);
}

TEST_CASE("a window holds inside, or outside, and no longer once it expired") {
    FakeBackend backend;
    hold_everything(backend);
    Window& window = backend.book.policies.windows[0];
    const WallTime now = backend.time.wall;  // Wednesday 18:10
    CHECK(holds_now(window, now));
    CHECK(holds_now(window, now + std::chrono::hours{7}));  // Thursday 01:10, still Wednesday's
    CHECK_FALSE(holds_now(window, now + std::chrono::hours{8}));
    CHECK_FALSE(holds_now(window, now - std::chrono::hours{1}));
    window.effect = Window::Effect::only;
    CHECK_FALSE(holds_now(window, now));
    CHECK(holds_now(window, now + std::chrono::hours{8}));
    window.expires = now + std::chrono::hours{8};
    CHECK_FALSE(holds_now(window, now + std::chrono::hours{8}));
    CHECK(window_count(backend) == 0);
    window.expires.reset();
    window.effect = Window::Effect::hold;
    CHECK(window_count(backend) == 1);
}

TEST_CASE("a policy shows its record, what happens without it, and what is missing") {
    FakeBackend backend;
    hold_everything(backend);
    Record& record = backend.held.records[{"tenant-unreachable", "tenant-redeploy"}];
    const Instant now = backend.time.at;
    record.verdicts = {{now - std::chrono::hours{24 * 31}, VerdictKind::worse},
                       {now - std::chrono::hours{2}, VerdictKind::not_recovered},
                       {now - std::chrono::hours{1}, VerdictKind::recovered}};
    record.in_a_row = 1;
    record.to_green = {Millis{90'000}};
    backend.held.baselines["tenant-unreachable"] = Baseline{3, 1, {Millis{3'600'000}}};
    const Json policy = get(backend, "/api/v1/policies")["policies"][0];
    CHECK(policy["mode"] == "auto");
    CHECK(policy["ceiling"] == "approve");
    CHECK(policy["record"]["verdicts"] == 2);
    CHECK(policy["record"]["success_percent"] == 50);
    CHECK(policy["record"]["median_to_green"] == "90s");
    CHECK(policy["baseline"]["healed"] == 1);
    CHECK(policy["baseline"]["median_to_green"] == "1h00m");
    CHECK(policy["autonomy"]["earned"] == false);
    CHECK(policy["autonomy"]["why"] == "auto is not earned yet: 1 of 5 proven recoveries in a row");
    record.in_a_row = 5;
    const Json earned = get(backend, "/api/v1/policies")["policies"][0];
    CHECK(earned["autonomy"]["earned"] == true);
    CHECK(earned["ceiling"] == "auto");
    CHECK(status_view(backend)["autonomy"].empty());
}

TEST_CASE("the rungs of a ladder are told with what came of them") {
    FakeBackend backend;
    fill(backend);
    give_ladder(backend);
    const Json incident = get(backend, "/api/v1/incidents/i-1");
    REQUIRE(incident["rungs"].size() == 2);
    CHECK(incident["rungs"][0]["lever"] == "tenant-restart");
    CHECK(incident["rungs"][0]["tries"] == 1);
    CHECK(incident["rungs"][0]["result"] == "not_recovered");
    CHECK(incident["rungs"][0]["why"] == "still refuses");
    CHECK(incident["rungs"][1]["tries"] == 0);
    CHECK(incident["rungs"][1]["current"] == true);
    CHECK(incident["words"] ==
          "Waiting for a person to approve lever C (tenant-redeploy), rung 2 of 2.");
    // What was taken back is no try of the rung.
    backend.held.intents["x-2"].intent.undoes = "x-1";
    CHECK(get(backend, "/api/v1/incidents/i-1")["rungs"][0]["tries"] == 0);
    backend.held.intents["x-2"].phase = IntentPhase::in_flight;
    CHECK(get(backend, "/api/v1/incidents/i-1")["words"] ==
          "Made it worse: taking lever tenant-restart back (x-1).");
}

TEST_CASE("the overview shows the newest closed incidents only") {
    FakeBackend backend;
    fill(backend);
    for (int i = 0; i < 40; ++i) {
        Incident over = backend.held.incidents["i-0"];
        over.id = "c-" + std::to_string(i);
        backend.held.incidents[over.id] = over;
    }
    CHECK(get(backend, "/api/v1/overview")["incidents"].size() == 22);
    CHECK(get(backend, "/api/v1/incidents")["incidents"].size() == 43);
}

TEST_CASE("in a mass outage the overview shows some of each and says how many are missing") {
    FakeBackend backend;
    fill(backend);
    const auto before = get(backend, "/api/v1/overview");
    CHECK(before["left_out"]["subjects"] == 0);
    SubjectState failing = backend.held.subjects[Subject("tenant/acme")];
    for (int i = 0; i < 3'000; ++i) {
        const Subject subject("tenant/t" + std::to_string(i));
        backend.held.subjects[subject] = failing;
        backend.held.symptoms[{"tenant-unreachable", subject}] = {};
        Incident open = backend.held.incidents["i-1"];
        open.id = "m-" + std::to_string(i);
        backend.held.incidents[open.id] = open;
    }
    const auto overview = get(backend, "/api/v1/overview");
    CHECK(overview["subjects"].size() == 500);
    CHECK(overview["left_out"]["subjects"] == before["subjects"].size() + 2'500);
    CHECK(overview["symptoms"].size() == 500);
    CHECK(overview["left_out"]["symptoms"] == before["symptoms"].size() + 2'500);
    CHECK(overview["left_out"]["incidents"].get<int>() > 2'500);
    // The lists themselves are whole, made in parts with the loop free in between.
    CHECK(get(backend, "/api/v1/subjects?bad=1")["subjects"].size() ==
          before["subjects"].size() + 3'000);
    CHECK(get(backend, "/api/v1/symptoms")["symptoms"].size() == before["symptoms"].size() + 3'000);
    CHECK(get(backend, "/api/v1/incidents")["incidents"].size() >= 3'000);
}

TEST_CASE("an incident says in one sentence what it waits for") {
    FakeBackend backend;
    fill(backend);
    Incident incident = backend.held.incidents["i-1"];
    std::string words;

    SECTION("a person") {
        words = "Waiting for a person to approve lever C (tenant-redeploy).";
    }
    SECTION("a guard") {
        incident.decision->action = Action::hold;
        words = "Holding lever C (tenant-redeploy): a person has to approve.";
    }
    SECTION("proof") {
        incident = backend.held.incidents["i-2"];
        words =
            "Pulled lever C (tenant-redeploy). Waiting for proof: 1 of 2 good looks of "
            "tenant_health.";
    }
    SECTION("clearing of the symptom") {
        ProofStep cleared;
        cleared.who = ProofStep::Who::cleared;
        backend.book.levers["tenant-redeploy"].proof = {cleared};
        incident = backend.held.incidents["i-2"];
        words = "Pulled lever C (tenant-redeploy). Waiting for proof: the symptom clears.";
    }
    SECTION("the target's own word after a lost answer") {
        incident = backend.held.incidents["i-2"];
        backend.held.intents["x-1"].phase = IntentPhase::ambiguous;
        backend.held.intents["x-1"].outcome =
            Outcome{"x-1", OutcomeKind::unknown, "502 in 31 ms", {}};
        words =
            "Pulled lever C (tenant-redeploy), and nobody knows whether it took (502 in 31 ms). "
            "Looking at the target to learn it; it is not sent again.";
    }
    SECTION("a loss that a person saw to") {
        incident.phase = IncidentPhase::closed;
        incident.end = "lost";
        incident.acknowledged = Acknowledged{"i-0", "mara", "made anew"};
        incident.acknowledged_at = Now{at_millis(1), WallTime{Millis{1'778'090'400'000}}};
        words = "What was lost was acknowledged by mara at 2026-05-06 18:00:00 UTC: made anew";
        const auto json = incident_view(scene_of(backend), incident);
        CHECK(json["acknowledged"]["who"] == "mara");
        CHECK(json["acknowledged"]["why"] == "made anew");
        CHECK(json["acknowledged"]["time"] == "2026-05-06T18:00:00.000Z");
    }
    SECTION("a loss that was seen to while the symptom is still there") {
        incident.phase = IncidentPhase::escalated;
        incident.escalated_why = "then say so: leverd ack i-0";
        incident.acknowledged = Acknowledged{"i-0", "mara", "made anew"};
        words =
            "What was lost was acknowledged by mara: made anew. The symptom is still there, and "
            "leverd fires nothing more for it.";
    }
    SECTION("nothing any more") {
        incident = backend.held.incidents["i-0"];
        words = "Went away by itself.";
    }
    SECTION("a plan") {
        incident.decision.reset();
        incident.plan->ok = false;
        incident.plan->problem = "the control plane does not know acme";
        words = "No plan could be made: the control plane does not know acme.";
    }
    CHECK(incident_words(scene_of(backend), incident) == words);
}

TEST_CASE("a case that cleared after a lever acted did not go away by itself") {
    FakeBackend backend;
    fill(backend);
    Incident incident = backend.held.incidents["i-0"];
    std::string words;
    // A firing that ended so.
    const auto after = [&](OutcomeKind kind) -> IntentState& {
        incident.intents = {"x-1"};
        auto& held = backend.held.intents["x-1"];
        held.outcome = Outcome{"x-1", kind, "", {}};
        return held;
    };
    SECTION("a lever that did nothing") {
        after(OutcomeKind::failed);
        words = "Went away by itself.";
    }
    SECTION("a lever that was not judged") {
        after(OutcomeKind::accepted);
        words = "Cleared after lever C (tenant-redeploy); whether it helped was not seen.";
    }
    SECTION("a lever that was not proven") {
        after(OutcomeKind::unknown).verdict = Verdict{"x-1", VerdictKind::inconclusive, ""};
        words = "Cleared after lever C (tenant-redeploy), whose verdict was inconclusive.";
    }
    SECTION("an undo that was refused") {
        auto& held = after(OutcomeKind::accepted);
        held.verdict = Verdict{"x-1", VerdictKind::worse, "three more fail"};
        incident.intents = {"x-1", "x-2"};
        IntentState undo = held;
        undo.intent.undoes = "x-1";
        undo.outcome = Outcome{"x-2", OutcomeKind::refused, "somebody else moved it", {}};
        backend.held.intents["x-2"] = undo;
        words = "Cleared after lever C (tenant-redeploy), whose verdict was worse.";
    }
    SECTION("an undo whose answer was lost") {
        after(OutcomeKind::unknown).intent.undoes = "x-0";
        words =
            "Cleared after lever C (tenant-redeploy), which made it worse; whether it was taken "
            "back is not known.";
    }
    SECTION("a lever that was taken back") {
        after(OutcomeKind::accepted).intent.undoes = "x-0";
        words = "Cleared after lever C (tenant-redeploy), which made it worse and was taken back.";
    }
    CHECK(incident_words(scene_of(backend), incident) == words);
}

TEST_CASE("a look that is too old counts as unknown, not as healthy") {
    FakeBackend backend;
    fill(backend);
    CHECK(get(backend, "/api/v1/subjects/tenant%2Fhooli")["health"] == "healthy");
    backend.time.at += backend.book.runbook.fresh_for + Millis{10'001};
    const Json stale = get(backend, "/api/v1/subjects/tenant%2Fhooli");
    CHECK(stale["health"] == "unknown");
    CHECK(stale["reason_text"] == "the last look is too old to be evidence");
    CHECK(stale["looks"][0]["stale"] == true);
}

TEST_CASE("why shows counters, every guard in order, and the newest past decisions") {
    FakeBackend backend;
    fill(backend);
    for (int i = 0; i < 3000; ++i) {
        Decision decision = asking_decision();
        decision.id = "d-" + std::to_string(i);
        decision.subject = Subject(i % 3 == 0 ? "tenant/acme" : "tenant/globex");
        backend.write(decision);
    }
    const Json why = get(backend, "/api/v1/why?subject=tenant/acme");
    CHECK(why["subject"]["detectors"][0]["bad"] == 3);
    CHECK(why["subject"]["detectors"][0]["bad_needed"] == 3);
    CHECK(why["decision"]["guards"][0]["guard"] == "stop switch");
    CHECK(why["decision"]["guards"][1]["text"] == "a person has to approve");
    CHECK(why["incidents"].size() == 1);
    REQUIRE(why["past_decisions"].size() == 20);
    CHECK(why["past_decisions"][0]["body"]["id"] == "d-2997");
    CHECK(why["past_decisions"][19]["body"]["id"] == "d-2940");
    CHECK(why["past_decisions_complete"] == true);
    CHECK(backend.entries_read < 600);  // the newest page, and single entries to find the end
}

TEST_CASE("history of a long ledger is bounded and says so") {
    FakeBackend backend;
    fill(backend);
    const SymptomCleared noise{"x", Subject("y"), "z"};
    for (std::size_t i = 0; i < history_page * history_pages_max + 5; ++i) {
        backend.write(noise);
    }
    const Json why = get(backend, "/api/v1/why?subject=tenant/acme");
    CHECK(why["past_decisions"].empty());
    CHECK(why["past_decisions_complete"] == false);
    CHECK(backend.entries_read <= history_page * history_pages_max + 64);
}

TEST_CASE("the end of the ledger is found for every small length") {
    for (int length = 0; length < 6; ++length) {
        FakeBackend backend;
        fill(backend);
        for (int i = 0; i < length; ++i) {
            backend.write(asking_decision());
        }
        const Json why = get(backend, "/api/v1/why?subject=tenant/acme");
        CHECK(why["past_decisions"].size() == static_cast<std::size_t>(length));
    }
}

TEST_CASE("an incident's timeline has its own entries only, in order") {
    FakeBackend backend;
    fill(backend);
    Decision other = asking_decision();
    other.id = "d-1";
    other.incident = "i-9";
    Intent intent;
    intent.id = "x-7";
    intent.decision = "d-12";
    intent.incident = "i-1";
    backend.write(IncidentOpened{"i-9", "s", Subject("tenant/x")});
    backend.write(IncidentOpened{"i-1", "s", Subject("tenant/acme")});
    backend.write(other);
    backend.write(asking_decision());
    backend.write(Approval{"d-1", "h", true, "root", "other"});
    backend.write(Approval{"d-12", "h", true, "root", "ours"});
    backend.write(intent);
    backend.write(Verdict{"x-7", VerdictKind::recovered, "proven"});
    backend.write(Verdict{"x-8", VerdictKind::worse, "not ours"});
    const Json timeline = get(backend, "/api/v1/incidents/i-1")["timeline"];
    std::string kinds;
    for (const Json& entry : timeline) {
        kinds += entry["kind"].get<std::string>() + " ";
    }
    CHECK(kinds == "incident_opened decision approval intent verdict ");
}

TEST_CASE("remote text stays text") {
    FakeBackend backend;
    fill(backend);
    const auto answer = ask(backend, root_access(), web_world::request("GET", "/api/v1/subjects"));
    CHECK(answer.content_type == "application/json");
    CHECK(answer.body.find('\x1b') == std::string::npos);
    CHECK(parse_json(answer.body)->at("subjects").size() == 4);
}

TEST_CASE("the page runs nothing inline, loads nothing foreign and builds no markup from text") {
    for (const Asset& asset : page_assets()) {
        CAPTURE(asset.path);
        CHECK_FALSE(asset.bytes.empty());
        for (const std::string_view banned :
             {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "https://",
              "//cdn", "style=", "onclick=", "javascript:"}) {
            CAPTURE(banned);
            CHECK(asset.bytes.find(banned) == std::string_view::npos);
        }
    }
    FakeBackend backend;
    const auto page = ask(backend, root_access(), web_world::request("GET", "/"));
    bool policy = false;
    for (const auto& [name, value] : page.headers) {
        policy =
            policy || (name == "Content-Security-Policy" && value.find("default-src 'self'") == 0);
    }
    CHECK(policy);
}

TEST_CASE("a subject is found by the name that people call it by") {
    FakeBackend backend;
    fill(backend);
    const auto hint = [&backend](const std::string& name) {
        const auto answer =
            ask(backend, root_access(), web_world::request("GET", "/api/v1/why?subject=" + name));
        CHECK(answer.status == 404);
        return (*parse_json(answer.body))["hint"].get<std::string>();
    };
    CHECK(hint("acme") == "did you mean 'tenant/acme'?");
    CHECK(hint("glbex") == "did you mean 'tenant/globex'?");
    CHECK(hint("nothing-like-it").find("leverd subjects") != std::string::npos);
    backend.held.subjects[Subject("workspace/globex/acme")] = {};
    CHECK(hint("acme") == "did you mean 'tenant/acme' or 'workspace/globex/acme'?");
    for (const auto* other : {"a/acme", "b/acme", "c/acme"}) {
        backend.held.subjects[Subject(std::string("thing/") + other)] = {};
    }
    CHECK(hint("acme").find("2 more have that name; leverd subjects") != std::string::npos);
}

TEST_CASE("a stop file is named beside the stop switch, whoever set that") {
    FakeBackend backend;
    fill(backend);
    const auto why = [&backend] { return get(backend, "/api/v1/status")["can_act"]["why"].dump(); };
    CHECK(why() == "[]");
    backend.held.stop.stopped = true;
    backend.held.stop.who = "mara";
    backend.held.stop.why = "drill";
    CHECK(why().find("mara: drill; lift it: leverd resume --why ...") != std::string::npos);
    backend.stop_file = "/state/STOP";
    CHECK(why().find("leverd resume") != std::string::npos);
    CHECK(why().find("the stop file holds every lever: remove /state/STOP") != std::string::npos);
    backend.held.stop.who = "stop file";
    backend.held.stop.why = "/state/STOP exists";
    CHECK(why() == R"(["the stop file holds every lever: remove /state/STOP"])");
    backend.held.stop.why = "whether /state/STOP is there cannot be read: mend that";
    CHECK(why().find("cannot be read: mend that") != std::string::npos);
    CHECK(get(backend, "/api/v1/status")["stop"]["file"] == "/state/STOP");
}
