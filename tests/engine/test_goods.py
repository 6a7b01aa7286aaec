"""What was bought and what came back, as picks and prevention read it from the storage."""

from __future__ import annotations

from datetime import timedelta

import pytest

from retention import facts
from retention.engine.goods import Goods
from retention.facts import Line
from retention.storage.memory import MemoryStorage


@pytest.fixture
def goods() -> Goods:
    return Goods()


def seen(world, goods):
    """Of each order its customer, its products, and those that came back with their reasons."""
    return {
        order.id: (
            order.customer_id,
            [piece.product_id for piece in order.pieces],
            {order.pieces[place].product_id: back.reason for place, back in order.back.items()},
        )
        for order in goods.orders(world.storage, world.clock.at)
    }


def returned(world, customer, order="", *, days=0.0, **changes):
    given = {"id": world.id("fact"), "return_id": "R", "status": "requested", "order_id": order}
    return facts.ReturnChanged(customer_id=customer, at=world.clock.at - timedelta(days=days), **given | changes)


def lines(*names):
    return [Line(product_id=name) for name in names]


def test_orders_are_read_on(world, goods):
    """What is recorded later is there at the next look, what is dated ahead when its time has come."""
    world.storage.record([world.order("eve", id="A", lines=lines("tea")), world.order("eve", id="B", silent=-1)])
    assert seen(world, goods) == {"A": ("eve", ["tea"], {})}
    world.storage.record([world.order("zoe", id="C")])
    world.clock.passes(days=1)
    assert set(seen(world, goods)) == {"A", "B", "C"}


def test_one_product_in_one_size_is_one_piece(world, goods):
    """Lines of the same product and size are one piece of their value together."""
    pair = [Line(product_id="shoe", size="41", price="50"), Line(product_id="shoe", size="41", price="50", quantity=2)]
    world.storage.record([world.order("eve", lines=[*pair, Line(product_id="shoe", size="42", price="50")])])
    (order,) = goods.orders(world.storage, world.clock.at)
    assert [(piece.size, piece.value) for piece in order.pieces] == [("41", 150.0), ("42", 50.0)]


def test_a_return_names_its_goods(world, goods):
    """A return is about its lines, in the size they give; about the whole order if it has none."""
    shoes = [Line(product_id="shoe", size="41"), Line(product_id="shoe", size="42"), Line(product_id="hat")]
    world.storage.record([world.order("eve", id="A", silent=9, lines=shoes), world.order("zoe", id="B", lines=shoes)])
    world.storage.record(
        [
            returned(world, "eve", "A", lines=[shoes[1]], reason="STYLE"),
            returned(world, "zoe", "B", return_id="S"),
            returned(world, "zoe", "unknown", return_id="T"),
        ]
    )
    back = {order.id: set(order.back) for order in goods.orders(world.storage, world.clock.at)}
    assert back == {"A": {1}, "B": {0, 1, 2}}


def test_a_return_without_an_order_is_of_the_last_that_fits(world, goods):
    """Of two orders with the product the later is meant, never one placed after the return began."""
    for n, age in enumerate((9, 6, 1)):
        world.storage.record([world.order("eve", id=f"{n}", silent=age, lines=lines("tea"))])
    world.storage.record(
        [returned(world, "eve", days=3, lines=lines("tea")), returned(world, "eve", return_id="S", lines=lines("hat"))]
    )
    assert [order for order, (_, _, back) in seen(world, goods).items() if back] == ["1"]


def test_the_last_word_on_a_return_counts(world, goods):
    """The stages of a return are one return: begun at the first, for the last reason given, in whatever order told."""
    world.storage.record([world.order("eve", id="A", silent=9, lines=lines("tea", "mug"))])
    told = [
        returned(world, "eve", "A", days=2, status="received", reason="DAMAGED"),
        returned(world, "eve", "A", days=5, lines=lines("mug"), reason="STYLE"),
        returned(world, "eve", "", days=1, status="refunded"),
    ]
    world.storage.record(told)
    (order,) = goods.orders(world.storage, world.clock.at)
    assert {place: (back.at, back.reason) for place, back in order.back.items()} == {1: (told[1].at, "DAMAGED")}


