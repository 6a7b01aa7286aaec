"""A shop whose web application the tests call, as a WSGI server calls it and with every rule of WSGI checked."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import ThreadingMixIn
from types import SimpleNamespace
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from retention import facts, letters, web
from retention.engine import Engine
from retention.journey import Needs
from retention.letters import links
from retention.people import Shop
from retention.playbooks import win_back
from retention.senders.memory import MemorySender
from retention.storage.memory import MemoryStorage

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ONE_CLICK = b"List-Unsubscribe=One-Click"
SHOP = Shop(
    name="Tea & Linen",
    sender="hello@shop.example",
    timezone="Europe/London",
    currency="GBP",
    base_url="https://shop.example/letters",
    secret="0123456789abcdef",
)


class Answer:
    """What a WSGI application answered."""

    def __init__(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        self.code, self.headers, self.body, self.text = int(status[:3]), dict(headers), body, body.decode()
        assert len(self.headers) == len(headers), "a header came twice"


class Site:
    """A shop, its engine, and calls to its web application."""

    def __init__(self, storage: object = None, *, templates: Path | None = None, **shop: str) -> None:
        self.now = NOON
        self.storage = MemoryStorage() if storage is None else storage
        self.sender = MemorySender()
        self.shop = Shop(**{name: getattr(SHOP, name) for name in SHOP.__slots__ if name[0] != "_"} | shop)
        self.engine = Engine(
            self.storage,
            self.sender,
            journeys=[win_back(control=0)],
            shop=self.shop,
            clock=lambda: self.now,
            templates=templates,
        )
        self.webhooks: dict[str, object] = {}
        self.application = web.app(self.engine, webhooks=self.webhooks)
        self.errors = io.StringIO()
        self.n = 0

    def path(self, customer: str = "42", topic: str = "marketing") -> str:
        return links.unsubscribe_url(self.shop, customer, topic).removeprefix(self.shop.base_url)

    def call(self, method: str, path: str, body: bytes = b"", *, lawful: bool = True, **environ: object) -> Answer:
        """One request; `environ` replaces what a server would set, None takes it away.

        `lawful`: the request is one that WSGI allows, so both sides of the call are held to WSGI's rules.
        """
        given: dict[str, object] = {"REQUEST_METHOD": method, "SCRIPT_NAME": "/letters", "PATH_INFO": path}
        setup_testing_defaults(given)
        given |= {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body), "wsgi.errors": self.errors}
        given |= {"QUERY_STRING": ""} | environ
        application = validator(self.application) if lawful else self.application
        answers: list[object] = []

        def start_response(status, headers, exc_info=None):
            answers.extend((status, headers))
            return answers.append

        parts = application({name: value for name, value in given.items() if value is not None}, start_response)
        with contextlib.closing(parts) if lawful else contextlib.nullcontext():
            return Answer(*answers[:2], b"".join(parts))

    def consent(self, *, granted: bool = True, at: datetime | None = None, **changes: object) -> None:
        self.n += 1
        given = {"id": f"consent-{self.n}", "customer_id": "42", "at": at or self.now} | changes
        self.engine.record([facts.ConsentChanged(granted=granted, **given)])

    def profile(self, customer: str = "42", **changes: object) -> None:
        given = {"id": f"profile-{customer}", "customer_id": customer, "at": NOON - timedelta(days=400)}
        self.engine.record([facts.ProfileChanged(**given | changes)])

    def said(self, customer: str = "42", topic: str = "marketing") -> list[bool]:
        """Every word of the customer on the topic, oldest first."""
        (file,) = self.storage.load([customer], Needs())
        return [f.granted for f in file.facts if isinstance(f, facts.ConsentChanged) and f.topic == topic]


BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """The browser on this machine."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


class Browser:
    """One page of a headless Chromium, driven through its DevTools pipe: no library, no port."""

    def __init__(self, profile: Path) -> None:
        their_in, self._out = os.pipe()
        self._in, their_out = os.pipe()
        flags = f"--headless --no-sandbox --disable-gpu --user-data-dir={profile} --remote-debugging-pipe"
        command = f'exec "{chromium()}" {flags} about:blank 3<&{their_in} 4>&{their_out}'
        self._process = subprocess.Popen(
            ["bash", "-c", command], pass_fds=(their_in, their_out), stderr=subprocess.DEVNULL
        )
        os.close(their_in)
        os.close(their_out)
        self._rest, self._number, self._session, self._loads = b"", 0, "", 0
        page = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        self._call("Page.enable")

    def resize(self, width: int, height: int = 900) -> None:
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def open(self, url: str) -> None:
        """Go there and wait until the page is whole."""
        self._loads = 0
        self._call("Page.navigate", url=url)
        self._loaded()

    def run(self, script: str) -> Any:
        """The value of a piece of JavaScript on the page."""
        return self._call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def press(self, script: str) -> None:
        """Run what leads to another page, and wait for that."""
        self._loads = 0
        self.run(script)
        self._loaded()

    def picture(self, file: Path) -> None:
        shown = self._call("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(shown["data"]))

    def close(self) -> None:
        self._session = ""
        self._call("Browser.close")
        self._process.wait(10)
        os.close(self._in)
        os.close(self._out)

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        said = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            said["sessionId"] = self._session
        os.write(self._out, json.dumps(said).encode() + b"\0")
        while True:
            heard = self._hear()
            if heard.get("id") == self._number:
                assert "error" not in heard, heard
                return heard["result"]

    def _loaded(self) -> None:
        while not self._loads:
            self._hear()

    def _hear(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = os.read(self._in, 1 << 16)
            assert more, "the browser is gone"
            self._rest += more
        one, _, self._rest = self._rest.partition(b"\0")
        heard: dict[str, Any] = json.loads(one)
        self._loads += heard.get("method") == "Page.loadEventFired"
        return heard


@pytest.fixture(autouse=True, scope="module")
def letters_pass_their_check() -> Iterator[None]:
    """The library's own letters are checked elsewhere; to try them anew for every engine would take a minute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(letters.Letters, "check", lambda self, journeys, **_more: None)
        yield


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def served(site: Site) -> Iterator[str]:
    """The application of `site` behind a real server on this machine, mounted under /letters; its address."""

    class Quiet(WSGIRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    def mounted(environ, start_response):
        assert environ["PATH_INFO"].startswith("/letters/")
        environ["SCRIPT_NAME"], environ["PATH_INFO"] = "/letters", environ["PATH_INFO"].removeprefix("/letters")
        return validator(site.application)(environ, start_response)

    class Threaded(ThreadingMixIn, WSGIServer):
        daemon_threads = True  # a browser opens connections that it does not use yet

    with make_server("127.0.0.1", 0, mounted, server_class=Threaded, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/letters"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="session")
def kit() -> SimpleNamespace:
    """The builders themselves, for tests that need more than one shop."""
    return SimpleNamespace(Site=Site, NOON=NOON, ONE_CLICK=ONE_CLICK)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A real browser, where there is one."""
    if chromium() is None:
        pytest.skip("no Chromium here: install the package chromium")
    one = Browser(tmp_path_factory.mktemp("profile"))
    yield one
    one.close()
