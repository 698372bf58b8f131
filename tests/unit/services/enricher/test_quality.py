"""How well the bundled weights read rows that training never saw, and how that is counted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from axiom.errors import Misconfigured
from axiom.universe.files import bundled, enriched
from axiom.universe.files import read as read_universe
from axiom.universe.names import Names
from axiom_cli.main import build
from services.enricher.local.extractor import LocalExtractor
from services.enricher.quality.evaluation import Quality, evaluate
from services.enricher.quality.labelled import is_held_out, read
from services.enricher.quality.scores import classified, found

pytestmark = pytest.mark.unit

SHARED = Path(__file__).parents[5] / "shared" / "data"
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason="needs the labelled headlines")


@pytest.fixture(scope="module")
def names() -> Names:
    listed = read_universe(SHARED / "universe" / "us_listed_2026-08-22.csv.gz").universe
    return Names(enriched(listed, bundled()))


def quality(name: str, names: Names) -> Quality:
    kind, rows = read(SHARED / "dev" / f"{name}.jsonl")
    extractor = LocalExtractor(names)
    return evaluate(kind, [row for row in rows if is_held_out(row.text)], extractor, extractor, names)


@pytest.mark.slow
@needs_data
class TestFloors:
    def test_event_types(self, names: Names) -> None:
        found_ = quality("twitter_topic", names)
        assert found_.event_type is not None
        assert found_.topic is not None
        assert found_.event_type.macro_f1 >= 0.795
        assert found_.topic.macro_f1 >= 0.77

    def test_sentiment(self, names: Names) -> None:
        found_ = quality("twitter_sentiment", names)
        assert found_.sentiment is not None
        assert found_.sentiment.macro_f1 >= 0.77

    def test_companies(self, names: Names) -> None:
        found_ = quality("entity_ticker", names).companies
        assert found_ is not None
        assert found_.precision >= 0.90
        assert found_.recall >= 0.75

    def test_sets_that_derive_from_each_other_are_on_one_side(self) -> None:
        sources = {}
        for name in ("twitter_topic", "twitter_sentiment"):
            for line in (SHARED / "dev" / f"{name}.jsonl").read_text(encoding="utf-8").split("\n"):
                if not line:
                    continue
                row = json.loads(line)
                sources[row["id"]] = row["text"]
        for line in (SHARED / "dev" / "entity_ticker.jsonl").read_text(encoding="utf-8").split("\n"):
            if not line:
                continue
            row = json.loads(line)
            assert is_held_out(row["text"]) == is_held_out(sources[row["source_id"]]), row["text"]


def test_macro_f1_is_the_mean_over_labelled_classes() -> None:
    counted = classified(["a", "a", "b"], ["a", "b", "b"])
    assert counted.macro_f1 == pytest.approx(2 / 3)
    assert counted.accuracy == pytest.approx(2 / 3)
    score = found([(frozenset("ab"), frozenset("bc")), (frozenset(), frozenset())])
    assert (score.precision, score.recall) == (0.5, 0.5)
    assert classified([], []).macro_f1 == 0.0


def test_the_command_reads_made_up_files(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    rows = [{"text": "Apple shares surge on record profit", "sentiment": "positive"}]
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    answer = CliRunner().invoke(build(), ["enrich", "eval", str(file), "--all", "--json"])
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["files"][str(file)]["sentiment"]["rows"] == 1
    assert CliRunner().invoke(build(), ["enrich", "eval", str(file), "--all"]).exit_code == 0


@pytest.mark.parametrize("content", ["", "{}", "[1]", "no json", '{"text": "a", "sentiment": "angry"}'])
def test_files_that_are_no_labelled_rows_are_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(Misconfigured):
        read(file)
