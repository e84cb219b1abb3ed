# Why: see mass.sh. What leverd costs is read from /proc and compared within one run; how long it
# takes is printed, and only a ceiling that says "it does not answer" fails.
import contextlib
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time

from crowd import Crowd
from receiver import Receiver
from stack import LEVERD, PATIENCE, ROOT, edited, free_port, holds_for, http, main, wait_for

TENANTS = 1000
PHASE = 35.0     # seconds of each that is measured; each begins with what must go on record
EVERY = 5        # seconds between two looks at a tenant, and between two scrapes
RATIO = 1.5      # of the processor's time, against the quiet phase
SERIES = 12_000  # a thousand tenants and all that is counted about them
TICK = os.sysconf("SC_CLK_TCK")

# A minute of the shipped times is a few seconds here; the rows are the shipped ones. As with those,
# all can heal within one clearing time: two good looks, and what a busy machine adds.
CLEARING = 20
RUNBOOK = [('clearing_time = "2m"', f'clearing_time = "{CLEARING}s"'),
           ('needs_working_sibling = true\ndwell = "60s"',
            'needs_working_sibling = true\ndwell = "5s"')]
POLICIES = [('keep_firing_for = "5m"', 'keep_firing_for = "5s"'),
            ('group_wait = "10s"', 'group_wait = "1s"')]
TOML = '''include = ["runbook.toml", "policies.toml"]
[daemon]
state_directory = "{dir}/state"
socket = "{dir}/leverd.sock"
listen = "127.0.0.1:{port}"
mode_ceiling = "recommend"
[secrets]
plane = {{ environment = "MASS_TOKEN" }}
[observer]
references = ["http://127.0.0.1:{plane}/one", "http://localhost:{plane}/two"]
quorum = 1
max_lateness = "60s"
[stack.control_plane]
url = "http://127.0.0.1:{plane}"
admin_token = "plane"
orgs_path = "/cp/admin/orgs?limit=100000"
[tenants]
url = "http://{{slug}}.mass.localhost:{tenants}"
requests_per_minute = 6000
[[notify]]
id = "pager"
kind = "webhook"
url = "{pager}/hook"
'''
PROBE = '[[probe]]\nkind = "{}"\ninterval = "{}s"\nretry = "{}s"\ntimeout = "{}s"\n'


