"""What a simulation says: letters by day, collisions, outages, how long an experiment would take; and its doors."""

from __future__ import annotations

import json
import logging
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve

from retention import facts as f
from retention.errors import InvalidInput
from retention.journey import CONTROL, After, Before, Cap, ContactPolicy, Delay, Facts, Journey, Step, plan
from retention.playbooks import win_back
from retention.simulate import Collision, LettersOfDay, simulate
from retention.simulate.moments import runs
from retention.simulate.past import when_it_happened

DAY = timedelta(days=1)
HALVES = {CONTROL: 0.5, "letters": 0.5}
FREE = ContactPolicy(quiet_hours=None, caps=(), holds=())


def at(day, hour=8):
    """A moment of March 2026; day 0 is the last of February."""
    return datetime(2026, 2, 28, hour, tzinfo=UTC) + day * DAY


def journey(name="bought", *steps, **options):
    """A letter at once after each order, unless the steps say otherwise."""
    first = Step(id="a", moment=After(), template="t")
    return Journey(name=name, steps=steps or (first,), **{"trigger": Facts("order")} | options)


def order(day, customer="1", **changes):
    """An order in the morning of a day of March."""
    return f.OrderPlaced(
        id=f"{customer}-{day}", customer_id=customer, at=at(day), currency="EUR", total="30", **changes
    )


def reachable(*customers):
    """An address and a consent for each, since long ago."""
    for who in customers:
        yield f.ProfileChanged(id=f"p{who}", customer_id=who, at=at(-800), email=f"{who}@shop.example")
        yield f.ConsentChanged(id=f"c{who}", customer_id=who, at=at(-800), granted=True)


@pytest.fixture
def lived(kit):
    """A simulation of March 2026 without a policy, unless the test says otherwise."""

    def live(journeys, history, first=1, last=31, **options):
        given = {"shop": kit.shop(timezone="UTC"), "policy": FREE} | options
        return simulate(journeys, history, date(2026, 3, first), date(2026, 3, last), **given)

    return live


# ---------------------------------------------------------------- what is said


def test_letters_by_day_journey_and_step(lived):
    """Each row is one step on one day of the shop's calendar; days without a letter are left out."""
    two = journey(
        "bought",
        Step(id="a", moment=After(), template="t"),
        Step(id="b", moment=After("a", Delay(days=2)), template="t"),
    )
    found = lived([two], [*reachable("1", "2"), order(3), order(3, "2"), order(9)])
    days = [(row.day.day, row.step, row.sent, row.withheld) for row in found.letters]
    assert days == [(3, "a", 2, 0), (5, "b", 2, 0), (9, "a", 1, 0), (11, "b", 1, 0)]
    assert (found.sent, found.customers, found.runs) == (6, 2, 31)
    assert found.letters[0] == LettersOfDay(date(2026, 3, 3), "bought", "a", sent=2)


def test_the_control_group_is_counted(lived):
    """Withheld letters are no letters; people count once, in the arm of their first run."""
    half = journey(arms=HALVES)
    customers = [str(n) for n in range(200)]
    found = lived([half], [*reachable(*customers), *(order(day, who) for who in customers for day in (2, 4))])
    (one,) = found.journeys
    assert one.entered == {arm: 2 * n for arm, n in one.customers.items()}
    assert sum(one.customers.values()) == 200
    assert 70 < one.customers[CONTROL] < 130
    assert one.steps["a"] == {"sent": one.entered["letters"], "withheld": one.entered[CONTROL]}


def test_nobody_is_written_to_before_the_start(lived):
    """What happened before is known, and too old to begin with."""
    found = lived([journey()], [*reachable("1"), order(-40), order(2)])
    assert found.journeys[0].refused == {"stale": 1}
    assert [row.day.day for row in found.letters] == [2]


def test_the_future_is_not_known(lived):
    """An order after the end changes nothing, and each fact waits for the run after it."""
    assert lived([journey()], [*reachable("1"), order(9)], last=8).sent == 0
    late = {order(3): at(7)}
    found = lived([journey()], [*reachable("1"), *late], known_at=lambda fact: late.get(fact, fact.at))
    assert [row.day.day for row in found.letters] == [7]


