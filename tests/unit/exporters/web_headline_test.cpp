// Why: the first line is all that many people read. Each case here is one thing that may stand in
// it, in the order of what matters.
#include "exporters/web/views.hpp"
#include "tests/catch.hpp"
#include "tests/unit/exporters/web_world.hpp"

using namespace web_world;
using namespace leverd::exporters::web;

namespace {

void close_all(FakeBackend& backend) {
    for (auto& [id, incident] : backend.held.incidents) {
        incident.phase = IncidentPhase::closed;
    }
    backend.held.symptoms.clear();
}

void page_about(FakeBackend& backend, const std::string& incident) {
    Paged page;
    page.key = incident;
    page.severity = Severity::critical;
    page.subject = Subject{"tenant/acme"};
    page.title = "tenant/acme: Whole tenant unreachable";
    page.since = backend.time;
    backend.held.pages[page.key] = page;
    backend.held.book.open.insert(page.key);
    backend.held.book.keys[incident] = page.key;
    backend.held.book.groups[page.key].open.insert(incident);
}

}  // namespace

TEST_CASE("the headline says who, what, since when, what leverd does and what you do") {
    FakeBackend backend;
    fill(backend);
    std::string level = "person";
    std::string words =
        "tenant/acme: Whole tenant unreachable, since 2026-05-06 18:05:00 UTC. Waiting for a "
        "person "
        "to approve lever C (tenant-redeploy). You: leverd approve d-12 --why \"...\"";

    SECTION("an approval comes first") {}
    SECTION("then what escalated") {
        backend.held.incidents["i-1"].phase = IncidentPhase::escalated;
        backend.held.incidents["i-1"].escalated_why = "every attempt is used";
        backend.held.incidents["i-1"].decision->action = Action::hold;
        words =
            "tenant/acme: Whole tenant unreachable, since 2026-05-06 18:05:00 UTC. A person is "
            "needed: every attempt is used. You: leverd why tenant/acme";
    }
    SECTION("then what leverd is working on, the oldest first") {
        backend.held.incidents["i-1"].decision->action = Action::fire;
        level = "busy";
        words =
            "tenant/acme: Whole tenant unreachable, since 2026-05-06 18:05:00 UTC. Permitted to "
            "pull lever C (tenant-redeploy). You: nothing yet; leverd why tenant/acme";
    }
    SECTION("a storm names a subject too") {
        backend.held.breaker = Breaker{BreakerPhase::open, 0, "6 incidents", backend.time};
        words =
            "tenant/acme: a storm, the breaker is open, since 2026-05-06 18:10:00 UTC. 6 "
            "incidents. No lever fires by itself. You: leverd incidents --open";
    }
    SECTION("doubt about the own view outranks all of it") {
        backend.held.observer.trusted = false;
        backend.held.observer.why = "1 of 3 reference points answers";
        level = "blind";
        words =
            "leverd: leverd doubts its own view. 1 of 3 reference points answers. Nothing is "
            "called down and no lever fires until it passes. You: check this box's network and "
            "clock";
    }
    SECTION("not seeing outranks what was seen") {
        backend.held.blind["control-plane"] =
            Blindness{backend.time,
                      "control-plane cannot be judged: our credential was not accepted. Next: "
                      "put the current credential in place"};
        level = "blind";
        words =
            "control-plane: blind, since 2026-05-06 18:10:00 UTC. control-plane cannot be "
            "judged: our credential was not accepted. leverd goes on looking. You: put the "
            "current credential in place";
    }
    SECTION("what has just become unseen is not called well") {
        close_all(backend);
        backend.held.unseen[{Subject{"control-plane"}, "control_plane"}] =
            Unseen{backend.time, Reason::rate_limited};
        level = "busy";
        words =
            "control-plane: not judged at the moment, since 2026-05-06 18:10:00 UTC. the target "
            "asks us to slow down. leverd goes on looking. You: nothing yet; leverd why "
            "control-plane";
    }
    SECTION("all is well") {
        close_all(backend);
        backend.held.subjects.clear();
        level = "good";
        words = "nothing is wrong";
    }
    SECTION("not ready is never good") {
        close_all(backend);
        backend.fit = {false, "nothing is looked at: the config has no [[probe]]",
                       "add a [[probe]], then leverd reload"};
        level = "blind";
        words =
            "leverd: leverd is not ready. nothing is looked at: the config has no [[probe]]. You: "
            "add a [[probe]], then leverd reload";
    }
    const Json status = status_view(backend);
    CHECK(status["level"] == level);
    CHECK(status["headline"] == words);
}

