"""What was fitted, as plain JSON values and back, so that a choice survives the process that made it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import attrs
import numpy as np

from retention._stats.logistic import Logistic
from retention._types import Json
from retention.churn.candidates import Assumed, Average, Heuristic, Modelled, Scorer
from retention.churn.models import BetaGeometric, ParetoNBD
from retention.churn.signals import Signals
from retention.errors import InvalidInput

__all__ = ["FORMAT", "read", "write"]

FORMAT = 1
"""The number that a stored choice carries; a higher one was written by a newer version."""


def write(scorer: Any) -> Json:
    """The scorer with its kind."""
    return {
        "kind": type(scorer).__name__,
        **{f.name: _plain(getattr(scorer, f.name)) for f in attrs.fields(type(scorer))},
    }


def read(data: Json) -> Scorer:
    """The scorer that `write` wrote; raises `InvalidInput` for what it did not write."""
    try:
        return _KINDS[data["kind"]]({name: value for name, value in data.items() if name != "kind"})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"scorer: cannot be read ({error!r}): choose anew") from error


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, BetaGeometric | ParetoNBD):
        return attrs.asdict(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if attrs.has(type(value)):
        return write(value)
    return dict(value) if isinstance(value, Mapping) else value


def _logistic(data: Json) -> Logistic:
    stored: dict[str, Any] = {name: value for name, value in data.items() if name != "kind"}
    for name in ("coefficient", "centre", "scale"):
        stored[name] = np.array(stored[name], dtype=np.float64)
    return Logistic(**stored)


def _signals(data: Json) -> Signals:
    read_back = {"at": date.fromisoformat(data["at"]), "names": tuple(data["names"])}
    return Signals(**{**data, **read_back, "logistic": _logistic(data["logistic"])})


def _modelled(data: Json) -> Modelled:
    cls = ParetoNBD if data["model"]["model"] == "pareto/nbd" else BetaGeometric
    return Modelled(cls(**data["model"]), data["horizon"])


_KINDS: Mapping[str, Callable[[Json], Scorer]] = {
    "Assumed": lambda data: Assumed(**data),
    "Average": lambda data: Average(tuple(read(part) for part in data["parts"])),
    "Heuristic": lambda data: Heuristic(data["name"], _logistic(data["logistic"])),
    "Modelled": _modelled,
    "Signals": _signals,
}
