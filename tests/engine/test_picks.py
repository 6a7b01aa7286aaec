"""Products for a letter: from what the customer kept, sent back and wished for; never what annoys."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest

from retention import alternatives, facts, letters
from retention.alternatives import Catalogue
from retention.engine.goods import Goods
from retention.engine.picks import Picks, pick
from retention.errors import InvalidInput
from retention.facts import Line
from retention.people import Product

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOGETHER = [("tea", "pot")] * 9 + [("tea", "mug")] * 6 + [("tea", "jar")] * 4 + [("hat", "scarf")] * 9
"""What other customers have bought, each both."""


def product(name, category="kitchen", **more):
    return Product(id=name, name=name.title(), price="10", category=category, **more)


TEA_SHOP = [
    *(product(name) for name in ("tea", "pot", "mug", "jar")),
    *(product(name, "clothes") for name in ("hat", "scarf")),
]


@pytest.fixture(scope="module")
def similar():
    rows = [(n, name) for n, pair in enumerate(TOGETHER) for name in pair]
    return alternatives.fit(*zip(*rows, strict=True))


@pytest.fixture
def picked(similar):
    """The names picked for a customer with these facts."""

    def names(*told, products=TEA_SHOP, limit=3):
        return [p.id for p in pick(Catalogue.of(products, similar), similar, told, limit=limit)]

    return names


def fact(kind, days, **about):
    at = NOW - timedelta(days=days)
    return kind(**{"id": f"{kind.kind}-{days}", "customer_id": "eve", "at": at} | about)


def order(days, *names, **about):
    lines = [name if isinstance(name, Line) else Line(product_id=name) for name in names]
    return fact(facts.OrderPlaced, days, currency="EUR", lines=lines, **about)


def returned(days, *names, status="refunded", **about):
    lines = [Line(product_id=name) for name in names]
    return fact(facts.ReturnChanged, days, **{"return_id": "R", "status": status, "lines": lines} | about)


def wish(topic, value, days=50.0):
    return fact(facts.PreferenceStated, days, id=f"{topic} {days}", topic=topic, value=value)


def test_what_others_bought_with_it(picked):
    """The products that were bought most often with the one that was kept, the nearest first."""
    assert picked(order(9, "tea")) == ["pot", "mug", "jar"]
    assert picked(order(9, "tea"), limit=1) == ["pot"]


def test_the_latest_purchase_goes_first(picked):
    """What was bought last says most of what is wanted now."""
    assert picked(order(9, "tea"), order(3, "hat")) == ["scarf", "pot", "mug"]
    assert picked(order(9, "hat"), order(3, "tea")) == ["pot", "mug", "jar"]


def test_never_what_they_have(picked):
    """What was bought once is not shown again; what is bought again and again may be."""
    assert "pot" not in picked(order(9, "tea", "pot"))
    assert "pot" in picked(order(19, "pot"), order(9, "pot"), order(3, "tea"))


def test_one_order_of_several_lines_is_one_purchase(picked):
    """The same product twice in one order is not bought repeatedly."""
    assert "pot" not in picked(order(9, "tea", "pot", "pot"))


@pytest.mark.parametrize("status", ["requested", "in_transit", "refunded", "rejected"])
def test_never_what_came_back(picked, status):
    """What is on its way back, or went back since it was last bought, is not shown, however often it was bought."""
    often = [order(days, "tea", "pot") for days in (39, 29, 19)]
    assert "pot" in picked(*often)
    assert "pot" not in picked(*often, returned(9, "pot", status=status))


def test_bought_again_after_a_return(picked):
    """A product that was bought again after it had gone back is as good as any; not while that return is open."""
    twice = [order(39, "tea", "pot"), order(9, "pot")]
    assert "pot" in picked(*twice, returned(19, "pot"))
    assert "pot" not in picked(*twice, returned(19, "pot", status="requested"))


def test_a_return_without_lines_is_of_the_whole_order(picked):
    """Nothing of an order that went back as a whole is shown; an unknown order means nothing."""
    bought = [order(39, "pot"), order(29, "tea", "pot", id="A")]
    assert "pot" in picked(*bought, returned(9, order_id="B"))
    assert "pot" not in picked(*bought, returned(9, order_id="A"))


SHOES = [
    product(f"{model}-{size}", "shoes", model=model, size=size)
    for model in ("boot", "clog")
    for size in ("40", "41", "42")
]


def test_too_small_a_size_is_replaced_by_a_larger(picked):
    """After a return for its size the same model comes first in the next size that way, whatever size was stated."""
    told = [order(9, "boot-41"), returned(3, "boot-41", reason="SIZE_TOO_SMALL"), wish("size/shoes", "41")]
    assert picked(*told, products=SHOES) == ["boot-42", "clog-41"]


def test_a_size_that_was_replaced_already(picked):
    """Who has bought the larger size since needs no third one."""
    told = [order(9, "boot-41"), returned(5, "boot-41", reason="SIZE_TOO_SMALL"), order(3, "boot-42", id="B")]
    assert picked(*told, products=[*SHOES, product("boot-43", "shoes", model="boot", size="43")]) == ["clog-40"]


def test_the_same_in_another_size_is_no_use(picked):
    """What the customer kept is not shown in other sizes; in another colour it may be."""
    red = product("boot-41-red", "shoes", model="boot", size="41", color="red")
    assert picked(order(9, "boot-41"), products=SHOES) == ["clog-40"]
    assert picked(order(9, "boot-41"), products=[*SHOES, red]) == ["boot-41-red", "clog-40"]


def test_a_defect_is_replaced_by_another_model(picked):
    """After a defect, or a reason that nobody knows, the same model is no help."""
    for reason in ("DEFECTIVE", "OUR_OWN", ""):
        assert picked(order(9, "boot-41"), returned(3, "boot-41", reason=reason), products=SHOES)[0].startswith("clog")


def test_the_reason_is_the_last_one_given(picked):
    """A reason that was corrected in a later stage counts as corrected; one without a reason keeps the last."""
    told = [
        returned(5, "boot-41", reason="DEFECTIVE", status="requested"),
        returned(4, "boot-41", reason="SIZE_TOO_LARGE", status="received"),
        returned(3, "boot-41"),
    ]
    assert picked(order(9, "boot-41"), *told, products=SHOES)[0] == "boot-40"


def test_a_returned_product_that_is_gone_from_the_catalogue(picked):
    """Nothing replaces a product that nobody knows any more; its category still has popular ones."""
    gone = Line(product_id="sandal", category="shoes")
    assert picked(order(9, gone), returned(3, "sandal"), products=SHOES) == ["boot-40", "clog-40"]


def test_sizes_that_are_not_theirs_are_left_out(picked):
    """A stated size for the category or for all shuts out every other on its scale; sizes on no scale are kept."""
    odd = product("sock", "shoes", size="one size")
    past = order(9, Line(product_id="x", category="shoes"))
    assert picked(past, wish("size/shoes", "42"), products=[*SHOES, odd]) == ["boot-42", "clog-42", "sock"]
    assert picked(past, wish("size", " 42 "), products=SHOES) == ["boot-42", "clog-42"]
    assert picked(past, wish("size/hats", "42"), products=SHOES) == ["boot-40", "clog-40"]
    assert picked(past, wish("size/shoes", "42", 9), wish("size/shoes", "40", 5), products=SHOES)[0] == "boot-40"


def test_wishes_go_first(picked):
    """A product of the colour or category wished for goes before others that are as likely otherwise."""
    colours = [
        product(name, color=color) for name, color in (("tea", ""), ("pot", "Red"), ("mug", "blue"), ("jar", ""))
    ]
    assert picked(order(9, "tea"), wish("color", "blue"), products=colours) == ["mug", "pot", "jar"]
    assert picked(order(9, "tea"), wish("color/kitchen", "BLUE"), products=colours)[0] == "mug"
    assert picked(order(9, "tea"), wish("color/clothes", "blue"), products=colours)[0] == "pot"
    assert picked(order(9, "tea"), wish("category", "clothes")) == ["hat", "scarf", "pot"]


def test_a_wish_withdrawn_is_none(picked):
    """An empty value takes a wish back."""
    assert picked(order(9, "tea"), wish("category", "clothes"), wish("category", "", 9)) == ["pot", "mug", "jar"]


def test_only_what_is_in_stock(picked):
    """What is sold out is not shown, neither as similar nor as popular."""
    sold_out = [product(p.id, p.category, in_stock=p.id not in ("pot", "jar")) for p in TEA_SHOP]
    assert picked(order(9, "tea"), products=sold_out) == ["mug"]


def test_pieces_of_a_model_are_one_pick(picked):
    """Three colours of one pot are one suggestion."""
    pots = [product(f"pot{n}", model="pot") for n in range(3)]
    assert picked(order(9, Line(product_id="x", category="kitchen")), products=[*pots, product("mug")]) == [
        "mug",
        "pot0",
    ]


def test_popular_ones_fill_up(picked):
    """Where nothing goes with a product, the best of its category are shown; by id, if nobody bought any."""
    assert picked(order(9, "kettle", id="A"), products=[*TEA_SHOP, product("kettle")]) == ["tea", "pot", "mug"]
    new = [product(name, "new") for name in ("c", "a", "b")]
    assert picked(order(9, Line(product_id="x", category="new")), products=new) == ["a", "b", "c"]


def test_nothing_is_known(picked):
    """A customer without a past and a shop without a catalogue get no picks."""
    assert picked() == []
    assert picked(order(9, "tea"), products=[]) == []


def test_the_order_of_facts_does_not_matter(picked):
    """Equal facts in any order give equal picks."""
    told = [order(9, "tea"), order(3, "hat"), returned(2, "hat", reason="STYLE"), wish("color", "blue")]
    assert picked(*told) == picked(*told[::-1])


# --------------------------------------------------------------------------------------------- in the engine


def others(world, pairs=TOGETHER):
    return [
        world.order(f"other{n}", silent=80, lines=[Line(product_id=name) for name in pair])
        for n, pair in enumerate(pairs)
    ]


@pytest.fixture
def picks(world):
    def make(products=TEA_SHOP):
        return Picks(products, Goods(), world.storage, "Europe/Moscow")

    return make


def names(picked):
    return [p.id for p in picked]


def test_learned_from_the_storage(world, picks):
    """What goes together is learned from the shop's own orders; what came back does not count."""
    world.storage.record(others(world))
    assert names(picks().of([order(9, "tea")], NOW)) == ["pot", "mug", "jar"]
    world.storage.record(
        [
            fact(facts.ReturnChanged, 1, id=f"b{n}", return_id=f"b{n}", customer_id=f"other{n}", status="refunded",
                 lines=[Line(product_id="pot")])
            for n in range(9)
        ]
    )  # fmt: skip
    assert names(picks().of([order(9, "tea")], NOW)) == ["mug", "jar", "pot"]


