# Why: see history.sh.
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from stack import LEVERD, free_port, http, main, wait_for

CONFIG = """[daemon]
state_directory = "{dir}/state"
socket = "{dir}/leverd.sock"
listen = "127.0.0.1:{port}"

[ledger]
witness = "{dir}/second"

[[probe]]
kind = "tcp"
name = "shop"
address = "127.0.0.1:{port}"
interval = "200ms"
"""


class Box:
    """A leverd that watches its own port, in a directory of its own."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="leverd-it."))
        self.port = free_port()
        self.state = self.dir / "state"
        self.toml = self.dir / "leverd.toml"
        self.toml.write_text(CONFIG.format(dir=self.dir, port=self.port))
        self.daemon = None

    def start(self):
        log = open(self.dir / "leverd.log", "ab")
        self.daemon = subprocess.Popen([LEVERD, "run", "--config", self.toml], stdout=log,
                                       stderr=log)
        wait_for("the daemon answers", lambda: http("GET", self.url("/-/healthy"))[0] == 200)
        wait_for("a look", lambda: "no look" not in self.ready()[1])

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def ready(self):
        return http("GET", self.url("/-/ready"))

    def status(self):
        return json.loads(http("GET", self.url("/api/v1/status"))[1])

    def end(self, how):
        if self.daemon is not None:
            self.daemon.send_signal(how)
            self.daemon.wait()
            self.daemon = None

    def cli(self, *words):
        return subprocess.run([LEVERD, *words], capture_output=True, text=True, check=False)

    def ask(self, *words):
        return self.cli(*words, "--socket", str(self.dir / "leverd.sock"))

    def verify(self, *words):
        return self.cli("ledger", "verify", "--config", str(self.toml), *words)

    def log(self):
        return (self.dir / "leverd.log").read_text()

    def veto(self, subjects):
        return self.ask("veto", subjects, "--for", "2h", "--why", "a test")

    def close(self):
        self.end(signal.SIGKILL)
        shutil.rmtree(self.dir, ignore_errors=True)


@contextlib.contextmanager
def box():
    made = Box()
    try:
        made.start()
        yield made
    finally:
        made.close()


def remove_log(b):
    for suffix in ("-wal", "-shm"):
        os.remove(str(b.state / "ledger.db") + suffix)


def halve_log(b):
    wal = pathlib.Path(str(b.state / "ledger.db") + "-wal")
    os.truncate(wal, wal.stat().st_size // 2)
    os.remove(str(b.state / "ledger.db") + "-shm")


def remove_ledger(b):
    for file in b.state.glob("ledger.db*"):
        file.unlink()


def remove_everything_inside(b):
    shutil.rmtree(b.state)


def doubt(t):
    """What a lost part of the history does, until a person accepts it."""
    for lose in (remove_log, halve_log, remove_ledger, remove_everything_inside):
        with box() as b:
            name = lose.__name__
            t(f"{name}: all is well before", b.ready()[0] == 200, b.ready())
            for i in range(5):
                b.veto(f"tenant/t{i}")
            b.end(signal.SIGKILL)
            lose(b)
            verified = b.verify()
            t(f"{name}: verify finds it", verified.returncode == 1, verified)
            b.start()
            code, text = b.ready()
            t(f"{name}: not ready, and says so", code == 503 and "history is in doubt" in text,
              (code, text))
            status = b.status()
            t(f"{name}: status says so", status["ledger"]["doubted"]
              and not status["can_act"]["ok"], status)
            t(f"{name}: the log says so", "event=history_doubted" in b.log(), b.log())
            b.end(signal.SIGTERM)
            b.start()
            t(f"{name}: the next start says so, too", b.ready()[0] == 503, b.ready())
            done = b.ask("ledger", "accept", "--why", "a test took it away")
            t(f"{name}: a person accepts it", done.returncode == 0, done)
            wait_for("ready again", lambda: b.ready()[0] == 200)
            again = b.ask("ledger", "accept", "--why", "twice")
            t(f"{name}: nothing is left to accept", again.returncode == 4, again)
            b.end(signal.SIGKILL)
            verified = b.verify()
            t(f"{name}: verify agrees again", verified.returncode == 0, verified)
            b.start()
            t(f"{name}: and the next start", b.ready()[0] == 200, b.ready())


def noted(t):
    """The line of `leverd status` proves later that nothing was taken away."""
    with box() as b:
        t("a first start says so", "event=first_start" in b.log(), b.log())
        shown = b.ask("status").stdout
        t("status says that nothing was before", "began with nothing before it" in shown, shown)
        line = next(x for x in shown.splitlines() if x.startswith("ledger ")).split()[1]
        b.veto("tenant/acme")
        b.end(signal.SIGTERM)
        good = b.verify("--at-least", line)
        t("the noted line is in the ledger", good.returncode == 0, good)
        number, digest = line.split(":")
        for wrong in (f"{int(number) + 1000}:{digest}", f"{number}:{'0' * 64}"):
            bad = b.verify("--at-least", wrong)
            t("another line is not", bad.returncode == 1, bad)
        odd = b.verify("--at-least", "soon")
        t("what is no line is a usage error", odd.returncode == 64, odd)
        b.start()
        t("the second start is no first one", b.log().count("event=first_start") == 1, b.log())


main([doubt, noted])
