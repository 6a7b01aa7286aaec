"""The preview shows every letter as it will leave, in one page that needs nothing else."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from attrs import evolve

from retention.journey.conditions import Exists
from retention.journey.definition import After, Before, Choice, Delay, Facts, Journey, On, Step, Variant
from retention.letters import Letters
from retention.letters.preview import page
from retention.people import LANGUAGES, Shop
from retention.playbooks import product_return, win_back

SHOP = Shop(
    name="Tea & Linen",
    sender="hello@shop.example",
    timezone="Europe/London",
    currency="GBP",
    base_url="https://shop.example",
    secret="0123456789abcdef",
)
LETTERS = Letters(SHOP)
PAGE = page(LETTERS, [win_back(hour=10)])


def moments(*steps: Step) -> list[str]:
    own = Journey(name="own", trigger=Facts("return", "requested"), steps=steps)
    return re.findall(r'<h3>\w+ <span class="soft">(.*)</span></h3>', page(LETTERS, [own], languages=["en"]))


def test_every_letter_is_there() -> None:
    """Four letters in two languages: at two widths, with subject, preheader and text."""
    assert PAGE.count("<article") == 8
    assert PAGE.count("<iframe sandbox ") == 16
    for words in (
        "Anna, it has been a while",
        "Анна, ещё один привет от нас",
        "A short note, and then",
        "Hello, Anna!",
    ):
        assert words in PAGE
    assert page(LETTERS, [win_back()], languages=["ru"]).count("<article") == 4


def test_frames_hold_whole_letters() -> None:
    """What a frame shows is the HTML of the letter, unescaped once."""
    frames = [html.unescape(each) for each in re.findall(r'srcdoc="([^"]*)"', PAGE)]
    assert len(frames) == 16
    assert all(each.lower().startswith("<!doctype html>") and each.rstrip().endswith("</html>") for each in frames)


def test_nothing_is_fetched() -> None:
    """No script, picture, font or style comes from anywhere; the only addresses are links to follow."""
    assert not re.search(r"<(script|img|link|object|embed|base)\b|url\(|@import", html.unescape(PAGE))
    addresses = re.findall(r"(\S*)https?://", html.unescape(PAGE))
    assert {each for each in addresses if each.endswith('="')} == {'href="'}


def test_the_page_is_the_same_every_time() -> None:
    """No clock and no chance."""
    assert page(Letters(SHOP), [win_back(hour=10)]) == PAGE


def test_branches_and_arms_are_shown(tmp_path: Path) -> None:
    """Every template that a step can use is shown, each once."""
    for name, extends in (("b", "miss_you"), ("c", "reminder")):
        path = tmp_path / "en" / "own" / f"{name}.jinja"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'{{% extends "en/win_back/{extends}.jinja" %}}', "utf-8")
    step = Step(
        id="a",
        moment=After(),
        template="own/b",
        choose=[Choice(Exists("visit"), "own/c"), Choice(Exists("order"), "own/b")],
        variants={"letters": Variant(template="own/c")},
        promotional=False,
    )
    own = Journey(name="own", trigger=Facts("order"), steps=[step])
    shown = page(Letters(SHOP, tmp_path), [own], languages=["en"])
    assert re.findall(r'<span class="tag">(\S+)', shown) == ["own/b", "own/c"]
    assert "unsubscribe" not in shown


@pytest.mark.parametrize(
    "moment, words",
    [
        (After(), "right after the start"),
        (After(delay=Delay(days=1, hours=2)), "1 day 2 hours after the start"),
        (On([Facts("delivery", "delivered")], Delay(months=2)), "2 months after delivery delivered"),
        (On([Facts("return", "in_transit"), Facts("order")]), "right after return in transit and order"),
        (On([Facts("order"), Facts("visit")], need="any", once="fact"), "right after order or visit, each time"),
        (On([Facts("return")], once="value", attribute="status"), "right after return, for each status"),
        (Before(Facts("return"), "deadline", Delay(days=2)), "2 days before deadline of return"),
    ],
)
def test_moments_in_words(moment: After | On | Before, words: str) -> None:
    """A reader of the page knows when each letter is sent."""
    assert moments(Step(id="a", moment=moment, template="win_back/reminder")) == [words]


def test_steps_that_follow_steps() -> None:
    """The anchor, the hour and the weekday are told."""
    first = Step(id="a", moment=After(), template="win_back/reminder", hour=10)
    then = Step(id="b", moment=After("a", Delay(minutes=5)), template="win_back/reminder", weekday=0)
    assert moments(first, then) == ["right after the start, at 10:00", "5 minutes after a, on Monday"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_frames_are_high_enough_for_long_letters(language: str) -> None:
    """A longer letter gets a higher frame, and a phone's is higher than a desktop's."""
    heights = [int(each) for each in re.findall(r'height="(\d+)"', page(LETTERS, [win_back()], languages=[language]))]
    (miss_desktop, miss_phone), (reminder_desktop, reminder_phone) = heights[:2], heights[-2:]
    assert reminder_desktop < miss_desktop < miss_phone
    assert reminder_desktop < reminder_phone < miss_phone


def test_answers_stand_side_by_side(tmp_path: Path) -> None:
    """Two short answers that share a row make a letter no higher than one; six make it higher."""

    def heights(answers: str) -> list[int]:
        path = tmp_path / answers / "en" / "product_return" / "question.jinja"
        path.parent.mkdir(parents=True)
        own = '{% extends "retention:en/product_return/question.jinja" %}{% block answers %}'
        path.write_text(f"{own}{answers}{{% endblock %}}", "utf-8")
        steps = [step for step in product_return().steps if step.id in ("received", "question")]
        asked = page(Letters(SHOP, tmp_path / answers), [evolve(product_return(), steps=steps)], languages=["en"])
        return [int(each) for each in re.findall(r'height="(\d+)"', asked)][-2:]

    one, two, six = heights("SIZE_TOO_SMALL"), heights("SIZE_TOO_SMALL SIZE_TOO_LARGE"), heights("")
    assert one == two
    assert all(0 < more - less < 6 * 54 for more, less in zip(six, two, strict=True))
    assert six[1] - two[1] > six[0] - two[0]


def test_every_subject_is_there(tmp_path: Path) -> None:
    """An arm that varies the subject has a letter of its own on the page."""
    (tmp_path / "en" / "own").mkdir(parents=True)
    blocks = {"subject": "First words", "other": "Other words", "preheader": "More", "words": "One."}
    written = "".join(f"{{% block {name} %}}{text}{{% endblock %}}" for name, text in blocks.items())
    (tmp_path / "en" / "own" / "a.jinja").write_text('{% extends "en/layout.jinja" %}' + written, "utf-8")
    step = Step(id="a", moment=After(), template="own/a", variants={"letters": Variant(subject="other")})
    own = Journey(name="own", trigger=Facts("order"), steps=[step])
    shown = page(Letters(SHOP, tmp_path), [own], languages=["en"])
    assert re.findall("<strong>(.*)</strong>", shown) == ["First words", "Other words"]
    assert "own/a, other" in shown
