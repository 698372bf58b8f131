"""The bundled daily closes, for where no live source can be reached. See `sample/ATTRIBUTION.md`."""

from __future__ import annotations

from pathlib import Path

from services.price_producer.sample.make_sample import SAMPLE
from services.price_producer.sources.file import FileSource
from services.price_producer.sources.port import Setup


def make(_: Setup) -> FileSource:
    """Built by name; see `sources.build`."""
    return FileSource(Path(SAMPLE), interval="1d", name="sample")
