"""The bundled headlines, for where no live source can be reached. All of them are made up."""

from __future__ import annotations

from pathlib import Path

from services.news_producer.sources.file import NewsFile
from services.news_producer.sources.port import Setup

SAMPLE = Path(__file__).parent.parent / "sample" / "headlines.jsonl"


def make(setup: Setup) -> NewsFile:
    """Built by name; see `sources.build`."""
    return NewsFile(SAMPLE, name="sample", stands_in=True)
