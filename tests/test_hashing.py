"""The hash is the published one, both its paths agree, and keys and signatures are unambiguous."""

from __future__ import annotations

import base64
import re
import uuid

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention import _hashing
from retention._hashing import bucket, buckets, digest, fnv1a32, fraction, fractions, key, sign, verify
from retention.errors import InvalidInput

# The "hash" cases of version 2 in the specification's cases.json, 0.7.1 (github.com/growthbook/growthbook-python, tests/).
PUBLISHED = [
    ("seed", "a", 0.0505),
    ("seed", "b", 0.2696),
    ("foo", "ab", 0.2575),
    ("foo", "def", 0.2019),
    ("89123klj", "8952klfjas09ujkasdf", 0.124),
    ("90850943850283058242805", "123", 0.7516),
    ("()**(%$##$%#$#", '___)((*":&', 0.0128),
]
# Test vectors of the hash's authors, Fowler, Noll and Vo (draft-eastlake-fnv, appendix C).
FNV = [("", 0x811C9DC5), ("a", 0xE40C292C), ("foobar", 0xBF9CF968)]

texts = st.text(st.characters(min_codepoint=0), min_size=1, max_size=12)  # surrogates and NUL too
integers = st.integers(-(2**70), 2**70)


@pytest.mark.parametrize("seed, value, expected", PUBLISHED)
def test_published_cases(seed: str, value: str, expected: float) -> None:
    """Both paths give the vendor's published fractions."""
    assert fraction(seed, value) == expected
    assert fractions(seed, [value]).tolist() == [expected]


@pytest.mark.parametrize("text, expected", FNV)
def test_published_fnv(text: str, expected: int) -> None:
    """FNV-1a agrees with its authors' test vectors."""
    assert fnv1a32(text) == expected


def as_the_vendor_does(seed: str, value: str) -> float:
    """The definition as the vendor's Python kit spells it: one code point per character."""

    def fnv(text: str) -> int:
        state = 0x811C9DC5
        for character in text:
            state = ((state ^ ord(character)) * 0x01000193) % 2**32
        return state

    return fnv(str(fnv(seed + value))) % 10000 / 10000


