# Why: see registry.sh. docker-registry as Debian ships it, over TLS and with a password; tenants
# and control plane are the sandbox's, so that the proof by a fresh workspace can be had too.
import base64
import contextlib
import hashlib
import json
import re
import secrets
import ssl
import subprocess
import urllib.error
import urllib.request

from stack import free_port, holds_for, main, stack, wait_for

NAME = "molecule-ai/workspace-template-hermes"
TYPE = "application/vnd.docker.distribution.manifest.v2+json"
USER = "leverd"
SOON = [('dwell = "9s"', 'dwell = "1s"')]


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Registry:
    """docker-registry on loopback with a certificate of a throw-away CA."""

    def __init__(self, directory):
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

    def start(self, readonly=False):
        config = {
            "version": "0.1", "log": {"level": "info"},
            "storage": {"filesystem": {"rootdirectory": str(self.dir / "data")},
                        "maintenance": {"readonly": {"enabled": readonly}}},
            "auth": {"htpasswd": {"realm": "test", "path": str(self.dir / "users")}},
            "http": {"addr": f"127.0.0.1:{self.port}",
                     "tls": {"certificate": str(self.dir / "leaf.crt"),
                             "key": str(self.dir / "leaf.key")}}}
        (self.dir / "config.yml").write_text(json.dumps(config))  # JSON is YAML
        with open(self.dir / "log", "ab") as log:
            self.process = subprocess.Popen(
                ["docker-registry", "serve", self.dir / "config.yml"], stdout=log,
                stderr=subprocess.STDOUT)

        def answers():
            with contextlib.suppress(OSError):
                return self.call("GET", "/v2/")[0] == 200
        wait_for("docker-registry", answers)

    def stop(self):
        self.process.terminate()
        self.process.wait(15)

    def call(self, method, path, body=None, kind=None):
        url = path if path.startswith("https:") else self.base + path
        request = urllib.request.Request(url, data=body, method=method)
        login = base64.b64encode(f"{USER}:{self.password}".encode()).decode()
        request.add_header("Authorization", "Basic " + login)
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
        words = ["curl", "-fsS", "--cacert", str(self.ca), "-u", f"{USER}:{self.password}",
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


@contextlib.contextmanager
def watched():
    """A stack whose registry is the real one; leverd is not started yet."""
    with stack(runbook=SOON, leverd=False) as s:
        registry = Registry(s.dir)
        try:
            secret = s.dir / "registry-password"
            secret.touch(0o600)
            secret.write_text(registry.password)
            (s.dir / "both.pem").write_text((s.dir / "ca.pem").read_text()
                                            + registry.ca.read_text())
            text = s.toml.read_text()
            text = re.sub(r"https://registry\.sandbox\.test:\d+", registry.base, text)
            text = re.sub(r"images = \[.*?\]", f'images = ["{NAME}"]', text, flags=re.S)
            text = re.sub(r'receipt = ".*/digests-', 'receipt = "' + str(s.dir / "real-digests-"),
                          text)
            text = text.replace(f'{s.dir}/ca.pem"', f'{s.dir}/both.pem"')
            text = text.replace("/registry-token", "/registry-password")
            s.toml.write_text(text)
            receipt = re.search(r'\nreceipt = "(.*)"', text).group(1)
            good = registry.push("good", "v1")
            assert registry.push("good", "latest") == good
            with open(receipt, "w") as file:
                file.write(f"hermes: {good}\n")
            yield s, registry, good
        finally:
            registry.stop()


def restores(t):
    with watched() as (s, registry, good):
        s.start()
        wait_for("a good look at the image", lambda: s.subjects("image").get(
            "image/" + NAME, {}).get("health") == "healthy", 20)
        t("no drift, no call", registry.puts() == [], registry.puts())
        bad = registry.push("bad", "latest")
        t("the tag moved", registry.digest() == bad != good, (registry.digest(), good))
        intent = s.fired("image/" + NAME)
        outcome = s.outcome(intent["id"])
        t("the registry took it", outcome["kind"] == "accepted", outcome)
        t("by curl: :latest is the receipt's digest again, byte for byte",
          registry.digest() == good, registry.digest())
        s.fault("runtime_provision", tenant="demo", runtime="hermes")
        verdict = s.verdict(intent["id"])
        t("recovered", verdict["kind"] == "recovered", verdict)
        wait_for("no symptom", lambda: not s.symptoms())
        puts = registry.puts()
        t("one PUT, answered 201", len(puts) == 1 and '" 201 ' in puts[0], puts)
        said = (s.dir / "leverd.log").read_text() + json.dumps(s.entries())
        t("the password is nowhere", registry.password not in said
          and base64.b64encode(f"{USER}:{registry.password}".encode()).decode() not in said)


def read_only(t):
    with watched() as (s, registry, good):
        bad = registry.push("bad", "latest")
        registry.stop()
        registry.start(readonly=True)
        s.start()
        intent = s.fired("image/" + NAME)
        outcome = s.outcome(intent["id"])
        t("failed, and says why", outcome["kind"] == "failed" and "405" in outcome["detail"],
          outcome)
        wait_for("a page", lambda: s.pages("image/" + NAME))
        again = holds_for(8, lambda: len(registry.puts()) <= 1, every=0.5)
        t("it does not try again", again is None and len(s.intents("image/" + NAME)) == 1,
          (registry.puts(), s.intents("image/" + NAME)))
        t("the call was real", len(registry.puts()) == 1 and '" 405 ' in registry.puts()[0],
          registry.puts())
        t("by curl: the tag is untouched", registry.digest() == bad != good, registry.digest())


if __name__ == "__main__":
    main([restores, read_only])
