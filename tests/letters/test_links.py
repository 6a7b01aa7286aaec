"""Signed links: what goes in comes out, and nobody else can make one."""

from __future__ import annotations

import string

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from retention.errors import InvalidInput
from retention.letters import links
from retention.people import Shop

SHOP = Shop(
    name="Tea & Linen",
    sender="hello@shop.example",
    timezone="Europe/London",
    currency="GBP",
    base_url="https://shop.example/letters/",
    secret="0123456789abcdef",
)
ALPHABET = string.ascii_letters + string.digits + "-_.=+/ "


def token(shop: Shop, customer_id: str = "42", topic: str = "marketing") -> str:
    return links.unsubscribe_url(shop, customer_id, topic).removeprefix("https://shop.example/letters/unsubscribe/")


@given(st.text(), st.text())
def test_a_link_says_who_and_what(customer_id: str, topic: str) -> None:
    """Any id and topic survive the way through a link that consists of URL characters only."""
    made = token(SHOP, customer_id, topic)
    assert set(made) <= set(string.ascii_letters + string.digits + "-_.")
    assert links.read(SHOP, "unsubscribe", made) == (customer_id, topic)


@given(st.data())
def test_any_changed_character_is_refused(data: st.DataObject) -> None:
    """One character changed, taken away or added anywhere makes a link that is not the shop's."""
    made = token(SHOP, data.draw(st.text(max_size=8)))
    at = data.draw(st.integers(0, len(made) - 1))
    other = data.draw(st.sampled_from(ALPHABET).filter(lambda c: c != made[at]) | st.just(""))
    with pytest.raises(InvalidInput, match="not one of this shop's links"):
        links.read(SHOP, "unsubscribe", made[:at] + other + made[at + 1 :])
    with pytest.raises(InvalidInput):
        links.read(SHOP, "unsubscribe", made + other + "x")


@pytest.mark.parametrize("shop", [evolve(SHOP, id="other"), evolve(SHOP, secret="fedcba9876543210")])
def test_other_shops_links_are_refused(shop: Shop) -> None:
    """Another shop's id or secret makes another link."""
    with pytest.raises(InvalidInput):
        links.read(SHOP, "unsubscribe", token(shop))


@pytest.mark.parametrize("made", ["", ".", "x", "é.é", "\ud800.\ud800", "W10.", "W10.W10"])
def test_rubbish_is_refused(made: str) -> None:
    """What is no link at all is refused like a forged one."""
    with pytest.raises(InvalidInput):
        links.read(SHOP, "unsubscribe", made)


def test_the_id_and_the_topic_do_not_run_together() -> None:
    """Where the id ends and the topic begins is part of the link."""
    assert token(SHOP, "a", "bc") != token(SHOP, "ab", "c")


def test_a_link_is_good_for_one_purpose() -> None:
    """What unsubscribes does not answer a question: the purpose is signed."""
    made = links.answer_url(SHOP, "42", "service", "5", "r-1")
    kind, _, token_ = made.removeprefix(SHOP.base_url).partition("/")
    assert (kind, links.read(SHOP, "answer", token_)) == ("answer", ("42", "service", "5", "r-1"))
    with pytest.raises(InvalidInput):
        links.read(SHOP, "unsubscribe", token_)
    page = links.coupon_url(SHOP, "42", "win_back/o-1").rpartition("/")[2]
    assert links.read(SHOP, "coupon", page) == ("42", "win_back/o-1")
    assert links.read(SHOP, "preferences", links.preferences_url(SHOP, "42").rpartition("/")[2]) == ("42",)
