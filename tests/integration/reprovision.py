# Why: see reprovision.sh. The sandbox plays two builds of the tenant platform; its journal says what was deleted, made,
# minted and revoked.
import json
import pathlib
import stat
import subprocess

from stack import LEVERD, main, stack, wait_for

LEVER = "workspace-reprovision"
SLUG = "globex"
# By hand, and nothing by itself, so that each scenario is one firing.
ASKED = [('subjects = ["workspace/globex/*"]\nmode = "auto"', 'subjects = ["workspace/globex/*"]\nmode = "approve"')]
ROOM = [("per_hour = 4", "per_hour = 60"), ("blast_percent = 50\nblast_count = 4", "blast_percent = 100\nblast_count = 36")]
# One firing after the other on one subject.
QUICK = ROOM + [('cool_down = "30s"', 'cool_down = "1s"'), ('verify_timeout = "20s"', 'verify_timeout = "1s"'),
                ('verify_timeout = "5s"', 'verify_timeout = "1s"')]
SEALING = [("[secrets]\n", '[secrets]\nsealing = { file = "SEALING" }\n'),
           ('id = "workspace-reprovision"\n', 'id = "workspace-reprovision"\nsealing_key = "sealing"\n')]


def words_of(s, runtime, *more):
    one = s.workspace(SLUG, runtime)
    return one, s.cli("fire", LEVER, f"workspace/{SLUG}/{one['id']}", *more)


def dry(s, runtime):
    """What would be done, as soon as no guard of the start holds it."""
    return wait_for("a dry run that would fire", lambda: (
        seen := words_of(s, runtime, "--dry-run"))[1].returncode == 0 and seen, every=0.3)


def fire(s, runtime):
    """Fires once, as soon as nothing but the lever itself can say no."""
    before = len(s.entries("intent"))

    def again():
        one, done = words_of(s, runtime, "--confirm", SLUG, "--why", "it is wedged")
        return (one, done) if len(s.entries("intent")) > before else None
    return wait_for("a firing", again, every=0.3)


def ready(s):
    s.all_seen()
    wait_for("the workspaces", lambda: len([
        name for name in s.subjects("workspace") if f"/{SLUG}/" in name]) >= 3)


def changes(s):
    return [e["effect"].split()[0] for e in s.effects()]


def both(policies):
    """The same on each build."""
    def of(scenario):
        def run(t):
            for build in ("measured", "newest"):
                with stack(policies=ASKED + policies, platform=build) as s:
                    ready(s)
                    scenario(lambda name, *seen: t(f"{build}: {name}", *seen), s, build)
        run.__name__ = scenario.__name__
        return run
    return of


@both(ROOM)
def replaced(t, s, build):
    one, done = dry(s, "hermes")
    shown = done.stdout + done.stderr
    t("a dry run changes nothing", changes(s) == [], (done, changes(s)))
    t("it reads no secret value", s.calls("GET", f"/workspaces/{one['id']}/secrets/values") == [])
    for words in ("secret values: read after the intent, before the delete: OPENROUTER_API_KEY",
                  "workspace_access", "irreversible", "not checked by reading", "no sealing key"):
        t(f"it says: {words[:30]}", words in shown, shown)
    one, done = fire(s, "hermes")
    t("fired", done.returncode == 0, done)
    t("the token first, then one delete and one create", changes(s) == ["mint", "delete", "create"], s.effects())
    fresh = wait_for("the new one online", lambda: (w := s.workspace(SLUG, "hermes"))["status"] == "online" and w)
    kept = {key: fresh[key] for key in ("name", "runtime", "parent_id", "model", "secrets")}
    t("with all that can be kept", fresh["id"] != one["id"] and kept == {key: one[key] for key in kept}, (one, fresh))
    t("and no failure", fresh["failure"] == "", fresh)
    t("nothing is stored", not (s.state / "sealed").exists())
    verdict = s.verdict(s.intents(f"workspace/{SLUG}/{one['id']}")[0]["id"], timeout=60)
    t("proven", verdict["kind"] == "recovered", verdict)


