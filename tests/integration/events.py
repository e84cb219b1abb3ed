# Why: see events.sh. Events are signed here with Python's own hmac, not with leverd's code; what an
# event woke is read from the sandbox's journal and from leverd's own looks.
import concurrent.futures
import datetime
import hashlib
import hmac
import http.client
import json
import signal
import socket
import statistics
import subprocess
import time
import urllib.parse

from stack import edited, main, stack, wait_for

KEY = "a-key-of-the-test"
ROUNDS = 40
EVENTS = 2000
SLOW = ('kind = "canvas"\ninterval = "500ms"\nretry = "250ms"',
        'kind = "canvas"\ninterval = "10m"\nretry = "250ms"')
# Looks twice a second would be most of what a busy machine has to give.
POLITE = ('interval = "500ms"', 'interval = "5s"')


def settings():
    """All inlets on with one secret, and a canvas that the schedule leaves alone."""
    inlets = "".join(f'{name} = "hook"\n'
                     for name in ("github", "gitea", "vercel", "railway", "alertmanager"))
    return [("[secrets]\n", '[secrets]\nhook = { environment = "EVENTS_TEST_KEY" }\n'),
            ("[freeze]\n", "[events]\n" + inlets + "\n[freeze]\n"), SLOW, POLITE]


def digest(kind, body):
    return hmac.new(KEY.encode(), body.encode(), kind).hexdigest()


