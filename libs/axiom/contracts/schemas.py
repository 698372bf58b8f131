"""A topic's JSON Schema, and what a change of it means to the records that are already in the log.

A change is compatible if the new schema takes every record that the old one took, for the same thing: a new
field with a default, a further enum value, a wider limit. Consumers are upgraded before producers. Anything
else needs a new version of the topic.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axiom.contracts.topic import Topic
from axiom.errors import Misconfigured

Schema = dict[str, Any]

VERSION = "x-version"
_NOTES = {"$defs", "title", "description", "default"}
_ABSENT = object()


@dataclass(frozen=True)
class Change:
    """One difference of a committed schema and the model's; `path` is a field, such as `headers[].name`."""

    path: str
    text: str
    compatible: bool = True

    def __str__(self) -> str:
        verdict = "compatible" if self.compatible else "INCOMPATIBLE"
        return f"{verdict}: {self.path + ': ' if self.path else ''}{self.text}"


def schema_of(topic: Topic[Any]) -> Schema:
    """The JSON Schema (2020-12) of a topic's values, with the topic's version in `x-version`."""
    if topic.payload is None:
        raise Misconfigured(f"topic {topic.name} declares no payload, so it has no schema")
    schema = topic.payload.model_json_schema(mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": topic.name,
        VERSION: topic.version,
        "x-key": topic.key,
        **{name: value for name, value in schema.items() if name != "title"},
    }