REFUSED = {
    "a role that no create accepts": ({"role": "Owns R&D > platform [core] work!"}, "its role would be refused"),
    "a name that no create accepts": ({"name": "a|b"}, "its name would be refused"),
    "a host's directory": ({"workspace_dir": "/srv/repo"}, "workspace_dir"),
    "an agent of somebody's own": ({"as_runtime": "langgraph", "url": ""}, "langgraph"),
    "an unknown runtime": ({"as_runtime": "basic"}, "runtime basic"),
    "no stored model": ({"forget_stored_model": True}, "no model is stored"),
}


@both(ROOM)
def refused(t, s, build):
    before = s.workspace(SLUG, "hermes")
    for name, (change, words) in REFUSED.items():
        s.fault("workspace_row", tenant=SLUG, runtime="hermes", **change)
        subject = f"workspace/{SLUG}/{before['id']}"
        done = s.cli("fire", LEVER, subject, "--confirm", SLUG, "--why", "try")
        t(name, done.returncode == 4 and words in done.stdout + done.stderr, done)
        s.fault("workspace_row", tenant=SLUG, runtime=change.get("as_runtime", "hermes"), as_runtime="hermes",
                role=before.get("role", "assistant"), name=before["name"], workspace_dir="", url="http://10.0.3.7:8000")
    t("and nothing was changed", changes(s) == [], s.effects())


@both(QUICK)
def not_without_secrets(t, s, build):
    for mode in ("500", "half", "lost"):
        s.fault("values_reply", mode=mode, sticky=True)  # a read that was cut is tried once more
        one, done = fire(s, "openclaw")
        s.fault("values_reply", mode="ok")
        t(f"values {mode}: refused", done.returncode == 4, done)
        t(f"values {mode}: the token is revoked", changes(s)[-2:] == ["mint", "revoke"], s.effects())
        t(f"values {mode}: its agent's own token lives", s.workspace(SLUG, "openclaw")["live_tokens"] == 1)
    t("nothing was deleted", not s.effects("delete "), s.effects())
    s.fault("workspace_row", tenant=SLUG, runtime="openclaw", forget_tokens=True)
    one, done = fire(s, "openclaw")
    t("no agent has a token: the admin's reads them", done.returncode == 0
      and changes(s)[-2:] == ["delete", "create"], (done, s.effects()))


def only_known_afterwards(t):
    """What reading cannot show, the rehearsal does: the newest build knows each model by name."""
    rows = (("ghost/x", "DERIVED_PROVIDER_NOT_IN_REGISTRY"), ("plain", "UNREGISTERED_MODEL_FOR_RUNTIME"))
    with stack(policies=ASKED + QUICK, platform="newest") as s:
        ready(s)
        for model, code in rows:
            one = s.workspace(SLUG, "openclaw")
            url = f"https://{SLUG}.sandbox.test:{s.ports['tls']}"
            known = (s.dir / "cp-admin-token").read_text().strip()
            admin = json.loads(s.curl(f"https://api.sandbox.test:{s.ports['tls']}/cp/admin/orgs/{SLUG}/admin-token",
                                      "-H", f"Authorization: Bearer {known}"))["admin_token"]
            s.curl(f"{url}/workspaces/{one['id']}/model", "-X", "PUT", "-H", f"Authorization: Bearer {admin}",
                   "-H", f"Origin: {url}", "-d", json.dumps({"model": model}))
            one, done = fire(s, "openclaw")
            said = json.dumps(s.entries("outcome")[-1])
            t(f"{code}: refused and said", done.returncode == 4 and code in said, (done, said))
        t("nothing was deleted", not s.effects("delete ") and not s.effects("create "), s.effects())
        t("no token is left", s.workspace(SLUG, "openclaw")["live_tokens"] == 1, s.workspace(SLUG, "openclaw"))


def bytes_below(path):
    return b"".join(file.read_bytes() for file in pathlib.Path(path).rglob("*") if file.is_file())


def start_sealing(s):
    key = s.dir / "sealing"
    key.write_text("one line of random text that nobody else knows\n")
    key.chmod(0o600)
    text = s.toml.read_text()
    for old, new in SEALING:
        assert old in text, old
        text = text.replace(old, new.replace("SEALING", str(key)))
    s.toml.write_text(text)
    s.start()
    ready(s)


