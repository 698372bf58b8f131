"""A local web site that behaves badly on request."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult


@dataclass
class Site:
    """What each path answers: (status, headers, body), or one of the words slow, cut, endless.

    Attributes:
        asked: paths with their queries, in order.
        drip_s: the pause between bytes of a slow answer.
    """

    port: int = 0
    pages: dict[str, tuple[int, dict[str, str], bytes] | str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    drip_s: float = 0.2

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def says(self, path: str, body: bytes | str, status: int = 200, **headers: str) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.pages[path] = (
            status,
            {name.replace("_", "-"): value for name, value in headers.items()},
            content,
        )

    def redirects(self, path: str, target: str) -> None:
        self.says(path, b"", 302, Location=target)


class NamesOf(AbstractResolver):
    """A name service in the test's hand: every name leads to `address`, or as `names` says."""

    def __init__(self, address: str = "127.0.0.1", names: dict[str, str] | None = None) -> None:
        self.address = address
        self.names = names or {}
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        self.asked.append(host)
        address = self.names.get(host, self.address)
        return [ResolveResult(hostname=host, host=address, port=port, family=2, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing is held."""


class _Handler(BaseHTTPRequestHandler):
    site: Site

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.do_GET()

    def do_GET(self) -> None:
        self.site.asked.append(self.path)
        self.site.headers.append(dict(self.headers))
        answer = self.site.pages.get(self.path.split("?")[0], (404, {}, b"no such page"))
        try:
            if isinstance(answer, str):
                getattr(self, f"_{answer}")()
            else:
                self._plain(*answer)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _plain(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self._start(status, headers | {"Content-Length": str(len(body))})
        self.wfile.write(body)

    def _slow(self) -> None:
        self._start(200, {"Content-Length": "1000"})
        for _ in range(1000):
            self.wfile.write(b".")
            time.sleep(self.site.drip_s)

    def _cut(self) -> None:
        self._start(200, {"Content-Length": "1000"})
        self.wfile.write(b"half of it")
        self.close_connection = True

    def _endless(self) -> None:
        self._start(200, {"Connection": "close"})
        while True:
            self.wfile.write(b"." * 65536)

    def _start(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@contextmanager
def local_site() -> Iterator[Site]:
    """The server, while the context lasts."""
    site = Site()

    handler = type("Handler", (_Handler,), {"site": site})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        site.port = server.server_port
        yield site
        server.shutdown()
        thread.join()