TEST_CASE("whoever was paged is told so, and a page that is open is never nothing") {
    FakeBackend backend;
    fill(backend);
    std::string words;
    SECTION("who was paged is not told that there is nothing to do") {
        backend.held.incidents["i-1"].decision->action = Action::fire;
        page_about(backend, "i-1");
        words =
            "tenant/acme: Whole tenant unreachable, since 2026-05-06 18:05:00 UTC. Permitted to "
            "pull lever C (tenant-redeploy). You: you were paged; leverd why tenant/acme";
    }
    SECTION("a page that is open without an open case is not nothing") {
        page_about(backend, "i-1");
        close_all(backend);
        backend.held.book.groups["i-1"].open.clear();
        words =
            "tenant/acme: Whole tenant unreachable, since 2026-05-06 18:10:00 UTC. It goes up and "
            "down, so its page stays open until it was steady for a while. You: you were paged; "
            "leverd why tenant/acme";
    }
    const Json status = status_view(backend);
    CHECK(status["level"] == "person");
    CHECK(status["headline"] == words);
}

TEST_CASE("what fails without a case is not called well") {
    FakeBackend backend;
    fill(backend);
    close_all(backend);
    const Json status = status_view(backend);
    CHECK(status["level"] == "busy");
    CHECK(
        status["headline"] ==
        "tenant/acme: and 1 more fail, and no case is open for them. leverd goes on looking; what "
        "no row of the runbook takes calls nobody. You: look at it; leverd subjects --bad");
}

TEST_CASE("a tenant that dies behind a blind control plane is named, never 'nothing is wrong'") {
    FakeBackend backend;
    fill(backend);
    close_all(backend);
    auto& row = backend.book.runbook.symptoms[0];
    row.subject_kind = "tenant";
    row.any = {"tenant-down"};
    row.requires_healthy = {Subject{"control-plane"}};
    backend.held.unseen[{Subject{"control-plane"}, "control_plane"}] =
        Unseen{backend.time, Reason::unauthorized};
    auto& run = backend.held.subjects[Subject{"tenant/acme"}].detectors["tenant-down"];
    run.bad = 3;
    run.raised = true;
    run.first_bad = backend.time.at;
    backend.held.tripped.insert({"tenant-down", Subject{"tenant/acme"}});
    const Json status = status_view(backend);
    CHECK(status["level"] == "blind");
    CHECK(status["concerns"][0]["subject"] == "tenant/acme");
    CHECK(status["concerns"][0]["leverd"] ==
          "Seen and not judged, because control-plane cannot be judged: our credential was not "
          "accepted.");
}

TEST_CASE("what is not told in words is counted, and the counts agree with the words") {
    FakeBackend backend;
    fill(backend);
    for (int i = 0; i < 20; ++i) {
        auto one = backend.held.incidents["i-1"];
        one.id = "x-" + std::to_string(i);
        one.phase = IncidentPhase::escalated;
        one.decision.reset();
        backend.held.incidents[one.id] = one;
    }
    const Json status = status_view(backend);
    CHECK(status["concerns"].size() == 6);
    CHECK(status["more"] == 16);
    CHECK(status["counts"]["waiting_for_a_person"] == 21);
}