def sealed_until_proven(t):
    with stack(policies=ASKED + ROOM, leverd=False) as s:
        start_sealing(s)
        one, done = fire(s, "hermes")
        intent = s.intents(f"workspace/{SLUG}/{one['id']}")[0]["id"]
        sealed = s.state / "sealed" / f"{intent}.sealed"
        t("fired, and sealed while it is not proven", done.returncode == 0 and (
            sealed.exists() or s.after("verdict", intent)), done)
        verdict = s.verdict(intent, timeout=60)
        t("proven", verdict["kind"] == "recovered", verdict)
        wait_for("the sealed values are gone", lambda: not sealed.exists(), 60)
        s.fault("values_reply", mode="500")
        one, done = fire(s, "openclaw")
        t("refused, and nothing is sealed", done.returncode == 4 and not list(sealed.parent.iterdir()), done)


def killed_in_between(t):
    """kill -9 after the delete: what is sealed is the last copy, and nothing else holds a value."""
    with stack(policies=ASKED + ROOM, leverd=False) as s:
        start_sealing(s)
        one, _ = dry(s, "hermes")
        subject = f"workspace/{SLUG}/{one['id']}"
        s.fault("create_reply", mode="hang", sticky=True)
        caller = subprocess.Popen([LEVERD, "fire", LEVER, subject, "--confirm", SLUG, "--why", "wedged", "--socket",
                                   s.socket], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("the delete", lambda: s.effects("delete "))
        s.kill9()
        caller.kill()
        caller.wait()
        intent = s.intents(subject)[0]["id"]
        sealed = s.state / "sealed" / f"{intent}.sealed"
        t("it is sealed", sealed.exists() and stat.S_IMODE(sealed.stat().st_mode) == 0o600
          and stat.S_IMODE(sealed.parent.stat().st_mode) == 0o700)
        t("no value stands anywhere", b"key-" not in bytes_below(s.state) and b"OPENROUTER" not in sealed.read_bytes())
        s.fault("create_reply", mode="ok")
        s.start()
        page = wait_for("a page that says what is lost", lambda: [
            p for p in s.pages(subject) if f"{subject} is gone and nothing replaced it" in p], 90)[-1]
        t("it is told as lost", "leverd ack" in page, page)
        t("nothing was created", not s.effects("create "), s.effects())
        t("and it is still sealed", sealed.exists())
        asked = ("workspace", "recreate", "--from", intent)
        done = wait_for("a dry run of its recreation", lambda: (
            seen := s.cli(*asked, "--dry-run")).returncode == 0 and seen, every=0.5)
        t("a dry run shows it and changes nothing", "OPENROUTER_API_KEY" in done.stdout
          and "***" in done.stdout and not s.effects("create "), done)
        done = s.cli(*asked, "--confirm", "acme", "--why", "it was lost")
        t("another slug is no confirmation", done.returncode == 64 and not s.effects("create "), done)
        done = s.cli(*asked, "--confirm", SLUG, "--why", "it was lost")
        t("it is made anew", done.returncode == 0 and len(s.effects("create ")) == 1, done)
        fresh = wait_for("the new one online", lambda: (
            w := s.workspace(SLUG, "hermes"))["status"] == "online" and w)
        t("with its secrets and its model", fresh["failure"] == "" and fresh["secrets"] == one["secrets"], (one, fresh))
        done = s.cli(*asked, "--confirm", SLUG, "--why", "once more")
        t("not twice", done.returncode == 4 and "there already" in done.stdout + done.stderr
          and len(s.effects("create ")) == 1, done)
        t("and it stays sealed until a person says so", sealed.exists())
        case = s.intents(subject)[0]["incident"]
        done = s.cli("ack", case, "--why", "made anew by hand")
        t("a person says that it was seen to", done.returncode == 0, done)
        wait_for("the sealed values are gone", lambda: not sealed.exists(), 60)


if __name__ == "__main__":
    main([replaced, refused, not_without_secrets, only_known_afterwards, sealed_until_proven,
          killed_in_between])
