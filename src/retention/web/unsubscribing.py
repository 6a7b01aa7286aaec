"""The unsubscribe link of every promotional letter: GET asks, POST acts (RFC 8058).

What a post records is a withdrawn consent for the link's topic. Its id is made of the consent that it withdraws: posted
twice it is one fact, and after a new consent the same old link ends the letters again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import ClassVar

from attrs import frozen

from retention import _hashing
from retention.engine import Engine
from retention.errors import InvalidInput
from retention.facts import ConsentChanged
from retention.letters import links
from retention.web.pages import Pages
from retention.web.visits import Visit, visit
from retention.web.wsgi import Request, Response

__all__ = ["Unsubscribing"]


@frozen
class Unsubscribing:
    """The page behind the link, and what its button does."""

    methods: ClassVar[tuple[str, ...]] = ("GET", "HEAD", "POST")
    engine: Engine
    pages: Pages

    def answer(self, request: Request) -> Response:
        """The question, or the deed and a page that says so; 404 for what is not one of the shop's links."""
        try:
            customer_id, topic = links.read(self.engine.shop, "unsubscribe", request.name)
            return self._page(request, customer_id, topic)
        except InvalidInput:
            return self.pages.show("lost", status=HTTPStatus.NOT_FOUND)

    def _page(self, request: Request, customer_id: str, topic: str) -> Response:
        known = visit(self.engine, customer_id)
        language = known.language
        if request.method != "POST":
            return self._ask(customer_id, language)
        if not _is_one_click(request.body):
            return self._ask(customer_id, language, HTTPStatus.BAD_REQUEST)
        self.engine.record(_withdrawals(known, customer_id, topic, self.engine.now()))
        return self.pages.show("unsubscribed", language)

    def _ask(self, customer_id: str, language: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
        wishes = links.preferences_url(self.engine.shop, customer_id)
        return self.pages.show("unsubscribe", language, status=status, preferences_url=wishes)


def _is_one_click(body: bytes) -> bool:
    """Whether the pair is there that RFC 8058 (section 3.1) asks for; neither form encoding touches its characters."""
    return b"List-Unsubscribe" in body and b"One-Click" in body


def _withdrawals(file: Visit, customer_id: str, topic: str, now: datetime) -> list[ConsentChanged]:
    """What ends the consent of this moment, and one that a fast clock has dated later.

    Where nothing was said yet that is withdrawn too: somebody may vouch for a consent later.
    """
    said = [f for f in file.facts if isinstance(f, ConsentChanged) and (f.topic, f.channel) == (topic, "email")]
    known = [consent for consent in said if consent.at <= now]
    last_words = dict.fromkeys(words[-1] if words else None for words in (known, said))
    return [_withdrawal(word, customer_id, topic, now) for word in last_words if word is None or word.granted]


def _withdrawal(word: ConsentChanged | None, customer_id: str, topic: str, now: datetime) -> ConsentChanged:
    basis, earliest = ("", now) if word is None else (word.id, word.at + timedelta(microseconds=1))
    return ConsentChanged(
        id=f"unsubscribe/{_hashing.key(customer_id, topic, basis)}",
        customer_id=customer_id,
        at=max(now, earliest),
        topic=topic,
        granted=False,
    )
