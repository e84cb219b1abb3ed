# Why: see told.sh.
import json
import pathlib
import shutil
import tempfile

from pages import SINK, TOLD, Paged, gone_down
from receiver import Receiver
from stack import edited, http, holds_for, main, stack, wait_for

ROOM = [("blast_percent = 50\nblast_count = 4", "blast_percent = 100\nblast_count = 12"),
        ("blast_percent = 50\nblast_count = 2", "blast_percent = 100\nblast_count = 12"),
        ("blast_percent = 20\nblast_count = 2", "blast_percent = 100\nblast_count = 12")]

PROGRAMS = """
[[lever]]
id = "drain"
kind = "command"
title = "Drain the node of a tenant"
subjects = ["tenant/*"]
irreversible = false
argv = ["{program}", "{{slug}}"]
no_effect_exit_codes = [4]
"""
MAY = """
[[policy]]
id = "drain"
symptom = "tenant-unreachable"
lever = "drain"
subjects = ["tenant/*"]
mode = "approve"
owner = "demo"
cool_down = "1s"
attempts = 9
per_hour = 9
per_day = 60
blast_percent = 100
blast_count = 12
verify_timeout = "5s"
"""


def newest_page(receiver, word):
    told = receiver.accepted(word)
    return told[-1] if told else None


def incident(s, name):
    return s.api(f"/api/v1/incidents/{name}")


def lost(t):
    """Deleted, and not created anew: a person's case until a person says so."""
    with Receiver() as receiver, stack(policies=ROOM, leverd=False) as s:
        sink = f'[[notify]]\nid = "pager"\nkind = "webhook"\nurl = "{receiver.url}/hook"\n'
        text, found = SINK.subn(sink, s.toml.read_text())
        t("the sandbox's config has one sink", found == 1, text)
        s.toml.write_text(text)
        s.start()
        s.all_seen()
        s.fault("create_reply", mode="400")
        old = s.workspace("globex", "openclaw")
        s.fault("wedge_workspace", tenant="globex", runtime="openclaw", form="agent_error")
        subject = f"workspace/globex/{old['id']}"
        intent = wait_for("the reprovisioning", lambda: [
            e for e in s.intents(subject) if e["lever"] == "workspace-reprovision"], 90)[0]
        outcome = s.outcome(intent["id"])
        t("an answer that was read is failed, not unknown", outcome["kind"] == "failed", outcome)
        t("what is lost is named", outcome["results"].get("lost") == subject, outcome)
        page = wait_for("the page", lambda: newest_page(receiver, "is gone and nothing replaced"),
                        60)
        case = page["incident"]
        t("it is critical and says what is lost",
          page["severity"] == "critical" and page["state"] == "lost"
          and f"{subject} is gone and nothing replaced it" in page["text"], page)
        t("it quotes the answer", "/workspaces: 400 in " in page["text"]
          and "invalid workspace fields" in page["text"], page)
        t("it names the next step", f"leverd ack {case} --why" in page["text"], page)
        t("it speaks of no lost reply", "reply was lost" not in page["text"], page)

        wait_for("the symptom is gone with its subject", lambda: not s.symptoms_of(subject), 60)
        moved = holds_for(8, lambda: not s.entries("incident_closed") and newest_page(
            receiver, case)["status"] == "firing")
        t("it stays open and paged when nothing is seen any more", moved is None,
          (s.entries("incident_closed"), newest_page(receiver, case)))
        s.kill9()
        s.start()
        moved = holds_for(4, lambda: incident(s, case)["phase"] != "closed" and newest_page(
            receiver, case)["status"] == "firing")
        t("also over a restart", moved is None, incident(s, case))
        t("nothing is acknowledged yet", incident(s, case)["acknowledged"] is None,
          incident(s, case)["acknowledged"])
        t("nothing else was fired", len(s.calls("DELETE", "/workspaces/" + old["id"])) == 1)

        wrong = s.cli("ack", "i-999", "--why", "made anew")
        t("another case cannot be acknowledged", wrong.returncode != 0
          and "nothing was lost in i-999" in wrong.stderr, wrong)
        t("a reason is needed", s.cli("ack", case, "--why", "").returncode != 0)
        done = s.cli("ack", case, "--why", "made anew from the plan")
        t("a person says that it was seen to", done.returncode == 0 and case in done.stdout, done)
        closed = wait_for("its end", lambda: s.entries("incident_closed"), 60)[0]
        t("its end is the true one", closed["end"] == "lost", closed)
        told = wait_for("the end is told", lambda: [
            b for b in receiver.accepted(case) if b["status"] != "firing"], 60)[0]
        t("the page says who saw to it", "What was lost was seen to by" in told["text"]
          and "made anew from the plan" in told["text"], told)

        by = incident(s, case)["acknowledged"]
        t("the API has who, when and why", by and by["who"] and by["time"]
          and by["why"] == "made anew from the plan", by)
        day = by["time"][:10]
        words = incident(s, case)["words"]
        t("its words have them, too", f"acknowledged by {by['who']} at {day}" in words
          and words.endswith("made anew from the plan"), words)
        for command in (["incidents"], ["why", subject]):
            shown = s.cli(*command).stdout
            t(f"leverd {command[0]} shows them", f"acknowledged by {by['who']} at {day}" in shown
              and "made anew from the plan" in shown, shown)
        listed = s.api("/api/v1/overview")["incidents"]
        mine = [i for i in listed if i["incident"] == case]
        t("the status page shows them", mine and mine[0]["words"] == words, mine)
        again = s.cli("ack", case, "--why", "twice")
        t("it is acknowledged once", again.returncode != 0, again)
        t("the chain is whole", s.verified().returncode == 0, s.verified())


