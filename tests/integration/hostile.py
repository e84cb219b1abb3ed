# Why: see hostile.sh. Every hostile answer of the sandbox, a cut network, and a search for secrets
# in everything that leverd says.
import json
import os
import re
import subprocess
import time

from stack import PATIENCE, http, holds_for, main, stack, wait_for

MODES = ["endless_body", "slow_header", "slow_body", "cut_header", "cut_body", "huge_header",
         "deep_json", "bad_utf8", "html_200", "dup_keys", "huge_number", "gzip_bomb"]
PREY = "stark"
IMAGE = "image/molecule-ai/workspace-template-hermes"
# Judged for the host that is hostile: its subject, and the probe that reads JSON or HTML from it.
JUDGED = {"api.sandbox.test": ("control-plane", "control_plane"),
          f"{PREY}.sandbox.test": (f"tenant/{PREY}", "tenant_health"),
          "registry.sandbox.test": (IMAGE, "image_drift"),
          "app.sandbox.test": ("canvas", "canvas")}
OTHER_HOSTS = ("api", "registry", "app", "pager", "reference 1", "reference 2", "reference 3")
GROWTH = 12 << 20  # bytes
API = ["status", "subjects", "symptoms", "incidents", "decisions", "levers", "policies",
       "ledger?limit=1000"]


