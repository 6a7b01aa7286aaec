"""The laws of `retention.ports.Sender`, to be tried on any sender; the numbers are those of all kits of this library.

An author hands over a *maker*, ``make(url) -> Sender``, and says what is at the other end of the wire, which the kit
then plays, faults and all::

    verdicts = check(lambda url: MySender(url), dialect=MY_PROVIDER, secret="the key it was given")
    verdicts.insist()

`dialect`: an HTTP provider, see `retention.testing.provider.Dialect`. ``smtp=True``: `url` is one of a relay. Neither:
there is no wire to see, and only the laws that need none are tried. `secret` is what the sender logs in with and must
show nowhere; over SMTP it is the password in the URL. Make the sender with a timeout of some tenths of a second.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.utils import getaddresses
from typing import Any
from urllib.parse import quote

from attrs import frozen

from retention.errors import InvalidInput
from retention.messages import Message, Result
from retention.ports import Sender
from retention.testing.laws import Law, LawBroken, Verdicts, judge
from retention.testing.provider import Dialect, Provider, Sent
from retention.testing.relay import Relay, Taken

__all__ = ["LAWS", "Stand", "check"]

_REFUSED = "refused@example.com"
_STATUSES = ("accepted", "rejected", "transient", "throttled", "misconfigured", "unknown")
_UNSUBSCRIBE = "https://shop.example/u?c=1&s=abc"
_NASTY = (
    'Shop" <eve@example.com>, "',
    "Eve <eve@example.com>,",
    "Tea, Coffee; (and) <more>:",
    "=?utf-8?q?Bcc:_eve@example.com?=",
    "Subject: other Bcc: eve@example.com",
    "back\\slash \\",
    "\u043f\u0440\u0438\u0432\u0435\u0442 \U0001f48c \u202e",
    "two  spaces",
    "x" * 500,
)
_NASTY_TEXTS = (
    ".",
    "\r\n.\r\nMAIL FROM:<eve@example.com>\r\nRCPT TO:<eve@example.com>\r\nDATA\r\nHi",
    "\n.\n..\n.x\nFrom me",
    "Bcc: eve@example.com\n\nHi",
    "--=_kit-33-4\n\n--=_kit-33-4--",
    "\u043f\u0440\u0438\u0432\u0435\u0442 \U0001f48c",
    "trailing = \n=3D",
    "y" * 3000,
    "{{ 7 * 7 }} %s {} <b>&amp;</b>",
)


@frozen(kw_only=True)
class Stand:
    """What is tried, and what is played for it."""

    make: Callable[[str], Sender]
    dialect: Dialect | None = None
    smtp: bool = False
    secret: str = ""

    @property
    def wired(self) -> bool:
        """Whether it can be seen what arrives."""
        return self.smtp or self.dialect is not None

    @contextmanager
    def open(
        self, *faults: str, knows: bool = True, gone: bool = False
    ) -> Iterator[tuple[Sender, Callable[[], list[Sent]]]]:
        """A new sender, and what has arrived so far; `knows`: a relay lets it in; `gone`: nobody is there."""
        relay = Relay(refuses=[_REFUSED], knows=knows if self.secret else None) if self.smtp else None
        with relay or Provider(self.dialect, refuses=[_REFUSED]) as wire:
            wire.faults.extend(faults)
            if gone:
                wire.close()
            sender = self.make(f"smtp://{self._login}{wire.address}" if isinstance(wire, Relay) else wire.url)
            try:
                yield sender, lambda: _arrived(wire)
            finally:
                getattr(sender, "close", _nothing)()

    @property
    def _login(self) -> str:
        return f"kit:{quote(self.secret, safe='')}@" if self.secret else ""


def _nothing() -> None:
    """What closes a sender that keeps nothing open."""


def _arrived(wire: Relay | Provider) -> list[Sent]:
    return [_sent(taken) for taken in wire.accepted] if isinstance(wire, Relay) else list(wire.accepted)


def check(
    make: Callable[[str], Sender],
    *,
    dialect: Dialect | None = None,
    smtp: bool = False,
    secret: str = "",
) -> Verdicts:
    """Try all laws that say something about what `make` makes."""
    stand = Stand(make=make, dialect=dialect, smtp=smtp, secret=secret)
    return judge(LAWS, stand, _capabilities(stand))


def _capabilities(stand: Stand) -> set[str]:
    with stand.open() as (sender, _):
        promised = sender.capabilities
    found = {
        "http": stand.dialect is not None,
        "smtp": stand.smtp,
        "wire": stand.wired,
        "idempotent": stand.wired and promised.remembers_for is not None,
        "looks_up": promised.looks_up,
        "smtp secret": stand.smtp and bool(stand.secret),
        "secret": stand.wired and bool(stand.secret),
    }
    return {name for name, has in found.items() if has}


def _letter(key: str, **fields: Any) -> Message:
    given = {"to": "ann@example.com", "sender_name": "Shop", "subject": "Hello", "text": "Come back"} | fields
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    return Message(key=key, sender="shop@example.com", html="", at=at, unsubscribe_url=_UNSUBSCRIBE, **given)


def _sent(taken: Taken) -> Sent:
    """A letter of the relay as a mail program reads it."""
    mail = message_from_bytes(taken.data, policy=policy.default)
    raw = message_from_bytes(taken.data, policy=policy.compat32)
    body = mail.get_body(("plain",))
    return Sent(
        key=str(mail["Message-ID"]).strip("<>").partition("@")[0],
        to=taken.to + tuple(address for _, address in getaddresses([str(raw["To"])]) if address not in taken.to),
        sender=str(raw["From"]),
        subject=str(mail["Subject"]),
        text="" if body is None else str(body.get_content()),
        headers={name: str(value) for name, value in mail.items()},
    )


def _send(sender: Sender, letters: Sequence[Message]) -> list[Result]:
    """The results of letters sent in calls as large as the sender takes; a breach of the port itself breaks the law."""
    size, results = sender.capabilities.max_batch, list[Result]()
    for start in range(0, len(letters), size):
        some = letters[start : start + size]
        try:
            got = list(sender.send(some))
        except Exception as error:
            raise LawBroken(f"send of {len(some)} letters raised {type(error).__name__}") from error
        if len(got) != len(some):
            raise LawBroken(f"send of {len(some)} letters gave {len(got)} results")
        if any(getattr(result, "status", "") not in _STATUSES for result in got):
            raise LawBroken("send gave something that is no Result")
        results += got
    return results


def _insist(holds: bool, what: str) -> None:  # noqa: FBT001 - reads like an assertion
    if not holds:
        raise LawBroken(what)


def _honest(sender: Sender, letters: Sequence[Message], results: Sequence[Result], arrived: Sequence[Sent]) -> None:
    """What is called accepted has arrived, and what has arrived is called accepted or unknown.

    Or transient, by a sender whose next try is recognised.
    """
    keys = [sent.key for sent in arrived]
    known = ("accepted", "unknown", *(("transient",) if sender.capabilities.remembers_for else ()))
    for letter, result in zip(letters, results, strict=True):
        there = letter.key in keys
        _insist(there or result.status != "accepted", f"{letter.key} was called accepted, and never arrived")
        _insist(not there or result.status in known, f"{letter.key} arrived, and was called {result.status}")


# ------------------------------------------------------------- 30


def _results_in_order(stand: Stand) -> None:
    refused = _REFUSED if stand.wired else "ann@example.com"
    letters = [_letter("kit-1"), _letter("kit-2"), _letter("kit-3", to=refused), _letter("kit-4")]
    with stand.open() as (sender, arrived):
        found = [result.status for result in _send(sender, letters)]
        wanted = ["accepted", "accepted", "rejected" if stand.wired else "accepted", "accepted"]
        _insist(found == wanted, f"four letters, the third to a bad address: {found}, not {wanted}")
        _insist(sender.send([]) == [], "no letters gave results")
        keys = [sent.key for sent in arrived()]
        _insist(not stand.wired or keys == ["kit-1", "kit-2", "kit-4"], f"what arrived: {keys}")


# ------------------------------------------------------------- 31


def _meets(fault: str, *allowed: str, pause: timedelta | None = None) -> Callable[[Stand], None]:
    """A law: what a letter is called that meets a fault, as the first of three."""

    def law(stand: Stand) -> None:
        letters = [_letter(f"kit-{n}") for n in range(3)]
        with stand.open(fault) as (sender, arrived):
            results = _send(sender, letters)
            _honest(sender, letters, results, arrived())
            again = ("transient",) if sender.capabilities.remembers_for else ()
        told = f"{fault!r} met by the first of three: {results[0]}"
        _insist(results[0].status in (*allowed, *(again if "unknown" in allowed else ())), f"{told}, not {allowed}")
        _insist(pause is None or results[0].retry_after == pause, f"{told}, without its pause of {pause}")

    return law


def _nobody_listens(stand: Stand) -> None:
    with stand.open(gone=True) as (sender, _):
        (result,) = _send(sender, [_letter("kit-1")])
    _insist(result.status == "transient", f"nobody listens: {result}, not transient")


def _closed_when_idle(stand: Stand) -> None:
    with stand.open("closed when idle") as (sender, arrived):
        found = [_send(sender, [_letter(key)])[0].status for key in ("kit-1", "kit-2")]
        _insist(found == ["accepted"] * 2, f"a letter, the connection closed, another letter: {found}")
        keys = [sent.key for sent in arrived()]
        _insist(keys == ["kit-1", "kit-2"], f"what arrived: {keys}")


def _login_fails(stand: Stand) -> None:
    with stand.open(knows=False) as (sender, _):
        (result,) = _send(sender, [_letter("kit-1")])
        _insist(result.status == "misconfigured", f"the login failed: {result}, not misconfigured")


def _lookups(stand: Stand) -> None:
    with stand.open() as (sender, _):
        _send(sender, [_letter("kit-1"), _letter("kit-2")])
        lookup: Callable[[Sequence[str]], list[Result]] = sender.lookup  # type: ignore[attr-defined]
        found = [result.status for result in lookup(["kit-2", "kit-never", "kit-1"])]
        _insist(len(found) == 3, f"three keys looked up: {len(found)} results")
        _insist(found[::2] == ["accepted"] * 2, f"letters that were accepted are looked up: {found[::2]}")
        _insist(found[1] in {"transient", "unknown"}, f"a letter that never left is looked up: {found[1]}")


# ------------------------------------------------------------- 32


def _once(stand: Stand) -> None:
    with stand.open() as (sender, arrived):
        found = [_send(sender, [_letter("kit-1")])[0].status for _ in range(2)]
        _insist(found == ["accepted"] * 2, f"the same letter twice: {found}")
        _insist(len(arrived()) == 1, f"the same letter twice: {len(arrived())} arrived")


def _once_after_a_lost_answer(stand: Stand) -> None:
    a, b, c = (_letter(f"kit-{name}") for name in "abc")
    with stand.open("lost answer") as (sender, arrived):
        _send(sender, [a, b])
        _send(sender, [b, c])
        _send(sender, [a])
        keys = sorted(sent.key for sent in arrived())
        told = "a and b (the answer is lost), b and c, then a"
        _insist(keys == ["kit-a", "kit-b", "kit-c"], f"{told}: {keys} arrived; a key must outlive its batch")


# ------------------------------------------------------------- 33


def _any_text(stand: Stand) -> None:
    letters = [
        _letter(f"kit-33-{n}", sender_name=nasty, subject=nasty, text=text)
        for n, (nasty, text) in enumerate(zip(_NASTY, _NASTY_TEXTS, strict=True))
    ]
    with stand.open() as (sender, arrived):
        _send(sender, letters)
        found = arrived()
    _insist(len(found) == len(letters), f"{len(letters)} letters left, {len(found)} arrived")
    for letter, sent in zip(letters, found, strict=True):
        _same(letter, sent)


def _same(letter: Message, sent: Sent) -> None:
    named = f"subject and name {letter.subject!r}, text {letter.text!r}"
    _insist(sent.key == letter.key, f"{letter.key} arrived under the key {sent.key!r}")
    senders = [address for _, address in getaddresses([sent.sender])]
    _insist(senders == [letter.sender], f"{named}: it comes from {senders}")
    _insist(sent.to == (letter.to,), f"{named}: it goes to {sent.to}")
    _insist(sent.subject == letter.subject, f"{named}: the subject arrived as {sent.subject!r}")
    _insist(_as_read(sent.text) == _as_read(letter.text), f"{named}: the text arrived as {sent.text!r}")
    _insist(not {name.lower() for name in sent.headers} & {"bcc", "cc"}, f"{named}: there are copies")


def _as_read(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


def _unsubscribe(stand: Stand) -> None:
    with stand.open() as (sender, arrived):
        _send(sender, [_letter("kit-1")])
        headers = {name.lower(): value for name, value in arrived()[0].headers.items()}
    told = headers.get("list-unsubscribe"), headers.get("list-unsubscribe-post")
    wanted = f"<{_UNSUBSCRIBE}>", "List-Unsubscribe=One-Click"
    _insist(told == wanted, f"a promotional letter's List-Unsubscribe and -Post are {told}, not {wanted} (RFC 8058)")


# ------------------------------------------------------------- 34


def _limit(stand: Stand) -> None:
    with stand.open() as (sender, arrived):
        most = sender.capabilities.max_batch
        try:
            sender.send([_letter(f"kit-{n}") for n in range(most + 1)])
        except InvalidInput:
            _insist(not stand.wired or not arrived(), "a call that was too large sent letters all the same")
        else:
            raise LawBroken(f"{most + 1} letters in one call were taken; max_batch is {most}")


class _Listener(logging.Handler):
    """Keeps everything that anybody logs."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def _everything_logged() -> Iterator[list[str]]:
    root, listener = logging.getLogger(), _Listener()
    before = root.level
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    try:
        yield listener.lines
    finally:
        root.setLevel(before)
        root.removeHandler(listener)


