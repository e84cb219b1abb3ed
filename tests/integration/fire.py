# Why: see fire.sh. What a person fires must be exact, explained before and after, sent once, and
# say with its exit code what became of it.
import json

from stack import main, stack, wait_for

CLEAN = """
[[lever]]
id = "say-hello"
kind = "command"
title = "Say hello to a tenant"
subjects = ["tenant/*"]
irreversible = false
argv = ["/bin/echo", "hello", "{slug}"]

[[lever]]
id = "hang"
kind = "command"
title = "A program that never ends"
subjects = ["tenant/*"]
irreversible = false
timeout = "1s"
argv = ["/bin/sleep", "60"]
"""
MAY = """
[[policy]]
id = "hello"
symptom = "tenant-unreachable"
lever = "{lever}"
subjects = ["tenant/*"]
mode = "approve"
owner = "demo"
cool_down = "30s"
attempts = 1
per_hour = 4
per_day = 60
blast_percent = 100
blast_count = 12
verify_timeout = "5s"
"""


def fire(s, *words):
    return s.cli("fire", *words)


def trusted(s):
    """Every subject was seen, and the box has trusted its own view for its dwell."""
    s.all_seen()
    wait_for("trust in the box's own view", lambda: ", observer" not in fire(
        s, "tenant-redeploy", "tenant/acme", "--dry-run").stdout.split("\n  ")[0])


def dry_run(t):
    with stack() as s:
        s.all_seen()
        done = fire(s, "tenant-redeploy", "tenant/acme", "--dry-run")
        t("dry run: the exact call", "POST https://" in done.stdout
          and "/cp/admin/orgs/acme/redeploy" in done.stdout, done.stdout)
        t("dry run: a line for each guard", all(
            w in done.stdout for w in ("stop_switch", "blast_radius", "precondition", "approval")),
          done.stdout)
        t("dry run: no token", s.token() not in done.stdout, "token in output")
        t("dry run: nothing is written", s.entries("intent", "incident_opened") == [],
          s.entries("intent"))
        t("dry run: nothing is sent", s.effects() == [], s.effects())
        listed = s.cli("levers")
        t("levers: every contract", all(w in listed.stdout for w in (
            "tenant-redeploy", "moves:", "needs:", "not fooled by:")), listed.stdout)
        both = json.loads(s.cli("levers", "--json").stdout)["levers"]
        t("levers: each says what it moves and needs",
          all(x["resource"] and x["precondition"] for x in both), both)


def by_hand(t):
    with stack() as s:
        trusted(s)
        why = ("--why", "the customer called")
        done = fire(s, "tenant-redeploy", "tenant/acme", *why)
        t("no confirmation: refused, exit 64", done.returncode == 64, done)
        done = fire(s, "tenant-redeploy", "tenant/acme", "--confirm", "acme2", *why)
        t("wrong slug: refused", done.returncode == 64 and s.effects() == [], done)
        s.cli("veto", "tenant/acme", "--for", "1h", "--why", "the demo")
        done = fire(s, "tenant-redeploy", "tenant/acme", "--confirm", "acme", *why)
        t("a veto holds a person: exit 4", done.returncode == 4 and "veto" in done.stderr, done)
        t("a veto: nothing sent", s.effects() == [] and s.intents("tenant/acme") == [],
          s.effects())
        s.cli("unveto", "v-1", "--why", "over")
        done = fire(s, "tenant-redeploy", "tenant/acme", "--confirm", "acme", *why)
        t("fired: exit 0", done.returncode == 0, done)
        t("fired: one POST", len(s.redeploys("acme")) == 1, s.redeploys("acme"))
        answers = s.entries("approval")
        t("fired: who and why are recorded",
          len(answers) == 1 and answers[0]["why"] == "the customer called" and answers[0]["who"],
          answers)
        seen = wait_for("what was seen before", lambda: s.entries("diagnosed"))
        order = [e["kind_of"] for e in s.entries("intent", "diagnosed", "outcome")]
        t("seen before the call", order == ["intent", "diagnosed", "outcome"], order)
        kinds = {d["what"]: d for d in seen[0]["diagnostics"]}
        t("infra state and boot events are kept",
          kinds.get("infra_state", {}).get("ok") and kinds.get("boot_events", {}).get("ok"), kinds)
        t("capped", all(len(d["text"]) <= 4096 for d in seen[0]["diagnostics"]), kinds)
        done = fire(s, "tenant-redeploy", "tenant/acme", "--confirm", "acme", *why)
        t("again: held, exit 4", done.returncode == 4, done)
        t("again: still one POST", len(s.redeploys("acme")) == 1, s.redeploys("acme"))
        s.verdict(s.intents("tenant/acme")[0]["id"], timeout=60)


