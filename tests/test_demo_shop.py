"""The demo shop: what is called the truth is true, chance comes from the seed alone, and the engine is the real one."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from attrs import evolve

from retention import demo_shop
from retention.demo_shop.brake import MOST, harms
from retention.demo_shop.catalogue import OFFERS
from retention.demo_shop.customers import Coupon, Customers
from retention.demo_shop.lives import DAY, draw, earned
from retention.demo_shop.responses import chance, sort
from retention.demo_shop.truth import windows
from retention.errors import InvalidInput
from retention.facts import ConsentChanged, OfferDecided, OfferRedeemed, OrderPlaced, ProfileChanged, ReturnChanged
from retention.journey import CONTROL, Needs
from retention.messages import Result
from retention.playbooks import win_back
from retention.senders.memory import MemorySender

SMALL = {name: evolve(world, customers=200, days=120, arrival_days=120) for name, world in demo_shop.WORLDS.items()}


@cache
def lived(world: str) -> demo_shop.Simulated:
    return demo_shop.simulate(SMALL[world], sender=MemorySender(), may_stop=False)


@pytest.fixture
def done() -> demo_shop.Simulated:
    return lived("default")


def files(done):
    return done.engine.storage.load(done.engine.storage.customers("", 1_000), Needs())


def told(done):
    return [str(done.engine.explain(file.customer_id)) for file in files(done)]


def arms(done):
    (journey,) = done.results.journeys
    return {arm.arm: arm for arm in journey.arms}


def test_same_seed_gives_the_same_shop(done) -> None:
    """Every fact, decision, result and truth is the same when the same seed is lived again."""
    again = demo_shop.simulate(SMALL["default"])
    assert again.to_json() == done.to_json()
    assert told(again) == told(done)


def test_another_seed_gives_another_shop(done) -> None:
    """Lives and arms are drawn anew for every seed."""
    assert draw(done.world, 2).unaided != draw(done.world, 1).unaided
    assert demo_shop.simulate(done.world, seed=2, days=1).engine.shop.id != done.engine.shop.id


def test_truth_of_the_world_without_effect_is_exactly_zero() -> None:
    """Where letters change nobody no order is won or lost, and all they leave behind is their and the offers' cost."""
    truth = lived("aa").truth
    assert truth.letters > 100
    assert truth.treated > 50
    assert truth.unaided > 0
    effects = ("incremental", "won", "lost", "orders_won", "orders_lost", "unsubscribed")
    assert {name: getattr(truth, name) for name in effects} == dict.fromkeys(effects, 0)
    assert truth.redeemed > 0 < truth.offers_cost
    assert truth.profit == pytest.approx(-SMALL["aa"].letter_cost * truth.letters - truth.offers_cost)


def test_all_letters_are_accounted_for(done) -> None:
    """What left the sender is what the storage calls sent, what the results count and what the truth counts."""
    messages = done.engine.sender.sender.messages
    sent = {outcome.message_key for file in files(done) for outcome in file.outcomes if outcome.status == "sent"}
    assert sent == set(messages)
    assert sum(arm.sent for arm in arms(done).values()) == done.truth.letters == len(messages) > 100
    assert arms(done)[CONTROL].sent == 0 < arms(done)[CONTROL].withheld


def test_running_again_changes_nothing(done) -> None:
    """After the last day the engine finds nothing to do."""
    before = told(done)
    ran = done.engine.run()
    assert ran["scan"]["asleep"] == 0
    assert not ran["tick"]
    assert not ran["deliver"]
    assert told(done) == before


def test_truth_counts_the_customers_of_the_results(done) -> None:
    """The groups of the truth are those of the results, and the treated who returned are the same."""
    treated, control = arms(done)["letters"], arms(done)[CONTROL]
    assert (done.truth.treated, done.truth.control) == (treated.decided, control.decided)
    assert done.truth.returned == treated.returned
    assert done.truth.incremental == done.truth.won - done.truth.lost


