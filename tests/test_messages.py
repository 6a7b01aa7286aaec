"""A letter is complete and frozen, the same bytes for ever, and no text in any field breaks out of its place."""

from __future__ import annotations

import json
from base64 import encodebytes
from binascii import b2a_qp
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import parseaddr, parsedate_to_datetime

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from retention import _records, messages
from retention.errors import InvalidInput
from retention.messages import Message, Result, as_bytes

FIELDS = {
    "key": "0f5d5e1c-1b1b-5bbb-8ccc-0123456789ab", "to": "ann@example.com", "sender": "shop@shop.example",
    "sender_name": "Shop", "subject": "Hello", "text": "Come back", "html": "<p>Come back</p>",
    "at": datetime(2026, 3, 1, 12, tzinfo=UTC), "unsubscribe_url": "https://shop.example/u?c=1&s=abc",
}  # fmt: skip

one_line = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=120)
instants = st.datetimes(datetime(1900, 1, 1), datetime(2200, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
body = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


def message(**fields):
    return Message(**FIELDS | fields)


def parsed(letter):
    return message_from_bytes(as_bytes(letter), policy=policy.default)


def as_read(text):
    """A body as every mail program reads it: lines end alike, and no empty ones follow the last."""
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


def contents(part):
    return part.get_payload(decode=True).decode("utf-8").replace("\r\n", "\n").rstrip("\n")


def sender_of(mail: bytes):
    """Name and address, decoded by the older of the library's two parsers: the newer puts spaces between encoded words."""
    name, address = parseaddr(message_from_bytes(mail, policy=policy.compat32)["From"].replace("\r\n", ""))
    return str(make_header(decode_header(name))), address


# ------------------------------------------------------------- records


@given(one_line, body.filter(str.strip), body, instants, st.booleans())
def test_messages_survive_json(subject, text, html, at, promotional):
    """Through JSON text and back nothing changes, so a key always means the same bytes."""
    letter = message(subject=subject, text=text, html=html, at=at, promotional=promotional)
    assert messages.from_json(json.loads(_records.text(messages.to_json(letter)))) == letter


@pytest.mark.parametrize("written", [2, None, "1"])
def test_another_format(written):
    """A message of a newer version is refused."""
    with pytest.raises(InvalidInput, match=f"format: {written!r} of a message is unknown; update the library"):
        messages.from_json(messages.to_json(message()) | {"format": written})


@pytest.mark.parametrize(
    "fields, match",
    [
        ({"to": "ann@example.com, eve@example.com"}, "to: .* is no e-mail address"),
        ({"sender": "shop"}, "sender: 'shop' is no e-mail address"),
        ({"text": " \n"}, "text: empty; every letter needs a text part"),
        ({"unsubscribe_url": ""}, "unsubscribe_url: missing; a promotional letter must offer one-click unsubscribe"),
        ({"unsubscribe_url": "https://a>, <mailto:x@y"}, "unsubscribe_url: .* is no web address"),
        ({"unsubscribe_url": "mailto:x@y.z"}, "unsubscribe_url: .* is no web address"),
        ({"unsubscribe_url": None}, "unsubscribe_url: None is no web address"),
        ({"promotional": 1}, "promotional: 1 is neither"),
        ({"key": "a b"}, "key: 'a b' is no key"),
        ({"html": None}, "html: None is no text"),
        ({"at": datetime(2026, 3, 1)}, "at: .* has no timezone"),  # noqa: DTZ001
    ],
)
def test_messages_that_cannot_be(fields, match):
    """Each wrong field is named with a remedy."""
    with pytest.raises(InvalidInput, match=match):
        message(**fields)


@pytest.mark.parametrize("field", ["subject", "sender_name"])
@pytest.mark.parametrize("bad", ["\r\nBcc: eve@example.com", "\n", "\r", "\0", "\t", "\x0b", "\x1d", "\x7f", "\x85", "\u2028", "\u2029"])  # fmt: skip
def test_law_33_no_line_breaks_in_headers(field, bad):
    """Anything that some reader takes for the end of a line is refused when the message is built."""
    with pytest.raises(
        InvalidInput, match=f"^{field}: .* holds a control character or line break; a header is one line"
    ):
        message(**{field: f"Hello{bad}there"})


# ------------------------------------------------------------- bytes


@given(one_line, one_line, body.filter(str.strip), body)
@example("=?utf-8?b?SGk=?=", '"Shop" <eve@example.com>,', "--=_" + FIELDS["key"], "x" * 2000)
@example(" two  spaces ", "a\\b", ".\n..\nFrom me", "é" * 999)
@example("x" * 2000, "ы" * 200, "trailing \n\tspace\t \n", "=3D=\n" * 3)
@example("", " ", "\r\rx\n\r", "\x00")
def test_law_33_any_text_stays_in_its_field(subject, name, text, html):
    """What is written is read again, field by field, by the standard library's parser, and nothing else appears."""
    letter = message(subject=subject, sender_name=name, text=text, html=html)
    mail = parsed(letter)
    assert mail.defects == []
    assert mail["Subject"] == subject
    assert sender_of(as_bytes(letter)) == (name, "shop@shop.example")
    assert [address.addr_spec for address in mail["To"].addresses] == ["ann@example.com"]
    names = [
        "From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "MIME-Version",
        "Content-Type",
    ]  # fmt: skip
    parts = list(mail.iter_parts()) if html else [mail]
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"][: 1 + bool(html)]
    assert mail.keys() == names + ([] if html else ["Content-Transfer-Encoding"])
    assert [contents(part) for part in parts] == [as_read(text), as_read(html)][: len(parts)]


@given(one_line, one_line, body.filter(str.strip), body)
@example("x" * 5000, "y" * 5000, "z" * 5000, "w" * 5000)
@example("💌" * 500, "💌" * 500, "💌" * 500, "💌" * 500)
def test_lines_are_short_and_ascii(subject, name, text, html):
    """Every line ends in CRLF, is ASCII and within the 998 characters of RFC 5322; encoded words within 75 (RFC 2047)."""
    raw = as_bytes(message(subject=subject, sender_name=name, text=text, html=html))
    assert raw.isascii()
    assert raw.endswith(b"\r\n")
    lines = raw.split(b"\r\n")
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    assert max(map(len, lines)) <= 998
    words = [word for line in lines if line.startswith((b"Subject: =?", b" =?")) for word in line.split()[-1:]]
    assert all(len(word) <= 75 for word in words)


def test_a_plain_letter_is_plain():
    """A letter without odd characters can be read as it is."""
    letter = message(sender_name='The "Shop"', promotional=False, unsubscribe_url="", html="")
    assert as_bytes(letter).decode().split("\r\n") == [
        'From: "The \\"Shop\\"" <shop@shop.example>',
        "To: ann@example.com",
        "Subject: Hello",
        "Date: Sun, 01 Mar 2026 12:00:00 +0000",
        f"Message-ID: <{FIELDS['key']}@shop.example>",
        "MIME-Version: 1.0",
        'Content-Type: text/plain; charset="utf-8"',
        "Content-Transfer-Encoding: 7bit",
        "",
        "Come back",
        "",
    ]
    assert as_bytes(message(sender_name="")).startswith(b"From: shop@shop.example\r\n")


def test_the_shorter_encoding_is_taken():
    """A few letters of another alphabet leave a body readable, many make base64 the shorter."""
    encodings = [
        parsed(message(text=text, html=""))["Content-Transfer-Encoding"] for text in ("Hi", "Hi " * 9 + "é", "Привет")
    ]
    assert encodings == ["7bit", "quoted-printable", "base64"]


def test_long_links_stay_in_one_piece():
    """A signed link of 800 characters is neither folded nor encoded in its header."""
    url = "https://shop.example/u?s=" + "a1-_%20~" * 100
    assert f"\r\nList-Unsubscribe: <{url}>\r\n".encode() in as_bytes(message(unsubscribe_url=url))


def test_law_33_both_unsubscribe_headers():
    """Promotional letters offer one click as RFC 8058 wants it, and others may."""
    for letter in (message(), message(promotional=False)):
        mail = parsed(letter)
        assert mail["List-Unsubscribe"] == f"<{letter.unsubscribe_url}>"
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert parsed(message(promotional=False, unsubscribe_url=""))["List-Unsubscribe"] is None


def test_the_same_message_is_the_same_bytes():
    """Equal messages give equal bytes; the key is in the Message-ID and the time of the decision is its date."""
    letter = message()
    assert as_bytes(letter) == as_bytes(attrs.evolve(letter))
    mail = parsed(letter)
    assert mail["Message-ID"] == f"<{letter.key}@shop.example>"
    assert parsedate_to_datetime(mail["Date"]) == letter.at


@given(st.from_regex(r"[A-Za-z0-9._-]{1,128}", fullmatch=True))
@example("_")
@example("_-")
@example("._-.__")
def test_keys_survive_as_tags(key):
    """A tag holds what every provider takes, at most 256 characters, and gives the key back."""
    tag = messages.as_tag(key)
    assert set(tag) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
    assert len(tag) <= 256
    assert messages.from_tag(tag) == key


def test_results_are_values():
    """Two results of the same kind are equal."""
    assert Result("throttled", "busy", timedelta(seconds=5)) == Result("throttled", "busy", timedelta(seconds=5))
    assert Result("accepted") == Result("accepted", "", None)


@pytest.mark.parametrize("accents", [1, 5, 10, 15, 20, 25, 30, 59])
def test_the_encoding_is_as_short_as_can_be(accents):
    """For every share of letters that are not ASCII the body is the shorter of the two, quoted if both are as long."""
    text = "é" * accents + "x" * (120 - 2 * accents) + "\n"
    both = {"quoted-printable": b2a_qp(text.encode()), "base64": encodebytes(text.encode())}
    encoding = min(both, key=lambda name: len(both[name]))
    assert messages._encoded(text) == (encoding, both[encoding].decode())
