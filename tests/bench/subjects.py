"""Why: the programs that probe, each set up as it ships apart from what the case needs, and each
with the same thousand targets."""
import json
import os
import shutil
import time
from urllib.parse import quote

from process import Process, free_port, http_get, wait_for
from target import slug


class Leverd:
    """`case` says which targets and which probe kind; everything else is the default."""

    def __init__(self, binary, shipped, where, target, case, targets):
        self.port = free_port()
        os.makedirs(os.path.join(where, "state"))
        for name in ("runbook.toml", "policies.toml"):
            shutil.copy(os.path.join(shipped, name), where)
        config = os.path.join(where, "leverd.toml")
        with open(config, "w", encoding="ascii") as out:
            out.write(self.config_text(where, target, case, targets))
        environment = dict(os.environ, BENCH_TOKEN="bench-token-of-the-control-plane")
        begun = time.monotonic()
        self.process = Process([binary, "run", "--config", config],
                               os.path.join(where, "leverd.log"), environment)
        try:
            wait_for("ready", lambda: self.is_ready())
        except RuntimeError:
            self.process.stop()
            raise RuntimeError(f"leverd is not ready: {self.process.tail()}") from None
        self.ready_ms = (time.monotonic() - begun) * 1000

    def is_ready(self):
        self.process.check_alive()
        return http_get(self.port, "/-/ready")[0] == 200

    def config_text(self, where, target, case, targets):
        scheme = "http" if case["server"].startswith("http") else "https"
        port = target.port[case["server"]]
        names = case["hosts"] == "many"
        text = (f'include = ["runbook.toml", "policies.toml"]\n[daemon]\n'
                f'state_directory = "{where}/state"\nsocket = "{where}/s"\n'
                f'listen = "127.0.0.1:{self.port}"\n'
                f'[net]\nca_file = "{target.where}/ca.pem"\n'
                f'[stack.control_plane]\nurl = "http://127.0.0.1:{target.port["control_plane"]}"\n'
                f'admin_token = "cp"\norgs_path = "/cp/admin/orgs?limit=100000"\n'
                f'[secrets]\ncp = {{ environment = "BENCH_TOKEN" }}\n')
        if case["kind"] == "reference":
            host = "{}.bench.localhost" if names else "127.0.0.1"
            urls = [f"{scheme}://{host.format(slug(i))}:{port}/{slug(i)}" for i in range(targets)]
            return (text + f"[observer]\nreferences = {json.dumps(urls)}\nquorum = 1\n"
                    + probe("reference", "1s", "5s"))
        url = (f"{scheme}://{{slug}}.bench.localhost:{port}" if names
               else f"{scheme}://127.0.0.1:{port}/{{slug}}")
        return (text + f'[tenants]\nurl = "{url}"\nrequests_per_minute = 6000\n'
                + probe("control_plane", "60s", "10s") + probe("workspace_status", "1s", "5s"))

    def scrape(self):
        return http_get(self.port, "/metrics")[1]

    def not_healthy(self):
        """Looks that did not end healthy, by reason: a failed probe is a cheap one."""
        found = {}
        for line in self.scrape().splitlines():
            is_look = 'probe="reference"' in line or 'probe="workspace_status"' in line
            if line.startswith("leverd_observations_total{") and is_look:
                if 'health="healthy"' not in line:
                    labels, value = line.rsplit(" ", 1)
                    found[labels.partition('reason="')[2].split('"')[0]] = float(value)
        return found

    def load(self, _seconds):
        return None  # it has a schedule of its own

    def processes(self):
        return [self.process]

    def stop(self):
        self.process.stop()


def probe(kind, interval, timeout):
    return (f'[[probe]]\nkind = "{kind}"\ninterval = "{interval}"\nretry = "1s"\n'
            f'timeout = "{timeout}"\n')


