"""Why: see exec.sh. The helper must run what stands in root's configuration and nothing else, for
nobody but leverd's user, and leave nothing behind."""
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

LEVERD = os.path.abspath(sys.argv[1])
WORK = pathlib.Path(tempfile.mkdtemp(prefix="leverd-exec-"))
NOBODY = 65534
passed = failed = 0


def check(name, good, seen=""):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f"FAIL {name}: {seen}")


def program(name, text):
    path = WORK / name
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


def write_config(mode=0o644, owner=0):
    config = WORK / "leverd.toml"
    config.write_text(f"""
[daemon]
state_directory = "{WORK}/state"
mode_ceiling = "observe"
[[probe]]
kind = "command"
name = "whoami"
subject = "service/box"
command = ["{WORK}/whoami", "fixed"]
environment = {{ GREETING = "hello" }}
[[probe]]
kind = "command"
name = "runaway"
subject = "service/box"
command = ["{WORK}/runaway"]
[[lever]]
id = "restart"
kind = "command"
title = "Restart"
subjects = ["tenant/*"]
argv = ["{WORK}/whoami", "{{slug}}"]
""")
    os.chown(config, owner, owner)
    config.chmod(mode)
    return config


def frame(data):
    return struct.pack(">I", len(data)) + data


def read_frame(line):
    def exactly(n):
        data = b""
        while len(data) < n:
            more = line.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data
    return exactly(struct.unpack(">I", exactly(4))[0])


