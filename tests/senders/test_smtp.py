"""Letters over SMTP: what each answer and each lost connection means, who is let in, and what nobody gets to see."""

from __future__ import annotations

import logging
import ssl
import threading
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from retention.errors import InvalidInput
from retention.messages import Result, as_bytes
from retention.senders.smtp import SMTPSender
from retention.testing.relay import Relay

HERE = Path(__file__).parent
PASSWORD = "s3cret word"
LOGIN = "ann%40shop:s3cret%20word"


@pytest.fixture
def relay():
    """A relay that misbehaves on demand."""
    with Relay(refuses=["refused@example.com"]) as made:
        yield made


@pytest.fixture
def sender(relay):
    """A sender to that relay, impatient."""
    made = SMTPSender(f"smtp://{relay.address}", timeout=0.25)
    yield made
    made.close()


@pytest.fixture
def tls():
    """What a server shows, and what a client must trust to believe it."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(HERE / "certificate.pem", HERE / "key.pem")
    return server, ssl.create_default_context(cafile=str(HERE / "certificate.pem"))


def statuses(results):
    return [result.status for result in results]


def test_a_real_server_gets_the_letters(smtp, letter):
    """A real server gets each letter once, byte for byte, to one recipient, all over one connection, also in the next call."""
    server = smtp()
    sender = SMTPSender(server.url)
    letters = [letter("a"), letter("b", text=".\r\n.hidden\r\n..\r\n.\r\nQUIT\r\n"), letter("c", subject="Привет")]
    assert sender.send(letters[:2]) == [Result("accepted")] * 2
    assert sender.send(letters[2:]) == [Result("accepted")]
    sender.close()
    assert [got.data for got in server.handler.letters] == [as_bytes(one) for one in letters]
    assert all(got.to == ["ann@example.com"] for got in server.handler.letters)
    assert len(server.handler.peers) == 1
    assert message_from_bytes(server.handler.letters[2].data, policy=policy.default)["Subject"] == "Привет"
    assert sender.send([]) == []


def test_a_sender_may_be_used_after_it_was_closed(relay, letter):
    """The next call connects anew."""
    sender = SMTPSender(f"smtp://{relay.address}")
    sender.close()
    for key in "ab":
        assert sender.send([letter(key)]) == [Result("accepted")]
        sender.close()


@pytest.mark.parametrize(
    "fault, status",
    [
        ("deferred", "transient"), ("late refusal", "rejected"), ("late deferral", "transient"),
        ("login required", "misconfigured"), ("lost answer", "unknown"), ("slow", "unknown"),
        ("going away", "transient"), ("closed before the letter", "transient"), ("silent", "transient"),
        ("nonsense", "transient"),
    ],
)  # fmt: skip
def test_law_31_what_a_first_letter_meets(relay, sender, letter, fault, status):
    """Each answer and each loss has its class, and nothing that the relay took is called anything but unknown."""
    relay.faults.append(fault)
    (result,) = sender.send([letter()])
    assert result.status == status
    assert len(relay.accepted) == (status == "unknown")
    assert "@example.com" not in result.detail
    assert sender.send([letter("next")]) == [Result("accepted")]


@pytest.mark.parametrize(
    "fault, first",
    [
        ("deferred", "transient"), ("late refusal", "rejected"), ("lost answer", "unknown"), ("slow", "unknown"),
        ("going away", "accepted"), ("closed before the letter", "accepted"), ("silent", "accepted"), ("nonsense", "accepted"),
    ],
)  # fmt: skip
def test_law_31_the_rest_of_a_batch(relay, sender, letter, fault, first):
    """After a letter that meets trouble the others go on, over a new connection if need be; so does a letter not yet handed over."""
    assert sender.send([letter("before")]) == [Result("accepted")]
    relay.faults.append(fault)
    assert statuses(sender.send([letter("a"), letter("b"), letter("c")])) == [first, "accepted", "accepted"]
    assert len(relay.accepted) == 3 + (first in {"unknown", "accepted"})


@pytest.mark.parametrize("fault, first", [("refused and closed", "rejected"), ("late nonsense", "unknown")])
def test_answers_of_a_strange_server(relay, sender, letter, fault, first):
    """A refusal stands though the server hangs up after it; what is no answer leaves a letter in doubt."""
    assert sender.send([letter("before")]) == [Result("accepted")]
    relay.faults.append(fault)
    assert statuses(sender.send([letter("a"), letter("b")])) == [first, "accepted"]
    assert len(relay.accepted) == 2


def test_one_refused_recipient(relay, sender, letter):
    """A bad address is rejected, with the server's words and without the address; its neighbours arrive."""
    results = sender.send([letter("a"), letter("b", to="refused@example.com"), letter("c")])
    assert results == [
        Result("accepted"), Result("rejected", "550 5.1.1 <<address>>: no such mailbox"), Result("accepted"),
    ]  # fmt: skip
    assert [taken.to for taken in relay.accepted] == [("ann@example.com",)] * 2


