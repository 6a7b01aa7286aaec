"""Frozen records and plain JSON values are two forms of one thing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import ClassVar

import pytest
from attrs import field, frozen

from retention import _records
from retention.errors import InvalidInput


@frozen
class Inner:
    tag: ClassVar[str] = "inner"
    a: int
    b: str = "b"


@frozen
class Outer:
    tag: ClassVar[str] = "outer"
    inner: Inner | None = None
    many: tuple[object, ...] = ()
    named: object = field(factory=dict)
    derived: int = field(init=False, default=1)


@frozen
class Kept:
    at: datetime
    inner: tuple[Inner, ...]
    words: tuple[str, ...] = ()
    later: datetime | None = None
    price: Decimal | None = None
    named: dict[str, int] = field(factory=dict)


CLASSES = {"inner": Inner, "outer": Outer}


def test_defaults_are_left_out():
    """A record written today loads when a field with a default is added tomorrow, so defaults are not written."""
    assert _records.fields(Inner(1)) == {"is": "inner", "a": 1}
    assert _records.fields(Inner(1, "c")) == {"is": "inner", "a": 1, "b": "c"}
    assert _records.fields(Outer()) == {"is": "outer", "named": {}}


def test_values_become_plain():
    """Times become ISO text, money its digits, sequences lists, mappings and records objects."""
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    value = ("é", True, 3, 0.5, None, at, Decimal("1.50"), (1, [2]), MappingProxyType({"k": Inner(1)}))
    plain = _records.plain(value)
    assert plain == [
        "é", True, 3, 0.5, None, "2026-03-01T12:00:00+00:00", "1.50", [1, [2]], {"k": {"is": "inner", "a": 1}}
    ]  # fmt: skip
    assert json.loads(json.dumps(plain)) == plain


def test_tagged_records_come_back():
    """What `plain` made of records, `build` makes records of, however deep."""
    record = Outer(Inner(1), (Inner(2), 3, (Inner(4),)), {"x": Inner(5, "y")})
    plain = json.loads(_records.text(_records.plain(record)))
    assert _records.build(CLASSES, plain) == record
    with pytest.raises(InvalidInput, match="'outer' is unknown here; it was written by a newer version"):
        _records.build({"inner": Inner}, plain)


def test_text_is_canonical():
    """Equal values give equal bytes, whatever the order of their keys, and characters stay themselves."""
    assert _records.text({"b": 1, "a": "é\x00"}) == _records.text({"a": "é\x00", "b": 1}) == '{"a":"é\\u0000","b":1}'


KEPT = Kept(at=datetime(2026, 3, 1, tzinfo=UTC), inner=(Inner(1), Inner(2, "c")), words=("x",), price=Decimal("1.50"))


def test_what_was_written_is_restored():
    """Times, amounts, tuples and records in records come back equal, by way of JSON; defaults where nothing is said."""
    for kept in (KEPT, Kept(at=KEPT.at, inner=(), later=KEPT.at, named={"a": 1})):
        data = json.loads(json.dumps({**_records.fields(kept), "inner": [{"a": i.a, "b": i.b} for i in kept.inner]}))
        assert _records.restore(Kept, data) == kept
        assert data == {}


@pytest.mark.parametrize(
    "change, told",
    [
        ({"at": None}, "Kept: at is missing"),
        ({"named": None}, "Kept: named is missing"),
        ({"surprise": 1}, "Kept: 'surprise' is unknown here; it was written by a newer version"),
    ],
)
def test_what_is_missing_or_unknown_is_not_restored(change, told):
    """A row that lost a field, or has one of a newer version, is an error in one line."""
    data = {**_records.fields(KEPT), "inner": [], "named": {}, **change}
    with pytest.raises(InvalidInput, match=f"^{told}$"):
        _records.restore(Kept, {name: value for name, value in data.items() if value is not None})