class Watched:
    """A leverd with the shipped rows, a thousand tenants, and a receiver of its pages."""

    def __init__(self, crowd, receiver, timeout=10):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="leverd-mass."))
        self.crowd = crowd
        for name, edits in (("runbook.toml", RUNBOOK), ("policies.toml", POLICIES)):
            text = (ROOT / "config" / name).read_text()
            (self.dir / name).write_text(edited(text, edits))
        port = free_port()
        self.base = f"http://127.0.0.1:{port}"
        text = TOML.format(dir=self.dir, port=port, plane=crowd.plane, tenants=crowd.port,
                           pager=receiver.url)
        text += PROBE.format("reference", EVERY, 1, 5) + PROBE.format("control_plane", EVERY, 1, 5)
        # A bad look is not repeated sooner: each phase makes as many looks as the other.
        text += PROBE.format("tenant_health", EVERY, EVERY, timeout)
        (self.dir / "leverd.toml").write_text(text)
        self.slowest = {}
        with open(self.dir / "leverd.log", "wb") as log:
            self.daemon = subprocess.Popen(
                [LEVERD, "run", "--config", self.dir / "leverd.toml"], stdout=log,
                stderr=subprocess.STDOUT, env=dict(os.environ, MASS_TOKEN="token-of-the-plane"))

    def __enter__(self):
        return self

    def __exit__(self, kind, *args):
        if kind is not None:
            print("  log of leverd: " + self.log()[-1500:])
        if self.daemon.poll() is None:
            self.daemon.kill()
            self.daemon.wait(10)
        if os.environ.get("LEVERD_KEEP"):
            print(f"  kept {self.dir}")
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    def log(self):
        return (self.dir / "leverd.log").read_text(errors="replace")

    def cpu(self):
        """Seconds of processor that the kernel charged to leverd."""
        text = pathlib.Path(f"/proc/{self.daemon.pid}/stat").read_text()
        words = text.rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / TICK

    def get(self, path):
        """A body; how long each path took at worst is kept."""
        begun = time.monotonic()
        status, text = http("GET", self.base + path)
        took = time.monotonic() - begun
        self.slowest[path] = max(took, self.slowest.get(path, 0))
        if status != 200:
            raise AssertionError(f"GET {path}: {status} {text[:300]}; leverd: {self.daemon.poll()}")
        return text

    def metrics(self):
        rows = (line.rpartition(" ") for line in self.get("/metrics").splitlines()
                if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in rows}

    def healths(self):
        """How many tenants are 0 healthy, 2 failing and so on."""
        found = {}
        for name, value in self.metrics().items():
            if name.startswith('leverd_probe_health{probe="tenant_health"'):
                found[value] = found.get(value, 0) + 1
        return found

    def all_are(self, value, what):
        wait_for(f"{TENANTS} tenants {what}", lambda: self.healths().get(value) == TENANTS, 60,
                 every=1)

    def ready(self):
        def look():
            if self.daemon.poll() is not None:
                raise AssertionError(f"leverd ended with {self.daemon.returncode}")
            return http("GET", self.base + "/-/ready")[0] == 200
        wait_for("leverd ready", look)
        self.all_are(0, "healthy")

    def phase(self, begin=None):
        """Seconds of processor over one phase, scraped and looked at as people do, and what the
        scrapes said."""
        self.slowest = {}
        before, until = self.cpu(), time.monotonic() + PHASE
        if begin is not None:
            begin()
        seen = []
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, EVERY))
            seen.append(self.metrics())
            self.get("/api/v1/overview")
        return self.cpu() - before, seen

    def entries(self, *kinds):
        with contextlib.closing(sqlite3.connect(f"file:{self.dir}/state/ledger.db?mode=ro", uri=True,
                                                timeout=5)) as ledger:
            rows = ledger.execute("SELECT at, json FROM entry WHERE kind IN "
                                  f"({','.join('?' * len(kinds))}) ORDER BY sequence", kinds)
            return [dict(json.loads(text), at=at) for at, text in rows]

    def open_incidents(self):
        return sum(value for name, value in self.metrics().items()
                   if name.startswith("leverd_incidents_open{"))


def newest_of(receiver):
    """{key: its newest page} of what the receiver was told."""
    newest = {}
    for body in receiver.accepted():
        if body["version"] >= newest.get(body["key"], body)["version"]:
            newest[body["key"]] = body
    return newest


def outages(receiver):
    return [b for b in newest_of(receiver).values() if b.get("symptom") == "mass-failure"]


def told(receiver):
    return [(b["status"], b.get("symptom", ""), b["title"]) for b in newest_of(receiver).values()]


def slow(watched, phase):
    worst = ", ".join(f"{path} {took:.2f} s" for path, took in sorted(watched.slowest.items()))
    print(f"  {phase}: at worst {worst}")
    return watched.slowest["/metrics"]


def fail_and_heal(w, crowd, receiver):
    """What the outage and the healing cost of a quiet time, and what the scrapes saw."""
    quiet, _ = w.phase()
    slow(w, "quiet")
    bad, during = w.phase(crowd.fail)
    worst = slow(w, "outage")
    w.all_are(2, "failing")
    wait_for("a page about the outage", lambda: [
        b for b in outages(receiver) if b["status"] == "firing"])
    healing, after = w.phase(crowd.heal)
    worst = max(worst, slow(w, "healing"))
    w.all_are(0, "healthy")
    print(f"  processor over {PHASE:g} s: quiet {quiet:.2f} s, outage {bad:.2f} s "
          f"({bad / quiet:.2f} of it), healing {healing:.2f} s ({healing / quiet:.2f})")
    wait_for("every incident closed", lambda: w.open_incidents() == 0, every=1)
    wait_for("every page resolved", lambda: all(
        b["status"] == "resolved" for b in newest_of(receiver).values()), every=0.5)
    return bad / quiet, healing / quiet, worst, during + after