@pytest.mark.parametrize("fault, first", [("silent", "transient"), ("slow", "unknown")])
def test_a_server_that_hangs_costs_one_timeout(relay, sender, letter, fault, first):
    """A new connection without any answer ends the call: the rest is transient and was not tried."""
    relay.faults.extend([fault] * 10)
    assert statuses(sender.send([letter(key) for key in "abcde"])) == [first] + ["transient"] * 4
    assert len(relay.faults) == 9


def test_a_login_that_is_required_stops_the_call(relay, sender, letter):
    """What every letter would meet is not asked again for each of them."""
    relay.faults.extend(["login required"] * 3)
    assert statuses(sender.send([letter("a"), letter("b")])) == ["misconfigured"] * 2
    assert len(relay.faults) == 2


def test_a_connection_that_went_stale(relay, sender, letter):
    """One that was closed while idle is replaced, and no letter is sent twice."""
    relay.faults.append("closed when idle")
    assert statuses(sender.send([letter("a")]) + sender.send([letter("b")])) == ["accepted"] * 2
    assert len(relay.accepted) == 2


def test_nobody_listens(letter):
    """Without a server everything is transient, after one try."""
    with Relay() as relay:
        url = f"smtp://{relay.address}"
    results = SMTPSender(url).send([letter("a"), letter("b")])
    assert statuses(results) == ["transient"] * 2
    assert results[0].detail.startswith("no connection: ")


