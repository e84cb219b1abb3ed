# Why: see pages.sh. The judge is a receiver of its own, which keeps every request.
import re

from receiver import Receiver
from stack import holds_for, http, main, stack, wait_for

TOLD = [('mode = "auto"', 'mode = "recommend"'), ('mode = "approve"', 'mode = "recommend"'),
        ('irreversible = "accepted"\n', "")]
SINK = re.compile(r'\[\[notify\]\].*?url = "[^"]*"\n', re.S)


class Paged:
    """A stack whose only sink is a receiver of ours."""

    def __init__(self, receiver, more=""):
        self.context = stack(policies=TOLD, leverd=False)
        self.receiver, self.more = receiver, more

    def __enter__(self):
        s = self.context.__enter__()
        sink = f'[[notify]]\nid = "pager"\nkind = "webhook"\nurl = "{self.receiver.url}/hook"\n'
        text, found = SINK.subn(sink + self.more, s.toml.read_text())
        if found != 1:
            raise AssertionError("the sandbox's config no longer has one [[notify]]")
        s.toml.write_text(text)
        s.start()
        s.all_seen()
        return s

    def __exit__(self, *args):
        return self.context.__exit__(*args)


def gone_down(s, receiver, word="tenant/acme"):
    s.fault("tenant_down", tenant="acme", how="refuse")
    return wait_for("a try to page", lambda: receiver.tries(word), 60)


def undelivered(s):
    return s.metrics().get('leverd_pages_undelivered{sink="pager"}', 0)


def outage(t):
    with Receiver() as receiver, Paged(receiver) as s:
        receiver.set((503, {}))
        gone_down(s, receiver)
        t("the gauge says it", wait_for("the gauge", lambda: undelivered(s) >= 1))
        t("the oldest is dated",
          s.metrics()['leverd_pages_undelivered_oldest_timestamp_seconds{sink="pager"}'] > 0)
        words = wait_for("a line in status", lambda: [
            line for line in s.cli("status").stdout.splitlines() if "not delivered" in line])
        t("status says it", "sink pager" in words[0] and "503" in words[0], words)
        ready = http("GET", s.base + "/-/ready")
        t("readiness says it", "not delivered to sink pager" in ready[1], ready)
        s.kill9()
        tries = len(receiver.tries("tenant/acme"))
        s.start()
        wait_for("another try", lambda: len(receiver.tries("tenant/acme")) > tries)
        t("nothing was accepted yet", not receiver.accepted("tenant/acme"))
        receiver.set((200, {}))
        wait_for("delivery", lambda: receiver.accepted("tenant/acme"), 90)
        wait_for("nothing waits", lambda: undelivered(s) == 0, 90)
        before = receiver.accepted()
        seen = [(b["key"], b["version"]) for b in before]
        t("each version was accepted once", len(seen) == len(set(seen)), seen)
        ids = {r["headers"]["X-Watchdog-Delivery"] for r in receiver.all()
               if (r["body"]["key"], r["body"]["version"]) == seen[0]}
        t("every try of one version has one delivery id", len(ids) == 1, ids)
        s.kill9()
        s.start()
        again = holds_for(4, lambda: not [
            b for b in receiver.accepted() if (b["key"], b["version"]) in seen
            and receiver.accepted().count(b) > 1])
        t("what was accepted does not come again after a restart", again is None, again)


def missed(t):
    with Receiver() as receiver, Paged(receiver) as s:
        receiver.set((503, {}))
        gone_down(s, receiver)
        s.fault("tenant_up", tenant="acme")
        wait_for("the end of the case", lambda: s.entries("incident_closed"), 60)
        wait_for("a page that is over", lambda: [
            e for e in s.entries("page") if e["status"] == "resolved"
            and "acme" in str(e)], 120)
        t("nothing was accepted so far", not receiver.accepted("acme"))
        s.kill9()
        s.start()
        receiver.set((200, {}))
        wait_for("delivery", lambda: receiver.accepted("acme"), 90)
        wait_for("nothing waits", lambda: undelivered(s) == 0, 90)
        told = receiver.accepted("acme")
        t("one message tells of the whole case", len(told) == 1, told)
        t("as resolved, and from when to when", told[0]["status"] == "resolved"
          and "It was broken from" in told[0]["text"], told[0])


