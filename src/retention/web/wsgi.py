"""A request's parts and a response, as WSGI (PEP 3333) hands them over.

Knows nothing of links or letters. Whatever a stranger sends is either a `Request` or `Refused`.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from attrs import frozen

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

__all__ = ["HTML", "Refused", "Request", "Response", "Room", "plain", "reply"]

HTML = "text/html; charset=utf-8"

_LONGEST_BODY = 1 << 20
_SAFE = (
    ("Cache-Control", "no-store"),
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("Referrer-Policy", "no-referrer"),  # a link's token is told to nobody
    ("X-Content-Type-Options", "nosniff"),
    ("X-Robots-Tag", "noindex"),
)


class Refused(Exception):
    """A request that cannot be read; `status` says why."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


@frozen
class Request:
    """`name`: what the path says after the room's name. `headers`: their names in lower case."""

    method: str
    name: str
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def of(cls, environ: WSGIEnvironment, name: str) -> Request:
        """The request with its whole body; raises `Refused`."""
        method = environ["REQUEST_METHOD"]
        return cls(method, name, _headers(environ), _body(environ) if method == "POST" else b"")


@frozen
class Response:
    """What is answered; the headers that every answer has are added by `reply`."""

    status: HTTPStatus
    type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class Room(Protocol):
    """What answers for one part of the paths."""

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods it takes; others are refused before it is asked."""

    def answer(self, request: Request) -> Response:
        """The answer; `StorageError` and `Refused` are told by the caller."""


def plain(status: HTTPStatus, *headers: tuple[str, str]) -> Response:
    """An answer for programs: the status in words."""
    return Response(status, "text/plain; charset=utf-8", f"{status.phrase}\n".encode("ascii"), headers)


def reply(response: Response, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    """Hand the response to the server; the answer to HEAD has no body."""
    about = (("Content-Type", response.type), ("Content-Length", str(len(response.body))))
    start_response(f"{response.status.value} {response.status.phrase}", [*about, *_SAFE, *response.headers])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]


def _headers(environ: WSGIEnvironment) -> dict[str, str]:
    named = {name.removeprefix("HTTP_"): value for name, value in environ.items() if name.startswith("HTTP_")}
    named["CONTENT_TYPE"] = environ.get("CONTENT_TYPE", "")
    return {name.replace("_", "-").lower(): value for name, value in named.items()}


def _body(environ: WSGIEnvironment) -> bytes:
    stated = environ.get("CONTENT_LENGTH") or ""
    if not stated:
        return _unstated(environ)
    if not (stated.isascii() and stated.isdigit()):
        raise Refused(HTTPStatus.BAD_REQUEST)
    if len(stated) > len(str(_LONGEST_BODY)) or int(stated) > _LONGEST_BODY:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    body = _read(environ, int(stated))
    if len(body) < int(stated):  # the other side hung up
        raise Refused(HTTPStatus.BAD_REQUEST)
    return body


def _unstated(environ: WSGIEnvironment) -> bytes:
    """A body without a length, from a server that ends the stream; from another one reading would wait for ever."""
    if not environ.get("wsgi.input_terminated"):
        raise Refused(HTTPStatus.LENGTH_REQUIRED)
    body = _read(environ, _LONGEST_BODY + 1)
    if len(body) > _LONGEST_BODY:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return body


def _read(environ: WSGIEnvironment, size: int) -> bytes:
    try:
        return bytes(environ["wsgi.input"].read(size))
    except OSError:
        raise Refused(HTTPStatus.BAD_REQUEST) from None
