# Why: see probes.sh. One leverd without any stack, with general probes only, and one server for each
# way in which an answer can be wrong. What a look saw is asked by `leverd probe`.
import contextlib
import datetime
import gzip
import json
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time

from stack import LEVERD, free_port, http, main, wait_for

HUGE = 64 << 20


class Certificates:
    """A throw-away CA and leaves with one fault each."""

    def __init__(self, directory):
        self.dir = directory
        self.ca = directory / "ca.crt"
        self._openssl("req", "-x509", *self._key("ca"), "-out", "ca.crt", "-days", "400",
                      "-subj", "/CN=integration test CA")
        self.leaf("good", "IP:127.0.0.1,DNS:localhost", 90)
        self.leaf("soon", "IP:127.0.0.1", 3)
        self.leaf("other", "DNS:elsewhere.example", 90)
        self.leaf("expired", "IP:127.0.0.1", -1)
        self._openssl("req", "-x509", *self._key("self"), "-out", "self.crt", "-days", "90",
                      "-subj", "/CN=self", "-addext", "subjectAltName=IP:127.0.0.1")

    def _openssl(self, *words):
        subprocess.run(["openssl", *words], cwd=self.dir, check=True, capture_output=True)

    @staticmethod
    def _key(name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                f"{name}.key"]

    def leaf(self, name, names, days):
        self._openssl("req", *self._key(name), "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (self.dir / "san").write_text(f"subjectAltName={names}\n")
        # A negative number of days is a certificate that ended before it began to be used.
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                      "-CAcreateserial", "-out", f"{name}.crt", "-days", str(days),
                      "-extfile", "san")


def accept_loop(server, serve):
    while True:
        try:
            peer, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=serve_one, args=(serve, peer), daemon=True).start()


def serve_one(serve, peer):
    with contextlib.suppress(OSError), peer:
        serve(peer)


def listener(serve):
    """A TCP server in a thread; its port."""
    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=accept_loop, args=(server, serve), daemon=True).start()
    return server.getsockname()[1]


def silent(peer):
    peer.recv(4096)
    peer.recv(4096)  # until the other side gives up


def cut_before(peer):
    peer.recv(4096)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def slow_body(peer):
    peer.recv(4096)
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nab")
    peer.recv(4096)


def cut_body(peer):
    peer.recv(4096)
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nab")


def giant_body(peer):
    peer.recv(4096)
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % HUGE)
    for _ in range(HUGE >> 16):
        peer.sendall(b"x" * 65536)


def bomb(peer):
    peer.recv(4096)
    body = gzip.compress(b"\0" * (8 << 20))
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s"
                 % (len(body), body))


def greeting(peer):
    peer.sendall(b"220 mail ready\r\n")
    peer.recv(4096)


