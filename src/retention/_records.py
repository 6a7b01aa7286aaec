"""Frozen records <-> plain JSON values, the same way for facts, messages and journeys.

A field that has its default is left out, so a record written today still loads when a field with a default is added.
What comes from outside is read by calling the class, whose converters check it; what a storage kept has passed them
before, and `restore` does not check it again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache, partial
from typing import Any, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

import attrs

from retention._types import Json
from retention.errors import InvalidInput

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
_PLAIN = (str, bool, int, float, type(None))
_MISSING = object()

_Put: TypeAlias = Callable[[Any, Any], None]

T = TypeVar("T", bound=attrs.AttrsInstance)


@cache
def _fields(cls: type) -> tuple[tuple[str, Any], ...]:
    return tuple((a.name, a.default) for a in attrs.fields(cls) if a.init)


@cache
def _tag(cls: type) -> Json:
    return {"is": cls.tag} if hasattr(cls, "tag") else {}


def fields(record: attrs.AttrsInstance) -> Json:
    """The record's fields that differ from their defaults, as plain JSON values."""
    cls = type(record)
    result = dict(_tag(cls))
    for name, default in _fields(cls):
        value = getattr(record, name)
        if value is not default and (default is None or value != default):
            result[name] = value if type(value) in _PLAIN else plain(value)
    return result


def plain(value: Any) -> Any:
    """`value` as what `json.dumps` takes: records to mappings, times to ISO 8601, decimals to text."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (tuple, list)):
        return [plain(element) for element in value]
    if isinstance(value, Mapping):
        return {key: plain(element) for key, element in value.items()}
    return fields(value)


def restore(cls: type[T], data: Json) -> T:
    """The record of the class that `fields` wrote, its values taken as they are; `data` is used up.

    Raises `InvalidInput` for a field that is missing or unknown, and what the parsers of times and numbers raise.
    """
    record = cls.__new__(cls)
    for name, default, parse, put in _stored(cls):
        value = data.pop(name, default)
        if value is _MISSING:
            raise InvalidInput(f"{cls.__name__}: {name} is missing")
        put(record, value if parse is None or value is default else parse(value))
    if data:
        raise InvalidInput(f"{cls.__name__}: {min(data)!r} is unknown here; it was written by a newer version")
    return record


@cache
def _stored(cls: type[attrs.AttrsInstance]) -> tuple[tuple[str, Any, Callable[[Any], Any] | None, _Put], ...]:
    types = get_type_hints(cls)
    # The records are frozen and have slots, which their descriptors fill faster than `object.__setattr__` does.
    return tuple(
        (a.name, _default(a), _parser(types[a.name]), getattr(cls, a.name).__set__) for a in attrs.fields(cls) if a.init
    )


def _default(attribute: attrs.Attribute[Any]) -> Any:
    """What stands for a field that was left out; one that is worked out from others never is."""
    default = attribute.default
    return _MISSING if default is attrs.NOTHING or hasattr(default, "takes_self") else default


def _parser(of: Any) -> Callable[[Any], Any] | None:
    """How `plain` is undone; None where it changes nothing."""
    inner = next(iter(get_args(of)), None)
    if datetime in (of, inner):
        return datetime.fromisoformat
    if Decimal in (of, inner):
        return Decimal
    if get_origin(of) is tuple:
        return partial(_many, inner) if isinstance(inner, type) and attrs.has(inner) else tuple
    return None


def _many(cls: type[T], values: list[Json]) -> tuple[T, ...]:
    return tuple([restore(cls, value) for value in values])


def build(classes: Mapping[str, type], value: Any) -> Any:
    """The records that `plain` made: mappings with a tag `is` become the class of that tag."""
    if isinstance(value, list):
        return tuple(build(classes, element) for element in value)
    if not isinstance(value, dict):
        return value
    inner = {key: build(classes, element) for key, element in value.items() if key != "is"}
    if "is" not in value:
        return inner
    if value["is"] not in classes:
        raise InvalidInput(f"{value['is']!r} is unknown here; it was written by a newer version")
    return classes[value["is"]](**inner)


def text(value: Json) -> str:
    """Canonical JSON text: sorted keys, no spaces, real characters; equal values give equal bytes."""
    return _ENCODER.encode(value)
