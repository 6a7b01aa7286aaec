"""The pages that customers see, in their language: small, without scripts, and readable on a phone.

They are templates like the letters', `pages/en/answer.jinja` and its like, and the shop's folder of letters may replace
any of them or a block of it. Every page is tried before the first visitor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from http import HTTPStatus
from importlib import resources
from itertools import product
from types import MappingProxyType
from typing import Any

from retention._templates import SUFFIX, Templates, read
from retention.errors import InvalidTemplate
from retention.letters import Examined, Letters, overriding
from retention.letters.about import Offer
from retention.letters.context import writer
from retention.web.wsgi import HTML, Response

__all__ = ["Pages"]

_OFFER = Offer("sample", "A sample", "discount", None, "15", "QGEQ-T3XV-85AY", date(2026, 3, 16), "")
_LINK = "https://shop.example/preferences/sample"
# What each page tells, beside the shop and the language, as a visitor may meet it.
_SHOWN: Mapping[str, Sequence[Mapping[str, Any]]] = MappingProxyType(
    {
        "answer": [
            {"question": "?", "choices": [("a", "A")], "chosen": "a", "comment": comment, "refused": refused}
            for comment, refused in (("", False), ("a < b", True))
        ],
        "answered": [{}],
        "coupon": [
            {"offer": offer, "state": state}
            for offer, state in product((_OFFER, Offer("b", "B", until=_OFFER.until)), ("open", "used", "over"))
        ],
        "later": [{}],
        "lost": [{}],
        "preferences": [{"topics": [("a", "A", True), ("b", "B", False)], "languages": [("en", True), ("ru", False)]}],
        "preferred": [{}],
        "unsubscribe": [{"preferences_url": _LINK}],
        "unsubscribed": [{}],
    }
)


class Pages:
    """The pages of the shop whose letters these are."""

    def __init__(self, letters: Letters) -> None:
        shop, ours = letters.shop, read(resources.files("retention.web") / "pages")
        named = {f"pages/{name}": text for name, text in ours.items()}
        self._templates = overriding.compiled(named, letters.overrides, shop.currency)
        self._language = shop.language
        self._shop = writer(shop)
        self.words = letters.words

    def show(
        self,
        name: str,
        language: str = "",
        *,
        status: HTTPStatus = HTTPStatus.OK,
        headers: tuple[tuple[str, str], ...] = (),
        **shown: object,
    ) -> Response:
        """One page; `language`: the customer's, the shop's when nobody knows who it is; `shown`: what it tells."""
        language = language or self._language
        return Response(status, HTML, self._page(name, language, shown).encode(), headers)

    def check(self) -> None:
        """Raise `InvalidTemplate` unless every page can be shown to anybody."""
        problem = next((problem for one in self.examine() for problem in one.problems), "")
        if problem:
            raise InvalidTemplate(problem)

    def examine(self) -> tuple[Examined, ...]:
        """Each page in each language, with everything that is wrong there."""
        return tuple(
            Examined(f"pages/{name}", language, len(_SHOWN[name]), tuple(dict.fromkeys(self._problems(name, language))))
            for name, language in product(_SHOWN, self._templates)
        )

    def _page(self, name: str, language: str, shown: Mapping[str, object]) -> str:
        context = {"shop": self._shop, "language": language, **shown}
        return self._templates[language].html(_file(name, language), "page", context)

    def _problems(self, name: str, language: str) -> Iterator[str]:
        try:
            yield from _unknown(self._templates[language], name, language)
            for shown in _SHOWN[name]:
                self._page(name, language, shown)
        except InvalidTemplate as error:
            yield str(error)


def _file(name: str, language: str) -> str:
    return f"pages/{language}/{name}{SUFFIX}"


def _unknown(templates: Templates, name: str, language: str) -> Iterator[str]:
    """Names that the page does not have, also where no sample leads."""
    known = ("shop", "language", *_SHOWN[name][0])
    for use in templates.uses(_file(name, language)):
        if use.path.partition(".")[0] not in known:
            yield f"{use.template}: block {use.block}: {use.path!r} is unknown; this page has {', '.join(known)}"
