"""Before the launch: how long it takes, what can be seen, and how many letters to withhold for it.

All of it for one look at a time fixed beforehand (`difference`), by the normal approximation with the variance pooled
under no effect (Fleiss, Levin, Paik, Statistical Methods for Rates and Proportions, 2003, chapter 4). `planned` needs
hardly more customers; `watch` needs about twice as many for the same power.
"""

from __future__ import annotations

from math import ceil, inf, sqrt
from statistics import NormalDist

from attrs import frozen

from retention import _checks
from retention.errors import InvalidInput
from retention.experiments._doors import inside

__all__ = [
    "ControlShare",
    "Detectable",
    "WeeksToPower",
    "best_control_share",
    "detectable_effect",
    "weeks_to_power",
]

_NORMAL = NormalDist()
_LONG = 104
_HALVINGS = 60


@frozen
class WeeksToPower:
    """How long an experiment has to run: `customers` in all, of these `control`; `weeks`; and that in one sentence."""

    customers: int
    control: int
    weeks: int
    sentence: str


@frozen
class Detectable:
    """The smallest lift that is seen with the wanted power: `lift` in shares, infinite if none is; and one sentence."""

    lift: float
    sentence: str


@frozen
class ControlShare:
    """How many letters to withhold.

    `share`: of the customers, `withheld`: customers. `cost`: what they are expected to cost. `power`: what they give.
    """

    share: float
    withheld: int
    cost: float
    power: float
    sentence: str


def weeks_to_power(
    base: float, lift: float, per_week: float, *, control: float = 0.1, power: float = 0.8, alpha: float = 0.05
) -> WeeksToPower:
    """How many weeks of new customers an experiment needs until a lift is seen with the wanted power.

    ``base``: the share that comes back without a letter, in (0, 1). ``lift``: how much larger that share is with it
    (.01 is one point; negative for harm). ``per_week``: customers a week who become eligible, above 0. ``control``: the
    control's share. ``alpha``: two-sided. The weeks until the last of them has had time to return come on top.

    >>> print(weeks_to_power(0.02, 0.01, 120, control=0.5).sentence)
    with 120 eligible customers a week you need 64 weeks to see 2% become 3% with 80% power
    (7651 customers, 3826 in the control)
    """
    rates = _rates(base, lift)
    control, power, alpha = inside("control", control), inside("power", power), inside("alpha", alpha)
    if not 0 < per_week < inf:
        raise InvalidInput(f"per_week: {per_week!r} is no number of customers: give one above 0")
    customers = ceil(_customers(rates, control, power, alpha))
    weeks, held = ceil(customers / per_week), ceil(customers * control)
    sentence = (
        f"with {per_week:g} eligible customers a week you need {weeks} weeks to see {_percent(base)} become "
        f"{_percent(base + lift)} with {power:.0%} power ({customers} customers, {held} in the control)"
    )
    if weeks > _LONG:
        sentence += ": too long to wait for; expect wide intervals and 'not enough data yet'"
    return WeeksToPower(customers, held, weeks, sentence)


def detectable_effect(
    base: float, customers: int, *, control: float = 0.1, power: float = 0.8, alpha: float = 0.05
) -> Detectable:
    """The smallest lift of the returning share that so many customers show with the wanted power.

    ``customers``: both arms together, at least 2. The others as in `weeks_to_power`.

    >>> print(detectable_effect(0.02, 5_000, control=0.1).sentence)
    with 5000 customers, 10% of them in the control, the smallest lift seen with 80% power is 2.44 points (2% to 4.44%)
    """
    base, control = inside("base", base), inside("control", control)
    power, alpha = inside("power", power), inside("alpha", alpha)
    _checks.integers("customers", [customers], at_least=2)
    low, high = 0.0, 1 - base
    if _customers((base + high, base), control, power, alpha) > customers:
        return Detectable(inf, f"with {customers} customers no lift at all is seen with {power:.0%} power")
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        seen = _customers((base + middle, base), control, power, alpha) <= customers
        low, high = (low, middle) if seen else (middle, high)
    sentence = (
        f"with {customers} customers, {_percent(control)} of them in the control, the smallest lift seen with "
        f"{power:.0%} power is {100 * high:.3g} points ({_percent(base)} to {_percent(base + high)})"
    )
    return Detectable(high, sentence)


def best_control_share(
    base: float, lift: float, customers: int, *, later: int, value: float = 1.0, alpha: float = 0.05
) -> ControlShare:
    """The control's share that costs least: letters withheld now against letters given up later by mistake.

    Each withheld letter costs ``lift * value`` on average. An experiment that fails to show a lift that is there costs
    as much for every one of the ``later`` customers who then get no letter. Tried are 1 to 50 % in steps of 1 %.

    ``base``, ``lift``, ``alpha``: as in `weeks_to_power`, the lift above 0. ``customers``: in the experiment, at least
    100. ``later``: to whom its result will be applied. ``value``: of one return, after the cost of the letter, above 0.

    >>> print(best_control_share(0.05, 0.02, 10_000, later=50_000, value=30).sentence)
    withhold 32% of the letters (3200 of 10000): that costs about 64 returns, worth 1920,
    and shows a lift of 2 points with 98% power
    """
    rates, alpha = _rates(base, lift), inside("alpha", alpha)
    _checks.integers("customers", [customers], at_least=100)
    _checks.integers("later", [later], at_least=0)
    if not (lift > 0 and 0 < value < inf):
        raise InvalidInput(f"lift, value: {lift!r}, {value!r} cost nothing to withhold: give numbers above 0")
    shares = [percent / 100 for percent in range(1, 51)]
    share = min(shares, key=lambda c: c * customers + (1 - _power(rates, customers, c, alpha)) * later)
    withheld, power = round(share * customers), _power(rates, customers, share, alpha)
    cost = withheld * lift * value
    sentence = (
        f"withhold {share:.0%} of the letters ({withheld} of {customers}): that costs about {withheld * lift:.0f} "
        f"returns, worth {cost:.0f}, and shows a lift of {100 * lift:.3g} points with {power:.0%} power"
    )
    return ControlShare(share, withheld, cost, power, sentence)


def _rates(base: float, lift: float) -> tuple[float, float]:
    """The returning shares of the treated and of the control."""
    base = inside("base", base)
    if not 0 <= base + lift <= 1 or not lift:
        raise InvalidInput(f"lift: {lift!r} makes {base:g} no share or leaves it as it is: give .01 for one point")
    return base + lift, base


def _spreads(rates: tuple[float, float], control: float) -> tuple[float, float]:
    """The standard deviation of the difference times the root of the customers: under no effect, under this one."""
    (treated, base), mixed = rates, (1 - control) * rates[0] + control * rates[1]
    pooled = mixed * (1 - mixed) * (1 / control + 1 / (1 - control))
    return sqrt(pooled), sqrt(treated * (1 - treated) / (1 - control) + base * (1 - base) / control)


def _customers(rates: tuple[float, float], control: float, power: float, alpha: float) -> float:
    pooled, own = _spreads(rates, control)
    reach = _NORMAL.inv_cdf(1 - alpha / 2) * pooled + _NORMAL.inv_cdf(power) * own
    return (reach / (rates[0] - rates[1])) ** 2


def _power(rates: tuple[float, float], customers: int, control: float, alpha: float) -> float:
    pooled, own = _spreads(rates, control)
    reach = abs(rates[0] - rates[1]) * sqrt(customers) - _NORMAL.inv_cdf(1 - alpha / 2) * pooled
    return _NORMAL.cdf(reach / own)


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"
