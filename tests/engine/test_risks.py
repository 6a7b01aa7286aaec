"""Prevention: orders that are likely to come back are found once, early, and only where a letter is worth it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from retention import facts
from retention.engine import Engine, Prevention, Scanned
from retention.engine.copies import Restoration
from retention.engine.goods import Goods
from retention.engine.risks import Risks
from retention.errors import InvalidInput
from retention.facts import Line
from retention.journey import After, Facts, Journey, Step

HELP = Prevention(saved="12", letter_cost="0.30", prevents=0.1, least_history=20)
"""Worth a letter from a chance of a quarter on."""


def advice() -> Journey:
    """A journey that reads the findings."""
    return Journey(
        name="advice",
        trigger=Facts("return_risk"),
        steps=[Step(id="help", moment=After(), template="win_back/miss_you")],
    )


def coat(name, **more):
    return Line(**{"product_id": name, "price": "80", "category": "coats", "size": "M"} | more)


def past(world, customers=60, *, first=0, reason="SIZE_TOO_SMALL"):
    """Orders of X, 60 % sent back, and of Y, 5 %, each by another customer, long ago."""
    for n in range(first, first + customers):
        for name, share in (("X", 0.6), ("Y", 0.05)):
            order = world.order(f"{name}{n}", id=f"{name}{n}", silent=60 + n, lines=[coat(name)])
            yield order
            if n % 20 < share * 20:
                yield back(order, reason if name == "X" else "STYLE")


def back(order, reason="", *, after=5, status="refunded", **more):
    given = {"id": f"back {order.id}", "return_id": f"back {order.id}", "order_id": order.id}
    given |= {"customer_id": order.customer_id, "at": order.at + timedelta(days=after), "status": status}
    return facts.ReturnChanged(lines=order.lines, reason=reason, **given | more)


def found(world):
    """Every finding, by order."""
    return {fact.order_id: fact for _, fact in world.storage.facts(["return_risk"], 0, 10_000)[0]}


@pytest.fixture
def engine(world) -> Engine:
    """A shop with a past whose journey wants to know about risky orders."""
    engine = world.engine(advice(), prevention=HELP)
    engine.record(past(world))
    return engine


def test_the_risky_order_is_found(world, engine):
    """A product that is sent back 60 % of the time for being too small gives a finding that says so, the other none."""
    engine.record([world.order("eve", id="A", silent=1, lines=[coat("X")])])
    engine.record([world.order("zoe", id="B", silent=1, lines=[coat("Y")])])
    assert engine.scan() == Scanned(risks=1)
    (finding,) = found(world).values()
    assert (finding.id, finding.order_id, finding.customer_id, finding.at) == ("A", "A", "eve", world.clock.at)
    assert (finding.product_id, finding.fit) == ("X", "small")
    assert 0.5 < finding.risk < 0.7
    assert finding.worth == Decimal(str(round(finding.risk * 0.1, 6))) * 12 - Decimal("0.30")
    assert "X: " in finding.why
    assert "runs small" in finding.why


def test_found_once(world, engine):
    """An order is judged risky once, whoever looks and how often."""
    engine.record([world.order("eve", silent=1, lines=[coat("X")])])
    assert [engine.scan().risks, engine.scan().risks] == [1, 0]
    assert world.engine(advice(), prevention=HELP).scan().risks == 0
    assert len(found(world)) == 1


def test_two_engines_find_it_once(world, engine):
    """Engines that look at the same time record one finding between them."""
    engine.record([world.order("eve", silent=1, lines=[coat("X")])])
    goods = Goods()
    one, other = (Risks(HELP, goods, "Europe/Moscow").find(world.storage, world.clock.at)[0] for _ in "ab")
    assert engine.record(one).new + engine.record(other).new == 1
    assert Risks(HELP, goods, "Europe/Moscow").find(world.storage, world.clock.at) == ([], 0)


def test_large_ones_run_large(world):
    """Returns for being too large lean the other way; reasons that are no size lean no way."""
    for reason, fit in (("SIZE_TOO_LARGE", "large"), ("STYLE", ""), ("FIT_OTHER", "")):
        shop = type(world)()
        engine = shop.engine(advice(), prevention=HELP)
        engine.record([*past(shop, reason=reason), shop.order("eve", id="A", silent=1, lines=[coat("X")])])
        engine.scan()
        assert (found(shop)["A"].fit, "runs" in found(shop)["A"].why) == (fit, fit != "")


def test_a_mixed_lean_is_none(world):
    """As many too small as too large say nothing of a product's size."""
    engine = world.engine(advice(), prevention=HELP)
    engine.record(past(world, 40, reason="SIZE_TOO_SMALL"))
    engine.record(past(world, 40, first=40, reason="SIZE_TOO_LARGE"))
    engine.record([world.order("eve", id="A", silent=1, lines=[coat("X")])])
    engine.scan()
    assert found(world)["A"].fit == ""