def name_server():
    """Answers by the first label: gone NXDOMAIN, broken SERVFAIL, silent nothing, else 192.0.2.1."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def run():
        while True:
            packet, peer = server.recvfrom(4096)
            end = packet.index(b"\0", 12) + 5
            label = packet[13:13 + packet[12]].decode()
            code = {"gone": 3, "broken": 2}.get(label, 0)
            if label == "silent":
                continue
            answer = b"" if code else b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"
            head = packet[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, 0 if code else 1, 0, 0)
            server.sendto(head + packet[12:end] + answer, peer)
    threading.Thread(target=run, daemon=True).start()
    return server.getsockname()[1]


class Box:
    """leverd with general probes only, and the servers that they look at."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="leverd-it."))
        self.certificates = Certificates(self.dir)
        self.children = []
        self.daemon = None
        self.probes = []
        self.port = free_port()
        self.socket = self.dir / "leverd.sock"
        (self.dir / "token").write_text("integration-token-0123456789abcdef")
        (self.dir / "token").chmod(0o600)

    def probe(self, kind, name, timeout="2s", interval="1h", **keys):
        rows = [f'kind = "{kind}"', f'name = "{name}"', f'timeout = "{timeout}"',
                f'interval = "{interval}"']
        for key, value in keys.items():
            if isinstance(value, dict):
                inner = ", ".join(f"{name} = {json.dumps(text)}" for name, text in value.items())
                rows.append(f"{key} = {{ {inner} }}")
            else:
                rows.append(f"{key} = {json.dumps(value)}")
        self.probes.append("[[probe]]\n" + "\n".join(rows) + "\n")

    def child(self, *words):
        with open(self.dir / "children.log", "ab") as log:
            self.children.append(subprocess.Popen(words, cwd=self.dir, stdout=log,
                                                  stderr=subprocess.STDOUT))
        return self.children[-1]

    def openssl(self, name, *words):
        port = free_port()
        self.child("openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", f"{name}.crt",
                   "-key", f"{name}.key", "-www", *words)
        wait_for(f"openssl {name}", lambda: listens(port))
        return port

    def start(self, more=""):
        self.toml = self.dir / "leverd.toml"
        self.toml.write_text(f'''[daemon]
state_directory = "{self.dir}/state"
socket = "{self.socket}"
listen = "127.0.0.1:{self.port}"
api_token = "api"
[secrets]
api = {{ file = "{self.dir}/token" }}
[net]
ca_file = "{self.certificates.ca}"
[observer]
quorum = 0
''' + "\n".join(self.probes) + more)
        (self.dir / "state").mkdir(exist_ok=True)
        with open(self.dir / "leverd.log", "ab") as log:
            self.daemon = subprocess.Popen([LEVERD, "run", "--config", self.toml], stdout=log,
                                           stderr=subprocess.STDOUT)
        wait_for("leverd ready", lambda: self.ready(), timeout=60)

    def ready(self):
        if self.daemon.poll() is not None:
            raise AssertionError((self.dir / "leverd.log").read_text()[-2000:])
        return http("GET", f"http://127.0.0.1:{self.port}/-/ready")[0] == 200

    def look(self, name):
        done = subprocess.run([LEVERD, "probe", name, "--json", "--socket", self.socket],
                              capture_output=True, text=True, timeout=60)
        try:
            return json.loads(done.stdout)["observations"][0]
        except (ValueError, LookupError):
            return {"health": done.stderr, "reason": done.stdout, "class": "", "evidence": ""}

    def debug(self, name):
        return subprocess.run([LEVERD, "probe", name, "--debug", "--socket", self.socket],
                              capture_output=True, text=True, timeout=60).stdout

    def metrics(self):
        return http("GET", f"http://127.0.0.1:{self.port}/metrics")[1]

    def stop(self):
        if self.daemon is not None and self.daemon.poll() is None:
            self.daemon.terminate()
            self.daemon.wait(20)

    def close(self):
        self.stop()
        for child in self.children:
            child.terminate()
            child.wait(15)
        shutil.rmtree(self.dir, ignore_errors=True)


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@contextlib.contextmanager
def box():
    made = Box()
    try:
        yield made
    finally:
        made.close()


def expect(check, made, wanted):
    for name, (health, reason) in wanted.items():
        seen = made.look(name)
        check(f"{name}: {health}, {reason}",
              (seen["health"], seen["reason"]) == (health, reason), seen)


def url(port, scheme="http"):
    return f"{scheme}://127.0.0.1:{port}/"


def six_classes(check):
    """Every class of failure once, each told from the others in answer and metric."""
    with box() as made:
        dns = name_server()
        made.probe("http", "cut", url=url(listener(cut_before)))
        made.probe("http", "closed", url=url(free_port()))
        made.probe("http", "untrusted", url=url(made.openssl("self"), "https"))
        made.probe("http", "torn", url=url(listener(cut_body)))
        made.probe("dns", "gone", host="gone.test", nameserver=f"127.0.0.1:{dns}")
        made.probe("tcp", "rude", address=f"127.0.0.1:{listener(greeting)}", expect="^OK")
        made.start()
        wanted = {"gone": "dns", "closed": "connect", "untrusted": "tls", "cut": "header",
                  "torn": "body", "rude": "assertion"}
        for name, layer in wanted.items():
            seen = made.look(name)
            check(f"{name} is of class {layer}", seen["class"] == layer, seen)
        # The scheduled looks come within the first spread of 15 s.
        for name, layer in wanted.items():
            line = f'leverd_observations_total{{class="{layer}",health="failing",probe="{name}"'
            wait_for(f"{name} in the metrics", lambda at=line: at in made.metrics(), timeout=40)
        check("six classes in the metrics", True)
        ledger = subprocess.run([LEVERD, "why", "service/closed", "--socket", made.socket],
                                capture_output=True, text=True, timeout=30)
        check("the subject is known", ledger.returncode in (0, 1) and "closed" in ledger.stdout,
              ledger)


