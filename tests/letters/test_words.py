"""What questions, answers, offers, reasons and topics are called, and how a shop calls them otherwise."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from retention.errors import InvalidTemplate
from retention.facts import QUESTIONS
from retention.journey.ledger import Decision
from retention.letters import Letters, words
from retention.offers import KINDS
from retention.people import LANGUAGES, Customer, Shop
from retention.reasons import Reason

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
SHOP = Shop(
    name="Tea & Linen",
    sender="hello@shop.example",
    timezone="Europe/London",
    currency="GBP",
    base_url="https://shop.example",
    secret="0123456789abcdef",
)


def own(folder: Path, name: str = "en/words.jinja", **blocks: str) -> words.Words:
    """The words of a shop with these blocks in its own file."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{{% block {key} %}}{text}{{% endblock %}}\n" for key, text in blocks.items()), "utf-8")
    return Letters(SHOP, folder).words


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_has_words(language: str) -> None:
    """Every question, answer, kind of offer and reason of the library is called something, in every language."""
    ours = words.ours()
    for question in QUESTIONS:
        assert ours.question(question, language)
        assert all(ours.answer(question, value, language) for value in words.answers(question))
    for kind in KINDS:
        assert ours.offer(kind, language, percent="15", amount="£5") != ours.offer("", language, percent="", amount="")
    assert all(ours.why(reason, language) for reason in Reason if reason is not Reason.OTHER)
    assert ours.topic("marketing", language) != "Marketing"


def test_numbers_stand_in_the_words_of_an_offer() -> None:
    """A percentage or an amount, a number never parted from its sign."""
    ours = words.ours()
    assert ours.offer("discount", "en", percent="15", amount="") == "15% off your next order"
    assert (
        ours.offer("discount", "ru", percent="12,5", amount="") == "Скидка 12,5\N{NO-BREAK SPACE}% на следующий заказ"
    )
    assert ours.offer("points", "en", percent="", amount="£5") == "Points worth £5"


def test_a_shop_replaces_single_words(tmp_path: Path) -> None:
    """A file with one block changes one word, in one language; whole sentences may stand on several lines."""
    changed = own(
        tmp_path, question_away="We\n have   missed you", answer_service_5="Splendid", offer_gift="A cup, {{ amount }}"
    )
    assert changed.question("away", "en") == "We have missed you"
    assert changed.answer("service", "5", "en") == "Splendid"
    assert changed.answer("service", "4", "en") == "4"
    assert changed.offer("gift", "en", percent="", amount="£9") == "A cup, £9"
    assert changed.question("away", "ru") == words.ours().question("away", "ru")
    assert changed.question("product", "en") == words.ours().question("product", "en")


def test_a_shop_may_extend_ours(tmp_path: Path) -> None:
    """The way of every other template works too, and a block can repeat what it replaces."""
    path = tmp_path / "en" / "words.jinja"
    path.parent.mkdir()
    path.write_text(
        '{% extends "retention:en/words.jinja" %}{% block answer_away_price %}{{ super() }}?{% endblock %}', "utf-8"
    )
    assert Letters(SHOP, tmp_path).words.answer("away", "price", "en") == "The prices?"


def test_reasons_and_topics_of_the_shops_own(tmp_path: Path) -> None:
    """They may have words; what a block's name cannot hold is a _ there."""
    changed = own(
        tmp_path, answer_reason_ALLERGY="I am allergic", why_ALLERGY="it made you sneeze", topic_new_tea="First flush",
        why_OTHER="of something else", answer_reason_STYLE="Not my style",
    )  # fmt: skip
    assert changed.answer("reason", "ALLERGY", "en") == "I am allergic"
    assert changed.answer("reason", "STYLE", "en") == "Not my style"
    assert (changed.why("ALLERGY", "en"), changed.why("OTHER", "en")) == ("it made you sneeze", "of something else")
    assert changed.topic("new-tea", "en") == changed.topic("new_tea", "en") == "First flush"


def test_what_has_no_words_goes_by_its_name() -> None:
    """A topic readable, a reason by its usual name or its code; an unknown reason is no reason to give."""
    ours = words.ours()
    assert ours.topic("new_tea_of_the_month", "en") == "New tea of the month"
    assert (ours.topic("Tea-Club", "en"), ours.topic("_", "ru")) == ("Tea-Club", "_")
    assert ours.answer("reason", "SIZE_TOO_SMALL", "ru") == "Мал размер"
    assert (ours.answer("reason", "ALLERGY", "en"), ours.why("ALLERGY", "en")) == ("ALLERGY", "")


@pytest.mark.parametrize(
    "name, block, told",
    [
        ("en/words.jinja", "question_awy", "block question_awy: nothing has these words; .* question_away"),
        ("en/words.jinja", "answer_servce_5", "block answer_servce_5: .* answer_service_5"),
        ("ru/words.jinja", "offer_gifts", r"ru/words\.jinja: block offer_gifts: .* offer_gift"),
        (
            "de/words.jinja",
            "question_away",
            r"de/words\.jinja: there is no language 'de'; the nearest is (en|ru)/words",
        ),
        ("words.jinja", "question_away", r"words\.jinja: there is no language ''; the nearest is"),
    ],
)
def test_words_of_nothing_are_refused(tmp_path: Path, name: str, block: str, told: str) -> None:
    """A slip in a name would never be read: it is told, with the nearest known one."""
    with pytest.raises(InvalidTemplate, match=told):
        own(tmp_path, name, **{block: "Hello"})


def test_words_must_be_sayable(tmp_path: Path) -> None:
    """No empty button, no hole for what nobody knows; a reason may be left unsaid."""
    with pytest.raises(InvalidTemplate, match=r"block answer_away_price: empty; write it"):
        own(tmp_path, answer_away_price=" ")
    with pytest.raises(
        InvalidTemplate, match=r"en/words\.jinja: line 1: block answer_away_price: 'amount' is undefined"
    ):
        own(tmp_path, answer_away_price="{{ amount }}")
    assert own(tmp_path, why_PRICE="").why("PRICE", "en") == ""


def test_letters_say_the_shops_words(tmp_path: Path) -> None:
    """What the file says is what the letter's buttons say."""
    own(tmp_path, answer_service_5="Very <good>")
    decision = Decision(
        kind="send",
        journey="win_back",
        entry_key="e",
        version=1,
        at=AT,
        template="after_return/survey",
        promotional=True,
    )
    ann = Customer(id="ann", timezone="Europe/London", language="en", email="ann@shop.example")
    plain, changed = (Letters(SHOP, folder).write(ann, decision, (), AT) for folder in (None, tmp_path))
    asked = "Very <good>: https://shop.example/answer/"
    assert (asked in plain.text, asked in changed.text) == (False, True)
    assert "Very &lt;good&gt;</a>" in changed.html
