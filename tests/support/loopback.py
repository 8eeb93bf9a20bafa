"""A server on the loopback interface for tests: each decides how it answers, and what it was asked is kept."""

import contextlib
import hashlib
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from geo.fetch import RawFile

CONTENT = random.Random(1).randbytes(300_000)
NAMES = ("polygons.rda", "census.xlsx", "codes.csv")


def raw(name: str = NAMES[0], content: bytes = CONTENT) -> RawFile:
    """A file to be fetched."""
    digest = hashlib.sha256(content).hexdigest()
    return RawFile(name, len(content), digest, "someone/something", "0123456789abcdef", name, "CC0")


def names(folder: Path) -> list[str]:
    """What a folder holds besides the lock."""
    return sorted(path.name for path in folder.iterdir() if path.name != ".fetch.lock")


class Handler(BaseHTTPRequestHandler):
    """Leaves the answer to the function that the test gave its server."""

    site: "Site"

    def do_GET(self) -> None:
        self.wanted = self.headers.get("Range")
        self.site.asked.append((self.path.lstrip("/"), self.wanted))
        with contextlib.suppress(OSError):  # the client may leave
            self.site.answer(self)

    def send(self, status: int, body: bytes = b"", length: int | None = None, **headers: str) -> None:
        """Send an answer; a length other than the body's, or -1 for none at all."""
        self.send_response(status)
        if length != -1:
            self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def send_range(self, upto: int | None = None) -> None:
        """Send what was asked for, cut off after `upto` bytes."""
        start = int(self.wanted.removeprefix("bytes=").removesuffix("-")) if self.wanted else 0
        rest = CONTENT[start:]
        span = {"Content_Range": f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"} if start else {}
        self.send(206 if start else 200, rest[:upto], len(rest), **span)

    def log_message(self, format: str, *args: object) -> None:
        pass


@dataclass
class Site:
    """A server on the loopback interface.

    Attributes:
        url: Its address.
        answer: Answers a request.
        asked: Name and Range header of every request so far.
        closing: Set when the test is over.
    """

    url: str
    answer: Callable[[Handler], None] = Handler.send_range
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)


@contextlib.contextmanager
def serve() -> Iterator[Site]:
    """A server that runs while the block does."""
    bound = type("Bound", (Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), bound)
    server.daemon_threads = True
    bound.site = site = Site(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield site
    finally:
        site.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
