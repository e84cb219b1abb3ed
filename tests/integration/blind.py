# Why: see blind.sh. The admin token is rotated or the list of tenants comes back empty, and then a
# tenant dies: what a person reads first, what the metric says, what is paged.
import re

from stack import holds_for, main, stack, wait_for

SOON = [('blind_after = "8s"', 'blind_after = "3s"')]
BLIND = 'leverd_blind{what="control-plane"}'


def blindness(t, s, mode, why):
    s.all_seen()
    t("well at first", s.status()["level"] in ("good", "busy"), s.status()["headline"])
    s.fault("control_plane", mode=mode)
    wait_for(f"blindness by {mode}", lambda: s.status()["level"] == "blind")
    first = s.cli("status").stdout.splitlines()[0]
    t(f"{mode}: the first line says what, since when and why", re.match(
        rf"control-plane: blind, since \d\d\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC\. .*{why}.* You: ", first),
      first)
    t(f"{mode}: the API says so", s.status()["blind"][0]["what"] == "control-plane", s.status())
    t(f"{mode}: the metric says so", s.metrics().get(BLIND) == 1, s.metrics().get(BLIND))
    t(f"{mode}: it is paged", wait_for("a page", lambda: s.pages("The control plane cannot be judged")))
    s.fault("tenant_down", tenant="acme", how="refuse")
    named = wait_for("acme to be named", lambda: [
        c for c in s.status()["concerns"] if c["subject"] == "tenant/acme"])
    t(f"{mode}: a tenant that dies is named", "control-plane cannot be judged" in named[0]["leverd"],
      named)
    t(f"{mode}: nothing is called well", s.status()["level"] == "blind", s.status()["headline"])
    moved = holds_for(3, lambda: not s.effects())
    t(f"{mode}: and nothing fires", moved is None, s.effects())
    s.fault("tenant_up", tenant="acme")
    s.fault("control_plane", mode="ok")
    wait_for("sight", lambda: not s.status()["blind"] and s.metrics().get(BLIND) == 0)
    t(f"{mode}: both ends are in the ledger",
      [e["blind"] for e in s.entries("blind")][-1] is False, s.entries("blind"))


def rotated(t):
    with stack(runbook=SOON) as s:
        blindness(t, s, "401", "our credential was not accepted")


def emptied(t):
    with stack(runbook=SOON) as s:
        blindness(t, s, "empty_list", "the list came back empty")
        known = len(s.subjects("tenant"))
        s.fault("control_plane", mode="empty_list")
        s.kill9()
        s.start(ready=False)
        wait_for("blindness after a restart", lambda: s.status().get("level") == "blind")
        t("a restart does not make an empty list believable", len(s.subjects("tenant")) == known,
          s.subjects("tenant"))


if __name__ == "__main__":
    main([rotated, emptied])