def tls_faults(check):
    with box() as made:
        stunnel = free_port()
        (made.dir / "stunnel.conf").write_text(
            f"foreground = yes\npid =\n[x]\naccept = 127.0.0.1:{stunnel}\n"
            f"connect = 127.0.0.1:{listener(greeting)}\ncert = good.crt\nkey = good.key\n")
        made.child("stunnel4", "stunnel.conf")
        wait_for("stunnel", lambda: listens(stunnel))

        def tls(name, port, **keys):
            made.probe("tls", name, address=f"127.0.0.1:{port}", **keys)
        good = made.openssl("good")
        tls("good", good)
        tls("by-stunnel", stunnel)
        tls("soon", made.openssl("soon"))
        tls("warned", good, warn_days=120)
        tls("expired", made.openssl("expired"))
        tls("wrong-name", made.openssl("other"))
        tls("self-signed", made.openssl("self"))
        tls("old-protocol", made.openssl("good", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"))
        tls("mute", listener(silent), timeout="1s")
        made.probe("tcp", "mail", address=f"127.0.0.1:{stunnel}", tls=True, expect="^220 ")
        made.start()
        expect(check, made, {
            "good": ("healthy", "ok"), "by-stunnel": ("healthy", "ok"),
            "soon": ("failing", "tls_expires_soon"), "warned": ("degraded", "tls_expires_soon"),
            "expired": ("failing", "tls_expired"), "wrong-name": ("failing", "tls_wrong_name"),
            "self-signed": ("failing", "tls_untrusted"),
            "old-protocol": ("failing", "tls_handshake"), "mute": ("failing", "tls_timeout"),
            "mail": ("healthy", "ok")})
        for name in ("good", "mail"):
            text = made.debug(name)
            check(f"--debug shows the phases of {name}", f"service/{name} in " in text
                  and "(dns 0, connect " in text, text)
        text = made.debug("mute")
        check("--debug shows where the time of a mute one went",
              re.search(r"service/mute in \d+ ms \(dns 0, connect \d+, tls [1-9]\d\d", text), text)


def http_faults(check):
    with box() as made:
        port, secure = free_port(), free_port()
        (made.dir / "nginx.conf").write_text(f'''
daemon off; pid {made.dir}/nginx.pid; error_log stderr;
events {{}}
http {{
  access_log off; client_body_temp_path {made.dir}/t1; proxy_temp_path {made.dir}/t2;
  fastcgi_temp_path {made.dir}/t3; uwsgi_temp_path {made.dir}/t4; scgi_temp_path {made.dir}/t5;
  server {{
    listen 127.0.0.1:{port}; listen 127.0.0.1:{secure} ssl;
    ssl_certificate {made.dir}/good.crt; ssl_certificate_key {made.dir}/good.key;
    default_type application/json;
    location /ok {{ return 200 '{{"status":"ok","queue":{{"depth":7}}}}'; }}
    location /broken {{ return 503 'no'; }}
    location /moved {{ return 302 /ok; }}
    location /closed {{ return 403 'no'; }}
  }}
}}''')
        made.child("nginx", "-p", str(made.dir), "-c", str(made.dir / "nginx.conf"))
        wait_for("nginx", lambda: listens(port))

        def look_at(name, path, **keys):
            made.probe("http", name, url=f"http://127.0.0.1:{port}{path}", **keys)
        look_at("ok", "/ok", body='"status"', json=['/status == "ok"', "/queue/depth < 10"])
        made.probe("http", "secure", url=f"https://127.0.0.1:{secure}/ok")
        look_at("deep", "/ok", json=["/queue/depth < 5"])
        look_at("other", "/ok", body="maintenance")
        look_at("bare", "/ok", require_headers={"x-request-id": ""})
        look_at("broken", "/broken")
        look_at("moved", "/moved")
        look_at("moved-well", "/moved", statuses=[302])
        look_at("closed", "/closed")
        made.probe("http", "slow-header", url=url(listener(silent)), timeout="500ms")
        made.probe("http", "slow-body", url=url(listener(slow_body)), timeout="500ms")
        made.probe("http", "giant", url=url(listener(giant_body)), timeout="10s")
        made.probe("http", "bomb", url=url(listener(bomb)), body="up")
        made.probe("http", "bomb-unread", url=url(listener(bomb)))
        made.start()
        expect(check, made, {
            "ok": ("healthy", "ok"), "secure": ("healthy", "ok"),
            "deep": ("failing", "wrong_value"), "other": ("failing", "wrong_body"),
            "bare": ("failing", "header_missing"), "broken": ("failing", "http_5xx"),
            "moved": ("failing", "http_redirect"), "moved-well": ("healthy", "ok"),
            "closed": ("unknown", "forbidden"), "slow-header": ("failing", "header_timeout"),
            "slow-body": ("failing", "body_timeout"), "giant": ("failing", "body_too_large"),
            "bomb": ("failing", "bad_protocol"), "bomb-unread": ("healthy", "ok")})


def names_and_programs(check):
    with box() as made:
        dns = f"127.0.0.1:{name_server()}"
        for name, host in (("gone", "gone"), ("servfail", "broken"), ("dumb", "silent"),
                           ("right", "here")):
            made.probe("dns", name, host=f"{host}.test", nameserver=dns, answers=["192.0.2.1"])
        made.probe("dns", "wrong", host="here.test", nameserver=dns, answers=["192.0.2.9"])
        made.probe("dns", "absent", host="gone.test", nameserver=dns, absent=True)
        made.probe("command", "fine", command=["/bin/true"])
        made.probe("command", "fails", command=["/bin/sh", "-c", "echo bad; exit 2"])
        made.probe("command", "hangs", command=["/bin/sleep", "60"], timeout="500ms")
        made.start()
        expect(check, made, {
            "gone": ("failing", "dns_not_found"), "servfail": ("failing", "dns_failure"),
            "dumb": ("failing", "dns_timeout"), "right": ("healthy", "ok"),
            "wrong": ("failing", "dns_wrong_answer"), "absent": ("healthy", "ok"),
            "fine": ("healthy", "ok"), "fails": ("failing", "command_failed"),
            "hangs": ("unknown", "command_timeout")})


def prometheus(check):
    with box() as made:
        port = free_port()
        (made.dir / "prometheus.yml").write_text(f'''
global: {{ scrape_interval: 1s }}
scrape_configs:
  - job_name: self
    static_configs: [ {{ targets: ["127.0.0.1:{port}"] }} ]
''')
        made.child("prometheus", f"--config.file={made.dir}/prometheus.yml",
                   f"--storage.tsdb.path={made.dir}/data", f"--web.listen-address=127.0.0.1:{port}")
        base = f"http://127.0.0.1:{port}"
        wait_for("a first scrape", lambda: '"1"' in http(
            "GET", base + "/api/v1/query?query=up")[1], timeout=60)
        for name, query, more in (("up", "up", {"failing": "< 1"}),
                                  ("down", "up - 1", {"failing": "< 1"}),
                                  ("warm", "vector(3)", {"degraded": "> 2", "failing": "> 5"}),
                                  ("none", "no_such_metric", {"failing": "> 0"}),
                                  ("nonsense", "sum(((", {"failing": "> 0"})):
            made.probe("promql", name, url=base, query=query, **more)
        made.probe("promql", "unplugged", url=url(free_port()), query="up", failing="< 1")
        made.start()
        expect(check, made, {
            "up": ("healthy", "ok"), "down": ("failing", "wrong_value"),
            "warm": ("degraded", "wrong_value"), "none": ("unknown", "no_data"),
            "nonsense": ("unknown", "http_4xx"), "unplugged": ("unknown", "connect_refused")})


def heartbeat(check):
    """Awaited, heard by HTTP, missed; and the deadline goes on over a kill."""
    with box() as made:
        made.probe("heartbeat", "backup", deadline="6s", interval="200ms")
        made.start()
        expect(check, made, {"backup": ("unknown", "heartbeat_awaited")})
        begun = time.monotonic()
        status, text = http("POST", f"http://127.0.0.1:{made.port}/events/heartbeat/backup", body={},
                            token=(made.dir / "token").read_text())
        if not check("the call is taken", 200 <= status < 300, (status, text)):
            return
        expect(check, made, {"backup": ("healthy", "ok")})
        time_of_ledger = wait_for("the beat in the ledger", lambda: "heartbeat.backup" in http(
            "GET", f"http://127.0.0.1:{made.port}/api/v1/subjects/service%2Fbackup")[1], timeout=5)
        check("the beat is known to the API", time_of_ledger)
        made.daemon.kill()
        made.daemon.wait(60)
        restarted = datetime.datetime.now(datetime.timezone.utc)
        made.start()
        check("a restart does not ask for another call", made.look("backup")["reason"] == "ok" or
              time.monotonic() - begun > 6, made.look("backup"))
        wait_for("missed", lambda: made.look("backup")["reason"] == "heartbeat_missed")
        said = made.look("backup")["evidence"]
        since = re.search(r"no call since (\S+?),", said)
        check("the deadline counts from the call, not from the start", since is not None and
              datetime.datetime.fromisoformat(since[1].replace("Z", "+00:00")) < restarted, said)


if __name__ == "__main__":
    main([six_classes, tls_faults, http_faults, names_and_programs, prometheus, heartbeat])
