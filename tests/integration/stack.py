# Why: every integration topic needs the same hands: a sandbox, a leverd against it, polls with a
# deadline instead of sleeps, and checks that print what was seen. The judge is the sandbox's
# journal; what the daemon says of itself is only compared with it.
import concurrent.futures
import contextlib
import io
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = ROOT / "tests" / "sandbox" / "config"
BUILD = pathlib.Path(os.environ.get("LEVERD_BUILD", ROOT / "build")).resolve()
LEVERD = BUILD / "leverd"
SANDBOX = BUILD / "leverd-sandbox"
REDEPLOY = "/cp/admin/orgs/{}/redeploy"
PLAYED = ("user", "person", "publisher", "operator", "story")  # journal lines that are not calls
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


# Ceilings say when to give up, never how fast leverd has to be: a machine that others load takes
# several times as long for the same steps, and waiting costs nothing where the answer comes.
PATIENCE = float(os.environ.get("LEVERD_PATIENCE", "6"))


def wait_for(what, look, timeout=30.0, every=0.05):
    """The first true answer of `look`; fails with the last answer when none comes in time."""
    timeout *= PATIENCE
    end = time.monotonic() + timeout
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {timeout:g} s; last seen: {seen!r}")
        time.sleep(every)


def holds_for(seconds, look, every=0.1):
    """The first false answer of `look` within `seconds`, or None when it stayed true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        seen = look()
        if not seen:
            return seen if seen is not None else False
        time.sleep(every)
    return None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def http(method, url, body=None, token=None, headers=None):
    """(status, text); status 0 when nobody answered."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method)
    request.add_header("Content-Type", "application/json")
    if token is not None:
        request.add_header("Authorization", "Bearer " + token)
    for name, value in (headers or {}).items():
        request.add_header(name, value)
    try:
        with _opener.open(request, timeout=10 * PATIENCE) as answer:
            return answer.status, answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read().decode("utf-8", "replace")
    except OSError as why:
        return 0, str(why)


def edited(text, edits):
    for old, new in edits:
        if old not in text:
            raise AssertionError(f"the config no longer says {old!r}; this test must follow it")
        text = text.replace(old, new)
    return text


