"""A sender that speaks SMTP, to a relay or a provider: the only room that may touch ``smtplib``.

One letter is one transaction with one recipient. A connection is kept for the next call. Nothing was handed over
until the final dot has left the house, so whatever goes wrong before it is `transient`; a connection that is lost
after it leaves the letter `unknown` (RFC 5321, section 4.2.5: only the answer to the dot makes the other side
responsible). SMTP has no memory for keys, so this sender promises none.

==================================  =============
4xx to any command or to the dot    transient
5xx                                 rejected
421                                 the connection is dropped; the letter goes over a new one, or is transient
530, 534, 535, 538; no STARTTLS     misconfigured
connection lost before the dot      transient
connection lost after the dot       unknown
==================================  =============
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Callable, Sequence
from functools import cached_property
from urllib.parse import SplitResult, unquote, urlsplit

from attrs import field, frozen

from retention.errors import InvalidInput
from retention.messages import Message, Result, as_bytes
from retention.ports import Capabilities
from retention.senders._answers import check_size, detail

__all__ = ["SMTPSender"]

_PORTS = {"smtp": 587, "smtps": 465}
_LOCAL = ("localhost", "127.0.0.1", "::1")
_LOGIN_CODES = (530, 534, 535, 538)
_GOING_AWAY = 421


class SMTPSender:
    """Sends over SMTP, as `url` says: ``smtp://user:password@host:port`` or ``smtps://…``, all but the host optional.

    ``smtps`` is encrypted from the start (port 465 unless given), ``smtp`` (port 587) by STARTTLS: `starttls=None` uses
    it where the server offers it, and not on this machine; True insists; False never does. A password leaves this
    machine encrypted or not at all, unless `starttls=False`. `context` replaces the one that verifies certificates.
    `timeout`: seconds for one answer. `max_batch`: letters in one call. User and password are percent-encoded in the
    URL and shown nowhere. Raises `InvalidInput` for a URL that cannot be used.
    """

    def __init__(
        self,
        url: str,
        *,
        starttls: bool | None = None,
        context: ssl.SSLContext | None = None,
        timeout: float = 30.0,
        max_batch: int = 100,
    ) -> None:
        self.capabilities = Capabilities(max_batch=max_batch)
        self._server = _server(url, starttls)
        self._given_context = context
        self._timeout = timeout
        self._idle: list[smtplib.SMTP] = []  # popped and appended whole, so several threads may send at once

    def __repr__(self) -> str:
        return f"SMTPSender({str(self._server)!r})"

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """Send the messages, one after the other; raises `InvalidInput` for more than `max_batch`."""
        check_size(messages, self.capabilities.max_batch)
        call = _Call(self._connect, self._taken())
        results = [call.send(message) for message in messages]
        if call.line is not None:
            self._idle.append(call.line)
        return results

    def close(self) -> None:
        """Say goodbye on the connections that are kept; the next call opens a new one."""
        while (line := self._taken()) is not None:
            with contextlib.suppress(OSError):
                line.quit()
            line.close()

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return self._given_context or ssl.create_default_context()  # slow to make, so not before it is needed

    def _taken(self) -> smtplib.SMTP | None:
        with contextlib.suppress(IndexError):
            return self._idle.pop()
        return None

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        if server.encrypted:
            line: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=self._timeout, context=self._context
            )
        else:
            line = smtplib.SMTP(server.host, server.port, timeout=self._timeout)
        try:
            self._introduce(line)
        except BaseException:
            line.close()
            raise
        return line

    def _introduce(self, line: smtplib.SMTP) -> None:
        server = self._server
        line.ehlo_or_helo_if_needed()
        if server.wants_starttls(offered=line.has_extn("starttls")):
            line.starttls(context=self._context)
            line.ehlo_or_helo_if_needed()
        if server.user:
            line.login(server.user, server.password)


@frozen(repr=False)
class _Server:
    """Where to connect and as whom; `str` gives the part that may be shown."""

    scheme: str
    host: str
    port: int
    user: str = field(repr=False)
    password: str = field(repr=False)
    starttls: bool | None

    def __str__(self) -> str:
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def encrypted(self) -> bool:
        return self.scheme == "smtps"

    def wants_starttls(self, *, offered: bool) -> bool:
        """Whether to encrypt now; a server that does not offer it fails where it must not be done without."""
        if self.encrypted or self.starttls is False:
            return False
        if self.starttls is None and self.host in _LOCAL:
            return False
        return offered or bool(self.starttls) or bool(self.user)


def _server(url: str, starttls: bool | None) -> _Server:  # noqa: FBT001 - private, and named by its callers
    parts = _split(url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not (user + password).isascii():
        raise InvalidInput("url: user and password hold characters beyond ASCII, which SMTP logins cannot carry")
    if bool(user) != bool(password):
        raise InvalidInput("url: user and password come together; write smtp://user:password@host")
    host = parts.hostname or ""
    return _Server(parts.scheme, host, parts.port or _PORTS[parts.scheme], user, password, starttls)


def _split(url: str) -> SplitResult:
    """The URL in parts; messages do not quote it, because it may hold a password."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        raise InvalidInput(
            "url: cannot be read; percent-encode user and password and give a port up to 65535"
        ) from None
    if parts.scheme not in _PORTS:
        raise InvalidInput(f"url: the scheme is {parts.scheme!r}; write smtp://host or smtps://host")
    if not parts.hostname or not parts.hostname.isascii() or any(c <= " " for c in parts.hostname):
        raise InvalidInput("url: no host, or none in ASCII; write smtp://user:password@host:port")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise InvalidInput("url: something follows the host; percent-encode user and password")
    return parts