def test_an_early_reason_stands_until_another_is_given(world, goods):
    """A reason that is heard of late is better than none."""
    world.storage.record([world.order("eve", id="A", silent=9, lines=lines("tea"))])
    world.storage.record([returned(world, "eve", "A", days=1), returned(world, "eve", "A", days=3, reason="STYLE")])
    assert seen(world, goods)["A"][2] == {"tea": "STYLE"}


@pytest.mark.parametrize("status", ["rejected", "expired"])
def test_goods_that_stay_did_not_come_back(world, goods, status):
    """A return that was refused or given up leaves the goods with the customer."""
    world.storage.record([world.order("eve", id="A", silent=9, lines=lines("tea"))])
    world.storage.record([returned(world, "eve", "A", days=3), returned(world, "eve", "A", days=1, status=status)])
    assert seen(world, goods)["A"][2] == {}


def test_the_first_delivery_counts(world, goods):
    """An order has arrived when its first parcel is delivered; one that is only shipped has not."""
    world.storage.record([world.order("eve", id="A", silent=9), world.order("eve", id="B", silent=9)])
    told = [("A", "shipped", 8), ("A", "delivered", 3), ("A", "delivered", 5), ("B", "failed", 2)]
    for order, status, age in told:
        at = world.clock.at - timedelta(days=age)
        given = {"id": world.id("parcel"), "customer_id": "eve", "at": at}
        world.storage.record([facts.DeliveryChanged(order_id=order, status=status, **given)])
    arrived = {order.id: order.delivered for order in goods.orders(world.storage, world.clock.at)}
    assert arrived == {"A": world.clock.at - timedelta(days=5), "B": None}
    assert goods.delivers


@pytest.mark.parametrize("looked", [True, False])
def test_merged_customers_are_one(world, goods, looked):
    """Orders and returns of both ids belong to the one that stays, whether they were read before the merge or after."""
    world.storage.record([world.order("eve", id="A", silent=9, lines=lines("tea"))])
    world.storage.record([world.order("zoe", id="B", silent=9, lines=lines("mug"))])
    if looked:
        seen(world, goods)
    world.storage.record(
        [
            facts.CustomersMerged(id="m", customer_id="eve", at=world.clock.at, into="zoe"),
            facts.CustomersMerged(id="n", customer_id="zoe", at=world.clock.at, into="ann"),
            returned(world, "eve", "A", reason="STYLE"),
        ]
    )
    assert seen(world, goods) == {"A": ("ann", ["tea"], {"tea": "STYLE"}), "B": ("ann", ["mug"], {})}


@pytest.mark.parametrize("looked", [True, False])
def test_erased_customers_are_gone(world, goods, looked):
    """Of a forgotten customer nothing is left; what they buy later is theirs anew."""
    world.storage.record([world.order("eve", id="A", silent=9, lines=lines("tea"))])
    if looked:
        seen(world, goods)
    world.storage.record([facts.CustomerErased(id="e", customer_id="eve", at=world.clock.at)])
    assert seen(world, goods) == {}
    world.storage.record([world.order("eve", id="B")])
    assert set(seen(world, goods)) == {"B"}


def test_the_merged_are_erased_whole(world, goods):
    """Who is forgotten under an earlier name is forgotten under the one that stayed."""
    world.storage.record([world.order("eve", id="A"), world.order("zoe", id="B")])
    world.storage.record([facts.CustomersMerged(id="m", customer_id="eve", at=world.clock.at, into="zoe")])
    assert set(seen(world, goods)) == {"A", "B"}
    world.storage.record([facts.CustomerErased(id="e", customer_id="eve", at=world.clock.at)])
    assert seen(world, goods) == {}


def test_facts_nobody_asked_for_are_passed_over(world, goods):
    """A storage that gives more kinds than it was asked for does not disturb the reading."""

    class Generous(MemoryStorage):
        def facts(self, kinds, after, limit):
            return super().facts(facts.KINDS, after, limit)

    world.storage = Generous()
    world.storage.record(world.asleep("eve"))
    assert len(seen(world, goods)) == 1