def order(t):
    with Receiver() as receiver, Paged(receiver) as s:
        receiver.set("hang")
        gone_down(s, receiver)
        slow = [http("GET", s.base + "/metrics")[0] for _ in range(5)]
        t("a receiver that hangs holds nobody up", slow == [200] * 5, slow)
        s.fault("tenant_up", tenant="acme")
        wait_for("the end of the case", lambda: s.entries("incident_closed"), 60)
        receiver.set((200, {}))
        receiver.free.set()
        wait_for("the end is told", lambda: [
            b for b in receiver.accepted("acme") if b["status"] == "resolved"], 180)
        versions = [b["version"] for b in receiver.accepted("acme")]
        t("no version overtakes a newer one", versions == sorted(versions), versions)


def answers(t):
    with Receiver() as receiver, Paged(receiver) as s:
        receiver.set("cut")
        gone_down(s, receiver)
        first = receiver.tries("tenant/acme")[0]
        receiver.set((413, {}))
        wait_for("an answer that it is too large", lambda: [
            r for r in receiver.tries("tenant/acme") if r["answered"] == (413, {})], 30)
        cut = [r for r in receiver.tries("tenant/acme") if r["answered"] == "cut"
               and r["body"]["version"] == first["body"]["version"]]
        t("a lost reply repeats under one id",
          len({r["headers"]["X-Watchdog-Delivery"] for r in cut}) == 1, cut)
        small = wait_for("a shorter try", lambda: [
            r for r in receiver.tries("tenant/acme") if len(r["body"]["text"]) <= 210][-1:], 30)
        t("too large is followed by a shorter one", small[0]["bytes"] <= first["bytes"])
        wait_for("it is told as rejected", lambda: s.metrics().get(
            'leverd_page_attempts_total{result="rejected",sink="pager"}', 0) >= 1)
        t("and is not dropped", undelivered(s) >= 1, undelivered(s))
        t("status names the answer", "413" in s.cli("status").stdout, s.cli("status").stdout)


HALF = {
    "too short": (202, {"Content-Length": "100"}, b"ok", False),
    "too long": (200, {"Content-Length": "40000"}, b"x" * 40000, False),
    "never ended": (202, {"Transfer-Encoding": "chunked"}, b"2\r\nok\r\n", True),
    "not to be read": (200, {"Content-Encoding": "gzip", "Content-Length": "2"}, b"ok", False),
}


def half_answers(t):
    with Receiver() as receiver, Paged(receiver) as s:
        for name, answer in HALF.items():
            receiver.set(answer)
            done = s.cli("notify", "test", "pager")
            t(f"a 2xx whose body is {name} is an accepted page", done.returncode == 0, done)
        receiver.set(HALF["too short"])
        gone_down(s, receiver)
        wait_for("an empty outbox", lambda: undelivered(s) == 0 and receiver.accepted("acme"), 30)
        again = holds_for(6, lambda: len({r["headers"]["X-Watchdog-Delivery"] for r in receiver.tries(
            "tenant/acme")}) == len(receiver.tries("tenant/acme")))
        t("and no version of a page comes twice", again is None, receiver.tries("tenant/acme"))


def test_page(t):
    with Receiver() as receiver, Paged(receiver) as s:
        good = s.cli("notify", "test", "pager")
        t("a test page is accepted", good.returncode == 0 and "accepted: 200" in good.stdout, good)
        mine = [r["body"] for r in receiver.tries("test page from leverd")]
        t("it is opened and closed again", [b["status"] for b in mine] == ["firing", "resolved"],
          mine)
        receiver.set((401, {}))
        bad = s.cli("notify", "test", "pager")
        t("a refused one says so", bad.returncode == 1 and "401" in bad.stderr, bad)
        unknown = s.cli("notify", "test", "pagr")
        t("an unknown sink is named", unknown.returncode == 1
          and "did you mean 'pager'" in unknown.stderr, unknown)
        t("a test is no page of the outbox", undelivered(s) == 0)


if __name__ == "__main__":
    main([outage, missed, order, answers, half_answers, test_page])
