"""`python -m deploy.observability.dashboards`: write the dashboards' JSON."""

from __future__ import annotations

import sys

from deploy.observability.dashboards import claude, cost, graph, pipeline
from deploy.observability.dashboards.panels import rendered
from deploy.observability.provisioning import DASHBOARDS

BOARDS = (pipeline.BOARD, graph.BOARD, claude.BOARD, cost.BOARD)


def files() -> dict[str, str]:
    """Every file by name, with its text."""
    return {f"{board.uid}.json": rendered(board) for board in BOARDS}


if __name__ == "__main__":
    DASHBOARDS.mkdir(exist_ok=True)
    for name, text in files().items():
        (DASHBOARDS / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"{DASHBOARDS / name}\n")
