"""The kit for senders keeps its word: good senders pass, and every planted bug is caught by the law that names it."""

from __future__ import annotations

import pytest

from retention.errors import InvalidInput
from retention.senders.maildir import MaildirSender
from retention.senders.memory import MemorySender
from retention.senders.resend import ResendSender
from retention.senders.smtp import SMTPSender
from retention.testing.laws import LawBroken
from retention.testing.planted.senders import PLANTED, GoodSender
from retention.testing.provider import RESEND
from retention.testing.sender import LAWS, check

SECRET = "re_s3cret word".replace(" ", "_")


def states(verdicts):
    return {f"{verdict.number} {verdict.name}": verdict.state for verdict in verdicts.all}


@pytest.mark.parametrize("batch", [False, True])
def test_resend_keeps_every_law(batch):
    """Alone a letter's key is remembered; a batch promises no memory, and the laws of memory say nothing about it."""
    verdicts = check(
        lambda url: ResendSender(SECRET, base_url=url, timeout=0.25, batch=batch), dialect=RESEND, secret=SECRET
    )
    verdicts.insist()
    assert states(verdicts)["32 the same key twice is one letter"] == ("skipped" if batch else "kept")
    assert sum(verdict.state == "kept" for verdict in verdicts.all) >= 17


@pytest.mark.parametrize("secret", ["", "pa ss/w:rd@"])
def test_smtp_keeps_every_law(secret):
    """With and without a login."""
    verdicts = check(lambda url: SMTPSender(url, timeout=0.25), smtp=True, secret=secret)
    verdicts.insist()
    assert states(verdicts)["34 the secret is shown nowhere"] == ("kept" if secret else "skipped")
    assert sum(verdict.state == "kept" for verdict in verdicts.all) >= 16


def test_senders_without_a_wire(tmp_path):
    """Only the laws that need no wire are tried on them."""
    for make in (lambda _: MemorySender(max_batch=2), lambda _: MaildirSender(tmp_path)):
        verdicts = check(make)
        verdicts.insist()
        assert [verdict.name for verdict in verdicts.all if verdict.state == "kept"] == [
            "results in order and number", "a look-up tells the truth", "more than a batch is refused",
        ]  # fmt: skip


def test_the_good_sender_is_good():
    """What the planted bugs are compared with keeps every law."""
    check(GoodSender, dialect=RESEND, secret="re_planted").insist()


CAUGHT_BY = {
    "results in another order": 30, "no result for a bad address": 30, "an oversized call is taken": 34,
    "the key is not passed on": 32, "every attempt has a key of its own": 32, "the sender's name is not quoted": 33,
    "a copy goes to the shop": 33, "half of the unsubscribe headers": 33, "the subject is cut to ASCII": 33,
    "the secret is in the repr": 34, "the secret is in the detail": 34, "the secret is in the log": 34,
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_every_planted_bug_is_caught(name):
    """By a law of the number that the bug breaks: 31 unless another is named here."""
    verdicts = PLANTED[name]()
    assert CAUGHT_BY.get(name, 31) in {verdict.number for verdict in verdicts.broken}
    with pytest.raises(LawBroken, match=r"^law \d+, "):
        verdicts.insist()


class Careless(MemorySender):
    answer = None

    def send(self, messages):
        super().send(messages)
        if isinstance(self.answer, Exception) and messages:
            raise self.answer
        return [self.answer for _ in messages]


@pytest.mark.parametrize("answer, why", [(None, "no Result"), (InvalidInput("bad"), "raised InvalidInput")])
def test_breaches_of_the_port_itself(answer, why):
    """An exception and an answer that is no result break the law, with what was done."""

    def make(_):
        sender = Careless()
        sender.answer = answer
        return sender

    assert why in str(check(make).broken[0])


def test_laws_have_the_numbers_of_the_reference():
    """30 to 34, and none but those."""
    assert {law.number for law in LAWS} == {30, 31, 32, 33, 34}
