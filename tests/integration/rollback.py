# Why: see rollback.sh. Both hosts break at once in each scenario, because their subjects have nothing
# to do with each other; the sandbox's journal says what leverd sent.
import hashlib
import json

from stack import holds_for, main, stack, wait_for

RAILWAY = "railway.sandbox.test"
VERCEL = "vercel.sandbox.test"
CP, CANVAS = "control-plane", "canvas"
ARMED = [('include = [', 'include = ["hosting.toml", ')]


def by_itself(verify):
    return [(f'lever = "{lever}"\nsubjects = ["*"]\nmode = "recommend"',
             f'lever = "{lever}"\nsubjects = ["*"]\nmode = "auto"')
            for lever in ("canvas-rollback", "control-plane-rollback")] + [
        ('verify_timeout = "20s"', f'verify_timeout = "{verify}"')]


def armed(verify="15s"):
    return stack(policies=by_itself(verify), toml=ARMED)


def break_both(s, cp="5xx"):
    s.fault("railway_deploy", breaks=cp, commit="baadbaad")
    s.fault("vercel_deploy", breaks="chunk_404")
    return s.fired(CP), s.fired(CANVAS)


def mutations(s):
    sent = [e for e in s.journal(host=RAILWAY) if "mutation" in e.get("body", "")]
    return sent, s.calls("POST", "/", host=VERCEL)


def asked_for(s):
    """What leverd's calls changed; a deployment that comes to serve by itself is none of them."""
    return sorted(x["effect"] for x in s.effects() if not x["effect"].startswith("live "))


def one_each(t, s, what):
    railway, vercel = mutations(s)
    t(f"{what}: one mutation on Railway", len(railway) == 1, railway)
    t(f"{what}: one request on Vercel", len(vercel) == 1, vercel)


def mark(s, name):
    secret = (s.dir / name).read_text().strip()
    return "sha256:" + hashlib.sha256(secret.encode()).hexdigest()[:12]


def fires(t):
    with armed() as s:
        s.all_seen()
        e, f = break_both(s)
        verdict = s.verdict(e["id"])
        t("E: recovered", verdict["kind"] == "recovered", verdict)
        verdict = s.verdict(f["id"])
        t("F: recovered", verdict["kind"] == "recovered", verdict)
        one_each(t, s, "E and F")
        effects = asked_for(s)
        t("E and F: each went where it should",
          effects == ["railway rollback to 0000004dddd", "vercel rollback to dpl_live"], effects)
        railway, vercel = mutations(s)
        t("E: the bytes are the plan's", railway[0]["body"] == e["plan"]["calls"][0]["body"],
          (railway, e))
        t("F: the bytes are the plan's", vercel[0]["body"] == "{}" and f["plan"]["calls"][0][
            "url"].endswith(vercel[0]["target"]), (vercel, f))
        t("E: the plan warns that the variables return",
          "CP_ADMIN_API_TOKEN" in " ".join(e["plan"]["warnings"]), e)
        marks = {RAILWAY: mark(s, "railway-token"), VERCEL: mark(s, "vercel-token")}
        for host, own in marks.items():
            seen = {x["host"] for x in s.journal() if own in json.dumps(x.get("headers", {}))}
            t(f"the token of {host} goes there alone", seen == {host}, seen)
        page = (s.dir / "leverd.log").read_text(errors="replace") + "".join(s.pages())
        for name in ("railway-token", "vercel-token"):
            t(f"{name} is in no log and no page",
              (s.dir / name).read_text().strip() not in page)


def lost_replies(t):
    with armed() as s:
        s.all_seen()
        s.fault("railway_rollback", mode="lost")
        s.fault("vercel_move", mode="lost")
        for letter, intent in zip("EF", break_both(s)):
            outcome = s.outcome(intent["id"])
            t(f"{letter}, reply lost: unknown", outcome["kind"] == "unknown", outcome)
            settled = wait_for("the settling", lambda: s.after("settled", intent["id"]))[-1]
            t(f"{letter}, reply lost: seen to have taken", settled["took"] == "yes", settled)
            verdict = s.verdict(intent["id"])
            t(f"{letter}, reply lost: recovered", verdict["kind"] == "recovered", verdict)
        one_each(t, s, "reply lost")


