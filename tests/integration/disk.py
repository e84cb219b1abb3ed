# Why: see disk.sh. What the daemon may not do without a durable record, it must not do; what it did,
# it must not do again when the record of the end is lost. Production's own journal is the judge.
import contextlib
import os
import signal
import subprocess
import time

from stack import holds_for, http as call, main, stack, wait_for

TRUSTING = [('dwell = "2s"', 'dwell = "300ms"')]
WRITABLE = "leverd_ledger_writable"


@contextlib.contextmanager
def small_disk():
    """A stack with its state on a file system of 4 MiB; leverd runs and has seen everything."""
    with stack(leverd=False, toml=TRUSTING) as s:
        s.state.mkdir(mode=0o700, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "tmpfs", s.state],
                       check=True)
        try:
            s.start()
            s.all_seen()
            yield s
        finally:
            if s.daemon.poll() is None:
                s.terminate()
            subprocess.run(["umount", "-l", s.state], check=True)


def fill(s):
    """Takes every byte that is left."""
    with open(s.state / "ballast", "ab", buffering=0) as file:
        for size in (65536, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)


def free(s):
    (s.state / "ballast").unlink()


def refill_until(s, look, timeout=30):
    """Keeps the disk full: what is freed by a checkpoint is taken again."""
    def full():
        fill(s)
        return look()
    return wait_for("the daemon to say that it cannot write", full, timeout, 0.2)


def says_so(t, s, name):
    status, text = call("GET", s.base + "/-/ready")
    t(f"{name}: not ready, and says why", status == 503 and "ledger" in text, (status, text))
    t(f"{name}: status says so", not s.status()["ledger"]["writable"], s.status()["ledger"])


def looks(s):
    return sum(value for name, value in s.metrics().items()
               if name.startswith("leverd_observations_total"))


def ends_well(t, s, name, subject, calls):
    """One outcome for each intent, no more calls than intents, a ledger that verifies."""
    intents = s.intents(subject)
    for intent in intents:
        s.outcome(intent["id"], 40)
    many = {e["id"]: len(s.after("outcome", e["id"])) for e in intents}
    t(f"{name}: each intent has one outcome", set(many.values()) <= {1}, many)
    t(f"{name}: {len(intents)} intents, {len(calls())} calls", len(calls()) <= len(intents),
      (intents, calls()))
    t(f"{name}: the ledger verifies", s.verified().returncode == 0, s.verified())


def full_before(t):
    with small_disk() as s:
        fill(s)
        refill_until(s, lambda: s.metrics().get(WRITABLE) == 0)
        says_so(t, s, "full before the intent")
        before = looks(s)
        s.fault("tenant_down", tenant="acme", how="refuse")
        moved = holds_for(6, lambda: s.effects() == [], every=0.2)
        t("nothing fires without a durable intent", moved is None, s.effects())
        t("it goes on looking", looks(s) > before, (before, looks(s)))
        free(s)
        wait_for("writable again", lambda: s.metrics().get(WRITABLE) == 1)
        s.verdict(s.fired("tenant/acme")["id"])
        t("with room again: one call", len(s.redeploys("acme")) == 1, s.redeploys("acme"))
        ends_well(t, s, "full before", "tenant/acme", lambda: s.redeploys("acme"))
    print("  faults: 1 disk full before the intent, 0 calls while it was full")


def full_between(t):
    with small_disk() as s:
        s.fault("redeploy_reply", mode="lost")  # the call is out long enough to fill the disk
        s.fault("tenant_down", tenant="acme", how="refuse")
        intent = wait_for("an intent", lambda: s.intents("tenant/acme"), 30, 0.002)[0]
        fill(s)
        early = s.after("outcome", intent["id"]) == []
        refill_until(s, lambda: s.metrics().get(WRITABLE) == 0)
        t("the disk was full before the outcome", early
          and s.after("outcome", intent["id"]) == [], s.after("outcome", intent["id"]))
        says_so(t, s, "full before the outcome")
        moved = holds_for(4, lambda: len(s.redeploys("acme")) <= 1, every=0.2)
        t("no second call", moved is None, s.redeploys("acme"))
        s.kill9()  # what was kept in memory is lost with the process
        free(s)
        s.start()
        outcome = s.outcome(intent["id"], 40)
        t("after kill -9 the intent has one outcome", len(s.after("outcome", intent["id"])) == 1,
          outcome)
        moved = holds_for(4, lambda: len(s.redeploys("acme")) <= 1, every=0.2)
        t("and there was one call", moved is None, s.redeploys("acme"))
        ends_well(t, s, "full between", "tenant/acme", lambda: s.redeploys("acme"))
    print("  faults: 1 disk full between intent and outcome, then kill -9")


