"""`python -m services.enricher.local.train FOLDER`: train the weights anew from labelled headlines.

FOLDER has the files of FILES, which are read in place. Held-out rows, and rows nearly the same as one of
them, are left out. Headlines whose entities all have one sentiment help to learn sentiment, at a smaller
weight: they are of another country and labelled otherwise. So do texts without a label of their own, as a
fine-tuned all-MiniLM-L6-v2 labels them (`teacher.py`; self-training). One-against-all linear SVMs; features
are weighted by naive-Bayes log-count ratios (Wang and Manning 2012), and words also by their MiniLM vectors,
so that words never labelled count by their meaning. Needs the groups dev and training, PyPI, and minutes.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.progress import Progress
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix, hstack
from sklearn.metrics import f1_score
from sklearn.svm import LinearSVC

from axiom.embedding.fetch import download_weights
from axiom.embedding.minilm import MiniLM, tokenizer
from axiom.embedding.onnx_model import Shape
from axiom.embedding.port import Embedder
from services.enricher.local.features import GROUPS, feature_groups, hashed, meaning
from services.enricher.local.model import TONE_VALUE, WEIGHTS, Weights, packed
from services.enricher.local.text import normalised, words
from services.enricher.quality.labelled import Labelled, is_held_out, read

Floats = npt.NDArray[np.float64]
FILES = (
    "twitter_topic", "twitter_sentiment", "sentfin_entity_sentiment", "sentivent_events",
    "fiqa_headline_aspects",
)  # fmt: skip
SVM_C = 0.3
SMOOTHING = 1.0
LEAST_RATIO = 0.1
MEANINGS = 64
MEANING_VALUE = 0.6
OTHERS_WEIGHT = 0.3
"""Of a headline that is labelled by its entities, where one that is labelled itself has 1."""
TAUGHT_WEIGHT = 0.4
"""Of a text that the teacher labelled."""
FEWEST_ROWS_OF_A_WORD = 2
FEWEST = 2
"""Features of fewer texts are left out."""
NEARLY_THE_SAME = 0.8
FOLDS = 4
LARGEST = 127


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, and write the weights."""
    parser = argparse.ArgumentParser(prog="python -m services.enricher.local.train", description=__doc__)
    parser.add_argument("folder", type=Path, help="the labelled files")
    parser.add_argument("--model", type=Path, required=True, help="the folder of all-MiniLM-L6-v2")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name(WEIGHTS))
    options = parser.parse_args(arguments)
    topics, sentiments, others, *more = (read(options.folder / f"{name}.jsonl")[1] for name in FILES)
    held_out = [row for row in (*topics, *sentiments) if is_held_out(row.text)]
    topics, sentiments = unseen(topics, held_out), unseen(sentiments, held_out)
    vectors = meanings([*topics, *sentiments, *others], MiniLM(options.model))
    others, further = unseen(others, held_out), unseen([row for rows in more for row in rows], held_out)
    agreeing = [row for row in others if len(set(row.toward.values())) == 1]
    tones = Rows(
        [*sentiments, *agreeing],
        [
            *(row.sentiment or "" for row in sentiments),
            *(next(iter(row.toward.values())) for row in agreeing),
        ],
        np.repeat([1.0, OTHERS_WEIGHT], [len(sentiments), len(agreeing)]),
    )
    known = {normalised(row.text) for row in sentiments}
    unlabelled = {row.text: row for row in (*topics, *others, *further) if normalised(row.text) not in known}
    taught = _taught(tones, list(unlabelled.values()), options.model)
    models = {
        "topic": trained(Rows.alike(topics, [row.topic or "" for row in topics]), topics, vectors),
        "sentiment": trained(tones + taught, [*tones.rows, *taught.rows], vectors),
    }
    options.out.write_bytes(packed(models))
    for name, one in models.items():
        print(f"{name}: {len(one.rows)} features, temperature {one.temperature:.3f}")  # noqa: T201
    print(f"{options.out}: {options.out.stat().st_size / 2**20:.2f} MiB")  # noqa: T201


@dataclass(frozen=True)
class Rows:
    """What a model learns from: rows, their labels, and how much each counts."""

    rows: Sequence[Labelled]
    labels: Sequence[str]
    weights: Floats

    def __add__(self, other: Rows) -> Rows:
        return Rows(
            [*self.rows, *other.rows],
            [*self.labels, *other.labels],
            np.concatenate([self.weights, other.weights]),
        )

    @classmethod
    def alike(cls, rows: Sequence[Labelled], labels: Sequence[str]) -> Rows:
        """Rows that all count the same."""
        return cls(rows, labels, np.ones(len(rows)))


