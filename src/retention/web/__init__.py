"""What customers and providers reach of the shop's letters over the web: signed links and webhooks, as one WSGI app.

    application = web.app(engine, webhooks={"resend": parser})

- `GET /unsubscribe/<token>` shows a page and changes nothing: link scanners follow every link of a letter.
- `POST /unsubscribe/<token>` ends the letters on the link's topic; a mail program posts it by itself (RFC 8058).
- `/answer/<token>` shows a question with the answer that was chosen in a letter, and keeps it on POST.
- `/preferences/<token>` shows what a customer hears of and in which language, and keeps changes on POST.
- `GET /coupon/<token>` shows a granted offer and whether it can still be used.
- `POST /webhooks/<name>` hands the provider's bytes to `Engine.receive`.

Any framework mounts it, under any prefix; the shop's `base_url` holds the prefix, because links begin with it. No
cookie is set, nothing is fetched from elsewhere, and what goes wrong is said without details. Nothing here decides
anything: a press of the button is a fact like any other.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING

from retention.engine import Engine
from retention.engine.trouble import trouble
from retention.errors import StorageError
from retention.ports import WebhookParser
from retention.web.answering import Answering
from retention.web.coupons import Coupons
from retention.web.hooks import Hooks
from retention.web.pages import Pages
from retention.web.preferring import Preferring
from retention.web.unsubscribing import Unsubscribing
from retention.web.wsgi import Refused, Request, Response, Room, plain, reply

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["app"]

log = logging.getLogger("retention.web")


def app(engine: Engine, *, webhooks: Mapping[str, WebhookParser] = MappingProxyType({})) -> WSGIApplication:
    """The WSGI application of one shop.

    `engine`: its storage keeps what comes in, its shop's secret proves the links. `webhooks`: for each provider the
    name in the path and who reads what it sends. Threads may share it. The words and pages are those of the engine's
    `templates`; raises `InvalidTemplate` for a page that cannot be shown.
    """
    pages = Pages(engine.letters)
    pages.check()
    rooms: Mapping[str, Room] = {
        "unsubscribe": Unsubscribing(engine, pages),
        "answer": Answering(engine, pages),
        "preferences": Preferring(engine, pages),
        "coupon": Coupons(engine, pages),
        "webhooks": Hooks(engine, webhooks),
    }

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return reply(_answer(rooms, pages, environ), environ, start_response)

    return application


def _answer(rooms: Mapping[str, Room], pages: Pages, environ: WSGIEnvironment) -> Response:
    before, _, path = environ.get("PATH_INFO", "").partition("/")
    place, _, name = path.partition("/")
    room = rooms.get(place)
    if before or room is None:
        return pages.show("lost", status=HTTPStatus.NOT_FOUND)
    if environ["REQUEST_METHOD"] not in room.methods:
        return plain(HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", ", ".join(room.methods)))
    try:
        return room.answer(Request.of(environ, name))
    except Refused as refused:
        return plain(refused.status)
    except StorageError as error:
        log.error("%s: the storage cannot be used: %s", place, trouble(error))  # noqa: TRY400 - no address in the log
        return pages.show("later", status=HTTPStatus.SERVICE_UNAVAILABLE, headers=(("Retry-After", "60"),))