def test_learned_once_a_day(world, picks):
    """New orders change the picks from the next day of the shop's on: midnight in Moscow."""
    one = picks()
    assert names(one.of([order(9, "tea")], NOW)) == ["jar", "mug", "pot"]
    world.storage.record(others(world))
    assert names(one.of([order(9, "tea")], NOW.replace(hour=20, minute=59))) == ["jar", "mug", "pot"]
    assert names(one.of([order(9, "tea")], NOW.replace(hour=21))) == ["pot", "mug", "jar"]


def test_a_catalogue_may_change(world, picks):
    """A function is asked once per tick, and only if a letter wants products."""
    asked = []

    def catalogue():
        asked.append(len(asked))
        return TEA_SHOP if len(asked) < 2 else [product("tea"), product("cup")]

    one = picks(catalogue)
    assert names(one.of([order(9, "tea")], NOW)) == names(one.of([order(9, "tea")], NOW)) == ["jar", "mug", "pot"]
    one.renew()
    assert len(asked) == 1
    assert names(one.of([order(9, "tea")], NOW)) == ["cup"]
    assert names(one.of([order(9, Line(product_id="x", category="kitchen"))], NOW)) == ["cup", "tea"]
    assert len(asked) == 2


def test_a_list_stays(world, picks):
    """A list is put in order once; a new tick does not do it again."""
    one = picks()
    before = one.of([order(9, "tea")], NOW)
    one.renew()
    assert one.of([order(9, "tea")], NOW) == before


