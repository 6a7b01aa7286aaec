"""The pages are templates like the letters: the shop's folder may replace any page, block or word of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from retention import web
from retention.errors import InvalidTemplate
from retention.letters import Letters, links
from retention.web.pages import Pages

from .conftest import SHOP, Site


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return folder


def at(site: Site, url: str) -> str:
    return url.removeprefix(site.shop.base_url)


def test_ours_are_good() -> None:
    """Every page can be shown in every language, whatever there is to tell."""
    found = Pages(Letters(SHOP)).examine()
    assert len(found) == 18
    assert all(one.rendered and not one.problems for one in found)


def test_words_of_the_shop(tmp_path: Path) -> None:
    """The questions, answers and topics of its letters are those of its pages."""
    own = "{% block question_away %}Where were you?{% endblock %}{% block topic_marketing %}Tea & more{% endblock %}"
    site = Site(templates=write(tmp_path, "en/words.jinja", own))
    asked = site.call("GET", at(site, links.answer_url(site.shop, "42", "away", "price", "r")))
    assert "<title>Where were you? ·" in asked.text
    assert "The prices" in asked.text
    assert "Tea &amp; more" in site.call("GET", at(site, links.preferences_url(site.shop, "42"))).text


def test_pages_of_the_shop(tmp_path: Path) -> None:
    """A block of one page, a whole page, and the look of all of them."""
    write(
        tmp_path,
        "pages/en/answered.jinja",
        '{% extends "retention:pages/en/answered.jinja" %}{% block title %}Ta{% endblock %}',
    )
    write(tmp_path, "pages/en/lost.jinja", "{% block page %}Gone, says {{ shop.name }}{% endblock %}")
    write(
        tmp_path,
        "pages/layout.jinja",
        '{% extends "retention:pages/layout.jinja" %}{% block form %}<hr>{% endblock %}',
    )
    site = Site(templates=tmp_path)
    thanks = site.call("POST", at(site, links.answer_url(site.shop, "42", "away", "price", "r")), b"value=price")
    assert all(text in thanks.text for text in ("<h1>Ta</h1>", "<p>We have your answer.", "<hr>"))
    assert site.call("GET", "/nowhere").text == "Gone, says Tea &amp; Linen"


@pytest.mark.parametrize(
    "name, text, told",
    [
        ("pages/en/lost.jinja", "Gone", r"pages/en/lost\.jinja: line 1: stands outside of every block"),
        ("pages/en/lost.jinja", "{% block title %}{% endblock %}", r"lost\.jinja: has no block 'page'"),
        (
            "pages/en/coupon.jinja",
            '{% extends "retention:pages/en/coupon.jinja" %}{% block how %}{% if offer.id == 7 %}{{ cde }}{% endif %}{% endblock %}',
            r"coupon\.jinja: block how: 'cde' is unknown; this page has shop, language, offer, state",
        ),
        (
            "pages/ru/answered.jinja",
            '{% extends "retention:pages/ru/answered.jinja" %}{% block title %}{{ shop.nmae }}{% endblock %}',
            r"ru/answered\.jinja: line 1: block title: .*nmae",
        ),
    ],
)  # fmt: skip
def test_a_page_that_cannot_be_shown_is_refused(tmp_path: Path, name: str, text: str, told: str) -> None:
    """Before the first visitor, with file, block and remedy."""
    engine = Site().engine
    engine.letters = Letters(SHOP, write(tmp_path, name, text))
    with pytest.raises(InvalidTemplate, match=told):
        web.app(engine)
