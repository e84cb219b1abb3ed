# Why: see evidence.sh. What leverd shows of its looks is held against what the sandbox was really
# asked, and no token of the sandbox may be anywhere in it.
import json

from stack import main, stack, wait_for


def evidence(t):
    with stack() as s:
        s.all_seen()
        rows = s.api("/api/v1/probes")["probes"]
        t("the probes that run are listed", {"tenant_health", "control_plane"} <=
          {row["probe"] for row in rows}, rows)
        code, text, error = said(s, "tenant_health", "acme", "--debug")
        t("a look shows each request", code == 0 and "/health\n    200 in " in text
          and "(dns " in text and "authorization: [masked]" in text, (code, text, error))
        s.fault("tenant_down", tenant="acme", how="refuse")
        seen = wait_for("a failing look", lambda: [
            r for r in s.api("/api/v1/probes/tenant_health/results?subject=tenant%2Facme")["results"]
            if r["reason"] == "connect_refused"], 20)
        t("with its last request", "connect_refused" in seen[0]["answer"]["failure"], seen[0])
        s.fault("canvas", mode="chunk_404")
        bad = wait_for("a canvas that fails", lambda: [
            r for r in s.api("/api/v1/probes/canvas/results")["results"]
            if r["health"] == "failing"], 20)
        t("with status and phases", bad[0]["answer"]["status"] == 404
          and set(bad[0]["answer"]["phases"]) == {"dns", "connect", "tls", "header", "body"}, bad[0])
        shown = json.dumps([s.api(f"/api/v1/probes/{row['probe']}/results?limit=500")
                            for row in rows])
        for probe, target in (("control_plane", ""), ("tenant_health", "demo"),
                              ("workspace_activity", "demo"), ("canvas", "")):
            code, text, error = said(s, probe, target, "--debug", "--json")
            t(f"{probe} {target} shows its requests", json.loads(text)["requests"], (code, error))
            shown += text
        known = tokens(s)
        t("there are tokens to look for", len(known) >= 3, len(known))
        t("none of them is shown", not [n for n, value in known.items() if value in shown],
          [n for n, value in known.items() if value in shown])


def said(s, *words):
    done = s.cli("probe", *words)
    return done.returncode, done.stdout, done.stderr


def tokens(s):
    """Every secret that the sandbox handed out or expects, by where it was found."""
    found = {}

    def walk(where, value):
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(f"{where}.{key}", inner)
        elif isinstance(value, list):
            for number, inner in enumerate(value):
                walk(f"{where}.{number}", inner)
        elif isinstance(value, str) and "token" in where.rsplit(".", 1)[-1] and len(value) >= 8:
            found[where] = value

    walk("world", s.world())
    for path in s.dir.rglob("*"):
        if path.is_file() and path.stat().st_size < 200 and ("token" in path.name
                                                             or "secret" in str(path.parent.name)):
            found[str(path)] = path.read_text(errors="replace").strip()
    return {where: value for where, value in found.items() if len(value) >= 8}


if __name__ == "__main__":
    main([evidence])
