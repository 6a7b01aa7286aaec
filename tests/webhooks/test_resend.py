"""Resend's webhooks: believed only when signed and fresh, read whole whatever they hold, and never naming an address."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.errors import InvalidInput
from retention.ports import Parsed, Report
from retention.testing.provider import Sent, resend_webhooks
from retention.webhooks.resend import ResendWebhooks

# The example of https://docs.svix.com/receiving/verifying-payloads/how-manual
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNED_AT = datetime.fromtimestamp(1614265330, UTC)
BODY = b'{"test": 2432232314}'
HEADERS = {
    "svix-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "svix-timestamp": "1614265330",
    "svix-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
AT = datetime(2026, 3, 1, tzinfo=UTC)
WEBHOOKS = ResendWebhooks(SECRET)


def event(type_="email.delivered", **data):
    # As https://resend.com/docs/webhooks/emails shows it.
    base = {
        "created_at": "2026-11-22T23:41:11.894Z", "email_id": "56761188-7520-42d8-8898-ff6fc54ce618",
        "from": "Acme <onboarding@resend.dev>", "to": ["delivered@resend.dev"], "subject": "Sending this example",
        "tags": {"category": "confirm_email", "message_key": "win__back_-1"},
    }  # fmt: skip
    return {"type": type_, "created_at": "2026-11-22T23:41:12.126Z", "data": base | data}


def parse(data, headers=HEADERS):
    return WEBHOOKS.parse(headers, json.dumps(data).encode())


# ------------------------------------------------------------- signatures


def test_the_published_example_is_believed():
    """The vendor's own example verifies, also with names in other case and among signatures of other keys."""
    assert WEBHOOKS.verify(HEADERS, BODY, SIGNED_AT)
    assert WEBHOOKS.verify({name.title(): value for name, value in HEADERS.items()}, BODY, SIGNED_AT)
    several = f"v2,abc v1,{'x' * 44} {HEADERS['svix-signature']} v1"
    assert WEBHOOKS.verify(HEADERS | {"svix-signature": several}, BODY, SIGNED_AT)
    assert ResendWebhooks(SECRET.removeprefix("whsec_")).verify(HEADERS, BODY, SIGNED_AT)


@pytest.mark.parametrize(
    "change",
    [
        {"svix-id": "msg_other"}, {"svix-id": ""}, {"svix-timestamp": "1614265331"}, {"svix-timestamp": ""},
        {"svix-timestamp": "１６１４２６５３３０"}, {"svix-timestamp": "1e9"}, {"svix-timestamp": "9" * 400}, {"svix-signature": ""},
        {"svix-signature": HEADERS["svix-signature"].removeprefix("v1,")}, {"svix-signature": "v1a,é\ud800"},
        {"svix-signature": HEADERS["svix-signature"].replace("v1", "v2")}, {"svix-id": "\ud800"},
    ],
)  # fmt: skip
def test_what_is_not_believed(change):
    """A changed or missing header is no signature, and raises nothing."""
    assert not WEBHOOKS.verify(HEADERS | change, BODY, SIGNED_AT)


def test_any_changed_byte_is_seen():
    """The signature is over the raw bytes, spaces included."""
    changed = [BODY[:n] + bytes([BODY[n] ^ 1]) + BODY[n + 1 :] for n in range(len(BODY))]
    assert not any(WEBHOOKS.verify(HEADERS, body, SIGNED_AT) for body in [*changed, BODY + b" ", b""])
    other = ResendWebhooks("whsec_" + base64.b64encode(b"another secret").decode())
    assert not other.verify(HEADERS, BODY, SIGNED_AT)
    assert not WEBHOOKS.verify({}, BODY, SIGNED_AT)


