"""Proof, before the first letter, that a template can be written to anybody.

Two ways, because each sees what the other misses: the names that a template uses are compared with the letters' own,
in every branch; and it is rendered for invented customers of every sort.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape, unescape
from typing import Any
from urllib.parse import urlsplit

import attrs
from attrs import evolve, frozen

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
_SCHEMES = ("https", "http")
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

    def joined(self, other: Examined) -> Examined:
        """Both looks as one: the same letter with another subject, or without the promotion."""
        problems = tuple(dict.fromkeys(self.problems + other.problems))
        return evolve(self, rendered=self.rendered + other.rendered, problems=problems)


@frozen
class Setup:
    """What the letters of one language are written with; `allow_links`: other sites that they may lead to."""

    shop: Shop
    language: str
    templates: Templates
    words: Words
    allow_links: frozenset[str] = frozenset()

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
        yield from _embarrassing(name, letter, known)
        yield from _wrong_links(name, letter, known, setup)
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


def _embarrassing(name: str, letter: parts.Parts, known: context.Context) -> Iterator[str]:
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


def _wrong_links(name: str, letter: parts.Parts, known: context.Context, setup: Setup) -> Iterator[str]:
    unsubscribe = known.unsubscribe_url
    for block, text, found in (
        ("text_part", letter.text, _ADDRESS.findall(letter.text)),
        ("html_part", letter.html, [unescape(href) for href in _HREF.findall(letter.html)]),
    ):
        if unsubscribe and escape(unsubscribe) not in text:
            yield f"{name}: block {block}: no way to unsubscribe; write {{{{ unsubscribe_url }}}}"
        for link in found:
            # A sentence may end with an address.
            if not any(_leads_somewhere(each, known, setup) for each in (link, link.rstrip(_STOPS))):
                yield f"{name}: block {block}: {_astray(link.rstrip(_STOPS), setup.shop)}"


def _leads_somewhere(link: str, known: context.Context, setup: Setup) -> bool:
    """Whether it is a page of the shop, its mailbox, a link that it signed, one of the picks, or a named site."""
    if link == f"mailto:{known.shop.email}" or link in {pick.url for pick in known.picks if pick.url}:
        return True
    if _is_ours(link, setup.shop):
        purpose, _, token = link.removeprefix(_base(setup.shop)).partition("/")
        return _is_signed(setup.shop, purpose, token)
    return any(_is_within(_host(link), host) for host in (*setup.allow_links, _host(setup.shop.base_url)))


def _astray(link: str, shop: Shop) -> str:
    host = _host(link)
    if _is_ours(link, shop) or not host:
        return (
            f"the link {link!r} leads nowhere that we know; write an address of the context, "
            "or one that begins with {{ shop.url }}"
        )
    return (
        f"the link {link!r} leads to {host}, which is neither the shop's nor named; "
        f"begin it with {{{{ shop.url }}}}, or name the site with --allow-link {host} (allow_links= in Python)"
    )


def _base(shop: Shop) -> str:
    return shop.base_url.rstrip("/") + "/"


def _is_ours(link: str, shop: Shop) -> bool:
    """Whether it looks like a link that the shop signs."""
    path = link.removeprefix(_base(shop))
    return path != link and path.partition("/")[0] in links.PURPOSES


def _host(link: str) -> str:
    """The site that a link leads to, or that a mailbox is at; "" for what is neither."""
    scheme, _, rest = link.partition(":")
    if scheme.lower() == "mailto":
        return rest.partition("?")[0].rpartition("@")[2].lower()
    try:
        return (urlsplit(link).hostname or "") if scheme.lower() in _SCHEMES else ""
    except ValueError:  # half an address
        return ""


def _is_within(host: str, site: str) -> bool:
    return host == site or host.endswith(f".{site}")


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