def test_a_few_say_nothing_of_the_size(world, engine):
    """Four returns for one reason may be chance, five are not."""
    for name, count in (("few", 4), ("enough", 5)):
        for n in range(8):
            order = world.order(f"{name}{n}", id=f"{name}{n}", silent=60 + n, lines=[coat(name)])
            engine.record([order, *([back(order, "SIZE_TOO_SMALL")] if n < count else [])])
        engine.record([world.order("eve", id=name, silent=1, lines=[coat(name)])])
    engine.scan()
    assert {name: found(world)[name].fit for name in ("few", "enough")} == {"few": "", "enough": "small"}


def test_the_worst_line_is_named(world, engine):
    """The chance is that of any line of the order; the finding names the riskiest product."""
    engine.record([world.order("eve", id="A", silent=1, lines=[coat("Y"), coat("X")])])
    engine.record([world.order("zoe", id="B", silent=1, lines=[coat("X")])])
    engine.scan()
    assert found(world)["A"].product_id == "X"
    assert found(world)["A"].risk > found(world)["B"].risk


def test_not_worth_a_letter(world):
    """Where a letter costs as much as it saves, nobody is written to; a dearer return makes it worth while."""
    for saved, risks in (("12", 0), ("300", 1)):
        shop = type(world)()
        engine = shop.engine(advice(), prevention=Prevention(saved=saved, letter_cost="3", least_history=20))
        engine.record([*past(shop), shop.order("eve", silent=1, lines=[coat("X")])])
        assert engine.scan().risks == risks


def test_only_the_last_days(world, engine):
    """An order of more than a week ago, or of tomorrow, or without lines, is none to help with."""
    engine.record([world.order("eve", id=f"{age}", silent=age, lines=[coat("X")]) for age in (-1, 6.9, 7.1)])
    engine.record([world.order("eve", id="no lines", silent=1)])
    engine.scan()
    assert set(found(world)) == {"6.9"}
    world.clock.passes(days=2)
    engine.scan()
    assert set(found(world)) == {"6.9", "-1"}


def test_help_comes_with_the_goods(world, engine):
    """In a shop that tells of deliveries an order is judged when it has arrived, not before."""
    ordered = [world.order("eve", id=name, silent=20, lines=[coat("X")]) for name in ("late", "lost", "old")]
    engine.record(ordered)
    arrived = {"late": 1, "old": 15}
    engine.record(
        facts.DeliveryChanged(
            id=name, customer_id="eve", order_id=name, status="delivered", at=world.clock.at - timedelta(days=age)
        )
        for name, age in arrived.items()
    )
    # What the model learns from has arrived as well.
    engine.record(
        facts.DeliveryChanged(id=f"d {o.id}", customer_id=o.customer_id, order_id=o.id, status="delivered", at=o.at)
        for o in past(world)
        if isinstance(o, facts.OrderPlaced)
    )
    assert engine.scan().risks == 1
    assert set(found(world)) == {"late"}


def test_too_late_to_prevent(world, engine):
    """An order of which something is on its way back already is left in peace; one whose return was given up is not."""
    orders = [world.order("eve", id=name, silent=2, lines=[coat("X")]) for name in ("back", "kept")]
    engine.record([*orders, back(orders[0], after=1, status="requested"), back(orders[1], after=1, status="expired")])
    engine.scan()
    assert set(found(world)) == {"kept"}


