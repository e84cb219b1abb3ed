# Why: docker-registry as Debian ships it, over TLS and with a password, with what stands around a
# registry in production: a token server, a mirror that has lost its origin, and other people.
import base64
import contextlib
import hashlib
import http.server as http_server
import json
import re
import secrets
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from stack import free_port, http, wait_for

NAME = "molecule-ai/workspace-template-hermes"
TYPE = "application/vnd.docker.distribution.manifest.v2+json"
USER = "leverd"


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def https(registry, handle):
    """(address, server): a TLS server on loopback that answers by `handle`."""
    class Handler(http_server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            length = int(self.headers.get("Content-Length") or 0)
            status, headers, body = handle(self.command, self.path, self.headers,
                                           self.rfile.read(length))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "Content-Length" not in headers:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_PUT = do_POST = answer

        def log_message(self, *words):
            pass
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(registry.dir / "leaf.crt", registry.dir / "leaf.key")
    server = http_server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"https://127.0.0.1:{server.server_address[1]}", server


class TokenServer:
    """Gives out what is both asked for and allowed, and never fails for asking too much."""

    def __init__(self, registry):
        self.registry = registry
        self.allowed = {"pull", "push"}
        self.given = []  # (scope, token)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                        "token.key", "-out", "token.crt", "-subj", "/CN=tokens", "-days", "2"],
                       cwd=registry.dir, check=True, capture_output=True)
        self.certificate = base64.b64encode(subprocess.run(
            ["openssl", "x509", "-in", "token.crt", "-outform", "DER"], cwd=registry.dir,
            check=True, capture_output=True).stdout).decode()
        self.base, self.server = https(registry, self.handle)
        self.auth = {"token": {"realm": self.base + "/token", "service": "the registry",
                               "issuer": "tests", "rootcertbundle": str(
                                   registry.dir / "token.crt")}}

    def token(self, repository, actions):
        now = int(time.time())
        claims = {"iss": "tests", "sub": USER, "aud": "the registry", "exp": now + 300,
                  "nbf": now - 5, "iat": now, "jti": secrets.token_hex(8),
                  "access": [{"type": "repository", "name": repository, "actions": actions}]}
        signed = b".".join(url64(json.dumps(part).encode()) for part in (
            {"typ": "JWT", "alg": "RS256", "x5c": [self.certificate]}, claims))
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", "token.key"],
                                   cwd=self.registry.dir, input=signed, check=True,
                                   capture_output=True).stdout
        return (signed + b"." + url64(signature)).decode()

    def own(self):
        return "Bearer " + self.token(NAME, ["pull", "push"])

    def handle(self, method, path, headers, body):
        if headers.get("Authorization") != "Basic " + self.registry.login():
            return 401, {}, b"{}"
        query = urllib.parse.parse_qs(urllib.parse.urlparse(path).query)
        scope = query.get("scope", ["::"])[0]
        _, repository, actions = scope.rsplit(":", 2)
        token = self.token(repository, sorted(set(actions.split(",")) & self.allowed))
        self.given.append((scope, token))
        return 200, {"Content-Type": "application/json"}, json.dumps({"token": token}).encode()


class Front:
    """What leverd talks to instead of the registry: reads may come from a mirror, and `before` and
    `after` may do something to the registry around one call."""

    def __init__(self, registry, mirror=None):
        self.registry, self.mirror = registry, mirror
        self.before = self.after = lambda method, path: None
        self.base, self.server = https(registry, self.handle)

    def handle(self, method, path, headers, body):
        self.before(method, path)
        read = method in ("GET", "HEAD") and "/manifests/" in path
        home = self.mirror if self.mirror and read else self.registry.base
        request = urllib.request.Request(home + path, data=body or None, method=method)
        for name in ("Accept", "Authorization", "Content-Type", "User-Agent"):
            if headers.get(name):
                request.add_header(name, headers[name])
        context = self.registry.context if home.startswith("https") else None
        try:
            with urllib.request.urlopen(request, timeout=10, context=context) as answer:
                seen = answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as answer:
            seen = answer.code, dict(answer.headers), answer.read()
        self.after(method, path)
        return seen


