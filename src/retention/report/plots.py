"""The pictures, as SVG text: the same bytes for the same numbers, and nothing that only the picture says."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from retention import _hashing
from retention.engine.results import JourneyResult
from retention.errors import MissingExtra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["effects", "funnel", "shares"]

_STAGES = ("sent", "delivered", "opened", "clicked", "ordered_after")
_INK, _SOFT, _BRAND = "#4a5157", "#b9bfc4", "#1f7a63"
_SETTINGS: Any = {"svg.hashsalt": "retention", "svg.fonttype": "none", "font.size": 11, "text.color": _INK}
_NAMED = re.compile(r"(\bid=\"|href=\"#|url\(#)")
_HEAD = re.compile(r"\A.*?(?=<svg)", re.DOTALL)


def _figure(rows: int) -> tuple[Figure, Axes]:
    try:
        from matplotlib.figure import Figure
    except ImportError as missing:
        raise MissingExtra('the report needs its extra: python -m pip install "retention[report]"') from missing
    figure = Figure(figsize=(8.5, 0.9 + 0.42 * max(rows, 1)), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(colors=_INK, left=False)
    return figure, axes


def _svg(figure: Figure, title: str) -> str:
    from matplotlib import rc_context

    shown = io.StringIO()
    with rc_context(_SETTINGS):
        figure.savefig(shown, format="svg", transparent=True, metadata={"Date": None, "Title": title})
    drawn = _HEAD.sub("", shown.getvalue()).replace("<svg ", f'<svg role="img" aria-label="{escape(title)}" ', 1)
    return _NAMED.sub(rf"\g<1>{_hashing.digest(title)[:8]}-", drawn)  # several pictures share a page, not their ids


def funnel(journey: str, steps: Mapping[str, Counter[str]]) -> str:
    """How far the letters of each step came, by stages that anybody reached; opens are hatched: they are unreliable."""
    stages = [stage for stage in _STAGES if any(counts[stage] for counts in steps.values())]
    labels = [f"{step}: {stage.replace('_', ' ')}" for step in steps for stage in stages]
    values = [counts[stage] for counts in steps.values() for stage in stages]
    figure, axes = _figure(len(labels))
    colors = [_SOFT if label.endswith("opened") else _BRAND for label in labels]
    bars = axes.barh(range(len(labels)), values, color=colors, height=0.7)
    for bar, label in zip(bars, labels, strict=True):
        bar.set_hatch("//" if label.endswith("opened") else "")
    axes.bar_label(bars, padding=4, color=_INK)
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    return _svg(figure, f"letters of {journey} by step")


def effects(journeys: Sequence[JourneyResult]) -> str:
    """What each journey achieved, with its interval; the line is nothing."""
    shown = [(one.journey, one.incremental) for one in journeys if one.incremental is not None]
    figure, axes = _figure(len(shown))
    axes.axvline(0, color=_SOFT)
    for row, (_, found) in enumerate(shown):
        axes.plot([found.lower, found.upper], [row, row], color=_BRAND, linewidth=3, solid_capstyle="round")
        axes.plot([found.estimate], [row], "o", color=_BRAND)
    axes.set_yticks(range(len(shown)), [name for name, _ in shown])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlabel("customers who came back because of the letters", color=_INK)
    return _svg(figure, "customers who came back because of the letters, by journey")


def shares(title: str, rows: Sequence[tuple[str, float, float, float]]) -> str:
    """Shares with their intervals: name, share, lower and upper limit."""
    figure, axes = _figure(len(rows))
    for row, (_, share, lower, upper) in enumerate(rows):
        axes.plot([lower, upper], [row, row], color=_SOFT, linewidth=4, solid_capstyle="round")
        axes.plot([share], [row], "o", color=_BRAND)
    axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter("{x:.0%}")
    return _svg(figure, title)
