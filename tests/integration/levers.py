# Why: see levers.sh. Each scenario breaks one thing and reads in the sandbox's journal what leverd
# did about it; the ledger must tell the same.
import time

from stack import http, holds_for, main, stack, wait_for

HERMES = "molecule-ai/workspace-template-hermes"
OPENCLAW = "molecule-ai/workspace-template-openclaw"
PLATFORM = "molecule-ai/platform"
TWIN = "molecule-ai/platform-tenant"
# Several tenants fall one after the other here; the hourly limits are other tests' business.
ROOM = [("blast_percent = 20\nblast_count = 1", "blast_percent = 100\nblast_count = 12"),
        ("per_hour = 4", "per_hour = 20"),
        # Percentages are of what leverd sees, which is a handful in each of these short stories.
        ("blast_percent = 50\nblast_count = 4", "blast_percent = 100\nblast_count = 12"),
        ("blast_percent = 50\nblast_count = 2", "blast_percent = 100\nblast_count = 12"),
        ("blast_percent = 20\nblast_count = 2", "blast_percent = 100\nblast_count = 12")]
SOON = [('dwell = "9s"', 'dwell = "1s"')]


BY_ITSELF = [('lever = "tenant-restart"\nsubjects = ["*"]\nmode = "recommend"',
              'lever = "tenant-restart"\nsubjects = ["*"]\nmode = "auto"')]


def rung(s, subject, lever, timeout=60):
    """The intent of one lever of the ladder on this subject."""
    return wait_for(f"{lever} on {subject}", lambda: [
        e for e in s.intents(subject) if e["lever"] == lever], timeout)[0]


def one_call(t, s, name, slug):
    posts = s.redeploys(slug)
    t(f"{name}: one POST for {slug}", len(posts) == 1, posts)


def redeploy(t):
    with stack(policies=ROOM) as s:
        s.all_seen()

        s.fault("tenant_down", tenant="acme", how="refuse")
        intent = s.fired("tenant/acme")
        verdict = s.verdict(intent["id"])
        t("C: recovered", verdict["kind"] == "recovered", verdict)
        one_call(t, s, "C", "acme")
        t("C: one effect, on the right tenant",
          [e["effect"] for e in s.effects()] == ["redeploy acme"], s.effects())
        t("C: the tenant is up", s.tenant("acme")["down"] == "", s.tenant("acme"))

        s.fault("redeploy_reply", mode="lost")
        s.fault("tenant_down", tenant="demo", how="5xx")
        intent = s.fired("tenant/demo")
        outcome = s.outcome(intent["id"])
        t("C, reply lost: the outcome is unknown", outcome["kind"] == "unknown", outcome)
        verdict = s.verdict(intent["id"])
        t("C, reply lost: recovered", verdict["kind"] == "recovered", verdict)
        one_call(t, s, "C, reply lost", "demo")

        s.fault("redeploy_reply", mode="lost_before_effect")
        s.fault("tenant_down", tenant="hooli", how="refuse")
        intent = s.fired("tenant/hooli")
        lost_at = time.monotonic()
        outcome = s.outcome(intent["id"])
        t("C, call lost: the outcome is unknown", outcome["kind"] == "unknown", outcome)

        s.fault("redeploy_reply", mode="ok_false")
        s.fault("tenant_down", tenant="stark", how="refuse")
        intent = s.fired("tenant/stark")
        outcome = s.outcome(intent["id"])
        t("C, ok:false: failed", outcome["kind"] == "failed", outcome)
        wait_for("a page about stark", lambda: s.pages("tenant/stark"))

        left = lost_at + 29 - time.monotonic()
        again = holds_for(left, lambda: len(s.redeploys("hooli")) == 1, every=0.5)
        t("C, call lost: no second POST within the cool-down", again is None,
          s.redeploys("hooli"))
        t("C, call lost: a person is paged", s.pages("tenant/hooli"), s.pages())
        one_call(t, s, "C, ok:false", "stark")
        t("C: nothing else was changed", len(s.effects()) == 2, s.effects())


def template(t):
    with stack(policies=ROOM[1:], runbook=SOON) as s:
        s.all_seen()
        good = s.digest(HERMES)
        bad = s.fault("registry_push", repository=HERMES, tag="latest", bad=True)["digest"]
        intent = s.fired("image/" + HERMES)
        t("B: the tag was bad", bad != good, (bad, good))
        outcome = s.outcome(intent["id"])
        t("B: accepted", outcome["kind"] == "accepted", outcome)
        s.fault("runtime_provision", tenant="demo", runtime="hermes")  # what the proof waits for
        verdict = s.verdict(intent["id"])
        t("B: recovered", verdict["kind"] == "recovered", verdict)
        t("B: :latest is the receipt's digest again", s.digest(HERMES) == good, s.digest(HERMES))
        puts = s.calls("PUT", f"/v2/{HERMES}/manifests/")
        t("B: one PUT", len(puts) == 1 and puts[0]["status"] == 201, puts)

        good = s.digest(OPENCLAW)
        s.fault("registry", mode="readonly")
        bad = s.fault("registry_push", repository=OPENCLAW, tag="latest", bad=True)["digest"]
        intent = s.fired("image/" + OPENCLAW)
        outcome = s.outcome(intent["id"])
        t("B, readonly: failed", outcome["kind"] == "failed", outcome)
        wait_for("a page about openclaw", lambda: s.pages("image/" + OPENCLAW))
        t("B, readonly: the tag is untouched", s.digest(OPENCLAW) == bad, s.digest(OPENCLAW))
        puts = s.calls("PUT", f"/v2/{OPENCLAW}/manifests/")
        t("B, readonly: at most one PUT, without effect",
          len(puts) <= 1 and not any("effect" in e for e in puts), puts)