@pytest.mark.parametrize("world", ["default", "losing"])
def test_who_gets_no_letter_lives_as_drawn(world) -> None:
    """A customer of the control group does within the window exactly what the truth says of a life without letters."""
    done = lived(world)
    lives, zone = draw(SMALL[world], 1), ZoneInfo("Europe/London")
    rows = ((int(file.customer_id[1:]) - 1, file) for file in files(done))
    (journey,) = done.engine.book.current
    found = list(windows(rows, lives, journey, zone=zone, origin=origin(done), now=done.engine.now()))
    control = [window for window in found if window.arm == CONTROL]
    assert len(control) == done.truth.control > 5
    assert all(window.returned == window.unaided for window in control)
    assert any(window.returned != window.unaided for window in found)


def origin(done):
    """The first second of the simulation: a life's first order, told in both ways, says which."""
    row, file = next((int(file.customer_id[1:]) - 1, file) for file in files(done))
    first = next(fact for fact in file.facts if isinstance(fact, OrderPlaced))
    return first.at - timedelta(seconds=draw(done.world, done.seed).unaided[row][0])


def test_worlds_have_the_same_customers() -> None:
    """Worlds that differ in what letters do draw the same lives from the same seed, to the last mood."""
    default, losing = draw(SMALL["default"], 7), draw(SMALL["losing"], 7)
    assert default.unaided == losing.unaided
    for name in ("favourite", "person", "basket", "fate", "response", "pause"):
        assert np.array_equal(getattr(default, name), getattr(losing, name))


def test_losing_world_loses() -> None:
    """Where letters annoy more than they bring back, writing to everybody costs orders, customers and money."""
    truth = lived("losing").truth
    assert truth.incremental < 0
    assert truth.orders_lost > truth.orders_won
    assert truth.unsubscribed > 0
    assert truth.profit < 0


def test_letters_go_only_to_who_agreed(done) -> None:
    """Nobody without consent is written to, nor anybody after they unsubscribed."""
    agreed, left = 0, 0
    for file in files(done):
        consents = [fact for fact in file.facts if isinstance(fact, ConsentChanged)]
        sent = [outcome.at for outcome in file.outcomes if outcome.status == "sent"]
        agreed += bool(consents)
        left += len(consents) > 1
        assert not sent or (consents and consents[0].granted)
        assert all(at < consents[1].at for at in sent if len(consents) > 1)
    assert 150 < agreed < 200
    assert left == done.truth.unsubscribed > 0


class Refusing(MemorySender):
    def send(self, messages):
        return [Result("rejected") for _ in messages]


def test_letters_that_do_not_leave_move_nobody() -> None:
    """Only what a sender accepted is read: with one that rejects everything, nothing is won, lost or paid."""
    truth = demo_shop.simulate(SMALL["losing"], sender=Refusing(), may_stop=False).truth
    assert truth.treated > 50
    assert (truth.letters, truth.incremental, truth.unsubscribed, truth.profit) == (0, 0, 0, 0)


def test_customers_are_told_apart(done) -> None:
    """Both languages, several zones, names and addresses; orders have products with names, some come back refunded."""
    facts = [fact for file in files(done) for fact in file.facts]
    profiles = [fact for fact in facts if isinstance(fact, ProfileChanged)]
    assert {profile.language for profile in profiles} == {"en", "ru"}
    assert len({profile.timezone for profile in profiles}) > 3
    assert len({profile.email for profile in profiles}) == len(profiles)
    assert all(profile.name for profile in profiles)
    assert all(line.name and line.category for f in facts if isinstance(f, OrderPlaced) for line in f.lines)
    refunded = [fact for fact in facts if isinstance(fact, ReturnChanged) and fact.status == "refunded"]
    assert refunded
    assert all(fact.refund and fact.reason for fact in refunded)


