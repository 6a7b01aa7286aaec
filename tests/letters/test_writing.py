"""Writing: the same input gives the same letter, whatever is known of the customer."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from retention import letters, messages
from retention.errors import InvalidInput, InvalidTemplate
from retention.facts import Line, OrderPlaced
from retention.journey import Variant
from retention.journey.ledger import Decision, DecisionKey
from retention.letters import Letters, links, message_key
from retention.people import LANGUAGES, Customer, Shop
from retention.playbooks import win_back

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
SHOP = Shop(
    name="Tea & Linen",
    sender="hello@shop.example",
    timezone="Europe/London",
    currency="GBP",
    base_url="https://shop.example/letters",
    secret="0123456789abcdef",
)
ADA = Customer(id="42", timezone="Europe/London", language="en", name="Ada", email="ada@example.com")
LETTERS = Letters(SHOP)
TEMPLATES = [template for step in win_back().steps for template in step.templates()]


def decision(template: str = "win_back/miss_you", **options: object) -> Decision:
    return Decision(
        kind="send",
        journey="win_back",
        entry_key="A-17",
        version=1,
        at=AT,
        step=template.rpartition("/")[2],
        template=template,
        **options,
    )


def order(*names: str, days_ago: int = 61) -> OrderPlaced:
    lines = tuple(Line(product_id=f"#{name}", name=name) for name in names)
    at = AT - timedelta(days=days_ago)
    return OrderPlaced(id=f"A-{days_ago}", customer_id="42", at=at, currency="GBP", lines=lines)


def overriding(folder: Path, **files: str) -> Letters:
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ".jinja")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return Letters(SHOP, folder)


def test_a_letter_is_complete() -> None:
    """Recipient, sender, subject, both parts, key and the one-click link are those of the decision."""
    message = LETTERS.write(ADA, decision(), [order("Blue & white cup")], AT)
    assert (message.to, message.sender, message.sender_name) == ("ada@example.com", "hello@shop.example", "Tea & Linen")
    assert message.subject == "Ada, it has been a while"
    assert message.key == message_key("shop", "42", DecisionKey("win_back", "A-17", "miss_you", ""))
    assert message.at == AT
    assert message.promotional
    assert message.unsubscribe_url == links.unsubscribe_url(SHOP, "42", "marketing")
    assert message.text.startswith("Hello, Ada!\n\n")
    assert "Last time, on 31\xa0December\xa02025, you chose “Blue & white cup”." in message.text
    assert "“Blue &amp; white cup”" in message.html


def test_russian() -> None:
    """The customer's language decides."""
    message = LETTERS.write(evolve(ADA, language="ru", name="Анна"), decision(), [order(*"abcde")], AT)
    assert message.subject == "Анна, мы по вам скучаем"
    assert "31\xa0декабря\xa02025\xa0года, вы выбрали «a», «b» и «c» и ещё 2\xa0товара." in message.text
    assert '<html lang="ru">' in message.html


def test_message_keys_tell_letters_apart() -> None:
    """Shop, customer and every part of the decision's key make the key; it is a UUID."""
    key = DecisionKey("win_back", "A-17", "miss_you", "")
    others = [key._replace(**{field: "other"}) for field in key._fields]
    keys = {message_key("shop", "42", each) for each in (key, *others)}
    keys |= {message_key("other", "42", key), message_key("shop", "other", key)}
    assert len(keys) == 7
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", each) for each in keys)


def test_the_same_input_gives_the_same_bytes() -> None:
    """Facts in any order, another object of the same shop: the same letter to the byte."""
    facts = [order("cup", "pot", days_ago=days) for days in (61, 90, 400)]
    first = LETTERS.write(ADA, decision(), facts, AT)
    again = Letters(evolve(SHOP)).write(evolve(ADA), decision(), facts[::-1], AT)
    assert messages.as_bytes(first) == messages.as_bytes(again)


def test_the_topic_is_the_links() -> None:
    """The link ends the letters of the journey's topic."""
    url = LETTERS.write(ADA, decision(), [], AT, topic="news").unsubscribe_url
    assert links.read(SHOP, "unsubscribe", url.rpartition("/")[2]) == ("42", "news")


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_promotional_letters_show_the_way_out(template: str, language: str) -> None:
    """Both parts of a promotional letter hold the link; a transactional one has none anywhere."""
    reader = evolve(ADA, language=language)
    message = LETTERS.write(reader, decision(template), [order("cup")], AT)
    assert message.unsubscribe_url in message.text
    assert f'href="{html.escape(message.unsubscribe_url)}"' in message.html
    receipt = LETTERS.write(reader, decision(template, promotional=False), [order("cup")], AT)
    assert receipt.unsubscribe_url == ""
    assert "unsubscribe" not in receipt.text + receipt.html


