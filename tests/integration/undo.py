# Why: see undo.sh. Each of the four levers with an inverse fires, more breaks below it once its
# effect could show, and the sandbox's journal says what leverd then took back.
import time

from levers import HERMES, PLATFORM, TWIN, break_platform, newest
from rollback import ARMED, CANVAS, CP, by_itself
from stack import holds_for, main, stack, wait_for

UNDOING = [(f'id = "{policy}"', f'id = "{policy}"\nundo_if_worse = true')
           for policy in ("roll-back-template", "restore-template", "roll-back-platform",
                          "roll-back-canvas", "roll-back-control-plane")]
# More than the platform's bad image breaks by itself.
STRONG = ("acme", "acme-2", "globex", "umbrella", "hooli", "wonka", "tyrell")
PROPAGATION = 1.3  # seconds; a little more than that of each of them in the sandbox


def make_worse(s, intent, breaks):
    """Breaks more, late enough to be the lever's work."""
    s.outcome(intent["id"])
    end = time.monotonic() + PROPAGATION
    wait_for("the end of the propagation delay", lambda: time.monotonic() > end)
    breaks()


def taken_back(t, s, letter, intent, subject):
    verdict = s.verdict(intent["id"], timeout=60)
    t(f"{letter}: worse", verdict["kind"] == "worse", verdict)
    undo = wait_for("the undo", lambda: [x for x in s.intents(subject)
                                         if x.get("undoes") == intent["id"]])[0]
    outcome = s.outcome(undo["id"])
    t(f"{letter}: the undo is accepted", outcome["kind"] == "accepted", outcome)
    t(f"{letter}: a person is called", wait_for("a page", lambda: s.pages("made it worse")))
    again = holds_for(3, lambda: len(s.intents(subject)) == 2)
    t(f"{letter}: one lever and one undo", again is None, s.intents(subject))
    why, vetoes = s.cli("why", subject).stdout, s.cli("vetoes").stdout
    t(f"{letter}: why says so", "made it worse" in why.lower(), why)
    t(f"{letter}: no lever touches it until a person says so", subject in vetoes, vetoes)


def template(t):
    with stack(policies=UNDOING + [('verify_timeout = "20s"', 'verify_timeout = "28s"')]) as s:
        s.all_seen()
        good = s.digest(HERMES)
        bad = s.fault("registry_push", repository=HERMES, tag="latest", bad=True)["digest"]
        subject = "image/" + HERMES
        intent = s.fired(subject)

        def breaks():
            t("B: it moved the tag first", s.digest(HERMES) == good, s.digest(HERMES))
            for slug in STRONG[:4]:
                s.fault("wedge_workspace", tenant=slug, runtime="hermes")
        make_worse(s, intent, breaks)
        taken_back(t, s, "B", intent, subject)
        t("B: the tag is what it was", s.digest(HERMES) == bad, (s.digest(HERMES), bad))
        puts = s.calls("PUT", f"/v2/{HERMES}/manifests/")
        t("B: one PUT there and one back", len(puts) == 2, puts)


def platform(t):
    with stack(policies=UNDOING) as s:
        s.all_seen()
        good, _ = break_platform(s)
        bad = {name: s.digest(name) for name in good}

        def approve():
            done = s.cli("approve", newest(s)["id"], "--why", "the platform is broken")
            return done.returncode == 0
        wait_for("an approval that is taken", approve, 15)
        intent = s.fired("platform")

        def breaks():
            for slug in STRONG:
                s.fault("tenant_down", tenant=slug, how="cut")
        make_worse(s, intent, breaks)
        taken_back(t, s, "A", intent, "platform")
        now = {name: s.digest(name) for name in bad}
        t("A: both tags are what they were", now == bad and now != good, (now, bad, good))
        puts = [e for e in s.effects() if e["method"] == "PUT"]
        t("A: one PUT there and one back for each image",
          len(puts) == 4 and {e["target"].split("/manifests")[0] for e in puts}
          == {"/v2/" + PLATFORM, "/v2/" + TWIN}, puts)


# Who serves through the canvas is each stack's own matter.
BELOW_CANVAS = [('tenant = ["edge", "platform", "control-plane"]',
                 'tenant = ["edge", "platform", "control-plane", "canvas"]')]


def hosting(t, letter, subject, ship):
    """Two bad ones were shipped, so that the older one helps nobody; `ship` tells its name."""
    with stack(policies=UNDOING + by_itself("28s"), runbook=BELOW_CANVAS, toml=ARMED) as s:
        s.all_seen()
        ship(s, 1)
        was = ship(s, 2)
        intent = s.fired(subject)

        def breaks():
            for slug in STRONG[:4]:
                s.fault("tenant_down", tenant=slug, how="cut")
        make_worse(s, intent, breaks)
        taken_back(t, s, letter, intent, subject)
        moves = [e["effect"] for e in s.effects() if e["effect"].split()[0] in ("railway", "vercel")]
        t(f"{letter}: back to what was live", len(moves) == 2 and was in moves[1], (moves, was))


def control_plane(t):
    def ship(s, number):
        s.fault("railway_deploy", breaks="login_5xx", commit=f"baadbaa{number}")
        return f"baadbaa{number}"
    hosting(t, "E", CP, ship)


def canvas(t):
    hosting(t, "F", CANVAS, lambda s, _: s.fault("vercel_deploy", breaks="chunk_404")["id"])


if __name__ == "__main__":
    main([template, platform, control_plane, canvas])
