"""What a fit returns: frozen records of numbers and words, equal by value, hashable, at home in JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import attrs
from attrs import field, frozen

from retention._stats.likelihood import above_zero, numbers
from retention.errors import InvalidInput

__all__ = ["BETA_GEOMETRIC", "MOST_STAGES", "BetaGeometric", "ParetoNBD"]

BETA_GEOMETRIC = ("bg/nbd", "mbg/nbd", "mbg/cnbd-k")
# As many as Platzer and Reutterer try.
MOST_STAGES = 12


def _stages(record: Any, attribute: attrs.Attribute[int], value: Any) -> None:
    most = MOST_STAGES if record.model == "mbg/cnbd-k" else 1
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise InvalidInput(f"{attribute.name}: {value!r}: under {record.model!r} give a whole number from 1 to {most}")


def _known(record: Any, attribute: attrs.Attribute[str], value: Any) -> None:
    names = ("pareto/nbd",) if isinstance(record, ParetoNBD) else BETA_GEOMETRIC
    if value not in names:
        raise InvalidInput(f"{attribute.name}: {value!r} is unknown here: say {' or '.join(map(repr, names))}")


def _pairs(values: Iterable[Iterable[Any]]) -> tuple[tuple[int, float], ...]:
    return tuple((int(k), float(loss)) for k, loss in values)


@frozen(kw_only=True)
class BetaGeometric:
    """A model of the BG family: "bg/nbd", "mbg/nbd" or "mbg/cnbd-k".

    Order rates are gamma distributed with shape `r` and rate `alpha` (in the unit of `T`), the chance to leave after an
    order is beta distributed (`a`, `b`); a gap between orders has `k` stages, each at the order rate (1: at random).

    `log_likelihood`: of the rows it was fitted to, None if it was not. `standard_errors`: of r, alpha, a, b; empty
    where the data do not determine them. `iterations`: Newton steps. `customers`: how many, counted with their weights.
    `converged`: whether the parameters can be relied on; `verdict`: why, in words. `held_out_log_loss`: if k was
    chosen, (k, mean log loss of `p_active`) for each k that was tried.

    JSON: ``json.dumps(attrs.asdict(m))`` and back ``BetaGeometric(**json.loads(text))``. A published model is made by
    hand, parameters alone.
    """

    model: Literal["bg/nbd", "mbg/nbd", "mbg/cnbd-k"] = field(validator=_known)
    r: float = field(validator=above_zero)
    alpha: float = field(validator=above_zero)
    a: float = field(validator=above_zero)
    b: float = field(validator=above_zero)
    k: int = field(default=1, validator=_stages)
    log_likelihood: float | None = None
    standard_errors: tuple[float, ...] = field(default=(), converter=numbers)
    iterations: int = 0
    customers: float = 0.0
    converged: bool = True
    verdict: str = "given, not fitted"
    held_out_log_loss: tuple[tuple[int, float], ...] = field(default=(), converter=_pairs)

    @property
    def parameters(self) -> dict[str, float]:
        """The parameters by name, in the order of `standard_errors`."""
        return {name: getattr(self, name) for name in ("r", "alpha", "a", "b")}


@frozen(kw_only=True)
class ParetoNBD:
    """The Pareto/NBD model.

    Order rates are gamma distributed with shape `r` and rate `alpha`, the rates of leaving with shape `s` and rate
    `beta`; `alpha` and `beta` are in the unit of `T`. The other fields as in `BetaGeometric`.
    """

    model: Literal["pareto/nbd"] = field(default="pareto/nbd", validator=_known)
    r: float = field(validator=above_zero)
    alpha: float = field(validator=above_zero)
    s: float = field(validator=above_zero)
    beta: float = field(validator=above_zero)
    log_likelihood: float | None = None
    standard_errors: tuple[float, ...] = field(default=(), converter=numbers)
    iterations: int = 0
    customers: float = 0.0
    converged: bool = True
    verdict: str = "given, not fitted"

    @property
    def parameters(self) -> dict[str, float]:
        """The parameters by name, in the order of `standard_errors`."""
        return {name: getattr(self, name) for name in ("r", "alpha", "s", "beta")}
