"""A provider over real HTTP that counts calls by its own books, whatever process they come from."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PER_SECOND, PER_MINUTE = 6, 40


@dataclass
class Provider:
    """Attributes: `arrived`: when each call came, in seconds of this machine's steady clock."""

    url: str = ""
    arrived: list[float] = field(default_factory=list)

    def over(self) -> list[str]:
        """Spans of a second or a minute, laid anyhow, that saw too many calls."""
        calls = sorted(self.arrived)
        found = []
        for length_s, limit in ((1.0, PER_SECOND), (60.0, PER_MINUTE)):
            for first, one_more in zip(calls, calls[limit:], strict=False):
                if one_more - first < length_s:
                    found.append(f"more than {limit} calls in {one_more - first:.3f} s")
        return found


@contextmanager
def provider() -> Iterator[Provider]:
    """Plays Finnhub while the context lasts."""
    played = Provider()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            played.arrived.append(time.monotonic())
            now = int(time.time())
            body = json.dumps({"c": 10.5, "h": 11, "l": 10, "o": 10, "pc": 10, "t": now}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        played.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield played
        finally:
            server.shutdown()
            thread.join()
