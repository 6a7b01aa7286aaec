"""The pages that customers see, in their language: small, without scripts, and readable on a phone."""

from __future__ import annotations

from http import HTTPStatus
from importlib import resources

from retention._templates import Templates, read
from retention.letters import localisation
from retention.letters.context import writer
from retention.people import LANGUAGES, Shop
from retention.web.wsgi import HTML, Response

__all__ = ["Pages"]


class Pages:
    """The pages of one shop."""

    def __init__(self, shop: Shop) -> None:
        sources = read(resources.files("retention.web") / "pages")
        self._templates = {
            language: Templates(sources, localisation.filters(language, shop.currency)) for language in LANGUAGES
        }
        self._language = shop.language
        self._shop = writer(shop)

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
        context = {"shop": self._shop, "language": language, **shown}
        html = self._templates[language].html(f"{language}/{name}.jinja", "page", context)
        return Response(status, HTML, html.encode(), headers)
