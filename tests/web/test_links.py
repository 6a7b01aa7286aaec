"""What holds for the links of all letters: opening one changes nothing, and whatever is posted to it is answered."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention import facts
from retention.letters import links

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
QUESTIONS = st.sampled_from(sorted(facts.QUESTIONS)) | WORDS
PARTS = st.one_of(
    st.tuples(st.just(links.unsubscribe_url), st.tuples(WORDS, WORDS)),
    st.tuples(st.just(links.preferences_url), st.tuples(WORDS)),
    st.tuples(st.just(links.coupon_url), st.tuples(WORDS, WORDS)),
    st.tuples(st.just(links.answer_url), st.tuples(WORDS, QUESTIONS, WORDS, WORDS)),
)


class OnlyRead:
    """A storage that hands out files; to ask anything else of it is an error."""

    def __init__(self, storage: object) -> None:
        self.load = storage.load


def path(site, made) -> str:
    url, parts = made
    return url(site.shop, *parts).removeprefix(site.shop.base_url)


@pytest.fixture(scope="module")
def shared(kit):
    """One shop for many links."""
    return kit.Site()


@pytest.fixture(scope="module")
def unchanging(kit):
    """A shop whose storage can only be read."""
    site = kit.Site()
    site.profile()
    site.consent()
    site.engine.storage = OnlyRead(site.storage)
    return site


@given(made=PARTS, method=st.sampled_from(["GET", "HEAD"]))
def test_opening_any_link_changes_nothing(unchanging, made, method: str) -> None:
    """Whatever the shop has signed, a robot that follows it makes the application read the customer's file at most."""
    assert unchanging.call(method, path(unchanging, made)).code in (200, 404)


@given(made=PARTS, body=st.binary(max_size=200))
def test_no_bytes_break_any_link(shared, made, body: bytes) -> None:
    """Whatever is posted to a link that the shop has signed is taken, asked again or refused."""
    assert shared.call("POST", path(shared, made), body).code in (200, 400, 404, 405)


@given(comment=st.binary(max_size=200), question=st.sampled_from(sorted(facts.QUESTIONS)))
def test_no_comment_breaks_an_answer(shared, comment: bytes, question: str) -> None:
    """A valid answer is kept with any comment, raw or encoded."""
    value = (*facts.QUESTIONS[question], "STYLE")[0]
    to = path(shared, (links.answer_url, ("42", question, value, "r-1")))
    assert shared.call("POST", to, urlencode({"value": value, "comment": comment}).encode()).code == 200
    raw = f"value={value}&comment=".encode() + comment.replace(b"&", b"").replace(b";", b"")
    assert shared.call("POST", to, raw).code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "made",
    [
        (links.answer_url, (" ", "service", "5", "r-1")),
        (links.answer_url, ("42", "a question of last year", "5", "r-1")),
        (links.answer_url, ("42", "reason", "", "r-1")),
        (links.preferences_url, ("",)),
        (links.unsubscribe_url, ("", "marketing")),
    ],
    ids=["nobody answers", "no question", "no answer", "nobody prefers", "nobody leaves"],
)
def test_a_signed_link_about_nothing_is_lost(site, made, method: str) -> None:
    """The signature is right, but there is no such customer, question or answer: 404, as for a forged one."""
    body = b"List-Unsubscribe=One-Click&preferences=1&value=5" if method == "POST" else b""
    answer = site.call(method, path(site, made), body)
    assert answer.code == 404
    assert "This link does not work" in answer.text


@pytest.mark.parametrize("customer", ["", " "])
def test_a_coupon_of_nobody_is_lost(site, customer: str) -> None:
    """A coupon's page looks for its customer first."""
    assert site.call("GET", path(site, (links.coupon_url, (customer, "j/o")))).code == 404


@pytest.mark.parametrize("url", [links.unsubscribe_url, links.preferences_url, links.coupon_url, links.answer_url])
def test_a_link_is_good_for_one_purpose(site, url) -> None:
    """Under any other name its token is a forged one."""
    parts = {links.preferences_url: ("42",), links.answer_url: ("42", "service", "5", "r-1")}.get(url, ("42", "x"))
    _, purpose, token = path(site, (url, parts)).split("/")
    for other in {"unsubscribe", "preferences", "coupon", "answer"} - {purpose}:
        assert site.call("GET", f"/{other}/{token}").code == 404
