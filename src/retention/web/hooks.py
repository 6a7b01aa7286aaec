"""Where providers report what became of letters: the very bytes and headers go to the engine, nothing is read here."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import ClassVar

from attrs import frozen

from retention.engine import Engine
from retention.errors import InvalidInput
from retention.ports import WebhookParser
from retention.web.wsgi import Request, Response, plain

__all__ = ["Hooks"]


@frozen
class Hooks:
    """The webhooks of one shop, by the name in their path."""

    methods: ClassVar[tuple[str, ...]] = ("POST",)
    engine: Engine
    parsers: Mapping[str, WebhookParser]

    def answer(self, request: Request) -> Response:
        """200 when the reports are kept, which is what every provider takes for done; 401 when nobody signed them."""
        parser = self.parsers.get(request.name)
        if parser is None:
            return plain(HTTPStatus.NOT_FOUND)
        try:
            self.engine.receive(parser, request.headers, request.body)
        except InvalidInput:
            return plain(HTTPStatus.UNAUTHORIZED)
        return plain(HTTPStatus.OK)