def test_example_has_an_order_a_return_and_a_letter(done) -> None:
    """The customer proposed for `explain` shows all that an explanation can tell."""
    text = str(done.engine.explain(done.example))
    for words in ("order c", "return c", "paid back", "fell asleep", "letter miss_you of win_back is sent"):
        assert words in text


def test_no_example_when_nothing_comes_back() -> None:
    """A shop in which nothing is returned proposes nobody."""
    assert demo_shop.simulate(evolve(SMALL["default"], sent_back=0.0), days=20).example == ""


def test_days_progress_and_journey_are_the_callers() -> None:
    """`days` replaces the world's, `progress` hears of each, and the journey given is the one that runs."""
    heard = []
    journey = win_back(control=0.5, version=3)
    done = demo_shop.simulate(SMALL["aa"], days=3, journeys=[journey], progress=lambda *at: heard.append(at))
    assert heard == [(1, 3), (2, 3), (3, 3)]
    assert done.world.days == 3
    assert done.engine.book.current == (journey,)


def test_as_json_holds_results_and_truth_side_by_side(done) -> None:
    """What is written to a file names the world and the seed, and holds every number of the truth."""
    data = done.to_json()
    assert data["world"]["start"] == "2025-01-06"
    assert data["seed"] == 1
    assert data["truth"]["incremental"] == done.truth.incremental
    assert data["results"]["journeys"][0]["journey"] == "win_back"


@pytest.mark.parametrize(
    "numbers, message",
    [
        ({"customers": 0}, r"customers: 0 is no whole number from 1 up"),
        ({"days": 1.5}, r"days: 1.5 is no whole number from 1 up"),
        ({"lapses": 1.2}, r"lapses: 1.2 is out of range; give 0 to 1"),
        ({"usual_gap": float("nan")}, r"usual_gap: nan is out of range; give 1 to 10000"),
        (
            {"persuadable": 0.7, "touchy": 0.3},
            r"touchy: persuadable, bargain and touchy sum to 1.2, above 1; lower one",
        ),
    ],
)
def test_worlds_refuse_impossible_numbers(numbers, message) -> None:
    """A number out of its range is named with its remedy."""
    with pytest.raises(InvalidInput, match=message):
        demo_shop.World(name="mine", **numbers)


def test_seed_is_a_whole_number() -> None:
    """A negative seed is refused before anything is drawn."""
    with pytest.raises(InvalidInput, match="seed: -1 is no whole number from 0 up"):
        demo_shop.simulate(SMALL["aa"], seed=-1)


# Offers.


def of_kind(done, kind):
    return {fact.id: fact for file in files(done) for fact in file.facts if isinstance(fact, kind)}


def test_offers_are_granted_used_and_paid(done) -> None:
    """What the truth counts is what the engine recorded; the price cut is what an order is short of its lines."""
    granted, redeemed = of_kind(done, OfferDecided), of_kind(done, OfferRedeemed)
    orders = of_kind(done, OrderPlaced)
    assert done.truth.redeemed == len(redeemed) > 5
    assert done.truth.granted >= sum(bool(fact.offer) for fact in granted.values()) > len(redeemed)
    kinds = {offer.id: offer for offer in OFFERS}
    cost = 0.0
    for fact in redeemed.values():
        order, offer = orders[fact.order_id], kinds[granted[fact.id].offer]
        full = sum(line.price for line in order.lines)
        assert float(full - order.total) == pytest.approx(offer.price_cut([float(full)])[0], abs=0.005)
        cost += offer.redemption_cost([float(full)])[0]
    assert 0 < done.truth.offers_cost <= cost + 0.01
    assert all(
        order.total == sum(x.price for x in order.lines) for order in orders.values() if not used(order, redeemed)
    )


def used(order, redeemed):
    return any(fact.order_id == order.id for fact in redeemed.values())


