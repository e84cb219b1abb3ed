"""Why: the thing that is probed, one nginx on loopback with one port per way of connecting. Its own
counters say how many requests and connections really came."""
import json
import os
import re
import subprocess

from process import Process, free_port, http_get, wait_for

WORKSPACE = ('[{"id":"6f1c2f3e-8a1b-4c6d-9e2f-0123456789ab","name":"w","runtime":"claude-code",'
             '"status":"online"}]')
SERVERS = ("http_keep", "http_close", "tls_full", "tls_resume", "tls_keep")


def make_certificates(where):
    """A P-256 CA and a P-256 leaf for the loopback address and a thousand names."""
    def openssl(*argv):
        done = subprocess.run(["openssl", *argv], cwd=where, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"openssl {argv[0]}: {done.stderr[-500:]}")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=bench CA")
    openssl("req", *key, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=bench")
    with open(os.path.join(where, "leaf.ext"), "w", encoding="ascii") as ext:
        ext.write("subjectAltName=IP:127.0.0.1,DNS:*.bench.localhost\n")
    openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", "leaf.ext", "-out", "leaf.pem")


def server(port, *lines):
    body = "\n    ".join(lines)
    return f"""
  server {{
    listen 127.0.0.1:{port}{' ssl' if any('ssl_' in x for x in lines) else ''} backlog=4096;
    {body}
    location ~ /workspaces$ {{ return 200 '{WORKSPACE}'; }}
    location / {{ return 200 '{{"status":"ok"}}'; }}
  }}"""


class Target:
    def __init__(self, where, targets):
        self.where = where
        self.port = {name: free_port() for name in SERVERS + ("status", "control_plane")}
        make_certificates(where)
        orgs = [{"id": f"00000000-0000-4000-8000-{i:012d}", "slug": slug(i),
                 "instance_status": "running"} for i in range(targets)]
        with open(os.path.join(where, "orgs.json"), "w", encoding="ascii") as out:
            json.dump({"orgs": orgs}, out)
        config = os.path.join(where, "nginx.conf")
        with open(config, "w", encoding="ascii") as out:
            out.write(self.config_text())
        self.process = Process(["nginx", "-p", where, "-c", config, "-e",
                                os.path.join(where, "error.log")], os.path.join(where, "nginx.out"))
        try:
            wait_for("nginx", lambda: http_get(self.port["status"], "/")[0] == 200)
        except RuntimeError:
            self.process.stop()
            raise RuntimeError(f"nginx did not start: {self.process.tail()}") from None

    def config_text(self):
        port = self.port
        keep = ("keepalive_timeout 300s;", "keepalive_requests 1000000000;")
        tls = (f"ssl_certificate {self.where}/leaf.pem;",
               f"ssl_certificate_key {self.where}/leaf.key;",
               "ssl_protocols TLSv1.2 TLSv1.3;", "ssl_session_cache off;")
        logged = f"access_log {self.where}/%s.log reuse buffer=64k flush=100ms;"
        servers = [
            server(port["http_keep"], *keep),
            server(port["http_close"], "keepalive_timeout 0;"),
            server(port["tls_full"], *tls, "keepalive_timeout 0;", "ssl_session_tickets off;",
                   logged % "tls_full"),
            server(port["tls_resume"], *tls, "keepalive_timeout 0;", "ssl_session_tickets on;",
                   logged % "tls_resume"),
            server(port["tls_keep"], *tls, *keep, "ssl_session_tickets on;"),
        ]
        return f"""
daemon off;
worker_processes 1;
worker_rlimit_nofile 8192;
pid {self.where}/nginx.pid;
error_log {self.where}/error.log error;
events {{ worker_connections 4000; }}
http {{
  access_log off;
  log_format reuse '$ssl_session_reused';
  default_type application/json;
  client_body_temp_path {self.where}/t1; proxy_temp_path {self.where}/t2;
  fastcgi_temp_path {self.where}/t3; uwsgi_temp_path {self.where}/t4;
  scgi_temp_path {self.where}/t5;
  {''.join(servers)}
  server {{
    listen 127.0.0.1:{port["status"]};
    location / {{ stub_status; }}
  }}
  server {{
    listen 127.0.0.1:{port["control_plane"]};
    location = /cp/admin/orgs {{ alias {self.where}/orgs.json; }}
    location ~ /admin-token$ {{ return 200 '{{"admin_token":"bench-token-of-a-tenant"}}'; }}
    location / {{ return 200 '{{"status":"ok"}}'; }}
  }}
}}
"""

    def counts(self):
        """Connections accepted and requests served, this question included."""
        numbers = re.search(r"\n\s*(\d+)\s+(\d+)\s+(\d+)\s*\n",
                            http_get(self.port["status"], "/")[1])
        return int(numbers.group(1)), int(numbers.group(3))

    def log_size(self, name):
        path = os.path.join(self.where, name + ".log")
        return os.path.getsize(path) if os.path.exists(path) else 0

    def resumed_share(self, name, since):
        """Of the handshakes that nginx logged since then, how many were resumptions."""
        with open(os.path.join(self.where, name + ".log"), encoding="ascii") as log:
            log.seek(since)
            marks = log.read().split("\n")
        resumed, full = marks.count("r"), marks.count(".")
        return resumed / max(1, resumed + full)

    def stop(self):
        self.process.stop()


def slug(i):
    return f"t{i:04d}"