def program(t):
    """The exit codes of a declared program, as its operator declared them."""
    with stack(leverd=False) as s:
        script = pathlib.Path(s.dir) / "drain"
        script.write_text('#!/bin/sh\necho "drain: Access denied for $1" >&2\nexit 4\n')
        script.chmod(0o755)
        declared = PROGRAMS.format(program=script) + "\n[observer]"
        for file, edits in ((s.toml, [("[observer]", declared)]),
                            (s.config / "policies.toml", [("[storm]", MAY + "\n[storm]")]),
                            (s.config / "runbook.toml", [('then = ["tenant-restart"]',
                                                          'then = ["tenant-restart", "drain"]')])):
            file.write_text(edited(file.read_text(), edits))
        s.start()
        s.all_seen()
        wait_for("trust in the box's own view", lambda: ", observer" not in s.cli(
            "fire", "drain", "tenant/acme", "--dry-run").stdout.split("\n  ")[0])

        def fire(subject):
            return s.cli("fire", "drain", "tenant/" + subject, "--confirm", subject, "--why",
                         "the node is sick")

        done = fire("acme")
        intent = s.fired("tenant/acme")["id"]
        outcome = s.outcome(intent)
        t("a declared code is no effect", outcome["kind"] == "failed", outcome)
        t("code and first line are in the outcome", "exit 4: drain: Access denied for acme"
          in outcome["detail"] and "without effect" in outcome["detail"], outcome)
        t("whoever fired it is told so", done.returncode == 1 and "exit 4: drain: Access denied"
          in done.stdout and "accepted" not in done.stdout, done)
        t("nothing waits for its proof", holds_for(3, lambda: not s.after("verdict", intent))
          is None, s.after("verdict", intent))
        shown = s.cli("why", "tenant/acme").stdout
        t("leverd why shows it", "exit 4: drain: Access denied for acme" in shown, shown)
        detail = json.dumps(s.api(f"/api/v1/intents/{intent}"))
        t("the API shows it", "exit 4: drain: Access denied for acme" in detail, detail)

        script.write_text('#!/bin/sh\necho "drain: half way" >&2\nexit 5\n')
        done = fire("demo")
        outcome = s.outcome(s.fired("tenant/demo")["id"])
        t("another code is unknown", outcome["kind"] == "unknown", outcome)
        t("and told as what it is, not as a lost reply", "exit 5: drain: half way" in done.stdout
          and "is not known" in done.stdout and "was lost" not in done.stdout, done)