def test_budget_holds(done) -> None:
    """Within any thirty days no more is granted, open or redeemed, than the world's budget allows."""
    granted = sorted(of_kind(done, OfferDecided).values(), key=lambda fact: fact.at)
    redeemed = of_kind(done, OfferRedeemed)
    for day in {fact.at for fact in granted}:
        held = [f for f in granted if f.offer and f.at <= day and (f.expires_at > day or f.id in redeemed)]
        counts = [f for f in held if f.expires_at > day or f.at > day - timedelta(days=30)]
        assert sum(float(f.cost) for f in counts) <= done.world.budget * done.world.customers + 1e-6


def test_margin_adds_up(done) -> None:
    """The shop's margin is what all its orders earned, less letters and offers, recounted from the facts."""
    world = done.world
    start = origin(done) + timedelta(days=world.history_days)
    back = {fact.order_id for fact in of_kind(done, ReturnChanged).values()}
    lives = draw(world, done.seed)
    rows = {file.customer_id: int(file.customer_id[1:]) - 1 for file in files(done)}
    total = 0.0
    for order in of_kind(done, OrderPlaced).values():
        day = (order.at - origin(done)) // timedelta(days=1)
        if order.at > start and not lives.goes_back(rows[order.customer_id], day, world):
            total += world.margin * float(sum(line.price for line in order.lines))
    spent = world.letter_cost * done.truth.letters + done.truth.offers_cost
    assert done.truth.margin == pytest.approx(total - spent)
    assert back


def test_offer_raises_the_chance_by_its_worth_and_by_who_reads_it() -> None:
    """More given wins more; who wants a bargain needs an offer; the touchy and those past caring are never won."""
    gift, cut = OFFERS
    world = demo_shop.WORLDS["default"]

    def won(reader, offer, **changes):
        known = {"silent_days": 40.0, "gap": 30.0, "in_vain": 0, "basket": 32.0} | changes
        return chance(world, reader, offer=offer, **known)

    larger = evolve(cut, amount=cut.amount * 2)
    assert 0 < won("persuadable", None) < won("persuadable", cut) < won("persuadable", larger) < 1
    assert won("persuadable", None) < won("persuadable", gift, basket=60.0) < won("persuadable", gift)
    assert won("bargain", None) < won("persuadable", None)
    assert won("bargain", larger) / won("bargain", None) > won("persuadable", larger) / won("persuadable", None)
    assert won("touchy", larger) == won("past caring", larger) == 0
    assert won("persuadable", None, silent_days=90.0) < won("persuadable", None)
    assert won("persuadable", None, silent_days=1.0) < won("persuadable", None)
    assert won("persuadable", cut, in_vain=2) < won("persuadable", cut)
    assert chance(demo_shop.WORLDS["aa"], "persuadable", offer=cut, silent_days=40, gap=30, in_vain=0, basket=32) == 0


def test_sorts_have_their_shares() -> None:
    """Each sort takes its share of the draws, and worlds with more touchy customers keep those who were touchy."""
    world = demo_shop.WORLDS["default"]
    draws = (np.arange(1_000) + 0.5) / 1_000
    found = [sort(world, one) for one in draws]
    shares = {name: found.count(name) / 1_000 for name in ("persuadable", "bargain", "touchy")}
    assert shares == {"persuadable": 0.4, "bargain": 0.2, "touchy": 0.15}
    losing = [sort(demo_shop.WORLDS["losing"], one) for one in draws]
    assert all(now == "touchy" for before, now in zip(found, losing, strict=True) if before == "touchy")


def customers(world, till=lambda *_: True):
    began = datetime.combine(world.start - timedelta(days=world.history_days), time(), UTC)
    return Customers(world, draw(world, 1), origin=began, currency="GBP", till=till)


