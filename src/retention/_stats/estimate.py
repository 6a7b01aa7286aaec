"""What every measured number is given as."""

from __future__ import annotations

from attrs import frozen

__all__ = ["Estimate"]


@frozen
class Estimate:
    """A number and the interval around it."""

    value: float
    lower: float
    upper: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.lower:.4f}, {self.upper:.4f}]"