@pytest.mark.parametrize("seconds, believed", [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_old_and_future_signatures(seconds, believed):
    """Five minutes both ways, so that a webhook cannot be kept and sent again next week."""
    assert WEBHOOKS.verify(HEADERS, BODY, SIGNED_AT + timedelta(seconds=seconds)) is believed
    wide = ResendWebhooks(SECRET, tolerance=timedelta(hours=1))
    assert wide.verify(HEADERS, BODY, SIGNED_AT + timedelta(seconds=seconds))


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64", "whsec_abc", "whsec_é", None])
def test_secrets_that_are_none(secret):
    """Refused when the parser is made; a good one is not shown."""
    with pytest.raises(InvalidInput, match=r"^secret: is no signing secret; copy the one that begins with whsec_"):
        ResendWebhooks(secret)
    assert "MfKQ9r8G" not in repr(WEBHOOKS)


# ------------------------------------------------------------- events


@pytest.mark.parametrize(
    "type_, status",
    [
        ("email.delivered", "delivered"), ("email.delivery_delayed", "deferred"), ("email.complained", "complained"),
        ("email.opened", "opened"), ("email.clicked", "clicked"), ("email.failed", "rejected"), ("email.suppressed", "rejected"),
    ],
)  # fmt: skip
def test_words_of_events(type_, status):
    """Each event becomes one report: our key out of the tag, when it happened, the provider's id of it."""
    report = Report(
        id=HEADERS["svix-id"],
        message_key="win_back.1",
        status=status,
        at=datetime(2026, 11, 22, 23, 41, 12, 126000, UTC),
    )
    assert parse(event(type_)) == Parsed((report,))
    listed = event(
        type_, tags=[{"name": "category", "value": "x"}, 1, {"name": "message_key", "value": "win__back_-1"}]
    )
    assert parse(listed) == Parsed((report,))


@pytest.mark.parametrize(
    "bounce, wanted",
    [
        ({"type": "Permanent", "subType": "General"}, "hard"), ({"type": "Permanent", "subType": "Suppressed"}, "hard"),
        ({"type": "Transient", "subType": "MailboxFull"}, "soft"), ({"type": "Temporary"}, "soft"), ({"type": "Undetermined"}, "soft"),
        ({"type": "Transient", "subType": "ContentRejected"}, "block"), ({"type": "Permanent", "subType": "MessageRejected"}, "block"),
        ({"type": ["Permanent"]}, "soft"), (None, "soft"), ("Permanent", "soft"),
    ],
)  # fmt: skip
def test_classes_of_bounces(bounce, wanted):
    """An address that does not exist is hard, what the letter did is a block, everything else may pass."""
    (report,) = parse(event("email.bounced", bounce=bounce)).reports
    assert (report.status, report.bounce_class) == ("bounced", wanted)


@pytest.mark.parametrize("data", [event("email.sent"), event("contact.created"), event(tags={}), event(tags=None), event(tags=[]), event(tags=[{"name": "message_key"}]), event(tags=[{"name": ["x"]}])])  # fmt: skip
def test_what_is_not_ours(data):
    """Other events and other people's letters are counted, no more."""
    assert parse(data) == Parsed(ignored=1)


BAD = [
    ({}, "has no type"), (1, "has no type"), (None, "has no type"), ({"type": 1}, "has no type"),
    ({"type": "email.opened"}, "email.opened has no data"),
    (event(tags={"message_key": 1}), "email.delivered: its tag message_key is empty"),
    (event(tags={"message_key": " "}), "email.delivered: its tag message_key is empty"),
    (event() | {"created_at": "ann@example.com"}, "email.delivered: created_at is no time with an offset"),
    (event() | {"created_at": "2026-01-01T00:00:00"}, "email.delivered: created_at is no time with an offset"),
    (event() | {"created_at": None}, "email.delivered: created_at is no time with an offset"),
    (event() | {"created_at": "0001-01-01T00:00:00+14:00"}, "email.delivered: created_at is no time with an offset"),
]  # fmt: skip


@pytest.mark.parametrize("data, why", BAD)
def test_an_event_that_cannot_be_read(data, why):
    """One line says which and why, and nothing of what it holds."""
    assert parse(data) == Parsed(rejected=(f"the event: {why}",))
    assert parse(event(), {}) == Parsed(rejected=("the event: email.delivered: comes without the header svix-id",))


def test_one_bad_event_drops_none_of_its_siblings():
    """In a list every event stands for itself, with its place in its id."""
    mixed = [event(), *(data for data, _ in BAD), event("email.sent"), event("email.opened")]
    found = parse(mixed)
    assert [(report.id, report.status) for report in found.reports] == [
        (f"{HEADERS['svix-id']}/0", "delivered"), (f"{HEADERS['svix-id']}/{len(mixed) - 1}", "opened"),
    ]  # fmt: skip
    assert found.ignored == 1
    assert found.rejected == tuple(f"event {n}: {why}" for n, (_, why) in enumerate(BAD, 1))
    assert parse([mixed[0], mixed[-1]], {}).rejected == tuple(
        f"event {n}: email.{status}: comes without the header svix-id"
        for n, status in enumerate(["delivered", "opened"])
    )


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed(body):
    """Whatever comes, nothing is raised."""
    assert isinstance(WEBHOOKS.parse(HEADERS, body), Parsed)
    assert not WEBHOOKS.verify(HEADERS, body + b"!", SIGNED_AT)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "data", "tags", "message_key", "created_at", "bounce", "name", "value"]), inner | st.sampled_from(["email.bounced", "message_key", "2026-11-22T23:41:12Z"]), max_size=5)))  # fmt: skip