def test_a_report_about_a_letter_is_known_when_it_was_told(lived):
    """`received_at` is when the shop heard of it."""
    complained = f.EmailReported(
        id="e", customer_id="1", at=at(1), message_key="m", status="complained", received_at=at(4)
    )
    assert when_it_happened(complained) == at(4)
    assert when_it_happened(evolve(complained, received_at=None)) == at(1)
    found = lived([journey()], [*reachable("1"), complained, order(3), order(5)])
    assert [row.day.day for row in found.letters] == [3]
    assert found.journeys[0].refused == {"suppressed": 1}


def test_collisions_name_the_journey_in_the_way(lived):
    """The letter of the journey that goes first puts the other's off, or costs it; a journey can do so to itself."""
    first = journey("first", priority=1)
    second = journey("second", Step(id="a", moment=After(), template="t", valid_for=Delay(days=3)), priority=2)
    brief = journey("third", Step(id="a", moment=After(), template="t", valid_for=Delay(hours=20)), priority=3)
    capped = ContactPolicy(quiet_hours=None, caps=(Cap(1, 2), Cap(9, 30)), holds=())
    found = lived([first, second, brief], [*reachable("1"), order(3)], policy=capped)
    assert found.collisions == (Collision("second", "first", put_off=1), Collision("third", "first", lost=1))
    assert [(row.day.day, row.journey) for row in found.letters] == [(3, "first"), (5, "second")]
    alone = lived([first], [*reachable("1"), order(3), order(4)], policy=capped)
    assert alone.collisions == (Collision("first", "first", put_off=1),)


def test_only_letters_that_fill_a_cap_are_in_the_way(lived):
    """Yesterday's letter fills no cap of one day; one of two days ago none on the day on which quiet hours end."""
    old, first, second = (
        journey(name, priority=n, trigger=Facts("return", status))
        for n, (name, status) in enumerate([("old", "requested"), ("first", "approved"), ("second", "received")])
    )

    def stage(day, hour, status):
        name = f"{day}-{status}"
        return f.ReturnChanged(id=name, customer_id="1", at=at(day, hour), return_id=name, status=status)

    a_day = ContactPolicy(quiet_hours=None, caps=(Cap(1, 1),), holds=())
    history = [*reachable("1"), stage(3, 8, "requested"), stage(4, 8, "approved"), stage(4, 8, "received")]
    found = lived([old, first, second], history, policy=a_day)
    assert found.collisions == (Collision("second", "first", put_off=1),)

    quiet = ContactPolicy(caps=(Cap(1, 2), Cap(2, 3)), holds=())
    history = [*reachable("1"), stage(3, 8, "requested"), stage(5, 8, "approved"), stage(5, 21, "received")]
    found = lived([old, first, second], history, policy=quiet, hours=[10, 22])
    assert found.collisions == (Collision("second", "first", put_off=1),)


def test_a_cap_counts_the_days_of_the_customer(kit, lived):
    """Late in the evening in Tokyo it is tomorrow there: the letter in the way is found by the customer's calendar."""
    first = journey("first", Step(id="a", moment=After(), template="t"), priority=1)
    second = journey("second", Step(id="a", moment=After(), template="t", valid_for=Delay(days=3)), priority=2)
    tokyo = f.ProfileChanged(id="tz", customer_id="1", at=at(-9), timezone="Asia/Tokyo")
    capped = ContactPolicy(caps=(Cap(1, 1),), holds=())
    found = lived([first, second], [*reachable("1"), tokyo, order(3)], policy=capped, hours=[10, 20])
    assert found.collisions == (Collision("second", "first", put_off=1),)
    # 3 March 10:00 is 19:00 in Tokyo; midnight there and the quiet hours after it end at 09:00, before the run of 10:00.
    assert [(row.day.day, row.journey) for row in found.letters] == [(3, "first"), (4, "second")]


def test_a_history_that_breaks_the_plan_stops_nobody_else(lived, caplog, monkeypatch):
    """It is counted, and the log says where; the others get their letters."""

    def broken(book, file, now):
        if file.customer_id == "1":
            raise ZeroDivisionError("eve@example.org")
        return plan(book, file, now)

    monkeypatch.setattr("retention.engine.planning.plan", broken)
    with caplog.at_level(logging.ERROR):
        found = lived([journey()], [*reachable("1", "2"), order(3), order(3, "2")])
    assert (found.unplanned, found.sent) == (1, 1)
    assert "eve@" not in caplog.text


