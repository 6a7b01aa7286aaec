"""What a customer wants to hear of, and in which language: GET shows it, POST keeps what differs.

A topic that is ticked is a consent, one that is not its withdrawal. Only differences become facts, with ids made of
what they change, so the same form posted twice is kept once.
"""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import ClassVar

from attrs import frozen

from retention import _hashing
from retention.engine import Engine
from retention.errors import InvalidInput
from retention.facts import ConsentChanged, Fact, ProfileChanged
from retention.letters import links
from retention.people import LANGUAGES
from retention.web.pages import Pages
from retention.web.visits import Visit, form, next_instant, visit
from retention.web.wsgi import Request, Response

__all__ = ["Preferring"]


@frozen
class Preferring:
    """The page of a customer's wishes."""

    methods: ClassVar[tuple[str, ...]] = ("GET", "HEAD", "POST")
    engine: Engine
    pages: Pages

    def answer(self, request: Request) -> Response:
        """The form, or a page that says it is kept; 404 for what is not one of the shop's links."""
        try:
            (customer_id,) = links.read(self.engine.shop, "preferences", request.name)
            known = visit(self.engine, customer_id)
        except InvalidInput:
            return self.pages.show("lost", status=HTTPStatus.NOT_FOUND)
        if request.method != "POST":
            return self._ask(known)
        said = form(request.body)
        if "preferences" not in said:
            return self._ask(known, HTTPStatus.BAD_REQUEST)
        language = said.get("language", [""])[0]
        self.engine.record(list(self._changes(known, customer_id, frozenset(said.get("topic", ())), language)))
        return self.pages.show("preferred", language if language in LANGUAGES else known.language)

    def _ask(self, known: Visit, status: HTTPStatus = HTTPStatus.OK) -> Response:
        wanted = _wanted(known)
        topics = [
            (topic, self.pages.words.topic(topic, known.language), topic in wanted) for topic in self._topics(known)
        ]
        languages = [(code, code == known.language) for code in LANGUAGES]
        return self.pages.show("preferences", known.language, status=status, topics=topics, languages=languages)

    def _topics(self, known: Visit) -> list[str]:
        """What the shop's journeys write about, and what the customer ever agreed to."""
        own = {journey.topic for journey in self.engine.book.current}
        return sorted(own | {fact.topic for fact in _consents(known)} or {"marketing"})

    def _changes(self, known: Visit, customer_id: str, ticked: frozenset[str], language: str) -> Iterator[Fact]:
        now, wanted = self.engine.now(), _wanted(known)
        for topic in self._topics(known):
            if (topic in ticked) != (topic in wanted):
                basis = [fact for fact in _consents(known) if fact.topic == topic]
                yield ConsentChanged(
                    id=_id(customer_id, topic, str(topic in ticked), *(fact.id for fact in basis)),
                    customer_id=customer_id,
                    at=next_instant(now, basis),
                    topic=topic,
                    granted=topic in ticked,
                )
        if language in LANGUAGES and language != known.language:
            profiles = [fact for fact in known.facts if isinstance(fact, ProfileChanged)]
            yield ProfileChanged(
                id=_id(customer_id, "language", language, *(fact.id for fact in profiles)),
                customer_id=customer_id,
                at=next_instant(now, profiles),
                language=language,
            )


def _consents(known: Visit) -> list[ConsentChanged]:
    return [fact for fact in known.facts if isinstance(fact, ConsentChanged) and fact.channel == "email"]


def _wanted(known: Visit) -> frozenset[str]:
    """The topics that the customer gets letters about."""
    return frozenset() if known.customer.suppressed else known.customer.topics


def _id(*parts: str) -> str:
    return f"preferences/{_hashing.key(*parts)}"
