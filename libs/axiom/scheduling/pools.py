"""How many runs may be under way at once for the sake of what they share."""

from __future__ import annotations

from types import MappingProxyType

BACKFILL = "backfill"
"""The pool of every backfill's runs, beside the job's own."""

POOLS = MappingProxyType(
    {
        "api_calls": 5,
        "finnhub_api": 60,
        "alpha_vantage_api": 1,
        "polygon_api": 5,
        "compute_intensive": 8,
        "database_tasks": 12,
        BACKFILL: 2,
    }
)
