# Why: see limits.sh. What was asked is read from the sandbox's journal.
import json

from stack import holds_for, main, stack, wait_for

CREDENTIALS = '''[[probe]]
kind = "credential"
name = "admin"
url = "https://api.sandbox.test:{port}/cp/admin/orgs?limit=1"
bearer = "cp-admin"
max_age = "90d"
interval = "500ms"
retry = "200ms"

[[probe]]
kind = "credential"
name = "open-route"
url = "https://api.sandbox.test:{port}/health"
bearer = "cp-admin"

[[probe]]
kind = "credential"
name = "wrong"
url = "https://api.sandbox.test:{port}/cp/admin/orgs?limit=1"
bearer = "registry"

[[probe]]
kind = "credential"
name = "railway"
url = "https://railway.sandbox.test:{port}/graphql/v2"
header = "Project-Access-Token"
bearer = "railway"
graphql = "query {{ projectToken {{ projectId environmentId }} }}"

'''


def rate_limit(t):
    with stack() as s:
        s.all_seen()
        s.fault("rate_limit", tenant="acme", limit=40)
        path = "/api/v1/probes/tenant_health/results?subject=tenant%2Facme"
        held = wait_for("looks that wait", lambda: [
            row for row in s.api(path)["results"] if row["evidence"].startswith("no look for")])
        t("the wait is unknown and says why", held[0]["health"] == "unknown"
          and held[0]["reason"] == "rate_limited", held[0])

        def asked():
            return len(s.journal(host="acme.sandbox.test"))
        before = asked()
        rest = holds_for(3, lambda: asked() == before, every=0.3)
        t("the tenant is left alone", rest is None, (before, asked()))
        t("a tenant that is left alone has no symptom", not s.symptoms(), s.symptoms())


def credentials(t):
    with stack(leverd=False) as s:
        text = s.toml.read_text()
        text = text.replace("[secrets]\n", "[secrets]\nrailway = { file = "
                            f"{json.dumps(str(s.dir / 'railway-token'))} }}\n", 1)
        s.toml.write_text(text.replace("[[notify]]", CREDENTIALS.format(port=s.ports["tls"])
                                       + "[[notify]]", 1))
        s.start()
        s.all_seen()

        def look(name):
            return json.loads(s.cli("probe", name, "--json").stdout)["observations"][0]
        good = look("admin")
        t("a credential that is accepted is healthy", (good["health"], good["facts"]["valid"])
          == ("healthy", 1) and good["facts"]["age_days"] < 1, good)
        t("a route that does not check proves nothing",
          look("open-route")["reason"] == "credential_untested", look("open-route"))
        t("another one is refused", (look("wrong")["health"], look("wrong")["reason"])
          == ("failing", "unauthorized"), look("wrong"))
        t("a token is proven by a query in its own header", look("railway")["health"] == "healthy",
          look("railway"))
        s.fault("railway_reads", mode="refused", sticky=True)
        t("a refusal inside a 200 is one", (look("railway")["health"], look("railway")["reason"])
          == ("failing", "unauthorized"), look("railway"))
        s.fault("control_plane", mode="401")
        wait_for("a refusal", lambda: look("admin")["health"] == "failing")
        # But for the control plane's own row about not being seen.
        calm = holds_for(4, lambda: not [x for x in s.symptoms() if x["subject"] != "control-plane"],
                         every=0.3)
        t("a rotation raises nothing", calm is None, s.symptoms())
        secrets = [(s.dir / name).read_text().strip() for name in ("cp-admin-token", "railway-token")]
        shown = s.log() + "".join(
            s.cli("probe", name, "--debug").stdout + json.dumps(s.api(
                f"/api/v1/probes/{name}/results?limit=100")) for name in ("admin", "railway"))
        t("the secret is nowhere", not [x for x in secrets if x in shown])


if __name__ == "__main__":
    main([rate_limit, credentials])
