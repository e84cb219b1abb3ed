#!/usr/bin/env python3
# Why: a dashboard breaks silently: a renamed metric is just an empty panel. Without arguments this
# checks the shipped dashboard and alerts as they lie in the tree; with the address of a Prometheus
# that scrapes a leverd it also asks for every expression and names those without data.
#
# usage: dashboard_check.py [--prometheus http://127.0.0.1:9090] [--allow-empty N]
import argparse
import importlib.util
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
GRAFANA = ROOT / "exporters" / "grafana"
PROMETHEUS = ROOT / "exporters" / "prometheus"
UNITS = {"none", "short", "s", "bytes", "percentunit", "ops"}
VARIABLES = {"$__rate_interval": "1m", "$__range": "1h", "$job": ".+", "$instance": ".+"}
HISTOGRAM_SUFFIX = re.compile(r"_(bucket|sum|count)$")


def expanded(expr):
    for name, value in VARIABLES.items():
        expr = expr.replace(name, value)
    return expr


def metrics_in(expr):
    return set(re.findall(r"\b(?:leverd|process)_[a-z0-9_]+", expr))


def metrics_in_code():
    text = "".join(p.read_text() for p in sorted(PROMETHEUS.glob("*.cpp")))
    return set(re.findall(r'"((?:leverd|process)_[a-z0-9_]+)"', text))


def unknown_metrics(expr, known):
    return [m for m in sorted(metrics_in(expr))
            if m not in known and HISTOGRAM_SUFFIX.sub("", m) not in known]


def queries(board):
    for panel in board.get("panels", []):
        for target in panel.get("targets", []):
            yield panel, target.get("expr", "")


def lint_frame(board):
    problems = []
    if board.get("id") is not None:
        problems.append("id must be absent")
    if not re.fullmatch(r"[a-z0-9-]{1,40}", board.get("uid") or ""):
        problems.append("uid must be fixed and short")
    if not isinstance(board.get("schemaVersion"), int):
        problems.append("schemaVersion must be an integer")
    if board.get("editable") is not False:
        problems.append("editable must be false")
    sources = [v["name"] for v in board["templating"]["list"] if v["type"] == "datasource"]
    if sources != ["datasource"]:
        problems.append("exactly one data source variable, named datasource")
    if not {"job", "instance"} <= {v["name"] for v in board["templating"]["list"]}:
        problems.append("variables job and instance are missing")
    ids = [p["id"] for p in board["panels"]]
    if len(ids) != len(set(ids)):
        problems.append("panel ids are not unique")
    return problems


def overlaps(a, b):
    return (a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"]
            and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"])


def lint_panels(board):
    problems = []
    panels = board["panels"]
    for i, panel in enumerate(panels):
        name = panel.get("title") or f"panel {panel['id']}"
        problems += [f"{name}: lies over {other['title']}" for other in panels[:i]
                     if overlaps(panel["gridPos"], other["gridPos"])]
        if panel["gridPos"]["x"] + panel["gridPos"]["w"] > 24:
            problems.append(f"{name}: wider than the page")
        if panel["type"] == "row":
            continue
        if not panel.get("title") or not panel.get("description"):
            problems.append(f"{name}: needs a title and a description")
        if panel["fieldConfig"]["defaults"].get("unit") not in UNITS:
            problems.append(f"{name}: unit is missing or unknown")
        if not panel.get("targets"):
            problems.append(f"{name}: no query")
        for part in [panel, *panel.get("targets", [])]:
            if part.get("datasource", {}).get("uid") != "${datasource}":
                problems.append(f"{name}: must use the variable $datasource")
    return problems


def lint_queries(board, known):
    problems = []
    for panel, expr in queries(board):
        name = panel["title"]
        for metric in unknown_metrics(expr, known):
            problems.append(f"{name}: nothing exports {metric}")
        for selector in re.findall(r"(?:leverd|process)_[a-z0-9_]+(\{[^}]*\})?", expr):
            if 'job=~"$job"' not in selector or 'instance=~"$instance"' not in selector:
                problems.append(f"{name}: a selector without job and instance: {expr}")
        for found in re.finditer(r"(\w+)\(((?:leverd|process)_\w+)(\{[^}]*\})?(\[[^]]*\])?", expr):
            function, metric, _, window = found.groups()
            if function in ("rate", "increase", "changes") and window not in (
                    "[$__rate_interval]", "[$__range]"):
                problems.append(f"{name}: {function} must run over $__rate_interval")
            if metric.endswith("_total") and function not in ("rate", "increase"):
                problems.append(f"{name}: {metric} is a counter and needs rate or increase")
    return problems


def lint_parse(board):
    rules = [{"record": f"check:expr{i}", "expr": expanded(expr)}
             for i, (_, expr) in enumerate(queries(board))]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        json.dump({"groups": [{"name": "check", "rules": rules}]}, file)
        file.flush()
        run = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True,
                             text=True)
    return [] if run.returncode == 0 else ["promtool: " + run.stdout + run.stderr]


