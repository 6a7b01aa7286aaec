"""Whether the arms have the sizes that were drawn.

Where they have not, customers were lost or counted on the way, and not at random: no other result counts then.
"""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from attrs import field, frozen

from retention import _checks
from retention._stats import sequential
from retention._stats.comparing import chi_square
from retention._types import ArrayLike, FloatArray, IntArray
from retention.errors import InvalidInput
from retention.experiments._doors import by_look, inside
from retention.experiments._ranges import Arms
from retention.experiments.assignment import Experiment

__all__ = ["SampleRatio", "sample_ratio"]

_same = attrs.cmp_using(eq=np.array_equal)
# A broken pipeline loses some per cent of an arm, seldom a third of it: two scales of the log odds, looked for at once.
_SCALES = (0.02, 0.2)


@frozen
class SampleRatio:
    """Whether the arms of one phase have the sizes that were drawn.

    `arms`: the active ones. `counts`: customers in each so far; `expected`: how many the weights promise, both (arms,).
    `p_value`: shape (looks,), valid whenever one looks; never rises. `alarm`: whether it ever fell to `alpha`.
    `chi_square`, `chi_square_p`: Pearson's test of the counts so far, for one look at a time fixed beforehand: looked
    at every day it raises false alarms.
    """

    arms: tuple[str, ...]
    counts: Any = field(eq=_same)
    expected: Any = field(eq=_same)
    p_value: Any = field(eq=_same)
    alpha: float
    alarm: bool
    chi_square: float
    chi_square_p: float

    @property
    def sentence(self) -> str:
        """The finding in words."""
        found = ", ".join(f"{arm} {count}" for arm, count in zip(self.arms, self.counts.tolist(), strict=True))
        promised = ", ".join(f"{count:.0f}" for count in self.expected.tolist())
        if self.alarm:
            return f"do not trust this experiment: its arms have {found} customers where {promised} were drawn"
        return f"the arms have the sizes they should have: {found} where {promised} are expected"


def sample_ratio(test: Experiment, counts: ArrayLike, *, alpha: float = 0.01) -> SampleRatio:
    """Whether the sizes of the arms agree with their weights, valid however often one looks.

    ``test``: the experiment in the phase in which these customers were drawn; each phase is looked at on its own.
    ``counts``: newly assigned customers of each arm since the last look, shape (looks, arms) in the order of
    ``test.arms``, or (arms,) for one look. Arms of weight 0 are left out, and must have nobody. Raises `InvalidInput`
    naming column and row.

    >>> test = Experiment("thirds", {"control": 1 / 3, "a": 1 / 3, "b": 1 / 3})
    >>> found = sample_ratio(test, [21306, 21307, 21387])
    >>> found.alarm, round(found.chi_square, 4)
    (False, 0.2025)
    >>> print(sample_ratio(test, [21306, 21307, 20187]).sentence)
    do not trust this experiment: its arms have control 21306, a 21307, b 20187 customers
    where 20933, 20933, 20933 were drawn
    """
    alpha = inside("alpha", alpha)
    table = by_look("counts", np.atleast_2d(np.asarray(counts)))
    active, weights = _active(test.arms, table)
    so_far = table[:, active].cumsum(axis=0)
    p = sequential.running_p_value(_log_evidence(so_far, weights)) if len(weights) > 1 else np.ones(len(table))
    total = so_far[-1]
    statistic, chance = chi_square(total, weights)
    names = tuple(test.arms[arm][0] for arm in active)
    return SampleRatio(
        names, total, total.sum() * weights, p, alpha, bool(p[-1] <= alpha), float(statistic), float(chance)
    )


def _active(arms: Arms, table: IntArray) -> tuple[list[int], FloatArray]:
    """The places of the arms that customers can be drawn into, and the arms' shares of these."""
    if table.shape[1] != len(arms) or not len(table):
        raise InvalidInput(f"counts: has shape {table.shape}: give a row per look and a column per arm, {len(arms)}")
    for place, (name, weight) in enumerate(arms):
        if not weight:
            column = table[:, place]
            _checks.refuse(
                f"counts of {name!r}", column, column > 0, "in an arm of weight 0: give the phase they are of"
            )
    active = [place for place, (_, weight) in enumerate(arms) if weight]
    weights = np.array([arms[place][1] for place in active])
    return active, weights / weights.sum()


def _log_evidence(counts: IntArray, weights: FloatArray) -> FloatArray:
    """Each arm against the rest in turn, at either scale; the mean of e-processes is one. Shape (looks,)."""
    total = counts.sum(axis=1, keepdims=True)
    found = [
        sequential.log_evidence(counts[:, arm], total, weights[[arm]], sequential.half_normals(scale, 0.5))
        for arm in range(len(weights))
        for scale in _SCALES
    ]
    return np.asarray(np.logaddexp.reduce(found, axis=0) - np.log(len(found)))