@pytest.mark.parametrize(
    "broken",
    [lambda: 1 / 0, lambda: ["tea"], lambda: [product("tea"), product("tea")]],
    ids=["raises", "text", "twice"],
)
def test_a_broken_catalogue_costs_products_not_letters(world, picks, broken, caplog):
    """When the host's function fails, letters go without products until the next tick, and the log says so."""
    with caplog.at_level(logging.ERROR, "retention.engine"):
        assert picks(broken).of([order(9, "tea")], NOW) == ()
    assert "the catalogue cannot be read" in caplog.text


@pytest.mark.parametrize(
    "products, message",
    [(["tea"], "'tea' is no Product"), ([product("tea"), product("tea")], "'tea' is there twice")],
    ids=["text", "twice"],
)
def test_a_wrong_list_is_refused_at_once(world, products, message):
    """What is no catalogue is refused before the first letter."""
    with pytest.raises(InvalidInput, match=message):
        world.engine(products=products)


@pytest.fixture
def written(monkeypatch):
    """What the engine gave to each letter: whether it is promotional, and the products."""
    seen = []
    write = letters.Letters.write

    def watched(self, customer, decision, told, at, **options):
        seen.append((decision.promotional, names(options["picks"])))
        return write(self, customer, decision, told, at, **options)

    monkeypatch.setattr(letters.Letters, "write", watched)
    return seen


