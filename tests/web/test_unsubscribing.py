"""The unsubscribe link: opening it changes nothing, posting to it counts, also for the second time round."""

from __future__ import annotations

import urllib.parse
import urllib.request
from datetime import timedelta
from html.parser import HTMLParser

import attrs
import pytest

from retention import facts
from retention.journey import Needs
from retention.journey.customer import customer_of

MULTIPART = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'


class Page(HTMLParser):
    """What a reader, or a program that reads aloud, finds on a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [given for name, given in self.tags if name == tag]


class Watched:
    """A storage that lists the calls it gets."""

    def __init__(self, storage: object) -> None:
        self.storage, self.calls = storage, []

    def __getattr__(self, name: str) -> object:
        self.calls.append(name)
        return getattr(self.storage, name)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_opening_the_link_changes_nothing(kit, site, method: str) -> None:
    """F17: whoever merely follows the link (a scanner, a prefetch) leaves no trace in the storage, not even the time."""
    site.consent()
    watched = Watched(site.storage)
    site.engine.storage = watched
    answer = site.call(method, site.path())
    assert answer.code == 200
    assert watched.calls == ["load"]
    assert site.said() == [True]


def test_head_is_get_without_the_page(site) -> None:
    """HEAD answers what GET would, length included, and no body."""
    get, head = site.call("GET", site.path()), site.call("HEAD", site.path())
    assert (head.code, head.headers, head.body) == (get.code, get.headers, b"")
    assert int(get.headers["Content-Length"]) == len(get.body)


@pytest.mark.parametrize("body", [b"List-Unsubscribe=One-Click", MULTIPART], ids=["urlencoded", "multipart"])
def test_posting_ends_the_letters(site, body: bytes) -> None:
    """RFC 8058: a post with the pair, in either form encoding, withdraws the consent and is answered with a page."""
    site.consent()
    site.now += timedelta(days=1)
    answer = site.call("POST", site.path(), body)
    assert answer.code == 200
    assert "You are unsubscribed" in answer.text
    assert "<button" not in answer.text
    (file,) = site.storage.load(["42"], Needs())
    last = file.facts[-1]
    assert attrs.evolve(last, id="-") == facts.ConsentChanged(
        id="-", customer_id="42", at=site.now, topic="marketing", granted=False
    )


@pytest.mark.parametrize("body", [b"", b"x=1", b"List-Unsubscribe=No", b"One-Click", b"\xff\x00"])
def test_posting_anything_else_asks_again(site, body: bytes) -> None:
    """A post without the pair is no unsubscribe: status 400, and the page with the button."""
    site.consent()
    answer = site.call("POST", site.path(), body)
    assert answer.code == 400
    assert "<button" in answer.text
    assert site.said() == [True]


def test_twice_is_once(site) -> None:
    """Posting again, later or at the same moment, adds no fact and is answered as before."""
    site.consent()
    site.now += timedelta(days=1)
    first = site.call("POST", site.path(), b"List-Unsubscribe=One-Click")
    site.now += timedelta(days=1)
    again = site.call("POST", site.path(), b"List-Unsubscribe=One-Click")
    assert (again.code, again.text) == (first.code, first.text)
    assert site.said() == [True, False]


def test_two_posts_that_saw_the_same_consent_are_one(site) -> None:
    """Two workers that read the file before either wrote record one withdrawal: its id is made of the consent."""
    site.consent()
    before = site.storage.load(["42"], Needs())
    for _ in range(2):
        site.now += timedelta(seconds=1)
        site.engine.storage = Stale(site.storage, before)
        assert site.call("POST", site.path(), b"List-Unsubscribe=One-Click").code == 200
    assert site.said() == [True, False]


class Stale:
    """A storage whose files are those of an earlier moment."""

    def __init__(self, storage: object, files: object) -> None:
        self.storage, self.files = storage, files

    def load(self, customer_ids, needs):
        return self.files

    def __getattr__(self, name: str) -> object:
        return getattr(self.storage, name)


def test_an_old_link_counts_again_after_a_new_consent(site) -> None:
    """Consent, unsubscribe, consent once more: the same link, years later, ends the letters again."""
    for _ in range(3):
        site.consent()
        site.now += timedelta(days=1)
        site.call("POST", site.path(), b"List-Unsubscribe=One-Click")
        site.now += timedelta(days=1)
    assert site.said() == [True, False] * 3


def test_without_a_consent_on_file_the_word_is_kept(site) -> None:
    """Nobody can vouch for a consent of somebody who unsubscribed before there was one on file."""
    site.call("POST", site.path(), b"List-Unsubscribe=One-Click")
    site.call("POST", site.path(), b"List-Unsubscribe=One-Click")
    assert site.said() == [False]


def test_customers_do_not_share_a_withdrawal(site) -> None:
    """Two customers without a consent on file, and two topics of one of them, are three facts."""
    for who, topic in (("42", "news"), ("43", "news"), ("43", "win-back")):
        assert site.call("POST", site.path(who, topic), b"List-Unsubscribe=One-Click").code == 200
        assert site.said(who, topic) == [False]


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(seconds=3), timedelta(days=300)])
def test_a_fast_clock_cannot_undo_it(site, ahead: timedelta) -> None:
    """A consent dated at this very moment or later, by a server whose clock is fast, is withdrawn too: now and then."""
    site.consent(at=site.now - timedelta(days=9))
    site.consent(at=site.now + ahead, id="zzz: after the withdrawal, if only the time did not tell")
    site.call("POST", site.path(), b"List-Unsubscribe=One-Click")
    (file,) = site.storage.load(["42"], Needs())
    for moment in (site.now + timedelta(microseconds=1), site.now + ahead + timedelta(seconds=1)):
        known = [fact for fact in file.facts if fact.at <= moment]
        assert customer_of("42", known, timezone="UTC", language="en").topics == frozenset()


def test_a_link_ends_its_own_topic_only(site) -> None:
    """F18: the consent for other topics and for other channels stays."""
    site.consent(topic="news")
    site.consent(topic="win-back")
    site.now += timedelta(days=1)
    site.consent(topic="news", channel="sms", granted=False)
    site.now += timedelta(days=1)
    site.call("POST", site.path(topic="news"), b"List-Unsubscribe=One-Click")
    (file,) = site.storage.load(["42"], Needs())
    _, withdrawn = [fact for fact in file.facts if not fact.granted]
    assert (withdrawn.topic, withdrawn.channel) == ("news", "email")
    assert site.said(topic="win-back") == [True]


def test_the_link_of_a_merged_customer_still_works(site) -> None:
    """Who bought as a guest and registered later is unsubscribed by the links of the guest's letters."""
    site.consent(customer_id="guest")
    site.profile("42", language="ru")
    site.engine.record([facts.CustomersMerged(id="m", customer_id="guest", at=site.now, into="42")])
    site.now += timedelta(days=1)
    answer = site.call("POST", site.path("guest"), b"List-Unsubscribe=One-Click")
    assert 'lang="ru"' in answer.text
    assert site.said("42") == [True, False]


