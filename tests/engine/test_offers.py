"""Offers at work: rounds within budget and stock, codes that come back, and what several workers and crashes do to them."""

from __future__ import annotations

import json
import math
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from attrs import evolve

from retention import facts, offers
from retention.engine import Granting, Ration
from retention.engine.grants import Grants
from retention.engine.rounds import Left, Request, decide
from retention.engine.standing import Standing
from retention.errors import InvalidInput
from retention.journey import GRANTED, After, AfterExit, ContactPolicy, Facts, Journey, Step
from retention.offers import Condition, Offer
from retention.people import Shop

TEN = Offer(id="ten", kind="discount", amount="0.10", days=14)
MUG = Offer(id="mug", kind="gift", amount=9, cost="0.50", days=14)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ALL_AT_ONCE = {"ration": Ration(share=1.0), "policy": ContactPolicy(quiet_hours=None, caps=(), holds=())}


def journey(**more):
    step = Step(id="gift", moment=After(), template="win_back/miss_you", offer=GRANTED)
    return Journey(name="win_back", trigger=Facts("asleep"), reentry=AfterExit(), **{"steps": [step]} | more)


def one_shop(**changes):
    named = {"name": "Tea", "sender": "tea@shop.example", "timezone": "Europe/Moscow", "currency": "EUR"}
    return Shop(**named | {"base_url": "https://shop.example", "secret": "do not show this to anybody"} | changes)


def granting(*catalogue, **more):
    return Granting(**{"catalogue": catalogue or (TEN, MUG), "budget": 20, "explore": 0.0} | more)


@pytest.fixture
def shop(world):
    """A world with sleepers whose letter waits for an offer; `at_work` makes engines on it."""

    def at_work(*catalogue, customers=12, each=None, **more):
        engine = world.engine(each or journey(), offers=granting(*catalogue, **more), **ALL_AT_ONCE)
        if customers:
            engine.record(world.reachable(*range(customers)))
            engine.record(world.order(n, silent=75, total=str(40 + 5 * n)) for n in range(customers))
        return engine

    world.at_work = at_work
    return world


def decided(world):
    found, _ = world.storage.facts([facts.OfferDecided.kind], 0, 10_000)
    return [fact for _, fact in found]


def test_every_run_that_waits_is_decided_in_one_round(shop):
    """One run of the engine: entries, one round, letters with what was granted; nothing is asked twice."""
    engine = shop.at_work()
    done = engine.run()
    assert done["tick"]["send"] == 12 == done["tick"]["granted"] + done["tick"]["no_offer"]
    assert done["tick"]["granted"] > 0
    assert engine.run()["tick"] == {}
    letters = {row.entry_key: row.offer for n in range(12) for row in shop.file(n).ledger if row.kind == "send"}
    assert letters == {fact.about: fact.offer for fact in decided(shop)}
    assert all(fact.reason and fact.cell and fact.propensity == 1 for fact in decided(shop))


@pytest.mark.parametrize("budget", [0, 0.49, 3, 10, 50])
@pytest.mark.parametrize("explore", [0.0, 0.5, 1.0])
def test_the_budget_holds_if_all_is_redeemed(shop, budget, explore):
    """What is granted costs no more than the budget, by lot or by choice; who gets none has a reason."""
    cheap = evolve(TEN, amount=Decimal("0.01"))
    shop.at_work(cheap, MUG, customers=40, budget=budget, explore=explore).run()
    assert sum(fact.cost for fact in decided(shop)) <= Decimal(str(budget))
    assert len(decided(shop)) == 40
    assert all(fact.reason for fact in decided(shop))


def test_stock_is_never_exceeded_and_comes_back(shop):
    """Two mugs go to two customers; when they end unused, two others get them."""
    mugs = evolve(MUG, stock=2)
    engine = shop.at_work(mugs)
    engine.run()
    assert Counter(fact.offer for fact in decided(shop))["mug"] == 2
    shop.clock.passes(days=16)
    engine.record(shop.reachable("late", "later"))
    engine.record([shop.order("late", silent=75), shop.order("later", silent=75)])
    engine.run()
    assert [fact.offer for fact in decided(shop)][-2:] == ["mug", "mug"]


