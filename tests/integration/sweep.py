# Why: see sweep.sh. strace kills leverd at its Nth writing system call, counted from just before a
# person lets a lever go; N is spread evenly over what one undisturbed firing needs. Calls of the
# ledger and of the network are counted apart, so that both are met in every state.
import contextlib
import os
import re
import signal
import subprocess
import time

from disk import TRUSTING
from levers import PLATFORM, ROOM, TWIN
from rollback import ARMED, CANVAS, CP, RAILWAY, VERCEL
from stack import PATIENCE, main, stack, wait_for

SETS = ("pwrite64,fsync,fdatasync,ftruncate,rename,unlink",  # the ledger's
        "write,writev,sendto,sendmsg")  # the network's
EACH = int(os.environ.get("KILLS", "6"))  # for each lever and set; 0: at every one of the calls
BUDGET = 38 * PATIENCE if EACH else 7200  # seconds for one lever and set; half of a sample must fit in it
# Kills of one stack: what moves more often flaps, and that holds its lever; and each rollback goes
# further back in Railway's history.
PART = 6 if EACH else 3
# Only a person lets levers go here, and as often as the sweep needs.
BY_HAND = ROOM + [('mode = "auto"', 'mode = "approve"'), ('cool_down = "30s"', 'cool_down = "5s"'),
                  ('verify_timeout = "20s"', 'verify_timeout = "4s"'),
                  ('verify_timeout = "5s"', 'verify_timeout = "4s"'),
                  ("attempts = 1", "attempts = 10"), ("per_hour = 20", "per_hour = 60"),
                  ("per_hour = 2\n", "per_hour = 60\n"),
                  ('subjects = ["workspace/globex/*"]', 'subjects = ["*"]')] + [
    (f'lever = "{lever}"\nsubjects = ["*"]\nmode = "recommend"',
     f'lever = "{lever}"\nsubjects = ["*"]\nmode = "approve"')
    for lever in ("canvas-rollback", "control-plane-rollback")]
TEMPLATES = ("hermes", "openclaw")


class Tracer:
    """strace on a running leverd; with `when` it kills at that call, else it counts."""

    def __init__(self, s, calls, when=None):
        self.out = s.dir / "strace"
        self.out.unlink(missing_ok=True)
        words = ["strace", "-f", "-ttt", "-e", "signal=none", "-e", "trace=" + calls,
                 "-o", self.out, "-p", str(s.daemon.pid)]
        if when:
            words += ["-e", f"inject={calls}:signal=SIGKILL:when={when}"]
        with open(s.dir / "strace.log", "wb") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log)
        wait_for("strace", lambda: "attached" in (s.dir / "strace.log").read_text(), 10, 0.005)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)

    def most(self):
        """How many calls the busiest thread made, which is how strace counts."""
        counts = {}
        for line in self.out.read_text(errors="replace").splitlines():
            found = re.match(r"(\d+) +[\d.]+ \w+\(", line)
            if found:
                counts[found.group(1)] = counts.get(found.group(1), 0) + 1
        return max(counts.values(), default=0)