def test_too_little_history(world):
    """Before enough came back nothing is foretold, and the scan says how many orders nobody could judge."""
    engine = world.engine(advice(), prevention=HELP)
    assert engine.scan() == Scanned()
    engine.record(past(world, 10))
    engine.record([world.order("eve", silent=1, lines=[coat("X")])])
    assert engine.scan() == Scanned(unjudged=1)
    assert engine.run()["scan"] == {"asleep": 0, "waiting": 0, "risks": 0, "unjudged": 1}


def test_all_came_back(world):
    """A shop to which everything came back has nothing to compare."""
    engine = world.engine(advice(), prevention=HELP)
    orders = [world.order(f"c{n}", silent=60 + n, lines=[coat("X")]) for n in range(30)]
    engine.record([*orders, *map(back, orders), world.order("eve", silent=1, lines=[coat("X")])])
    assert engine.scan() == Scanned(unjudged=1)


def test_the_rest_is_too_young(world):
    """Lines that are younger than any return was show nothing; when they are all that is left, nothing is foretold."""
    engine = world.engine(advice(), prevention=HELP)
    orders = [world.order(f"c{n}", silent=60 + n, lines=[coat("X")]) for n in range(30)]
    engine.record([*orders, *(back(order, after=20) for order in orders)])
    engine.record([world.order(f"d{age}", silent=age, lines=[coat("Y")]) for age in (1, 9, 10)])
    assert engine.scan() == Scanned(unjudged=1)


def test_learned_once_a_day(world):
    """What became known today counts from tomorrow on."""
    engine = world.engine(advice(), prevention=HELP)
    engine.record(world.order("eve", id=f"{n}", silent=n, lines=[coat("X")]) for n in (1, 2))
    assert engine.scan().unjudged == 2
    engine.record(past(world))
    assert engine.scan().unjudged == 2
    world.clock.passes(days=1)
    assert engine.scan() == Scanned(risks=2)


def test_an_order_is_no_past_of_itself(world):
    """Where only first orders come back, a first order is judged as one, though it was there when the model learned."""
    engine = world.engine(advice(), prevention=HELP)
    for n in range(80):
        first, second = (world.order(f"c{n}", silent=age + n, lines=[coat("X")]) for age in (90, 40))
        engine.record([first, second, *([back(first)] if n % 4 else [])])
    engine.record([world.order("eve", id="A", silent=6, lines=[coat("X")])])
    assert engine.scan().risks == 1
    assert found(world)["A"].risk > 0.6


def test_returns_still_to_come_are_counted(world):
    """Lines sold lately, of which the returns are not all known, do not make a product look safe."""
    engine = world.engine(advice(), prevention=HELP)
    engine.record(past(world))
    engine.record(world.order(f"new{n}", silent=8, lines=[coat("X")]) for n in range(60))
    late = [world.order(f"slow{n}", silent=100, lines=[coat("X")]) for n in range(30)]
    engine.record([*late, *(back(order, after=30) for order in late)])
    engine.record([world.order("eve", id="A", silent=1, lines=[coat("X")])])
    engine.scan()
    assert found(world)["A"].risk > 0.48  # of 150 sold 66, .44, are known to have come back


def test_nobody_asks(world):
    """Without a journey that reads the findings, or without a price of a return, nobody looks."""
    for engine in (world.engine(prevention=HELP), world.engine(advice())):
        engine.record([*past(world), world.order("eve", silent=1, lines=[coat("X")])])
        assert engine.scan().risks == 0
    assert found(world) == {}


def test_a_condition_is_enough(world):
    """A journey that only asks for findings in a condition is told of them too."""
    from retention.journey import Exists, Not

    step = Step(id="hi", moment=After(), template="win_back/miss_you", when=Not(Exists("return_risk")))
    engine = world.engine(Journey(name="other", trigger=Facts("visit"), steps=[step]), prevention=HELP)
    engine.record([*past(world), world.order("eve", silent=1, lines=[coat("X")])])
    assert engine.scan().risks == 1


def test_the_letter_leaves(world, engine):
    """A finding starts its journey, in the run that found it."""
    engine.record([*world.reachable("eve"), world.order("eve", silent=1, lines=[coat("X")])])
    assert engine.run()["tick"]["send"] == 1
    assert world.fates("eve") == [("help", "sent", "")]