class _LostError(Exception):
    """The connection is of no use any more; `handed_over`: the dot had left."""

    def __init__(self, told: str, *, handed_over: bool) -> None:
        super().__init__(told)
        self.result = Result("unknown" if handed_over else "transient", told)


class _Call:
    """One call of `send`: its connection, and what is left to say about the rest when there is no use in going on.

    A connection that once gave an answer may be replaced when it is lost; a new one that gives none ends the call, so
    that a server which hangs costs a few timeouts and not one for each letter.
    """

    def __init__(self, connect: Callable[[], smtplib.SMTP], line: smtplib.SMTP | None) -> None:
        self._connect, self.line = connect, line
        self._proved = line is not None
        self._rest: Result | None = None

    def send(self, message: Message) -> Result:
        """Send one message, over a new connection if need be."""
        line = self.line or self._open()
        if line is None or self._rest is not None:
            return self._rest or Result("transient")
        try:
            result = _transaction(line, message)
        except _LostError as lost:
            return self._without_line(line, message, lost.result)
        self._proved = True
        if result.status == "misconfigured":
            self._rest = result
        return result

    def _open(self) -> smtplib.SMTP | None:
        if self._rest is None:
            try:
                self.line, self._proved = self._connect(), False
            except OSError as error:  # smtplib's errors are OSErrors too
                self._rest = _unconnected(error)
        return self.line

    def _without_line(self, line: smtplib.SMTP, message: Message, result: Result) -> Result:
        line.close()
        self.line = None
        if not self._proved:
            self._rest = Result("transient", result.detail)
        elif result.status == "transient":
            return self.send(message)
        return result


def _transaction(line: smtplib.SMTP, message: Message) -> Result:
    """One letter over an open connection; raises `_LostError` when nothing more can be said on it."""
    # A line that begins with a dot gets another one (RFC 5321, section 4.5.2); a letter's first line is a header.
    letter = as_bytes(message).replace(b"\r\n.", b"\r\n..") + b".\r\n"
    handed_over = False
    try:
        for command in (f"MAIL FROM:<{message.sender}>", f"RCPT TO:<{message.to}>", "DATA"):
            code, told = line.docmd(command)
            if not 200 <= code < 400:
                return _refused(line, code, told)
        line.send(letter)
        handed_over = True
        code, told = line.getreply()
    except OSError as error:
        raise _LostError(f"connection lost: {_why(error)}", handed_over=handed_over) from None
    if 200 <= code < 300:
        return Result("accepted")
    if not 400 <= code < 600:
        raise _LostError("no SMTP answer to the letter", handed_over=True)
    return _answer(code, told)


def _refused(line: smtplib.SMTP, code: int, told: bytes) -> Result:
    """The answer to a refused command; the connection is made ready for the next letter."""
    result = _answer(code, told)
    try:
        line.docmd("RSET")
    except OSError:
        line.close()  # the next letter finds it closed and takes another one
    return result


def _answer(code: int, told: bytes) -> Result:
    text = detail(f"{code} {told.decode('utf-8', 'replace')}")
    if code == _GOING_AWAY or not 400 <= code < 600:
        raise _LostError(text, handed_over=False)
    if code in _LOGIN_CODES:
        return Result("misconfigured", text)
    return Result("transient" if code < 500 else "rejected", text)


def _unconnected(error: OSError) -> Result:
    """Why there is no connection: lasting, unless the server or the network may think better of it."""
    if isinstance(error, smtplib.SMTPResponseException):
        # Without the server's words: what it says to a login may repeat it.
        told = f"{error.smtp_code} at the start of the connection"
        return Result("transient" if 400 <= error.smtp_code < 500 else "misconfigured", told)
    lasting = isinstance(error, smtplib.SMTPException | ssl.SSLError)
    if lasting and not isinstance(error, smtplib.SMTPServerDisconnected | ssl.SSLEOFError):
        return Result("misconfigured", f"no connection: {_why(error)}")
    return Result("transient", f"no connection: {_why(error)}")


def _why(error: OSError) -> str:
    cause = error.__context__ if isinstance(error.__context__, OSError) else error
    return detail(cause.strerror or str(cause) or type(cause).__name__)