def test_as_json(lived):
    """Everything that is said, zeros included, survives JSON."""
    found = lived([journey(arms=HALVES)], [*reachable("1"), order(3)])
    told = json.loads(json.dumps(found.to_json()))
    assert told["start"] == "2026-03-01"
    assert told["journeys"][0]["steps"]["a"] in ({"sent": 1, "withheld": 0}, {"sent": 0, "withheld": 1})
    assert told["journeys"][0]["power"]["base"] is None
    assert told["letters"][0]["day"] == "2026-03-03"


def test_each_customers_file_is_handed_over(lived):
    """`each` sees the whole ledger; the result itself keeps none."""
    files = []
    lived([journey()], [*reachable("1", "2"), order(3)], each=files.append)
    assert [(file.customer_id, [row.kind for row in file.ledger]) for file in files] == [
        ("1", ["enter", "send", "exit"]),
        ("2", []),
    ]


# ---------------------------------------------------------------- regressions seen elsewhere


def test_f12_an_outage_of_three_weeks_ends_without_a_burst(lived):
    """F12: what was due meanwhile and is not worth sending any more is skipped as late; nothing is made up for."""
    customers = [str(n) for n in range(30)]
    steps = Step(id="a", moment=After(), template="t"), Step(id="b", moment=After("a", Delay(days=5)), template="t")
    history = [*reachable(*customers), *(order(int(who) + 1, who) for who in customers)]
    two = journey("bought", *steps)
    (before,) = lived([two], history).journeys
    assert before.steps == {"a": {"sent": 30, "withheld": 0}, "b": {"sent": 26, "withheld": 0}}
    found = lived([two], history, outages=[("2026-03-05", "2026-03-25")])
    (after,) = found.journeys
    assert found.runs == 10
    # Four entered before it; of the orders meanwhile those of the last week are acted on, the others too old by then.
    assert after.refused == {"stale": 15}
    assert after.steps["a"] == {"sent": 15, "withheld": 0}
    assert after.steps["b"]["skipped: late"] == 4
    ends = [row for row in found.letters if row.day == date(2026, 3, 26)]
    assert [(row.step, row.sent) for row in ends] == [("a", 7)]


def test_f21_what_is_foretold_is_what_happens(kit, lived):
    """F21: a simulation of days to come, with what is known today, is what the engine then does, as nothing else comes."""
    two = journey("bought", Step(id="a", moment=After("entry", Delay(days=2)), template="t", hour=18))
    history = [*reachable("1", "2"), order(1), order(2, "2")]
    both = kit.Both([two], history, date(2026, 3, 1), date(2026, 3, 9), hours=range(24), shop=kit.shop())
    assert both.agree() == 6
    foretold = [(row.day, row.sent) for row in both.simulated.letters]
    sent = sorted(outcome.at.date() for file in both.lived().values() for outcome in file.outcomes)
    assert foretold == [(day, sent.count(day)) for day in sorted(set(sent))]
    assert len(sent) == 2


# ---------------------------------------------------------------- the experiment


def regulars(customers, *, back):
    """Three orders each until 110 days before the start; of every ten customers `back` ordered again ten days before it."""
    for n in range(customers):
        yield from (order(day, str(n)) for day in (-150, -130, -110))
        if n % 10 < back:
            yield order(-10, str(n))


