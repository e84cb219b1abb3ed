"""Why: the table and the verdicts. A ratio is formed within one round, then the median is taken;
what is not like for like says so in its own row."""

# Target number, what it is, case, peer, least ratio, and what makes it less than like for like.
TARGETS = [
    ("T1", "CPU, http new connection", "http-new", "bb-http", 4.0, ""),
    ("T2", "CPU, http keep-alive", "http-keep", "bb-http", 8.0,
     "not like for like: blackbox connects anew each time"),
    ("T3", "CPU, https full handshake", "https-full", "bb-https", 1.25, ""),
    ("T4", "CPU, https resumed", "https-resume", "bb-https", 2.0,
     "not like for like: blackbox never resumes"),
    ("T5", "CPU, https keep-alive", "https-keep", "bb-https", 14.0,
     "not like for like: blackbox connects anew each time"),
    ("T6", "CPU, schedule + state + export, http", "http-new", "prom-http", 8.0, ""),
]
MEMORY_TARGETS = [("T9", "RSS, http new connection", "http-new", "prom-http", 7.0, ""),
                  ("T9", "RSS, http keep-alive", "http-keep", "prom-http", 7.0, "")]


def spread(values, median, digits=0):
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def ratios(results, peer, case, key):
    """How many times less the case costs than its peer, round by round."""
    pairs = zip(results.get(peer, []), results.get(case, []))
    return [a[key] / b[key] for a, b in pairs if b[key] > 0]


def note(rows):
    words = []
    connections = sum(r["connections"] for r in rows) / len(rows)
    words.append(f"{connections:.2f} connections/probe")
    resumed = [r["resumed"] for r in rows if "resumed" in r]
    if resumed:
        words.append(f"{100 * sum(resumed) / len(resumed):.0f} % resumed")
    bad = {}
    for row in rows:
        for reason, count in row["bad"].items():
            bad[reason] = bad.get(reason, 0) + count
    if bad:
        words.append("NOT HEALTHY: " + ", ".join(f"{k} {v:.0f}" for k, v in sorted(bad.items())))
    return ", ".join(words)


def print_table(cases, results, median):
    head = (f"{'who':11}{'case':35}{'CPU us/probe':>17} {'times less':>18} {'probes/s':>9} "
            f"{'RSS MB':>8} {'peak':>6}  seen by nginx")
    print(head)
    print("-" * len(head))
    for case in cases:
        rows = results[case["name"]]
        factor = ""
        if "peer" in case:
            values = ratios(results, case["peer"], case["name"], "us")
            factor = spread(values, median, 2) if values else ""
        print(f"{case['who']:11}{case['text']:35}"
              f"{spread([r['us'] for r in rows], median):>17} {factor:>18} "
              f"{median([r['rate'] for r in rows]):9.0f} {median([r['rss'] for r in rows]):8.1f} "
              f"{max(r['peak'] for r in rows):6.1f}  {note(rows)}")


def print_targets(results, median):
    for key, targets in (("us", TARGETS), ("rss", MEMORY_TARGETS)):
        for number, what, case, peer, least, remark in targets:
            values = ratios(results, peer, case, key)
            if not values:
                continue
            word = "reached" if median(values) >= least else "NOT REACHED"
            ill = any(r["bad"] for r in results[case])
            # Aborted probes open connections that no request follows, so the peer looks dear.
            if any(r["bad"] or r["connections"] > 1.1 for r in results[peer]):
                remark = "not valid: the peer was overloaded, repeat on an idle machine"
            print(f"{number} {word}: {what}: {spread(values, median, 2)} times less than {peer}, "
                  f"wanted {least:g}" + (f"; {remark}" if remark else "")
                  + ("; some looks were not healthy, see the table" if ill else ""))


def print_report(lines, cases, results, median):
    print("\n".join(lines))
    print()
    print_table(cases, results, median)
    print()
    print("CPU is user + system of the process from /proc over the requests that nginx counted. "
          "blackbox is driven\nby wrk with 8 connections as fast as it goes; prometheus drives "
          "blackbox once a second for each target, and\nits row is both processes. leverd runs as "
          "shipped, with metrics, log and ledger, on its own schedule.\nhttp new connection and "
          "https full handshake are like for like. The keep-alive rows are looks of another\n"
          "kind (workspace_status: one authenticated read, its JSON parsed and judged).")
    every = [r for rows in results.values() for r in rows]
    ready = [r["ready_ms"] for r in every if r["ready_ms"]]
    if ready:
        print(f"start to first ready: {spread(ready, median)} ms; "
              f"one clock tick is at most {max(r['tick_us'] for r in every):.1f} us/probe")
    print()
    print_targets(results, median)
