"""What the playbooks share: shares of the arms, letters that vary by arm, letters that another tool sends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from attrs import evolve

from retention.errors import InvalidJourney
from retention.journey.definition import CONTROL, Step, Variant

__all__ = ["ONE_ARM", "Arms", "owned_by", "shares", "varied"]

Arms: TypeAlias = Mapping[str, Mapping[str, Variant]]
"""What each arm changes: its name to the ids of steps and their variants."""

ONE_ARM: Arms = MappingProxyType({"letters": MappingProxyType({})})
"""One arm that gets the letters as they are."""


def shares(control: float, arms: Arms) -> dict[str, float]:
    """The share of every arm: `control` of the customers get no promotional letters, the arms share the rest equally.

    >>> shares(0.1, {"morning": {}, "evening": {}})
    {'control': 0.1, 'morning': 0.45, 'evening': 0.45}
    """
    if not arms or CONTROL in arms:
        raise InvalidJourney(f"arms: {sorted(arms)} must name at least one arm, and not {CONTROL!r}: see control=")
    letters = dict.fromkeys(arms, (1 - control) / len(arms))
    return {CONTROL: control, **letters} if control else letters


def varied(steps: Iterable[Step], arms: Arms) -> tuple[Step, ...]:
    """The steps with what each arm changes about them; raises `InvalidJourney` for a step that is not there."""
    steps = tuple(steps)
    _known("arms", {name for changes in arms.values() for name in changes}, steps)
    return tuple(
        evolve(step, variants={arm: changes[step.id] for arm, changes in arms.items() if step.id in changes})
        for step in steps
    )


def owned_by(owner: str, names: Iterable[str], steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps, those of `names` left to the `owner`; raises `InvalidJourney` for a step that is not there."""
    steps, names = tuple(steps), frozenset(names)
    _known("owned", names, steps)
    return tuple(evolve(step, owner=owner) if step.id in names else step for step in steps)


def _known(option: str, names: Iterable[str], steps: tuple[Step, ...]) -> None:
    ids = [step.id for step in steps]
    unknown = sorted(set(names) - set(ids))
    if unknown:
        raise InvalidJourney(f"{option}: there is no step {unknown[0]!r}; use {', '.join(ids)}")