def test_weeks_to_power_from_the_shops_own_rate(lived):
    """Who was asleep a window before the start and came back tells the rate; who enters tells the pace."""
    customers = [str(n) for n in range(400)]
    found = lived([win_back(control=0.2)], [*reachable(*customers), *regulars(400, back=3)], lift=0.05)
    (one,) = found.journeys
    assert (one.power.followed, one.power.base) == (400, 0.3)
    assert one.power.weeks == -(-one.power.customers // (round(sum(one.customers.values()) / 31 * 7, 1)))
    assert "to see 30% become 35%" in one.power.sentence


def test_the_rate_of_other_triggers_is_of_their_first_time(lived):
    """Of all who ordered in the year before the last four weeks: who ordered again within four weeks of the first time."""
    history = [*reachable("x"), order(2, "x"), *(order(-100, str(n)) for n in range(100))]
    history += [order(-80, str(n)) for n in range(40)] + [order(-60, str(n)) for n in range(90)]
    power = lived([journey(arms=HALVES)], history).journeys[0].power
    assert (power.followed, power.base) == (100, 0.4)
    assert power.weeks > 104
    assert "too long to wait for" in power.sentence


def test_without_enough_data_it_says_so(lived):
    """Nobody to follow, nobody who enters, no room for the lift, no control group: a sentence, never a number."""
    before = [order(day, str(n)) for n in range(100) for day in (-100, -80) if day == -100 or n < 90]
    few = lived([journey(arms=HALVES)], [*reachable("1"), order(3)]).journeys[0].power
    assert few.sentence.startswith("not enough data: before the start 0 customers could be followed, 0 of whom")
    asleep = lived([win_back()], [*reachable("1")]).journeys[0].power
    assert asleep.sentence.startswith("not enough data: before the start 0 customers")
    nobody = lived([journey(arms=HALVES)], before).journeys[0].power
    assert (nobody.sentence, nobody.base, nobody.weeks) == ("not enough data: nobody entered", 0.9, None)
    full = lived([journey(arms=HALVES)], [*reachable("x"), *before, order(3, "x")], lift=0.2).journeys[0].power
    assert full.sentence == "no room for a lift of 20 points: 90.0% come back already"
    assert lived([journey()], []).journeys[0].power.sentence.startswith("no control group")


# ---------------------------------------------------------------- doors


@pytest.mark.parametrize(
    "days, complaint",
    [
        (("yesterday", "2026-03-02"), r"^start: 'yesterday' is no day"),
        (("2026-03-01", datetime(2026, 3, 2, tzinfo=UTC)), r"^end: .* is no"),
        (("2026-03-02", "2026-03-01"), r"^start: 2026-03-02 is after the end"),
    ],
)
def test_days_that_are_none_are_refused(kit, days, complaint):
    """The message says which and how to write it."""
    with pytest.raises(InvalidInput, match=complaint):
        simulate([journey()], [], *days, shop=kit.shop())


@pytest.mark.parametrize(
    "options, complaint",
    [
        ({"hours": []}, "^hours: "),
        ({"hours": [24]}, "^hours: .*24"),
        ({"hours": [True]}, "^hours: "),
        ({"outages": ["2026-03-01"]}, "^outages: '2026-03-01' is no pair"),
        ({"outages": [("2026-03-01", "soon")]}, "^outages: 'soon' is no day"),
        ({"outages": [("2026-03-01", "2026-03-31")]}, "^outages: leave no run"),
    ],
)
def test_hours_and_outages_that_are_none_are_refused(lived, options, complaint):
    """Nothing is simulated for hours that no clock shows."""
    with pytest.raises(InvalidInput, match=complaint):
        lived([journey()], [], **options)


def test_facts_that_are_none_are_refused(lived):
    """The engine's own door: another currency would be added to the shop's."""
    with pytest.raises(InvalidInput, match=r"^facts: a str is no fact"):
        lived([journey()], ["order"])
    with pytest.raises(InvalidInput, match=r"^currency: order x is in USD"):
        lived([journey()], [f.OrderPlaced(id="x", customer_id="1", at=at(1), currency="USD")])


def test_runs_are_by_the_shops_clocks():
    """Ten in the morning stays that when the clocks change; two hours that are one moment are one run."""
    london = ZoneInfo("Europe/London")
    days = date(2026, 3, 28), date(2026, 3, 29)
    assert [run.hour for run in runs(*days, london, hours=[10], outages=[])] == [10, 9]
    assert len(runs(*days, london, hours=range(24), outages=[])) == 47


def test_deadlines_and_later_words_are_seen(lived):
    """A step before a deadline, with what is known of it by then."""
    reminder = Step(id="hurry", moment=Before(Facts("return"), "deadline", Delay(days=2)), template="t", hour=10)
    asked = f.ReturnChanged(id="r", customer_id="1", at=at(2), return_id="r", status="requested", deadline=at(9, 12))
    moved = f.ReturnChanged(id="r2", customer_id="1", at=at(4), return_id="r", status="approved", deadline=at(12, 12))
    found = lived(
        [journey("returned", reminder, trigger=Facts("return", "requested"))], [*reachable("1"), asked, moved]
    )
    assert [row.day.day for row in found.letters] == [10]