class Sender:
    """One kept-alive connection to leverd."""

    def __init__(self, s):
        self.connection = http.client.HTTPConnection("127.0.0.1", s.port, timeout=10)

    def post(self, path, body, headers):
        self.connection.request("POST", path, body.encode(), headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode()

    def vercel(self, number, kind="deployment.promoted"):
        body = json.dumps({"type": kind, "id": f"evt-{number}"})
        return self.post("/events/vercel", body,
                         {"x-vercel-signature": digest(hashlib.sha1, body)})

    def github(self, event, body, delivery="d-1"):
        return self.post("/events/github", body, {
            "X-GitHub-Event": event, "X-GitHub-Delivery": delivery,
            "X-Hub-Signature-256": "sha256=" + digest(hashlib.sha256, body)})


def pipelined(s, lane, count):
    """`count` signed events over one connection, each twice, fifty under way; their statuses."""
    def one(number):
        body = json.dumps({"type": "deployment.promoted", "id": f"evt-{lane}-{number // 2}"})
        return (f"POST /events/vercel HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                f"x-vercel-signature: {digest(hashlib.sha1, body)}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}").encode()

    requests, text = [one(number) for number in range(count)], b""
    with socket.create_connection(("127.0.0.1", s.port), timeout=20) as wire:
        for begin in range(0, count, 50):
            batch = requests[begin:begin + 50]
            wire.sendall(b"".join(batch))
            while text.count(b"HTTP/1.1 ") < begin + len(batch):
                got = wire.recv(65536)
                if not got:
                    break
                text += got
    return [int(part[:3]) for part in text.split(b"HTTP/1.1 ")[1:]]


def canvas_look(s):
    looks = s.api("/api/v1/subjects/canvas")["looks"]
    return next(look for look in looks if look["probe"] == "canvas")


def when(look):
    return datetime.datetime.fromisoformat(look["seen"].replace("Z", "+00:00")).timestamp()


def counted(s, name, source, **more):
    labels = dict(more, source=source)
    text = ",".join(f'{key}="{labels[key]}"' for key in sorted(labels))
    return s.metrics().get(f"{name}{{{text}}}", 0)


def inlets(t):
    with stack(toml=settings()) as s:
        s.all_seen()
        sender = Sender(s)
        before = canvas_look(s)["seen"]
        body = '{"action":"completed","workflow_run":{"id":1}}'
        t("github: signed is taken", sender.github("workflow_run", body)[0] == 202)
        status, text = sender.github("workflow_run", body, "d-2")
        t("github: the same body under another delivery id is known",
          status == 202 and "seen before" in text, text)
        status, _ = sender.post("/events/github", body, {"X-GitHub-Event": "push",
                                                         "X-Hub-Signature-256": "sha256=00"})
        t("github: a wrong signature is refused", status == 401, status)
        status, _ = sender.post("/events/gitea", body, {
            "X-Gitea-Event": "workflow_run", "X-Gitea-Signature": digest(hashlib.sha256, body)})
        t("gitea: bare hex is taken", status == 202, status)
        status, _ = sender.post("/events/railway/" + KEY, '{"type":"Deployment.failed"}', {})
        t("railway: the secret address is taken", status == 202, status)
        status, _ = sender.post("/events/railway/guess", '{"type":"Deployment.failed"}', {})
        t("railway: another address is not", status == 401, status)
        alert = json.dumps({"groupKey": "g", "status": "firing", "alerts": [
            {"status": "firing", "fingerprint": "f", "startsAt": "2026-05-06T18:00:00Z",
             "labels": {"leverd_probe": "canvas"}}]})
        status, _ = sender.post("/events/alertmanager", alert, {"Authorization": "Bearer " + KEY})
        t("alertmanager: the token is taken", status == 202, status)
        wait_for("the canvas looked at again", lambda: canvas_look(s)["seen"] != before, 5)
        t("an event fires nothing and raises nothing", not s.symptoms() and not s.entries("intent"),
          s.symptoms())
        s.kill9()
        s.start()
        sender = Sender(s)
        status, text = sender.github("workflow_run", body, "d-3")
        t("a replay is known after a kill -9", status == 202 and "seen before" in text, text)
        t("it is counted", counted(s, "leverd_events_duplicates_total", "github") == 1)
        written = (s.dir / "leverd.log").read_text() + (s.state / "deliveries").read_text()
        t("the secret is written nowhere", KEY not in written)


def off(t):
    with stack() as s:
        status, text = Sender(s).vercel(1)
        t("an inlet without a secret is off and says what to set",
          status == 404 and "[events] vercel" in text, (status, text))
        t("that is counted",
          counted(s, "leverd_events_rejected_total", "vercel", reason="off") == 1)


def pages(s):
    """How often the canvas was asked for its page; each look also fetches its scripts."""
    return sum(1 for call in s.calls("GET", "/", "app.sandbox.test") if call["target"] == "/")


def storm(t):
    """Signed events as fast as leverd takes them, from eight senders, each event twice."""
    with stack(toml=settings()) as s:
        s.all_seen()
        begun, looks = time.monotonic(), pages(s)

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            sent = pool.map(lambda lane: pipelined(s, lane, EVENTS // 8), range(8))
            statuses = [status for lane in sent for status in lane]
        took = time.monotonic() - begun
        t("every event was answered 202", set(statuses) == {202}, set(statuses))
        taken = counted(s, "leverd_events_total", "vercel")
        known = counted(s, "leverd_events_duplicates_total", "vercel")
        t("half of them were duplicates", taken == known == EVENTS // 2, (taken, known))
        pulled = s.metrics()["leverd_event_looks_total"]
        t("the storm was at most one look per retry", 1 <= pulled <= took / 0.25 + 2,
          (pulled, took))
        seen = pages(s) - looks
        t("the canvas saw no storm", seen <= took / 0.25 + 3, seen)
        print(f"          {len(statuses) / took:.0f} events/s, {pulled:.0f} looks in {took:.1f} s")
        t("leverd is ready all the while", s.api("/api/v1/status")["ready"]["ok"], s.log()[-500:])


def latency(t):
    """From the fault to leverd's own observation of it, over a signed event."""
    with stack(toml=settings()) as s:
        s.all_seen()
        sender, spans = Sender(s), []
        for number in range(ROUNDS):
            mode, health = (("chunk_404", "failing"), ("ok", "healthy"))[number % 2]
            s.fault("canvas", mode=mode)
            begun = time.time()
            status, text = sender.vercel(number)
            if status != 202:
                raise AssertionError(f"{status} {text}")
            wait_for(f"a canvas that is {health}", lambda: canvas_look(s)["health"] == health, 5,
                     every=0.02)
            spans.append((when(canvas_look(s)) - begun) * 1000)
            time.sleep(0.3)  # longer than `retry`, so that each round is a first event
        spans.sort()
        p50, p99 = statistics.median(spans), spans[min(len(spans) - 1, int(len(spans) * 0.99))]
        print(f"          fault to observation: p50 {p50:.0f} ms, p99 {p99:.0f} ms, n {len(spans)}")
        # The schedule would need ten minutes, so it was the event that woke each look. How fast is
        # printed and not judged: that is the machine's speed, too.
        t("every fault was seen long before the schedule", spans[-1] <= 300_000, spans)


STREAM = [("[freeze]\n", "[events]\ntenant_stream = true\n\n[freeze]\n"),
          ('kind = "workspace_status"\ninterval = "500ms"',
           'kind = "workspace_status"\ninterval = "10m"'), POLITE]


def status_look(s, subject):
    looks = s.api("/api/v1/subjects/" + urllib.parse.quote(subject, safe=""))["looks"]
    return next(look for look in looks if look["probe"] == "workspace_status")


def streams(s):
    return s.metrics().get("leverd_tenant_streams_connected", 0)


def stream(t):
    """The tenants' WebSockets: from a workspace that went offline to leverd's own look at it."""
    with stack(toml=STREAM) as s:
        s.all_seen()
        wait_for("twelve streams", lambda: streams(s) == 12)
        subject = f"workspace/acme/{s.workspace('acme', 'hermes')['id']}"
        wait_for("a look at it", lambda: subject in s.subjects("workspace"))
        spans = []
        for number in range(ROUNDS):
            mode, health = (("offline", "failing"), ("online", "healthy"))[number % 2]
            time.sleep(0.4)  # longer than `retry`, so that each round is a first event
            begun = time.time()
            s.fault("workspace_status", tenant="acme", runtime="hermes", status=mode)
            wait_for(f"a workspace that is {health}",
                     lambda: status_look(s, subject)["health"] == health, 5, every=0.02)
            spans.append((when(status_look(s, subject)) - begun) * 1000)
        spans.sort()
        p50, p99 = statistics.median(spans), spans[min(len(spans) - 1, int(len(spans) * 0.99))]
        print(f"          fault to observation: p50 {p50:.0f} ms, p99 {p99:.0f} ms, n {len(spans)}")
        t("every fault was seen long before the schedule", spans[-1] <= 300_000, spans)
        t("what tenants sent is counted",
          s.metrics()["leverd_tenant_stream_messages_total"] >= ROUNDS)
        t("an event fires nothing", not s.entries("intent"))


def listeners(s):
    return {row["slug"]: row["listeners"] for row in s.world()["tenants"]}


def stream_life(t):
    """Streams end and come back with what they belong to, and no frame can do harm."""
    with stack(toml=STREAM) as s:
        s.all_seen()
        wait_for("twelve streams", lambda: streams(s) == 12)
        t("each tenant has one listener", set(listeners(s).values()) == {1}, listeners(s))
        t("as many should be open as there are tenants",
          s.metrics()["leverd_tenant_streams"] == 12, s.metrics().get("leverd_tenant_streams"))
        subject = f"workspace/demo/{s.workspace('demo', 'hermes')['id']}"
        wait_for("a look at it", lambda: subject in s.subjects("workspace"))
        s.fault("tenant_down", tenant="demo", how="cut")
        wait_for("eleven streams", lambda: streams(s) == 11)
        before = status_look(s, subject)["seen"]
        s.fault("tenant_up", tenant="demo")
        wait_for("twelve streams again", lambda: streams(s) == 12, 20)
        t("that is counted", s.metrics()["leverd_tenant_stream_reconnects_total"] >= 1)
        wait_for("a look after the connect, ten minutes before its time",
                 lambda: status_look(s, subject)["seen"] > before, 5)
        bad = 'no frame at all \u0001 of TOP-SECRET'
        s.fault("stream_text", tenant="acme", text=bad)
        wait_for("a rejected frame", lambda: counted(s, "leverd_events_rejected_total", "tenant",
                                                     reason="malformed") == 1)
        wait_for("twelve streams again", lambda: streams(s) == 12, 20)
        t("what came is not in the log", "TOP-SECRET" not in (s.dir / "leverd.log").read_text())
        before = len(s.calls("GET", "/workspaces", "globex.sandbox.test"))
        begun = time.monotonic()
        for _ in range(8):
            s.fault("stream_text", tenant="globex", text='{"event":"WORKSPACE_OFFLINE"}', times=250)
        time.sleep(1)
        took = time.monotonic() - begun
        asked = len(s.calls("GET", "/workspaces", "globex.sandbox.test")) - before
        t("two thousand frames are a few looks", 1 <= asked <= took / 0.2 + took / 0.25 + took + 8,
          (asked, took))
        s.toml.write_text(edited(s.toml.read_text(), [("tenant_stream = true", "")]))
        s.daemon.send_signal(signal.SIGHUP)
        wait_for("no stream after a reload", lambda: streams(s) == 0)
        wait_for("no listener", lambda: set(listeners(s).values()) == {0})
        s.toml.write_text(edited(s.toml.read_text(),
                                 [("[events]\n", "[events]\ntenant_stream = true\n")]))
        s.daemon.send_signal(signal.SIGHUP)
        wait_for("twelve streams after a reload", lambda: streams(s) == 12)
        t("it fired nothing and is ready", not s.entries("intent")
          and s.api("/api/v1/status")["ready"]["ok"])
        t("it stops well, and before any look is due", s.terminate() == 0, s.log()[-500:])
        wait_for("no listener after the stop", lambda: set(listeners(s).values()) == {0})


def upgraded(s, slug, *headers):
    """The status of an upgrade that carries just these headers."""
    host = f"{slug}.sandbox.test"
    words = [word for header in headers for word in ("-H", header)]
    done = subprocess.run(
        ["curl", "-sS", "--http1.1", "--max-time", "2", "-o", "/dev/null", "-w", "%{http_code}",
         "--cacert", s.dir / "ca.pem", "--resolve", f"{host}:{s.ports['tls']}:127.0.0.1",
         "-H", "Connection: Upgrade", "-H", "Upgrade: websocket", "-H", "Sec-WebSocket-Version: 13",
         "-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", *words,
         f"https://{host}:{s.ports['tls']}/ws"], capture_output=True, text=True)
    return int(done.stdout)


def stream_refused(t):
    """A tenant that takes another origin only, and what the sandbox asks for like the platform."""
    with stack(toml=STREAM, leverd=False) as s:
        org = f"X-Molecule-Org-Id: {s.tenant('acme')['org_id']}"
        t("without org id and origin there is nothing", upgraded(s, "acme") == 404)
        t("the org id is enough", upgraded(s, "acme", org) == 101)
        t("a workspace id demands its token",
          upgraded(s, "acme", org, "X-Workspace-ID: 3f0c0000-0000-4000-8000-000000000001") == 401)
        app = "https://app.sandbox.test"
        s.fault("cors", tenant="acme", origin=app)
        t("another origin than the allowed one is refused", upgraded(s, "acme", org) == 403)
        s.start()
        s.all_seen()
        wait_for("eleven streams", lambda: streams(s) == 11)
        log = (s.dir / "leverd.log").read_text()
        t("the log says once what was answered",
          log.count('tenant=acme what="the answer to the upgrade was 403"') == 1, log[-800:])
        t("a tenant without stream is healthy", not s.symptoms(), s.symptoms())
        s.toml.write_text(edited(s.toml.read_text(), [
            ("tenant_stream = true", f'tenant_stream = true\ntenant_stream_origin = "{app}"')]))
        s.daemon.send_signal(signal.SIGHUP)
        wait_for("twelve streams with the right origin", lambda: streams(s) == 12)


if __name__ == "__main__":
    import os
    os.environ["EVENTS_TEST_KEY"] = KEY
    main([inlets, off, storm, latency, stream, stream_life, stream_refused], workers=1)