def test_the_erased_leave_no_trace(world, engine):
    """Who was forgotten, before the scan or while it looked, is not found."""
    engine.record(world.order(who, id=who, silent=1, lines=[coat("X")]) for who in ("eve", "zoe", "ann"))
    engine.erase("eve")
    load = world.storage.load

    def meanwhile(ids, needed):
        world.storage.record([facts.CustomerErased(id="now", customer_id="zoe", at=world.clock.at)])
        return load(ids, needed)

    world.storage.load = meanwhile
    engine.scan()
    assert set(found(world)) == {"ann"}


def test_the_merged_are_found_under_their_new_name(world, engine):
    """A customer who became another while the scan looked is the other in the finding."""
    engine.record([world.order("eve", silent=1, lines=[coat("X")])])
    load = world.storage.load

    def meanwhile(ids, needed):
        world.storage.record([facts.CustomersMerged(id="m", customer_id="eve", into="zoe", at=world.clock.at)])
        return load(ids, needed)

    world.storage.load = meanwhile
    engine.scan()
    assert [finding.customer_id for finding in found(world).values()] == ["zoe"]


def test_a_restored_copy_does_not_write_again(world):
    """What a lost copy of the storage may have found is found as of then, so that its letter does not leave twice."""
    restored = world.clock.at - timedelta(days=1)
    world.storage.record(list(past(world)))
    world.storage.record([world.order("eve", id=f"{age}", silent=age, lines=[coat("X")]) for age in (0.5, 2)])
    risks = Risks(HELP, Goods(), "Europe/Moscow", Restoration(restored - timedelta(days=1), restored))
    at = {finding.order_id: finding.at for finding in risks.find(world.storage, world.clock.at)[0]}
    assert at == {"0.5": world.clock.at, "2": restored - timedelta.resolution}


def test_what_prevention_is_worth_is_checked():
    """A price below zero, an impossible share and no history are refused, each by its name."""
    for wrong in (
        {"saved": -1},
        {"prevents": 0},
        {"prevents": 1.5},
        {"least_history": 0},
        {"days": 0},
        {"letter_cost": 0.3},
    ):
        (name,) = wrong
        with pytest.raises(InvalidInput, match=name):
            Prevention(**{"saved": 12} | wrong)


@pytest.mark.shared_data
def test_rent_the_runway(world, shared_data):
    """On real rentals: orders found risky come back more often than the rest, and who runs small does so later too."""
    import polars as pl

    rows = pl.read_csv(shared_data / "rtr_fit.csv.gz", infer_schema_length=0).sort("review_date", maintain_order=True)
    popular = rows["item_id"].value_counts(sort=True, name="n").sort("n", "item_id", descending=True)["item_id"][:40]
    rows = rows.filter(pl.col("item_id").is_in(popular.to_list()) & (pl.col("review_date") < "2017-08-01"))
    later: dict[str, dict] = {}
    world.clock.at = datetime(2017, 7, 1, 12, tzinfo=UTC)
    for n, row in enumerate(rows.iter_rows(named=True)):
        at = datetime.fromisoformat(row["review_date"]).replace(hour=12, tzinfo=UTC)
        line = Line(product_id=row["item_id"], size=row["size"], category=row["category"])
        order = world.order(row["user_id"], id=f"{n}", at=at, lines=[line])
        world.storage.record([order])
        if at > world.clock.at:
            later[f"{n}"] = row
        elif row["fit"] != "fit":
            world.storage.record(
                [back(order, f"SIZE_TOO_{ {'small': 'SMALL', 'large': 'LARGE'}[row['fit']] }", after=0)]
            )
    risks = Risks(Prevention(saved=10, letter_cost="0.3", days=31), Goods(), "UTC")
    found_now, unjudged = risks.find(world.storage, datetime(2017, 7, 31, 12, tzinfo=UTC))
    assert unjudged == 0
    risky = {finding.order_id: finding for finding in found_now}
    share = [sum(later[n]["fit"] != "fit" for n in part) / len(part) for part in (set(risky), set(later) - set(risky))]
    assert share[0] > 1.2 * share[1]
    for fit, other in (("small", "large"), ("large", "small")):
        ones = [later[n]["fit"] for n, finding in risky.items() if finding.fit == fit]
        assert ones.count(fit) > ones.count(other)