def lost(t):
    with stack() as s:
        trusted(s)
        s.fault("redeploy_reply", mode="lost")
        done = fire(s, "tenant-redeploy", "tenant/acme", "--confirm", "acme", "--why", "it hangs")
        t("reply lost: exit 5", done.returncode == 5, done)
        t("reply lost: one POST", len(s.redeploys("acme")) == 1, s.redeploys("acme"))


def program(t):
    toml = [("[observer]", CLEAN + "\n[observer]")]
    policies = [("[storm]", MAY.replace("{lever}", "say-hello") + "\n" + MAY.replace(
        "{lever}", "hang").replace('id = "hello"', 'id = "hang"') + "\n[storm]")]
    runbook = [('then = ["tenant-restart"]', 'then = ["tenant-restart", "say-hello", "hang"]')]
    with stack(policies=policies, toml=toml, runbook=runbook) as s:
        trusted(s)
        done = fire(s, "say-hello", "tenant/acme", "--confirm", "acme", "--why", "a greeting")
        t("a program ran: exit 0", done.returncode == 0 and "hello acme" in done.stdout, done)
        done = fire(s, "hang", "tenant/globex", "--confirm", "globex", "--why", "a hanging one")
        t("killed at its time-out: exit 5", done.returncode == 5, done)


BY_PEOPLE = [('lever = "tenant-redeploy"\nsubjects = ["*"]\nmode = "auto"',
              'lever = "tenant-redeploy"\nsubjects = ["*"]\nmode = "recommend"')]
FLEET = "/cp/admin/tenants/redeploy-fleet"


def fleet(t):
    """Several tenants in one call: rehearsed, and then exactly those that are down."""
    with stack(policies=BY_PEOPLE) as s:
        trusted(s)
        up = fire(s, "fleet-redeploy", "platform", "--why", "just so")
        t("fleet, nobody down: held, exit 4", up.returncode == 4 and "no running tenant is down"
          in up.stdout + up.stderr, up)
        for slug in ("acme", "demo"):
            s.fault("tenant_down", tenant=slug, how="5xx")
        shown = fire(s, "fleet-redeploy", "platform", "--dry-run").stdout
        t("fleet, dry run: both calls, both tenants", shown.count(FLEET) == 2 and all(
            w in shown for w in ('"dry_run":true', '"dry_run":false', '["acme","demo"]')), shown)
        t("fleet, dry run: nothing is sent", s.effects() == [], s.effects())
        done = fire(s, "fleet-redeploy", "platform", "--why", "both are down")
        t("fleet: exit 0", done.returncode == 0, done)
        calls = s.calls("POST", FLEET)
        t("fleet: a rehearsal and one call", len(calls) == 2, calls)
        t("fleet: exactly the two", [e["effect"] for e in s.effects()] == ["redeploy acme,demo"],
          s.effects())
        verdict = s.verdict(s.intents("platform")[0]["id"], timeout=60)
        t("fleet: both started anew and serve", verdict["kind"] == "recovered", verdict)

    with stack(policies=BY_PEOPLE) as s:
        trusted(s)
        s.fault("tenant_down", tenant="hooli", how="5xx")
        s.fault("tenant_down", tenant="stark", how="dead_machine")
        done = fire(s, "fleet-redeploy", "platform", "--why", "both are down")
        t("fleet, one dead machine: nobody calls it done, exit 5", done.returncode == 5, done)
        outcome = s.outcome(s.intents("platform")[0]["id"])
        t("fleet, one dead machine: which one is said", outcome["kind"] == "unknown"
          and "stark: failed" in outcome["detail"] and "hooli: ok" in outcome["detail"], outcome)
        t("fleet, one dead machine: one call", len(s.calls("POST", FLEET)) == 2,
          s.calls("POST", FLEET))
        verdict = s.verdict(s.intents("platform")[0]["id"], timeout=60)
        t("fleet, one dead machine: not recovered", verdict["kind"] != "recovered", verdict)


if __name__ == "__main__":
    main([dry_run, by_hand, lost, program, fleet])
