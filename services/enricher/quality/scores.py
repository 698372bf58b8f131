"""Precision, recall and F1. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Score:
    """Of one class, or of all pairs of text and company. `support`: how many there are in the labels."""

    precision: float
    recall: float
    f1: float
    support: int

    @classmethod
    def of(cls, right: int, said: int, labelled: int) -> Score:
        """Of `said` answers `right` are right, and `labelled` there are to find."""
        precision = right / said if said else 0.0
        recall = right / labelled if labelled else 0.0
        both = precision + recall
        return cls(precision, recall, 2 * precision * recall / both if both else 0.0, labelled)


@dataclass(frozen=True)
class Classified:
    """How well single labels were given; `macro_f1` is the mean F1 of the classes among the labels."""

    rows: int
    accuracy: float
    macro_f1: float
    classes: dict[str, Score]

    def as_json(self) -> dict[str, Any]:
        """JSON-ready, rounded to four decimals."""
        return {
            "rows": self.rows,
            "accuracy": round(self.accuracy, 4),
            "macro_f1": round(self.macro_f1, 4),
            "classes": {name: rounded(score) for name, score in self.classes.items()},
        }


def classified(labels: Sequence[str], answers: Sequence[str]) -> Classified:
    """Compare answers with labels, pair by pair.

    >>> round(classified(["a", "a", "b"], ["a", "b", "b"]).macro_f1, 3)
    0.667
    """
    right = Counter(label for label, answer in zip(labels, answers, strict=True) if label == answer)
    said, labelled = Counter(answers), Counter(labels)
    classes = {
        name: Score.of(right[name], said[name], labelled[name]) for name in sorted({*labels, *answers})
    }
    count = len(labels)
    mean = sum(classes[name].f1 for name in labelled) / len(labelled) if labelled else 0.0
    return Classified(count, sum(right.values()) / count if count else 0.0, mean, classes)


def found(pairs: Iterable[tuple[frozenset[str], frozenset[str]]]) -> Score:
    """Of pairs of labelled and answered sets, over all their members."""
    right = said = labelled = 0
    for label, answer in pairs:
        right += len(label & answer)
        said += len(answer)
        labelled += len(label)
    return Score.of(right, said, labelled)


def rounded(score: Score) -> dict[str, Any]:
    """JSON-ready, rounded to four decimals."""
    return {name: round(value, 4) for name, value in asdict(score).items()}
