# Why: see page.sh. What an on-call engineer needs first must be on the page, update itself, and break nothing.
import os
import pathlib
import signal
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
sys.path.insert(0, str(HERE))

from devtools import Browser  # noqa: E402
from stack import main, stack  # noqa: E402

HOSTILE = "<img src=x onerror=document.title='owned'>"


def page(t):
    # The platform rollback is asked for as soon as its symptom is there.
    with stack(runbook=[('dwell = "9s"', 'dwell = "1s"')]) as s:
        s.all_seen()
        browser = Browser(1280, 900)
        try:
            browser.call("Page.navigate", url=s.base + "/")
            text = "document.body.innerText"
            t("the page says that nothing is wrong", browser.wait_for(f"{text}.includes('nothing is wrong') || "
                                                                      f"{text}.includes('Nothing is wrong')"),
              browser.evaluate(text))
            s.fault("canvas", mode="chunk_404")
            t("an incident appears without a reload", browser.wait_for(f"{text}.includes('Canvas crashes on load')"),
              browser.evaluate(text))
            t("with the recommended lever", browser.wait_for(f"{text}.includes('Lever F (Vercel rollback)')"))
            browser.evaluate("[...document.querySelectorAll('button')]"
                             ".find((b) => b.textContent === 'canvas').click()")
            why = "document.getElementById('why-body')"
            looks = f"[...{why}.querySelectorAll('details')].find((d) => d.innerText.includes('Last looks of canvas'))"
            t("Why shows the last looks", browser.wait_for(f"{looks} !== undefined"), browser.evaluate(f"{why}.innerText"))
            browser.evaluate(f"{looks}.open = true")
            first = f"{looks}.querySelector('li')"
            t("the newest look is first, with what went wrong", browser.wait_for(
                f"{first}.innerText.includes('failing') && {first}.innerText.includes('a script of the page does not load')"),
              browser.evaluate(f"{first}.innerText"))
            t("and with the answer that it got", browser.evaluate(f"{first}.innerText.includes('404')"),
              browser.evaluate(f"{first}.innerText"))
            t("older looks are healthy ones", browser.evaluate(
                f"[...{looks}.querySelectorAll('li')].pop().innerText.includes('healthy')"), browser.evaluate(f"{looks}.innerText"))
            browser.evaluate("document.getElementById('why-dialog').close()")
            s.fault("wedge_workspace", tenant="demo", runtime="hermes", form="error_status", text=HOSTILE)
            t("a workspace incident appears", browser.wait_for(
                f"{text}.includes('Workspace boots but agent always errors')", 40), browser.evaluate(text))
            t("remote text is shown, not run", browser.evaluate("document.title") != "owned"
              and not browser.evaluate("document.querySelector('img[src=x]')"))
            t("the first line names subject and title", browser.evaluate(
                "/: (Canvas crashes on load|Workspace boots but agent always errors)$/.test("
                "document.getElementById('headline').innerText)"),
              browser.evaluate("document.getElementById('headline').innerText"))
            t("and what leverd does and what you do", browser.evaluate(
                "document.getElementById('first').innerText.includes('You: ')"),
              browser.evaluate("document.getElementById('first').innerText"))
            shot = os.environ.get("LEVERD_SCREENSHOT", str(s.dir / "page.png"))
            browser.screenshot(shot)
            t("a screenshot was taken", os.path.getsize(shot) > 10_000)
            browser.call("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=True)
            browser.screenshot(shot.replace(".png", "-390.png"))
            t("nothing is wider than a phone", browser.evaluate(
                "document.documentElement.scrollWidth <= 390"), browser.evaluate("document.documentElement.scrollWidth"))
            s.fault("canvas", mode="ok")
            status = "document.getElementById('status').className"
            os.kill(s.daemon.pid, signal.SIGSTOP)
            t("a daemon that hangs turns the page grey", browser.wait_for(f"{status} === 'lost'", 60),
              browser.evaluate(text)[:200])
            os.kill(s.daemon.pid, signal.SIGCONT)
            t("and one that answers again takes it back", browser.wait_for(f"{status} !== 'lost'", 60),
              browser.evaluate(text)[:200])
            s.kill9()
            t("a dead daemon turns the page grey", browser.wait_for(f"{status} === 'lost'", 60),
              browser.evaluate(text)[:200])
            t("which says since when it is blind", browser.evaluate(
                "/^Blind since .*: leverd does not answer$/.test(document.getElementById('headline').innerText)"),
              browser.evaluate("document.getElementById('headline').innerText"))
            t("in the title as well", browser.evaluate("document.title.includes('BLIND')"), browser.evaluate("document.title"))
            browser.screenshot(shot.replace(".png", "-lost.png"))
            quiet = [c for c in browser.complaints() if "ERR_" not in c and "Failed to load" not in c]
            t("no errors in the console", not quiet, quiet)
        finally:
            browser.close()


if __name__ == "__main__":
    main([page])
