# Why: see recommend.sh. The same faults once with every policy in mode recommend, once with the
# shipped policies under a ceiling of recommend: a person is told, and the stack is left alone.
from stack import holds_for, main, stack, wait_for

HERMES = "molecule-ai/workspace-template-hermes"
SOON = [('dwell = "9s"', 'dwell = "1s"')]
TOLD = [('mode = "auto"', 'mode = "recommend"'), ('mode = "approve"', 'mode = "recommend"'),
        ('irreversible = "accepted"\n', "")]
CEILING = [('mode_ceiling = "auto"', 'mode_ceiling = "recommend"')]


def told(t, s, symptom, letter, lever, subject=None):
    try:
        made = s.decided(symptom, "recommend", subject, timeout=60)
    except AssertionError as why:
        others = [(e["symptom"], e["subject"], e["action"], e["reason"])
                  for e in s.entries("decision")]
        t(f"{symptom} is recommended", False, (why, others))
        return
    t(f"{symptom}: recommends {lever}", made["lever"] == lever, made)
    # A page moves on while its case does; what counts is that it named the lever.
    named = lambda: [page for page in s.pages(made["subject"]) if f"Lever {letter}" in page]
    try:
        wait_for(f"a page about {made['subject']} that names lever {letter}", named, 20)
        t(f"{symptom}: a person is told", True)
    except AssertionError:
        t(f"{symptom}: a person is told", False, s.pages(made["subject"]))


def play(t, s):
    s.all_seen()
    wedged = s.workspace("globex", "claude-code")["id"]
    s.fault("wedge_workspace", tenant="globex", runtime="claude-code", form="agent_error_ok_row")
    s.fault("tenant_down", tenant="acme", how="refuse")
    bad = s.fault("registry_push", repository=HERMES, tag="latest", bad=True)["digest"]
    told(t, s, "tenant-unreachable", "C", "tenant-redeploy", "tenant/acme")
    told(t, s, "stray-image", "B", "template-rollback", "image/" + HERMES)
    told(t, s, "workspace-always-errors", "D", "workspace-restart",
         f"workspace/globex/{wedged}")
    s.fault("canvas", mode="chunk_404")
    told(t, s, "canvas-crashes", "F", "canvas-rollback", "canvas")
    s.fault("canvas", mode="ok")
    s.fault("control_plane", mode="5xx")
    told(t, s, "login-broken", "E", "control-plane-rollback", "control-plane")
    s.fault("control_plane", mode="ok")
    moved = holds_for(4, lambda: not s.effects())
    t("nothing was changed in the stack", moved is None, s.effects())
    writes = [e for e in s.journal() if e.get("method") in ("POST", "PUT", "DELETE", "PATCH")
              and e["host"].endswith(".sandbox.test") and e["host"] != "pager.sandbox.test"]
    t("no call that writes was even tried", writes == [], writes[:5])
    t("no intent in the ledger", s.entries("intent") == [], s.entries("intent"))
    t("the faults are as they were", s.digest(HERMES) == bad
      and s.tenant("acme")["down"] == "refuse"
      and s.workspace("globex", "claude-code")["id"] == wedged, s.tenant("acme"))


def by_policy(t):
    with stack(policies=TOLD, runbook=SOON) as s:
        play(t, s)


def by_ceiling(t):
    with stack(runbook=SOON, toml=CEILING) as s:
        t("the ceiling is recommend", s.status()["mode_ceiling"] == "recommend", s.status())
        play(t, s)


if __name__ == "__main__":
    main([by_policy, by_ceiling])