def test_the_budget_comes_back_when_offers_end(shop):
    """Reserved at the grant, released at the end, spent for the window when redeemed."""
    engine = shop.at_work(MUG, budget=1)
    engine.run()
    first = [fact for fact in decided(shop) if fact.offer]
    assert len(first) == 2
    grants = Grants(granting(MUG, budget=1))
    grants.read(shop.storage)
    assert grants.left(shop.clock.at).budget == 0
    after = first[0].expires_at + timedelta(seconds=1)
    assert grants.left(after).budget == 1
    assert engine.redeem(first[0].code, order_id=7).status == "accepted"
    grants.read(shop.storage)
    assert grants.left(after).budget == 0.5
    assert grants.left(first[0].at + timedelta(days=31)).budget == 1


def test_a_code_is_used_once(shop):
    """As typed by a human; by one order, which may ask again; unknown, mistyped and late ones are told apart."""
    engine = shop.at_work(MUG)
    engine.run()
    one, other = [fact for fact in decided(shop) if fact.offer][:2]
    typed = f" {one.code.lower().replace('-', ' ')} "
    assert engine.redeem(typed, order_id="a").status == "accepted"
    assert engine.redeem(one.code, order_id="a") == engine.redeem(typed, order_id="a")
    assert engine.redeem(one.code, order_id="b").status == "redeemed"
    assert engine.redeem("AAAA-AAAA-AAAB", order_id="b") == type(engine.redeem(typed, order_id="a"))("mistyped")
    stranger = offers.codes.code("the secret of another shop", 1, "mug", 0)
    assert engine.redeem(stranger, order_id="b").status == "unknown"
    late = other.expires_at + timedelta(seconds=1)
    assert engine.redeem(other.code, order_id="c", at=late).status == "expired"
    assert engine.redeem(other.code, order_id="c", at=other.expires_at - timedelta(seconds=1)).granted == other
    (used,) = [fact for fact in shop.file(one.customer_id).facts if isinstance(fact, facts.OfferRedeemed)]
    assert (used.id, used.about, used.order_id) == (one.id, one.about, "a")


def test_another_process_knows_the_codes(shop):
    """Everything is read back from the storage; merged customers keep their offers, erased ones have none."""
    shop.at_work(MUG).run()
    one, other, third = [fact for fact in decided(shop) if fact.offer][:3]
    into = facts.CustomersMerged(id="m", customer_id=one.customer_id, at=shop.clock.at, into="new")
    engine = shop.at_work(MUG, customers=0)
    engine.redeem("?")
    engine.record([into])
    engine.erase(other.customer_id)
    for again in (engine, shop.at_work(MUG, customers=0)):
        assert again.redeem(one.code, order_id="a").status == "accepted"
        assert again.redeem(other.code, order_id="a").status == "unknown"
        assert again.redeem(third.code, order_id="x").status == "accepted"
    assert [f.customer_id for f in shop.file("new").facts if f.kind == "redemption"] == ["new"]


def test_two_that_redeem_at_once(shop):
    """The storage knows one of two orders; the other is told."""
    shop.at_work(MUG).run()
    one = next(fact for fact in decided(shop) if fact.offer)
    first, second = (shop.at_work(MUG, customers=0) for _ in "ab")
    second.redeem("?")
    assert first.redeem(one.code, order_id="a").status == "accepted"
    second._offering._grants.read = lambda _storage: None  # it read a moment too early
    assert second.redeem(one.code, order_id="b").status == "redeemed"


