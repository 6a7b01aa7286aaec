"""Ready-made journeys: data that a shop can use as it is, every number a parameter."""

from __future__ import annotations

from retention.playbooks.win_back import win_back

__all__ = ["win_back"]
