"""The answer behind a letter's link: GET shows it and asks, POST keeps it. The last word counts.

Robots follow every link of a letter, so nothing counts before the button was pressed. An answer is a fact; the same
one posted twice is kept once, another one later is a new fact.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import ClassVar

from attrs import frozen

from retention import _hashing, _values
from retention.engine import Engine
from retention.errors import InvalidInput
from retention.facts import QUESTIONS, Answered
from retention.letters import links
from retention.letters.words import answers
from retention.web.pages import Pages
from retention.web.visits import Visit, form, next_instant, visit
from retention.web.wsgi import Request, Response

__all__ = ["Answering"]

_LONGEST_COMMENT = 2_000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@frozen
class Answering:
    """The page of one question, with the answer that was chosen in the letter."""

    methods: ClassVar[tuple[str, ...]] = ("GET", "HEAD", "POST")
    engine: Engine
    pages: Pages

    def answer(self, request: Request) -> Response:
        """The question, or thanks for what was answered; 404 for what is not one of the shop's links."""
        try:
            customer_id, question, value, about = links.read(self.engine.shop, "answer", request.name)
            _values.one_of("question", question, tuple(QUESTIONS))  # a link is older than the questions of now
            _values.identifier("value", value)
            known = visit(self.engine, customer_id, Answered.kind)
        except InvalidInput:
            return self.pages.show("lost", status=HTTPStatus.NOT_FOUND)
        if request.method != "POST":
            return self._ask(known, question, value)
        said = form(request.body)
        chosen = said.get("value", [""])[0]
        comment = _CONTROL.sub(" ", said.get("comment", [""])[0]).strip()[:_LONGEST_COMMENT]
        if chosen not in _choices(question, value):
            return self._ask(known, question, value, refused=comment)
        self._keep(known, customer_id, question, chosen, about, comment)
        return self.pages.show("answered", known.language)

    def _ask(self, known: Visit, question: str, value: str, *, refused: str | None = None) -> Response:
        """The question; `refused`: the comment that came without an answer."""
        words, language = self.pages.words, known.language
        return self.pages.show(
            "answer",
            language,
            status=HTTPStatus.OK if refused is None else HTTPStatus.BAD_REQUEST,
            question=words.question(question, language),
            choices=[(one, words.answer(question, one, language)) for one in _choices(question, value)],
            chosen=value,
            comment=refused or "",
            refused=refused is not None,
        )

    def _keep(self, known: Visit, customer_id: str, question: str, value: str, about: str, comment: str) -> None:
        before = [f for f in known.facts if isinstance(f, Answered) and (f.question, f.about) == (question, about)]
        last = before[-1] if before else None
        if last is not None and (last.value, last.comment) == (value, comment):
            return
        basis = "" if last is None else last.id
        told = Answered(
            id=f"answer/{_hashing.key(customer_id, question, about, basis, value, comment)}",
            customer_id=customer_id,
            at=next_instant(self.engine.now(), before),
            question=question,
            value=value,
            about=about,
            comment=comment,
        )
        self.engine.record([told])


def _choices(question: str, value: str) -> tuple[str, ...]:
    """The answers on the page, the letter's among them; a reason may be the shop's own."""
    offered = tuple(answers(question))
    return offered if value in offered or QUESTIONS[question] else (*offered, value)
