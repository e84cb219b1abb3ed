# Why: a thousand tenants of one small server, which fail and heal together when told to. A process of
# its own, so that what it costs is not taken for leverd's and does not hold the test up.
import asyncio
import json
import multiprocessing

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"


def slug(number):
    return f"t{number:04d}"


def body_of(path, orgs):
    if path.startswith("/cp/admin/orgs?"):
        return orgs
    if path.endswith("/admin-token"):
        return b'{"admin_token":"token-of-a-tenant"}'
    return b"[]" if path.endswith("/workspaces") else b'{"status":"ok"}'


class _Server:
    def __init__(self, count):
        orgs = [{"id": f"00000000-0000-4000-8000-{i:012d}", "slug": slug(i),
                 "instance_status": "running"} for i in range(count)]
        self.orgs = json.dumps({"orgs": orgs}).encode()
        self.open = set()
        self.hushed = False

    async def serve(self, reader, writer, kept):
        kept.add(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if kept is self.open and self.hushed:
                    continue
                body = body_of(head.split(b" ", 2)[1].decode("latin-1"), self.orgs)
                writer.write(ANSWER % (len(body), body))
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass
        finally:
            kept.discard(writer)
            writer.close()

    async def run(self, pipe):
        above = set()
        plane = await asyncio.start_server(lambda r, w: self.serve(r, w, above), "127.0.0.1", 0)
        tenants = await self.listen(0)
        port = tenants.sockets[0].getsockname()[1]
        pipe.send((plane.sockets[0].getsockname()[1], port))
        loop = asyncio.get_running_loop()
        while (word := await loop.run_in_executor(None, pipe.recv)) != "end":
            self.hushed = word == "hush"
            if word == "fail":
                tenants.close()
                self.cut()
            elif word == "heal" and not tenants.is_serving():
                tenants = await self.listen(port)
            elif word == "heal":
                self.cut()
            pipe.send(word)

    def cut(self):
        for writer in list(self.open):
            writer.transport.abort()

    def listen(self, port):
        return asyncio.start_server(lambda r, w: self.serve(r, w, self.open), "127.0.0.1", port,
                                    backlog=4096, reuse_address=True)


def _main(pipe, count):
    asyncio.run(_Server(count).run(pipe))


class Crowd:
    """`plane` is the port of the control plane, which stays well; `port` that of every tenant."""

    def __init__(self, count):
        fork = multiprocessing.get_context("fork")
        self.pipe, other = fork.Pipe()
        self.process = fork.Process(target=_main, args=(other, count), daemon=True)
        self.process.start()
        other.close()
        self.plane, self.port = self.pipe.recv()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.pipe.send("end")
        self.process.join(10)
        self.process.kill()

    def tell(self, word):
        self.pipe.send(word)
        self.pipe.recv()

    def fail(self):
        """Nobody listens any more, and what was open is cut."""
        self.tell("fail")

    def hush(self):
        """Whoever connects gets no answer."""
        self.tell("hush")

    def heal(self):
        self.tell("heal")