class Registry:
    """docker-registry on loopback with a certificate of a throw-away CA."""

    def __init__(self, directory, tokens=False):
        self.dir = directory / "registry"
        self.dir.mkdir()
        self.port = free_port()
        self.base = f"https://127.0.0.1:{self.port}"
        self.password = secrets.token_hex(24)
        self.ca = self.dir / "ca.crt"
        self.process = None
        self._make_certificates()
        users = subprocess.run(["htpasswd", "-Bbni", USER], input=self.password, text=True,
                               capture_output=True)
        if users.returncode != 0:
            users = subprocess.run(["htpasswd", "-Bbn", USER, self.password], text=True,
                                   capture_output=True, check=True)
        (self.dir / "users").write_text(users.stdout)
        self.context = ssl.create_default_context(cafile=self.ca)
        self.tokens = TokenServer(self) if tokens else None
        self.mirror = None
        self.start()

    def _make_certificates(self):
        def openssl(*words):
            subprocess.run(["openssl", *words], cwd=self.dir, check=True, capture_output=True)
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.crt", "-days", "2",
                "-subj", "/CN=integration test CA")
        openssl("req", *curve, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=registry")
        (self.dir / "san").write_text("subjectAltName=IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                "-CAcreateserial", "-out", "leaf.crt", "-days", "2", "-extfile", "san")

    def serve(self, name, config):
        (self.dir / name).write_text(json.dumps(config))  # JSON is YAML
        with open(self.dir / "log", "ab") as log:
            return subprocess.Popen(["docker-registry", "serve", self.dir / name], stdout=log,
                                    stderr=subprocess.STDOUT)

    def start(self, readonly=False):
        config = {
            "version": "0.1", "log": {"level": "info"},
            "storage": {"filesystem": {"rootdirectory": str(self.dir / "data")},
                        "maintenance": {"readonly": {"enabled": readonly}}},
            "auth": self.tokens.auth if self.tokens else
            {"htpasswd": {"realm": "test", "path": str(self.dir / "users")}},
            "http": {"addr": f"127.0.0.1:{self.port}",
                     "tls": {"certificate": str(self.dir / "leaf.crt"),
                             "key": str(self.dir / "leaf.key")}}}
        self.process = self.serve("config.yml", config)

        def answers():
            with contextlib.suppress(OSError):
                return self.call("GET", "/v2/")[0] == 200
        wait_for("docker-registry", answers)

    def stop(self):
        for process in (self.process, *(self.mirror or ())):
            if process.poll() is None:
                process.terminate()
                process.wait(15)

    def start_mirror(self):
        """A pull-through cache that has seen `latest` and has then lost its origin; its address."""
        ends = []
        for name, more in (("origin", {"storage": {"filesystem": {"rootdirectory": str(
                self.dir / "data")}}}), ("mirror", {"storage": {"filesystem": {"rootdirectory": str(
                    self.dir / "cache")}}})):
            port = free_port()
            config = dict(more, version="0.1", log={"level": "error"},
                          http={"addr": f"127.0.0.1:{port}"})
            if ends:
                config["proxy"] = {"remoteurl": ends[0][0]}
            ends.append((f"http://127.0.0.1:{port}", self.serve(name + ".yml", config)))
            wait_for(name, lambda: http("GET", ends[-1][0] + "/v2/")[0] == 200)
        self.mirror = [process for _, process in ends]
        for tag in ("v1", "latest"):
            seen = http("GET", f"{ends[1][0]}/v2/{NAME}/manifests/{tag}", headers={"Accept": TYPE})
            assert seen[0] == 200, seen
        self.mirror[0].terminate()
        self.mirror[0].wait(15)
        return ends[1][0]

    def login(self):
        return base64.b64encode(f"{USER}:{self.password}".encode()).decode()

    def call(self, method, path, body=None, kind=None):
        url = path if path.startswith("https:") else self.base + path
        request = urllib.request.Request(url, data=body, method=method)
        request.add_header("Authorization", self.tokens.own() if self.tokens else
                           "Basic " + self.login())
        request.add_header("Content-Type", kind or "application/octet-stream")
        try:
            with urllib.request.urlopen(request, timeout=10, context=self.context) as answer:
                return answer.status, answer.headers
        except urllib.error.HTTPError as answer:
            return answer.code, answer.headers

    def blob(self, data):
        _, headers = self.call("POST", f"/v2/{NAME}/blobs/uploads/", b"")
        place = headers["Location"]
        status, _ = self.call("PUT", f"{place}&digest={sha(data)}", data)
        assert status == 201, status
        return {"size": len(data), "digest": sha(data)}

    def push(self, word, tag):
        config = self.blob(json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                                       "word": word}).encode())
        layer = self.blob(word.encode() * 100)
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": TYPE,
            "config": dict(config, mediaType="application/vnd.docker.container.image.v1+json"),
            "layers": [dict(layer,
                            mediaType="application/vnd.docker.image.rootfs.diff.tar.gzip")],
        }, indent=3).encode()  # bytes that nobody makes again by chance
        status, _ = self.call("PUT", f"/v2/{NAME}/manifests/{tag}", manifest, TYPE)
        assert status == 201, status
        return sha(manifest)

    def digest(self, tag="latest"):
        """By curl: the header, and the bytes themselves."""
        words = ["curl", "-fsS", "--cacert", str(self.ca), "-H", "Authorization: " + (
            self.tokens.own() if self.tokens else "Basic " + self.login()),
                 "-H", f"Accept: {TYPE}", f"{self.base}/v2/{NAME}/manifests/{tag}"]
        head = subprocess.run([*words, "-I"], capture_output=True, text=True, check=True).stdout
        named = re.search(r"(?i)docker-content-digest: (\S+)", head).group(1)
        bytes_of = sha(subprocess.run(words, capture_output=True, check=True).stdout)
        assert named == bytes_of, (named, bytes_of)
        return named

    def puts(self):
        """Manifest PUTs by leverd in the access log."""
        lines = (self.dir / "log").read_text(errors="replace").splitlines()
        return [line for line in lines if f'"PUT /v2/{NAME}/manifests/' in line
                and '"leverd' in line]
