# Why: see faces.sh. A Prometheus with the shipped rules scrapes leverd while faults play; then the
# page of metrics, the ledger, the API and the command line are held against one another.
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.parse

from stack import LEVERD, ROOT, free_port, http, main, stack, wait_for

RULES = ROOT / "exporters" / "prometheus" / "leverd.rules.yml"
HERMES = "molecule-ai/workspace-template-hermes"
SOON = [('dwell = "9s"', 'dwell = "1s"')]


class Prometheus:
    def __init__(self, s):
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        config = s.dir / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
            f"rule_files: ['{RULES}']\n"
            "scrape_configs:\n  - job_name: leverd\n    static_configs:\n"
            f"      - targets: ['127.0.0.1:{s.port}']\n")
        with open(s.dir / "prometheus.log", "wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={s.dir}/tsdb",
                 f"--web.listen-address=127.0.0.1:{self.port}"], stdout=log,
                stderr=subprocess.STDOUT)
        wait_for("Prometheus", lambda: http("GET", self.base + "/-/ready")[0] == 200)

    def query(self, expr):
        status, text = http("GET", self.base + "/api/v1/query?"
                            + urllib.parse.urlencode({"query": expr}))
        return json.loads(text)["data"]["result"] if status == 200 else []

    def close(self):
        self.process.terminate()
        self.process.wait(15)


def play(t, s):
    """A fault of each kind that a panel speaks of, each brought to its end."""
    s.fault("tenant_down", tenant="acme", how="refuse")
    s.fault("registry_push", repository=HERMES, tag="latest", bad=True)
    s.fault("wedge_workspace", tenant="wonka", runtime="openclaw", form="agent_error")
    redeploy = s.fired("tenant/acme")
    s.verdict(redeploy["id"])
    rollback = s.fired("image/" + HERMES)
    s.outcome(rollback["id"])
    s.fault("runtime_provision", tenant="demo", runtime="hermes")
    s.fault("canvas", mode="chunk_404")
    s.decided("canvas-crashes", "recommend")
    s.fault("canvas", mode="ok")
    s.decided("workspace-always-errors", "recommend", timeout=60)
    s.fault("heal_workspace", tenant="wonka", runtime="openclaw")
    s.verdict(rollback["id"])
    wait_for("no incident but those that wait for a person", lambda: not s.symptoms(), 60)


def still(s):
    """The ledger's decisions, when metrics and ledger agree that nothing is on its way."""
    before = len(s.entries("decision"))
    counted = sum(value for name, value in s.metrics().items()
                  if name.startswith("leverd_decisions_total"))
    by_kind = s.metrics().get('leverd_ledger_entries_total{kind="decision"}')
    same = before == len(s.entries("decision")) == counted == by_kind
    return (before, counted, by_kind) if same else None


def decisions_by_api(s):
    """Every decision entry of the ledger as the API pages it out."""
    found, after = [], 0
    while True:
        page = s.api(f"/api/v1/ledger?after={after}&limit=500")["entries"]
        if not page:
            return found
        found += [e for e in page if e["kind"] == "decision"]
        after = page[-1]["sequence"]


def counts_agree(t, s):
    counts = wait_for("the metric and the ledger to agree", lambda: still(s), 10)
    by_api = decisions_by_api(s)
    t("decisions: metric, ledger and API agree", counts[0] == len(by_api) and counts[0] >= 6,
      (counts, len(by_api)))
    for kind in ("intent", "outcome", "verdict", "symptom_raised"):
        metric = s.metrics().get(f'leverd_ledger_entries_total{{kind="{kind}"}}')
        t(f"{kind}: metric and ledger agree", metric == len(s.entries(kind)) > 0,
          (metric, len(s.entries(kind))))
    incidents = {e["incident"] for e in s.entries("decision")}
    shown = {d["incident"] for d in s.decisions()}
    t("the API shows the newest decision of each incident", shown == incidents, (shown, incidents))


