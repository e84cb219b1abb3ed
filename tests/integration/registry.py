# Why: see registry.sh. Tenants and control plane are the sandbox's, so that the proof by a fresh
# workspace can be had too; the registry and what stands around it are real (docker_registry.py).
import contextlib
import json
import re

from docker_registry import NAME, Front, Registry
from stack import holds_for, main, stack, wait_for

SOON = [('dwell = "9s"', 'dwell = "1s"')]
IMAGE = "image/" + NAME


@contextlib.contextmanager
def watched(tokens=False, front=False):
    """A stack whose registry is the real one; leverd is not started yet."""
    with stack(runbook=SOON, leverd=False) as s:
        registry = Registry(s.dir, tokens)
        s.front = Front(registry) if front else None
        try:
            secret = s.dir / "registry-password"
            secret.touch(0o600)
            secret.write_text(registry.password)
            (s.dir / "both.pem").write_text((s.dir / "ca.pem").read_text()
                                            + registry.ca.read_text())
            text = s.toml.read_text()
            text = re.sub(r"https://registry\.sandbox\.test:\d+",
                          s.front.base if front else registry.base, text)
            text = re.sub(r"images = \[.*?\]", f'images = ["{NAME}"]', text, flags=re.S)
            text = re.sub(r'receipt = ".*/digests-', 'receipt = "' + str(s.dir / "real-digests-"),
                          text)
            text = text.replace(f'{s.dir}/ca.pem"', f'{s.dir}/both.pem"')
            text = text.replace("/registry-token", "/registry-password")
            s.toml.write_text(text)
            s.receipt = re.search(r'\nreceipt = "(.*)"', text).group(1)
            good = registry.push("good", "v1")
            assert registry.push("good", "latest") == good
            freeze(s, good)
            yield s, registry, good
        finally:
            registry.stop()


def freeze(s, digest):
    with open(s.receipt, "w") as file:
        file.write(f"hermes: {digest}\n")


def nowhere(s, *words):
    said = (s.dir / "leverd.log").read_text() + json.dumps(s.entries())
    said += json.dumps(s.decisions()) + json.dumps(s.pages())
    return not any(word in said for word in words)


def looked(s):
    wait_for("a good look at the image", lambda: s.subjects("image").get(IMAGE, {}).get(
        "health") == "healthy", 20)


def one_put(t, s, registry, status):
    """No second PUT in the time in which one would come."""
    again = holds_for(6, lambda: len(registry.puts()) <= 1, every=0.5)
    puts = registry.puts()
    t(f"one PUT, answered {status}, and no other", again is None and len(puts) == 1
      and f'" {status} ' in puts[0], puts)
    t("one intent, one outcome", len(s.intents(IMAGE)) == 1
      and len(s.after("outcome", s.intents(IMAGE)[0]["id"])) == 1, s.entries("intent", "outcome"))


def restores(t):
    with watched() as (s, registry, good):
        s.start()
        looked(s)
        t("no drift, no call", registry.puts() == [], registry.puts())
        bad = registry.push("bad", "latest")
        t("the tag moved", registry.digest() == bad != good, (registry.digest(), good))
        intent = s.fired(IMAGE)
        outcome = s.outcome(intent["id"])
        t("the registry took it", outcome["kind"] == "accepted", outcome)
        t("by curl: :latest is the receipt's digest again, byte for byte",
          registry.digest() == good, registry.digest())
        s.fault("runtime_provision", tenant="demo", runtime="hermes")
        verdict = s.verdict(intent["id"])
        t("recovered", verdict["kind"] == "recovered", verdict)
        wait_for("no symptom", lambda: not s.symptoms())
        puts = registry.puts()
        t("one PUT, answered 201", len(puts) == 1 and '" 201 ' in puts[0], puts)
        t("the password is nowhere", nowhere(s, registry.password, registry.login()))
    print("  faults: 1 bad push under a password")


def read_only(t):
    with watched() as (s, registry, good):
        bad = registry.push("bad", "latest")
        registry.stop()
        registry.start(readonly=True)
        s.start()
        intent = s.fired(IMAGE)
        outcome = s.outcome(intent["id"])
        t("failed, and says why", outcome["kind"] == "failed" and "405" in outcome["detail"],
          outcome)
        wait_for("a page", lambda: s.pages(IMAGE))
        one_put(t, s, registry, 405)
        t("by curl: the tag is untouched", registry.digest() == bad != good, registry.digest())
    print("  faults: 1 read-only registry")


