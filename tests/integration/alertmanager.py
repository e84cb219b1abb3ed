# Why: see alertmanager.sh. The judge is the receiver behind Alertmanager. Only waiting times are
# shortened; expressions, labels, routes and the inhibit rule are the shipped ones.
import contextlib
import re
import shutil
import subprocess

from pages import SINK, TOLD
from receiver import Receiver
from stack import ROOT, free_port, holds_for, http, main, stack, wait_for

SHIPPED = ROOT / "exporters" / "prometheus"


def shortened(text):
    text = re.sub(r"group_wait: \S+", "group_wait: 2s", text)
    return re.sub(r"group_interval: \S+", "group_interval: 2s", text)


@contextlib.contextmanager
def running(*command, log):
    with open(log, "ab") as out:
        process = subprocess.Popen([str(c) for c in command], stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


@contextlib.contextmanager
def alert_path(s, receiver, rules):
    """Alertmanager, and with `rules` a Prometheus that scrapes leverd and evaluates them."""
    am = free_port()
    config = shortened((SHIPPED / "alertmanager.example.yml").read_text())
    config = re.sub(r'url: "?http[^"\n]*/([a-z-]+)"?',
                    lambda m: f'url: "{receiver.url}/{m.group(1)}"', config)
    (s.dir / "alertmanager.yml").write_text(config)
    with contextlib.ExitStack() as kept:
        kept.enter_context(running(
            "prometheus-alertmanager", f"--config.file={s.dir}/alertmanager.yml",
            f"--storage.path={s.dir}/am", f"--web.listen-address=127.0.0.1:{am}",
            "--cluster.listen-address=", log=s.dir / "am.log"))
        wait_for("Alertmanager", lambda: http("GET", f"http://127.0.0.1:{am}/-/ready")[0] == 200)
        if rules:
            text = re.sub(r"\bfor: \d+[smhd]", "for: 1s",
                          (SHIPPED / "leverd.rules.yml").read_text())
            (s.dir / "rules.yml").write_text(text)
            (s.dir / "prometheus.yml").write_text(
                "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
                f"rule_files: ['{s.dir}/rules.yml']\n"
                "alerting: {alertmanagers: [{static_configs: [{targets: "
                f"['127.0.0.1:{am}']}}]}}]}}\n"
                "scrape_configs: [{job_name: leverd, static_configs: [{targets: "
                f"['127.0.0.1:{s.port}']}}]}}]\n")
            port = free_port()
            kept.enter_context(running(
                "prometheus", f"--config.file={s.dir}/prometheus.yml",
                f"--storage.tsdb.path={s.dir}/tsdb", f"--web.listen-address=127.0.0.1:{port}",
                "--rules.alert.resend-delay=3s", log=s.dir / "prometheus.log"))
        yield am


def about(receiver, word):
    """Notifications that call a person about `word`: one per group that was sent as firing."""
    told = []
    for r in receiver.all():
        if r["path"] == "/dead-mans-switch":
            continue
        firing = [a for a in r["body"].get("alerts", []) if a["status"] == "firing"
                  and word in str(a["labels"])]
        if firing:
            told.append(sorted(a["labels"]["alertname"] for a in firing))
    return told


def begin(t, s, name, am):
    """leverd with a sink at this Alertmanager; None: without any."""
    declared = "" if am is None else ('[[notify]]\nid = "alerts"\nkind = "alertmanager"\n'
                                      f'url = "http://127.0.0.1:{am}"\n')
    text, found = SINK.subn(declared, s.toml.read_text())
    t(f"{name}: the config has the sinks of this play", found == 1)
    s.toml.write_text(text)
    s.start()
    s.all_seen()


def played(t, name, sink, rules, expected):
    with Receiver() as receiver, stack(policies=TOLD, leverd=False) as s:
        with alert_path(s, receiver, rules) as am:
            begin(t, s, name, am if sink else None)
            s.fault("tenant_down", tenant="acme", how="refuse")
            wait_for("a notification", lambda: about(receiver, "tenant/acme"), 90)
            holds_for(15, lambda: True)  # whatever else would come has come by then
            told = about(receiver, "tenant/acme")
            t(f"{name}: the receiver gets exactly one", told == [[expected]], told)
            if sink:
                s.kill9()
                s.start()
                holds_for(8, lambda: True)
                t(f"{name}: a restart of leverd is no news",
                  about(receiver, "tenant/acme") == [[expected]], about(receiver, "tenant/acme"))
            if rules:
                t(f"{name}: the dead man's switch has its own way", [
                    r for r in receiver.all() if r["path"] == "/dead-mans-switch"])


def rules_alone(t):
    played(t, "rules alone", False, True, "LeverdSymptomWithoutWorkingLever")


def sink_alone(t):
    played(t, "sink alone", True, False, "LeverdPage")


def both(t):
    played(t, "both", True, True, "LeverdPage")


def outlives(t):
    """A service behind Alertmanager that calls once per group: is anybody called for the rest?"""
    brief = [("[runbook]\n", '[runbook]\nclearing_time = "4s"\n')]
    with Receiver() as receiver, stack(policies=TOLD, runbook=brief, leverd=False) as s:
        with alert_path(s, receiver, False) as am:
            begin(t, s, "outlives", am)
            calls = lambda word: {
                r["body"]["groupKey"] for r in receiver.all() if any(
                    a["status"] == "firing" and a["labels"].get("subject") == word
                    for a in r["body"].get("alerts", []))}
            s.fault("control_plane", mode="5xx")
            cause = wait_for("the cause is told", lambda: calls("control-plane"), 90)
            s.fault("tenant_down", tenant="acme", how="refuse")
            quiet = holds_for(8, lambda: not calls("tenant/acme"))
            t("while the cause is open nobody is called for what it explains", quiet is None, quiet)
            s.fault("control_plane", mode="ok")
            effect = wait_for("what outlives it is told", lambda: calls("tenant/acme"), 120)
            t("to a group that nobody was called for", not effect & cause, (effect, cause))
            wait_for("the end of the cause", lambda: [
                r for r in receiver.all() if r["body"].get("status") == "resolved"
                and r["body"]["groupKey"] in cause], 60)


if __name__ == "__main__":
    for program in ("prometheus", "prometheus-alertmanager"):
        if shutil.which(program) is None:
            print(f"{program} is missing: scripts/setup.sh test\n0 passed, 1 failed")
            raise SystemExit(1)
    main([both, rules_alone, sink_alone, outlives])
