"""An SMTP server on this machine that misbehaves on demand, for trying senders; the loopback only, in threads.

It knows no encryption. What it accepts it keeps as it came, so that a test can compare what a sender believes with what
is true.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Collection, Mapping
from contextlib import suppress
from socketserver import StreamRequestHandler, ThreadingTCPServer

from attrs import frozen

from retention.testing._loopback import Loopback

__all__ = ["RELAY_FAULTS", "Relay", "RelayFault", "Taken"]

_PATIENCE = 5.0  # how long a slow relay waits for a client to give up


@frozen
class Taken:
    """A letter that was accepted: its envelope and its bytes, dots undone."""

    sender: str
    to: tuple[str, ...]
    data: bytes


@frozen(kw_only=True)
class RelayFault:
    """What goes wrong in one transaction.

    `at`: "MAIL", "RCPT", "DATA", "." (the end of the letter, which is accepted unless there is an answer) or "" (once
    all went well). `answer`: what is said there, "" for nothing. `waits`: keeps the client waiting. `closes`: hangs up
    after the answer, as it does without one.
    """

    at: str
    answer: str = ""
    waits: bool = False
    closes: bool = False


RELAY_FAULTS: Mapping[str, RelayFault] = {
    "login required": RelayFault(at="MAIL", answer="530 5.7.0 Authentication required"),
    "deferred": RelayFault(at="RCPT", answer="451 4.7.1 <ann@example.com>: come back later"),
    "going away": RelayFault(at="RCPT", answer="421 4.3.2 closing", closes=True),
    "refused and closed": RelayFault(at="RCPT", answer="550 5.7.1 go away", closes=True),
    "nonsense": RelayFault(at="RCPT", answer="hello?"),
    "silent": RelayFault(at="RCPT", waits=True),
    "closed before the letter": RelayFault(at="DATA"),
    "late refusal": RelayFault(at=".", answer="554 5.7.1 no thanks"),
    "late nonsense": RelayFault(at=".", answer="hello?"),
    "late deferral": RelayFault(at=".", answer="452 4.3.1 disk full"),
    "lost answer": RelayFault(at="."),
    "slow": RelayFault(at=".", waits=True),
    "closed when idle": RelayFault(at=""),
}
"""What can go wrong, by name; put names into `Relay.faults`."""


class Relay(Loopback):
    """An SMTP server at `host` and `port`, until it is closed; a context manager.

    `faults`: names out of `RELAY_FAULTS`, one for each transaction to come; then all goes well. `refuses`: addresses
    that get a 550. `knows`: whether a login succeeds; None offers none. `accepted`: every letter, in order.
    """

    def __init__(self, *, refuses: Collection[str] = (), knows: bool | None = None) -> None:
        self.faults: deque[str] = deque()
        self.accepted: list[Taken] = []
        self.refuses, self.knows = frozenset(refuses), knows
        server = _Server(("127.0.0.1", 0), _Conversation)
        server.relay = self
        super().__init__(server)


class _Server(ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    relay: Relay


class _HungUp(Exception):
    """The connection is to be closed."""


class _Conversation(StreamRequestHandler):
    """One connection."""

    server: _Server
    disable_nagle_algorithm = True

    def handle(self) -> None:
        """Greet, and answer command by command until one side hangs up."""
        self._fault: RelayFault | None = None
        self._sender = ""
        with suppress(_HungUp, OSError):
            self._say("220 relay")
            while line := self.rfile.readline():
                self._answer(line.decode("latin-1").strip())

    def _say(self, *lines: str) -> None:
        self.wfile.write(("\r\n".join(lines) + "\r\n").encode())

    def _answer(self, line: str) -> None:
        verb = line[:4].upper()
        if verb == "AUTH":
            self._say("235 2.7.0 welcome" if self.server.relay.knows else f"535 5.7.8 wrong: {line}")
        elif verb in {"MAIL", "RCPT", "DATA"}:
            self._step(verb, line.partition("<")[2].partition(">")[0])
        elif verb == "EHLO":
            self._say(*(["250-relay", "250 AUTH PLAIN"] if self.server.relay.knows is not None else ["250 relay"]))
        elif verb == "QUIT":
            raise _HungUp
        else:
            self._say("250 ok")

    def _step(self, verb: str, address: str) -> None:
        if verb == "MAIL":
            faults = self.server.relay.faults
            self._fault = RELAY_FAULTS[faults.popleft()] if faults else None
            self._sender, self._to = address, list[str]()
        if self._fails(verb):
            return
        if verb == "DATA":
            self._letter()
        elif verb == "RCPT" and address in self.server.relay.refuses:
            self._say(f"550 5.1.1 <{address}>: no such mailbox")
        else:
            self._to += [address] if verb == "RCPT" else []
            self._say("250 ok")

    def _letter(self) -> None:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                raise _HungUp
            lines.append(line.removeprefix(b"."))
        accepted = not (self._fault and self._fault.at == "." and self._fault.answer)
        if accepted:
            self.server.relay.accepted.append(Taken(self._sender, tuple(self._to), b"".join(lines)))
        if not self._fails("."):
            self._say("250 ok")
            self._fails("")

    def _fails(self, at: str) -> bool:
        """Whether the fault lies here; then it has happened."""
        if self._fault is None or self._fault.at != at:
            return False
        if self._fault.answer:
            self._say(self._fault.answer)
        if self._fault.waits:
            self.connection.settimeout(_PATIENCE)
            self.connection.recv(1)
        if not self._fault.answer or self._fault.closes:
            self.connection.shutdown(socket.SHUT_RDWR)
            raise _HungUp
        return True