def lost_calls(t):
    with armed() as s:
        s.all_seen()
        s.fault("railway_rollback", mode="lost_before_effect")
        s.fault("vercel_move", mode="lost_before_effect")
        for letter, intent in zip("EF", break_both(s)):
            outcome = s.outcome(intent["id"])
            t(f"{letter}, call lost: unknown", outcome["kind"] == "unknown", outcome)
            settled = wait_for("a certain no", lambda: [
                x for x in s.after("settled", intent["id"]) if x["took"] == "no"])[0]
            t(f"{letter}, call lost: settled by looking", settled["took"] == "no", settled)
        again = holds_for(6, lambda: all(len(x) == 1 for x in mutations(s)))
        t("call lost: never repeated", again is None, mutations(s))


def answered_and_not_done(t):
    """True and 201, and nothing came of it; then both heal by themselves."""
    with armed("8s") as s:
        s.all_seen()
        s.fault("railway_rollback", mode="noop")
        s.fault("vercel_move", mode="noop")
        both = break_both(s)
        for intent in both:
            outcome = s.outcome(intent["id"])
            t(f"{intent['lever']}: accepted", outcome["kind"] == "accepted", outcome)
        s.fault("control_plane", mode="ok")
        s.fault("canvas", mode="ok")
        for intent in both:
            verdict = s.verdict(intent["id"])
            t(f"{intent['lever']}: a target that healed by itself proves nothing",
              verdict["kind"] != "recovered", verdict)
        one_each(t, s, "answered, not done")


def came_back_wrong(t):
    """The older token comes back with the variables; one domain stays where it was."""
    with armed("8s") as s:
        s.all_seen()
        s.fault("railway_rollback", mode="ok", old_token=True)
        s.fault("vercel_move", mode="ok", end="partial")
        e, f = break_both(s)
        wait_for("a page about the old token",
                 lambda: s.pages("older CP_ADMIN_API_TOKEN"))
        t("E, old token: paged while it is fresh", not s.after("verdict", e["id"]))
        wait_for("a page about the domain", lambda: s.pages("some domains did not move"))
        why = s.cli("why", CANVAS).stdout
        t("F, partly: why names the domain", "www.sandbox.test" in why, why)
        for letter, intent in (("E", e), ("F", f)):
            verdict = s.verdict(intent["id"])
            t(f"{letter}, came back wrong: no recovery", verdict["kind"] != "recovered", verdict)
            t(f"{letter}, came back wrong: the verdict says what to do",
              "by hand" in verdict["why"] or "set the current one" in verdict["why"], verdict)
        admin = [x for x in s.journal(host="api.sandbox.test", path="/cp/admin/orgs")
                 if x["status"] == 401]
        t("E, old token: the admin reads are 401 indeed", admin)
        one_each(t, s, "came back wrong")


def ends_badly(t):
    with armed("8s") as s:
        s.all_seen()
        s.fault("railway_rollback", mode="ok", end="FAILED")
        s.fault("vercel_move", mode="ok", end="failed")
        for letter, intent in zip("EF", break_both(s)):
            verdict = s.verdict(intent["id"])
            t(f"{letter}, ended badly: no recovery", verdict["kind"] == "not_recovered", verdict)
        t("E, ended badly: a person is called", s.pages("the new deployment did not come up"))
        t("F, ended badly: a person is called", s.pages("some domains did not move"))
        one_each(t, s, "ended badly")


def refused(t):
    with armed() as s:
        s.all_seen()
        s.fault("railway_rollback", mode="refused")
        s.fault("vercel_move", mode="409")
        e, f = break_both(s)
        outcome = s.outcome(e["id"])
        t("E: an error with 200 is a failure", outcome["kind"] == "failed"
          and "refuses the token" in outcome["detail"], outcome)
        outcome = s.outcome(f["id"])
        t("F: a conflict is told in words", outcome["kind"] == "failed"
          and "another change" in outcome["detail"], outcome)
        t("refused: nothing changed", asked_for(s) == [], asked_for(s))
        one_each(t, s, "refused")


def without_credentials(t):
    with stack(policies=by_itself("8s")) as s:
        s.all_seen()
        s.fault("control_plane", mode="login_5xx")
        s.fault("canvas", mode="chunk_404")
        for symptom, lever in (("login-broken", "control-plane-rollback"),
                               ("canvas-crashes", "canvas-rollback")):
            made = s.decided(symptom, "recommend")
            t(f"{lever} without a token: a recommendation", made["lever"] == lever, made)
        t("without tokens: no call to either host",
          s.journal(host=RAILWAY) == [] and s.journal(host=VERCEL) == [])
        t("without tokens: no intent", s.entries("intent") == [], s.entries("intent"))


if __name__ == "__main__":
    main([fires, lost_replies, lost_calls, answered_and_not_done, came_back_wrong, ends_badly,
          refused, without_credentials])
