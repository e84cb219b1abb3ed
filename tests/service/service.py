# Why: see run.sh. The shipped unit, a real systemd, and what a person at night relies on: the
# journal's priorities, the watchdog, the exit codes and the reload.
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

WORK, PROGRAM, SOURCE = (pathlib.Path(word) for word in sys.argv[1:4])
ROOT = WORK / "root"
CEILING = 180  # seconds; when to give up, never how fast it has to be
PRIORITY = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}

# Enough of a world for lines of several levels: a port on which nobody listens, and a pager there.
CONFIG = """
[daemon]
listen = "127.0.0.1:9847"
mode_ceiling = "recommend"
log_level = "info"
[secrets]
api = { credential = "api-token" }
[[probe]]
kind = "tcp"
name = "nobody"
address = "127.0.0.1:9"
interval = "1s"
timeout = "500ms"
[[signal]]
id = "nobody-there"
subject = "service"
probe = "nobody"
looks = 2
[[symptom]]
id = "nobody-there"
title = "Nobody is there"
subject = "service"
any = ["nobody-there"]
lever = "none"
[[notify]]
id = "pager"
kind = "webhook"
url = "http://127.0.0.1:9/hook"
secret = "api"
"""
# Shorter times than an operator has, and nothing else.
FAST = """[Service]
WatchdogSec=4s
TimeoutAbortSec=2s
RestartSec=1s
"""


class Checks:
    passed = failed = 0

    def __call__(self, name, condition, seen=""):
        if condition:
            self.passed += 1
            print(f"  ok      {name}", flush=True)
        else:
            self.failed += 1
            print(f"  FAILED  {name}: saw {str(seen)[-1500:]}", flush=True)
        return bool(condition)


def wait_for(look):
    end = time.monotonic() + CEILING
    while True:
        seen = look()
        if seen or time.monotonic() > end:
            return seen
        time.sleep(0.3)


