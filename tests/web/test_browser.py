"""The pages in a real browser: read, corrected, pressed, at the width of a desk and of a phone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from retention import facts
from retention.journey import Needs
from retention.letters import links


def kept(site, kind):
    (file,) = site.storage.load(["42"], Needs(frozenset({kind})))
    return file.facts


def at(served: str, site, url: str) -> str:
    return served + url.removeprefix(site.shop.base_url)


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_an_answer_is_corrected_and_sent(browser, served, site, width, language):
    """Opening keeps nothing; another answer ticked, a word added, the button pressed: that is what is kept."""
    site.profile(language=language)
    browser.resize(width)
    browser.open(at(served, site, links.answer_url(site.shop, "42", "product", "fine", "o-1")))
    assert browser.run("document.querySelector('input:checked').value") == "fine"
    assert browser.run("document.documentElement.scrollWidth <= window.innerWidth")
    assert kept(site, "answer") == ()
    browser.run("document.querySelector('input[value=size]').click()")
    browser.run("document.querySelector('textarea').value = 'Чуть мало'")
    browser.press("document.querySelector('button').click()")
    assert browser.run("document.querySelector('h1').textContent") == {"en": "Thank you", "ru": "Спасибо"}[language]
    (told,) = kept(site, "answer")
    assert (told.value, told.comment) == ("size", "Чуть мало")


def test_what_was_typed_is_not_lost(browser, served, site, tmp_path: Path):
    """An old browser lets the form go without an answer: the page comes back with the comment and says what is missing."""
    browser.resize(360)
    browser.open(at(served, site, links.answer_url(site.shop, "42", "product", "fine", "o-1")))
    browser.run("document.querySelectorAll('input').forEach(each => { each.checked = each.required = false })")
    browser.run("document.querySelector('textarea').value = 'A bit <small>'")
    browser.press("document.querySelector('button').click()")
    assert browser.run("document.querySelector('textarea').value") == "A bit <small>"
    assert "choose one" in browser.run("document.querySelector('[role=alert]').textContent")
    browser.picture(tmp_path / "missing.png")
    browser.press("document.querySelector('button').click()")
    assert [told.comment for told in kept(site, "answer")] == ["A bit <small>"]


def test_preferences_are_saved(browser, served, site):
    """A tick taken away is a consent withdrawn; the next page is in the language that was chosen."""
    site.consent()
    browser.resize(360)
    browser.open(at(served, site, links.preferences_url(site.shop, "42")))
    assert browser.run("document.documentElement.scrollWidth <= window.innerWidth")
    browser.run("document.querySelector('input[type=checkbox]').click()")
    browser.run("document.querySelector('select').value = 'ru'")
    browser.press("document.querySelector('button').click()")
    assert browser.run("document.documentElement.lang") == "ru"
    assert site.said() == [True, False]


@pytest.mark.parametrize("width", [1280, 360])
def test_a_coupon_is_read(browser, served, site, width, tmp_path: Path):
    """Its code fits on a phone."""
    about = {"id": "j/o", "customer_id": "42", "at": site.now, "journey": "j", "about": "o"}
    gives = {"offer": "ten", "offer_kind": "discount", "amount": "0.1", "code": "QGEQ-T3XV-85AY"}
    site.engine.record([facts.OfferDecided(**about, **gives, expires_at=site.now + timedelta(days=7))])
    browser.resize(width)
    browser.open(at(served, site, links.coupon_url(site.shop, "42", "j/o")))
    assert browser.run("document.querySelector('.code').textContent") == "QGEQ-T3XV-85AY"
    assert browser.run("document.documentElement.scrollWidth <= window.innerWidth")
    browser.picture(tmp_path / "coupon.png")
    assert (tmp_path / "coupon.png").stat().st_size > 5_000


def test_unsubscribing_takes_a_press(browser, served, site):
    """What a link scanner does not do."""
    site.consent()
    browser.open(served + site.path())
    assert site.said() == [True]
    browser.press("document.querySelector('button').click()")
    assert site.said() == [True, False]
