# Why: see storyline.sh. The day plays once; afterwards ledger, journal and metrics must agree on what was done and why.
import collections
import json
import time

from stack import http, main, stack, wait_for

ROWS = {
    "workspace-always-errors", "tenant-unreachable", "canvas-crashes", "login-broken", "runtime-broken",
    "platform-regression", "stray-image",
}
SHARED = "mass-failure"  # no row of the table: a cause that several tenants share
DAY_SECONDS = 84


def approve_when_asked(s, seen):
    for decision in s.decisions(pending=True):
        if decision["lever"] == "platform-rollback" and decision["id"] not in seen:
            seen.add(decision["id"])
            answer = s.cli("approve", decision["id"], "--why", "the test is on call")
            print(f"  {decision['id']} approved: exit {answer.returncode}")


def play(s):
    status, text = http("POST", s.control + "/story", {"name": "day"})
    assert status == 200, text
    approved = set()
    until = time.monotonic() + DAY_SECONDS + 20
    while time.monotonic() < until:
        approve_when_asked(s, approved)
        time.sleep(0.5)
    return approved


def day(t):
    the_day(t, "measured")


def day_on_newest(t):
    the_day(t, "newest")


def the_day(t, platform):
    with stack(platform=platform) as s:
        s.all_seen()
        approved = play(s)
        t("a person was asked once", len(approved) == 1, approved)

        raised = {e["symptom"] for e in s.entries("symptom_raised")}
        t("all seven rows were noticed", raised == ROWS | {SHARED}, (ROWS | {SHARED}) ^ raised)
        wait_for("a green end", lambda: not s.symptoms(), 60)
        t("every incident is over", not s.api("/api/v1/incidents?open=1")["incidents"])

        fired = collections.Counter(e["lever"] for e in s.entries("intent"))
        t("the restart, D, C, B and A fired once each", dict(fired) == {
            "workspace-restart": 1, "workspace-reprovision": 1, "tenant-redeploy": 1, "template-rollback": 1,
            "platform-rollback": 1}, fired)
        per_incident = collections.Counter((e["incident"], e["lever"]) for e in s.entries("intent"))
        t("at most one firing per incident and lever", max(per_incident.values()) == 1, per_incident)
        lever_of = {e["id"]: e["lever"] for e in s.entries("intent")}
        verdicts = {lever_of[e["intent"]]: e["kind"] for e in s.entries("verdict")}
        t("the restart did not help, the rung after it did", verdicts.pop("workspace-restart", "") == "not_recovered"
          and verdicts.get("workspace-reprovision") == "recovered", verdicts)
        t("each of the others was proven", list(verdicts.values()) == ["recovered"] * 4, verdicts)

        effects = collections.Counter(e["effect"].split()[0] for e in s.effects())
        expected = {"restart": 1, "mint": 1, "delete": 1, "create": 1, "redeploy": 1, "tag": 3}
        t("the stack saw exactly these effects", dict(effects) == expected, effects)

        modes = {e["symptom"]: e["action"] for e in s.entries("decision") if e["action"] == "recommend"}
        t("canvas and control plane were recommended", {"canvas-crashes", "login-broken"} <= set(modes), modes)
        held = [e for e in s.entries("decision") if e["reason"] == "explained"]
        t("tenants under the platform fault were held", any(
            e["symptom"] == "tenant-unreachable" for e in held), held[:3])

        second = [e for e in s.entries("decision") if e["subject"] == "tenant/tyrell" and e["reason"] == "blast_radius"]
        t("the second tenant's redeploy was held by the blast radius", second, s.entries("decision")[-3:])
        t("and that says why", second and "blast" in s.cli("why", "tenant/tyrell").stdout.lower())
        dark = [e for e in s.entries("decision") if e["symptom"] == SHARED]
        t("the shared cause called a person and fired nothing", dark and all(
            e["subject"] == "edge" and e["action"] != "fire" for e in dark) and s.pages('edge'), dark)

        doubts = [e for e in s.entries("observer") if not e.get("trusted")]
        t("the lost network was one doubt", len(doubts) == 1, doubts)
        pages = [p for p in s.pages('"key":"observer"') if '"firing"' in p]
        t("and one alarm", len(pages) == 1, pages)

        recorded = len(s.entries("decision"))
        counted = sum(v for k, v in s.metrics().items() if k.startswith("leverd_decisions_total{"))
        t("decisions in the ledger and in the metric are equal", recorded == counted, (recorded, counted))
        unexplained = [e["subject"] for e in s.entries("decision")
                       if e["subject"].split("/")[0] != "workspace"
                       and s.cli("why", e["subject"]).returncode != 0]
        t("why explains every decision", not unexplained, unexplained)
        t("the ledger verifies", s.verified().returncode == 0, s.verified().stderr)
        replay(t, s)


def replay(t, s):
    """The day again from its ledger: with the same policies the same levers, and always the same words."""
    words = ["replay", "--config", s.toml, "--json"]
    live = s.cli(*words, socket=False)
    t("replay reads the ledger while the daemon runs", live.returncode == 0, live.stderr)
    s.terminate()
    once, again = (s.cli(*words, socket=False) for _ in range(2))
    t("a second replay is the same to the byte", once.returncode == 0 and once.stdout == again.stdout, once.stderr)
    report = json.loads(once.stdout)

    def fired(side):
        return sorted((c["symptom"], c["subject"], step["lever"]) for c in report["cases"] if c[side]
                      for step in c[side]["steps"] if step["fired"])
    t("it fires what was fired", fired("now") == fired("then") and len(fired("then")) == 5,
      (fired("then"), fired("now")))
    careful = s.dir / "careful.toml"
    careful.write_text((s.dir / "config" / "policies.toml").read_text().replace('mode = "auto"', 'mode = "recommend"'))
    other = s.cli(*words, "--policy", str(careful), socket=False)
    report = json.loads(other.stdout or "{}")
    t("careful policies would have fired less", other.returncode == 0 and report["now"]["fired"]
      < report["then"]["fired"], (other.stderr, report.get("now"), report.get("then")))


if __name__ == "__main__":
    main([day, day_on_newest])
