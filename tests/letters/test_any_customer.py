"""No customer, history, offer or product can make a letter fail or leave a hole in it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from retention.errors import InvalidTemplate
from retention.journey.ledger import Decision
from retention.letters import Letters
from retention.people import LANGUAGES, Customer, Product, Shop
from retention.playbooks import ready
from retention.testing import strategies

SHOP = Shop(
    name="Tea & Linen",
    sender="hello@shop.example",
    timezone="Europe/London",
    currency="GBP",
    base_url="https://shop.example",
    secret="0123456789abcdef",
)
LETTERS = Letters(SHOP)
LATER = datetime(2100, 1, 1, tzinfo=UTC)


def written(template: str) -> bool:
    try:
        LETTERS.parts(CUSTOMER, decision(template, "run"), (), LATER)
    except InvalidTemplate as error:
        return "there is no template" not in str(error)
    return True


CUSTOMER = Customer(id="ann", timezone="Europe/London", language="en", name="Ann", email="ann@example.com")


def decision(template: str, key: str, offer: str = "", *, promotional: bool = True) -> Decision:
    return Decision(
        kind="send",
        journey="own",
        entry_key=key,
        version=1,
        at=LATER,
        template=template,
        offer=offer,
        promotional=promotional,
    )


TEMPLATES = dict.fromkeys(
    (template, step.promotional)
    for journey in ready()
    for step in journey.steps
    for template in step.templates()
    if written(template)
)
PRODUCTS = st.builds(
    Product,
    id=strategies.ids(),
    name=strategies.texts(),
    price=st.decimals(0, 10_000, places=2),
    url=st.sampled_from(["", "https://shop.example/p"]),
)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template, promotional", TEMPLATES)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_any_customer(data: st.DataObject, template: str, promotional: bool, language: str) -> None:
    """Every part is there, the subject is one line, and nothing unknown shows as None."""
    history = data.draw(strategies.histories())
    keys = [fact.key for fact in history] or ["run"]
    asked = decision(template, data.draw(st.sampled_from(keys)), promotional=promotional)
    customer = evolve(CUSTOMER, language=language, name=data.draw(strategies.texts()))
    picks = data.draw(st.lists(PRODUCTS, max_size=3))
    letter = LETTERS.parts(customer, asked, history, LATER, picks=picks)
    assert all((letter.subject, letter.preheader, letter.text.strip(), letter.html.strip()))
    assert "\n" not in letter.subject
    assert 'href=""' not in letter.html