class Container:
    def __init__(self):
        self.console = open(WORK / "console", "wb")
        # No systemd runs on the host of a test, so nothing registers the machine; the network is a
        # loopback of its own.
        self.process = subprocess.Popen(
            ["systemd-nspawn", "-q", "-D", str(ROOT), "--register=no", "--keep-unit",
             "--private-network", "--link-journal=no", "--boot", "--console=pipe"],
            stdin=subprocess.DEVNULL, stdout=self.console, stderr=self.console)
        self.leader = wait_for(self._leader)
        if not self.leader:
            raise RuntimeError("no container: " + (WORK / "console").read_text()[-2000:])
        self.state = wait_for(lambda: self.run("systemctl", "is-system-running").stdout.strip()
                              in ("running", "degraded"))

    def _leader(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in children.read_text().split():
            if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "systemd":
                return int(pid)
        return None

    def run(self, *words):
        return subprocess.run(["nsenter", "-t", str(self.leader), "-a", "--", *words],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=CEILING)

    def show(self, name):
        return self.run("systemctl", "show", "-P", name, "leverd").stdout.strip()

    def journal(self, *words):
        done = self.run("journalctl", "-u", "leverd", "--no-pager", "-o", "json", *words)
        rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        # systemd's own lines about the unit are not leverd's.
        return [row for row in rows if row.get("_COMM") != "systemd"
                and isinstance(row.get("MESSAGE"), str)]

    def said(self, word, *words):
        return [row for row in self.journal(*words) if word in row["MESSAGE"]]

    def close(self):
        if self.process.poll() is None and self.leader:
            os.kill(self.leader, signal.SIGRTMIN + 4)  # power off
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(30)
        self.console.close()


def install():
    """What the README says, without the network."""
    def put(source, target, mode=0o644):
        (ROOT / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, ROOT / target)
        (ROOT / target).chmod(mode)
    put(PROGRAM, "usr/bin/leverd", 0o755)
    for name, target in (("leverd.service", "etc/systemd/system/leverd.service"),
                         ("leverd.sysusers", "usr/lib/sysusers.d/leverd.conf"),
                         ("leverd.tmpfiles", "usr/lib/tmpfiles.d/leverd.conf")):
        put(SOURCE / "systemd" / name, target)
    drop_in = ROOT / "etc/systemd/system/leverd.service.d/fast.conf"
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text(FAST)
    configure(CONFIG)
    secret = ROOT / "etc/leverd/credentials/api-token"
    secret.parent.mkdir(mode=0o700, exist_ok=True)
    secret.write_text("a-token-of-the-test-0123456789abcdef\n")
    secret.chmod(0o600)


def configure(text):
    folder = ROOT / "etc/leverd"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    (folder / "leverd.toml").write_text(text)
    (folder / "leverd.toml").chmod(0o644)


def starts(t, c):
    t("systemd runs as the first process", c.state, c.run("systemctl", "--failed").stdout)
    for words in (("systemd-sysusers",), ("systemd-tmpfiles", "--create"),
                  ("systemctl", "daemon-reload")):
        c.run(*words)
    done = c.run("systemctl", "start", "leverd")
    t("the shipped unit starts and says READY", done.returncode == 0, done.stderr + str(c.journal()))
    t("it is active", c.show("ActiveState") == "active", c.show("ActiveState"))
    done = c.run("leverd", "status")
    t("leverd status answers over the socket", done.returncode == 0, done)
    exposure = c.run("systemd-analyze", "security", "--no-pager", "leverd").stdout.splitlines()
    t("the exposure of the running unit is at most 1.5",
      exposure and float(exposure[-1].split(":")[1].split()[0]) <= 1.5, exposure[-1:])


def priorities(t, c):
    t("the start is info", wait_for(lambda: c.said("event=started", "-p", "info..info")),
      c.journal())
    t("the page is a warning", wait_for(lambda: c.said("event=page", "-p", "warning")), c.journal())
    lines = [row for row in c.journal() if row["MESSAGE"].startswith("level=")]
    wrong = [(row["PRIORITY"], row["MESSAGE"]) for row in lines
             if int(row["PRIORITY"]) != PRIORITY[row["MESSAGE"][6:].split()[0]]]
    t("each line has the priority of its level", lines and not wrong, wrong)
    raw = [row["MESSAGE"] for row in c.journal() if row["MESSAGE"].startswith("<")]
    t("no prefix is left in the text", not raw, raw)


def reloads(t, c):
    pid = c.show("MainPID")
    configure(CONFIG.replace('log_level = "info"', 'log_level = "debug"'))
    done = c.run("systemctl", "reload", "leverd")
    t("a good reload is taken", done.returncode == 0, done.stderr)
    t("and logged", wait_for(lambda: c.said("event=reloaded")), c.journal()[-5:])
    configure(CONFIG.replace("log_level", "log_levle"))
    done = c.run("systemctl", "reload", "leverd")
    t("a bad reload fails", done.returncode != 0, done)
    t("journalctl -p err shows why", wait_for(lambda: c.said("log_levle", "-p", "err")),
      c.journal()[-8:])
    t("journalctl -p warning shows it, too", c.said("log_levle", "-p", "warning"), c.journal()[-8:])
    t("the daemon goes on with the old one", c.show("ActiveState") == "active"
      and c.show("MainPID") == pid and c.run("leverd", "status").returncode == 0, c.journal()[-5:])
    configure(CONFIG)
    done = c.run("systemctl", "reload", "leverd")
    t("a good reload mends it", done.returncode == 0, done.stderr)


def restarted(c, count):
    return wait_for(lambda: int(c.show("NRestarts") or 0) >= count
                    and c.show("ActiveState") == "active")


def watchdog(t, c):
    count = int(c.show("NRestarts"))
    c.run("systemctl", "kill", "-s", "STOP", "--kill-whom=main", "leverd")
    t("a daemon that hangs is killed and restarted", restarted(c, count + 1), c.show("ActiveState"))
    done = c.run("journalctl", "-u", "leverd", "--no-pager", "-o", "cat")
    t("by the watchdog", "Watchdog timeout" in done.stdout, done.stdout[-800:])
    count = int(c.show("NRestarts"))
    c.run("systemctl", "reset-failed", "leverd")
    c.run("systemctl", "kill", "-s", "KILL", "--kill-whom=main", "leverd")
    t("a daemon that was killed is restarted", wait_for(
        lambda: c.show("ActiveState") == "active" and c.said("event=started")), count)


def codes(t, c):
    c.run("systemctl", "stop", "leverd")
    t("a stop is clean", c.show("Result") == "success" and c.show("ExecMainStatus") == "0",
      (c.show("Result"), c.show("ExecMainStatus")))
    c.run("systemctl", "reset-failed", "leverd")
    configure(CONFIG.replace("log_level", "log_levle"))
    done = c.run("systemctl", "start", "leverd")
    t("a bad configuration does not start", done.returncode != 0, done)
    t("its exit is 78", c.show("ExecMainStatus") == "78", c.show("ExecMainStatus"))
    t("and is not tried again", c.show("ActiveState") == "failed" and c.show("NRestarts") == "0",
      (c.show("ActiveState"), c.show("NRestarts")))
    t("the journal shows it as an error", c.said("log_levle", "-p", "err"), c.journal()[-5:])
    c.run("systemctl", "reset-failed", "leverd")
    # Somebody else has the port: a fault of the moment, so it is tried again.
    configure(CONFIG)
    holder = subprocess.Popen(
        ["nsenter", "-t", str(c.leader), "-n", "--", sys.executable, "-c",
         "import socket, time\ns = socket.socket()\ns.setsockopt(socket.SOL_SOCKET, "
         "socket.SO_REUSEADDR, 1)\ns.bind(('127.0.0.1', 9847))\ns.listen()\ntime.sleep(600)"])
    try:
        wait_for(lambda: "9847" in subprocess.run(
            ["nsenter", "-t", str(c.leader), "-n", "--", "ss", "-ltn"], capture_output=True,
            text=True).stdout)
        c.run("systemctl", "start", "--no-block", "leverd")
        t("exit 1 is tried again", wait_for(lambda: int(c.show("NRestarts") or 0) >= 1),
          (c.show("NRestarts"), c.show("ExecMainStatus"), c.journal()[-3:]))
        t("the start limit ends a crash loop", wait_for(
            lambda: c.show("ActiveState") == "failed"), c.show("ActiveState"))
        t("its exit was 1", c.show("ExecMainStatus") == "1", c.show("ExecMainStatus"))
    finally:
        holder.kill()
        holder.wait()
    c.run("systemctl", "reset-failed", "leverd")
    done = c.run("systemctl", "start", "leverd")
    t("and when the port is free it starts", done.returncode == 0, done.stderr)
    t("the ledger went through all of it",
      c.run("leverd", "ledger", "verify", "--state", "/var/lib/leverd").returncode == 0)


def main():
    t = Checks()
    install()
    container = Container()
    try:
        for topic in (starts, priorities, reloads, watchdog, codes):
            print(topic.__name__, flush=True)
            topic(t, container)
    except Exception as defect:  # pylint: disable=broad-except
        t("came to its end", False, repr(defect))
    finally:
        container.close()
    print(f"{t.passed} passed, {t.failed} failed")
    sys.exit(1 if t.failed or not t.passed else 0)


main()