def sleeper(world):
    return [*world.reachable("eve"), world.order("eve", silent=80, lines=[Line(product_id="tea")]), *others(world)]


def test_letters_get_products(world, written):
    """A promotional letter gets what its customer may like, what they said included; without a catalogue, nothing."""
    engine = world.engine(products=TEA_SHOP)
    engine.record([*sleeper(world), wish("category", "clothes")])
    assert engine.run()["tick"]["send"] == 1
    assert written == [(True, ["hat", "scarf", "pot"])]


def test_no_catalogue_no_products(world, written):
    """An engine without a catalogue gives letters no products."""
    engine = world.engine()
    engine.record(sleeper(world))
    engine.run()
    assert written == [(True, [])]


def test_each_tick_asks_for_the_catalogue(world, written):
    """Of two customers whose letters are due in different ticks the second sees the changed catalogue."""
    catalogues = iter([TEA_SHOP, [product("tea"), product("jar")]])
    engine = world.engine(products=lambda: next(catalogues))
    engine.record(sleeper(world))
    engine.run()
    engine.record([*world.reachable("zoe"), world.order("zoe", silent=80, lines=[Line(product_id="tea")])])
    engine.run()
    engine.run()
    assert [shown for _, shown in written] == [["pot", "mug", "jar"], ["jar"]]


def test_letters_about_a_return_show_nothing(world, kit, written):
    """A letter that is no promotion gets no products."""
    from retention.journey import After, Facts, Journey, Step

    step = Step(id="hello", moment=After(), template="win_back/miss_you", promotional=False)
    engine = world.engine(Journey(name="returns", trigger=Facts("return"), steps=[step]), products=TEA_SHOP)
    engine.record([*sleeper(world), returned(0.01, "tea", status="requested")])
    engine.tick()
    assert written == [(False, [])]


def test_a_template_shows_them(world, tmp_path):
    """A shop's own text names the products with price and page; an address that is none is left out."""
    for language in ("en", "ru"):
        file = tmp_path / language / "win_back" / "miss_you.jinja"
        file.parent.mkdir(parents=True)
        file.write_text(
            f'{{% extends "retention:{language}/win_back/miss_you.jinja" %}}{{% block words %}}Look: '
            "{% for pick in picks %}{{ pick.name }} {% if pick.price %}{{ pick.price | money }}{% endif %} {{ pick.url }};"
            "{% endfor %}{% endblock %}",
            "utf-8",
        )
    products = [product("tea"), product("pot", url="https://shop.example/pot"), product("mug", url="javascript:x")]
    engine = world.engine(products=products, templates=tmp_path)
    engine.record(sleeper(world))
    engine.run()
    (message,) = world.sender.messages.values()
    assert "Pot €10 https://shop.example/pot;Mug €10 ;" in message.text
