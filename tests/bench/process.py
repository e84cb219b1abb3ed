"""Why: starts the programs under measurement, reads what the kernel says about them, ends them.

CPU and memory come from /proc of the process itself, never from what a program says of itself."""
import os
import platform
import re
import signal
import socket
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")


def box():
    """The machine in one line, without which no figure means anything."""
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        model = re.search(r"model name\s*:\s*(.*)", info.read())
    with open("/etc/os-release", encoding="utf-8") as release:
        system = re.search(r'PRETTY_NAME="(.*)"', release.read())
    load = os.getloadavg()[0]
    return (f"{model.group(1) if model else platform.machine()}, {os.cpu_count()} cores, "
            f"Linux {platform.release()}, {system.group(1) if system else '?'}, "
            f"load {load:.1f} at the start"
            + (" (busy: absolute figures are too high)" if load > 0.5 else ""))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def http_get(port, path, timeout=5.0):
    """The body of one answer and its status, by hand: the standard client costs more CPU."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as conn:
        conn.sendall(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        parts = []
        while chunk := conn.recv(1 << 16):
            parts.append(chunk)
    head, _, body = b"".join(parts).partition(b"\r\n\r\n")
    words = head.split(None, 2)
    return int(words[1]) if len(words) > 1 else 0, body.decode("utf-8", "replace")


def wait_for(what, condition, seconds=15.0, step=0.005):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(step)
    raise RuntimeError(f"{what} did not happen within {seconds:.0f} s")


class Process:
    """One program with its output in a file; `with` ends it."""

    def __init__(self, argv, log, env=None):
        self.log = log
        with open(log, "wb") as out:
            self.child = subprocess.Popen(argv, stdout=out, stderr=subprocess.STDOUT,
                                          stdin=subprocess.DEVNULL, env=env)

    @property
    def pid(self):
        return self.child.pid

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def queued_seconds(self):
        """How long its first thread was ready to run and had no core: others' doing."""
        with open(f"/proc/{self.pid}/schedstat", encoding="ascii") as stat:
            return int(stat.read().split()[1]) / 1e9

    def memory_mb(self):
        """Resident now, and the most it ever was."""
        found = {}
        with open(f"/proc/{self.pid}/status", encoding="ascii", errors="replace") as status:
            for line in status:
                name, _, rest = line.partition(":")
                if name in ("VmRSS", "VmHWM"):
                    found[name] = int(rest.split()[0]) / 1024
        return found["VmRSS"], found["VmHWM"]

    def check_alive(self):
        if self.child.poll() is not None:
            raise RuntimeError(f"{self.child.args[0]} ended early: {self.tail()}")

    def tail(self, size=1500):
        with open(self.log, "rb") as log:
            return log.read()[-size:].decode("utf-8", "replace")

    def stop(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(5)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