class Stack:
    """A sandbox and a leverd that watches it, in a directory of their own.

    `policies`, `runbook` and `toml` are lists of (old, new) texts put into a copy of each file.
    """

    def __init__(self, policies=(), runbook=(), toml=(), leverd=True, platform="measured"):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="leverd-it."))
        self.config = self.dir / "config"
        self.config.mkdir()
        for name, edits in (("policies.toml", policies), ("runbook.toml", runbook)):
            (self.config / name).write_text(edited((CONFIG / name).read_text(), edits))
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.state = self.dir / "state"
        self.socket = self.dir / "leverd.sock"
        self.toml = self.dir / "leverd.toml"
        self.daemon = None
        self.sandbox = None
        self.starts = 0
        self.platform = platform
        try:
            self._start_sandbox()
            # How late the loop runs is the machine's doing here; a test of it sets a limit of its own.
            text = edited(self.toml.read_text(), [('max_lateness = "1500ms"', 'max_lateness = "60s"')])
            self.toml.write_text(edited(text, toml))
            if leverd:
                self.start()
        except BaseException:
            self.close()
            raise

    def _start_sandbox(self):
        log = open(self.dir / "sandbox.log", "wb")
        self.sandbox = subprocess.Popen(
            [SANDBOX, "--dir", self.dir, "--port", "0", "--dns-port", "0", "--control-port", "0",
             "--story", "none", "--platform", self.platform, "--leverd-listen",
             f"127.0.0.1:{self.port}", "--config-dir", self.config], stdout=log, stderr=subprocess.STDOUT)
        log.close()
        ports = self.dir / "ports.json"
        wait_for("the sandbox", lambda: ports.exists() or self.sandbox.poll() is not None)
        self.ports = json.loads(ports.read_text())
        self.control = f"http://127.0.0.1:{self.ports['control']}"

    # --- the daemon -----------------------------------------------------------------------------

    def start(self, ready=True):
        self.starts += 1
        with open(self.dir / "leverd.log", "ab") as log:
            self.daemon = subprocess.Popen([LEVERD, "run", "--config", self.toml],
                                           stdout=log, stderr=subprocess.STDOUT)
        if ready:
            self.wait_ready()

    def wait_ready(self):
        def look():
            if self.daemon.poll() is not None:
                raise AssertionError(f"leverd ended with {self.daemon.returncode}: {self.log()}")
            return http("GET", self.base + "/-/ready")[0] == 200
        wait_for("leverd ready", look)

    def all_seen(self):
        """Every tenant and image was looked at, so that no guard holds for want of evidence and a
        tag that moves later is seen to move."""
        def look(kind, count):
            rows = self.api(f"/api/v1/subjects?kind={kind}")["subjects"]
            return len(rows) == count and all(row["health"] == "healthy" for row in rows)
        wait_for("twelve healthy tenants", lambda: look("tenant", 12))
        wait_for("six images", lambda: look("image", 6))
        wait_for("a trusted observer", lambda: self.status()["observer"]["trusted"])

    def terminate(self, timeout=20 * PATIENCE):
        self.daemon.send_signal(signal.SIGTERM)
        return self.daemon.wait(timeout)

    def kill9(self):
        self.daemon.kill()
        self.daemon.wait(10)

    def close(self):
        for process in (self.daemon, self.sandbox):
            if process is not None and process.poll() is None:
                process.terminate()
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(5)
        if os.environ.get("LEVERD_KEEP"):
            print(f"  kept {self.dir}")
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    def log(self):
        return (self.dir / "leverd.log").read_text(errors="replace")[-3000:]

    def cli(self, *words, socket=True):
        command = [str(LEVERD), *words]
        if socket:
            command += ["--socket", str(self.socket)]
        return subprocess.run(command, capture_output=True, text=True, timeout=30 * PATIENCE)

    # --- the API --------------------------------------------------------------------------------

    def token(self):
        return (self.dir / "api-token").read_text().strip()

    def api(self, path):
        status, text = http("GET", self.base + path)
        if status != 200:
            raise AssertionError(f"GET {path}: {status} {text[:300]}")
        return json.loads(text)

    def status(self):
        return json.loads(self.cli("status", "--json").stdout or "{}")

    def subjects(self, kind=""):
        rows = self.api("/api/v1/subjects" + (f"?kind={kind}" if kind else ""))["subjects"]
        return {row["subject"]: row for row in rows}

    def symptoms(self):
        return self.api("/api/v1/symptoms")["symptoms"]

    def symptoms_of(self, subject):
        return [row for row in self.symptoms() if row["subject"] == subject]

    def decisions(self, pending=False):
        return self.api("/api/v1/decisions" + ("?pending=1" if pending else ""))["decisions"]

    def metrics(self):
        """{'name{labels}': value} of the whole page."""
        out = {}
        for line in http("GET", self.base + "/metrics")[1].splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                out[name] = float(value)
        return out

    # --- the ledger -----------------------------------------------------------------------------

    def entries(self, *kinds):
        path = self.state / "ledger.db"
        if not path.exists():
            return []
        where = f"WHERE kind IN ({','.join('?' * len(kinds))})" if kinds else ""
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True,
                                                timeout=5)) as ledger:
            rows = ledger.execute(f"SELECT sequence, kind, json FROM entry {where} "
                                  "ORDER BY sequence", kinds).fetchall()
        return [dict(json.loads(text), kind_of=kind, sequence=number)
                for number, kind, text in rows]

    def intents(self, subject):
        return [e for e in self.entries("intent") if e["subject"] == subject]

    def after(self, kind, intent):
        """The entries of `kind` that belong to one intent."""
        return [e for e in self.entries(kind) if e["intent"] == intent]

    def fired(self, subject, timeout=30):
        return wait_for(f"an intent for {subject}", lambda: self.intents(subject), timeout)[0]

    def outcome(self, intent, timeout=30):
        return wait_for(f"the outcome of {intent}", lambda: self.after("outcome", intent),
                        timeout)[0]

    def verdict(self, intent, timeout=40):
        return wait_for(f"the verdict of {intent}", lambda: self.after("verdict", intent),
                        timeout)[0]

    def decided(self, symptom, action, subject=None, timeout=40):
        def look():
            return [e for e in self.entries("decision") if e["symptom"] == symptom
                    and e["action"] == action and subject in (None, e["subject"])]
        return wait_for(f"{action} for {symptom}", look, timeout)[-1]

    def verified(self):
        return subprocess.run([str(LEVERD), "ledger", "verify", "--state", str(self.state)],
                              capture_output=True, text=True,
                              timeout=30 * PATIENCE)

    # --- the sandbox ----------------------------------------------------------------------------

    def fault(self, kind, **what):
        status, text = http("POST", self.control + "/fault", dict(what, kind=kind))
        if status != 200:
            raise AssertionError(f"fault {kind} {what}: {status} {text[:300]}")
        return json.loads(text)

    def curl(self, url, *words):
        """A body from one of the sandbox's TLS hosts."""
        host = url.split("/")[2]
        return subprocess.run(["curl", "-fsS", "--max-time", "60", "--cacert", self.dir / "ca.pem",
                               "--resolve", f"{host}:127.0.0.1", *words, url], check=True,
                              capture_output=True, text=True).stdout

    def world(self):
        return json.loads(http("GET", self.control + "/state")[1])

    def tenant(self, slug):
        return next(t for t in self.world()["tenants"] if t["slug"] == slug)

    def workspace(self, slug, runtime):
        return next(w for w in self.tenant(slug)["workspaces"] if w["runtime"] == runtime)

    def digest(self, repository, tag="latest"):
        return self.world()["registry"][repository]["tags"][tag]

    def journal(self, **filters):
        query = urllib.parse.urlencode(filters)
        return json.loads(http("GET", f"{self.control}/journal?{query}")[1])

    def effects(self, *words):
        """Calls that changed something in the stack; `words` must all be in the effect."""
        lines = [e for e in self.journal(effects=1) if e["host"] not in PLAYED]
        return [e for e in lines if all(w in e["effect"] for w in words)]

    def calls(self, method, path, host=None):
        lines = self.journal(method=method, path=path, **({"host": host} if host else {}))
        return [e for e in lines if e["host"] not in PLAYED]

    def redeploys(self, slug):
        return self.calls("POST", REDEPLOY.format(slug))

    def pages(self, word=""):
        bodies = [e.get("body", "") for e in self.journal(host="pager.sandbox.test")]
        return [b for b in bodies if word in b]


