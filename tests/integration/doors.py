# Why: see doors.sh. The real daemon with its real ledger; nothing here depends on how fast it is,
# except one limit that is wide.
import http.client
import json
import signal
import socket
import threading
import time

from stack import edited, main, stack, wait_for
from stack import http as ask

SCRAPE_SECONDS = 5.0  # one second is the aim on a quiet machine


def idle(address, count):
    """`count` connections that say nothing."""
    kind = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    held = []
    for _ in range(count):
        one = socket.socket(kind, socket.SOCK_STREAM)
        one.settimeout(10)
        one.connect(address)
        held.append(one)
    return held


def crowd(t):
    with stack() as s:
        held = idle(("127.0.0.1", s.port), 64) + idle(str(s.socket), 70)
        statuses = [ask("GET", s.base + path)[0] for _ in range(20)
                    for path in ("/metrics", "/-/healthy", "/-/ready")]
        t("64 idle connections keep no scrape out", set(statuses) == {200}, statuses)
        done = s.cli("stop", "--why", "drill")
        t("70 idle connections on the socket do not keep leverd stop out", done.returncode == 0,
          done.stderr)
        t("it is stopped", s.status()["stop"]["stopped"])
        evicted = sum(v for k, v in s.metrics().items()
                      if k.startswith("leverd_http_connections_evicted_total"))
        t("those who left are counted", evicted > 0, evicted)
        for one in held:
            one.close()


def readers(t):
    """Twenty clients read the ledger as fast as they can while leverd looks and is scraped."""
    with stack() as s:
        s.all_seen()
        over, statuses = threading.Event(), []

        def read(lane):
            while not over.is_set():
                statuses.append(ask("GET", f"{s.base}/api/v1/ledger?limit=1000&after={lane}")[0])

        threads = [threading.Thread(target=read, args=(lane,)) for lane in range(20)]
        for thread in threads:
            thread.start()
        spans, trusted = [], []
        for _ in range(20):
            begun = time.monotonic()
            code = ask("GET", s.base + "/metrics")[0]
            spans.append(time.monotonic() - begun)
            if code != 200:
                raise AssertionError(f"/metrics: {code}")
            trusted.append(s.metrics().get("leverd_observer_trusted"))
        over.set()
        for thread in threads:
            thread.join()
        print(f"          {len(statuses)} pages, scrape {max(spans) * 1000:.0f} ms at most")
        t("every reader got a page or was told to come back", set(statuses) <= {200, 503},
          set(statuses))
        t("some got a page", statuses.count(200) > 20, len(statuses))
        t("a scrape waits for none of them", max(spans) < SCRAPE_SECONDS, spans)
        t("leverd trusts its own view all the while", set(trusted) == {1}, trusted)


def tokens(t):
    """A named token approves nothing that its role does not allow, and a reload rotates it."""
    with stack() as s:
        secret = s.dir / "alice-token"
        secret.write_text("first-secret-of-alice\n")
        secret.chmod(0o600)
        s.toml.write_text(edited(s.toml.read_text(), [
            ("[secrets]\n", f'[[api_token]]\nname = "alice"\nsecret = "alice"\nrole = "approve"\n\n'
                            f'[secrets]\nalice = {{ file = "{secret}" }}\n')]))

        def stop(token, stopped=True):
            return ask("POST", s.base + "/api/v1/stop",
                        {"stopped": stopped, "why": "drill"}, token)[0]

        s.daemon.send_signal(signal.SIGHUP)
        wait_for("alice's token", lambda: stop("first-secret-of-alice") == 200, every=1.5)
        t("the name is recorded", s.status()["stop"]["who"] == "alice", s.status()["stop"])
        t("whoever may only approve does not lift the stop",
          stop("first-secret-of-alice", False) == 403)
        secret.write_text("second-secret-of-alice\n")
        s.daemon.send_signal(signal.SIGHUP)
        wait_for("the new secret", lambda: stop("second-secret-of-alice") == 200, every=1.5)
        codes = {stop("first-secret-of-alice") for _ in range(30)}
        t("the old secret is refused, then slowed", codes <= {401, 429} and 429 in codes, codes)
        failures = s.metrics()
        t("that is counted",
          failures['leverd_http_auth_failures_total{reason="wrong_token"}'] >= 5
          and failures['leverd_http_auth_failures_total{reason="slowed"}'] > 0)
        log = (s.dir / "leverd.log").read_text()
        t("the journal says so, and not once per attempt",
          1 <= log.count("event=access_denied") <= 3, log.count("event=access_denied"))
        t("no secret is written anywhere", "secret-of-alice" not in log)
        t("the command line works meanwhile", s.cli("resume", "--why", "over").returncode == 0)


def removed_token(t):
    """A token that a reload removed opens nothing any more, on a connection that was open before."""
    with stack() as s:
        secret = s.dir / "alice-token"
        secret.write_text("first-secret-of-alice\n")
        secret.chmod(0o600)
        without = s.toml.read_text()
        s.toml.write_text(edited(without, [
            ("[secrets]\n", f'[[api_token]]\nname = "alice"\nsecret = "alice"\nrole = "approve"\n\n'
                            f'[secrets]\nalice = {{ file = "{secret}" }}\n')]))
        t("alice's token is taken up", s.cli("reload").returncode == 0)
        held = http.client.HTTPConnection("127.0.0.1", s.port, timeout=60)

        def stop():
            held.request("POST", "/api/v1/stop", json.dumps({"stopped": True, "why": "drill"}),
                         {"Authorization": "Bearer first-secret-of-alice",
                          "Content-Type": "application/json"})
            answer = held.getresponse()
            answer.read()
            return answer.status
        t("it counts", stop() == 200)
        same = held.sock
        s.toml.write_text(without)
        t("it is removed", s.cli("reload").returncode == 0)
        code = stop()
        t("it counts no longer on the open connection", code == 401, code)
        t("which is the same one", same is not None and held.sock is same)


if __name__ == "__main__":
    main([crowd, readers, tokens, removed_token])
