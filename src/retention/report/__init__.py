"""The report: one page for the shop's team, readable offline and without scripts.

    html = report.page(engine, margin=0.35)

What the letters achieved against the control group, how far each letter came, offers and their budget, answers, weak
spots, what comes back and why, and whether the shop has changed since its rules were set. Beside every picture stands
the table; every estimate has an interval or says what is missing. `funnel` counts, `gathering` reads and asks the rooms
that know, `plots` draws; nothing is worked out in the template.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

from retention._templates import Templates, read
from retention.engine import Engine
from retention.experiments import Lift
from retention.facts import QUESTIONS
from retention.report import plots
from retention.report.funnel import COUNTED
from retention.report.gathering import Gathered, gather, mean_score, score

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


_FILTERS = {"percent": _percent, "number": _number}


def _shown(found: Gathered) -> dict[str, Any]:
    """What the template shows: names and numbers, pictures as text."""
    return {
        "shop": found.shop,
        "currency": found.currency,
        "at": f"{found.at:%Y-%m-%d %H:%M} UTC",
        "customers": found.results.customers,
        "notes": found.results.notes,
        "counted": COUNTED,
        "effects": plots.effects(found.results.journeys) if _any_effect(found) else "",
        "journeys": [_journey(found, name) for name in sorted(one.journey for one in found.results.journeys)],
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


def _any_effect(found: Gathered) -> bool:
    return any(one.incremental is not None for one in found.results.journeys)


def _journey(found: Gathered, name: str) -> dict[str, Any]:
    one = next(journey for journey in found.results.journeys if journey.journey == name)
    steps = {step: counts for (journey, step), counts in found.counted.by_step().items() if journey == name}
    rows = [(p.step, p.arm, c) for p, c in sorted(found.counted.letters.items()) if p.journey == name]
    spent = float(found.counted.spent.get(name, 0))
    effect, revenue = one.incremental, one.incremental.revenue if one.incremental else None
    return {
        "name": name,
        "arms": one.arms,
        "verdict": one.verdict,
        "notes": one.notes,
        "effect": effect,
        "margin": _money(revenue, found.margin, spent) if revenue else None,
        "spent": spent,
        "power": found.power[name],
        "refused": one.refused,
        "steps": rows,
        "reasons": [(step, sorted(c.items())) for (j, step), c in sorted(found.counted.reasons.items()) if j == name],
        "picture": plots.funnel(name, steps) if any(counts["sent"] for counts in steps.values()) else "",
    }


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
        "listings": told.listings[:_MOST_LISTED],
        "picture": plots.shares("reasons of returns", shares) if shares else "",
    }