def explained(t, s):
    newest = {}
    for entry in s.entries("decision"):
        newest.setdefault(entry["subject"], set()).add((entry["reason"], entry["id"]))
    t("decisions on several subjects", len(newest) >= 4, list(newest))
    for subject, made in newest.items():
        done = s.cli("why", subject)
        missing = [pair for pair in made if pair[0] not in done.stdout
                   and pair[0].replace("_", " ") not in done.stdout]
        t(f"why {subject} exits 0 and names every reason", done.returncode == 0 and not missing,
          (done.returncode, missing, done.stdout, done.stderr))
        absent = [pair for pair in made if pair[1] not in done.stdout]
        t(f"why {subject} names every decision", not absent, (absent, done.stdout))


def live(t):
    with stack(runbook=SOON) as s:
        prometheus = Prometheus(s)
        try:
            s.all_seen()
            play(t, s)
            checked = subprocess.run(["promtool", "check", "metrics"], text=True,
                                     input=http("GET", s.base + "/metrics")[1],
                                     capture_output=True)
            t("promtool has nothing to say about /metrics",
              checked.returncode == 0 and not (checked.stdout + checked.stderr).strip(),
              checked.stdout + checked.stderr)
            counts_agree(t, s)
            explained(t, s)
            up = prometheus.query('up{job="leverd"}')
            t("Prometheus scrapes leverd", up and up[0]["value"][1] == "1", up)
            rules = json.loads(http("GET", prometheus.base + "/api/v1/rules")[1])["data"]["groups"]
            states = [(r["name"], r["health"], r.get("lastError")) for g in rules
                      for r in g["rules"]]
            t("every shipped rule is evaluated",
              len(states) >= 5 and all(h == "ok" for _, h, _ in states), states)
            seen = prometheus.query("count(max_over_time(leverd_symptom_active[5m]) > 0)")
            t("Prometheus saw a symptom between two scrapes", seen and float(seen[0]["value"][1]) >= 1,
              seen)
            board = subprocess.run([sys.executable, "-B",
                                    pathlib.Path(__file__).parent / "dashboard_check.py",
                                    "--prometheus", prometheus.base], capture_output=True,
                                   text=True, timeout=90)
            t("every expression of the dashboard has data", board.returncode == 0,
              board.stdout + board.stderr)
        finally:
            prometheus.close()


def steering(t):
    """Vetoes and the stop switch with an end, by the command line alone."""
    with stack(runbook=SOON) as s:
        s.all_seen()
        done = s.cli("veto", "tenant/acme", "--for", "1h", "--why", "on stage")
        t("veto: 0, names itself and its end", done.returncode == 0 and "veto v-1" in done.stdout
          and "until" in done.stdout, done)
        s.fault("tenant_down", tenant="acme", how="refuse")
        held = wait_for("the veto to hold the redeploy", lambda: [
            d for d in s.decisions() if d["subject"] == "tenant/acme" and d["reason"] == "veto"], 60)
        guard = [g for g in held[0]["guards"] if not g["pass"]][0]
        t("the veto is the guard that holds, with its reason", "on stage" in guard["text"], guard)
        t("nothing was sent", not s.redeploys("acme"), s.redeploys("acme"))
        shown = s.cli("why", "tenant/acme").stdout
        t("why names the veto", "veto" in shown and "on stage" in shown, shown)
        for words in (["vetoes"], ["status"]):
            shown = s.cli(*words).stdout
            t(f"{words[0]} shows it", "v-1" in shown and "on stage" in shown, shown)
        t("it is a metric", s.metrics().get("leverd_veto_active") == 1, s.metrics())
        who = s.entries("veto")[-1]["who"]
        t("the ledger names the person of the socket", who not in ("", "token", "leverd"), who)
        s.kill9()
        s.start()
        t("it survives kill -9", "v-1" in s.cli("vetoes").stdout, s.cli("vetoes"))
        t("not over TCP without the token",
          http("DELETE", s.base + "/api/v1/vetoes/v-1", {"why": "x"})[0] in (401, 403))
        done = s.cli("unveto", "v-1", "--why", "over")
        t("unveto: 0", done.returncode == 0 and "lifted v-1" in done.stdout, done)
        s.verdict(s.fired("tenant/acme", 60)["id"])
        t("once lifted, the lever fires once", len(s.redeploys("acme")) == 1, s.redeploys("acme"))
        done = s.cli("stop", "--for", "2s", "--why", "drill")
        t("stop --for: 0, with its end", done.returncode == 0 and "until" in done.stdout, done)
        t("its end is a metric",
          s.metrics().get("leverd_stop_switch_until_timestamp_seconds", 0) > 0)
        wait_for("the stop switch to lift itself",
                 lambda: s.metrics().get("leverd_stop_switch") == 0, 15)
        lifted = s.entries("stop")[-1]
        t("leverd lifted it", not lifted["stopped"] and lifted["who"] == "leverd", lifted)
        s.cli("veto", "*", "--for", "1s", "--why", "short")
        wait_for("a veto to end by itself", lambda: s.cli("vetoes").stdout == "no vetoes\n", 15)
        done = s.cli("autonomy")
        t("autonomy: 0, and the recovery is in the record",
          done.returncode == 0 and "1 of 1" in done.stdout, done)
        for words in (["veto", "tenant/acme", "--why", "x"],
                      ["veto", "tenant/acme", "--for", "1h"],
                      ["veto", "tenant/acme", "--for", "soon", "--why", "x"],
                      ["veto", "tenant/acme", "--for", "1h", "--why", "x", "--lever", "no-lever"],
                      ["unveto", "v-1"], ["stop", "--for", "soon", "--why", "x"]):
            done = s.cli(*words)
            t(f"{' '.join(words)}: 64", done.returncode == 64 and done.stderr, done)
        t("nothing was set by those", s.cli("vetoes").stdout == "no vetoes\n"
          and s.metrics().get("leverd_stop_switch") == 0)