@pytest.mark.parametrize("accepted", [True, False])
def test_a_code_that_the_till_refuses_takes_nothing_off(accepted) -> None:
    """The price is cut when the till accepts the code, and stays when it does not; an order is placed either way."""
    world = evolve(SMALL["aa"], uses=1.0)
    asked = []
    shop = customers(world, lambda *about: asked.append(about) or accepted)
    row = next(row for row, times in enumerate(shop.lives.unaided) if len(times) > 1)
    first, second = shop.lives.unaided[row][:2]
    list(shop.facts(first))
    shop.read(row, first, Coupon(OFFERS[1], "CODE", second + 1))
    orders = [
        fact for fact in shop.facts(second) if isinstance(fact, OrderPlaced) and fact.customer_id == shop.ids[row]
    ]
    (order,) = orders
    assert asked == [("CODE", order.at, order.id)]
    assert (order.total < sum(line.price for line in order.lines)) == accepted
    assert (shop.given > 0) == accepted == bool(shop.tally["redeemed anyway"])


def test_who_would_come_somewhat_later_comes_earlier_instead() -> None:
    """A letter that wins an order due within `forward_days` takes that one away; one far ahead stays."""
    always = evolve(
        SMALL["default"], wins=1.0, persuadable=1.0, bargain=0.0, touchy=0.0, half_life=10_000.0, regularity=1_000.0,
        gap_spread=0.0, lapses=0.0, anyway_days=5, sent_back=0.0,
    )  # fmt: skip
    near, far = (moved(evolve(always, forward_days=days)) for days in (40, 0))
    assert near == (1, 1)
    assert far == (1, 0)


