"""`python -m tests.documentation`: every command of the pages, and whether tests run it or parse it."""

from __future__ import annotations

import sys

from tests.documentation.running import queries, redis_commands, runnable
from tests.documentation.shown import commands


def main() -> int:
    """Print one line a command."""
    run = {shown.words[1:] for shown in runnable()}
    read = set(redis_commands())
    counts = {"run": 0, "parsed": 0}
    for shown in commands():
        redis = shown.words[:1] == ("redis-cli",) and any(
            shown.words[-len(words) :] == words for words in read
        )
        how = "run" if redis or (shown.words[1:] in run and not shown.inline) else "parsed"
        counts[how] += 1
        sys.stdout.write(f"{how:6} {shown}\n")
    asked = {language: len(queries(language)) for language in ("sql", "cypher")}
    sys.stdout.write(f"{counts['run']} run, {counts['parsed']} parsed; queries that are run: {asked}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