def outage(t):
    with Crowd(TENANTS) as crowd, Receiver() as receiver, Watched(crowd, receiver) as w:
        w.ready()
        rounds = 1
        bad, healing, worst, scrapes = fail_and_heal(w, crowd, receiver)
        if max(bad, healing) > RATIO:
            # A neighbour on the same core can make one phase dearer, but hardly twice the same one.
            rounds = 2
            again = fail_and_heal(w, crowd, receiver)
            bad, healing = min(bad, again[0]), min(healing, again[1])
            worst, scrapes = max(worst, again[2]), scrapes + again[3]
        t("the outage costs no more than a quiet time", bad <= RATIO, bad)
        t("healing costs no more than a quiet time", healing <= RATIO, healing)
        t("/metrics answers meanwhile", worst < 5 * PATIENCE, worst)
        doubts = [x for x in w.entries("observer") if not x.get("trusted", True)]
        t("leverd trusts its own view", not doubts and all(
            s["leverd_observer_trusted"] == 1 for s in scrapes), doubts)
        t("the series are bounded", max(map(len, scrapes)) <= SERIES, max(map(len, scrapes)))
        # One that comes back may fire the same page again.
        t("one page is about the outage", 1 <= len(outages(receiver)) <= rounds, told(receiver))
        rest = len(newest_of(receiver)) - len(outages(receiver))
        t("and a person is not called for each tenant", rest <= 2, told(receiver))
        nothing_left(t, w, receiver)


def nothing_left(t, w, receiver):
    opened, closed = (w.entries(f"incident_{kind}") for kind in ("opened", "closed"))
    t("what was opened was closed", {e["incident"] for e in opened}
      == {e["incident"] for e in closed}, (len(opened), len(closed)))
    raised, cleared = (w.entries(f"symptom_{kind}") for kind in ("raised", "cleared"))
    t("what was raised was cleared", len(raised) == len(cleared), (len(raised), len(cleared)))
    # By leverd's own clock, so that a busy machine changes nothing.
    late = max(e["at"] for e in closed) - max(e["at"] for e in cleared)
    t("within one clearing time", late <= CLEARING * 1000, late)
    print(f"  {len(opened)} incidents, {len(raised)} symptoms, pages: {told(receiver)}")
    active = [name for name, value in w.metrics().items()
              if name.startswith("leverd_symptom_active{") and value]
    t("no symptom is left", not active, active[:5])
    overview = json.loads(w.get("/api/v1/overview"))
    t("the page shows nothing open", overview["status"]["counts"]["incidents_open"] == 0
      and not overview["symptoms"], overview["status"]["counts"])
    before = len(receiver.accepted())
    calm = holds_for(2 * EVERY, lambda: len(receiver.accepted()) == before, every=0.5)
    t("nobody is called afterwards", calm is None, told(receiver))


# The hard kind of outage for whoever looks: every look hangs until its deadline.
def silent(t):
    with Crowd(TENANTS) as crowd, Receiver() as receiver, Watched(crowd, receiver, 2) as w:
        w.ready()
        w.slowest = {}
        begun = time.monotonic()
        crowd.hush()
        wait_for("an outage that is told", lambda: w.metrics() and outages(receiver), 120, every=1)
        print(f"  told after {time.monotonic() - begun:.0f} s")
        worst = slow(w, "silence")
        t("/metrics answers meanwhile", worst < 5 * PATIENCE, worst)
        t("one page is about the outage", len(newest_of(receiver)) == 1, told(receiver))
        t("what answers is still looked at", w.metrics()["leverd_observer_trusted"] == 1
          and not w.entries("observer"), w.entries("observer"))
        begun = time.monotonic()
        w.daemon.send_signal(signal.SIGTERM)
        code = w.daemon.wait(30 * PATIENCE)
        print(f"  SIGTERM was heeded after {time.monotonic() - begun:.2f} s")
        t("SIGTERM amid an outage ends it well", code == 0, code)
        t("with its ledger whole", subprocess.run(
            [LEVERD, "ledger", "verify", "--state", w.dir / "state"], capture_output=True,
            timeout=30 * PATIENCE, check=False).returncode == 0)


if __name__ == "__main__":
    # One after the other: the first compares what the processor spent.
    main([outage, silent], workers=1)
