"""MIME beside the standard library's, and SMTP beside a bare loop with ready bytes, in one run on this machine."""

from __future__ import annotations

import smtplib
import sys
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

import pytest

from retention.messages import Message, as_bytes
from retention.senders.smtp import SMTPSender
from retention.testing.relay import Relay

LETTERS = 2_000
AT = datetime(2026, 3, 1, tzinfo=UTC)
TEXTS = {
    "english": ("We miss you", "We have not seen you for a while.\n" * 40, "<p>We have not seen you for a while.</p>\n" * 120),
    "russian": ("Мы скучаем", "Давно вас не видели.\n" * 40, "<p>Давно вас не видели, заходите ещё.</p>\n" * 75),
}  # fmt: skip


def letters(language, n=LETTERS):
    subject, text, html = TEXTS[language]
    return [
        Message(
            key=f"k-{i}", to=f"ann{i}@example.com", sender="shop@example.com", sender_name="Shop", subject=subject,
            text=text, html=html, at=AT, unsubscribe_url=f"https://shop.example/u?c={i}",
        )
        for i in range(n)
    ]  # fmt: skip


def by_the_standard_library(message):
    mail = EmailMessage()
    mail["From"] = f'"{message.sender_name}" <{message.sender}>'
    mail["To"], mail["Subject"], mail["Date"] = message.to, message.subject, format_datetime(message.at)
    mail["Message-ID"] = f"<{message.key}@example.com>"
    mail["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
    mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(message.text)
    mail.add_alternative(message.html, subtype="html")
    return mail.as_bytes()


def per_second(function, arguments, timer=time.process_time):
    start = timer()
    for argument in arguments:
        function(argument)
    return len(arguments) / (timer() - start)


@pytest.mark.parametrize("language", TEXTS)
def test_mime(language):
    """At least 5,000 letters with 5 KB of HTML in a CPU second, whatever the alphabet."""
    messages = letters(language)
    ours = max(per_second(as_bytes, messages) for _ in range(3))
    theirs = per_second(by_the_standard_library, messages[:200])
    sys.stdout.write(f"\nMIME, {language}: {ours:,.0f} letters a CPU second; EmailMessage {theirs:,.0f}\n")
    assert ours >= 5_000


def test_smtp():
    """At least half as fast as a loop over smtplib that has its bytes ready, against the same server."""
    messages = letters("english")
    ready = [(message.sender, message.to, as_bytes(message)) for message in messages]
    rates: dict[str, list[float]] = {"ours": [], "bare": []}
    with Relay() as relay:
        host, port = relay.address.split(":")
        sender, line = SMTPSender(f"smtp://{relay.address}"), smtplib.SMTP(host, int(port))
        batches = [messages[start : start + 100] for start in range(0, LETTERS, 100)]
        for _ in range(3):
            start = time.perf_counter()
            results = [result for batch in batches for result in sender.send(batch)]
            rates["ours"].append(LETTERS / (time.perf_counter() - start))
            assert {result.status for result in results} == {"accepted"}
            rates["bare"].append(
                per_second(lambda one: line.sendmail(one[0], [one[1]], one[2]), ready, time.perf_counter)
            )
        sender.close()
        line.close()
        assert len(relay.accepted) == 6 * LETTERS
    ours, bare = max(rates["ours"]), max(rates["bare"])
    sys.stdout.write(f"\nSMTP: {ours:,.0f} letters a second; bare smtplib {bare:,.0f}: {ours / bare:.0%}\n")
    assert ours >= 0.5 * bare