def generated():
    path = GRAFANA / "make_dashboard.py"
    spec = importlib.util.spec_from_file_location("make_dashboard", path)
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(module)
    return module.dashboard()


def lint_alerts(known):
    rules = (PROMETHEUS / "leverd.rules.yml").read_text()
    tests = "".join(file.read_text() for file in sorted(PROMETHEUS.glob("leverd.*rules_test.yml")))
    headings = re.findall(r"^## (.+)$", (ROOT / "docs" / "alerts.md").read_text(), re.M)
    problems = []
    alerts = re.split(r"^      - alert: ", rules, flags=re.M)[1:]
    for alert in alerts:
        name = alert.split("\n", 1)[0]
        for need in ("severity:", "summary:", "description:", "runbook_url:"):
            # A page carries its own severity.
            from_page = need == "severity:" and "leverd_page_firing{" in alert
            if need not in alert and not from_page:
                problems.append(f"{name}: no {need[:-1]}")
        if f"runbook_url: docs/alerts.md#{name.lower()}\n" not in alert or name not in headings:
            problems.append(f"{name}: runbook_url must lead to its section in docs/alerts.md")
        expr = re.search(r"expr: (.*)", alert).group(1)
        problems += [f"{name}: nothing exports {m}" for m in unknown_metrics(expr, known)]
        fires = len(re.findall(rf"alertname: {name}\n        exp_alerts:\n", tests))
        calm = len(re.findall(rf"alertname: {name}, exp_alerts: \[\]", tests))
        if fires < 1 or (calm < 2 and expr != "vector(1)"):
            problems.append(f"{name}: needs tests that it fires, stays quiet and resolves")
    return problems


def lint(board):
    known = metrics_in_code()
    return (lint_frame(board) + lint_panels(board) + lint_queries(board, known)
            + lint_parse(board))


def live(board, base):
    """Which queries fail and which are empty on this Prometheus."""
    failed, empty = [], []
    for panel, expr in queries(board):
        url = base.rstrip("/") + "/api/v1/query?" + urllib.parse.urlencode(
            {"query": expanded(expr)})
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                result = json.load(answer)["data"]["result"]
        except (urllib.error.URLError, OSError, KeyError, ValueError) as why:
            failed.append(f"{panel['title']}: {why}")
            continue
        if not result:
            empty.append(f"{panel['title']}: {expr}")
    return failed, empty


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--prometheus", help="address of a Prometheus that scrapes leverd")
    parser.add_argument("--allow-empty", type=int, default=0, help="so many queries may be empty")
    options = parser.parse_args()
    board = json.loads((GRAFANA / "leverd.json").read_text())
    problems = lint(board) + lint_alerts(metrics_in_code())
    if board != generated():
        problems.append("leverd.json is not what make_dashboard.py writes; run it")
    total = sum(1 for _ in queries(board))
    if options.prometheus:
        failed, empty = live(board, options.prometheus)
        problems += failed
        for line in empty:
            print("no data: " + line)
        if len(empty) > options.allow_empty:
            problems.append(f"{len(empty)} queries without data, {options.allow_empty} allowed")
    for problem in problems:
        print("dashboard: " + problem)
    print(f"dashboard_check: {total} queries, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
