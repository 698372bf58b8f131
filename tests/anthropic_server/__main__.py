"""`python -m tests.anthropic_server`: the server as a process of its own, until it is killed.

It prints its URL in one line once it listens. `GET /control/state` gives its books,
`POST /control/rules` sets replies to come, `POST /control/end_batches` ends batches.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import sys

from tests.anthropic_server import AnthropicServer


async def serve(arguments: argparse.Namespace) -> None:
    server = AnthropicServer(port=arguments.port, batches_end=not arguments.hold_batches)
    if arguments.script:
        module, _, name = arguments.script.partition(":")
        server.script = getattr(importlib.import_module(module), name)
    async with server:
        sys.stdout.write(server.url + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="An Anthropic-compatible server for tests.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument(
        "--script", default="", help="module:function; the function gets a body, gives a reply"
    )
    parser.add_argument("--hold-batches", action="store_true", help="end batches only when told")
    asyncio.run(serve(parser.parse_args()))
