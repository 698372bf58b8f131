"""A server that speaks Anthropic's Messages API, as strictly as the API documents it, for tests.

    async with AnthropicServer(lambda body: {"mood": "positive", "score": 0.5}) as server:
        settings = ClaudeSettings(api_key=KEY, base_url=server.url)

As a process of its own, which outlives a client that is killed: `python -m tests.anthropic_server --help`.
"""

from tests.anthropic_server.replies import Reply
from tests.anthropic_server.server import KEY, AnthropicServer

__all__ = ["KEY", "AnthropicServer", "Reply"]