def dump(schema: Schema) -> str:
    """The schema as its file has it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def review(topics: Iterable[Topic[Any]], folder: Path) -> dict[str, list[Change]]:
    """What differs between the committed schemas and the models, by topic; without drift, none is listed."""
    declared = {topic.name: topic for topic in topics if topic.payload is not None}
    found: dict[str, list[Change]] = {}
    for name, topic in declared.items():
        file = folder / f"{name}.json"
        current = schema_of(topic)
        if not file.exists():
            found[name] = [Change("", "no schema is committed yet")]
        elif (text := file.read_text(encoding="utf-8")) != dump(current):
            found[name] = compare(json.loads(text), current) or [Change("", "only notes or layout changed")]
    for orphan in sorted({file.stem for file in folder.glob("*.json")} - set(declared)):
        found[orphan] = [Change("", "no topic of this name declares a payload any more", compatible=False)]
    return found


def write(topics: Iterable[Topic[Any]], folder: Path) -> dict[str, list[Change]]:
    """Write the schemas that drifted; none of them if a change of any is incompatible. Returns the review."""
    topics = list(topics)
    found = review(topics, folder)
    if all(change.compatible for changes in found.values() for change in changes):
        folder.mkdir(exist_ok=True)
        for topic in topics:
            if topic.name in found:
                (folder / f"{topic.name}.json").write_text(dump(schema_of(topic)), encoding="utf-8")
    return found


def compare(committed: Schema, current: Schema) -> list[Change]:
    """The changes from one schema of a topic to another; with a raised version everything is allowed."""
    before, now = committed[VERSION], current[VERSION]
    if now > before:
        return [Change("", f"version {before} became {now}")]
    if now < before:
        return [Change("", f"version {before} became {now}: versions only rise", compatible=False)]
    comparison = _Comparison(committed.get("$defs", {}), current.get("$defs", {}))
    comparison.nodes("", committed, current)
    return comparison.changes


@dataclass
class _Comparison:
    old_defs: Mapping[str, Schema]
    new_defs: Mapping[str, Schema]
    changes: list[Change] = field(default_factory=list)

    def nodes(self, path: str, old: Schema, new: Schema) -> None:
        """Two schemas of one place, each of which may allow several kinds of value."""
        before, now = _kinds(old, self.old_defs), _kinds(new, self.new_defs)
        if len(before) == len(now) == 1:
            self.kinds(path, before[0], now[0])
            return
        for kind in before:
            if not any(self._takes_all_of(kind, other) for other in now):
                self._refuse(path, f"no longer takes every {_name(kind)}")
        for kind in now:
            if not any(self._takes_all_of(kind, other) for other in before):
                self._accept(path, f"takes more: {_name(kind)}")

    def kinds(self, path: str, old: Schema, new: Schema) -> None:
        if old.get("type") != new.get("type") or old.get("format") != new.get("format"):
            self._refuse(path, f"{_name(old)} became {_name(new)}")
            return
        self._values(path, old, new)
        self._limits(path, old, new)
        self._properties(path, old, new)
        if "items" in old and "items" in new:
            self.nodes(f"{path}[]", old["items"], new["items"])
        for keyword in sorted((old.keys() | new.keys()) - _NOTES - _COMPARED):
            if not keyword.startswith(("$", "x-")) and old.get(keyword, _ABSENT) != new.get(keyword, _ABSENT):
                self._refuse(path, f"{keyword} changed")

    def _values(self, path: str, old: Schema, new: Schema) -> None:
        before, now = _allowed(old), _allowed(new)
        if before == now:
            return
        if now is None:
            self._accept(path, "takes any value now")
        elif before is None:
            self._refuse(path, f"takes only {sorted(now)} now")
        else:
            if gone := before - now:
                self._refuse(path, f"no longer takes {sorted(gone)}")
            if more := now - before:
                self._accept(path, f"takes {sorted(more)} too")

    def _limits(self, path: str, old: Schema, new: Schema) -> None:
        for name, limit in _LIMITS.items():
            before, now = limit(old), limit(new)
            if now > before:
                self._refuse(path, f"the {name} is narrower")
            elif now < before:
                self._accept(path, f"the {name} is wider")
        if old.get("pattern") != new.get("pattern"):
            if "pattern" in new:
                self._refuse(path, "the pattern changed")
            else:
                self._accept(path, "takes text of any pattern")

    def _properties(self, path: str, old: Schema, new: Schema) -> None:
        before, now = old.get("properties", {}), new.get("properties", {})
        needed_before, needed = set(old.get("required", ())), set(new.get("required", ()))
        for name, part in before.items():
            place = f"{path}.{name}" if path else name
            if name not in now:
                self._refuse(place, "the field is gone")
                continue
            self.nodes(place, part, now[name])
            if name in needed - needed_before:
                self._refuse(place, "the field is required now")
            elif name in needed_before - needed:
                self._accept(place, "the field may be left out now")
            elif part.get("default", _ABSENT) != now[name].get("default", _ABSENT):
                self._refuse(
                    place, f"the default {part.get('default')!r} became {now[name].get('default')!r}"
                )
        for name in now.keys() - before.keys():
            place = f"{path}.{name}" if path else name
            if name in needed:
                self._refuse(place, "a new field without a default")
            else:
                self._accept(place, "a new field with a default")

    def _takes_all_of(self, kind: Schema, other: Schema) -> bool:
        trial = _Comparison(self.old_defs, self.new_defs)
        trial.kinds("", kind, other)
        return all(change.compatible for change in trial.changes)

    def _accept(self, path: str, text: str) -> None:
        self.changes.append(Change(path, text))

    def _refuse(self, path: str, text: str) -> None:
        self.changes.append(Change(path, text, compatible=False))


_COMPARED = {
    "type", "format", "enum", "const", "pattern", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "minLength", "maxLength", "minItems", "maxItems", "properties", "required", "items",
}  # fmt: skip


def _kinds(schema: Schema, defs: Mapping[str, Schema]) -> list[Schema]:
    if "$ref" in schema:
        return _kinds(defs[schema["$ref"].removeprefix("#/$defs/")], defs)
    if "anyOf" in schema:
        return [kind for part in schema["anyOf"] for kind in _kinds(part, defs)]
    return [schema]


def _name(kind: Schema) -> str:
    parts = [str(kind.get("type", "value")), *([kind["format"]] if "format" in kind else [])]
    return " ".join(parts)


def _allowed(kind: Schema) -> set[Any] | None:
    if "const" in kind:
        return {kind["const"]}
    return set(kind["enum"]) if "enum" in kind else None


def _lower(kind: Schema) -> tuple[float, bool]:
    limits = [(kind["minimum"], False)] if "minimum" in kind else []
    limits += [(kind["exclusiveMinimum"], True)] if "exclusiveMinimum" in kind else []
    return max(limits, default=(float("-inf"), False))


def _upper(kind: Schema) -> tuple[float, bool]:
    limits = [(-kind["maximum"], False)] if "maximum" in kind else []
    limits += [(-kind["exclusiveMaximum"], True)] if "exclusiveMaximum" in kind else []
    return max(limits, default=(float("-inf"), False))


_LIMITS: dict[str, Callable[[Schema], tuple[float, bool]]] = {
    "lower limit": _lower,
    "upper limit": _upper,
    "least length": lambda kind: (kind.get("minLength", 0), False),
    "greatest length": lambda kind: (-kind.get("maxLength", float("inf")), False),
    "least count": lambda kind: (kind.get("minItems", 0), False),
    "greatest count": lambda kind: (-kind.get("maxItems", float("inf")), False),
}
"""Each as (limit, itself excluded): the greater, the narrower, so upper limits are negated."""
