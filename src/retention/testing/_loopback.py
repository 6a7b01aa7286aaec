"""What the kit's servers share: they listen on the loopback interface, in a thread, until they are closed."""

from __future__ import annotations

import threading
from socketserver import TCPServer
from typing import Self

__all__ = ["Loopback"]


class Loopback:
    """A server that runs while this context manager is open."""

    def __init__(self, server: TCPServer) -> None:
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, args=(0.002,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Host and port."""
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port!s}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
