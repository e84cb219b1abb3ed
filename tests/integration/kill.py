# Why: see kill.sh. The moments of a kill are spread over a lever's life: right after the intent is
# in the ledger, while the call is out, after its effect, after its outcome.
import random
import signal
import subprocess
import time

from stack import LEVERD, PATIENCE, holds_for, http as call, main, stack, wait_for

ROOM = [("blast_percent = 20\nblast_count = 1", "blast_percent = 100\nblast_count = 12"),
        ("per_hour = 4", "per_hour = 60")]
AGAIN = [('cool_down = "30s"', 'cool_down = "20s"'),
         ('attempts = 1', 'attempts = 4')]  # a case may last over both rounds of a tenant
EAGER = [("needs_working_sibling = true\ndwell = \"1500ms\"",
          "needs_working_sibling = true\ndwell = \"0s\"")]
TRUSTING = [('dwell = "2s"', 'dwell = "300ms"')]
ROUNDS = 24
BUDGET = 80 * PATIENCE  # seconds for all rounds; fewer than MUST by then is a failure
MUST = 12


def strike(s, slug, moment, chance):
    """Kills leverd at `moment` of the lever on `slug`; returns the intent."""
    subject = f"tenant/{slug}"
    known = {e["id"] for e in s.intents(subject)}

    def fresh():
        return [e for e in s.intents(subject) if e["id"] not in known]
    intent = wait_for(f"an intent for {subject}", fresh, 25, every=0.002)[0]
    if moment == "effect":
        count = len(s.redeploys(slug))
        wait_for("the call", lambda: len(s.redeploys(slug)) > max(0, count - 1), 5, every=0.005)
    elif moment == "later":
        time.sleep(chance.uniform(0, 0.2))  # the reply takes 150 ms
    elif moment == "outcome":
        s.outcome(intent["id"])
    s.kill9()
    return intent


