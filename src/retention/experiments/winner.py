"""Which of several variants is the best one, once one is shown to be; the control goes on."""

from __future__ import annotations

from itertools import combinations

from attrs import frozen

from retention import _checks
from retention._types import ArrayLike, FloatArray, IntArray
from retention.errors import InvalidInput
from retention.experiments._doors import arm_counts, inside
from retention.experiments._ranges import Arms
from retention.experiments.assignment import Experiment
from retention.experiments.difference import difference
from retention.experiments.variants import holm

__all__ = ["Winner", "winner"]

_NO_CONTROL = -1


@frozen
class Winner:
    """What `winner` found.

    `arm`: the variant that beats every other one, or None. `arms`: the weights to go on with, for `reweight`: the
    winner gets what the other variants had, the control keeps its own. `p_values`: of each pair of arms, adjusted by
    Holm. `sentence`: the finding in words.
    """

    arm: str | None
    arms: Arms
    p_values: tuple[tuple[str, str, float], ...]
    sentence: str


def winner(test: Experiment, returned: ArrayLike, n: ArrayLike, *, alpha: float = 0.05) -> Winner:
    """The variant that more customers came back for than for any other, or none yet; the control is never dropped.

    ``returned``, ``n``: how many came back and how many were assigned, shape (arms,) in the order of ``test.arms``;
    arms of weight 0 take no part. Once, at a time fixed beforehand. All pairs of arms are compared, the control's
    too, and the p-values adjusted by Holm: the chance of a wrong word about any pair is at most ``alpha``. A variant
    that is shown to be worse than the control does not win. Raises `InvalidInput` naming column and row, and where
    there are fewer than two variants.

    >>> test = Experiment("subjects", {"control": 0.2, "short": 0.4, "long": 0.4})
    >>> found = winner(test, [30, 120, 70], [1000, 2000, 2000])
    >>> found.arm, found.arms
    ('short', (('control', 0.2), ('short', 0.8), ('long', 0.0)))
    >>> print(found.sentence)
    short wins: 6.0% came back, more than for every other variant and more than in the control
    >>> winner(test, [30, 90, 80], [1000, 2000, 2000]).sentence
    'no winner yet: the variants short 4.5%, long 4.0% are not shown to differ'
    """
    alpha = inside("alpha", alpha)
    k, trials = arm_counts("returned", returned, "n", n)
    _checks.same_length(returned=k, arms=_checks.floats("arms", [weight for _, weight in test.arms]))
    variants = [i for i, (name, weight) in enumerate(test.arms) if weight and name != test.control]
    if len(variants) < 2:
        raise InvalidInput(f"test: {test.name!r} has fewer than two variants: nothing can win; use `difference`")
    everybody = [i for i, (name, weight) in enumerate(test.arms) if weight or name == test.control]
    beaten, p_values = _compared(test, everybody, k, trials, alpha)
    best = max(variants, key=lambda i: k[i] / trials[i])
    control = next((i for i in everybody if i not in variants), _NO_CONTROL)
    wins = all((best, i) in beaten for i in variants if i != best) and (control, best) not in beaten
    arms = _handed_over(test, best) if wins else test.arms
    return Winner(
        test.arms[best][0] if wins else None,
        arms,
        p_values,
        _sentence(test, best, variants, control, k / trials, beaten, wins=wins),
    )


def _compared(
    test: Experiment, arms: list[int], k: IntArray, n: IntArray, alpha: float
) -> tuple[set[tuple[int, int]], tuple[tuple[str, str, float], ...]]:
    """The pairs (better, worse) that are shown to differ, and all pairs' p-values."""
    pairs = list(combinations(arms, 2))
    one, other = [a for a, _ in pairs], [b for _, b in pairs]
    found = difference(k[one], n[one], k[other], n[other])
    adjusted = holm(found.p_value).tolist()
    shown = [(pair, z) for pair, z, p in zip(pairs, found.z, adjusted, strict=True) if p <= alpha]
    named = tuple((test.arms[a][0], test.arms[b][0], p) for (a, b), p in zip(pairs, adjusted, strict=True))
    return {(a, b) if z > 0 else (b, a) for (a, b), z in shown}, named


def _handed_over(test: Experiment, best: int) -> Arms:
    kept = sum(weight for name, weight in test.arms if name == test.control)
    shares = {test.arms[best][0]: 1 - kept, test.control: kept}
    return tuple((name, shares.get(name, 0.0)) for name, _ in test.arms)


def _sentence(
    test: Experiment,
    best: int,
    variants: list[int],
    control: int,
    rates: FloatArray,
    beaten: set[tuple[int, int]],
    *,
    wins: bool,
) -> str:
    told = {i: f"{rate:.1%}" for i, rate in enumerate(rates.tolist())}
    if wins:
        words = f"{test.arms[best][0]} wins: {told[best]} came back, more than for every other variant"
        if control == _NO_CONTROL:
            return words
        more = (best, control) in beaten
        return words + (
            " and more than in the control" if more else f"; not shown to beat the control's {told[control]}"
        )
    if (control, best) in beaten:
        return f"no winner: in the control {told[control]} came back, more than for any variant"
    rest = ", ".join(f"{test.arms[i][0]} {told[i]}" for i in variants)
    return f"no winner yet: the variants {rest} are not shown to differ"
