"""What a conformance kit is made of: numbered laws, each tried on its own against what a maker makes.

Knows neither storages nor senders, and no test framework: a law is a function that returns or raises. Laws are gated
by capabilities that the author declares, never by the name of what is tried.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection, Iterable
from typing import Generic, TypeVar

from attrs import frozen

__all__ = ["Law", "LawBroken", "Verdict", "Verdicts", "judge"]

Made = TypeVar("Made")


class LawBroken(AssertionError):
    """A law does not hold; the message is what was done, step by step, and what came of it."""


@frozen
class Law(Generic[Made]):
    """One law: `check` gets the author's maker; `needs`: the capability without which it says nothing."""

    number: int
    name: str
    check: Callable[[Made], None]
    needs: str = ""


@frozen
class Verdict:
    """What became of one law: "kept", "broken" or "skipped", and why where it was not kept."""

    number: int
    name: str
    state: str
    why: str = ""

    def __str__(self) -> str:
        told = f"law {self.number}, {self.name}: {self.state}"
        return f"{told}\n    {self.why.replace(chr(10), chr(10) + '    ')}" if self.why else told


@frozen
class Verdicts:
    """The verdicts on all laws of a kit, by number; `str()` prints one below the other."""

    all: tuple[Verdict, ...]

    @property
    def broken(self) -> tuple[Verdict, ...]:
        """Those that do not hold."""
        return tuple(verdict for verdict in self.all if verdict.state == "broken")

    def __str__(self) -> str:
        return "\n".join(map(str, self.all))

    def insist(self) -> None:
        """Raise `LawBroken` with every broken law, if there is one."""
        if self.broken:
            raise LawBroken("\n".join(map(str, self.broken)))


def judge(laws: Iterable[Law[Made]], make: Made, capabilities: Collection[str]) -> Verdicts:
    """Try every law that the declared `capabilities` admit on what `make` makes."""
    tried = (_verdict(law, make, capabilities) for law in sorted(laws, key=lambda law: law.number))
    return Verdicts(tuple(tried))


def _verdict(law: Law[Made], make: Made, capabilities: Collection[str]) -> Verdict:
    if law.needs and law.needs not in capabilities:
        return Verdict(law.number, law.name, "skipped", f"{law.needs!r} is not declared")
    try:
        law.check(make)
    except LawBroken as error:
        return Verdict(law.number, law.name, "broken", str(error))
    except Exception as error:  # noqa: BLE001 - what the author's code raises breaks the law
        return Verdict(law.number, law.name, "broken", "".join(traceback.format_exception_only(error)).strip())
    return Verdict(law.number, law.name, "kept")
