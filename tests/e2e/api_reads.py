"""Somebody who reads the API, in a process of their own: a busy test must not make the answers look late.

`python -m tests.e2e.api_reads URL READS_PER_S NAME…`, with the token in API_TOKEN, reads until its standard
input ends, and then writes a JSON array of reads: path, milliseconds, and the body of what failed.
"""

from __future__ import annotations

import json
import os
import random
import select
import sys
import time
from collections.abc import Sequence
from typing import Any

import httpx

PATHS = ("/prices/{}", "/prices/{}/bars?limit=50", "/graph/company/NVDA", "/events?limit=20", "/stores")


def main(url: str, reads_per_s: float, names: Sequence[str]) -> None:
    """Read, one after the other."""
    dice = random.Random(1)
    reads: list[tuple[str, float, str]] = []
    headers = {"Authorization": f"Bearer {os.environ['API_TOKEN']}"}
    with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as client:
        while not select.select([sys.stdin], [], [], 1 / reads_per_s)[0]:
            path = dice.choice(PATHS)
            begin = time.monotonic()
            answer: Any = client.get(path.format(dice.choice(names)))
            elapsed_ms = (time.monotonic() - begin) * 1000
            wrong = "" if answer.status_code == httpx.codes.OK else answer.text
            reads.append((path, elapsed_ms, wrong))
    json.dump(reads, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3:])