def test_a_queued_letter_does_not_leave_any_more(site) -> None:
    """The press of the button reaches letters that are waiting already: they are looked at once more before sending."""
    site.profile(email="ann@example.org")
    site.consent()
    order = facts.OrderPlaced(id="1", customer_id="42", at=site.now - timedelta(days=75), total="30", currency="GBP")
    site.engine.record([order])
    site.now += timedelta(seconds=1)
    site.engine.scan()
    assert site.engine.tick()["send"] == 1
    assert site.call("POST", site.path(), b"List-Unsubscribe=One-Click").code == 200
    site.now += timedelta(seconds=1)
    site.engine.deliver()
    assert site.sender.messages == {}
    (file,) = site.storage.load(["42"], Needs())
    assert [(outcome.status, outcome.reason) for outcome in file.outcomes] == [("cancelled", "no_consent")]


@pytest.mark.parametrize(
    "language, shops, asked, done",
    [
        ("en", "ru", "No more of these letters?", "You are unsubscribed"),
        ("ru", "en", "Больше не присылать такие письма?", "Вы отписаны"),
        (None, "ru", "Больше не присылать такие письма?", "Вы отписаны"),
        ("fr", "en", "No more of these letters?", "You are unsubscribed"),
    ],
)
def test_the_page_speaks_the_customers_language(kit, language, shops, asked, done) -> None:
    """The customer's language if it is one of ours, else the shop's; question and answer in the same."""
    site = kit.Site(language=shops)
    if language:
        site.profile(language=language)
    assert asked in site.call("GET", site.path()).text
    assert done in site.call("POST", site.path(), kit.ONE_CLICK).text


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_page_is_accessible(kit, language: str) -> None:
    """A language, a title, one heading, a viewport, one button in a form that posts the pair to its own address."""
    site = kit.Site(language=language)
    page = Page(site.call("GET", site.path()).text)
    assert page.all("html") == [{"lang": language}]
    assert len(page.all("title")) == len(page.all("h1")) == len(page.all("main")) == len(page.all("button")) == 1
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")
    assert page.all("form") == [{"method": "post"}]
    (pair,) = page.all("input")
    assert (pair["name"], pair["value"]) == ("List-Unsubscribe", "One-Click")
    assert not page.all("script") + page.all("img") + page.all("link")
    assert "Tea & Linen" in page.words


def test_the_shops_name_is_escaped(kit) -> None:
    """A name is text, whatever it looks like."""
    site = kit.Site(name="<script>alert(1)</script>")
    assert "<script>" not in site.call("GET", site.path()).text


def test_over_http(served, site) -> None:
    """Behind a real server, under a prefix: the link of a letter, opened, and its own form sent as a browser does."""
    site.consent()
    site.now += timedelta(days=1)
    link = served + site.path()
    with urllib.request.urlopen(link) as answer:
        page = Page(answer.read().decode())
    form = {field["name"]: field["value"] for field in page.all("input")}
    assert site.said() == [True]
    with urllib.request.urlopen(link, urllib.parse.urlencode(form).encode()) as answer:
        assert answer.status == 200
    assert site.said() == [True, False]
