"""Why: runs every case in turn, several rounds, and prints one table with ratios taken within a
round, because absolute figures of a shared machine drift and ratios do much less."""
import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from process import TICK, box, wait_for
from report import print_report
from subjects import Blackbox, Leverd, PrometheusPair
from target import Target

# peer: the case it is held against. hosts: one address for all targets, or a name for each of them.
CASES = [
    dict(name="bb-http", who="blackbox", server="http_close", text="http, new connection"),
    dict(name="http-new", who="leverd", server="http_close", kind="reference", hosts="one",
         peer="bb-http", text="http, new connection"),
    dict(name="http-keep", who="leverd", server="http_keep", kind="workspace_status", hosts="one",
         peer="bb-http", text="http, keep-alive, 1 host"),
    dict(name="http-keep-many", who="leverd", server="http_keep", kind="workspace_status",
         hosts="many", peer="bb-http", text="http, keep-alive, a host each"),
    dict(name="bb-https", who="blackbox", server="tls_full", text="https, full handshake"),
    dict(name="https-full", who="leverd", server="tls_full", kind="reference", hosts="one",
         peer="bb-https", text="https, full handshake"),
    dict(name="https-resume", who="leverd", server="tls_resume", kind="reference", hosts="one",
         peer="bb-https", text="https, resumption on, 1 host"),
    dict(name="https-resume-many", who="leverd", server="tls_resume", kind="reference",
         hosts="many", peer="bb-https", text="https, resumption on, a host each"),
    dict(name="https-keep", who="leverd", server="tls_keep", kind="workspace_status", hosts="one",
         peer="bb-https", text="https, keep-alive, 1 host"),
    dict(name="https-keep-many", who="leverd", server="tls_keep", kind="workspace_status",
         hosts="many", peer="bb-https", text="https, keep-alive, a host each"),
    dict(name="prom-http", who="prometheus", server="http_close", text="http, new connection"),
]
WARM_UP_SECONDS = 3.0


def start(case, where, target, options):
    if case["who"] == "leverd":
        return Leverd(options.leverd, options.config, where, target, case, options.targets)
    if case["who"] == "blackbox":
        return Blackbox(where, target, case)
    return PrometheusPair(where, target, case, options.targets)


def measure(case, target, subject, seconds):
    """One window: what the kernel charged the programs over what nginx served meanwhile."""
    log_begin = target.log_size(case["server"])
    before = [p.cpu_seconds() for p in subject.processes()]
    accepts, requests = target.counts()
    begun = time.monotonic()
    time.sleep(seconds / 2)
    subject.scrape()  # as Prometheus would, once in a while
    time.sleep(max(0.0, begun + seconds - time.monotonic()))
    after = [p.cpu_seconds() for p in subject.processes()]
    accepts_now, requests_now = target.counts()
    spent = time.monotonic() - begun
    for process in subject.processes():
        process.check_alive()
    served = requests_now - requests - 1  # the second question itself
    memory = [p.memory_mb() for p in subject.processes()]
    result = {
        "us": (sum(after) - sum(before)) * 1e6 / max(1, served),
        "tick_us": 1e6 / TICK / max(1, served),
        "rate": served / spent,
        "connections": (accepts_now - accepts - 1) / max(1, served),
        "rss": sum(m[0] for m in memory),
        "peak": sum(m[1] for m in memory),
        "bad": subject.not_healthy(),
    }
    if case["server"] in ("tls_full", "tls_resume"):
        time.sleep(0.2)  # nginx writes its log this often
        result["resumed"] = target.resumed_share(case["server"], log_begin)
    return result


def run_case(case, target, options):
    where = tempfile.mkdtemp(prefix="case.", dir=target.where)
    subject = start(case, where, target, options)
    load = None
    try:
        load = subject.load(int(WARM_UP_SECONDS + options.seconds + 2))
        first = target.counts()[1]
        wait_for("the first probes", lambda: target.counts()[1] - first > options.targets / 4, 20)
        time.sleep(WARM_UP_SECONDS)
        result = measure(case, target, subject, options.seconds)
        result["ready_ms"] = getattr(subject, "ready_ms", None)
        return result
    finally:
        if load is not None:
            load.stop()
        subject.stop()
        shutil.rmtree(where, ignore_errors=True)


def command_output(*argv):
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=10)
    except OSError:
        return "?"
    return done.stdout + done.stderr


def version_of(*argv):
    found = re.search(r"\d+\.\d+[\w.\-]*", command_output(*argv))
    return found.group(0) if found else "?"


def machine(options):
    return [
        box(),
        f"leverd {version_of(options.leverd, 'version')}, "
        f"blackbox {version_of('prometheus-blackbox-exporter', '--version')}, "
        f"prometheus {version_of('prometheus', '--version')}, nginx {version_of('nginx', '-v')}, "
        f"wrk {version_of('wrk', '-v')}, OpenSSL {version_of('openssl', 'version')}",
        f"{options.rounds} rounds of {options.seconds:g} s after {WARM_UP_SECONDS:g} s of warm-up, "
        f"{options.targets} targets every second; median (min-max)",
    ]


def chosen_cases(options):
    names = options.cases.split() if options.cases else [c["name"] for c in CASES]
    unknown = set(names) - {c["name"] for c in CASES}
    if unknown:
        sys.exit(f"bench: no such case: {' '.join(sorted(unknown))} (--list)")
    if shutil.which("prometheus") is None:
        names = [n for n in names if n != "prom-http"]
        print("bench: prometheus is not installed, so T6 and T9 are not measured")
    return [c for c in CASES if c["name"] in names]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--leverd")
    parser.add_argument("--config")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--cases", default="")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    if options.list:
        print("\n".join(f"{c['name']:18} {c['who']:10} {c['text']}" for c in CASES))
        return
    if not (1 <= options.rounds <= 50 and 1 <= options.seconds <= 600
            and 1 <= options.targets <= 2000):
        sys.exit("bench: 1-50 rounds of 1-600 s with 1-2000 targets")
    cases = chosen_cases(options)
    lines = machine(options)
    results = {c["name"]: [] for c in cases}
    where = tempfile.mkdtemp(prefix="leverd-bench.")
    os.chmod(where, 0o755)  # nginx's worker is another user and reads the list of tenants
    target = None
    try:
        target = Target(where, options.targets)
        for number in range(options.rounds):
            for case in cases:
                result = run_case(case, target, options)
                results[case["name"]].append(result)
                print(f"round {number + 1}/{options.rounds} {case['name']:18} "
                      f"{result['us']:7.1f} us/probe at {result['rate']:6.0f}/s", flush=True)
    except KeyboardInterrupt:
        sys.exit("bench: interrupted")
    except RuntimeError as problem:
        sys.exit(f"bench: {problem}")
    finally:
        if target is not None:
            target.stop()
        shutil.rmtree(where, ignore_errors=True)
    print()
    print_report(lines, cases, results, statistics.median)


if __name__ == "__main__":
    main()