class Helper:
    """One run: what systemd does for one connection."""

    def __init__(self, config, caller="0", as_user=NOBODY):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.line = ours
        self.process = subprocess.Popen(
            ["setpriv", f"--reuid={as_user}", f"--regid={as_user}", "--clear-groups", LEVERD,
             "exec-helper", "--config", str(config), "--for", caller],
            stdin=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        theirs.close()

    def ask(self, called, time_ms=20_000):
        try:
            # A helper that refuses may be gone before it is asked.
            self.line.sendall(frame(json.dumps(
                {"called": called, "time_ms": time_ms, "grace_ms": 100}).encode()))
            told = json.loads(read_frame(self.line))
            told["stdout"] = read_frame(self.line).decode()
            told["stderr"] = read_frame(self.line).decode()
        except (EOFError, ConnectionResetError, BrokenPipeError):
            told = None
        self.line.close()
        self.words = self.process.communicate()[1].decode()
        return told


def alive(marker):
    return subprocess.run(["pgrep", "-f", str(marker)], capture_output=True).returncode == 0


def gone(marker):
    for _ in range(600):
        if not alive(marker):
            return True
        time.sleep(0.1)
    return False


def main():
    WORK.chmod(0o755)
    secret = WORK / "secret"
    secret.write_text("do not read me")
    secret.chmod(0o600)
    program("whoami", f'echo "$(id -u) $1 $GREETING $HOME"; cat {secret} 2>&1; exit 3\n')
    marker = program("straggler", "exec /bin/sleep 7777\n")
    program("runaway", f"trap '' TERM\nsetsid {marker} {WORK} >/dev/null 2>&1 &\n/bin/sleep 7777\n")
    config = write_config()

    told = Helper(config).ask(["probe", "whoami"])
    check("the program runs as the helper's user", told and told["stdout"].startswith(
        f"{NOBODY} fixed hello"), told)
    check("its exit code comes back", told and told["end"] == "exited" and told["code"] == 3, told)
    check("it cannot read what is leverd's", told and "Permission denied" in told["stdout"]
          and "do not read me" not in told["stdout"], told)

    told = Helper(config).ask(["lever", "restart", "tenant/acme"])
    check("a lever's template is filled by the helper", told and f"{NOBODY} acme" in told["stdout"], told)

    for name, called in [("another program", ["probe", "/bin/sh"]),
                         ("a shell by its arguments", ["/bin/sh", "-c", "id"]),
                         ("a subject the lever is not for", ["lever", "restart", "service/x"]),
                         ("a subject that is none", ["lever", "restart", "tenant/;id"]),
                         ("a program that observes and is not there", ["observe", "restart", "tenant/acme"]),
                         ("a browser that is not wanted", ["browser"])]:
        told = Helper(config).ask(called)
        check(f"{name} is refused", told and told["end"] == "not_started"
              and "refused" in told["detail"], told)

    helper = Helper(config, caller="12345", as_user=NOBODY)
    # Root may always ask, so the asker gives its rights away first.
    check("root may ask", helper.ask(["probe", "whoami"]) is not None)
    child = os.fork()
    if child == 0:
        os.setresgid(1, 1, 1)
        os.setresuid(1, 1, 1)

        def ask_for(caller):
            asker = Helper.__new__(Helper)
            asker.line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
            asker.process = subprocess.Popen(
                [LEVERD, "exec-helper", "--config", str(config), "--for", caller], stdin=theirs,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            theirs.close()
            return asker.ask(["probe", "whoami"]), asker.words

        told, words = ask_for("12345")
        refused = told is None and "may not ask" in words
        served = ask_for("1")[0] is not None
        os._exit(0 if refused and served else 1)
    check("leverd's user may ask and another may not", os.waitpid(child, 0)[1] == 0)

    for name, wrong in [("a config that others may write", dict(mode=0o666)),
                        ("a config that is not root's", dict(owner=NOBODY))]:
        told = Helper(write_config(**wrong)).ask(["probe", "whoami"])
        check(f"{name} is not believed", told and told["end"] == "not_started"
              and "leverd.toml" in told["detail"], told)
    config = write_config()

    told = Helper(config).ask(["probe", "runaway"], time_ms=500)
    check("the time is enforced", told and told["end"] == "timed_out", told)
    check("what left its group ends with it", gone(f"{WORK}/straggler"))

    helper = Helper(config)
    helper.line.sendall(frame(json.dumps(
        {"called": ["probe", "runaway"], "time_ms": 600_000, "grace_ms": 100}).encode()))
    for _ in range(600):
        if alive(f"{WORK}/straggler"):
            break
        time.sleep(0.1)
    helper.line.close()
    helper.process.wait()
    check("the program ends when the asker leaves", gone(f"{WORK}/runaway"))
    check("and so does what left its group", gone(f"{WORK}/straggler"))
    check_starts()


def leverd(verb, config):
    ran = subprocess.run([LEVERD, verb, "--config", str(config)], capture_output=True, text=True,
                         timeout=300)
    return ran.returncode, ran.stdout + ran.stderr


def check_starts():
    """`check` and `run` refuse the same things, with one exit code and a remedy."""
    box = WORK / "box"
    box.mkdir(mode=0o755)
    state, secret, config = box / "state", box / "secret", box / "leverd.toml"
    text = f"""
[daemon]
state_directory = "{state}"
socket = "{box}/sock"
listen = "127.0.0.1:0"
mode_ceiling = "observe"
[secrets]
one = {{ file = "{secret}" }}
"""

    def fresh():
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir(mode=0o700)
        secret.write_text("a-secret-of-enough-length-1")
        secret.chmod(0o600)
        os.chown(secret, 0, 0)
        config.write_text(text)
        config.chmod(0o644)
        os.chown(config, 0, 0)
        box.chmod(0o755)

    fresh()
    code, words = leverd("check", config)
    check("a good box is good", code == 0 and "ok:" in words, words)
    cases = {
        "a config of mode 0666": (lambda: config.chmod(0o666), f"chmod go-w {config}"),
        "a config of somebody else's": (lambda: os.chown(config, 4711, 4711), f"chown root {config}"),
        "an open directory": (lambda: box.chmod(0o777), f"chmod go-w {box}"),
        "a state directory of mode 0777": (lambda: state.chmod(0o777), f"chmod 0700 {state}"),
        "a secret of mode 0644": (lambda: secret.chmod(0o644), f"chmod 0600 {secret}"),
        "a secret of somebody else's": (lambda: os.chown(secret, 4711, 4711), f"chown root {secret}"),
        "a secret that is not there": (lambda: secret.unlink(), "No such file"),
        "an empty secret": (lambda: secret.write_text("\n"), "it is empty"),
        "a secret that is not set": (lambda: config.write_text(text.replace(
            f'file = "{secret}"', 'environment = "LEVERD_NOT_SET"')), "not set"),
    }
    for name, (spoil, words_wanted) in cases.items():
        for verb in ("check", "run"):
            fresh()
            spoil()
            code, words = leverd(verb, config)
            check(f"{name}: {verb} refuses with 78", code == 78, (code, words))
            check(f"{name}: {verb} names the remedy", words_wanted in words, words)
    fresh()
    os.chown(state, 4711, 4711)
    code, words = leverd("run", config)
    check("a state directory of somebody else's: run refuses", code == 78 and "chown" in words, words)

    probes = "".join(f"""
[[probe]]
kind = "tcp"
name = "p{i}"
subject = "service/p{i}"
address = "127.0.0.1:9"
""" for i in range(20))
    fresh()
    config.write_text(text + probes + f"""
[[probe]]
kind = "command"
name = "missing"
subject = "service/missing"
command = ["{box}/no-such-program"]
""")
    code, words = leverd("check", config)
    check("a missing program is told", code == 0 and "there is no program" in words, words)
    check("what is not separated is told", "leverd's own rights" in words, words)
    check("probes without a signal are told", "and 18 more" in words, words)


try:
    main()
finally:
    shutil.rmtree(WORK, ignore_errors=True)
print(f"exec: {passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