def start_blackbox(where, target):
    """The exporter as packaged with a module for each scheme; its port and process."""
    config = os.path.join(where, "blackbox.yml")
    port = free_port()
    with open(config, "w", encoding="ascii") as out:
        json.dump({"modules": {"bench": {"prober": "http", "timeout": "5s", "http": {
            "preferred_ip_protocol": "ip4",
            "tls_config": {"ca_file": f"{target.where}/ca.pem"}}}}}, out)
    process = Process(["prometheus-blackbox-exporter", "--config.file", config,
                       "--web.listen-address", f"127.0.0.1:{port}"],
                      os.path.join(where, "blackbox.log"))
    wait_for("blackbox", lambda: http_get(port, "/-/healthy")[0] == 200)
    return port, process


class Blackbox:
    """Driven by wrk as fast as it goes, which is where a probe costs it least."""

    def __init__(self, where, target, case):
        scheme = "http" if case["server"].startswith("http") else "https"
        url = f"{scheme}://127.0.0.1:{target.port[case['server']]}/x"
        self.where = where
        self.port, self.process = start_blackbox(where, target)
        self.path = f"/probe?module=bench&target={quote(url, safe='')}"
        if "\nprobe_success 1\n" not in http_get(self.port, self.path)[1]:
            self.stop()
            raise RuntimeError("blackbox: the probe does not succeed")

    def load(self, seconds):
        return Process(["wrk", "-t1", "-c8", f"-d{seconds}s",
                        f"http://127.0.0.1:{self.port}{self.path}"],
                       os.path.join(self.where, "wrk.log"))

    def scrape(self):
        return http_get(self.port, "/metrics")[1]

    def not_healthy(self):
        good = "\nprobe_success 1\n" in http_get(self.port, self.path)[1]
        return {} if good else {"probe_success 0": 1.0}

    def processes(self):
        return [self.process]

    def stop(self):
        self.process.stop()


class PrometheusPair:
    """Prometheus with its schedule and state, and blackbox, which it needs to probe."""

    def __init__(self, where, target, case, targets):
        scheme = "http" if case["server"].startswith("http") else "https"
        base = f"{scheme}://127.0.0.1:{target.port[case['server']]}"
        bb_port, self.blackbox = start_blackbox(where, target)
        self.port = free_port()
        config = os.path.join(where, "prometheus.yml")
        down = {"alert": "Down", "expr": "probe_success == 0", "for": "15s"}
        with open(os.path.join(where, "rules.yml"), "w", encoding="ascii") as out:
            json.dump({"groups": [{"name": "bench", "rules": [down]}]}, out)
        with open(config, "w", encoding="ascii") as out:
            json.dump({
                "global": {"scrape_interval": "1s", "scrape_timeout": "1s",
                           "evaluation_interval": "1s"},
                "rule_files": ["rules.yml"],
                "scrape_configs": [{
                    "job_name": "bench", "metrics_path": "/probe", "params": {"module": ["bench"]},
                    "static_configs": [{"targets": [f"{base}/{slug(i)}" for i in range(targets)]}],
                    "relabel_configs": [
                        {"source_labels": ["__address__"], "target_label": "__param_target"},
                        {"source_labels": ["__param_target"], "target_label": "instance"},
                        {"target_label": "__address__", "replacement": f"127.0.0.1:{bb_port}"},
                    ]}]}, out)
        self.prometheus = Process(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={where}/tsdb",
             f"--web.listen-address=127.0.0.1:{self.port}"], os.path.join(where, "prometheus.log"))
        wait_for("prometheus", lambda: http_get(self.port, "/-/ready")[0] == 200)

    def not_healthy(self):
        body = http_get(self.port, "/api/v1/query?query=count(probe_success==0)")[1]
        rows = json.loads(body)["data"]["result"]
        return {"probe_success 0": float(rows[0]["value"][1])} if rows else {}

    def load(self, _seconds):
        return None

    def scrape(self):
        return ""

    def processes(self):
        return [self.prometheus, self.blackbox]

    def stop(self):
        self.prometheus.stop()
        self.blackbox.stop()
