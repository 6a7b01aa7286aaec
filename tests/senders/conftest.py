"""Letters for senders, and a real SMTP server to send them to."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from retention.messages import Message


@pytest.fixture
def letter():
    """Makes letters by key."""

    def make(key="k-1", **fields):
        fields = {"to": "ann@example.com", "subject": "Hello", "text": "Come back", "sender_name": "Shop"} | fields
        return Message(
            key=key, sender="shop@example.com", html="", at=datetime(2026, 3, 1, tzinfo=UTC),
            unsubscribe_url="https://shop.example/u", **fields,
        )  # fmt: skip

    return make


class Handler:
    """Keeps what it gets, and answers to one kind of command as it is told."""

    def __init__(self):
        self.letters, self.peers, self.answers = [], set(), {}

    async def handle_MAIL(self, server, session, envelope, address, options):
        answer = self.answers.get("MAIL", "250 OK")
        if answer.startswith("250"):
            envelope.mail_from = address
        return answer

    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = self.answers.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):
        answer = self.answers.get("DATA", "250 OK")
        if answer.startswith("250"):
            self.letters.append(SimpleNamespace(to=envelope.rcpt_tos, data=envelope.original_content))
            self.peers.add(session.peer)
        return answer


class OnAnyPort(Controller):
    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]  # it knows only the one it asked for: 0
        super()._trigger_server()


@pytest.fixture
def smtp():
    """Starts aiosmtpd servers: `.handler`, `.port`; options as aiosmtpd takes them."""
    running = []

    def start(**options):
        controller = OnAnyPort(Handler(), hostname="127.0.0.1", port=0, **options)
        controller.start()
        running.append(controller)
        return SimpleNamespace(
            handler=controller.handler, port=controller.port, url=f"smtp://127.0.0.1:{controller.port}"
        )

    yield start
    for controller in running:
        controller.stop(no_assert=True)


@pytest.fixture
def login():
    """An aiosmtpd authenticator that knows one password."""

    def check(server, session, envelope, mechanism, data):
        return AuthResult(success=data.password == b"s3cret word", handled=False)

    return check
