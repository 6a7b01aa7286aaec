"""Decision + customer -> message, the same bytes for the same input.

`Letters` holds the compiled templates of one shop: those of this package, any of which a folder of the host's may
replace. `check` proves before the first letter that every template a journey can use renders, whatever is known of the
customer; so `write` does not fail on a template later. Nothing here sends, decides or reads a clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypedDict

from attrs import Factory, evolve, field, frozen

from retention import _hashing, _values
from retention._templates import Templates
from retention.errors import InvalidInput
from retention.facts import Fact
from retention.journey.definition import Journey
from retention.journey.ledger import Decision, DecisionKey
from retention.letters import checking, context, links, overriding
from retention.letters.checking import Examined, Setup
from retention.letters.inlining import inlined
from retention.letters.parts import LONGEST_SUBJECT, Parts, file_name, render
from retention.letters.words import Words
from retention.messages import Message
from retention.people import Customer, Product, Shop

__all__ = ["Letters", "message_key"]


_HOST = re.compile(r"[\w-]+(\.[\w-]+)+")


def message_key(shop_id: str, customer_id: str, key: DecisionKey) -> str:
    """The key of the letter that a decision asks for: a UUID, the same on every attempt."""
    return _hashing.key(shop_id, customer_id, *key)


def _compiled(letters: Letters) -> Mapping[str, Templates]:
    return overriding.of_letters(letters.overrides, letters.shop.currency)


def _hosts(named: Sequence[str]) -> frozenset[str]:
    wrong = [host for host in _values.words("allow_links", named) if not _HOST.fullmatch(host)]
    if wrong:
        raise InvalidInput(f"allow_links: {wrong[0]!r} is no host; write it as 'instagram.com'")
    return frozenset(host.lower() for host in named)


class _Wanted(TypedDict):
    """One letter that a journey can send."""

    template: str
    subject: str
    promotional: bool


@frozen
class Letters:
    """The letters of one shop.

    `overrides`: a folder with templates of the same relative names as ours (`en/win_back/miss_you.jinja`,
    `layout.jinja`, …), which replace them, or with new ones. A replacement can extend what it replaces:
    `{% extends "retention:en/win_back/miss_you.jinja" %}` and then only the blocks that differ. `en/words.jinja` needs
    no more than the blocks that differ; `pages/…` are those of `retention.web`.
    `allow_links`: hosts ("instagram.com", with all below it) that links may lead to, beside the shop's own.
    """

    shop: Shop
    overrides: Path | None = None
    allow_links: frozenset[str] = field(default=(), kw_only=True, converter=_hosts)
    _templates: Mapping[str, Templates] = field(
        init=False, repr=False, eq=False, default=Factory(_compiled, takes_self=True)
    )
    words: Words = field(
        init=False, repr=False, eq=False, default=Factory(lambda self: Words(self._templates), takes_self=True)
    )
    """What questions, answers, offers, reasons and topics are called."""

    def check(self, journeys: Iterable[Journey], *, thorough: bool = True) -> None:
        """Raise `InvalidTemplate` unless every letter of the journeys can be written in every language.

        `thorough`: for invented customers of every sort, some dozens; else for the three that stand for all.
        """
        for wanted, setup in self._wanted(journeys):
            checking.check(setup, **wanted, thorough=thorough)

    def examine(self, journeys: Iterable[Journey]) -> tuple[Examined, ...]:
        """What a thorough `check` looks at, each letter in each language, with everything that is wrong there."""
        found: dict[tuple[str, str], Examined] = {}
        for wanted, setup in self._wanted(journeys):
            one = checking.examine(setup, **wanted)
            before = found.get((one.template, one.language))
            found[one.template, one.language] = one if before is None else before.joined(one)
        return tuple(found.values())

    def _wanted(self, journeys: Iterable[Journey]) -> Iterator[tuple[_Wanted, Setup]]:
        """Every letter that the journeys can send, once in each language."""
        wanted = {
            (template, subject, step.promotional): None
            for journey in journeys
            for step in journey.steps
            for template in step.templates()
            for subject in step.subjects()
        }
        for template, subject, promotional in wanted:
            for language, templates in self._templates.items():
                setup = Setup(self.shop, language, templates, self.words, self.allow_links)
                yield _Wanted(template=template, subject=subject, promotional=promotional), setup

    def write(
        self,
        customer: Customer,
        decision: Decision,
        facts: Iterable[Fact],
        at: datetime,
        *,
        topic: str = "marketing",
        picks: Sequence[Product] = (),
    ) -> Message:
        """The letter that `decision` asks for.

        `facts`: the customer's, of the kinds `letters.KINDS` at least. `at`: when it is written (aware). `topic`: what
        the unsubscribe link ends, the journey's. `picks`: products to recommend. Raises `InvalidInput` for a customer
        without an address.
        """
        link = self._link(customer, decision, topic)
        letter = self._render(customer, decision, facts, at, link, picks)
        return Message(
            key=message_key(self.shop.id, customer.id, decision.key),
            to=customer.email,
            sender=self.shop.sender,
            sender_name=self.shop.name,
            subject=letter.subject[:LONGEST_SUBJECT],
            text=letter.text,
            html=letter.html,
            at=at,
            promotional=decision.promotional,
            unsubscribe_url=link,
        )

    def parts(
        self,
        customer: Customer,
        decision: Decision,
        facts: Iterable[Fact],
        at: datetime,
        *,
        topic: str = "marketing",
        picks: Sequence[Product] = (),
    ) -> Parts:
        """What `write` writes, as its parts, the preheader among them."""
        return self._render(customer, decision, facts, at, self._link(customer, decision, topic), picks)

    def _link(self, customer: Customer, decision: Decision, topic: str) -> str:
        return links.unsubscribe_url(self.shop, customer.id, topic) if decision.promotional else ""

    def _render(
        self,
        customer: Customer,
        decision: Decision,
        facts: Iterable[Fact],
        at: datetime,
        link: str,
        picks: Sequence[Product],
    ) -> Parts:
        known = context.build(
            self.shop,
            customer,
            facts,
            at,
            decision=decision,
            unsubscribe_url=link,
            picks=picks,
            words=self.words,
        )
        name = file_name(customer.language, decision.template)
        letter = render(self._templates[customer.language], name, known, decision.subject)
        return evolve(letter, html=inlined(letter.html))