def workspace(t):
    wonka = [('subjects = ["workspace/globex/*"]',
              'subjects = ["workspace/globex/*", "workspace/wonka/*"]')]
    with stack(policies=ROOM[1:] + wonka) as s:
        s.all_seen()
        parent = s.workspace("wonka", "claude-code")
        s.fault("wedge_workspace", tenant="wonka", runtime="claude-code", form="agent_error")
        old = s.workspace("globex", "hermes")
        s.fault("wedge_workspace", tenant="globex", runtime="hermes", form="agent_error_ok_row")

        subject = f"workspace/globex/{old['id']}"
        intent = rung(s, subject, "workspace-restart")
        verdict = s.verdict(intent["id"], timeout=60)
        t("restart: it did not help", verdict["kind"] == "not_recovered", verdict)
        t("restart: one POST", len(s.calls("POST", f"/workspaces/{old['id']}/restart")) == 1)
        intent = rung(s, subject, "workspace-reprovision")
        verdict = s.verdict(intent["id"], timeout=60)
        t("D: recovered", verdict["kind"] == "recovered", verdict)
        t("D: one delete", len(s.effects("delete " + old["id"])) == 1, s.effects())
        fresh = s.workspace("globex", "hermes")
        t("D: a fresh one of the same name", fresh["id"] != old["id"]
          and fresh["name"] == old["name"], (old, fresh))
        t("D: one create", len(s.effects("create ")) == 1, s.effects())

        s.fault("delete_reply", mode="lost")
        old = s.workspace("globex", "openclaw")
        s.fault("wedge_workspace", tenant="globex", runtime="openclaw", form="agent_error")
        subject = f"workspace/globex/{old['id']}"
        intent = rung(s, subject, "workspace-reprovision")
        outcome = s.outcome(intent["id"], timeout=40)
        wait_for("the end of it", lambda: s.after("verdict", intent["id"])
                 or s.pages(subject), 60)
        deletes = s.calls("DELETE", "/workspaces/" + old["id"])
        t("D, reply lost: exactly one DELETE", len(deletes) == 1, (deletes, outcome))

        subject = f"workspace/wonka/{parent['id']}"
        wait_for("a page about wonka", lambda: s.pages(subject), 60)
        deletes = s.calls("DELETE", "/", host="wonka.sandbox.test")
        t("D, children: no DELETE at all", deletes == [], deletes)
        t("D, children: the parent is still there",
          s.workspace("wonka", "claude-code")["id"] == parent["id"], parent)


def gentle_workspace(t):
    with stack(policies=ROOM[1:]) as s:
        s.all_seen()

        def wedge(runtime, **reply):
            if reply:
                s.fault("restart_reply", **reply)
            one = s.workspace("globex", runtime)
            s.fault("wedge_workspace", tenant="globex", runtime=runtime, form="sdk_wedge")
            return one, f"workspace/globex/{one['id']}"

        one, subject = wedge("claude-code")
        verdict = s.verdict(rung(s, subject, "workspace-restart")["id"])
        t("restart: recovered", verdict["kind"] == "recovered", verdict)
        t("restart: the workspace was kept",
          s.workspace("globex", "claude-code")["id"] == one["id"], one)

        one, subject = wedge("openclaw", mode="lost")
        intent = rung(s, subject, "workspace-restart")
        outcome = s.outcome(intent["id"])
        t("restart, reply lost: the outcome is unknown", outcome["kind"] == "unknown", outcome)
        verdict = s.verdict(intent["id"])
        t("restart, reply lost: recovered", verdict["kind"] == "recovered", verdict)
        posts = s.calls("POST", f"/workspaces/{one['id']}/restart")
        t("restart, reply lost: one POST", len(posts) == 1, posts)

        one, subject = wedge("hermes", mode="noop")
        verdict = s.verdict(rung(s, subject, "workspace-restart")["id"])
        t("restart in vain: no success, though the answer was 200",
          verdict["kind"] == "not_recovered", verdict)
        verdict = s.verdict(rung(s, subject, "workspace-reprovision")["id"], timeout=60)
        t("restart in vain: D recovers it", verdict["kind"] == "recovered", verdict)


