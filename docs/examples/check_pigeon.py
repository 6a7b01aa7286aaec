"""Whether the adapter of `pigeon.py` keeps its contract: tried against a Pigeon on this machine that misbehaves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pigeon import PigeonSender

from retention.messages import Message
from retention.testing.provider import FAULTS, Answer, Dialect, Provider, Request, Sent


def read(request: Request) -> list[Sent]:
    """The letter in a request, as Pigeon's documentation says that it is written."""
    if request.headers.get("authorization") != "Bearer pgn_secret":
        raise ValueError("wrong token")
    said = request.json()
    sender = f"{said['from']['name']} <{said['from']['address']}>"
    return [
        Sent(
            key=said["reference"], to=(said["to"],), sender=sender, subject=said["subject"], text=said["text"],
            headers=said["headers"],
        )
    ]  # fmt: skip


def answer(_: Sequence[Sent], refused: Sequence[bool]) -> Answer:
    """What Pigeon says to it."""
    return Answer.json(422, {"error": "bad address"}) if any(refused) else Answer(202, b'{"queued": true}')


PIGEON = Dialect(read=read, answer=answer, key_header="idempotency-key")


def letter(key: str, to: str = "ann@example.org") -> Message:
    """A letter with the key."""
    return Message(
        key=key, to=to, sender="tea@shop.example", sender_name="Tea & Co", subject="Hello", text="Come back", html="",
        at=datetime(2026, 3, 2, 12, tzinfo=UTC), unsubscribe_url="https://shop.example/unsubscribe/token",
    )  # fmt: skip


EXPECTED = {
    "unavailable": "transient",
    "busy": "throttled",
    "busy until": "throttled",
    "unauthorized": "misconfigured",
    "forbidden": "misconfigured",
    "echo": "rejected",
}


def main() -> None:
    """Every fault has its status, nothing raises, and a letter sent twice is delivered once."""
    with Provider(PIGEON, refuses={"nobody@example.org"}) as provider:
        sender = PigeonSender("pgn_secret", base_url=provider.url, timeout=0.5)
        for fault in FAULTS:
            provider.faults.append(fault)
            (result,) = sender.send([letter(fault.replace(" ", "-"))])
            print(f"{fault:24} {result.status}")
            assert result.status == EXPECTED.get(fault, "unknown")
            assert "pgn_secret" not in result.detail
        assert sender.send([letter("bad", "nobody@example.org")])[0].status == "rejected"
        assert [sender.send([letter("good")])[0].status for _ in range(2)] == ["accepted", "accepted"]
        assert [sent.key for sent in provider.accepted].count("good") == 1
        assert provider.accepted[-1].headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


if __name__ == "__main__":
    main()
