"""Letters by Resend, against a provider that misbehaves on demand: each answer's class, and one letter for each key."""

from __future__ import annotations

import logging
import ssl
import sys
from datetime import UTC, datetime, timedelta

import attrs
import httpx
import pytest

from retention.errors import InvalidInput, MissingExtra
from retention.messages import Result
from retention.senders.resend import ResendSender
from retention.testing.provider import Answer, Dialect, Provider

SECRET = "re_s3cret"
PATIENCE = 1.5  # seconds: a busy machine answers in less, and the slow provider never


@pytest.fixture
def provider():
    """A provider that is well until it is told otherwise."""
    with Provider(refuses=["refused@example.com"]) as made:
        yield made


@pytest.fixture
def sender(provider):
    """A sender for it, impatient; one letter for each request."""
    made = ResendSender(SECRET, base_url=provider.url, timeout=PATIENCE)
    yield made
    made.close()


@pytest.fixture
def batches(provider):
    """A sender of batches."""
    made = ResendSender(SECRET, base_url=provider.url, timeout=PATIENCE, batch=True)
    yield made
    made.close()


def statuses(results):
    return [result.status for result in results]


def keys(provider):
    return [sent.key for sent in provider.accepted]


def test_a_letter_arrives(provider, sender, letter):
    """What the provider understands is what the letter says: one recipient, both headers, the key in header and tag."""
    assert sender.send([letter("win_back.1", sender_name='Tea, "Co"', subject="Привет")]) == [Result("accepted")]
    (sent,), (request,) = provider.accepted, provider.requests
    assert (sent.key, sent.to, sent.subject, sent.text) == ("win_back.1", ("ann@example.com",), "Привет", "Come back")
    assert sent.sender == '"Tea, \\"Co\\"" <shop@example.com>'
    assert sent.headers == {
        "List-Unsubscribe": "<https://shop.example/u>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }  # fmt: skip
    assert request.headers["idempotency-key"] == "win_back.1"
    assert request.headers["authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize("name, written", [("", "shop@example.com"), ("Shop", "Shop <shop@example.com>"), ("Лавка", "Лавка <shop@example.com>")])  # fmt: skip
def test_who_writes(provider, sender, letter, name, written):
    """A name without odd characters needs no quotation marks."""
    sender.send([letter(sender_name=name)])
    assert provider.accepted[0].sender == written


def test_html_and_transactional_letters(provider, sender, letter):
    """HTML goes along where there is some, and headers only where there is a link."""
    plain = letter()
    rich = attrs.evolve(plain, key="k-2", html="<p>Come back</p>", promotional=False, unsubscribe_url="")
    assert statuses(sender.send([plain]) + sender.send([rich])) == ["accepted"] * 2
    bodies = [request.json() for request in provider.requests]
    assert [body.get("html") for body in bodies] == [None, "<p>Come back</p>"]
    assert ["headers" in body for body in bodies] == [True, False]


@pytest.mark.parametrize(
    "fault, status, arrived",
    [
        ("lost answer", "unknown", 1), ("reset", "unknown", 1), ("slow", "unknown", 1),
        ("html after acceptance", "unknown", 1), ("error after acceptance", "unknown", 1), ("html with 200", "unknown", 1),
        ("malformed", "unknown", 1), ("empty", "unknown", 1), ("unavailable", "transient", 0),
        ("unauthorized", "misconfigured", 0), ("forbidden", "misconfigured", 0), ("busy", "throttled", 0),
        ("echo", "rejected", 0),
    ],
)  # fmt: skip
def test_law_31_what_a_letter_meets(provider, sender, batches, letter, fault, status, arrived):
    """Each fault has its class, in a batch for all its letters; nothing that was taken is called anything but unknown."""
    provider.faults.append(fault)
    assert statuses(sender.send([letter()])) == [status]
    assert len(provider.accepted) == arrived
    provider.faults.extend([fault] * 3)
    assert statuses(batches.send([letter("a"), letter("b")])) == [status] * 2
    assert len(provider.accepted) == 3 * arrived


def test_law_31_how_long_to_wait(provider, sender, letter):
    """A pause comes in seconds or as a date, which counts from the answer's own."""
    provider.faults.extend(["busy", "busy until"])
    pauses = [sender.send([letter()])[0].retry_after for _ in range(2)]
    assert pauses == [timedelta(seconds=7), timedelta(seconds=90)]


@pytest.mark.parametrize(
    "status, body, headers, wanted, pause",
    [
        (400, {"name": "validation_error", "message": "API key is invalid"}, {}, "misconfigured", None),
        (400, {"name": "validation_error", "message": "Invalid `to` field"}, {}, "rejected", None),
        (422, {"name": "invalid_from_address"}, {}, "misconfigured", None),
        (413, {}, {}, "rejected", None),
        (404, {"name": "not_found"}, {}, "misconfigured", None),
        (301, {}, {"Location": "/elsewhere"}, "misconfigured", None),
        (408, {}, {}, "transient", None),
        (409, {"name": "concurrent_idempotent_requests"}, {}, "unknown", None),
        (409, {"name": "invalid_idempotent_request"}, {}, "unknown", None),
        (504, {}, {}, "unknown", None),
        (200, {"data": []}, {}, "unknown", None),
        (201, {"id": "1"}, {}, "unknown", None),
        (429, {"name": "daily_quota_exceeded"}, {"Retry-After": "1"}, "throttled", timedelta(hours=1)),
        (429, {"name": "rate_limit_exceeded"}, {}, "throttled", None),
        (429, {}, {"Retry-After": "soon"}, "throttled", None),
        (429, {}, {"Retry-After": "inf"}, "throttled", None),
        (429, {}, {"Retry-After": "Sun, 01 Mar 2026 12:00:00 GMT"}, "throttled", None),
        (429, {}, {"Retry-After": "Sun, 01 Mar 2026 11:00:00 GMT", "Date": "Sun, 01 Mar 2026 12:00:00 GMT"}, "throttled", timedelta(0)),
        (429, {}, {"Retry-After": "Sun, 01 Mar 2026 12:00:00 -0000", "Date": "Sun, 01 Mar 2026 12:00:00 GMT"}, "throttled", None),
    ],
)  # fmt: skip
def test_law_31_answers(letter, status, body, headers, wanted, pause):
    """What only all letters could cure stops the sender, what this letter did is its own, and what nobody knows is unknown."""
    answer = Answer.json(status, body)
    dialect = Dialect(read=lambda _: [], answer=lambda *_: Answer(status, answer.body, headers))
    with Provider(dialect) as provider:
        sender = ResendSender(SECRET, base_url=provider.url)
        (result,) = sender.send([letter()])
        sender.close()
    assert (result.status, result.retry_after) == (wanted, pause)


def test_nobody_listens(letter):
    """Without a connection nothing was handed over."""
    with Provider() as provider:
        url = provider.url
    sender = ResendSender(SECRET, base_url=url)
    assert sender.send([letter()]) == [Result("transient", "no connection: ConnectError")]
    sender.close()


def test_a_wrong_certificate(sender, letter, monkeypatch):
    """It will be as wrong the next time."""

    def fail(**_):
        raise httpx.ConnectError("certificate verify failed") from ssl.SSLCertVerificationError()

    monkeypatch.setattr(sender._client, "post", fail)
    assert sender.send([letter()]) == [Result("misconfigured", "no connection: SSLCertVerificationError")]


# ------------------------------------------------------------- one letter for each key


def test_law_32_a_lost_answer_and_a_second_send(provider, sender, letter):
    """Within the window one letter leaves, however often it is sent; after it, another one would."""
    provider.faults.append("lost answer")
    found = [sender.send([letter("a")])[0].status for _ in range(3)]
    assert found == ["unknown", "accepted", "accepted"]
    assert keys(provider) == ["a"]
    provider.forget()
    sender.send([letter("a")])
    assert keys(provider) == ["a", "a"]
    assert sender.capabilities.remembers_for == timedelta(hours=24)


def test_the_window_follows_the_clock(letter):
    """A provider with a clock forgets by it."""
    times = iter([datetime(2026, 3, 1, hour, tzinfo=UTC) for hour in (0, 9, 10, 11)])
    with Provider(clock=lambda: next(times), window=timedelta(hours=10)) as provider:
        sender = ResendSender(SECRET, base_url=provider.url)
        assert [len(sender.send([letter("a")]) and provider.accepted) for _ in range(3)] == [1, 1, 2]
        sender.close()


def test_the_same_key_with_other_bytes(provider, sender, letter):
    """The first letter stays; what became of it the answer does not say."""
    sender.send([letter("a")])
    assert statuses(sender.send([letter("a", subject="Other")])) == ["unknown"]
    assert keys(provider) == ["a"]


# ------------------------------------------------------------- batches


def test_a_batch_is_one_request(provider, batches, letter):
    """A hundred letters leave together; the same hundred again are recognised, though nothing is promised."""
    letters = [letter(f"k-{n}") for n in range(100)]
    for _ in range(2):
        assert batches.send(letters) == [Result("accepted")] * 100
    assert keys(provider) == [message.key for message in letters]
    assert len(provider.requests) == 2
    assert batches.capabilities.remembers_for is None
    assert batches.send([]) == []


@pytest.mark.parametrize("bad", [{0}, {3}, {6}, {1, 5}, set(range(7))])
def test_law_31_bad_addresses_in_a_batch(provider, batches, letter, bad):
    """Only the bad ones are rejected, the others leave once each, in order."""
    letters = [letter(f"k-{n}", to="refused@example.com" if n in bad else "ann@example.com") for n in range(7)]
    assert statuses(batches.send(letters)) == ["rejected" if n in bad else "accepted" for n in range(7)]
    assert keys(provider) == [f"k-{n}" for n in range(7) if n not in bad]


@pytest.mark.parametrize("fault, first, rest", [("busy", "throttled", "throttled"), ("slow", "unknown", "transient")])
def test_trouble_while_a_batch_is_halved(provider, batches, letter, fault, first, rest):
    """What was not tried any more is not in doubt."""
    letters = [letter("a"), letter("b"), letter("c"), letter("d", to="refused@example.com")]
    provider.faults.extend(["echo", fault])
    assert statuses(batches.send(letters)) == [first] * 2 + [rest] * 2
    assert len(provider.requests) == 2


def test_law_34_more_than_a_batch_is_refused(provider, sender, batches, letter):
    """Before anything is handed over."""
    for one in (sender, batches):
        most = one.capabilities.max_batch
        with pytest.raises(InvalidInput, match=f"messages: {most + 1} in one call; send at most {most}"):
            one.send([letter()] * (most + 1))
    assert provider.requests == []


# ------------------------------------------------------------- manners


@pytest.mark.parametrize(
    "headers, waits",
    [
        ({"ratelimit-remaining": "0", "ratelimit-reset": "1"}, [1.0]),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "3600"}, [2.0]),
        ({"ratelimit-remaining": "1", "ratelimit-reset": "1"}, []),
        ({"ratelimit-remaining": "none", "ratelimit-reset": "1"}, []),
        ({}, []),
    ],
)
def test_the_limit_of_requests_is_kept(letter, headers, waits):
    """After the last request that this second allows the next one waits, briefly."""
    waited = []
    with Provider(Dialect(read=lambda _: [], answer=lambda *_: Answer(200, b'{"id": "1"}', headers))) as provider:
        sender = ResendSender(SECRET, base_url=provider.url, sleep=waited.append)
        assert statuses(sender.send([letter("a")]) + sender.send([letter("b")])) == ["accepted"] * 2
        sender.close()
    assert waited == waits


def test_law_34_the_key_is_shown_nowhere(provider, sender, letter, caplog):
    """Not in the repr, the logs or the details, though the provider repeats everything it was told; nor are addresses."""
    caplog.set_level(logging.DEBUG)
    provider.faults.append("echo")
    (result,) = sender.send([letter()])
    assert repr(sender) == f"ResendSender(base_url='{provider.url}', batch=False)"
    assert "authorization" in result.detail
    assert SECRET not in f"{sender!r} {result} {caplog.text}"
    assert "ann@example.com" not in f"{result} {caplog.text}"


@pytest.mark.parametrize("key", ["", "re_s3cret\n", "re s3cret", "re_s3crét", None])
def test_keys_that_cannot_be_used(key):
    """What would break the header is refused, and not repeated."""
    with pytest.raises(InvalidInput, match="api_key: ") as caught:
        ResendSender(key)
    assert "s3cr" not in str(caught.value)


def test_without_httpx(monkeypatch):
    """The error names the extra."""
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingExtra, match=r"pip install 'retention\[resend\]'"):
        ResendSender(SECRET)