def test_who_was_served_waits(shop):
    """No second offer within the window, no deeper cut after an unused one: guardrails see what engines granted."""
    engine = shop.at_work(TEN, customers=1, budget=1_000, window=30, margin=0.9)
    engine.run()
    assert [fact.offer for fact in decided(shop)] == ["ten"]
    engine.record([shop.order(0)])
    shop.clock.passes(days=20)
    twenty = evolve(TEN, id="twenty", amount=Decimal("0.20"))
    again = facts.FellAsleep(id="x", customer_id="0", at=shop.clock.at, order_id="x", basis=shop.clock.at)
    engine.record([again])
    engine.run()
    assert decided(shop)[-1].reason == "one_per_window"
    shop.clock.passes(days=40)
    engine = shop.at_work(twenty, customers=0, budget=1_000, margin=0.9)  # "ten" is not in the catalogue any more
    engine.record([evolve(again, id="y", order_id="y", at=shop.clock.at, basis=shop.clock.at)])
    engine.run()
    assert decided(shop)[-1].reason == "escalation"


@pytest.mark.parametrize(
    "condition, granted",
    [
        (Condition(column="basket", at_least=60), {*range(4, 12)}),
        (Condition(column="journey", within=["win_back"]), {*range(12)}),
        (Condition(column="journey", within=["product_return"]), set()),
        (Condition(column="state", within=["lost"]), set()),
        (Condition(column="orders", at_most=1), {*range(12)}),
        (Condition(column="days_since_last", at_least=76), set()),
    ],
)
def test_conditions_of_the_catalogue(shop, condition, granted):
    """Who may have an offer depends on what the engine knows of them."""
    shop.at_work(evolve(MUG, conditions=[condition]), budget=1_000).run()
    assert {int(fact.customer_id) for fact in decided(shop) if fact.offer} == granted
    assert {fact.reason for fact in decided(shop) if not fact.offer} <= {"not_eligible"}


def test_pools_of_the_hosts_codes(shop):
    """Every code goes to one customer; a pool that ran dry is a reason, not an error."""
    pool = [f"SPRING{n}" for n in range(5)]
    engine = shop.at_work(MUG, pools={"mug": pool}, budget=1_000)
    engine.run()
    given_ = [fact.code for fact in decided(shop) if fact.offer]
    assert sorted(given_) == pool
    assert Counter(fact.reason for fact in decided(shop) if not fact.offer).keys() <= {"nothing_left", "no_stock"}
    assert engine.redeem(" SPRING3 ", order_id="a").status == "accepted"
    assert engine.redeem("AUTUMN", order_id="a").status == "unknown"
    shop.clock.passes(days=40)  # what ended unused is not given to somebody else
    engine.record([*shop.reachable("new"), shop.order("new", silent=75)])
    engine.run()
    assert decided(shop)[-1].offer == ""


def rounds(shops, *, explore, n=40):
    """The decisions of many shops with the same customers, each with lots of its own."""
    rng = np.random.default_rng(5)
    word = np.full(n, "asleep")
    who = Standing(word, np.full(n, ""), rng.uniform(20, 90, n), np.ones(n, dtype=int), np.full(n, 75))
    left = Left(math.inf, np.array([math.inf, math.inf]), [(), ()])
    for shop in shops:
        requests = [Request(f"c{k}", "j", f"{shop.id}/{k}", ()) for k in range(n)]
        yield decide(granting(explore=explore), requests, who, offers.Beliefs(), left, None, shop=shop, now=NOON).facts


def test_propensities_are_the_chances():
    """Of everything that can be decided, each was as often decided as its propensity says: weights average to one."""
    shops = [one_shop(id=f"s{n}") for n in range(150)]
    found = [fact for facts_ in rounds(shops, explore=0.3) for fact in facts_]
    assert {round(fact.propensity, 6) for fact in found} == {0.1, 0.8}
    for offer in ("", "ten", "mug"):
        weights = [1 / fact.propensity for fact in found if fact.offer == offer]
        assert sum(weights) / len(found) == pytest.approx(1, abs=0.08)
    assert all(fact.eligible == ("ten", "mug") for fact in found)


def test_a_round_done_again_decides_the_same():
    """Lots are hashes of the run."""
    once, again = (list(rounds([one_shop()], explore=0.5)) for _ in "ab")
    assert once == again
    assert {fact.lot for fact in once[0]} == {True, False}


