"""Webhooks: the provider's very bytes reach the engine, and the answer says whether to send them again."""

from __future__ import annotations

import urllib.request
from datetime import timedelta

import pytest

from retention import facts
from retention.errors import InvalidInput, StorageUnavailable
from retention.journey import Needs
from retention.ports import Parsed, Report

BODY = b'{"type": "email.delivered"}\xff'


class Received:
    """Stands in for `Engine.receive`: keeps what it gets, then does what the test says."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.calls = error, []

    def __call__(self, parser, headers, body) -> None:
        self.calls.append((parser, headers, body))
        if self.error:
            raise self.error


@pytest.fixture
def hooked(site, monkeypatch):
    """A shop with one provider, and what its engine gets."""
    site.webhooks["resend"] = "the parser"
    site.received = Received()
    monkeypatch.setattr(type(site.engine), "receive", lambda self, *a: site.received(*a), raising=False)
    return site


def test_bytes_and_headers_arrive_as_they_were(hooked) -> None:
    """The signature is over these very bytes, and header names come in lower case."""
    environ = {"HTTP_SVIX_ID": "msg_1", "HTTP_X_SIG": "a=", "CONTENT_TYPE": "application/json"}
    answer = hooked.call("POST", "/webhooks/resend", BODY, **environ)
    assert answer.code == 200
    ((parser, headers, body),) = hooked.received.calls
    assert (parser, body) == ("the parser", BODY)
    assert {"svix-id": "msg_1", "x-sig": "a=", "content-type": "application/json"}.items() <= headers.items()


@pytest.mark.parametrize(
    "error, code",
    [(InvalidInput("webhook: not signed by ann@example.org"), 401), (StorageUnavailable("ann@example.org"), 503)],
)
def test_the_provider_learns_whether_to_try_again(hooked, caplog, error: Exception, code: int) -> None:
    """What nobody signed is refused; what could not be kept shall come again; details are told to nobody."""
    hooked.received.error = error
    answer = hooked.call("POST", "/webhooks/resend", BODY)
    assert answer.code == code
    assert "ann@" not in answer.text + caplog.text


def test_an_unknown_provider_is_not_there(hooked) -> None:
    """Only the webhooks that the host named exist."""
    for name in ("", "other", "resend/", "Resend"):
        assert hooked.call("POST", f"/webhooks/{name}", BODY).code == 404
    assert hooked.received.calls == []


def test_over_http(hooked, served) -> None:
    """A real server hands on what a real client sends."""
    request = urllib.request.Request(f"{served}/webhooks/resend", BODY, {"Svix-Id": "msg_2"})
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
    ((_, headers, body),) = hooked.received.calls
    assert (headers["svix-id"], body) == ("msg_2", BODY)


class Complaints:
    """A provider that signs with one word and reports nothing but complaints."""

    def __init__(self, at) -> None:
        self.at = at

    def verify(self, headers, body, now) -> bool:
        return headers.get("x-signature") == "ours"

    def parse(self, headers, body) -> Parsed:
        keys = body.decode().split()
        return Parsed(tuple(Report(id=f"c/{key}", message_key=key, status="complained", at=self.at) for key in keys))


def test_a_complaint_reaches_the_customers_file(site) -> None:
    """From a sent letter to the provider's report of it, with the engine itself: told twice it is one fact."""
    site.profile(email="ann@example.org")
    site.consent()
    order = facts.OrderPlaced(id="1", customer_id="42", at=site.now - timedelta(days=75), total="30", currency="GBP")
    site.engine.record([order])
    site.now += timedelta(seconds=1)
    site.engine.run()
    (key,) = site.sender.messages
    site.webhooks["provider"] = Complaints(site.now)
    post = ("POST", "/webhooks/provider", key.encode())
    assert site.call(*post).code == 401
    assert [site.call(*post, HTTP_X_SIGNATURE="ours").code for _ in range(2)] == [200, 200]
    (file,) = site.storage.load(["42"], Needs(frozenset({"email"})))
    assert [(fact.status, fact.message_key) for fact in file.facts] == [("complained", key)]
