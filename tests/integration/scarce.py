# Why: see scarce.sh. The real daemon and real sockets; what is limited is waiting and processor time,
# of which a busy machine gives less, never more.
import contextlib
import json
import os
import socket
import subprocess
import time

from stack import LEVERD, edited, http, main, stack, wait_for

PROBES = '''[[probe]]
kind = "http"
name = "crowded-http"
url = "http://127.0.0.1:{port}/"
interval = "1s"
timeout = "900ms"

[[probe]]
kind = "tcp"
name = "crowded-tcp"
address = "127.0.0.1:{port}"
interval = "1s"
timeout = "900ms"

[[notify]]
id = "crowded"
kind = "webhook"
url = "http://127.0.0.1:{port}/hook"

'''


@contextlib.contextmanager
def crowded():
    """The port of a listener whose queue is full: the kernel drops whoever else knocks."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    port = listener.getsockname()[1]
    held = []
    for _ in range(64):
        one = socket.socket()
        one.settimeout(1)
        held.append(one)
        try:
            one.connect(("127.0.0.1", port))
        except TimeoutError:
            break
    else:
        raise AssertionError("the queue never fills")
    try:
        yield port
    finally:
        for one in held + [listener]:
            one.close()


def full_queue(t):
    """A target and a receiver of pages that listen and take nobody on."""
    with crowded() as port, stack(leverd=False) as s:
        s.toml.write_text(edited(s.toml.read_text(), [
            ("[[notify]]\n", PROBES.format(port=port) + "[[notify]]\n")]))
        s.start()
        s.all_seen()
        for name in ("crowded-http", "crowded-tcp"):
            look = json.loads(s.cli("probe", name, "--json").stdout)["observations"][0]
            t(f"{name} ends by its own deadline and says how far it came",
              (look["health"], look["reason"]) == ("failing", "connect_timeout"), look)
            wait_for("a second look", lambda n=name: len(
                s.api(f"/api/v1/probes/{n}/results?limit=5")["results"]) >= 2)
        page = s.cli("notify", "test", "crowded")
        words = page.stdout + page.stderr
        t("a test page ends with a reason", page.returncode != 0 and "connect" in words, words)
        t("the other sink got its own at once", s.cli("notify", "test", "pager").returncode == 0)
        t("the doors answer meanwhile", http("GET", s.base + "/-/healthy")[0] == 200)
        t("leverd trusts its own view all the while",
          s.metrics().get("leverd_observer_trusted") == 1)
        t("it stops when it is told to", s.terminate() == 0, s.log())


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def few_descriptors(t):
    """From a number that is far too small upwards: an end with a reason, or a whole leverd."""
    with stack(leverd=False) as s:
        alive = []
        for limit in (5, 8, 12, 16, 20, 24, 32, 48):
            log = s.dir / f"few-{limit}.log"
            with open(log, "wb") as out:
                s.daemon = subprocess.Popen(
                    ["sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh", LEVERD, "run", "--config",
                     s.toml], stdout=out, stderr=subprocess.STDOUT)

            def answers():
                return s.daemon.poll() is not None or http("GET", s.base + "/-/healthy")[0] == 200
            wait_for(f"an end or an answer with {limit} descriptors", answers)
            text = log.read_text(errors="replace")
            if s.daemon.poll() is not None:
                last = text.strip().splitlines()[-2:]
                t(f"{limit}: an end with a reason", s.daemon.returncode in (1, 78)
                  and any(w in " ".join(last) for w in ("open files", "descriptors", "unable")),
                  (s.daemon.returncode, text[-600:]))
                continue
            alive.append(limit)
            t(f"{limit}: it says so in one line", text.count(f"only {limit} files") == 1,
              text[-600:])
            before, begun = processor_seconds(s.daemon.pid), time.monotonic()
            time.sleep(3)
            used = (processor_seconds(s.daemon.pid) - before) / (time.monotonic() - begun)
            t(f"{limit}: it does not spin", used < 0.6, used)
            stop = s.cli("stop", "--why", "drill")
            t(f"{limit}: the stop switch is heard", stop.returncode == 0, stop.stderr)
            t(f"{limit}: the doors answer", http("GET", s.base + "/metrics")[0] == 200)
            t(f"{limit}: it ends when it is told to", s.terminate() == 0, text[-600:])
        t("it runs with 32", 32 in alive, alive)


if __name__ == "__main__":
    main([full_queue, few_descriptors])