def _secrets(stand: Stand) -> None:
    faults: Collection[str] = () if stand.smtp else ("echo", "unauthorized", "html after acceptance")
    shown = []
    for fault, knows in [(fault, True) for fault in faults] + [("", True), ("", False)]:
        with _everything_logged() as lines, stand.open(*filter(None, [fault]), knows=knows) as (sender, _):
            shown += [str(_send(sender, [_letter("kit-1")])), repr(sender), str(sender), *lines]
    code = base64.b64encode(f"\0kit\0{stand.secret}".encode()).decode()
    for text in shown:
        if any(secret in text for secret in (stand.secret, quote(stand.secret, safe=""), code)):
            raise LawBroken("the secret is shown: " + text.replace(stand.secret, "<secret>")[:300])


_LOST = (
    "lost answer",
    "reset",
    "slow",
    "html after acceptance",
    "error after acceptance",
    "html with 200",
    "malformed",
)
_HTTP = [
    *((31, f"{fault}: unknown", _meets(fault, "unknown")) for fault in _LOST),
    (31, "unavailable: later", _meets("unavailable", "transient", "throttled", "unknown")),
    (31, "busy for seconds", _meets("busy", "throttled", pause=timedelta(seconds=7))),
    (31, "busy until a date", _meets("busy until", "throttled", pause=timedelta(seconds=90))),
    (31, "unauthorized: misconfigured", _meets("unauthorized", "misconfigured")),
    (31, "forbidden: misconfigured", _meets("forbidden", "misconfigured")),
]
_SMTP = [
    *((31, f"{fault}: transient", _meets(fault, "transient")) for fault in ("deferred", "late deferral")),
    *(
        (31, f"{fault}: not yet handed over", _meets(fault, "transient", "accepted"))
        for fault in ("going away", "closed before the letter", "silent", "nonsense")
    ),
    *((31, f"{fault}: unknown", _meets(fault, "unknown")) for fault in ("lost answer", "slow")),
    (31, "late refusal: rejected", _meets("late refusal", "rejected")),
    (31, "login required: misconfigured", _meets("login required", "misconfigured")),
    (31, "closed when idle: no letter lost", _closed_when_idle),
]

LAWS: tuple[Law[Stand], ...] = (
    Law(30, "results in order and number", _results_in_order),
    *(Law(number, name, law, "http") for number, name, law in _HTTP),
    *(Law(number, name, law, "smtp") for number, name, law in _SMTP),
    Law(31, "a failed login: misconfigured", _login_fails, "smtp secret"),
    Law(31, "nobody listens: transient", _nobody_listens, "wire"),
    Law(31, "a look-up tells the truth", _lookups, "looks_up"),
    Law(32, "the same key twice is one letter", _once, "idempotent"),
    Law(32, "a lost answer, and one letter all the same", _once_after_a_lost_answer, "idempotent"),
    Law(33, "any text stays in its field", _any_text, "wire"),
    Law(33, "both unsubscribe headers", _unsubscribe, "wire"),
    Law(34, "more than a batch is refused", _limit),
    Law(34, "the secret is shown nowhere", _secrets, "secret"),
)
"""All laws of senders, by number; several may explain one number."""