def test_any_json_is_parsed(data):
    """Every event is accounted for: reported, ignored or rejected."""
    found = parse(data)
    events = len(data) if isinstance(data, list) else 1
    assert len(found.reports) + found.ignored + len(found.rejected) == events


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 100_000, b"1" * 10_000, b"", b"\xff", b'{"type": "\\ud800"}']
)
def test_bodies_made_to_break_a_parser(body):
    """Depth, size and halves of characters are rejected or ignored."""
    found = WEBHOOKS.parse(HEADERS, body)
    assert found.reports == ()
    assert found.ignored + len(found.rejected) == 1


def test_ten_thousand_damaged_bodies():
    """Real bodies with bytes changed, cut out and doubled: nothing is raised, and no address gets into a reject."""
    rng = np.random.default_rng(7)
    whole = np.frombuffer(
        json.dumps([event(), event("email.bounced", bounce={"type": "Permanent"})]).encode(), np.uint8
    )
    for _ in range(10_000):
        damaged = whole.copy()
        at = rng.integers(len(damaged), size=rng.integers(1, 6))
        damaged[at] = rng.integers(32, 256, len(at))
        start, end = sorted(rng.integers(len(damaged), size=2))
        cut = damaged if rng.random() < 0.5 else np.delete(damaged, slice(start, min(end, start + 9)))
        found = WEBHOOKS.parse(HEADERS, cut.tobytes())
        assert not any("@" in line or "\n" in line for line in found.rejected)


# ------------------------------------------------------------- a provider's behaviour


def test_duplicates_and_disorder():
    """Everything that the provider tells twice and out of order comes out once for each letter and status, by id."""
    letters = [
        Sent(key=f"k-{n}", to=("ann@example.com",), sender="shop@example.com", subject="Hi", text="Hi")
        for n in range(20)
    ]
    statuses = ("delivered", "bounced", "clicked")
    calls = resend_webhooks(letters, SECRET, AT, rng=np.random.default_rng(3), statuses=statuses, copies=3)
    assert len(calls) == 20 * 3 * 3
    assert all(WEBHOOKS.verify(headers, body, AT) for headers, body in calls)
    reports = [report for headers, body in calls for report in WEBHOOKS.parse(headers, body).reports]
    once = {report.id: report for report in reports}
    assert len(reports) == len(calls)
    assert len(once) == 60
    found = sorted((report.message_key, report.status) for report in once.values())
    assert found == sorted((sent.key, status) for sent in letters for status in statuses)
    in_order = sorted(calls, key=lambda call: call[0]["svix-id"])
    assert calls != in_order
