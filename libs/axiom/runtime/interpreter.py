"""How Python is set for reading a log at speed."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_COLLECT_EVERY_S = 20.0
_SWITCH_S = 0.0005


@asynccontextmanager
async def tuned() -> AsyncIterator[None]:
    """Garbage collected every twenty seconds, and threads that take turns more often; as it was afterwards.

    A batch allocates some 100,000 short-lived tuples: left to itself the collector walks all that is alive
    again and again, and takes up to two thirds of a sink's time to find nothing. Cycles are rare here.

    While one thread decodes, each of the half dozen answers that a store gives in a transaction waits until
    that thread hands over: 5 ms by default, which is as long as the transaction itself.
    """
    if not gc.isenabled():  # somebody around us has it tuned
        yield
        return
    switch_s = sys.getswitchinterval()
    gc.disable()
    gc.freeze()
    sys.setswitchinterval(_SWITCH_S)
    collector = asyncio.create_task(_collect())
    try:
        yield
    finally:
        collector.cancel()
        sys.setswitchinterval(switch_s)
        gc.unfreeze()
        gc.enable()


async def _collect() -> None:
    while True:
        await asyncio.sleep(_COLLECT_EVERY_S)
        gc.collect()
