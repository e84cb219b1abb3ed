# Why: see release.sh. The freeze and the forge against the sandbox's forge, over real TLS.
import json
import re

from stack import http, main, stack, wait_for

FORGE = """[stack.forge]
kind = "{kind}"
url = "https://forge.sandbox.test:{port}{prefix}"
writers = ["Molecule-AI/molecule-core: promote-latest.yml"]
[[stack.forge.branch]]
repository = "Molecule-AI/molecule-controlplane"
workflow = "ci.yml"
commit = "0123abc"
held_base = "staging"
[[probe]]
kind = "freeze_state"
interval = "500ms"
retry = "250ms"
timeout = "3s"
[[probe]]
kind = "forge_ci"
interval = "500ms"
retry = "250ms"
timeout = "3s"
"""
BRANCH = "branch/Molecule-AI/molecule-controlplane"


def look(s, subject, probe="freeze_state"):
    status, text = http("GET", s.base + "/api/v1/subjects/" + subject.replace("/", "%2F"))
    rows = json.loads(text).get("looks", []) if status == 200 else []
    return next((row for row in rows if row["probe"] == probe), {})


def reaches(t, s, name, subject, health, reason, probe="freeze_state"):
    def there():
        row = look(s, subject, probe)
        return row.get("health") == health and row.get("reason") == reason
    try:
        wait_for(name, there, 15)
        t(name, True)
    except Exception:
        t(name, False, look(s, subject, probe))


def play(t, kind, prefix):
    with stack(leverd=False) as s:
        text = s.toml.read_text()
        s.toml.write_text(text + FORGE.format(kind=kind, prefix=prefix, port=s.ports["tls"]))
        s.start()
        # The freeze script never captures these three; the receipt says so until they are added.
        reaches(t, s, "holes of the receipt", "freeze", "degraded", "receipt_incomplete")
        with open(re.search(r'^receipt = "(.*)"', text, re.M).group(1), "a") as receipt:
            for name in ("platform", "platform-tenant", "canvas"):
                receipt.write(f"{name}: {s.digest('molecule-ai/' + name)}\n")
        reaches(t, s, "the freeze holds", "freeze", "healthy", "ok")
        reaches(t, s, "the branch is as expected", BRANCH, "healthy", "ok", "forge_ci")
        t("one merge is held back", "1 merges in staging" in look(s, BRANCH, "forge_ci")["evidence"],
          look(s, BRANCH, "forge_ci"))
        s.fault("workflow", file="publish-runtime.yml", state="active")
        reaches(t, s, "a workflow that was enabled", "freeze", "failing", "workflow_enabled")
        s.fault("workflow", file="publish-runtime.yml", state="disabled_inactivity")
        reaches(t, s, "inactivity is no freeze", "freeze", "failing", "workflow_enabled")
        s.fault("workflow", file="publish-runtime.yml", state="hidden")
        reaches(t, s, "a workflow that is not to be seen", "freeze", "unknown", "not_found")
        s.fault("workflow", file="publish-runtime.yml", state="disabled_manually")
        s.fault("forge_run", repository="Molecule-AI/molecule-core", file="publish-runtime.yml")
        reaches(t, s, "a publisher in flight", "freeze", "failing", "publisher_running")
        s.fault("forge_run", status="none")
        s.fault("workflow", file="promote-latest.yml", state="active")
        reaches(t, s, "a forgotten writer", "freeze", "degraded", "writer_forgotten")
        s.fault("workflow", file="promote-latest.yml", state="disabled_manually")
        reaches(t, s, "the freeze holds again", "freeze", "healthy", "ok")
        s.fault("forge", mode="secondary_limit")
        reaches(t, s, "a limit is unknown", "freeze", "unknown", "rate_limited")
        s.fault("forge", mode="ok")
        reaches(t, s, "and over when it is over", "freeze", "healthy", "ok")
        s.fault("forge", mode="401")
        reaches(t, s, "everything refused is a lost forge", "forge", "failing", "forge_lost")
        reaches(t, s, "which says nothing of the freeze", "freeze", "unknown", "unauthorized")
        t("nothing else is affected", not s.symptoms(), s.symptoms())
        s.fault("forge", mode="5xx")
        reaches(t, s, "a forge that is down", "forge", "failing", "http_5xx")
        s.fault("forge", mode="ok")
        reaches(t, s, "the forge is back", "forge", "healthy", "ok")
        free = [e for e in s.journal() if e["host"] == "forge.sandbox.test" and e["status"] == 304]
        t("unchanged answers cost nothing", len(free) > 5, len(free))
        t("no lever fired", s.entries("intent") == [], s.entries("intent"))


def github(t):
    play(t, "github", "")


def gitea(t):
    play(t, "gitea", "/api/v1")


if __name__ == "__main__":
    main([github, gitea])