def forgotten(t):
    """The ledger is lost or replaced, and receivers hold pages of it."""
    for witness in (True, False):
        with Receiver() as receiver, Paged(receiver) as s:
            name = "witnessed" if witness else "nothing but the outbox"
            gone_down(s, receiver)
            before = wait_for("a page", lambda: newest_page(receiver, "tenant/acme"), 60)
            key = before["key"]
            s.fault("tenant_up", tenant="acme")
            s.kill9()
            for file in s.state.iterdir():
                keep = file.name.startswith("outbox.db") or (witness and "witness" in file.name)
                if not keep:
                    shutil.rmtree(file) if file.is_dir() else file.unlink()
            s.start(ready=False)
            told = wait_for("the page is told anew", lambda: [
                b for b in receiver.accepted(f'"key": "{key}"') if b["state"] == "no_history"],
                60)[0]
            t(f"{name}: it is open still, and says why", told["status"] == "firing"
              and "leverd lost the history that this page comes from" in told["text"]
              and "it does not know whether this is over" in told["text"], told)
            t(f"{name}: it keeps title and severity, and says what it said",
              told["title"] == before["title"] and told["severity"] == before["severity"]
              and before["text"] in told["text"], (before, told))
            t(f"{name}: it is a newer version", told["version"] > before["version"], told)
            ready = wait_for("the doubt", lambda: "in doubt" in http(
                "GET", s.base + "/-/ready")[1] and http("GET", s.base + "/-/ready"))
            t(f"{name}: no lever fires", ready[0] == 503, ready)
            moved = holds_for(5, lambda: not [
                b for b in receiver.accepted(f'"key": "{key}"') if b["status"] == "resolved"])
            t(f"{name}: it is not called over", moved is None, receiver.accepted(key))
            s.kill9()
            s.start(ready=False)
            done = wait_for("the acceptance", lambda: (lambda d: d if d.returncode == 0 else None)(
                s.cli("ledger", "accept", "--why", "the disk was replaced")))
            t(f"{name}: a person accepts the loss", done.returncode == 0, done)
            over = wait_for("its end", lambda: [
                b for b in receiver.accepted(f'"key": "{key}"') if b["status"] == "resolved"],
                60)[0]
            t(f"{name}: its end says that nobody saw it",
              over["text"].startswith("Closed, and nobody saw whether it is over")
              and "the disk was replaced" in over["text"], over)
            s.fault("tenant_down", tenant="demo", how="refuse")
            new = wait_for("a page of the new history", lambda: newest_page(
                receiver, '"subject": "tenant/demo"'), 90)
            t(f"{name}: a new case has a new key", new["key"] != key, new)


def put_back(t):
    """Ledger and witness come from a copy; only what receivers were told is newer."""
    with Receiver() as receiver, Paged(receiver) as s, tempfile.TemporaryDirectory() as copy:
        s.kill9()
        older = [file for file in s.state.iterdir() if not file.name.startswith("outbox.db")]
        for file in older:
            shutil.copy(file, copy)
        s.start()
        gone_down(s, receiver)
        before = wait_for("a page", lambda: newest_page(receiver, "tenant/acme"), 60)
        s.kill9()
        for file in s.state.iterdir():
            if not file.name.startswith("outbox.db"):
                file.unlink()
        for file in pathlib.Path(copy).iterdir():
            shutil.copy(file, s.state)
        s.start(ready=False)
        ready = wait_for("the doubt", lambda: (lambda text: text if "in doubt" in text else None)(
            http("GET", s.base + "/-/ready")[1]))
        t("it is not ready, and says why", "put back to an older copy" in ready, ready)
        told = wait_for("the page is told anew", lambda: [
            b for b in receiver.accepted(f'"key": "{before["key"]}"')
            if b["state"] == "no_history"], 60)[0]
        t("its page is a newer version", told["version"] > before["version"], (told, before))
        done = s.cli("ledger", "accept", "--why", "a backup was put back")
        t("a person accepts it", done.returncode == 0, done)
        s.kill9()
        s.start()
        t("and the next start is ready", http("GET", s.base + "/-/ready")[0] == 200)


if __name__ == "__main__":
    main([lost, program, forgotten, put_back])
