from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import pytest
from pydantic import Field, FiniteFloat, StringConstraints, create_model

from axiom.contracts import schemas
from axiom.contracts.payload import Payload, UtcTime
from axiom.contracts.topic import Topic
from axiom.errors import Misconfigured

pytestmark = pytest.mark.unit


class Part(Payload):
    name: str


class Model(Payload):
    kind: Literal["a", "b"]
    price: Annotated[FiniteFloat, Field(ge=0, le=10)]
    ratio: Annotated[FiniteFloat, Field(gt=0, lt=10)] = 1.0
    note: Annotated[str, StringConstraints(pattern="^[a-z]*$", min_length=1, max_length=5)] = "x"
    at: UtcTime
    parts: tuple[Part, ...] = ()
    listed: Annotated[tuple[int, ...], Field(min_length=1, max_length=3)] = (1,)
    maybe: int | None = None


class Other(Payload):
    name: int


class MorePart(Payload):
    name: str
    weight: float = 1.0


def variant(**fields: Any) -> type[Payload]:
    """Model with some fields declared otherwise (type, or type and default); None leaves a field out."""
    hints = get_type_hints(Model, include_extras=True)
    declared: dict[str, Any] = {
        name: (hints[name], ... if info.is_required() else info.default)
        for name, info in Model.model_fields.items()
    }
    for name, field in fields.items():
        declared[name] = field if isinstance(field, tuple) else (field, ...)
    kept = {name: field for name, field in declared.items() if field[0] is not None}
    return create_model("Model", __base__=Payload, **kept)


def changes_to(**fields: Any) -> list[schemas.Change]:
    return schemas.compare(schemas.schema_of(topic(Model)), schemas.schema_of(topic(variant(**fields))))


def topic(payload: type[Payload], version: int = 1) -> Topic[Payload]:
    return Topic(name="t", summary="s", key="k", payload=payload, version=version)


COMPATIBLE: list[tuple[dict[str, Any], str]] = [
    ({"added": (str, "x")}, "compatible: added: a new field with a default"),
    ({"added": (int | None, None)}, "compatible: added: a new field with a default"),
    ({"kind": Literal["a", "b", "c"]}, "compatible: kind: takes ['c'] too"),
    ({"kind": str}, "compatible: kind: takes any value now"),
    ({"price": Annotated[FiniteFloat, Field(ge=-1, le=10)]}, "compatible: price: the lower limit is wider"),
    ({"price": Annotated[FiniteFloat, Field(ge=0)]}, "compatible: price: the upper limit is wider"),
    (
        {"ratio": (Annotated[FiniteFloat, Field(ge=0, lt=10)], 1.0)},
        "compatible: ratio: the lower limit is wider",
    ),
    (
        {"note": (Annotated[str, StringConstraints(min_length=1, max_length=5)], "x")},
        "compatible: note: takes text of any pattern",
    ),
    (
        {"listed": (Annotated[tuple[int, ...], Field(min_length=1, max_length=4)], (1,))},
        "compatible: listed: the greatest count is wider",
    ),
    ({"maybe": (int | str | None, None)}, "compatible: maybe: takes more: string"),
    (
        {"price": Annotated[FiniteFloat, Field(ge=0, le=10)] | None},
        "compatible: price: takes more: null",
    ),
    ({"at": (UtcTime | None, None)}, "compatible: at: takes more: null"),
    ({"parts": (tuple[MorePart, ...], ())}, "compatible: parts[].weight: a new field with a default"),
]

INCOMPATIBLE: list[tuple[dict[str, Any], str]] = [
    ({"maybe": None}, "INCOMPATIBLE: maybe: the field is gone"),
    ({"added": str}, "INCOMPATIBLE: added: a new field without a default"),
    ({"maybe": int | None}, "INCOMPATIBLE: maybe: the field is required now"),
    ({"maybe": (int | None, 3)}, "INCOMPATIBLE: maybe: the default None became 3"),
    ({"maybe": (int, 0)}, "INCOMPATIBLE: maybe: no longer takes every null"),
    ({"maybe": (str | None, None)}, "INCOMPATIBLE: maybe: no longer takes every integer"),
    ({"price": int}, "INCOMPATIBLE: price: number became integer"),
    ({"price": str}, "INCOMPATIBLE: price: number became string"),
    ({"at": str}, "INCOMPATIBLE: at: string date-time became string"),
    ({"kind": Literal["a"]}, "INCOMPATIBLE: kind: no longer takes ['b']"),
    ({"note": (Literal["x", "y"], "x")}, "INCOMPATIBLE: note: takes only ['x', 'y'] now"),
    (
        {"price": Annotated[FiniteFloat, Field(gt=0, le=10)]},
        "INCOMPATIBLE: price: the lower limit is narrower",
    ),
    (
        {"price": Annotated[FiniteFloat, Field(ge=0, lt=10)]},
        "INCOMPATIBLE: price: the upper limit is narrower",
    ),
    (
        {"price": Annotated[FiniteFloat, Field(ge=0, le=9)]},
        "INCOMPATIBLE: price: the upper limit is narrower",
    ),
    (
        {"note": (Annotated[str, StringConstraints(pattern="^[a-z]*$", min_length=2, max_length=5)], "x")},
        "INCOMPATIBLE: note: the least length is narrower",
    ),
    (
        {"note": (Annotated[str, StringConstraints(pattern="^[a-z]*$", min_length=1, max_length=4)], "x")},
        "INCOMPATIBLE: note: the greatest length is narrower",
    ),
    (
        {"note": (Annotated[str, StringConstraints(pattern="^[a-f]*$", min_length=1, max_length=5)], "x")},
        "INCOMPATIBLE: note: the pattern changed",
    ),
    (
        {"listed": (Annotated[tuple[int, ...], Field(min_length=2, max_length=3)], (1,))},
        "INCOMPATIBLE: listed: the least count is narrower",
    ),
    (
        {"listed": (Annotated[tuple[float, ...], Field(min_length=1, max_length=3)], (1,))},
        "INCOMPATIBLE: listed[]: integer became number",
    ),
    ({"parts": (tuple[Other, ...], ())}, "INCOMPATIBLE: parts[].name: string became integer"),
]