class ByHand:
    """`leverd fire` on one subject after the other; `of` names subject and confirmation."""

    def __init__(self, lever, of, calls):
        self.lever, self.of, self.calls = lever, of, calls

    def prepare(self, s, number):
        self.subject, confirm = self.of(s, number)
        words = ("fire", self.lever, self.subject, "--why", "sweep")
        words += ("--confirm", confirm) if confirm else ()
        try:
            wait_for(f"{self.lever} may fire on {self.subject}", lambda: self.may(s, words), 40,
                     0.2)
        except AssertionError as why:
            raise AssertionError(f"{why}; the dry run says: {self.last}") from None
        self.words = words

    def may(self, s, words):
        seen = s.cli(*words, "--dry-run")
        # A tag that is pushed again while its rollback is verified is worse, and frozen for it.
        for veto in set(re.findall(r"\bv-\d+\b", seen.stdout)):
            s.cli("unveto", veto, "--why", "sweep")
        self.last = seen.stdout + seen.stderr
        return seen.returncode == 0

    def go(self, s):
        return subprocess.Popen([s.command, *self.words, "--socket", s.socket],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def once(s, lever, number, calls, when):
    """One firing; (most calls of a thread, intents, calls at the target, where it was killed)."""
    lever.prepare(s, number)
    known = {e["id"] for e in s.entries("intent")}
    before = lever.calls(s)
    tracer = Tracer(s, calls, when)
    asked = [lever.go(s)]

    def mine():
        return [e["id"] for e in s.entries("intent") if e["id"] not in known]

    def over():
        if s.daemon.poll() is not None:
            return True
        if asked[-1].poll() not in (None, 0) and not mine():
            asked.append(lever.go(s))  # a guard held it, as for an observer slowed by strace
        return mine() and all(s.after("outcome", intent) for intent in mine())
    wait_for(f"the end of {lever.subject}", over, 30, 0.01)
    killed = s.daemon.poll() is not None
    tracer.stop()
    if when and not killed:
        s.kill9()  # the call that was to be met came never: right after the outcome then
    with contextlib.suppress(subprocess.TimeoutExpired):
        asked[-1].wait(5)
    asked[-1].kill()
    intents = mine()
    where = ("before the intent" if not intents else "after the outcome"
             if s.after("outcome", intents[0]) else "in between")
    if when:
        s.start()
    for intent in intents:
        s.outcome(intent)
    # A start may not let go again what it found.
    time.sleep(0.3)
    later = mine()
    return tracer.most(), intents, later, lever.calls(s) - before, where


def steps_of(most):
    kills = EACH or most
    return sorted({max(1, round((i + 1) * most / kills)) for i in range(kills)})


def sweep_part(s, lever, calls, steps, end, tally):
    """The kills at these steps, each judged."""
    for number, when in enumerate(steps):
        if time.monotonic() > end:
            break
        _, intents, later, made, where = once(s, lever, number + 1, calls, when)
        tally["rounds"] += 1
        tally["places"][where] = tally["places"].get(where, 0) + 1
        outcomes = [len(s.after("outcome", intent)) for intent in later]
        if later != intents or len(later) > 1 or made > len(later) or outcomes != [1] * len(later):
            tally["odd"].append((calls, when, where, intents, later, made, outcomes))
    for entry in s.entries("outcome"):
        tally["outcomes"][entry["kind"]] = tally["outcomes"].get(entry["kind"], 0) + 1


def sweep(t, name, lever):
    tally = {"rounds": 0, "wanted": 0, "places": {}, "odd": [], "outcomes": {}}
    for calls in SETS:
        end = time.monotonic() + BUDGET
        steps = None
        while steps is None or steps:
            # Each with a stack of its own: what moves too often is held as flapping.
            with stack(policies=BY_HAND, toml=TRUSTING + ARMED) as s:
                s.command = str(s.cli("version", socket=False).args[0])
                s.all_seen()
                if steps is None:
                    steps = steps_of(once(s, lever, 0, calls, None)[0])
                    tally["wanted"] += EACH // 2 or len(steps)
                sweep_part(s, lever, calls, steps[:PART], end, tally)
                steps = steps[PART:]
                t(f"{name}: the ledger verifies", s.verified().returncode == 0, s.verified())
    odd = tally["odd"]
    t(f"{name}: no second call, one outcome for each intent", odd == [], odd)
    t(f"{name}: enough kills", tally["rounds"] >= tally["wanted"], tally)
    t(f"{name}: some fell between intent and outcome", tally["places"].get("in between", 0) >= 1,
      tally)
    print(f"  {name}: {tally['rounds']} kills {tally['places']}, outcomes {tally['outcomes']}, "
          f"{len(odd)} double effects or lost outcomes")


def tenant_of(s, number):
    rows = s.world()["tenants"]
    slug = rows[number % len(rows)]["slug"]
    return f"tenant/{slug}", slug


def workspace_of(s, number):
    """A workspace without children that leverd has seen; one that a kill has cost is a person's."""
    def look():
        known = s.subjects("workspace")
        found = [(t["slug"], w["id"]) for t in s.world()["tenants"] for w in t["workspaces"]
                 if w["runtime"] != "claude-code" and f"workspace/{t['slug']}/{w['id']}" in known]
        return found[number % len(found)] if len(found) > 3 else None
    slug, identity = wait_for("a workspace", look, 20)
    return f"workspace/{slug}/{identity}", slug


def redeploy(t):
    sweep(t, "C", ByHand("tenant-redeploy", tenant_of,
                         lambda s: len(s.calls("POST", "/cp/admin/orgs/"))))


def workspace(t):
    # The deletion and the creation of one firing count as one, the larger of the two.
    sweep(t, "D", ByHand("workspace-reprovision", workspace_of,
                         lambda s: max(len(s.effects("delete ")), len(s.effects("create ")))))


def template_of(s, number):
    name = f"molecule-ai/workspace-template-{TEMPLATES[number % len(TEMPLATES)]}"
    s.fault("registry_push", repository=name, tag="latest", bad=True)
    return "image/" + name, ""


def template(t):
    sweep(t, "B", ByHand("template-rollback", template_of, lambda s: len(s.calls("PUT", "/v2/"))))


def platform_of(s, number):
    for name in (PLATFORM, TWIN):
        s.fault("registry_push", repository=name, tag="latest", sha7=f"bad{number:04x}", bad=True)
    return "platform", ""


def platform(t):
    sweep(t, "A", ByHand("platform-rollback", platform_of, lambda s: max(
        len(s.calls("PUT", f"/v2/{name}/manifests/")) for name in (PLATFORM, TWIN))))


def control_plane_of(s, number):
    for breaks, word in (("ok", "dea1"), ("login_5xx", "bad0")):
        s.fault("railway_deploy", breaks=breaks, commit=f"{word}{number:04x}")
    return CP, ""


def control_plane(t):
    sweep(t, "E", ByHand("control-plane-rollback", control_plane_of, lambda s: len(
        [e for e in s.journal(host=RAILWAY) if "mutation" in e.get("body", "")])))


def canvas_of(s, _):
    for breaks in ("ok", "chunk_404"):
        s.fault("vercel_deploy", breaks=breaks)
    return CANVAS, ""


def canvas(t):
    sweep(t, "F", ByHand("canvas-rollback", canvas_of,
                         lambda s: len(s.calls("POST", "/", host=VERCEL))))


SAMPLED = [workspace, template, redeploy]
if __name__ == "__main__":
    main(SAMPLED if EACH else SAMPLED + [platform, control_plane, canvas],
         workers=1 if EACH else 3)