@contextlib.contextmanager
def no_sync(s, when):
    """Every fsync from the Nth on answers EIO while this lasts."""
    said = s.dir / "strace.log"
    with open(said, "wb") as log:
        tracer = subprocess.Popen(
            ["strace", "-f", "-e", "signal=none", "-e", "trace=fsync,fdatasync", "-o", "/dev/null",
             "-e", f"inject=fsync,fdatasync:error=EIO:when={when}+", "-p", str(s.daemon.pid)],
            stdout=log, stderr=log)
    wait_for("strace", lambda: "attached" in said.read_text(), 10, 0.005)
    try:
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(10)


def lost_syncs(t):
    faults = 0
    with stack(toml=TRUSTING, policies=[("blast_percent = 20\nblast_count = 1",
                                         "blast_percent = 100\nblast_count = 12")]) as s:
        s.all_seen()
        for when, slug in ((1, "acme"), (2, "demo"), (4, "hooli")):
            name = f"EIO from sync {when} on"
            with no_sync(s, when):
                s.fault("tenant_down", tenant=slug, how="refuse")
                wait_for("the daemon to say so", lambda: s.metrics().get(WRITABLE) == 0)
                says_so(t, s, name)
                known = {e["id"] for e in s.intents(f"tenant/{slug}")}
                moved = holds_for(4, lambda: len(s.redeploys(slug)) <= len(
                    s.intents(f"tenant/{slug}")), every=0.2)
                t(f"{name}: no call without a durable intent", moved is None,
                  (known, s.redeploys(slug)))
            faults += 1
            wait_for("writable again", lambda: s.metrics().get(WRITABLE) == 1)
            s.outcome(s.fired(f"tenant/{slug}")["id"], 40)
            ends_well(t, s, name, f"tenant/{slug}", lambda: s.redeploys(slug))
            t(f"{name}: one call", len(s.redeploys(slug)) == 1, s.redeploys(slug))
            s.fault("tenant_up", tenant=slug)
    print(f"  faults: {faults} times every fsync failed from some moment on")


def mid_lever(t):
    """SIGTERM or SIGHUP while the answer of a lever is held back by a stopped sandbox."""
    counts = {}
    with stack(toml=TRUSTING, policies=[("blast_percent = 20\nblast_count = 1",
                                         "blast_percent = 100\nblast_count = 12"),
                                        ("per_hour = 4", "per_hour = 60")]) as s:
        s.all_seen()
        for number, (what, slug) in enumerate(((signal.SIGHUP, "acme"), (signal.SIGTERM, "demo"),
                                               (signal.SIGHUP, "hooli"), (signal.SIGTERM, "stark"))):
            name = f"{what.name} in mid-lever {number // 2 + 1}"
            s.fault("tenant_down", tenant=slug, how="refuse")
            intent = wait_for("an intent", lambda: s.intents(f"tenant/{slug}"), 30, 0.002)[0]
            if number >= 2:  # else the call is not yet out
                wait_for("the call", lambda: s.redeploys(slug), 10, 0.005)
            os.kill(s.sandbox.pid, signal.SIGSTOP)
            try:
                held = s.after("outcome", intent["id"]) == []
                s.daemon.send_signal(what)
                time.sleep(0.7)  # the answer's delay, as production would make it
            finally:
                os.kill(s.sandbox.pid, signal.SIGCONT)
            if what == signal.SIGTERM:
                code = s.daemon.wait(20)
                t(f"{name}: exit 0", code == 0, (code, s.log()))
                s.start()
            outcome = s.outcome(intent["id"], 40)
            t(f"{name}: the lever was in flight", held, outcome)
            if outcome["kind"] in ("accepted", "unknown"):
                s.verdict(intent["id"], 60)
            t(f"{name}: one intent, one outcome", len(s.intents(f"tenant/{slug}")) == 1
              and len(s.after("outcome", intent["id"])) == 1, s.intents(f"tenant/{slug}"))
            t(f"{name}: at most one call", len(s.redeploys(slug)) <= 1, s.redeploys(slug))
            counts[what.name] = counts.get(what.name, 0) + 1
            s.fault("tenant_up", tenant=slug)
        t("the reloads were good", s.metrics().get("leverd_config_last_reload_successful") == 1)
        t("the ledger verifies", s.verified().returncode == 0, s.verified())
    print(f"  faults: {counts} in mid-lever, 0 double effects")


if __name__ == "__main__":
    main([full_before, full_between, lost_syncs, mid_lever])