names = st.text(max_size=80) | st.sampled_from(["", "Ada", "<b>Ada</b>", "a\r\nBcc: x@y.z", "{{ shop }}", "\u2028"])


@given(
    name=names,
    products=st.lists(names, max_size=6),
    language=st.sampled_from(LANGUAGES),
    template=st.sampled_from(TEMPLATES),
    zone=st.sampled_from(["Pacific/Kiritimati", "Europe/Moscow", "Pacific/Niue"]),
)
def test_every_customer_gets_a_letter(name: str, products: list[str], language: str, template: str, zone: str) -> None:
    """Whatever strangers type into names: a letter, one line of subject, no empty greeting, no markup of theirs."""
    reader = evolve(ADA, name=name, language=language, timezone=zone)
    message = LETTERS.write(reader, decision(template), [order(*products), order(*products, days_ago=200)], AT)
    assert 0 < len(message.subject) <= 150
    assert message.subject.isprintable() or not re.search(r"[\x00-\x1f\x7f]", message.subject)
    assert not re.search(r"(Hello|Здравствуйте)[\s,]*!", message.text) or re.match(r"\w+!\n", message.text)
    assert "<b>" not in message.html
    assert "\n\n\n" not in message.text
    assert messages.from_json(messages.to_json(message)) == message


def test_nobody_without_an_address() -> None:
    """A letter has a recipient."""
    with pytest.raises(InvalidInput, match="to: "):
        LETTERS.write(evolve(ADA, email=""), decision(), [], AT)


def test_a_letter_says_nothing_of_an_offer_that_is_not_there() -> None:
    """Without an offer nothing is promised."""
    promise = re.compile(r"discount|gift|free|coupon|%|скид|подар|бесплат|купон", re.IGNORECASE)
    for language in LANGUAGES:
        for template in TEMPLATES:
            letter = LETTERS.parts(evolve(ADA, language=language), decision(template), [order("cup")], AT)
            assert not promise.search(letter.subject + letter.preheader + letter.text)


def test_one_block_can_be_replaced(tmp_path: Path) -> None:
    """A folder's file of the same name replaces ours and can extend it by block."""
    changed = overriding(
        tmp_path,
        en__win_back__miss_you='{% extends "retention:en/win_back/miss_you.jinja" %}'
        "{% block subject %}Long time, {{ customer.name or 'friend' }}{% endblock %}",
    )
    changed.check([win_back()])
    theirs, ours = (each.parts(ADA, decision(), [order("cup")], AT) for each in (changed, LETTERS))
    assert theirs.subject == "Long time, Ada"
    assert (theirs.text, theirs.preheader) == (ours.text, ours.preheader)


def test_the_layout_can_be_replaced(tmp_path: Path) -> None:
    """A replaced layout reaches every letter, also those that stay ours."""
    changed = overriding(
        tmp_path,
        layout='{% extends "retention:layout.jinja" %}{% block style %}/* house */{% endblock %}',
        ru__layout='{% extends "retention:ru/layout.jinja" %}{% block closing %}Ваш магазин{% endblock %}',
    )
    changed.check([win_back()])
    letter = changed.parts(evolve(ADA, language="ru"), decision(), [], AT)
    assert "/* house */" in letter.html
    assert "Ваш магазин" in letter.text
    assert "С теплом" not in letter.text


def test_a_folder_must_exist(tmp_path: Path) -> None:
    """A misspelled folder is an error, not a silent return to our own letters."""
    with pytest.raises(InvalidTemplate, match="is no folder; make it"):
        Letters(SHOP, tmp_path / "nowhere")


def test_letters_hide_the_secret() -> None:
    """Nothing printed holds the secret; letters of one shop and folder are equal."""
    assert SHOP.secret not in repr(LETTERS)
    assert Letters(SHOP) == LETTERS
    assert {"order", "return", "offer"} <= letters.KINDS


VARIED = (
    '{% extends "retention:en/win_back/miss_you.jinja" %}{% block subject_b %}Your chair by the window{% endblock %}'
)


def test_another_subject_in_the_same_letter(tmp_path):
    """An arm may use another block as its subject line; everything else of the letter is the same."""
    ours = overriding(tmp_path, en__win_back__miss_you=VARIED)
    plain, varied = (ours.write(ADA, decision(subject=block), [], AT) for block in ("subject", "subject_b"))
    assert varied.subject == "Your chair by the window"
    assert evolve(varied, subject=plain.subject) == plain


def test_a_subject_that_no_letter_has_is_found_at_construction():
    """Every template of a step must have the blocks that its arms use as subjects."""
    (step, *_) = win_back().steps
    varied = evolve(win_back(), steps=(evolve(step, variants={"letters": Variant(subject="subject_b")}),))
    with pytest.raises(InvalidTemplate, match="subject_b: missing"):
        LETTERS.check([varied])
