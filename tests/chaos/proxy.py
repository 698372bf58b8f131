"""A TCP proxy that can do what networks do: be slow, go silent, cut connections, hold one request back."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

CHUNK_BYTES = 65_536


class Proxy:
    """Forwards connections of a port of its own to `port`, in a thread of its own.

    Attributes:
        delay_s: each piece of data waits so long, in both directions.
        silent: nothing is forwarded, nobody is told.
        refusing: new connections are closed at once.
        hold: pieces from the client for which it says yes wait until `release`.
    """

    def __init__(self, port: int) -> None:
        self.delay_s = 0.0
        self.silent = False
        self.refusing = False
        self.hold: Callable[[bytes], bool] | None = None
        self.holding = threading.Event()
        self._target = port
        self._released = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Proxy:
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Reset every connection."""
        self._loop.call_soon_threadsafe(self._reset_all)

    def release(self) -> None:
        """Let what is held back go on, and hold nothing more."""
        self._loop.call_soon_threadsafe(self._released.set)

    def _run(self, work: object) -> asyncio.Server:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)  # type: ignore[arg-type]

    async def _stop(self) -> None:
        self._server.close()  # in the loop's own thread: a connection may just be ending there
        self._reset_all()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _reset_all(self) -> None:
        for writer in self._writers:
            # A linger time of 0 makes close send RST in place of FIN.
            with suppress(OSError):
                raw = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, back}
        try:
            await asyncio.gather(self._pump(reader, back, ours=True), self._pump(there, writer, ours=False))
        except (asyncio.CancelledError, OSError):
            pass  # the proxy ends (asyncio's streams would log it as an error of ours), or one end was reset
        finally:
            self._writers -= {writer, back}
            for end in (writer, back):
                end.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, ours: bool) -> None:
        while data := await source.read(CHUNK_BYTES):
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            while self.silent:  # noqa: ASYNC110 - set from another thread
                await asyncio.sleep(0.05)
            if ours and self.hold is not None and self.hold(data):
                self.holding.set()
                await self._released.wait()
            target.write(data)
            await target.drain()
        target.write_eof()
