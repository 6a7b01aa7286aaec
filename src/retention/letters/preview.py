"""All letters of some journeys as one HTML page to read through, without network or scripts.

Each letter is written by the code that writes real ones, to an invented customer whom the journey would write it to; so
what is seen here is what leaves.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from itertools import product
from textwrap import wrap

from attrs import evolve, frozen

from retention._templates import Templates, read
from retention.journey.definition import After, Before, Delay, Facts, Journey, On, Step
from retention.letters.parts import Parts
from retention.letters.samples import NOW
from retention.letters.scenes import fitting
from retention.letters.writing import Letters
from retention.people import LANGUAGES

__all__ = ["page"]

DESKTOP, PHONE = 640, 375
"""Widths in CSS pixels at which a letter is shown."""
_LETTER = 9.2
"""How wide a letter of 16 px Georgia or its like is, about."""
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@frozen
class _Letter:
    language: str
    template: str
    parts: Parts
    desktop: int
    phone: int


@frozen
class _Step:
    id: str
    moment: str
    letters: tuple[_Letter, ...]


@frozen
class _Journey:
    name: str
    version: int
    start: str
    arms: str
    steps: tuple[_Step, ...]


def page(letters: Letters, journeys: Iterable[Journey], *, languages: Sequence[str] = LANGUAGES) -> str:
    """An HTML page with every letter of the journeys: at desktop and phone width, and as text.

    Grouped by journey, step and language. Everything is inside the page; links in it lead to the shop's site.
    """
    templates = Templates(read(resources.files("retention.letters") / "pages"))
    shown = [_journey(letters, journey, languages) for journey in journeys]
    context = {"shop": letters.shop.name, "journeys": shown, "widths": (DESKTOP, PHONE)}
    return templates.html("preview.jinja", "page", context).strip() + "\n"


def _journey(letters: Letters, journey: Journey, languages: Sequence[str]) -> _Journey:
    steps = [_Step(step.id, _when(step), tuple(_letters(letters, journey, step, languages))) for step in journey.steps]
    arms = ", ".join(f"{arm} {share:.0%}" for arm, share in journey.arms.items())
    return _Journey(journey.name, journey.version, _facts(journey.trigger), arms, tuple(steps))


def _letters(letters: Letters, journey: Journey, step: Step, languages: Sequence[str]) -> Iterator[_Letter]:
    """The step's letters in every branch and arm, each with every subject."""
    for template, subject in product(dict.fromkeys(step.templates()), dict.fromkeys(step.subjects())):
        for language in languages:
            sample = fitting(letters.shop, language, journey, step, template)
            decision = evolve(sample.decision(template, promotional=step.promotional, subject=subject), step=step.id)
            parts = letters.parts(sample.customer, decision, sample.facts, NOW, topic=journey.topic, picks=sample.picks)
            which = template if subject == "subject" else f"{template}, {subject}"
            yield _Letter(language, which, parts, _height(parts.text, DESKTOP), _height(parts.text, PHONE))


def _height(text: str, width: int) -> int:
    """About how many CSS pixels a letter with this text is high: a frame without scripts cannot measure itself."""
    margins, around = (112, 350) if width == DESKTOP else (44, 280)
    room = width - margins
    # A link is hidden behind its words in HTML; answers are buttons, as many in a row as fit.
    letter, _, small = text.partition("\n--\n")
    lines = [(line.partition("http")[0], "/answer/" in line) for line in letter.splitlines()]
    said = sum(len(wrap(line, int(room / _LETTER))) for line, _ in lines if not line.startswith("* "))
    buttons = _rows([line.strip("* :") for line, is_answer in lines if is_answer], room)
    parts = sum(line.startswith("* ") and not is_answer for line, is_answer in lines)  # a product, a line of a coupon
    foot = math.ceil(sum(len(line.partition("http")[0]) for line in small.splitlines()) * _LETTER / room)
    return 26 * said + 18 * letter.count("\n\n") + 46 * parts + 54 * buttons + 20 * foot + around


def _rows(labels: Iterable[str], room: int) -> int:
    """How many rows buttons with these labels take."""
    rows, left = 0, 0
    for label in labels:
        wide = 42 + math.ceil(len(label) * _LETTER)
        rows, left = (rows, left - wide) if wide <= left else (rows + math.ceil(wide / room), room - wide)
    return rows


def _when(step: Step) -> str:
    """The step's moment in words: "7 days after miss_you, at 10:00"."""
    moment = step.moment
    if isinstance(moment, After):
        start = "the start" if moment.anchor == "entry" else moment.anchor
        words = f"{_delay(moment.delay)} after {start}"
    elif isinstance(moment, Before):
        words = f"{_delay(moment.delay)} before {moment.attribute} of {_facts(moment.fact)}"
    else:
        words = _after_facts(moment)
    weekday = "" if step.weekday is None else f", on {_WEEKDAYS[step.weekday]}"
    hour = "" if step.hour is None else f", at {step.hour}:00"
    return words + weekday + hour


def _after_facts(moment: On) -> str:
    together = " and " if moment.need == "all" else " or "
    again = {"once": "", "fact": ", each time", "value": f", for each {moment.attribute}"}[moment.once]
    return f"{_delay(moment.delay)} after {together.join(map(_facts, moment.facts))}{again}"


def _facts(facts: Facts) -> str:
    return f"{facts.kind} {facts.status}".replace("_", " ").strip()


def _delay(delay: Delay) -> str:
    units = (("month", delay.months), ("day", delay.days), ("hour", delay.hours), ("minute", delay.minutes))
    return " ".join(f"{n} {unit}{'s' if n != 1 else ''}" for unit, n in units if n) or "right"
