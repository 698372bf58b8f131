"""A msgspec decoder derived from a payload's pydantic model, five times as fast.

The model stays the only declaration. What the derived decoder refuses is tried again with the model, so
only a record that it accepts and the model would not, or takes for another value, could differ. Therefore
it refuses what msgspec reads otherwise than pydantic: fields it does not know (msgspec skips their bytes
unchecked) and times that are not in UTC (msgspec leaves their offset). A test holds both to one verdict.

Patterns and offsets are looked at for a whole batch at once, each distinct text only the first time it is
seen: within the decoder they would take as long as all the rest.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import annotated_types
import msgspec
from pydantic import AllowInfNan, PlainSerializer, StringConstraints
from pydantic.fields import FieldInfo

from axiom.contracts.payload import Payload, UtcTime, is_plausible

_KNOWN_TEXTS = 100_000
_PLAIN = (str, int, float, bool, type(None))


class NotDerivable(TypeError):
    """The model uses a type or a check that msgspec can't express; decode it with pydantic."""


def fast_decoder(model: type[Payload]) -> msgspec.json.Decoder[Any]:
    """A decoder whose objects have the model's attributes.

    Raises:
        NotDerivable: the model has validators, aliases or settings of its own, or unknown constraints.
    """
    return msgspec.json.Decoder(_struct(model))


class BatchDecoder:
    """Decodes many values at once, or says that one of them is in doubt.

    Raises:
        NotDerivable: as `fast_decoder` does.
    """

    def __init__(self, model: type[Payload]) -> None:
        self._decode = msgspec.json.Decoder(_struct(model, lenient=True)).decode
        hints = get_type_hints(model, include_extras=True)
        self._times = [attrgetter(name) for name in _times(hints)]
        self._texts = [
            (attrgetter(name), re.compile(pattern), set[str | None]([None]))
            for name, info in model.model_fields.items()
            for pattern in _patterns(info.annotation, info.metadata)
        ]

    def __call__(self, values: Iterable[bytes]) -> list[Any] | None:
        """The decoded values; None where the record-by-record way must decide."""
        try:
            twins = list(map(self._decode, values))
        except (msgspec.DecodeError, ValueError, RecursionError, TypeError):
            return None
        for moment in self._times:
            if not all(map(is_plausible, filter(None, map(moment, twins)))):
                return None
        for text, pattern, known in self._texts:
            fresh = set(map(text, twins)) - known
            if not all(pattern.search(value) for value in fresh):
                return None
            if len(known) > _KNOWN_TEXTS:
                known.clear()
                known.add(None)
            known |= fresh
        return twins


def _times(hints: Mapping[str, Any]) -> list[str]:
    return [name for name, hint in hints.items() if hint == UtcTime or UtcTime in get_args(hint)]


def _patterns(hint: Any, metadata: Iterable[Any]) -> list[str]:
    """The patterns of a text field: of the text itself, or of the text in an optional one."""
    found = [part.pattern for part in metadata if isinstance(part, StringConstraints) and part.pattern]
    if get_origin(hint) is Annotated:
        base, *inner = get_args(hint)
        found += _patterns(base, inner)
    if get_origin(hint) in (Union, types.UnionType):
        found += [pattern for part in get_args(hint) for pattern in _patterns(part, ())]
    return [str(pattern) for pattern in found]


def _struct(model: type[Payload], *, lenient: bool = False) -> type[msgspec.Struct]:
    decorators = model.__pydantic_decorators__
    if decorators.field_validators or decorators.model_validators or decorators.validators:
        raise NotDerivable(f"{model.__name__} has validators of its own")
    if model.model_config != Payload.model_config:
        raise NotDerivable(f"{model.__name__} has settings of its own")
    hints = get_type_hints(model, include_extras=True)
    fields: list[Any] = []
    for name, info in model.model_fields.items():
        kind = _field_type(name, hints[name], info, lenient)
        if info.is_required():
            fields.append((name, kind))
        elif info.default_factory is not None:
            raise NotDerivable(f"{model.__name__}.{name} has a default factory")
        else:
            fields.append((name, kind, info.default))
    times = [] if lenient else _times(hints)
    return msgspec.defstruct(
        f"Fast{model.__name__}", fields, kw_only=True, gc=False, forbid_unknown_fields=True,
        namespace={"__post_init__": _refuse_offsets(times)} if times else None,
    )  # fmt: skip


def _refuse_offsets(times: Sequence[str]) -> Callable[[Any], None]:
    def refuse(twin: Any) -> None:
        for name in times:
            moment = getattr(twin, name)
            if moment is not None and not is_plausible(moment):
                raise ValueError("the model converts it to UTC, or refuses it")

    return refuse


def _field_type(name: str, hint: Any, info: FieldInfo, lenient: bool) -> Any:
    if info.alias is not None or info.validation_alias is not None:
        raise NotDerivable(f"{name} has an alias")
    if hint == UtcTime:
        return _fast_type(hint)
    return _constrained(_fast_type(info.annotation, lenient), info.metadata, lenient)


def _fast_type(hint: Any, lenient: bool = False) -> Any:
    if hint == UtcTime:
        return Annotated[datetime, msgspec.Meta(tz=True)]
    origin = get_origin(hint)
    if origin is Annotated:
        base, *metadata = get_args(hint)
        return _constrained(_fast_type(base, lenient), metadata, lenient)
    if origin is Literal or hint in _PLAIN:
        return hint
    if origin in (Union, types.UnionType):
        return Union[tuple(_fast_type(part, lenient) for part in get_args(hint))]  # noqa: UP007 - built at run time
    if (origin is list or origin is tuple) and UtcTime not in get_args(hint):
        return origin[tuple(part if part is ... else _fast_type(part) for part in get_args(hint))]
    if isinstance(hint, type) and issubclass(hint, Payload):
        return _struct(hint)
    raise NotDerivable(f"no fast equivalent of {hint!r}")


def _constrained(kind: Any, metadata: list[Any], lenient: bool = False) -> Any:
    limits: dict[str, Any] = {}
    for item in metadata:
        parts = item.metadata if isinstance(item, FieldInfo) else [item]
        for part in parts:
            limits |= _limits(part)
    if lenient:
        limits.pop("pattern", None)
    return Annotated[kind, msgspec.Meta(**limits)] if limits else kind


def _limits(part: Any) -> dict[str, Any]:
    match part:
        case annotated_types.Gt(gt=bound):
            return {"gt": bound}
        case annotated_types.Ge(ge=bound):
            return {"ge": bound}
        case annotated_types.Lt(lt=bound):
            return {"lt": bound}
        case annotated_types.Le(le=bound):
            return {"le": bound}
        case annotated_types.MaxLen(max_length=length):
            return {"max_length": length}
        case annotated_types.MinLen(min_length=length):
            return {"min_length": length}
        case StringConstraints():
            given = {name: value for name, value in vars(part).items() if value is not None}
            if given.keys() <= {"pattern", "max_length", "min_length"}:
                return given
        case AllowInfNan(allow_inf_nan=False) | PlainSerializer():
            return {}  # msgspec takes neither NaN nor Infinity; a serializer does not judge
    raise NotDerivable(f"no fast equivalent of the constraint {part!r}")