def rounds(t):
    chance = random.Random(20260506)
    moments = ["intent", "effect", "later", "outcome"]
    replies = ["ok", "ok", "lost", "lost_before_effect"]
    with stack(policies=ROOM + AGAIN, runbook=EAGER, toml=TRUSTING) as s:
        s.all_seen()
        slugs = [row["slug"] for row in s.world()["tenants"]]
        begun, struck, open_at_kill = time.monotonic(), [], 0
        for number in range(ROUNDS):
            if time.monotonic() - begun > BUDGET:
                break
            slug = slugs[number % len(slugs)]
            before = len(s.redeploys(slug))
            s.fault("redeploy_reply",
                    mode=replies[(number // len(moments) + number) % len(replies)])
            s.fault("tenant_down", tenant=slug, how="refuse")
            intent = strike(s, slug, moments[number % len(moments)], chance)
            open_at_kill += not s.after("outcome", intent["id"])
            s.start()
            s.outcome(intent["id"])
            s.fault("redeploy_reply", mode="ok")
            s.fault("tenant_up", tenant=slug)
            struck.append((slug, intent["id"], before))
        t(f"at least {MUST} kills", len(struck) >= MUST, (len(struck), time.monotonic() - begun))
        t("some fell between intent and outcome", open_at_kill >= 4, open_at_kill)
        print(f"  {len(struck)} kills, {open_at_kill} between intent and outcome")
        judge(t, s, struck)
        verified = s.verified()
        t("the ledger verifies", verified.returncode == 0 and "ok:" in verified.stdout, verified)
        t("every start is in the ledger", len(s.entries("started")) == s.starts,
          (len(s.entries("started")), s.starts))


def judge(t, s, struck):
    twice = []
    for slug in {slug for slug, _, _ in struck}:
        # How many calls there were when each round began, and now: at most one more each time.
        counts = [before for name, _, before in struck if name == slug]
        counts.append(len(s.redeploys(slug)))
        if any(later - earlier > 1 for earlier, later in zip(counts, counts[1:])):
            twice.append((slug, counts))
    t("never two calls for one intent", not twice, twice)
    outcomes = {intent: s.after("outcome", intent) for _, intent, _ in struck}
    odd = {intent: found for intent, found in outcomes.items() if len(found) != 1}
    t("every intent has exactly one outcome", not odd, odd)
    intents, posts = len(s.entries("intent")), len(s.calls("POST", "/cp/admin/orgs/"))
    t("one intent in each round", intents == len(struck), (intents, len(struck)))
    t("no call without an intent", posts <= intents, (posts, intents))
    t("the calls were real", posts >= len(struck) // 2, (posts, len(struck)))


def second_daemon(t):
    with stack() as s:
        s.all_seen()
        pid, count = s.daemon.pid, len(s.entries("started"))
        other = subprocess.run([LEVERD, "run", "--config", s.toml], capture_output=True, text=True,
                               timeout=30 * PATIENCE)
        t("a second daemon exits 7", other.returncode == 7, other)
        t("the first still runs", s.daemon.poll() is None
          and call("GET", s.base + "/-/ready")[0] == 200, s.log())
        t("the second wrote nothing", len(s.entries("started")) == count, s.entries("started"))
        done = s.cli("status")
        t("the socket is still the first one's", done.returncode == 0 and s.daemon.pid == pid, done)

        s.fault("tenant_down", tenant="acme", how="refuse")
        intent = s.fired("tenant/acme")
        code = s.terminate()
        t("SIGTERM in the middle of a lever: exit 0", code == 0, (code, s.log()))
        s.start()
        outcome = s.outcome(intent["id"])
        t("the lever has one outcome", len(s.after("outcome", intent["id"])) == 1, outcome)
        verdict = s.verdict(intent["id"])
        t("and a verdict: recovered", verdict["kind"] == "recovered", verdict)
        t("one POST", len(s.redeploys("acme")) == 1, s.redeploys("acme"))
        t("the ledger verifies", s.verified().returncode == 0, s.verified())


def reload(t):
    with stack() as s:
        s.all_seen()
        good = s.toml.read_text()
        worked = "leverd_config_last_reload_successful"
        t("the config is good", s.metrics().get(worked) == 1, s.metrics().get(worked))
        old = s.status()["config_hash"]
        s.toml.write_text(good.replace("mode_ceiling", "mode_cieling"))
        s.daemon.send_signal(signal.SIGHUP)
        wait_for("the metric of a bad reload", lambda: s.metrics().get(worked) == 0)
        t("the old config is kept", s.status()["config_hash"] == old, s.status())
        ready = call("GET", s.base + "/-/ready")
        status, text = call("POST", s.base + "/-/reload", {}, s.token())
        t("a reload by API says what is wrong", status == 422 and "mode_cieling" in text,
          (status, text))
        s.fault("tenant_down", tenant="acme", how="refuse")
        t("ready is red and says why", ready[0] == 503 and "reload" in ready[1], ready)
        # docs/alerts.md: what acts by itself waits until the files on disk are the ones that run.
        s.decided("tenant-unreachable", "hold", "tenant/acme", timeout=60)
        held = wait_for("a decision that is held", lambda: [
            e for e in s.entries("decision") if e["reason"] == "daemon_ready"])
        t("a refused reload holds what would fire by itself", bool(held)
          and s.redeploys("acme") == [], s.redeploys("acme"))
        s.toml.write_text(good)
        s.daemon.send_signal(signal.SIGHUP)
        wait_for("the metric of a good reload", lambda: s.metrics().get(worked) == 1)
        verdict = s.verdict(s.fired("tenant/acme")["id"])
        t("a good reload lets it go", verdict["kind"] == "recovered"
          and len(s.redeploys("acme")) == 1, (verdict, s.redeploys("acme")))
        s.wait_ready()
        t("ready again", s.status()["ready"]["ok"], s.status())


def stop_switch(t):
    with stack(policies=ROOM) as s:
        s.all_seen()
        done = s.cli("stop", "--why", "hands off")
        t("stopped by the command line", done.returncode == 0, done)
        s.fault("tenant_down", tenant="acme", how="refuse")
        held = s.decided("tenant-unreachable", "hold")
        t("held by the stop switch", held["reason"] in ("stop_switch", "stopped"), held["reason"])
        s.kill9()
        s.start(ready=False)
        wait_for("leverd answers", lambda: call("GET", s.base + "/-/healthy")[0] == 200)
        t("the switch survives kill -9", s.status()["stop"]["stopped"], s.status()["stop"])
        moved = holds_for(7, lambda: s.effects() == [])
        t("nothing fires while it is set, before and after the kill", moved is None, s.effects())

        (s.state / "STOP").write_text("")
        done = s.cli("resume", "--why", "try")
        t("a stop file outlives resume", done.returncode != 0, done)
        moved = holds_for(4, lambda: s.effects() == [])
        t("nothing fires while the file is there", moved is None, s.effects())
        s.kill9()
        s.start(ready=False)
        wait_for("leverd answers", lambda: call("GET", s.base + "/-/healthy")[0] == 200)
        moved = holds_for(4, lambda: s.effects() == [])
        t("nor after a kill", moved is None, s.effects())
        (s.state / "STOP").unlink()
        if s.status()["stop"]["stopped"]:
            done = s.cli("resume", "--why", "try again")
            t("resume is taken without the file", done.returncode == 0, done)
        verdict = s.verdict(s.fired("tenant/acme")["id"])
        t("fires when it is lifted", verdict["kind"] == "recovered", verdict)

        status, text = call("POST", s.base + "/api/v1/stop", {"stopped": True, "why": "x"})
        t("stop by API needs the token", status in (401, 403), (status, text))
        status, text = call("POST", s.base + "/api/v1/stop", {"stopped": True, "why": "test"},
                            s.token())
        t("stopped by API", status == 200 and s.status()["stop"]["stopped"], (status, text))
        s.fault("tenant_down", tenant="demo", how="refuse")
        moved = holds_for(6, lambda: len(s.effects()) == 1)
        t("nothing more fires", moved is None, s.effects())


if __name__ == "__main__":
    main([rounds, second_daemon, reload, stop_switch])