def run(*words):
    return subprocess.run([str(LEVERD), *map(str, words)], capture_output=True, text=True,
                          timeout=30)


def exit_codes(t):
    with tempfile.TemporaryDirectory(prefix="leverd-it.") as name:
        here = pathlib.Path(name)
        nobody = ["--socket", here / "none.sock"]
        for words in (["status"], ["incidents"], ["why", "tenant/acme"], ["stop", "--why", "x"],
                      ["approve", "d-1", "--why", "x"], ["vetoes"], ["autonomy"],
                      ["veto", "*", "--for", "1h", "--why", "x"], ["unveto", "v-1", "--why", "x"]):
            done = run(*words, *nobody)
            t(f"{words[0]} without a daemon: 6, and says so",
              done.returncode == 6 and "none.sock" in done.stderr, done)
        for words in ([], ["frobnicate"], ["why"], ["run", "--nope"], ["ledger"]):
            done = run(*words)
            t(f"{' '.join(words) or 'no verb'}: 64", done.returncode == 64, done)
        done = run("approve", "d-1", *nobody)
        t("approve without a reason: 64", done.returncode == 64, done)
        for words in (["version"], ["--help"], ["--version"]):
            done = run(*words)
            t(f"{words[0]}: 0", done.returncode == 0 and done.stdout, done)
        bad = here / "bad.toml"
        bad.write_text('[daemon]\nstate_directry = "x"\nlisten = 5\n')
        for verb in ("check", "run"):
            done = run(verb, "--config", bad)
            lines = done.stderr.splitlines()
            carets = [line for line in lines if re.fullmatch(r"\s*\^+~*", line)]
            t(f"{verb} of a bad config: 78, with carets",
              done.returncode == 78 and len(carets) >= 2 and f"{bad}:2:1" in done.stderr
              and "did you mean 'state_directory'" in done.stderr, done)
        done = run("check", "--config", here / "absent.toml")
        t("check of no config: 78", done.returncode == 78, done)
        done = run("ledger", "verify", "--state", here / "absent")
        t("verify of no ledger: not 0", done.returncode not in (0, -6, -11), done)
    with stack() as s:
        for words in (["status"], ["incidents"], ["status", "--json"], ["incidents", "--json"]):
            done = s.cli(*words)
            t(f"{' '.join(words)}: 0", done.returncode == 0 and done.stdout, done)
        done = run("check", "--config", s.toml)
        t("check of a good config: 0", done.returncode == 0 and "ok:" in done.stdout, done)
        done = s.cli("why", "tenant/nobody")
        t("why of an unknown subject: 1", done.returncode == 1, done)
        done = s.cli("approve", "d-999", "--why", "x")
        t("approve of no decision: not 0", done.returncode in (1, 4) and done.stderr, done)
        done = s.cli("probe", "canvas")
        t("probe canvas: 0", done.returncode == 0 and "healthy" in done.stdout, done)


if __name__ == "__main__":
    main([live, steering, exit_codes])
