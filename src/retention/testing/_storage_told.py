"""How the kit for storages writes down what it does: every call and its answer, to be read when a law is broken.

Knows no law. Times are minutes after `START`, records are shown by what names them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import singledispatch
from typing import Any

from retention.facts import Fact
from retention.journey.ledger import CustomerFile, Decision, Entry, Needs, Outcome
from retention.messages import Message
from retention.ports import Change, Lease, Letter, Settlement, Storage

__all__ = ["START", "Told", "say"]

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
_LATEST, _LONGEST, _MANY = 30, 70, 8  # calls shown, characters of a text, items of a list


class Told:
    """A storage that keeps what it was asked and what it answered in `calls`."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.calls: list[tuple[str, tuple[Any, ...], str, Any]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._storage, name)

        def call(*given: Any) -> Any:
            try:
                answer = method(*given)
            except Exception as error:
                self.calls.append((name, given, "raised", error))
                raise
            self.calls.append((name, given, "->", answer))
            return answer

        return call

    def __str__(self) -> str:
        earlier = len(self.calls) - _LATEST
        lines = [f"({earlier} earlier calls)"] if earlier > 0 else []
        for name, given, ended, answer in self.calls[-_LATEST:]:
            lines.append(f"{name}({', '.join(map(say, given))}) {ended} {say(answer)}")
        return "\n".join(lines)


@singledispatch
def say(value: object) -> str:
    """A value in few words."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


@say.register(list)
@say.register(tuple)
@say.register(set)
@say.register(frozenset)
def _(value: Sequence[Any]) -> str:
    some = [say(item) for item in list(value)[:_MANY]]
    return f"[{', '.join(some)}{f', … {len(value)} in all' if len(value) > _MANY else ''}]"


@say.register
def _(value: Mapping) -> str:  # type: ignore[type-arg] # singledispatch takes the bare class
    return f"{{{', '.join(f'{say(key)}: {say(item)}' for key, item in value.items())}}}"


@say.register
def _(value: Exception) -> str:
    return f"{type(value).__name__}: {value}"


@say.register
def _(value: datetime) -> str:
    minutes = round((value - START) / timedelta(minutes=1), 3)
    exact = abs(minutes) < 1e6 and START + timedelta(minutes=minutes) == value
    return f"at({minutes:g})" if exact else value.isoformat()


@say.register
def _(value: timedelta) -> str:
    return f"{value / timedelta(minutes=1):g} min"


@say.register
def _(value: Fact) -> str:
    return f"{value.kind}({value.id!r}, {say(value.customer_id)}, {say(value.at)})"


@say.register
def _(value: Message) -> str:
    return f"message({value.key!r}, {say(value.subject)}, {say(value.text)})"


@say.register
def _(value: Letter) -> str:
    return f"letter({value.message.key!r}, {say(value.message.subject)}, due {say(value.due)})"


@say.register
def _(value: Lease) -> str:
    named = f"{value.message.key!r} of {say(value.customer_id)}, token {value.token!r}"
    return f"lease({named}, attempts {value.attempts}, until {say(value.until)})"


@say.register
def _(value: Settlement) -> str:
    retry = f", retry_at {say(value.retry_at)}" if value.retry_at else ""
    return f"settlement({value.lease.message.key!r}, token {value.lease.token!r}, {value.status!r}{retry})"


@say.register
def _(value: Entry) -> str:
    return f"entry({say(value.key)}, {value.arm!r}, {say(value.entered_at)})"


@say.register
def _(value: Decision) -> str:
    return f"decision({value.kind!r}, {say(value.step)}, {say(value.at)})"


@say.register
def _(value: Outcome) -> str:
    return f"outcome({value.message_key!r}, {value.status!r}, {say(value.at)}, {value.reason!r})"


@say.register
def _(value: Needs) -> str:
    return "needs(all)" if value.kinds is None else f"needs({', '.join(sorted(value.kinds))})"


@say.register
def _(value: Change) -> str:
    plan, named = value.plan, f"{say(value.customer_id)}, version {value.version}, {value.fingerprint!r}"
    return f"change({named}, {_parts(plan.entries, plan.decisions, value.letters)}, wake {say(plan.wake_at)})"


@say.register
def _(value: CustomerFile) -> str:
    parts = _parts(value.facts, value.entries, value.ledger, value.outcomes)
    return f"file({say(value.customer_id)}, version {value.version}, {parts}, merged {say(value.merged)})"


def _parts(*parts: Sequence[Any]) -> str:
    return ", ".join(say(part) for part in parts)
