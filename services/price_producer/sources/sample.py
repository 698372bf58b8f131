"""The bundled daily closes, for where no live source can be reached. See `sample/ATTRIBUTION.md`."""

from __future__ import annotations

from pathlib import Path

from axiom.resilience.clock import Clock
from services.price_producer.sample.make_sample import SAMPLE
from services.price_producer.settings import ProducerSettings
from services.price_producer.sources.file import FileSource


def make(settings: ProducerSettings, clock: Clock) -> FileSource:
    """Built by name; see `sources.build`."""
    return FileSource(Path(SAMPLE), interval="1d", name="sample")
