# Why: see canvas.sh. One leverd with the canvas probe only, and one server whose page can be changed.
import http.server
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

from stack import LEVERD, free_port, http as call, main, wait_for  # noqa: E402

PAGE = b"""<!doctype html><title>canvas</title><script id="__NEXT_DATA__">{}</script>
<div id=app>empty</div><script src="/app.js"></script>"""
SCRIPTS = {
    "good": b"document.getElementById('app').textContent = 'ready';",
    "throws": b"document.getElementById('nothing').textContent = 'ready';",
    "rejects": b"Promise.reject(new Error('late'));",
    "error page": b"document.body.textContent = 'Application error: a client-side exception has occurred';",
    "hangs": b"for (;;) {}",
}


class Site(http.server.BaseHTTPRequestHandler):
    mode = "good"

    def do_GET(self):
        script = self.path == "/app.js"
        body = SCRIPTS[Site.mode] if script else PAGE
        self.send_response(200)
        self.send_header("Content-Type", "application/javascript" if script else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Box:
    def __init__(self, more=""):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="leverd-it."))
        self.site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
        threading.Thread(target=self.site.serve_forever, daemon=True).start()
        port = free_port()
        (self.dir / "state").mkdir()
        (self.dir / "leverd.toml").write_text(f'''[daemon]
state_directory = "{self.dir}/state"
socket = "{self.dir}/leverd.sock"
listen = "127.0.0.1:{port}"
[observer]
quorum = 0
[stack.canvas]
url = "http://127.0.0.1:{self.site.server_port}/"
marker = "__NEXT_DATA__"
browser = true
browser_arguments = ["--no-sandbox"]
{more}
[[probe]]
kind = "canvas"
interval = "1h"
timeout = "20s"
''')
        with open(self.dir / "leverd.log", "ab") as log:
            self.daemon = subprocess.Popen([LEVERD, "run", "--config", self.dir / "leverd.toml"],
                                           stdout=log, stderr=subprocess.STDOUT)
        wait_for("leverd ready",
                 lambda: call("GET", f"http://127.0.0.1:{port}/-/ready")[0] == 200, 60)

    def look(self, mode):
        Site.mode = mode
        done = subprocess.run([LEVERD, "probe", "canvas", "--json", "--socket",
                               self.dir / "leverd.sock"], capture_output=True, text=True, timeout=60)
        return json.loads(done.stdout)["observations"][0]

    def close(self):
        self.daemon.terminate()
        self.daemon.wait(20)
        self.site.shutdown()
        shutil.rmtree(self.dir, ignore_errors=True)


def left_over():
    """Browsers that a look started: their profile is in the arguments."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        if "leverd-page-" in words:
            found.append(words[:80])
    return found


def canvas(t):
    box = Box()
    try:
        for mode, health, reason in (("good", "healthy", "ok"),
                                     ("throws", "failing", "client_exception"),
                                     ("rejects", "healthy", "ok"),
                                     ("error page", "failing", "client_exception"),
                                     ("hangs", "unknown", "command_timeout")):
            seen = box.look(mode)
            t(f"a page that is {mode}: {health}, {reason}",
              (seen["health"], seen["reason"]) == (health, reason), seen)
        t("no browser is left", not left_over(), left_over())
        t("no profile is left", not list(pathlib.Path(tempfile.gettempdir()).glob("leverd-page-*")))
    finally:
        box.close()


def no_browser(t):
    box = Box('browser_program = "/nonexistent/chromium"')
    try:
        seen = box.look("good")
        t("no browser: unknown, with the next step", seen["reason"] == "browser_missing"
          and "apt-get install chromium" in seen["evidence"], seen)
    finally:
        box.close()


if __name__ == "__main__":
    main([canvas, no_browser])
