"""Proof, before the first letter, that a template can be written to anybody.

Two ways, because each sees what the other misses: the names that a template uses are compared with the letters' own,
in every branch; and it is rendered for invented customers of every sort.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape, unescape
from typing import Any

import attrs
from attrs import frozen

from retention._templates import Templates, Use
from retention.errors import InvalidInput, InvalidTemplate
from retention.letters import context, links, parts
from retention.letters.samples import MARKUP, NOW, Sample, samples
from retention.letters.words import Words
from retention.people import Shop

__all__ = ["Examined", "Setup", "check", "examine"]

_FEW = 3
LONGEST_TYPICAL = 78
"""Characters of a subject for an ordinary customer: what a line of a mail's header holds."""
# What is left of a greeting whose name is missing: "Dear ,", "Hello, !".
_HOLE = re.compile(r"\w*(?:^|\s)[,!]|,\s*[,!]", re.MULTILINE)
_HREF = re.compile(r"""href\s*=\s*["']([^"']*)["']""", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://\S*")
_ESCAPED = escape(MARKUP.split()[0])
_STOPS = ".,;:!?)»”"
_INVISIBLE = re.compile(r"<style.*?</style>|<!--.*?-->|<[^>]*>", re.DOTALL)


@frozen
class Examined:
    """What a look at one template in one language found.

    `rendered`: how many sample letters were written; `problems`: one line each, with block and remedy, none twice.
    """

    template: str
    language: str
    rendered: int
    problems: tuple[str, ...]


@frozen
class Setup:
    """What the letters of one language are written with."""

    shop: Shop
    language: str
    templates: Templates
    words: Words

    def context(self, sample: Sample, link: str) -> context.Context:
        """What a letter to an invented customer may say; `link`: how they unsubscribe."""
        return context.build(
            self.shop,
            sample.customer,
            sample.facts,
            NOW,
            decision=sample.decision(),
            unsubscribe_url=link,
            picks=sample.picks,
            words=self.words,
        )


def check(setup: Setup, template: str, *, promotional: bool, subject: str = "subject", thorough: bool = True) -> None:
    """Raise `InvalidTemplate`, naming template, language, block and remedy, unless the letter can always be written.

    `thorough`: for every invented customer; else for the few that stand for all.
    """
    few = None if thorough else _FEW
    problem = next(filter(None, _found(setup, template, promotional=promotional, subject=subject, few=few)), "")
    if problem:
        raise InvalidTemplate(problem)


def examine(setup: Setup, template: str, *, promotional: bool, subject: str = "subject") -> Examined:
    """Everything that `check` would raise, not only the first."""
    found = list(_found(setup, template, promotional=promotional, subject=subject))
    return Examined(template, setup.language, found.count(""), tuple(dict.fromkeys(filter(None, found))))


def _found(setup: Setup, template: str, *, promotional: bool, subject: str, few: int | None = None) -> Iterator[str]:
    """Problems, and "" for each letter that was written."""
    language, templates = setup.language, setup.templates
    name = parts.file_name(language, template)
    if name not in templates:
        yield f"{name}: the letter {template!r} has no text in {language!r}; write this file"
        return
    try:
        written, uses = templates.blocks(name), templates.uses(name)
    except InvalidTemplate as error:  # it cannot even be read
        yield str(error)
        return
    missing = [block for block in (subject, *parts.BLOCKS) if block not in written]
    yield from (f"{name}: block {block}: missing; write it, or extend {language}/layout.jinja" for block in missing)
    if not missing:
        yield from _written(setup, name, uses, list(samples(setup.shop, language))[:few], promotional, subject)


def _written(
    setup: Setup,
    name: str,
    uses: Iterable[Use],
    cases: Sequence[Sample],
    promotional: bool,  # noqa: FBT001 - passed on
    subject: str,
) -> Iterator[str]:
    typical, *_ = cases
    link = links.unsubscribe_url(setup.shop, typical.customer.id, "marketing") if promotional else ""
    yield from _unknown(uses, setup.context(typical, link))
    for sample in cases:
        known = setup.context(sample, link)
        try:
            letter = parts.render(setup.templates, name, known, subject)
        except InvalidTemplate as error:
            yield str(error)
            continue
        yield ""
        yield from _embarrassing(name, letter, known, setup.shop)
        if sample is typical and len(letter.subject) > LONGEST_TYPICAL:
            yield (
                f"{name}: block {subject}: {len(letter.subject)} characters for an ordinary customer; "
                f"at most {LONGEST_TYPICAL}, or mail programs cut it"
            )


def _unknown(uses: Iterable[Use], known: context.Context) -> Iterator[str]:
    for use in uses:
        if not _is_known(use.path, known):
            yield f"{use.template}: block {use.block}: {use.path!r} is unknown; a letter has {', '.join(_paths(known))}"


def _is_known(path: str, known: context.Context) -> bool:
    value: Any = known
    for part in path.split("."):
        if value is None:  # what it would have is not to be seen in this sample; the others render it
            return True
        if not hasattr(value, part):
            return False
        value = getattr(value, part)
    return True


def _paths(known: context.Context) -> list[str]:
    """The names that a template can use, records by their fields."""
    found = []
    for name, value in known.variables().items():
        fields = [part for part in dir(value) if attrs.has(type(value)) and not part.startswith("_")]
        found += [f"{name}.{part}" for part in fields] or [name]
    return found


def _embarrassing(name: str, letter: parts.Parts, known: context.Context, shop: Shop) -> Iterator[str]:
    """What is wrong with a letter that could be written."""
    for block in ("subject", "preheader", "text", "html"):
        visible = _visible(getattr(letter, block), html=block == "html")
        if not visible.strip():
            yield f"{name}: block {block}: empty for some customers; write what holds for everybody"
        hole = _HOLE.search(visible)
        if hole and not known.customer.name:
            yield (
                f"{name}: block {block}: without a name it reads {_around(visible, hole)!r}; "
                "ask {% if customer.name %} first"
            )
    if len(letter.subject) > parts.LONGEST_SUBJECT:
        yield f"{name}: block subject: {len(letter.subject)} characters for long names; at most {parts.LONGEST_SUBJECT}"
    if MARKUP in letter.html:
        yield f"{name}: block html: a name is written as HTML; take away |safe"
    if any(_ESCAPED in part for part in (letter.subject, letter.preheader, letter.text)):
        yield f"{name}: block text: a name is written as HTML in plain text; take away |escape"
    yield from _wrong_links(name, letter, known, shop)


def _wrong_links(name: str, letter: parts.Parts, known: context.Context, shop: Shop) -> Iterator[str]:
    unsubscribe = known.unsubscribe_url
    for block, text, found in (
        ("text_part", letter.text, _ADDRESS.findall(letter.text)),
        ("html_part", letter.html, [unescape(href) for href in _HREF.findall(letter.html)]),
    ):
        if unsubscribe and escape(unsubscribe) not in text:
            yield f"{name}: block {block}: no way to unsubscribe; write {{{{ unsubscribe_url }}}}"
        for link in found:
            # A sentence may end with an address.
            if not any(_leads_somewhere(each, known, shop) for each in (link, link.rstrip(_STOPS))):
                yield (
                    f"{name}: block {block}: the link {link!r} leads nowhere that we know; write an address of the "
                    "context, or one that begins with {{ shop.url }}"
                )


def _leads_somewhere(link: str, known: context.Context, shop: Shop) -> bool:
    """Whether it is a page of the shop, its mailbox, a link that the shop signed, or one of the picks."""
    if link == f"mailto:{known.shop.email}" or link in {pick.url for pick in known.picks if pick.url}:
        return True
    path = link.removeprefix(shop.base_url.rstrip("/") + "/")
    purpose, _, token = path.partition("/")
    if path != link and purpose in links.PURPOSES:
        return _is_signed(shop, purpose, token)
    return link.startswith(known.shop.url)


def _is_signed(shop: Shop, purpose: str, token: str) -> bool:
    try:
        links.read(shop, purpose, token)
    except InvalidInput:
        return False
    return True


def _visible(text: str, *, html: bool) -> str:
    return _INVISIBLE.sub("", text) if html else text


def _around(text: str, hole: re.Match[str]) -> str:
    return " ".join(text[max(0, hole.start() - 20) : hole.end()].split())
