"""The kit for webhooks keeps its word: Resend's parser passes, and parsers with a bug each are caught."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import attrs
import pytest

from retention import _hashing
from retention.ports import Parsed
from retention.testing.webhook import LAWS, check
from retention.webhooks.resend import ResendWebhooks

KEY = b"a signing secret"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
STATUSES = {"delivered": "delivered", "bounced": "bounced", "delivery_delayed": "deferred"}


def sign(body, at):
    stamp = str(int(at.timestamp()))
    return {
        "svix-id": "msg_1",
        "svix-timestamp": stamp,
        "svix-signature": "v1," + _hashing.mac(KEY, f"msg_1.{stamp}.".encode() + body),
    }


def join(bodies):
    return b"[" + b",".join(bodies) + b"]"


BODIES = {
    status: json.dumps(
        {"type": f"email.{name}", "created_at": "2026-03-01T12:00:00Z", "data": {"to": ["ann@example.com"], "tags": {"message_key": "k-1"}}}
    ).encode()
    for name, status in STATUSES.items()
}  # fmt: skip


def tried(cls):
    return check(lambda: cls(SECRET), sign=sign, bodies=BODIES, join=join)


def test_resend_keeps_every_law():
    """All of them, and without batches all but one."""
    tried(ResendWebhooks).insist()
    assert [v.state for v in tried(ResendWebhooks).all] == ["kept"] * len(LAWS)
    alone = check(lambda: ResendWebhooks(SECRET), sign=sign, bodies=BODIES)
    alone.insist()
    assert [verdict.number for verdict in alone.all if verdict.state == "skipped"] == [38]


class Reformatted(ResendWebhooks):
    def verify(self, headers, body, now):
        return super().verify(headers, body.strip(), now)


class CaseMatters(ResendWebhooks):
    def verify(self, headers, body, now):
        return "svix-id" in headers and super().verify(headers, body, now)


class BelievesAll(ResendWebhooks):
    def verify(self, headers, body, now):
        return True


class HeaderMissing(ResendWebhooks):
    def verify(self, headers, body, now):
        return super().verify(headers, body, now) if {k.lower(): v for k, v in headers.items()}["svix-id"] else False


class ForEver(ResendWebhooks):
    def __init__(self, secret):
        super().__init__(secret, tolerance=timedelta(days=365))


class Raises(ResendWebhooks):
    def parse(self, headers, body):
        json.loads(body)
        return super().parse(headers, body)


class NamesPeople(ResendWebhooks):
    def parse(self, headers, body):
        found = super().parse(headers, body)
        return attrs.evolve(
            found, rejected=tuple(f"{line}: {body.decode('utf-8', 'replace')}" for line in found.rejected)
        )


class AllOrNothing(ResendWebhooks):
    def parse(self, headers, body):
        found = super().parse(headers, body)
        return attrs.evolve(found, reports=()) if found.rejected else found


class OneId(ResendWebhooks):
    def parse(self, headers, body):
        found = super().parse(headers, body)
        return attrs.evolve(found, reports=tuple(attrs.evolve(report, id="1") for report in found.reports))


class NewIds(ResendWebhooks):
    count = 0

    def parse(self, headers, body):
        NewIds.count += 1
        found = super().parse(headers, body)
        return attrs.evolve(
            found, reports=tuple(attrs.evolve(report, id=str(NewIds.count)) for report in found.reports)
        )


class NothingReported(ResendWebhooks):
    def parse(self, headers, body):
        return Parsed()


class NoParsed(ResendWebhooks):
    def parse(self, headers, body):
        return []


@pytest.mark.parametrize(
    "cls, number",
    [
        (Reformatted, 35), (CaseMatters, 35), (BelievesAll, 35), (HeaderMissing, 35), (ForEver, 36), (Raises, 37),
        (NamesPeople, 37), (AllOrNothing, 38), (OneId, 38), (NewIds, 39), (NothingReported, 39), (NoParsed, 37),
    ],
)  # fmt: skip
def test_bugs_are_caught(cls, number):
    """Each by a law of its number."""
    assert number in {verdict.number for verdict in tried(cls).broken}