def gentle_tenant(t):
    with stack(policies=ROOM + BY_ITSELF) as s:
        s.all_seen()

        def posts(slug):
            return [e["target"].rsplit("/", 1)[1] for e in s.calls("POST", f"/cp/admin/tenants/{slug}/")]

        s.fault("tenant_down", tenant="acme", how="dead_machine")
        outcome = s.outcome(s.fired("tenant/acme")["id"])
        t("C on a dead machine: failed", outcome["kind"] == "failed", outcome)
        intent = rung(s, "tenant/acme", "tenant-restart")
        verdict = s.verdict(intent["id"])
        t("stop and start: recovered", verdict["kind"] == "recovered", verdict)
        t("stop and start: one POST each", posts("acme") == ["stop", "start"], posts("acme"))

        s.fault("stop_reply", mode="lost")
        s.fault("tenant_down", tenant="demo", how="dead_machine")
        intent = rung(s, "tenant/demo", "tenant-restart")
        verdict = s.verdict(intent["id"])
        t("stop lost, but seen: recovered", verdict["kind"] == "recovered", verdict)
        t("stop lost: one POST each", posts("demo") == ["stop", "start"], posts("demo"))

        s.fault("start_reply", mode="stuck")
        s.fault("tenant_down", tenant="hooli", how="dead_machine")
        intent = rung(s, "tenant/hooli", "tenant-restart")
        verdict = s.verdict(intent["id"])
        t("start that never comes up: no success", verdict["kind"] != "recovered", verdict)
        wait_for("a page about hooli", lambda: s.pages("tenant/hooli"))
        t("start that never comes up: one POST each", posts("hooli") == ["stop", "start"],
          posts("hooli"))


def break_platform(s):
    good = {name: s.digest(name) for name in (PLATFORM, TWIN)}
    for name in good:
        s.fault("registry_push", repository=name, tag="latest", sha7="bad0bad", bad=True)
    asked = s.decided("platform-regression", "ask", timeout=60)
    return good, asked


def newest(s):
    """The decision that waits now: a changed plan or evidence asks anew."""
    rows = wait_for("a waiting decision", lambda: s.decisions(pending=True))
    return next(d for d in rows if d["lever"] == "platform-rollback")


def platform_by_cli(t):
    with stack() as s:
        s.all_seen()
        good, _ = break_platform(s)
        t("A: nothing before the answer", s.effects() == [], s.effects())

        def approve():
            done = s.cli("approve", newest(s)["id"], "--why", "the platform is broken")
            return done if done.returncode == 0 else None
        done = wait_for("an approval that is taken", approve, 15)
        t("A: approved over the unix socket", "approved" in done.stdout, done)
        intent = s.fired("platform")
        verdict = s.verdict(intent["id"], timeout=60)
        t("A: recovered", verdict["kind"] == "recovered", verdict)
        now = {name: s.digest(name) for name in good}
        t("A: both tags are the good ones", now == good, (now, good))
        puts = [e for e in s.effects() if e["method"] == "PUT"]
        t("A: one PUT for each image", len(puts) == 2, puts)


def platform_by_tcp(t):
    with stack() as s:
        s.all_seen()
        good, _ = break_platform(s)

        def post(token, verb="approve"):
            decision = newest(s)
            return http("POST", f"{s.base}/api/v1/decisions/{decision['id']}/{verb}",
                        {"hash": decision["hash"], "why": "integration test"}, token)
        t("A: refused without a token", post(None)[0] == 401, post(None))
        t("A: refused with a wrong token", post("0" * 48)[0] in (401, 403), post("0" * 48))
        decision = newest(s)
        status, text = http("POST", f"{s.base}/api/v1/decisions/{decision['id']}/approve",
                            {"hash": "0" * 16, "why": "not what was seen"}, s.token())
        t("A: refused for another hash", status == 409, (status, text))
        t("A: nothing fired by then", s.intents("platform") == [] and s.effects() == [],
          s.effects())
        wait_for("an approval that is taken", lambda: post(s.token())[0] == 200, 15)
        intent = s.fired("platform")
        s.verdict(intent["id"], timeout=60)
        now = {name: s.digest(name) for name in good}
        t("A: accepted with the token, both tags are good", now == good, (now, good))


def platform_rejected(t):
    with stack() as s:
        s.all_seen()
        break_platform(s)

        def reject():
            done = s.cli("reject", newest(s)["id"], "--why", "we roll forward")
            return done if done.returncode == 0 else None
        done = wait_for("a rejection that is taken", reject, 15)
        t("A: rejected", "rejected" in done.stdout, done)
        moved = holds_for(6, lambda: not s.effects() and not s.intents("platform"))
        t("A: a rejected decision does not fire", moved is None, s.effects())
        asked = [d for d in s.decisions(pending=True) if d["lever"] == "platform-rollback"]
        t("A: it does not ask again", asked == [], asked)


if __name__ == "__main__":
    main([redeploy, workspace, gentle_workspace, gentle_tenant, template, platform_by_cli, platform_by_tcp, platform_rejected])
