from __future__ import annotations

from pathlib import Path

import pytest

from axiom.embedding import files
from axiom.embedding.choice import MINILM, NGRAMS, Embedders
from axiom.errors import Misconfigured
from axiom.settings import EmbeddingSettings

pytestmark = pytest.mark.unit


def embedders(folder: Path, model: str = "auto") -> Embedders:
    return Embedders(EmbeddingSettings.model_validate({"model": model, "folder": folder}))


def put_model(folder: Path) -> None:
    files.put(folder, dict.fromkeys(files.FILES, b"x"))


def test_the_model_is_preferred_where_it_is_there(tmp_path: Path) -> None:
    assert embedders(tmp_path).preferred == NGRAMS
    put_model(tmp_path)
    assert embedders(tmp_path).preferred == MINILM
    assert embedders(tmp_path, NGRAMS).preferred == NGRAMS


def test_a_collection_stays_with_what_made_it(tmp_path: Path) -> None:
    put_model(tmp_path)
    assert embedders(tmp_path).checked("market_events", NGRAMS) == NGRAMS


def test_another_embedder_is_refused_and_the_way_out_is_named(tmp_path: Path) -> None:
    put_model(tmp_path)
    with pytest.raises(Misconfigured, match=r"can't be mixed: run `axiom rebuild chroma`") as refusal:
        embedders(tmp_path, MINILM).checked("market_events", NGRAMS)
    assert f"AXIOM_EMBEDDING_MODEL={NGRAMS}" in str(refusal.value)


def test_a_model_that_is_gone_is_named_with_its_folder(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="axiom model") as refusal:
        embedders(tmp_path).checked("market_events", MINILM)
    assert str(tmp_path) in str(refusal.value)


@pytest.mark.parametrize("maker", [None, "all-mpnet-base-v2"])
def test_a_collection_of_unknown_make_is_refused(tmp_path: Path, maker: str | None) -> None:
    with pytest.raises(Misconfigured, match="rebuild"):
        embedders(tmp_path).checked("market_events", maker)


def test_files_are_put_all_or_none(tmp_path: Path) -> None:
    half = files.model_folder(tmp_path)
    half.mkdir(parents=True)
    (half / "model.onnx").write_bytes(b"half")
    assert not files.are_there(tmp_path)
    put_model(tmp_path)
    assert files.are_there(tmp_path)
    files.put(tmp_path, dict.fromkeys(files.FILES, b"later"))
    assert (half / "model.onnx").read_bytes() == b"x", "whole files stay as they are"
    assert [path.name for path in tmp_path.iterdir()] == [half.name]