def test_small_rounds_go_by_stored_prices(shop):
    """A large round finds what budget is worth; a single customer later is decided by that."""
    engine = shop.at_work(evolve(MUG, cost=2), customers=60, budget=40, explore=0.0)
    engine.run()
    grants = Grants(granting(evolve(MUG, cost=2)))
    grants.read(shop.storage)
    assert grants.prices is not None
    assert grants.prices.budget > 0
    shop.clock.passes(days=31)
    engine.record([*shop.reachable("poor", "rich"), shop.order("poor", silent=75, total="20")])
    engine.record([shop.order("rich", silent=75, total="900")])
    engine.run()
    by = {fact.customer_id: fact for fact in decided(shop)}
    assert (by["poor"].offer, by["rich"].offer) == ("", "mug")
    assert by["poor"].reason in ("no_budget", "not_worth_it")
    grants = Grants(granting(TEN, MUG))
    grants.read(shop.storage)
    assert grants.prices is None  # they are another catalogue's


def test_workers_do_not_spend_a_budget_twice(shop):
    """Several engines grant at once, each half of the customers: together they stay within the budget."""
    engines = [shop.at_work(MUG, customers=0, budget=5) for _ in range(3)]
    engines[0].record(shop.reachable(*range(30)))
    engines[0].record(shop.order(n, silent=75) for n in range(30))
    engines[0].scan()
    threads = [threading.Thread(target=engine.tick) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(fact.cost for fact in decided(shop)) <= 5
    assert len(decided(shop)) == 30


def test_another_workers_round_is_read_first(shop):
    """The number of a round is given once; who comes second decides anew on what is left."""
    engine = shop.at_work(MUG, budget=1)
    engine.scan()
    grants = engine._offering._grants
    read, others = grants.read, []

    def late(storage):
        read(storage)
        if not others:  # between reading and announcing somebody else is quicker
            others.append(
                storage.remember(
                    "offers/round/000000000",
                    '{"by":"x","cost":0.5,"prices":null,"taken":{"mug":1},"until":"2026-04-01T00:00:00+00:00"}',
                )
            )

    grants.read = late
    engine.tick()
    assert Counter(fact.offer for fact in decided(shop))["mug"] == 1


def test_a_worker_that_died_keeps_its_reservation_until_it_ends(shop):
    """Announced, never recorded: the customers ask again, the money waits for the end of what might have been granted."""
    engine = shop.at_work(MUG, budget=2)
    kept = shop.storage.record

    def dies(batch):
        if batch[0].kind == "offer":
            raise RuntimeError
        return kept(batch)

    shop.storage.record = dies
    with pytest.raises(RuntimeError):
        engine.run()
    shop.storage.record = kept
    shop.clock.passes(hours=1)
    again = shop.at_work(MUG, customers=0, budget=2)
    again.run()
    assert {fact.reason for fact in decided(shop)} == {"nothing_left"}
    grants = Grants(granting(MUG, budget=2))
    grants.read(shop.storage)
    assert grants.left(shop.clock.at).budget == 0
    assert grants.left(shop.clock.at + timedelta(days=15)).budget == 2


def test_what_offers_did_is_learnt(shop):
    """After the horizon the decisions and the orders within it change what is believed; before it they do not."""
    engine = shop.at_work(MUG, budget=1_000)
    engine.run()
    shop.clock.passes(days=5)
    engine.record([shop.order(n) for n in range(6)])
    grants = Grants(granting(MUG))
    grants.read(shop.storage)
    assert not grants.beliefs(shop.clock.at).seen
    seen = grants.beliefs(shop.clock.at + timedelta(days=23)).seen
    assert sum(one.number for one in seen.values()) == pytest.approx(12)
    assert sum(one.number * one.share for one in seen.values()) == pytest.approx(6)


def test_a_shop_without_orders(shop):
    """Somebody fell asleep elsewhere: nothing says what an order is worth, so nothing is offered."""
    engine = shop.at_work(customers=0)
    engine.record(shop.reachable("a"))
    at = shop.clock.at
    engine.record([facts.FellAsleep(id="x", customer_id="a", at=at, order_id="x", basis=at)])
    engine.run()
    assert [(fact.offer, fact.reason) for fact in decided(shop)] == [("", "no_orders")]


def test_an_engine_without_offers(shop):
    """It sends without, and says what is missing when a code comes."""
    engine = shop.engine(journey(), **ALL_AT_ONCE)
    engine.record(shop.asleep("a"))
    assert engine.run()["tick"]["send"] == 1
    with pytest.raises(InvalidInput, match="this engine grants no offers; give it offers="):
        engine.redeem("X")


def test_the_letter_and_the_explanation_tell_of_the_offer(shop):
    """Who asks why sees the offer, its code, its reason and its use; and why there was none."""
    engine = shop.at_work(evolve(MUG, stock=1))
    engine.run()
    one = next(fact for fact in decided(shop) if fact.offer)
    engine.redeem(one.code, order_id="o-9")
    told = str(engine.explain(one.customer_id))
    assert f"win_back: offer mug granted, code {one.code}, until {one.expires_at:%Y-%m-%d}: best" in told
    assert f"offer of {one.id} used on order o-9" in told
    none = next(fact for fact in decided(shop) if not fact.offer)
    assert "win_back: no offer granted: no_stock (some would pay" in str(engine.explain(none.customer_id))


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"catalogue": []}, "offers: an empty catalogue"),
        ({"budget": -1}, "budget: -1: give an amount from 0 up"),
        ({"budget": float("nan")}, "budget: nan: give an amount"),
        ({"explore": 1.5}, "explore: 1.5 is no share"),
        ({"margin": "much"}, "margin: 'much' is no finite number"),
        ({"days": 0}, "days: 0 is no whole number from 1 up"),
        ({"pools": {"tea": ["A"]}}, "pools: 'tea' is no offer of the catalogue"),
        ({"pools": {"mug": ["A", "A"]}}, "pool: row 1 is 'A', as row 0 is"),
        ({"pools": ["A"]}, r"pools: \['A'\]: give the codes of each offer"),
        (
            {"catalogue": [evolve(MUG, conditions=[Condition(column="city", within=["Omsk"])])]},
            "mug: 'city' is unknown",
        ),
    ],
)
def test_settings_that_cannot_be(wrong, said):
    """Each is named with its remedy before anything runs."""
    with pytest.raises(InvalidInput, match=said):
        Granting(**{"catalogue": [TEN, MUG], "budget": 1} | wrong)