class Checks:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def __call__(self, name, condition, seen=""):
        if condition:
            self.passed += 1
            print(f"  ok      {name}")
        else:
            self.failed += 1
            print(f"  FAILED  {name}: saw {str(seen)[:1500]}")
        return bool(condition)


@contextlib.contextmanager
def stack(*args, **kwargs):
    made = Stack(*args, **kwargs)
    try:
        yield made
    except Exception:
        print("  log of leverd: " + made.log()[-1500:])
        raise
    finally:
        made.close()


class _PerThread(io.TextIOBase):
    """Standard output of scenarios that run beside one another, kept apart."""

    def __init__(self, real):
        self.real, self.held = real, threading.local()

    def write(self, text):
        getattr(self.held, "to", self.real).write(text)
        return len(text)

    def flush(self):
        self.real.flush()


def main(scenarios, workers=2):
    """Runs the scenarios (those named on the command line, else all); exits 1 when one failed."""
    missing = [str(p) for p in (LEVERD, SANDBOX) if not p.exists()]
    if missing:
        print(f"not built: {', '.join(missing)}; set LEVERD_BUILD")
        print("0 passed, 1 failed")
        sys.exit(1)
    chosen = [s for s in scenarios if not sys.argv[1:] or s.__name__ in sys.argv[1:]]
    real = sys.stdout
    sys.stdout = split = _PerThread(real)

    def run(scenario):
        split.held.to = io.StringIO()
        checks, begun = Checks(), time.monotonic()
        try:
            scenario(checks)
        except Exception:
            checks("came to its end", False, traceback.format_exc())
        text = split.held.to.getvalue()
        real.write(f"{scenario.__name__} ({time.monotonic() - begun:.0f} s)\n{text}")
        real.flush()
        return checks

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        done = list(pool.map(run, chosen))
    passed, failed = sum(c.passed for c in done), sum(c.failed for c in done)
    print(f"{passed} passed, {failed} failed")
    real.flush()
    sys.exit(1 if failed or not passed else 0)