@pytest.mark.parametrize(("fields", "expected"), COMPATIBLE, ids=[text for _, text in COMPATIBLE])
def test_compatible_changes(fields: dict[str, Any], expected: str) -> None:
    found = changes_to(**fields)
    assert expected in [str(change) for change in found]
    assert all(change.compatible for change in found)


@pytest.mark.parametrize(("fields", "expected"), INCOMPATIBLE, ids=[text for _, text in INCOMPATIBLE])
def test_incompatible_changes(fields: dict[str, Any], expected: str) -> None:
    assert expected in [str(change) for change in changes_to(**fields)]


def test_no_change_is_no_change() -> None:
    assert changes_to() == []


def test_a_keyword_that_nobody_thought_of_is_incompatible() -> None:
    before = {"x-version": 1, "type": "object", "properties": {"a": {"type": "number"}}}
    now = {"x-version": 1, "type": "object", "properties": {"a": {"type": "number", "multipleOf": 2}}}
    assert [str(change) for change in schemas.compare(before, now)] == ["INCOMPATIBLE: a: multipleOf changed"]


def test_a_raised_version_allows_everything_and_a_lowered_one_nothing() -> None:
    old, new = schemas.schema_of(topic(Model)), schemas.schema_of(topic(Part, version=2))
    assert [change.compatible for change in schemas.compare(old, new)] == [True]
    assert [change.compatible for change in schemas.compare(new, old)] == [False]


class TestFolder:
    def test_the_first_write_makes_the_file_and_the_next_finds_nothing(self, tmp_path: Path) -> None:
        assert (
            str(schemas.write([topic(Model)], tmp_path)["t"][0]) == "compatible: no schema is committed yet"
        )
        assert schemas.review([topic(Model)], tmp_path) == {}

    def test_a_compatible_change_is_drift_that_write_accepts(self, tmp_path: Path) -> None:
        schemas.write([topic(Model)], tmp_path)
        wider = topic(variant(added=(str, "x")))
        assert schemas.review([wider], tmp_path)
        schemas.write([wider], tmp_path)
        assert schemas.review([wider], tmp_path) == {}

    def test_an_incompatible_change_of_one_topic_writes_none(self, tmp_path: Path) -> None:
        second = replace(topic(Model), name="second")
        schemas.write([topic(Model), second], tmp_path)
        before = {file.name: file.read_text() for file in tmp_path.iterdir()}
        schemas.write([topic(variant(kind=None)), replace(second, payload=variant(a=(str, "")))], tmp_path)
        assert {file.name: file.read_text() for file in tmp_path.iterdir()} == before

    def test_a_raised_version_is_written(self, tmp_path: Path) -> None:
        schemas.write([topic(Model)], tmp_path)
        schemas.write([topic(Part, version=2)], tmp_path)
        assert schemas.review([topic(Part, version=2)], tmp_path) == {}

    def test_a_note_is_drift_and_no_more(self, tmp_path: Path) -> None:
        schemas.write([topic(Model)], tmp_path)
        file = tmp_path / "t.json"
        file.write_text(file.read_text().replace('"x-key": "k"', '"x-key": "key"'))
        assert [str(change) for change in schemas.review([topic(Model)], tmp_path)["t"]] == [
            "compatible: only notes or layout changed"
        ]

    def test_a_file_without_a_topic_is_refused(self, tmp_path: Path) -> None:
        schemas.write([topic(Model)], tmp_path)
        assert not schemas.review([], tmp_path)["t"][0].compatible

    def test_a_topic_without_a_payload_has_no_schema(self, tmp_path: Path) -> None:
        bare = Topic[Payload](name="bare", summary="s", key="k")
        assert schemas.write([bare], tmp_path) == {}
        with pytest.raises(Misconfigured, match="declares no payload"):
            schemas.schema_of(bare)
