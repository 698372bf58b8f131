"""A local server that plays Yahoo."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class FakeYahoo:
    """What the server says; by symbol, else the default."""

    url: str = ""
    default: tuple[int, bytes] = (200, b"")
    by_symbol: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    charts_asked: list[str] = field(default_factory=list)

    def says(self, body: Any, status: int = 200, symbol: str | None = None) -> None:
        answer = status, body if isinstance(body, bytes) else json.dumps(body).encode()
        if symbol is None:
            self.default = answer
        else:
            self.by_symbol[symbol] = answer

    def answer(self, path: str) -> tuple[int, bytes]:
        if "/finance/chart/" not in path:
            return 200, b"a-crumb"
        symbol = path.split("/finance/chart/")[1].split("?")[0]
        self.charts_asked.append(symbol)
        return self.by_symbol.get(symbol, self.default)


@contextmanager
def fake_yahoo() -> Iterator[FakeYahoo]:
    """The server, while the context lasts; `url` says where."""
    fake = FakeYahoo()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = fake.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        fake.url = f"http://127.0.0.1:{server.server_port}"
        yield fake
        server.shutdown()
        thread.join()