def test_settings_through_json():
    """What was written comes back, also what somebody wrote by hand with strings and defaults."""
    limited = evolve(TEN, conditions=[Condition(column="state", within=["lost"])])
    one = granting(limited, MUG, pools={"mug": ["A", "B"]}, window=10, prior=evolve(offers.PRIOR, weight=7.0))
    assert Granting.from_json(json.loads(json.dumps(one.to_json()))) == one
    by_hand = {"budget": 20, "catalogue": [{"id": "mug", "kind": "gift", "amount": "9", "cost": "0.5", "days": 14}]}
    assert Granting.from_json(by_hand) == granting(MUG, explore=0.1)


def test_a_code_without_an_order_is_used_once(shop):
    """Nobody can tell a second use from a repeated call when no order is named: it is refused, by any worker."""
    engine = shop.at_work(MUG)
    engine.run()
    one = next(fact for fact in decided(shop) if fact.offer)
    assert engine.redeem(one.code).status == "accepted"
    assert engine.redeem(one.code).status == "redeemed"
    assert shop.at_work(MUG, customers=0).redeem(one.code).status == "redeemed"


def test_redemptions_count_from_the_day_they_happen(shop):
    """Granted on the first day and used a fortnight later: it leaves the budget's window a month after its use."""
    engine = shop.at_work(MUG, budget=1)
    engine.run()
    one = next(fact for fact in decided(shop) if fact.offer)
    used = one.at + timedelta(days=13)
    assert engine.redeem(one.code, order_id="a", at=used).status == "accepted"
    grants = Grants(granting(MUG, budget=1))
    grants.read(shop.storage)
    assert grants.left(used + timedelta(days=29)).budget == 0.5
    assert grants.left(used + timedelta(days=30)).budget == 1