@given(texts, st.lists(texts | integers, max_size=20))
def test_both_paths_follow_the_definition(seed: str, ids: list[str | int]) -> None:
    """Scalar, vectorised and literal spelling agree bit for bit, for any characters and any mixture."""
    expected = [as_the_vendor_does(seed, str(value)) for value in ids]
    assert [fraction(seed, value) for value in ids] == expected
    assert fractions(seed, ids).tolist() == expected
    assert fractions(seed, [str(value) for value in ids]).tolist() == expected
    assert fractions(seed, np.array(ids, object)).tolist() == expected


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint32", "uint64"])
def test_integer_arrays_hash_as_their_decimal_text(dtype: str) -> None:
    """Every width of integer, to its very ends, is the customer of the same decimal text."""
    limits = np.iinfo(dtype)
    values = sorted({limits.min, limits.min + 1, *range(-3, 12), 99, 100, limits.max - 1, limits.max})
    values = [value for value in values if limits.min <= value <= limits.max]
    expected = buckets("s", [str(value) for value in values])
    assert buckets("s", np.array(values, dtype)).tolist() == expected.tolist()
    assert buckets("s", values).tolist() == expected.tolist()


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows come out alike wherever the work is cut."""
    ids, numbers = [f"customer-{i % 977}{'x' * (i % 7)}" for i in range(1000)], np.arange(-500, 500)
    before = buckets("s", ids), buckets("s", numbers)
    monkeypatch.setattr(_hashing, "_CHUNK", 37)
    after = buckets("s", ids), buckets("s", numbers)
    assert all((a == b).all() for a, b in zip(before, after, strict=True))


def test_any_column_is_taken() -> None:
    """Lists, tuples, iterators, arrays and the columns of data frames are the same column."""
    ids = ["b", "a", "é"]
    expected = [bucket("s", value) for value in ids]
    for column in (ids, tuple(ids), iter(ids), np.array(ids), pd.Series(ids), pl.Series(ids)):
        assert buckets("s", column).tolist() == expected
    assert buckets("s", pd.Series([1, 2])).tolist() == buckets("s", ["1", "2"]).tolist()


@pytest.mark.parametrize("nothing", [[], (), np.array([], np.int64), np.array([], "U3")])
def test_no_ids_no_buckets(nothing: object) -> None:
    """An empty column gives an empty column."""
    assert buckets("s", nothing).shape == (0,)


@pytest.mark.parametrize(
    "ids, said",
    [
        (["a", ""], "ids: row 1 is ''"),
        (["a", None], "ids: row 1 is None"),
        ([1, True], "ids: row 1 is True"),
        ([1, 2.0], "ids: row 1 is 2.0"),
        (np.array([1.0, np.nan]), "ids: row 0 is 1.0"),
        ([b"a"], "ids: row 0 is b'a'"),
        (np.zeros((2, 2), np.int64), "ids: has shape (2, 2)"),
        ("abc", "ids: 'abc' is no column"),
        (b"abc", "ids: b'abc' is no column"),
        (None, "ids: None is no column"),
    ],
)
def test_bad_ids_are_named(ids: object, said: str) -> None:
    """The message names the row and the value."""
    with pytest.raises(InvalidInput, match=re.escape(said)):
        buckets("s", ids)


@pytest.mark.parametrize("value", ["", None, 1.5, True, b"a"])
def test_a_bad_id_is_named(value: object) -> None:
    """The scalar path refuses what the vectorised one refuses."""
    with pytest.raises(InvalidInput, match=re.escape(f"id is {value!r}: give a text")):
        bucket("s", value)


parts = st.lists(texts, max_size=4)


@given(parts, parts)
def test_parts_are_not_confused(one: list[str], other: list[str]) -> None:
    """Two lists of parts share digest, key and signature only if they are the same list."""
    same = one == other
    assert (digest(*one) == digest(*other)) is same
    assert (key(*one) == key(*other)) is same
    assert (sign("secret", *one) == sign("secret", *other)) is same
    assert digest(*one, "") != digest(*one)


@given(parts)
def test_a_key_is_a_uuid(names: list[str]) -> None:
    """Keys are version-5 UUIDs in the characters that mail headers and file names bear."""
    assert uuid.UUID(key(*names)).version == 5
    assert re.fullmatch(r"[0-9a-f-]{36}", key(*names))


def test_keys_stay_what_they_are() -> None:
    """Keys and digests are stored: a release that changed them would send everything twice."""
    assert key("shop", "journey", "42") == "d314ece4-4713-5644-b5b7-60191aaa219c"
    assert digest("shop", "42") == "521aca6c49569576b5080dcf3fc84bcfcce283b5b219344ebc53cc4898a97724"


@given(texts, parts)
def test_signatures(secret: str, names: list[str]) -> None:
    """A signature is accepted for its own secret and parts and for nothing else."""
    signature = sign(secret, *names)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", signature)
    assert verify(secret, signature, *names)
    assert not verify(secret + "x", signature, *names)
    assert not verify(secret, signature, *names, "x")
    assert not verify(secret, signature[:-1], *names)
    assert not verify(secret, "é" + signature, *names)


def test_authentication_codes() -> None:
    """The code is RFC 4231's second case; one right code among wrong ones is enough, and none is none."""
    code = _hashing.mac(b"Jefe", b"what do ya want for nothing?")
    assert base64.b64decode(code).hex() == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert _hashing.one_is_mac(b"Jefe", b"what do ya want for nothing?", ["", "é\ud800", code])
    assert not _hashing.one_is_mac(b"Jefe", b"what do ya want for nothing", [code])
    assert not _hashing.one_is_mac(b"Jefe", b"what do ya want for nothing?", [])


@given(texts, parts)
def test_secret_numbers(secret: str, names: list[str]) -> None:
    """The number is the signature's, read as one; stored codes are made of it."""
    number = _hashing.secret_number(secret, *names)
    signature = base64.urlsafe_b64decode(sign(secret, *names) + "=")
    assert number.to_bytes(32) == signature
