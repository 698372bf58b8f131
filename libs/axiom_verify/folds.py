"""Every fold: what each store holds of each topic."""

from __future__ import annotations

from axiom_verify import fold, graph, lists, tables, texts
from axiom_verify.readers import TOPIC
from axiom_verify.told import Fold

FOLDS: dict[str, dict[str, Fold]] = {
    sink: {
        TOPIC: Fold(
            fold.good,
            lambda seen: [(seen.bar.symbol,)],
            lambda _, seen, bars=bars: bars(seen),  # type: ignore[misc] # the loop's own
        )
    }
    for sink, bars in fold.FOLDS.items()
}
"""By the sink's folder and by topic."""

FOLDS["postgres_sink"] |= tables.POSTGRES
FOLDS["redis_sink"] |= lists.REDIS
FOLDS["neo4j_sink"] |= graph.NEO4J
FOLDS["chroma_sink"] |= texts.CHROMA