def _taught(learnt: Rows, unlabelled: Sequence[Labelled], model: Path) -> Rows:
    """Unlabelled texts with the labels that a network gives them which has learnt from the labelled ones."""
    from services.enricher.local.teacher import LENGTHS, Teacher  # jax is in a group of its own

    shape = Shape.of(json.loads((model / "config.json").read_text(encoding="utf-8")))
    pieces = tokenizer(model, LENGTHS[-1])
    with Progress() as progress:
        bar = progress.add_task("the teacher's weights")
        published = download_weights(
            lambda _, done, total: progress.update(bar, completed=done, total=total or None)
        )
        bar = progress.add_task("the teacher learns")
        teacher = Teacher(
            published, shape, lambda texts: [one.ids for one in pieces.encode_batch(texts)],
            sorted(set(learnt.labels)),
        )  # fmt: skip
        texts = [row.text for row in learnt.rows]
        teacher.learn(
            texts, learnt.labels, learnt.weights,
            lambda done, total: progress.update(bar, completed=done, total=total),
        )  # fmt: skip
    labels = teacher.label([row.text for row in unlabelled])
    return Rows(unlabelled, labels, np.full(len(labels), TAUGHT_WEIGHT))


def unseen(rows: Sequence[Labelled], held_out: Sequence[Labelled]) -> list[Labelled]:
    """Rows that are not held out and share no four fifths of their words with a held-out one."""
    sets = [frozenset(words(normalised(row.text))) for row in held_out]
    having: dict[str, list[int]] = {}
    for at, found in enumerate(sets):
        for word in found:
            having.setdefault(word, []).append(at)
    kept = []
    for row in rows:
        own = frozenset(words(normalised(row.text)))
        rare = sorted(own, key=lambda word: (len(having.get(word, ())), word))[: max(1, len(own) // 5 + 1)]
        near = {at for word in rare for at in having.get(word, ())}
        alike = any(len(own & sets[at]) >= NEARLY_THE_SAME * len(own | sets[at]) for at in near)
        if not alike and not is_held_out(row.text):
            kept.append(row)
    return kept


def meanings(rows: Sequence[Labelled], embedder: Embedder) -> dict[str, Floats]:
    """The vectors of all words that occur twice, around their mean, in the 64 directions that tell most."""
    counts = Counter(
        word for row in rows if not is_held_out(row.text) for word in set(words(normalised(row.text)))
    )
    known = sorted(word for word, count in counts.items() if count >= FEWEST_ROWS_OF_A_WORD)
    vectors = np.asarray(embedder.embed(known), dtype=np.float64)
    vectors -= np.average(vectors, axis=0, weights=np.sqrt([counts[word] for word in known]))
    often = np.sqrt([counts[word] for word in known])[:, None]
    _, _, directions = np.linalg.svd(vectors * often, full_matrices=False)
    return dict(zip(known, vectors @ directions[:MEANINGS].T * MEANING_VALUE, strict=True))


def trained(learnt: Rows, texts: Sequence[Labelled], vectors: dict[str, Floats]) -> Weights:
    """One model; its temperature is fitted on folds that it was not trained on.

    Args:
        texts: features that occur twice in these count, labelled or not.
    """
    counts = Counter(
        feature for row in texts for part in feature_groups(normalised(row.text)) for feature in part
    )
    by_meaning = {hashed(meaning(word)): vector for word, vector in vectors.items()}
    keys = sorted(key for key, count in counts.items() if count >= FEWEST and key not in by_meaning)
    table = Table(keys, by_meaning)
    counted, meant = table.matrices([feature_groups(normalised(row.text)) for row in learnt.rows])
    classes, answers = tuple(sorted(set(learnt.labels))), np.array(learnt.labels)
    temperature = _temperature(counted, meant, answers, learnt.weights, classes)
    fitted, bias = _fit(counted, meant, answers, learnt.weights, classes)
    return _weights(table, fitted, bias, classes, temperature)


class Table:
    """Which column a feature has; meanings have 64 columns in a matrix of their own."""

    def __init__(self, keys: Sequence[int], by_meaning: dict[int, Floats]) -> None:
        self.keys = keys
        self.column = {key: at for at, key in enumerate(keys)}
        self.by_meaning = by_meaning

    def matrices(self, groups: Sequence[tuple[list[int], ...]]) -> tuple[Any, Floats]:
        """The features of texts as a sparse matrix, and the meanings as a dense one."""
        starts, columns, values = [0], [], []
        meant = np.zeros((len(groups), MEANINGS))
        for row, group in enumerate(groups):
            for at, part in enumerate(group):
                known = [self.column[one] for one in part if one in self.column]
                value = TONE_VALUE if at == GROUPS - 1 else 1.0 / max(1.0, len(known)) ** 0.5
                columns += known
                values += [value] * len(known)
                found = [self.by_meaning[one] for one in part if one in self.by_meaning]
                if found:
                    meant[row] = np.sum(found, axis=0) / len(found) ** 0.5
            starts.append(len(columns))
        return csr_matrix((values, columns, starts), shape=(len(groups), len(self.keys))), meant


def _fit(
    counted: Any, meant: Floats, labels: npt.NDArray[Any], counts_as: Floats, classes: Sequence[str]
) -> tuple[Floats, Floats]:
    """Weights (features + meanings, classes) and biases."""
    present = csr_matrix((np.ones_like(counted.data), counted.indices, counted.indptr), shape=counted.shape)
    everywhere = present.T @ counts_as
    weights, biases = [], []
    for name in classes:
        own_rows = labels == name
        here = present.T @ (counts_as * own_rows)
        with_, without = here + SMOOTHING, everywhere - here + SMOOTHING
        ratio = np.abs(np.log((with_ / with_.sum()) / (without / without.sum())))
        ratio = LEAST_RATIO + (1 - LEAST_RATIO) * ratio
        share = counts_as[own_rows].sum() / counts_as.sum()
        balanced = counts_as / (2 * np.where(own_rows, share, 1 - share))
        svm = LinearSVC(C=SVM_C, tol=1e-3, random_state=0, max_iter=3000)
        features = hstack([counted.multiply(ratio), csr_matrix(meant)]).tocsr()
        svm.fit(features, own_rows, sample_weight=balanced)
        own = svm.coef_[0]
        weights.append(np.concatenate([own[: len(ratio)] * ratio, own[len(ratio) :]]))
        biases.append(svm.intercept_[0])
    return np.array(weights).T, np.array(biases)


def _temperature(
    counted: Any, meant: Floats, labels: npt.NDArray[Any], counts_as: Floats, classes: Sequence[str]
) -> float:
    """What makes the probabilities of unseen rows most likely, of those that count fully."""
    logits = np.zeros((len(labels), len(classes)))
    for train, test in _folds(len(labels)):
        fitted, bias = _fit(counted[train], meant[train], labels[train], counts_as[train], classes)
        width = counted.shape[1]
        logits[test] = counted[test] @ fitted[:width] + meant[test] @ fitted[width:] + bias
    full = counts_as == 1.0
    logits = logits[full]
    right = np.array([list(classes).index(label) for label in labels[full]])
    mean = f1_score(right, logits.argmax(axis=1), average="macro")
    print(f"of folds, macro-F1 {mean:.3f}")  # noqa: T201

    def surprise(temperature: float) -> float:
        scaled = logits / temperature
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        whole = np.log(np.exp(scaled).sum(axis=1))
        return float(np.mean(whole - scaled[np.arange(len(right)), right]))

    return round(float(minimize_scalar(surprise, bounds=(0.05, 5.0), method="bounded").x), 3)


def _folds(count: int) -> Iterator[tuple[npt.NDArray[Any], npt.NDArray[Any]]]:
    order = np.random.default_rng(0).permutation(count)
    for test in np.array_split(order, FOLDS):
        yield np.setdiff1d(order, test), test


def _weights(
    table: Table, fitted: Floats, bias: Floats, classes: tuple[str, ...], temperature: float
) -> Weights:
    """Whole numbers of what was fitted; features that would all be 0 are left out."""
    width = len(table.keys)
    meant = np.array([vector @ fitted[width:] for vector in table.by_meaning.values()])
    every = np.vstack([fitted[:width], meant])
    keys = [*table.keys, *table.by_meaning]
    scale = np.abs(every).max(axis=0) / LARGEST
    whole = np.round(every / scale).astype(np.int8)
    kept = np.flatnonzero(np.abs(whole).max(axis=1) > 0)
    rows = {keys[at]: row for row, at in enumerate(kept)}
    return Weights(classes, rows, whole[kept], scale, bias, temperature)


if __name__ == "__main__":
    main()
