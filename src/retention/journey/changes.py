"""What an edit of a journey changes: for whoever enters next, and what it leaves alone for whoever is inside.

People stay with the version they entered, so an edit never resends; a difference here says what the next ones get.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
from attrs import frozen

from retention.errors import InvalidJourney
from retention.journey.definition import Journey, Step

__all__ = ["Changed", "diff"]

_APART = {"name", "version", "steps"}
"""What is told otherwise, or is the same by definition."""


@frozen
class Changed:
    """One difference: `where`, "journey" or a step's id, `what` of it, and the values before and after.

    A step that was added has no value before, one that was removed none after: None.
    """

    where: str
    what: str
    before: Any
    after: Any

    def __str__(self) -> str:
        if self.what == "step":
            return f"step {self.where}: {'removed' if self.after is None else 'added'}"
        subject = self.where if self.where == "journey" else f"step {self.where}"
        return f"{subject}: {self.what} was {_shown(self.before)}, is {_shown(self.after)}"


def _shown(value: Any) -> str:
    return repr(dict(value)) if hasattr(value, "items") else repr(value)


def diff(old: Journey, new: Journey) -> tuple[Changed, ...]:
    """Every difference of two versions of one journey, the journey's own first, then step by step in the new order.

    A step that says `formerly` is the one it was. `arms` that differ draw whoever enters next anew; everybody inside
    keeps their arm and their version. Raises `InvalidJourney` for two journeys of different names, and for two
    definitions of one version, which would be one journey with two meanings.

    >>> from attrs import evolve
    >>> from retention.playbooks import win_back
    >>> for change in diff(win_back(), win_back(version=2, control=0.2, hour=10)):
    ...     print(change)
    journey: arms was {'control': 0.1, 'letters': 0.9}, is {'control': 0.2, 'letters': 0.8}
    step miss_you: hour was None, is 10
    step offer: hour was None, is 10
    step reminder: hour was None, is 10
    """
    if old.name != new.name:
        raise InvalidJourney(f"journey {old.name} and {new.name}: two journeys; compare two versions of one")
    found = (*_of(old, new, "journey", _APART), *_of_steps(old, new))
    if found and old.version == new.version:
        raise InvalidJourney(f"journey {new.name}: both are version {new.version}; give the new one the next number")
    return found


def _of_steps(old: Journey, new: Journey) -> Iterator[Changed]:
    before = {step.id: step for step in old.steps}
    for step in new.steps:
        was = next((before.pop(name) for name in (step.id, *step.formerly) if name in before), None)
        if was is None:
            yield Changed(step.id, "step", None, step)
        else:
            yield from _of(was, step, step.id, {"formerly"})
    for step in before.values():
        yield Changed(step.id, "step", step, None)


def _of(old: Journey | Step, new: Journey | Step, where: str, apart: set[str]) -> Iterator[Changed]:
    for attribute in attrs.fields(type(new)):
        before, after = getattr(old, attribute.name), getattr(new, attribute.name)
        if before != after and attribute.name not in apart:
            yield Changed(where, attribute.name, before, after)
