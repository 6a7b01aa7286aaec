"""The report: one page for the shop's team, readable offline and without scripts.

    html = report.page(engine, margin=0.35)

What the letters achieved against the control group, how far each letter came, offers and their budget, answers, weak
spots, what comes back and why, and whether the shop has changed since its rules were set. Beside every picture stands
the table; every estimate has an interval or says what is missing. `counting` counts, `gathering` reads and asks those
who know, `plots` draws; nothing is worked out in the template.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import resources
from typing import Any

from retention._templates import Templates, read
from retention.engine import Engine
from retention.engine.funnel import FATES, FOLLOWED, StepResult
from retention.engine.results import JourneyResult
from retention.experiments import Lift
from retention.facts import QUESTIONS
from retention.reasons import Reason
from retention.report import plots
from retention.report.gathering import Gathered, by_step, gather, mean_score, score

__all__ = ["Gathered", "gather", "page"]

_MOST_LISTED = 10


def page(engine: Engine, *, margin: float = 0.35) -> str:
    """The report on everything that the engine's storage knows, as an HTML page.

    `margin`: the share of revenue that stays with the shop, 0 to 1. Raises `MissingExtra` without matplotlib.
    """
    found = gather(engine, margin=margin)
    templates = Templates(read(resources.files("retention.report") / "pages"), _FILTERS)
    return templates.html("report.jinja", "page", _shown(found)).strip() + "\n"


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10 or value == round(value) else f"{value:,.2f}"


def _span(values: Sequence[float | None]) -> str:
    """An estimate with its limits, of as many digits each, or that nobody knows them."""
    whole = any(value is not None and abs(value) >= 10 for value in values)
    estimate, *limits = [None if value is None else f"{value:,.0f}" if whole else f"{value:,.2f}" for value in values]
    return f"{estimate} (no interval)" if None in limits else f"{estimate} ({limits[0]} to {limits[1]})"


_FILTERS: Mapping[str, Callable[..., str]] = {"percent": _percent, "number": _number, "span": _span}


def _shown(found: Gathered) -> dict[str, Any]:
    """What the template shows: names and numbers, pictures as text."""
    journeys = sorted(found.results.journeys, key=lambda one: one.journey)
    return {
        "shop": found.shop,
        "currency": found.currency,
        "at": f"{found.at:%Y-%m-%d %H:%M} UTC",
        "customers": found.results.customers,
        "notes": found.results.notes,
        "fates": _titled(FATES),
        "followed": _titled(FOLLOWED),
        "margin": found.margin,
        "effects": plots.effects(journeys) if any(one.incremental is not None for one in journeys) else "",
        "journeys": [_journey(found, one) for one in journeys],
        "offers": _offers(found),
        "answers": [(name, dict(found.counted.answers[name])) for name in QUESTIONS if name in found.counted.answers],
        "service": score(found.counted),
        "mean_score": mean_score(found.counted),
        "comments": found.counted.comments,
        "weak": found.weak,
        "judged": found.judged,
        "drifts": found.looked.drifts,
        "calibration": _calibration(found),
        "returned": _returned(found),
    }


def _journey(found: Gathered, one: JourneyResult) -> dict[str, Any]:
    steps, spent = by_step(one), float(found.counted.spent.get(one.journey, 0))
    effect, revenue = one.incremental, one.incremental.revenue if one.incremental else None
    return {
        "name": one.journey,
        "arms": one.arms,
        "verdict": one.verdict,
        "notes": one.notes,
        "effect": effect,
        "margin": _money(revenue, found.margin, spent) if revenue else None,
        "spent": spent,
        "power": found.power[one.journey],
        "refused": one.refused,
        "steps": [row for row in one.funnel if _is_decided(row)],
        "followed": [row for row in one.funnel if row.sent],
        "reasons": [(step, reasons) for step, fates in one.steps.items() if (reasons := _reasons(fates))],
        "picture": plots.funnel(one.journey, steps) if any(counts["sent"] for counts in steps.values()) else "",
    }


def _titled(names: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ")) for name in names]


def _is_decided(row: StepResult) -> bool:
    """Whether anything was decided about the step in the arm; rows of nothing but zeros are not shown."""
    return any((row.sent, row.failed, row.queued, row.in_doubt, row.withheld, row.skipped, row.cancelled))


def _reasons(fates: Mapping[str, int]) -> list[tuple[str, int]]:
    """Why letters of a step were not sent."""
    not_sent = [(fate, n) for fate, n in fates.items() if fate.startswith(("skipped: ", "cancelled: ")) and n]
    return [*not_sent, *(("withheld: control", n) for n in (fates["withheld"],) if n)]


def _money(revenue: Lift, margin: float, spent: float) -> list[float | None]:
    """Estimate and limits in margin, less what redeemed offers cost; None for limits that nobody knows."""
    return [
        None if value is None else margin * value - spent for value in (revenue.estimate, revenue.lower, revenue.upper)
    ]


def _offers(found: Gathered) -> dict[str, Any]:
    rows = sorted(found.counted.offers.items())
    return {"rows": rows, "none": sorted(found.counted.no_offer.items()), "cost": sum(o.cost for _, o in rows)}


def _calibration(found: Gathered) -> Any:
    table = found.looked.calibration
    if isinstance(table, str):
        return {"missing": table}
    return {"missing": "", "rows": [(row.model, row.judgement) for row in table.rows], "days": table.days}


def _returned(found: Gathered) -> dict[str, Any]:
    told = found.looked.returned
    if isinstance(told, str):
        return {"missing": told}
    reasons = sorted(told.reasons, key=lambda one: -one.share)
    shares = [(one.reason.in_words("en"), one.share, one.lower, one.upper) for one in reasons]
    return {
        "missing": "",
        "reasons": reasons,
        "products": [(one, _in_words(one.reasons)) for one in told.by_product[:_MOST_LISTED]],
        "listings": told.listings[:_MOST_LISTED],
        "picture": plots.shares("reasons of returns", shares) if shares else "",
    }


def _in_words(reasons: Iterable[tuple[Reason, int]]) -> str:
    return ", ".join(f"{reason.in_words('en')} {count}" for reason, count in reasons)