def moved(world):
    shop = customers(world)
    second = shop.lives.unaided[0][1] + 20 * DAY
    list(shop.facts(second))
    shop.lives.response[second // DAY, 0] = 0.0
    shop.read(0, second)
    list(shop.facts((world.history_days + world.days) * DAY - 1))
    return shop.tally["won"], shop.tally["lost"]


# The brake.


def test_brake_stops_a_shop_whose_readers_unsubscribe() -> None:
    """Where a quarter is annoyed the shop soon stops writing, loses little, and is looked at to the end."""
    stopped = demo_shop.simulate(SMALL["losing"])
    assert stopped.stopped is not None
    assert stopped.truth.letters < lived("losing").truth.letters
    assert lived("losing").truth.profit < stopped.truth.profit < 0
    assert stopped.results.at == stopped.engine.now()
    assert stopped.to_json()["stopped"] == stopped.stopped.isoformat()


def test_brake_is_not_pulled_by_chance(done) -> None:
    """In the default world nothing stops, nor with few letters, nor at the share that a shop bears."""
    assert demo_shop.simulate(SMALL["default"], days=60).stopped is None
    assert not harms(50, 25)
    assert not harms(10_000, int(10_000 * MOST))
    assert harms(10_000, int(10_000 * MOST * 1.5))


# Rivals.


def test_nobody_earns_what_the_truth_says_of_no_letters(done) -> None:
    """A rival that writes to nobody has the margin without letters that the simulation states for the same seed."""
    nobody = demo_shop.mail(done.world, demo_shop.RIVALS["nobody"])
    assert (nobody.letters, nobody.redeemed) == (0, 0)
    assert nobody.margin == pytest.approx(done.truth.margin_without)


def test_rivals_write_to_whom_they_say() -> None:
    """Everyone gets the most letters, a segment and sleepers fewer; nobody gets more than one within the rest."""
    world = SMALL["aa"]
    letters = {name: demo_shop.mail(world, rule).letters for name, rule in demo_shop.RIVALS.items()}
    assert letters["everyone"] > letters["sleepers"] > 0 < letters["at risk"] < letters["everyone"]
    fewer = demo_shop.mail(world, demo_shop.RIVALS["everyone"], rest_days=56)
    assert fewer.letters < 0.6 * letters["everyone"]


def test_letters_of_rivals_cost_and_offers_too() -> None:
    """Where letters change nobody a rival loses exactly its letters, and with an offer what was used of it beside."""
    world = SMALL["aa"]
    nobody, everyone = (demo_shop.mail(world, demo_shop.RIVALS[name]) for name in ("nobody", "everyone"))
    assert nobody.margin - everyone.margin == pytest.approx(world.letter_cost * everyone.letters)
    gift = OFFERS[0]
    offered = demo_shop.mail(world, demo_shop.RIVALS["everyone"], offer=gift)
    assert offered.letters == everyone.letters
    assert everyone.margin - offered.margin == pytest.approx(float(gift.cost) * offered.redeemed)


def test_rivals_wait_for_the_first_order() -> None:
    """On days on which nobody has ordered yet there is nobody to write to."""
    world = evolve(SMALL["aa"], history_days=0, customers=1, days=7, arrival_days=10_000)
    assert demo_shop.mail(world, demo_shop.RIVALS["everyone"]).letters == 0


def test_earned_counts_the_orders_between() -> None:
    """Orders up to and including the first second are left out, those at the last are in."""
    world = SMALL["aa"]
    lives = draw(world, 3)
    (first, second, *_), *_ = (times for times in lives.unaided if len(times) > 2)
    total = {until: earned(world, lives, 0, until) for until in (first - 1, first, second)}
    assert total[first - 1] <= total[first] <= total[second] > 0
    assert earned(world, lives, first, first) == 0
    assert earned(world, lives, first - 1, second) == pytest.approx(total[second] - total[first - 1])


# ------------------------------------------------------------- four playbooks


@pytest.fixture(scope="module")
def four():
    """Half a year of a small shop with all four playbooks, and once more without each."""
    world = evolve(demo_shop.WORLDS["default"], customers=120, days=150, sent_back=0.3, prevents=0.5, runs_every=3)
    done = demo_shop.simulate(world, seed=3, journeys=demo_shop.playbooks(), may_stop=False)
    return world, done, demo_shop.effects(done)


def test_every_playbook_writes(four):
    """Each has runs, letters and a control; what it did is counted for the treated whose window is over."""
    _, done, found = four
    assert [one.journey for one in found] == ["win_back", "product_return", "post_purchase", "after_return"]
    by_name = {one.journey: one for one in done.results.journeys}
    for one in found:
        arms = {arm.arm: arm for arm in by_name[one.journey].arms}
        assert arms["letters"].decided == one.treated
        assert arms["letters"].sent > 0
        assert one.letters > 0
        assert 0 <= one.ordered_without <= one.treated
    assert by_name["win_back"].arms[0].arm == "control"


def test_help_prevents_returns(four):
    """Fewer of those who were helped send something back than in the same shop without the help."""
    effect = {one.journey: one for one in four[2]}["post_purchase"]
    assert effect.saved == effect.sent_back_without - effect.sent_back > 0
    assert effect.margin > 0  # what is kept earns its margin


def test_without_a_journey_its_letters_are_not_there(four):
    """The compared life has no trace of it, and the same customers with the same first orders."""
    world, done, _ = four
    rest = tuple(one for one in demo_shop.playbooks() if one.name != "win_back")
    without = demo_shop.simulate(world, seed=3, journeys=rest, may_stop=False)
    ids = done.engine.storage.customers("", 1_000)
    both = [one.engine.storage.load(ids, Needs(frozenset({"order"}))) for one in (done, without)]
    assert not any(entry.journey == "win_back" for file in both[1] for entry in file.entries)
    assert [file.facts[0] for file in both[0] if file.facts] == [file.facts[0] for file in both[1] if file.facts]


def test_parcels_are_told_of_where_somebody_asks(four):
    """Three days after every order, once; with win-back alone nobody hears of them."""
    world, done, _ = four
    told, _ = done.engine.storage.facts(["delivery"], 0, 100_000)
    orders, _ = done.engine.storage.facts(["order"], 0, 100_000)
    placed = {fact.id: fact.at for _, fact in orders}
    assert all(fact.at - placed[fact.order_id] == timedelta(days=3) for _, fact in told)
    assert len({fact.order_id for _, fact in told}) == len(told) > 0
    alone = demo_shop.simulate(evolve(world, days=10), seed=3)
    assert alone.engine.storage.facts(["delivery"], 0, 10)[0] == []
