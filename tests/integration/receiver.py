# Why: what a sink's receiver got is the only proof of what a person heard. This one keeps every
# request and answers as it is told.
import http.server
import json
import threading


class Receiver:
    """A receiver of pages on loopback. `answer` is (status, headers), "hang" or "cut"; or (status,
    headers, bytes, hold): exactly these, then the end, or nothing more for as long as it lives."""

    def __init__(self):
        self.answer = (200, {})
        self.got = []  # every request that came whole, as {path, headers, body, answered}
        self.lock = threading.Lock()
        self.free = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with outer.lock:
                    answer = outer.answer
                    outer.got.append({"path": self.path, "headers": dict(self.headers),
                                      "body": json.loads(body), "bytes": len(body),
                                      "answered": answer})
                self.close_connection = True
                if answer == "hang":
                    outer.free.wait(60)
                    return
                if answer == "cut":
                    return
                status, headers = answer[:2]
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if len(answer) == 4:
                    self.end_headers()
                    self.wfile.write(answer[2])
                    self.wfile.flush()
                    if answer[3]:
                        outer.free.wait(60)
                    return
                self.send_header("Content-Length", "0")
                self.send_header("Connection", "close")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.free.set()
        self.server.shutdown()
        self.server.server_close()

    def set(self, answer):
        with self.lock:
            self.answer = answer

    def all(self):
        with self.lock:
            return list(self.got)

    def accepted(self, word=""):
        """Bodies that were answered with 2xx and hold `word`."""
        return [r["body"] for r in self.all() if isinstance(r["answered"], tuple)
                and r["answered"][0] // 100 == 2 and word in json.dumps(r["body"])]

    def tries(self, word=""):
        return [r for r in self.all() if word in json.dumps(r["body"])]
