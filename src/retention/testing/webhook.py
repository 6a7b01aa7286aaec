"""The laws of `retention.ports.WebhookParser`, to be tried on any parser; numbers 35 to 39 of this library's kits.

An author hands over a maker, says how the provider signs, and gives one real body for each status that it reports::

    check(make, sign=lambda body, at: {"X-Signature": …}, bodies={"delivered": b"…", "bounced": b"…"}).insist()

`join` makes one body of several, for providers that report in batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from attrs import frozen

from retention.ports import Parsed, WebhookParser
from retention.testing.laws import Law, LawBroken, Verdicts, judge

__all__ = ["LAWS", "Stand", "check"]

_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
_DAMAGED = 2_000
_BROKEN = (b"", b"null", b"1", b"[]", b"{}", b"[[[[", b"[" * 50_000, b"\xff\xfe", b'{"a": "\\ud800"}', b"9" * 5_000)


@frozen(kw_only=True)
class Stand:
    """What is tried: a maker, how its provider signs a body at a time, and a real body for each status."""

    make: Callable[[], WebhookParser]
    sign: Callable[[bytes, datetime], Mapping[str, str]]
    bodies: Mapping[str, bytes]
    join: Callable[[Sequence[bytes]], bytes] | None = None

    def parsed(self, body: bytes) -> Parsed:
        """The body, signed and parsed; what is raised breaks the law."""
        try:
            found = self.make().parse(self.sign(body, _AT), body)
        except Exception as error:
            raise LawBroken(f"parse raised {type(error).__name__} for {body[:60]!r}") from error
        if not isinstance(found, Parsed):
            raise LawBroken(f"parse gave {type(found).__name__}, not Parsed")
        return found


def check(
    make: Callable[[], WebhookParser],
    *,
    sign: Callable[[bytes, datetime], Mapping[str, str]],
    bodies: Mapping[str, bytes],
    join: Callable[[Sequence[bytes]], bytes] | None = None,
) -> Verdicts:
    """Try all laws that say something about the parsers that `make` makes."""
    return judge(LAWS, Stand(make=make, sign=sign, bodies=bodies, join=join), {"join"} if join else ())


def _insist(holds: bool, what: str) -> None:  # noqa: FBT001 - reads like an assertion
    if not holds:
        raise LawBroken(what)


def _signatures(stand: Stand) -> None:
    parser = stand.make()
    for body in stand.bodies.values():
        headers = stand.sign(body, _AT)
        _insist(parser.verify(headers, body, _AT), "a signed body is not believed")
        loud = {name.upper(): value for name, value in headers.items()}
        _insist(parser.verify(loud, body, _AT), "a signed body with names of headers in capitals is not believed")
        _insist(
            not parser.verify(headers, body + b" ", _AT), "a body with one more space is believed: verify raw bytes"
        )
        for n in range(0, len(body), 7):
            changed = body[:n] + bytes([body[n] ^ 1]) + body[n + 1 :]
            _insist(not parser.verify(headers, changed, _AT), f"a body whose byte {n} was changed is believed")


def _headers(stand: Stand) -> None:
    parser, body = stand.make(), next(iter(stand.bodies.values()))
    for headers in _damaged_headers(stand.sign(body, _AT)):
        try:
            believed = parser.verify(headers, body, _AT)
        except Exception as error:
            raise LawBroken(f"verify raised {type(error).__name__} for the headers {headers}") from error
        _insist(not believed, f"believed with the headers {headers}")


def _damaged_headers(headers: Mapping[str, str]) -> Iterator[dict[str, str]]:
    yield {}
    for name, value in headers.items():
        yield {other: kept for other, kept in headers.items() if other != name}
        for bad in ("", "x", "é\ud800", value[:-2], f"{value[1:]}{value[:1]}", "9" * 500):
            yield {**headers, name: bad}


def _times(stand: Stand) -> None:
    parser, body = stand.make(), next(iter(stand.bodies.values()))
    for away in (timedelta(days=1), timedelta(days=-1)):
        believed = parser.verify(stand.sign(body, _AT), body, _AT + away)
        _insist(not believed, f"a signature is believed {away} later: it could be kept and sent again")


def _statuses(stand: Stand) -> None:
    for status, body in stand.bodies.items():
        found = stand.parsed(body)
        told = [report.status for report in found.reports]
        _insist(told == [status], f"the body of {status!r} was read as {told}, rejected {found.rejected}")
        again = stand.parsed(body)
        _insist(found == again, f"the body of {status!r}, parsed twice, gave {found} and {again}: ids must not change")


def _total(stand: Stand) -> None:
    for body in (*_BROKEN, *_damaged(stand)):
        for line in stand.parsed(body).rejected:
            _insist("\n" not in line and "@" not in line, f"a reject is one line without addresses, not {line!r}")


def _damaged(stand: Stand) -> Iterator[bytes]:
    rng, bodies = np.random.default_rng(37), [np.frombuffer(body, np.uint8) for body in stand.bodies.values()]
    for n in range(_DAMAGED):
        body = bodies[n % len(bodies)].copy()
        at = rng.integers(len(body), size=3)
        body[at] = rng.integers(32, 256, len(at))
        yield body[: rng.integers(1, len(body))].tobytes() if n % 3 == 0 else body.tobytes()


def _siblings(stand: Stand) -> None:
    if stand.join is None:
        return
    good = list(stand.bodies.values())
    found = stand.parsed(stand.join([good[0], b'{"nonsense": true}', b"7", *good[1:]]))
    told = [report.status for report in found.reports]
    _insist(told == list(stand.bodies), f"all statuses among nonsense in one body: {told}")
    _insist(
        len(found.rejected) + found.ignored == 2, f"two pieces of nonsense: {found.rejected}, ignored {found.ignored}"
    )
    ids = {report.id for report in found.reports}
    _insist(len(ids) == len(told), f"{len(told)} events in one body share {len(ids)} ids")


LAWS: tuple[Law[Stand], ...] = (
    Law(35, "only these very bytes are believed", _signatures),
    Law(35, "no damaged header is believed or raises", _headers),
    Law(36, "a signature grows old, and none comes from the future", _times),
    Law(37, "parsing is total, and rejects name nobody", _total),
    Law(38, "one bad event drops none of its siblings", _siblings, "join"),
    Law(39, "each status is reported, under the same id each time", _statuses),
)
"""All laws of webhooks, by number."""
