"""The topics that the model was trained on, and the event type that each means. Pure.

docs/enrichment-quality.md explains the choice.
"""

from __future__ import annotations

from collections.abc import Mapping

from topics.graph_mutations import EventType

TYPE_OF_TOPIC: Mapping[str, EventType] = {
    "Analyst Update": "analyst-rating",
    "Company | Product News": "product",
    "Currencies": "macro",
    "Dividend": "dividend-buyback",
    "Earnings": "earnings",
    "Energy | Oil": "macro",
    "Fed | Central Banks": "macro",
    "Financials": "earnings",
    "General News | Opinion": "other",
    "Gold | Metals | Materials": "macro",
    "IPO": "financing",
    "Legal | Regulation": "legal-regulatory",
    "M&A | Investments": "merger-acquisition",
    "Macro": "macro",
    "Markets": "market-move",
    "Personnel Change": "management",
    "Politics": "other",
    "Stock Commentary": "other",
    "Stock Movement": "market-move",
    "Treasuries | Corporate Debt": "financing",
}
TOPICS = tuple(sorted(TYPE_OF_TOPIC))