def tokens(t):
    with watched(tokens=True) as (s, registry, good):
        s.start()
        looked(s)
        scopes = {scope for scope, _ in registry.tokens.given}
        t("to look, it asks for no more than pull", scopes == {f"repository:{NAME}:pull"}, scopes)
        bad = registry.push("bad", "latest")
        t("the tag moved", registry.digest() == bad != good, (registry.digest(), good))
        outcome = s.outcome(s.fired(IMAGE)["id"])
        t("the registry took it", outcome["kind"] == "accepted", outcome)
        scopes = [scope for scope, _ in registry.tokens.given]
        t("to move, it asks for push", f"repository:{NAME}:pull,push" in scopes, scopes)
        t("by curl: :latest is the receipt's digest again", registry.digest() == good, good)
        one_put(t, s, registry, 201)
        given = [token for _, token in registry.tokens.given]
        t("no password and no token is said anywhere", given and nowhere(
            s, registry.password, registry.login(), *given))
    print(f"  faults: 1 bad push behind a token server, {len(given)} tokens given out")


def token_without_push(t):
    with watched(tokens=True) as (s, registry, good):
        registry.tokens.allowed = {"pull"}  # a token with 200 that lacks what was asked
        bad = registry.push("bad", "latest")
        s.start()
        outcome = s.outcome(s.fired(IMAGE)["id"])
        t("failed, and says why", outcome["kind"] == "failed" and "401" in outcome["detail"],
          outcome)
        wait_for("a page", lambda: s.pages(IMAGE))
        one_put(t, s, registry, 401)
        t("by curl: the tag is untouched", registry.digest() == bad != good, registry.digest())
    print("  faults: 1 token that lacks push")


def missing_manifest(t):
    with watched() as (s, registry, good):
        gone = "sha256:" + "0123456789abcdef" * 4
        freeze(s, gone)
        s.start()
        page = wait_for("a page", lambda: s.pages(IMAGE))[0]
        t("held, and the page names the manifest that is not there", gone in page
          and "MANIFEST_UNKNOWN" in page, page)
        still = holds_for(5, lambda: not registry.puts() and not s.intents(IMAGE), every=0.5)
        t("nothing was moved, nothing was meant to be", still is None, registry.puts())
        t("by curl: the tag is untouched", registry.digest() == good, registry.digest())
    print("  faults: 1 manifest that the registry does not have")


def stale_mirror(t):
    with watched(front=True) as (s, registry, good):
        bad = registry.push("bad", "latest")
        s.front.mirror = registry.start_mirror()
        s.start()
        intent = s.fired(IMAGE)
        outcome = s.outcome(intent["id"])
        t("the registry took it", registry.digest() == good != bad, registry.digest())
        t("the outcome says that the old one is still served", bad in outcome["detail"], outcome)
        s.fault("runtime_provision", tenant="demo", runtime="hermes")
        verdict = s.verdict(intent["id"], 60)
        t("no success while the mirror serves the old digest", verdict["kind"] != "recovered",
          verdict)
        wait_for("a page", lambda: s.pages(IMAGE))
        one_put(t, s, registry, 201)
    print("  faults: 1 mirror that lost its origin")


def once(s, registry, method, place):
    """Calls back at the first `method` on `place` after the intent; somebody else retags there."""
    moved = []

    def look(called, path):
        if not moved and called == method and path.endswith(place) and s.intents(IMAGE):
            moved.append(None)
            moved[0] = registry.push("somebody else's", "latest")
    return look, moved


def retagged_before(t):
    with watched(front=True) as (s, registry, good):
        s.front.before, moved = once(s, registry, "GET", good)
        registry.push("bad", "latest")
        s.start()
        outcome = s.outcome(s.fired(IMAGE)["id"])
        t("somebody else moved the tag after the intent", moved != [], moved)
        t("refused, and says what it saw", outcome["kind"] == "refused"
          and moved[0] in outcome["detail"], outcome)
        still = holds_for(3, lambda: registry.digest() == moved[0], every=0.5)
        t("theirs is not overwritten", still is None and registry.puts() == [], registry.puts())
        wait_for("a page", lambda: s.pages(IMAGE))
    print("  faults: 1 retag by somebody else between plan and write")


def retagged_after(t):
    with watched(front=True) as (s, registry, good):
        s.front.after, moved = once(s, registry, "PUT", "/latest")
        registry.push("bad", "latest")
        s.start()
        intent = s.fired(IMAGE)
        outcome = s.outcome(intent["id"])
        t("unknown, and says that it is a conflict", outcome["kind"] == "unknown"
          and moved and moved[0] in outcome["detail"], (outcome, moved))
        wait_for("a page", lambda: s.pages(IMAGE))
        one_put(t, s, registry, 201)
        t("theirs is not overwritten", registry.digest() == moved[0] != good, registry.digest())
    print("  faults: 1 retag by somebody else between write and look")


if __name__ == "__main__":
    main([restores, read_only, tokens, token_without_push, missing_manifest, stale_mirror,
          retagged_before, retagged_after], workers=3)
