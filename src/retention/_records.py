"""Frozen records <-> plain JSON values, the same way for facts, messages and journeys.

A field that has its default is left out, so a record written today still loads when a field with a default is added.
Reading back calls the class: its converters do the checking.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

import attrs

from retention._types import Json
from retention.errors import InvalidInput

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
_PLAIN = (str, bool, int, float, type(None))


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
        if value is not default and value != default:
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
