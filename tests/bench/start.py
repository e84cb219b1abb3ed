"""Why: a start must take seconds whatever the ledger's age, and what counts is the whole program: from
its first instruction until it says that it is ready, with three million entries behind it."""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

from process import Process, box, free_port, http_get, wait_for

TARGET_SECONDS = 10
GIVE_UP_SECONDS = 600
CONFIG = '''include = ["runbook.toml", "policies.toml"]
[daemon]
state_directory = "{where}/state"
socket = "{where}/s"
listen = "127.0.0.1:{port}"
'''


def forget(path):
    """Lets the kernel drop what it holds of a file, as after a boot."""
    for name in sorted(os.listdir(path)):
        with open(os.path.join(path, name), "rb") as held:
            os.fsync(held.fileno())
            os.posix_fadvise(held.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def start(binary, where):
    """A leverd that is ready, and the seconds that it took."""
    port = free_port()
    config = os.path.join(where, "leverd.toml")
    with open(config, "w", encoding="ascii") as out:
        out.write(CONFIG.format(where=where, port=port))
    begun = time.monotonic()
    leverd = Process([binary, "run", "--config", config], os.path.join(where, "leverd.log"))

    def ready():
        leverd.check_alive()
        return http_get(port, "/-/ready")[0] == 200
    try:
        wait_for("ready", ready, GIVE_UP_SECONDS)
    except RuntimeError:
        leverd.stop()
        raise
    return leverd, time.monotonic() - begun


def folded_in(leverd):
    with open(leverd.log, encoding="utf-8", errors="replace") as log:
        return next((line.split("event=")[1].strip() for line in log if "ledger_folded" in line), "")


def measure(binary, where):
    state = os.path.join(where, "state")
    slowest = 0
    for how, end in (("read from the disk", "TERM"), ("after SIGTERM", "KILL"),
                     ("after SIGKILL", "TERM")):
        if how == "read from the disk":
            forget(state)
        leverd, took = start(binary, where)
        print(f"start: {how}: ready in {took:.2f} s, {leverd.cpu_seconds():.2f} s of processor, "
              f"{leverd.queued_seconds():.2f} s without a free one, "
              f"{leverd.memory_mb()[1]:.0f} MB at most; {folded_in(leverd)}", flush=True)
        slowest = max(slowest, took)
        if end == "KILL":
            leverd.child.kill()
            leverd.child.wait()
        else:
            leverd.stop()
    return slowest


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--config", required=True)
    parser.add_argument("--entries", type=int, default=3_000_000)
    options = parser.parse_args()
    print(box(), flush=True)
    where = tempfile.mkdtemp(prefix="leverd-bench.")
    try:
        for name in ("runbook.toml", "policies.toml"):
            shutil.copy(os.path.join(options.config, name), where)
        made = subprocess.run([os.path.join(options.build, "bench_ledger"),
                               os.path.join(options.config, "leverd.toml"), str(options.entries),
                               where], check=False)
        slowest = measure(os.path.join(options.build, "leverd"), where)
    except RuntimeError as problem:
        sys.exit(f"bench: {problem}")
    finally:
        shutil.rmtree(where, ignore_errors=True)
    met = slowest <= TARGET_SECONDS
    print(f"start: slowest {slowest:.2f} s, target at most {TARGET_SECONDS} s: "
          f"{'met' if met else 'NOT MET'}")
    sys.exit(0 if met and made.returncode == 0 else 1)


if __name__ == "__main__":
    main()
