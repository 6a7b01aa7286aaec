"""Proof, before the first letter, that a template can be written to anybody.

Two ways, because each sees what the other misses: the names that a template uses are compared with the letters' own,
in every branch; and it is rendered for invented customers of every sort.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from retention._templates import Templates, Use
from retention.errors import InvalidTemplate
from retention.letters import context, parts
from retention.letters.samples import MARKUP, NOW, Sample, samples
from retention.people import Shop

__all__ = ["check"]

_FEW = 3
_LINK = "https://shop.example/unsubscribe/token"
# What is left of a greeting whose name is missing: "Dear ,", "Hello, !".
_HOLE = re.compile(r"\w*(?:^|\s)[,!]|,\s*[,!]", re.MULTILINE)
_INVISIBLE = re.compile(r"<style.*?</style>|<!--.*?-->|<[^>]*>", re.DOTALL)


def check(
    templates: Templates,
    shop: Shop,
    language: str,
    template: str,
    *,
    promotional: bool,
    subject: str = "subject",
    thorough: bool = True,
) -> None:
    """Raise `InvalidTemplate`, naming template, language, block and remedy, unless the letter can always be written.

    `thorough`: for every invented customer; else for the few that stand for all.
    """
    name = parts.file_name(language, template)
    if name not in templates:
        raise InvalidTemplate(f"{name}: the letter {template!r} has no text in {language!r}; write this file")
    written = templates.blocks(name)
    missing = [block for block in (subject, *parts.BLOCKS) if block not in written]
    if missing:
        raise InvalidTemplate(f"{name}: block {missing[0]}: missing; write it, or extend {language}/layout.jinja")
    cases = list(samples(shop, language))
    link = _LINK if promotional else ""
    for use in templates.uses(name):
        _check_use(use, _context(shop, cases[0], link))
    for sample in cases if thorough else cases[:_FEW]:
        known = _context(shop, sample, link)
        _check_parts(name, parts.render(templates, name, known, subject), known)


def _context(shop: Shop, sample: Sample, link: str) -> context.Context:
    decision = sample.decision()
    return context.build(
        shop, sample.customer, sample.facts, NOW, decision=decision, unsubscribe_url=link, picks=sample.picks
    )


def _check_use(use: Use, known: context.Context) -> None:
    value: Any = known
    for part in use.path.split("."):
        if not hasattr(value, part):
            raise InvalidTemplate(
                f"{use.template}: block {use.block}: {use.path!r} is unknown; a letter has {', '.join(_paths(known))}"
            )
        value = getattr(value, part)


def _paths(known: context.Context) -> list[str]:
    """The names that a template can use, records by their fields."""
    found = []
    for name, value in known.variables().items():
        fields = getattr(type(value), "__attrs_attrs__", ())
        found += [f"{name}.{field.name}" for field in fields] or [name]
    return found


def _check_parts(name: str, letter: parts.Parts, known: context.Context) -> None:
    for block in ("subject", "preheader", "text", "html"):
        visible = _visible(getattr(letter, block), html=block == "html")
        if not visible.strip():
            raise InvalidTemplate(f"{name}: block {block}: empty for some customers; write what holds for everybody")
        hole = _HOLE.search(visible)
        if hole and not known.customer.name:
            raise InvalidTemplate(
                f"{name}: block {block}: without a name it reads {_around(visible, hole)!r}; "
                "ask {% if customer.name %} first"
            )
    if len(letter.subject) > parts.LONGEST_SUBJECT:
        raise InvalidTemplate(
            f"{name}: block subject: {len(letter.subject)} characters for long names; at most {parts.LONGEST_SUBJECT}"
        )
    if MARKUP in letter.html:
        raise InvalidTemplate(f"{name}: block html: a name is written as HTML; take away |safe")
    _check_link(name, letter, known.unsubscribe_url)


def _visible(text: str, *, html: bool) -> str:
    return _INVISIBLE.sub("", text) if html else text


def _around(text: str, hole: re.Match[str]) -> str:
    return " ".join(text[max(0, hole.start() - 20) : hole.end()].split())


def _check_link(name: str, letter: parts.Parts, link: str) -> None:
    for block, text in (("text_part", letter.text), ("html_part", letter.html)):
        if link and escape(link) not in text:
            raise InvalidTemplate(f"{name}: block {block}: no way to unsubscribe; write {{{{ unsubscribe_url }}}}")
