"""The check finds, before the first letter, everything that would make one fail or embarrass."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from retention.errors import InvalidInput, InvalidTemplate
from retention.journey.conditions import Exists
from retention.journey.definition import After, Choice, Facts, Journey, Step, Variant
from retention.letters import Letters
from retention.people import LANGUAGES, Shop
from retention.playbooks import win_back

SHOP = Shop(
    name="Tea & Linen",
    sender="hello@shop.example",
    timezone="Europe/London",
    currency="GBP",
    base_url="https://shop.example",
    secret="0123456789abcdef",
)


def source(**blocks: str) -> str:
    """An English letter with these blocks beside, or in place of, good ones."""
    blocks = {"subject": "Hello", "preheader": "Hello again", "words": "One."} | blocks
    written = (f"{{% block {name} %}}{text}{{% endblock %}}" for name, text in blocks.items())
    return '{% extends "en/layout.jinja" %}' + "".join(written)


GOOD = source()


def journey(**options: object) -> Journey:
    return Journey(
        name="own", trigger=Facts("order"), steps=[Step(id="a", moment=After(), template="own/a", **options)]
    )


def letters(folder: Path, english: str) -> Letters:
    for language in LANGUAGES:
        path = folder / language / "own" / "a.jinja"
        path.parent.mkdir(parents=True)
        path.write_text(english if language == "en" else GOOD, "utf-8")
    return Letters(SHOP, folder)


def test_our_letters_are_good() -> None:
    """Every letter of the playbooks passes for every shop."""
    Letters(SHOP).check([win_back()])
    Letters(evolve(SHOP, language="ru", currency="RUB", timezone="Asia/Vladivostok")).check([win_back()])


@pytest.mark.parametrize("promotional", [True, False])
def test_a_good_letter_passes(tmp_path: Path, promotional: bool) -> None:
    """Three blocks are a letter."""
    letters(tmp_path, GOOD).check([journey(promotional=promotional)])


@pytest.mark.parametrize(
    "block, text, told",
    [
        pytest.param(
            "words", "{{ nobody }}", "block words: 'nobody' is unknown; a letter has customer.name,", id="name"
        ),
        pytest.param(
            "words",
            "One. {% if customer.name == 'Zoe' %}{{ customer.nmae }}{% endif %}",
            "block words: 'customer.nmae' is unknown",
            id="in a branch that is never taken",
        ),
        pytest.param(
            "words",
            "{% if days_silent == 7 %}{{ last_order.total.amount.sum }}{% endif %}",
            "'last_order.total.amount.sum' is unknown",
            id="deep",
        ),
        pytest.param(
            "subject", "{{ last_order.date }}", "block subject: 'None' has no attribute 'date'", id="no order"
        ),
        pytest.param(
            "words",
            "{% for name in last_order.products or [] %}{{ name.price }}{% endfor %}",
            "block words: 'str object' has no attribute 'price'",
            id="variable of a loop",
        ),
        pytest.param("words", "{{ shop.secret }}", "'shop.secret' is unknown", id="secret"),
        pytest.param(
            "words", "{{ days_silent | plural(one='day', other='days') }}", "block words: bad operand", id="no days"
        ),
        pytest.param("subject", " \n", "block subject: empty for some customers", id="empty subject"),
        pytest.param("preheader", "{{ customer.name }}", "block preheader: empty for some customers", id="nameless"),
        pytest.param("html_part", "<p></p>{{ unsubscribe_url[:0] }}", "block html: empty", id="empty html"),
        pytest.param(
            "subject", "Dear {{ customer.name }}, hi", "block subject: without a name it reads 'Dear ,'", id="Dear ,"
        ),
        pytest.param("words", "Hello, {{ customer.name }}!", "block text: without a name it reads", id="Hello, !"),
        pytest.param("html", "<p>Dear <b>{{ customer.name }}</b>,", "block html: without a name", id="Dear , in HTML"),
        pytest.param(
            "subject", "{{ 'long ' * 31 }}", "block subject: 154 characters for long names; at most 150", id="long"
        ),
        pytest.param(
            "html",
            "{% for name in last_order.products if last_order %}{{ name | safe }}{% endfor %}Hi",
            "'None' has no attribute 'products'",
            id="loop before its condition",
        ),
        pytest.param(
            "html",
            "Hi{% if last_order %}{{ last_order.products | join | safe }}{% endif %}",
            "block html: a name is written as HTML; take away |safe",
            id="unescaped",
        ),
        pytest.param("html", '<a href="">Hi</a>', "block html_part: the link '' leads nowhere", id="empty link"),
        pytest.param(
            "html",
            "<a href='https://else.example/'>Hi</a>",
            "name the site with --allow-link else.example",
            id="elsewhere",
        ),
        pytest.param(
            "html", '<a href="mailto:you@else.example">Hi</a>', "leads to else.example, which", id="another mailbox"
        ),
        pytest.param("html", '<a href="https://shop.example.else.example/">Hi</a>', "leads to shop.exam", id="alike"),
        pytest.param("html", '<a href="https://notshop.example/">Hi</a>', "leads to notshop.example", id="longer"),
        pytest.param("html", '<a href="https://[">Hi</a>', "the link 'https://[' leads nowhere", id="half a link"),
        pytest.param("html", '<a href="javascript:go()">Hi</a>', "leads nowhere that we know", id="script"),
        pytest.param(
            "words",
            "{{ preferences_url[:-3] }}",
            "block text_part: the link 'https://shop.example/preferences/",
            id="broken signature",
        ),
        pytest.param("subject", "{{ 'long ' * 16 }}", "79 characters for an ordinary customer; at most 78", id="cut"),
        pytest.param(
            "words",
            "Hi{% if last_order %}{{ last_order.products | join | escape }}{% endif %}",
            "written as HTML in plain text; take away |escape",
            id="escaped",
        ),
        pytest.param("text_part", "Bye", "block text_part: no way to unsubscribe", id="text without link"),
        pytest.param("html_part", "Bye", "block html_part: no way to unsubscribe", id="html without link"),
    ],
)
def test_a_bad_letter_is_named(tmp_path: Path, block: str, text: str, told: str) -> None:
    """File, block, what is wrong and what to do, in one line."""
    with pytest.raises(InvalidTemplate) as error:
        letters(tmp_path, source(**{block: text})).check([journey()])
    assert told in str(error.value)
    assert str(error.value).startswith("en/own/a.jinja: ")
    assert "\n" not in str(error.value)


def test_a_letter_needs_every_language(tmp_path: Path) -> None:
    """A template that only one language has is no letter."""
    (tmp_path / "en" / "own").mkdir(parents=True)
    (tmp_path / "en" / "own" / "a.jinja").write_text(GOOD, "utf-8")
    with pytest.raises(
        InvalidTemplate, match=r"ru/own/a\.jinja: the letter 'own/a' has no text in 'ru'; write this file"
    ):
        Letters(SHOP, tmp_path).check([journey()])


def test_a_letter_needs_its_blocks(tmp_path: Path) -> None:
    """Without the layout a letter must bring every block itself."""
    with pytest.raises(
        InvalidTemplate, match=r"en/own/a\.jinja: block preheader: missing; write it, or extend en/layout"
    ):
        letters(tmp_path, "{% block subject %}Hello{% endblock %}").check([journey()])


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"choose": (Choice(Exists("visit"), "own/b"),)}, id="branch"),
        pytest.param({"variants": {"letters": Variant(template="own/b")}}, id="arm"),
    ],
)
def test_every_branch_is_checked(tmp_path: Path, options: dict) -> None:
    """A template that only one branch or one arm uses must be there too."""
    with pytest.raises(InvalidTemplate, match="the letter 'own/b' has no text in 'en'"):
        letters(tmp_path, GOOD).check([journey(**options)])


@pytest.mark.parametrize(
    "words",
    [
        "Look at {{ shop.url }}new, or {{ shop.url }}.",
        "https://shop.example http://shop.example:8080/new?a=b https://www.SHOP.example/sale.",
        "{{ preferences_url }} {{ (ask.remedy | first).url }}",
        "{{ offer.url if offer }}",
        "{% for pick in picks %}{{ pick.url }} {% endfor %}One.",
    ],
)
def test_links_that_lead_somewhere(tmp_path: Path, words: str) -> None:
    """Pages of the shop, links that it signed, and the products picked may be in a letter; so may its mailbox."""
    mailbox = '<a href="mailto:{{ shop.email }}">Write</a>'
    letters(tmp_path, source(words=words, why_you=mailbox)).check([journey()])


def test_sites_that_the_shop_names(tmp_path: Path) -> None:
    """Letters may lead to them and to what is below them, in every check; to no other."""
    named = source(words="See https://www.instagram.com/tea, or write to https://t.me/tea.")
    folder = letters(tmp_path, named).overrides
    for hosts in (["Instagram.com", "t.me"], ("www.instagram.com", "t.me")):
        Letters(SHOP, folder, allow_links=hosts).check([journey()])
    found = Letters(SHOP, folder, allow_links=["t.me"]).examine([journey()])
    told = (
        "en/own/a.jinja: block text_part: the link 'https://www.instagram.com/tea' leads to www.instagram.com, which "
        "is neither the shop's nor named; begin it with {{ shop.url }}, or name the site with "
        "--allow-link www.instagram.com (allow_links= in Python)"
    )
    assert found[0].problems == (told,)


@pytest.mark.parametrize("hosts", [["https://t.me/tea"], ["t"], "t.me", ["*.me"], [7]])
def test_what_is_no_host_is_refused(hosts: object) -> None:
    """An address, a pattern or a single text would allow nothing: that is told at once."""
    with pytest.raises(InvalidInput, match="allow_links: "):
        Letters(SHOP, allow_links=hosts)


def test_each_letter_is_told_once() -> None:
    """A letter with two subjects, or with and without promotion, is one row with all that was written."""
    steps = [
        Step(id="a", moment=After(), template="after_return/survey"),
        Step(id="b", moment=After(), template="after_return/survey", subject="subject_plain", promotional=False),
    ]
    looked = Letters(SHOP).examine([Journey(name="own", trigger=Facts("order"), steps=steps)])
    assert [(one.template, one.language) for one in looked] == [(steps[0].template, one) for one in LANGUAGES]
    (alone, _) = Letters(SHOP).examine([Journey(name="own", trigger=Facts("order"), steps=steps[:1])])
    assert looked[0].rendered == 2 * alone.rendered


def test_everything_wrong_is_told(tmp_path: Path) -> None:
    """A look at all letters tells every problem once, and goes on after a letter that cannot be written."""
    bad = source(subject="{{ nobody }}", preheader=" ")
    looked = letters(tmp_path, bad).examine([journey()])
    assert [(one.template, one.language) for one in looked] == [("own/a", "en"), ("own/a", "ru")]
    assert (looked[0].rendered, looked[1].problems) == (0, ())
    assert looked[1].rendered > 50
    assert any("'nobody' is unknown" in problem for problem in looked[0].problems)
    assert len(set(looked[0].problems)) == len(looked[0].problems)


def test_a_letter_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    """A mistake in the template's own grammar is told like any other."""
    looked = letters(tmp_path, GOOD + "{% block %}").examine([journey()])
    assert looked[0].rendered == 0
    assert looked[0].problems[0].startswith("en/own/a.jinja: line 1")


def test_no_letter_holds_the_secret(tmp_path: Path) -> None:
    """What makes the links of questions is out of a template's reach."""
    for words in ("{{ ask._shop.secret }}", "{{ ask.shop.secret }}", "{{ ask.shop_.secret }}"):
        with pytest.raises(InvalidTemplate):
            letters(tmp_path / str(abs(hash(words))), source(words=words)).check([journey()])