def resident(s):
    with open(f"/proc/{s.daemon.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors(s, sockets=True):
    count = 0
    for name in os.listdir(f"/proc/{s.daemon.pid}/fd"):
        try:
            kind = os.readlink(f"/proc/{s.daemon.pid}/fd/{name}")
        except OSError:
            continue  # closed meanwhile
        count += sockets or not kind.startswith("socket:")
    return count


def look(s, subject, probe):
    """The newest look of one probe at one subject, straight from the daemon."""
    status, text = http("GET", s.base + "/api/v1/subjects/" + subject.replace("/", "%2F"))
    rows = json.loads(text).get("looks", []) if status == 200 else []
    return next((row for row in rows if row["probe"] == probe), None)


def seen_after(s, subject, probe, moment):
    """The health of a look that began after `moment` (the time that the daemon itself names)."""
    row = look(s, subject, probe)
    return row if row and row["seen"] > moment else None


def heal(s, mode):
    """The control plane last: a tenant that is really down beside a healthy one is redeployed."""
    for host in reversed(JUDGED):
        if host.startswith("api"):
            prey = (f"tenant/{PREY}", "tenant_health")
            wait_for(f"{PREY} after {mode}", lambda: look(s, *prey)["health"] == "healthy"
                     and not s.symptoms_of(prey[0]), 20)
        s.fault("hostile", host=host, mode="none")
    wait_for(f"health after {mode}", lambda: all(
        look(s, *judged)["health"] == "healthy" for judged in JUDGED.values()), 20)


def hostile_answers(t):
    with stack() as s:
        s.all_seen()
        wait_for("every subject judged", lambda: all(
            (look(s, *j) or {}).get("health") == "healthy" for j in JUDGED.values()))
        # Two idle connections for each host, and what leverd has anyway; a leak would be one for each
        # mode and host, and more.
        hosts = len(s.world()["tenants"]) + len(OTHER_HOSTS)
        own = descriptors(s, sockets=False) + 4  # listeners, and who asks right now
        size, fds = None, []
        fooled, silent = [], []
        for mode in MODES:
            for host in JUDGED:
                s.fault("hostile", host=host, mode=mode)
            time.sleep(0.1)  # answers that were on their way are not the hostile ones
            begun = s.status()["time"]
            bound = time.monotonic() + 6 * PATIENCE
            for host, (subject, probe) in JUDGED.items():
                # The second look for certain was asked after the mode was set.
                first = None
                while time.monotonic() < bound:
                    row = seen_after(s, subject, probe, first or begun)
                    if row and first:
                        break
                    first = row["seen"] if row else first
                    time.sleep(0.05)
                row = look(s, subject, probe)
                if not row["seen"] > begun:
                    silent.append((mode, subject, row))
                elif row["health"] == "healthy":
                    fooled.append((mode, subject, row.get("evidence")))
            alive = s.daemon.poll() is None and http("GET", s.base + "/-/healthy")[0] == 200
            if not alive:
                t(f"{mode}: leverd is up", False, s.log())
                return
            heal(s, mode)
            fds.append(descriptors(s))
            size = size or resident(s)
        grown = resident(s) - size
        t("leverd is up after every mode", s.daemon.poll() is None, s.log())
        t("no hostile answer is called healthy", not fooled, fooled)
        t("every hostile answer ends in a look", not silent, silent)
        t("memory stays flat", grown < GROWTH, (size, grown))
        # What looks left behind is given back thirty seconds later.
        back = True
        try:
            wait_for("descriptors that come back", lambda: descriptors(s) <= own + 2 * hosts, 60, 0.5)
        except AssertionError:
            back = False
        t("descriptors come back", back, (own, hosts, fds, descriptors(s)))
        print(f"  memory {size >> 20} MiB, grown by {grown >> 10} KiB; descriptors {fds}")
        t("no lever was fired", s.effects() == [], s.effects())
        t("the ledger verifies", s.verified().returncode == 0, s.verified())


def one_host_alone(t):
    """A hostile tenant beside healthy ones is down and nothing else: at most its own redeploy."""
    with stack() as s:
        s.all_seen()
        for mode in ("deep_json", "html_200", "bad_utf8", "gzip_bomb"):
            s.fault("hostile", host="registry.sandbox.test", mode=mode)
            moved = holds_for(2, lambda: not s.effects())
            t(f"registry {mode}: nothing fires", moved is None, s.effects())
            s.fault("hostile", host="registry.sandbox.test", mode="none")
            s.fault("hostile", host="api.sandbox.test", mode=mode)
            moved = holds_for(2, lambda: not s.effects())
            t(f"control plane {mode}: nothing fires", moved is None, s.effects())
            s.fault("hostile", host="api.sandbox.test", mode="none")


def no_network(t):
    with stack() as s:
        s.all_seen()
        before = {e["sequence"] for e in s.entries("symptom_raised")}
        s.fault("network", up=False)
        wait_for("distrust of its own view", lambda: not s.status()["observer"]["trusted"], 20)
        moved = holds_for(15, lambda: not s.status()["observer"]["trusted"], every=0.5)
        t("the observer stays distrusted", moved is None, s.status())
        t("no symptom while it is blind", s.symptoms() == [], s.symptoms())
        s.fault("network", up=True)
        wait_for("trust again", lambda: s.status()["observer"]["trusted"], 20)
        s.all_seen()
        moved = holds_for(4, lambda: not s.effects() and not s.symptoms(), every=0.2)
        t("nor after it", moved is None, (s.effects(), s.symptoms()))
        raised = [e for e in s.entries("symptom_raised") if e["sequence"] not in before]
        t("zero symptoms in the ledger", raised == [], raised)
        t("no lever was fired", s.effects() == [], s.effects())
        pages = s.entries("page")
        firing = [p for p in pages if p["status"] == "firing"]
        t("exactly one page, about the observer",
          len(firing) == 1 and "observer" in json.dumps(firing), pages)


def secrets(t):
    with stack() as s:
        s.all_seen()
        known = {file.name: file.read_text().strip() for file in s.dir.glob("*-token")}
        admin = f"https://api.sandbox.test:{s.ports['tls']}/cp/admin/orgs/{{}}/admin-token"
        for slug in ("acme", "globex", PREY):
            known[f"the admin token of {slug}"] = s.curl(
                admin.format(slug), "-H", f"Authorization: Bearer {known['cp-admin-token']}"
            ).rpartition('":"')[2].rstrip('"}\n')
        t("eight tokens to look for", len(known) == 8 and all(len(v) >= 32 for v in known.values()),
          {name: len(value) for name, value in known.items()})
        ps = subprocess.run(["ps", "axeww", "-o", "pid,args"], capture_output=True, text=True)
        s.fault("control_plane", mode="401")
        s.fault("registry", mode="401")
        s.fault("tenant_down", tenant="acme", how="401")
        s.fault("wedge_workspace", tenant="globex", runtime="hermes", form="agent_error_ok_row")
        wait_for("a failing look at the registry", lambda: (look(s, IMAGE, "image_drift") or {})
                 .get("health") == "unknown", 20)
        s.fault("control_plane", mode="ok")
        s.fault("registry", mode="ok")
        s.fault("tenant_up", tenant="acme")
        wait_for("a reprovision", lambda: s.effects("create "), 60)
        wait_for("its verdict", lambda: s.entries("verdict"), 40)
        said = {"ps": ps.stdout, "metrics": http("GET", s.base + "/metrics")[1],
                "page": http("GET", s.base + "/")[1], "log": (s.dir / "leverd.log").read_text(),
                "pages": "\n".join(s.pages()), "status": s.cli("status").stdout,
                "refused": http("POST", s.base + "/api/v1/stop", {"stopped": True, "why": "x"},
                                "wrong")[1]}
        for path in API:
            said["api " + path] = http("GET", f"{s.base}/api/v1/{path}")[1]
        for row in s.subjects():
            said["why " + row] = http("GET", f"{s.base}/api/v1/why?subject=" + row)[1]
        for path in s.state.iterdir():
            said["file " + path.name] = path.read_bytes().decode("latin-1")
        t("there is something to search",
          all(len(said[k]) > 50 for k in ("metrics", "page", "log", "file ledger.db-wal")),
          {k: len(v) for k, v in said.items()})
        for name, value in known.items():
            t(f"{name} is nowhere", [k for k, v in said.items() if value in v] == [],
              [k for k, v in said.items() if value in v])
        shapes = re.compile(r"\b(?:oauth|key)-[0-9a-f]{24}\b")
        t("no workspace secret is anywhere", not [k for k, v in said.items() if shapes.search(v)],
          [k for k, v in said.items() if shapes.search(v)])


if __name__ == "__main__":
    main([hostile_answers, no_network, one_host_alone, secrets])
