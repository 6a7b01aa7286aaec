"""The page of an offer: what it is, its code, and whether it can still be used."""

from __future__ import annotations

from datetime import timedelta

import pytest

from retention import facts
from retention.letters import links


def path(site, grant="win_back/o-1"):
    return links.coupon_url(site.shop, "42", grant).removeprefix(site.shop.base_url)


@pytest.fixture
def granted(site):
    about = {"id": "win_back/o-1", "customer_id": "42", "at": site.now, "journey": "win_back", "about": "o-1"}
    gives = {"offer": "ten", "offer_kind": "discount", "amount": "0.125", "code": "QGEQ-T3XV-85AY"}
    site.engine.record([facts.OfferDecided(**about, **gives, expires_at=site.now + timedelta(days=7, hours=-1))])
    return site


@pytest.mark.parametrize(
    "language, words",
    [
        ("en", ("12.5% off", "Until 9 March 2026")),
        ("ru", ("Скидка 12,5", "Действует по 9 марта 2026 года включительно")),
    ],
)
def test_what_it_is(granted, language, words):
    """In the customer's language: words, code, last day."""
    granted.profile(language=language)
    text = granted.call("GET", path(granted)).text.replace("\N{NO-BREAK SPACE}", " ")
    assert all(word in text for word in (*words, "QGEQ-T3XV-85AY"))


def test_used_and_over(granted):
    """The code is not shown any more."""
    used = facts.OfferRedeemed(id="win_back/o-1", customer_id="42", at=granted.now, about="o-1")
    granted.now += timedelta(days=8)
    over = granted.call("GET", path(granted)).text
    assert "This offer has ended" in over
    granted.engine.record([used])
    text = granted.call("GET", path(granted)).text
    assert "This offer has been used" in text
    assert "QGEQ" not in over + text


def test_what_is_not_there(granted):
    """A forged link, an offer that was none, and somebody who was erased."""
    assert granted.call("GET", path(granted) + "x").code == 404
    assert granted.call("GET", path(granted, "win_back/o-2")).code == 404
    assert granted.call("POST", path(granted)).code == 405
    granted.engine.erase("42")
    assert granted.call("GET", path(granted)).code == 404


def test_an_offer_without_a_code(site):
    """A gift that needs none."""
    about = {"id": "j/o", "customer_id": "42", "at": site.now, "journey": "j", "about": "o"}
    gift = facts.OfferDecided(**about, offer="mug", offer_kind="gift", expires_at=site.now + timedelta(days=1))
    site.engine.record([gift])
    text = site.call("GET", path(site, "j/o")).text
    assert "A gift with your next order" in text
    assert "Type this code" not in text
