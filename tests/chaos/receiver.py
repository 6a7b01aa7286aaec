"""The provider of the storm: a process of its own on a Unix socket, whose log outlives every worker.

A request is one line of JSON, the keys of a batch; the answer comes when all of them are in the log. Nothing is synced:
the process is never killed, and what it has written the system keeps.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import socketserver
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from threading import Lock


class Receiver:
    """Every letter that anybody ever handed over: `log` has a line for each, its key and the wall clock's time.

    One that knows keys (`idempotent`) delivers a letter once, however often it comes.
    """

    def __init__(self, folder: Path, *, idempotent: bool) -> None:
        self.address, self.log, self._idempotent = str(folder / "socket"), folder / "received", idempotent
        self._seen: set[str] = set()
        self._lock = Lock()
        self._pid = 0

    def start(self) -> None:
        """Serve from a new process, until `stop`."""
        receiver = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                for line in self.rfile:
                    receiver.take(json.loads(line))
                    self.wfile.write(b"ok\n")

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request: object, client_address: object) -> None:
                """A worker that died with its letters on the wire is what this is all about."""

        server = Server(self.address, Handler)
        self._pid = os.fork()
        if not self._pid:
            server.serve_forever()
            os._exit(0)
        server.socket.close()

    def stop(self) -> None:
        """End the process and wait for it."""
        os.kill(self._pid, signal.SIGTERM)
        os.waitpid(self._pid, 0)

    def take(self, keys: Sequence[str]) -> None:
        """Write the letters down, each with what was done with it."""
        with self._lock, self.log.open("a", encoding="ascii") as log:
            for key in keys:
                again = self._idempotent and key in self._seen
                self._seen.add(key)
                log.write(f"{key} {time.time():.6f} {'again' if again else 'delivered'}\n")

    def received(self) -> tuple[Counter[str], int]:
        """How often each letter was delivered, and how often one came that was recognised."""
        lines = self.log.read_text("ascii").splitlines() if self.log.exists() else []
        delivered = Counter(key for key, _, what in map(str.split, lines) if what == "delivered")
        return delivered, len(lines) - delivered.total()


class Line:
    """A worker's connection to the receiver."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(address)
        self._answers = self._socket.makefile("rb")

    def send(self, keys: Sequence[str]) -> None:
        """Hand the batch over; it is with the receiver, sooner or later, whatever becomes of us."""
        self._socket.sendall(json.dumps(keys).encode() + b"\n")

    def wait(self) -> None:
        """Wait until there is an answer, and leave it on the wire."""
        select.select([self._socket], [], [])

    def answer(self) -> None:
        """Wait until the receiver has the batch."""
        if self._answers.readline() != b"ok\n":
            raise ConnectionError("the receiver hung up")
