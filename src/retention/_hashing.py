"""Hashing: the only room that may touch ``hashlib`` and ``hmac``.

Four jobs. *Draws*: which of 10,000 buckets a customer falls into, by GrowthBook's published version-2 hash, so that
a shop can replay an assignment with the vendor's own kits (https://docs.growthbook.io/lib/build-your-own)::

    n = fnv1a32(str(fnv1a32(seed + value)))
    fraction = n % 10000 / 10000

*Keys*: digests and message keys that are the same on every machine and in every run. *Signatures*: links that only
the shop can have made. *Authentication codes*: webhooks that only the provider can have sent. Nothing here is random
and nothing reads a clock.

Which characters are hashed. FNV-1a is fed one Unicode code point per character, as the vendor's Python kit does.
ASCII gives the same number in every kit of the vendor; other characters up to U+FFFF the same as in its JavaScript
kit; kits that hash UTF-8 bytes (Elixir, Rust) differ from both wherever a character is not ASCII.

The scalar and the vectorised path are two programs for one definition and equal bit for bit: 32-bit arithmetic in
both, one division by 10000 at the end of both.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from retention._types import AnyArray, FloatArray, IntArray
from retention.errors import InvalidInput

__all__ = [
    "BUCKETS",
    "bucket",
    "buckets",
    "digest",
    "fnv1a32",
    "fraction",
    "fractions",
    "key",
    "mac",
    "one_is_mac",
    "secret_number",
    "sign",
    "verify",
]

BUCKETS = 10_000
"""How many different fractions there are."""

_OFFSET = 0x811C9DC5
_PRIME = 0x01000193
_MASK = 0xFFFFFFFF
# Large enough that a numpy call costs nothing per row, small enough that its arrays stay in the processor's cache.
_CHUNK = 1 << 15
_MESSAGES = uuid.UUID("1b1b3a0e-6a0b-5c53-9d0c-5f7d4a4f1f7e").bytes

_States: TypeAlias = NDArray[np.uint32]


def fnv1a32(text: str) -> int:
    """32-bit FNV-1a of the code points of ``text``: an integer in [0, 2**32).

    >>> fnv1a32("a")
    3826002220
    """
    state = _OFFSET
    for code in text.encode() if text.isascii() else map(ord, text):
        state = (state ^ code) * _PRIME & _MASK
    return state


def bucket(seed: str, value: str | int) -> int:
    """The bucket of one id, 0 to 9999; an integer hashes as its decimal text, so 42 and "42" are one customer.

    Raises `InvalidInput` for an empty text and for anything that is neither text nor an integer.
    """
    return fnv1a32(str(fnv1a32(seed + _text(value)))) % BUCKETS


def fraction(seed: str, value: str | int) -> float:
    """The bucket of one id as a fraction in [0, 1): a multiple of 1/10000.

    >>> fraction("seed", "a")  # from the vendor's published test cases
    0.0505
    """
    return bucket(seed, value) / BUCKETS


def buckets(seed: str, ids: Iterable[str | int] | AnyArray) -> IntArray:
    """The buckets of many ids: shape (n,), int64, 0 to 9999, row by row equal to `bucket`.

    ``ids``: a sequence or one-dimensional array of text or integers, mixed if need be. Raises `InvalidInput` naming the
    first row that is empty, missing or of another type.
    """
    column = _column(ids)
    return _hash_again(_hash_integers(seed, column) if isinstance(column, np.ndarray) else _hash_texts(seed, column))


def fractions(seed: str, ids: Iterable[str | int] | AnyArray) -> FloatArray:
    """The fractions of many ids, as `buckets` takes them: shape (n,), in [0, 1), row by row equal to `fraction`."""
    return buckets(seed, ids) / BUCKETS


def digest(*parts: str) -> str:
    """SHA-256 of the parts, 64 hexadecimal digits; ``("a", "bc")`` and ``("ab", "c")`` differ.

    >>> digest("a", "bc") == digest("ab", "c")
    False
    """
    return hashlib.sha256(_encode(parts)).hexdigest()


def key(*parts: str) -> str:
    """A message key made of the parts: a version-5 UUID (RFC 9562), 36 characters out of ``[0-9a-f-]``.

    The same parts give the same key for ever, so a letter that is planned twice is sent once.
    """
    name = bytearray(hashlib.sha1(_MESSAGES + _encode(parts), usedforsecurity=False).digest()[:16])
    name[6] = name[6] & 0x0F | 0x50  # the version and the variant, as `uuid.uuid5` writes them
    name[8] = name[8] & 0x3F | 0x80
    digits = name.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def sign(secret: str, *parts: str) -> str:
    """HMAC-SHA256 of the parts under ``secret``: 43 characters of URL-safe base64 without padding."""
    mac = hmac.digest(secret.encode("utf-8", "surrogatepass"), _encode(parts), "sha256")
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode("ascii")


def verify(secret: str, signature: str, *parts: str) -> bool:
    """Whether ``signature`` is what `sign` gives; takes equally long wherever the two differ."""
    expected = sign(secret, *parts).encode("ascii")
    return hmac.compare_digest(expected, signature.encode("utf-8", "surrogatepass"))


def secret_number(secret: str, *parts: str) -> int:
    """HMAC-SHA256 of the parts under ``secret`` as a whole number below 2**256, for codes that people type."""
    return int.from_bytes(hmac.digest(secret.encode("utf-8", "surrogatepass"), _encode(parts), "sha256"))


def mac(secret: bytes, content: bytes) -> str:
    """HMAC-SHA256 of the content under ``secret`` in padded base64, as Standard Webhooks (and Svix) sign."""
    return base64.b64encode(hmac.digest(secret, content, "sha256")).decode("ascii")


def one_is_mac(secret: bytes, content: bytes, claimed: Iterable[str]) -> bool:
    """Whether one of the claimed codes is what `mac` gives; each takes equally long wherever it differs."""
    expected = mac(secret, content).encode("ascii")
    found = [hmac.compare_digest(expected, code.encode("utf-8", "surrogatepass")) for code in claimed]
    return any(found)


def _encode(parts: Iterable[str]) -> bytes:
    """The parts with their lengths before them, so that no two lists of parts give the same bytes."""
    raw = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join(b"%d:%b" % (len(part), part) for part in raw)


def _text(value: Any, row: int | None = None) -> str:
    """The id as the text that is hashed, or `InvalidInput` with its row."""
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return str(int(value))
    where = "id" if row is None else f"ids: row {row}"
    raise InvalidInput(f"{where} is {value!r}: give a text that is not empty, or a whole number")


def _column(ids: Any) -> list[str] | AnyArray:
    """The ids as one integer array or one list of texts."""
    if isinstance(ids, str | bytes) or not isinstance(ids, Iterable):
        raise InvalidInput(f"ids: {ids!r} is no column: give a list, an array or a series")
    values = ids if isinstance(ids, list | tuple) else np.asarray(ids if hasattr(ids, "__array__") else list(ids))
    if isinstance(values, np.ndarray):
        if values.ndim != 1:
            raise InvalidInput(f"ids: has shape {values.shape}: give one column of shape (n,)")
        return values if values.dtype.kind in "iu" else _texts(values.tolist())
    if set(map(type, values)) == {int}:
        array = np.asarray(values)
        return array if array.dtype.kind in "iu" else _texts(values)  # else some are beyond 64 bits
    return _texts(values)


def _texts(values: Sequence[Any]) -> list[str]:
    """Every id as text; a list of nothing but text is taken as it is."""
    if isinstance(values, list) and set(map(type, values)) <= {str}:
        return values
    return [_text(value, row) for row, value in enumerate(values)]


def _hash_texts(seed: str, texts: list[str]) -> _States:
    """FNV-1a of seed + text for texts of type str: (n,) uint32."""
    joined = "".join(texts)
    if joined.isascii():
        codes = np.frombuffer(joined.encode("ascii"), np.uint8)
    else:
        codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    if not lengths.all():
        _text("", int(np.argmin(lengths)))
    ends = np.cumsum(lengths)
    state = np.full(len(texts), fnv1a32(seed), np.uint32)
    for rows in _chunks(len(texts)):
        _feed_codes(state[rows], codes, ends[rows] - lengths[rows], lengths[rows])
    return state


def _feed_codes(state: _States, codes: AnyArray, starts: IntArray, lengths: IntArray) -> None:
    """Feed each row its own characters, one column of characters at a time, in place."""
    shortest = int(lengths.min())
    for at in range(shortest):
        state ^= codes[starts + at]
        state *= _PRIME
    rows = np.flatnonzero(lengths > shortest)
    for at in range(shortest, int(lengths.max())):
        rows = rows[lengths[rows] > at]
        state[rows] = (state[rows] ^ codes[starts[rows] + at]) * np.uint32(_PRIME)


def _hash_integers(seed: str, values: AnyArray) -> _States:
    """FNV-1a of seed + decimal text for an integer array: (n,) uint32."""
    state = np.full(len(values), fnv1a32(seed), np.uint32)
    for rows in _chunks(len(values)):
        chunk, states = values[rows], state[rows]
        below = chunk < 0
        if below.any():
            states[below] = fnv1a32(seed + "-")
        # Two's complement: the magnitude of the least int64 fits uint64 though not int64.
        size = chunk.astype(np.uint64)
        np.negative(size, out=size, where=below)
        _feed_decimal(states, size.astype(np.uint32) if size.max() <= _MASK else size)
    return state


def _hash_again(first: _States) -> IntArray:
    """The second round of the version-2 hash: FNV-1a of the decimal text of the first, modulo 10000."""
    result = np.empty(len(first), np.int64)
    for rows in _chunks(len(first)):
        state = np.full(len(first[rows]), _OFFSET, np.uint32)
        _feed_decimal(state, first[rows])
        result[rows] = state % BUCKETS
    return result


def _feed_decimal(state: _States, numbers: AnyArray) -> None:
    """Feed each row the decimal digits of its own unsigned number, the highest first, in place."""
    least, rest = int(numbers.min()), numbers
    for power in reversed(range(len(str(int(numbers.max()))))):
        unit = 10**power
        digit, rest = rest // unit, rest % unit
        fed = (state ^ (digit.astype(np.uint32) | np.uint32(48))) * np.uint32(_PRIME)  # 48 is the code of "0"
        if unit > max(least, 1):  # some row's number is shorter: zeros in front are not written
            np.copyto(state, fed, where=numbers >= unit)
        else:
            state[:] = fed


def _chunks(n: int) -> Iterable[slice]:
    return (slice(start, start + _CHUNK) for start in range(0, n, _CHUNK))