def test_several_threads(relay, sender, letter):
    """Each call has a connection of its own; nothing is lost or mixed up."""
    keys = [[f"{n}-{i}" for i in range(20)] for n in range(4)]
    threads = [threading.Thread(target=sender.send, args=([letter(key) for key in some],)) for some in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = sorted(message_from_bytes(taken.data)["Message-ID"] for taken in relay.accepted)
    assert found == sorted(f"<{key}@example.com>" for some in keys for key in some)


# ------------------------------------------------------------- who is let in


def test_starttls_and_login(smtp, letter, tls, login):
    """A server that wants STARTTLS and a password gets both."""
    server = smtp(tls_context=tls[0], require_starttls=True, auth_required=True, authenticator=login)
    sender = SMTPSender(f"smtp://{LOGIN}@localhost:{server.port}", starttls=True, context=tls[1])
    assert sender.send([letter()]) == [Result("accepted")]
    sender.close()


def test_smtps(letter, tls, relay):
    """A server that speaks no TLS at all is a mistake in the URL."""
    (result,) = SMTPSender(f"smtps://{relay.address}", context=tls[1], timeout=1).send([letter()])
    assert result.status in {"misconfigured", "transient"}
    assert relay.accepted == []


def test_an_unknown_certificate(smtp, letter, tls):
    """Certificates are verified unless the caller brings a context of their own."""
    server = smtp(tls_context=tls[0])
    (result,) = SMTPSender(f"smtp://localhost:{server.port}", starttls=True).send([letter()])
    assert result.status == "misconfigured"
    assert "certificate verify failed" in result.detail
    assert server.handler.letters == []


def test_starttls_that_is_not_offered(letter, relay):
    """Where it is required, nothing is sent without it."""
    (result,) = SMTPSender(f"smtp://{relay.address}", starttls=True).send([letter()])
    assert result == Result("misconfigured", "no connection: STARTTLS extension not supported by server.")


@pytest.mark.parametrize(
    "host, starttls, user, offered, wanted",
    [
        ("mail.example.com", None, "", True, True),
        ("mail.example.com", None, "", False, False),
        ("mail.example.com", None, "ann", False, True),  # and fails, rather than show the password
        ("mail.example.com", False, "ann", True, False),
        ("mail.example.com", True, "", False, True),
        ("localhost", None, "ann", True, False),
        ("127.0.0.1", True, "", True, True),
    ],
)
def test_when_starttls_is_used(host, starttls, user, offered, wanted):
    """By default where it is offered, never for letters on this machine, and always before a password leaves it."""
    url = f"smtp://{user and 'ann:pw@'}{host}"
    assert SMTPSender(url, starttls=starttls)._server.wants_starttls(offered=offered) is wanted
    assert not SMTPSender(url.replace("smtp:", "smtps:"), starttls=starttls)._server.wants_starttls(offered=offered)


@pytest.mark.parametrize("knows, status", [(True, "accepted"), (False, "misconfigured"), (None, "misconfigured")])
def test_law_34_a_password_is_shown_nowhere(letter, caplog, knows, status):
    """Not in the repr, the logs or the details, though the server repeats what it was told."""
    caplog.set_level(logging.DEBUG)
    with Relay(knows=knows) as relay:
        sender = SMTPSender(f"smtp://{LOGIN}@{relay.address}")
        (result,) = sender.send([letter()])
        sender.close()
        assert result.status == status
        assert repr(sender) == f"SMTPSender('smtp://{relay.address}')"
    shown = f"{sender!r} {sender._server!r} {result} {caplog.text}"
    assert not any(secret in shown for secret in (PASSWORD, "s3cret", "AGFubkBzaG9w", "ann@shop"))


@pytest.mark.parametrize(
    "url, match",
    [
        ("http://secret:secret@localhost", "url: the scheme is 'http'; write smtp://host or smtps://host"),
        ("localhost:25", "url: the scheme is 'localhost'"),
        ("smtp://", "url: no host"),
        ("smtp://secret:secret@", "url: no host"),
        ("smtp://a b", "url: no host"),
        ("smtp://localhost:99999", "url: cannot be read"),
        ("smtp://[::1", "url: cannot be read"),
        ("smtp://u:secret/x@localhost", "url: "),
        ("smtp://localhost/?secret", "url: something follows the host"),
        ("smtp://secret@localhost", "url: user and password come together"),
        ("smtp://u:secret%C3%A9@localhost", "url: user and password hold characters beyond ASCII"),
    ],
)
def test_urls_that_cannot_be_used(url, match):
    """One line with a remedy, when the sender is made, and never with the URL in it."""
    with pytest.raises(InvalidInput, match=match) as caught:
        SMTPSender(url)
    assert "secret" not in str(caught.value)


def test_what_the_url_says():
    """Ports have their defaults, and IPv6 its brackets."""
    assert repr(SMTPSender("smtp://mail.example.com")) == "SMTPSender('smtp://mail.example.com:587')"
    assert repr(SMTPSender("smtps://[::1]/")) == "SMTPSender('smtps://[::1]:465')"


def test_law_34_more_than_a_batch_is_refused(relay, letter):
    """Before anything is handed over."""
    with pytest.raises(InvalidInput, match="messages: 3 in one call; send at most 2"):
        SMTPSender(f"smtp://{relay.address}", max_batch=2).send([letter()] * 3)
    assert relay.accepted == []
