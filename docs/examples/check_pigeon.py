"""Whether the adapter of `pigeon.py` keeps the laws of its two ports, tried against a Pigeon that misbehaves."""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from datetime import datetime
from email.utils import formataddr

from pigeon import EVENTS, PigeonSender, PigeonWebhooks

from retention.testing import sender, webhook
from retention.testing.provider import Answer, Dialect, Request, Sent

TOKEN, SECRET = "pgn_token", "pgn_secret"


def read(request: Request) -> list[Sent]:
    """The letter in a request, as Pigeon's documentation says that it is written."""
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        raise ValueError("wrong token")
    said = request.json()
    return [
        Sent(
            key=said["reference"],
            to=(said["to"],),
            sender=formataddr((said["from"]["name"], said["from"]["address"])),
            subject=said["subject"],
            text=said["text"],
            headers=said["headers"],
        )
    ]


def answer(_: Sequence[Sent], refused: Sequence[bool]) -> Answer:
    """What Pigeon says to it."""
    return Answer.json(422, {"error": "bad address"}) if any(refused) else Answer(202, b'{"queued": true}')


def sign(body: bytes, at: datetime) -> dict[str, str]:
    """The headers of a webhook."""
    seconds = str(int(at.timestamp()))
    return {
        "Pigeon-Time": seconds,
        "Pigeon-Signature": hmac.digest(SECRET.encode(), f"{seconds}.".encode() + body, "sha256").hex(),
    }


PIGEON = Dialect(read=read, answer=answer, key_header="idempotency-key")
TIME = "2026-03-01T12:00:00+00:00"
BODIES = {
    status: json.dumps({"type": name, "id": f"e-{name}", "reference": "k-1", "time": TIME}).encode()
    for name, status in EVENTS.items()
}


def main() -> None:
    """Print the verdict on every law, and fail if one is broken."""
    for verdicts in (
        sender.check(lambda url: PigeonSender(TOKEN, base_url=url, timeout=0.3), dialect=PIGEON, secret=TOKEN),
        webhook.check(
            lambda: PigeonWebhooks(SECRET),
            sign=sign,
            bodies=BODIES,
            join=lambda bodies: b"[" + b",".join(bodies) + b"]",
        ),
    ):
        print(verdicts)
        verdicts.insist()


if __name__ == "__main__":
    main()
