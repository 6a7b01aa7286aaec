"""Results: every number comes from the ledger, by intention to treat, and says so when it is too small."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from attrs import evolve

from retention import experiments, facts
from retention.engine import Ration
from retention.engine.results import ArmResult
from retention.experiments import value_difference
from retention.journey import After, Delay, Facts, Journey, Needs, Step, Variant
from retention.messages import Result
from retention.playbooks import win_back

UNDER_WAY = {"leased": "queued", "sending": "in_doubt"}


def by_address(batch):
    """Some letters are rejected, some answers lost, always of the same customers."""
    number = sum(map(ord, batch[0].to)) % 10
    return [Result({0: "rejected", 1: "unknown"}.get(number, "accepted"), "no such mailbox")]


def live(world, engine):
    """Some weeks in which every fate of a letter occurs, with orders, a merge, and windows that are still open."""
    engine.record(world.asleep(*range(150)))
    engine.record(world.order(f"no-consent-{n}", silent=75) for n in range(5))
    for day in range(34):
        if day == 1:
            engine.record(world.order(n) for n in range(0, 150, 7))
        if day == 20:
            engine.record(world.order(n) for n in range(0, 150, 11))
            engine.record([facts.CustomersMerged(id="m", customer_id="1", at=world.clock.at, into="2")])
        engine.scan()
        engine.tick()
        if day == 2:
            engine.record(world.consent(n, granted=False, at=world.clock.at) for n in range(3, 60, 8))
        engine.deliver()
        world.clock.passes(days=1)
    engine.record(world.asleep(*range(200, 220), silent=250))
    engine.scan()
    engine.tick()


@pytest.fixture(scope="module")
def shop(kit):
    world = kit.World(sender=kit.Answers(by_address, max_batch=1))
    engine = world.engine(win_back(control=0.4, wait=Delay(days=2)), ration=Ration(share=1))
    live(world, engine)
    files = world.storage.load(world.storage.customers("", 10_000), Needs())
    results = engine.results()
    return SimpleNamespace(world=world, engine=engine, files=files, results=results, journey=results.journeys[0])


def test_the_results_are_what_the_sender_saw(shop):
    """F23: one ledger: the letters counted as sent, failed and in doubt are those that were handed over, no more."""
    counted = Counter()
    for fates in shop.journey.steps.values():
        counted.update({fate: fates[fate] for fate in ("sent", "failed", "in_doubt")})
    answers = Counter(by_address(call)[0].status for call in shop.world.sender.calls)
    assert counted == {"sent": answers["accepted"], "failed": answers["rejected"], "in_doubt": answers["unknown"]}
    assert all(counted.values())


def first_entries(shop):
    """Each customer's file and first entry."""
    return [(file, min(file.entries, key=lambda e: e.entered_at)) for file in shop.files if file.entries]


def test_everything_happened(shop):
    """The shop of these tests has every fate in it, so that no sum below is a sum of nothing."""
    fates = sum((Counter(dict(step)) for step in shop.journey.steps.values()), Counter())
    assert min(fates[fate] for fate in ("sent", "failed", "queued", "in_doubt", "withheld")) > 0
    assert {"cancelled: no_consent", "skipped: ordered", "skipped: anchor_skipped"} & set(fates)
    assert shop.journey.refused["no_consent"] >= 5
    assert len({entry.arm for _, entry in first_entries(shop)}) == 2
    assert shop.results.customers == len(shop.files)
    assert shop.results.at == shop.engine.now()


def test_people_by_arm_equal_a_count_by_hand(shop):
    """Entered, customers, decided and returned are what one finds by going through every file."""
    for arm in shop.journey.arms:
        mine = [(file, entry) for file, entry in first_entries(shop) if entry.arm == arm.arm]
        over = [(f, e, e.entered_at + timedelta(days=28)) for f, e in mine]
        over = [(f, e, end) for f, e, end in over if end <= shop.results.at]
        back = [f for f, e, end in over if any(x.kind == "order" and e.entered_at < x.at <= end for x in f.facts)]
        assert arm.customers == len(mine)
        assert arm.decided == len(over)
        assert arm.returned == len(back)
        assert arm.entered == sum(entry.arm == arm.arm for file in shop.files for entry in file.entries)
        assert 0 < arm.returned < arm.decided < arm.customers


def test_letters_by_arm_equal_a_count_by_hand(shop):
    """Sent are the letters that left, withheld those of the control group."""
    for arm in shop.journey.arms:
        withheld = sum(row.kind == "withhold" and row.arm == arm.arm for file in shop.files for row in file.ledger)
        sends = {(f.customer_id, r.key) for f in shop.files for r in f.ledger if r.kind == "send" and r.arm == arm.arm}
        sent = sum((f.customer_id, o.key) in sends and o.status == "sent" for f in shop.files for o in f.outcomes)
        assert (arm.sent, arm.withheld) == (sent, withheld)
    assert [(arm.sent > 0, arm.withheld > 0) for arm in shop.journey.arms] == [(False, True), (True, False)]


def test_the_fates_of_each_step_add_up(shop):
    """Sent, failed, cancelled, queued, in doubt, withheld and skipped are together all that was decided."""
    for step, fates in shop.journey.steps.items():
        decided = Counter(r.kind for f in shop.files for r in f.ledger if r.step == step and r.kind != "defer")
        assert sum(fates.values()) == decided.total()
        assert fates["withheld"] == decided["withhold"]
        assert sum(n for fate, n in fates.items() if fate.startswith("skipped: ")) == decided["skip"]
        known = Counter(UNDER_WAY.get(o.status, o.status) for f in shop.files for o in f.outcomes if o.key.step == step)
        assert sum(n for fate, n in fates.items() if fate.startswith("cancelled: ")) == known["cancelled"]
        assert {fate: fates[fate] for fate in ("sent", "failed", "queued", "in_doubt")} == {
            fate: known[fate] for fate in ("sent", "failed", "queued", "in_doubt")
        }


def test_the_estimate_is_newcombes_difference_in_customers(shop):
    """Share of returners with letters minus that of the control, and its interval, times those who got letters."""
    control, letters = shop.journey.arms
    found = experiments.difference(letters.returned, letters.decided, control.returned, control.decided)
    told = shop.journey.incremental
    expected = [found.estimate, found.lower, found.upper]
    assert [told.estimate, told.lower, told.upper] == pytest.approx([n * letters.decided for n in expected])
    assert (told.level, told.treated, told.control) == (0.95, letters.decided, control.decided)
    assert "customers" in shop.journey.verdict
    assert "95% interval" in shop.journey.verdict


def test_results_are_json(shop):
    """What `--json` prints is the same after a round trip, zeros included."""
    told = shop.results.to_json()
    assert json.loads(json.dumps(told)) == told
    assert told["journeys"][0]["steps"]["reminder"]["queued"] == 0
    assert told["journeys"][0]["window"]["days"] == 28
    assert told["at"].endswith("+00:00")


def test_looking_at_results_changes_nothing(shop):
    """Counted twice, the same; the ledger is as it was."""
    assert shop.engine.results() == shop.results
    assert shop.world.storage.load([f.customer_id for f in shop.files], Needs()) == shop.files


def test_an_empty_shop_has_results_of_zeros(world):
    """Nobody yet: every arm and step is there with its zeros, and the verdict says what is missing."""
    results = world.engine(win_back(control=0.2, offer=None)).results()
    (journey,) = results.journeys
    assert journey.arms == (ArmResult("control"), ArmResult("letters"))
    assert set(journey.steps) == {"miss_you", "reminder"}
    assert set(journey.steps["miss_you"].values()) == {0}
    assert journey.verdict == "not enough data yet: the control group has 0 customers whose window is over, 30 needed"
    assert results.customers == 0


def test_a_customer_counts_in_the_arm_of_the_first_entry(world):
    """A second run adds to `entered`, not to the people; its order is not the first window's."""
    engine = world.engine(win_back(control=0, cool_down=Delay(days=10)))
    engine.record(world.asleep("eve"))
    for day in range(310):
        if day == 29:
            engine.record([world.order("eve")])
        if day % 3 == 0:
            engine.run()
        world.clock.passes(days=1)
    (arm,) = engine.results().journeys[0].arms
    assert (arm.entered, arm.customers, arm.decided, arm.returned) == (2, 1, 1, 0)


@pytest.mark.parametrize("late, returned", [(0, 0), (1, 1), (28 * 86_400, 1), (28 * 86_400 + 1, 0)])
def test_the_window_begins_after_the_entry_and_ends_with_its_last_moment(world, late, returned):
    """An order counts from the first moment after the entry to the end of the window, that included."""
    engine = world.engine()
    engine.record(world.asleep("eve"))
    engine.run()
    engine.record([world.order("eve", at=world.clock.at + timedelta(seconds=late))])
    world.clock.passes(days=40)
    engine.tick()
    (arm,) = engine.results().journeys[0].arms
    assert (arm.decided, arm.returned) == (1, returned)


def test_an_open_window_is_left_out(world):
    """Who may still come back is no one who stayed away; with its last moment the window is over."""
    engine = world.engine()
    engine.record(world.asleep("eve"))
    engine.run()
    world.clock.passes(days=27, hours=23)
    engine.tick()
    assert engine.results().journeys[0].arms[0].decided == 0
    world.clock.passes(hours=1)
    engine.tick()
    assert engine.results().journeys[0].arms[0].decided == 1


def test_money_by_arm_equals_a_count_by_hand(shop):
    """Orders and revenue are those within the windows that are over; the lift of both has the interval for money."""
    baskets = {}
    for arm in shop.journey.arms:
        over = [(f, e.entered_at) for f, e in first_entries(shop) if e.arm == arm.arm]
        over = [(f, at, at + timedelta(days=28)) for f, at in over if at + timedelta(days=28) <= shop.results.at]
        paid = [[x.total for x in f.facts if x.kind == "order" and at < x.at <= end] for f, at, end in over]
        assert arm.orders == sum(map(len, paid))
        assert arm.revenue == float(sum(map(sum, paid)))
        baskets[arm.arm] = [len(orders) for orders in paid if orders], arm.decided
    found = shop.journey.incremental
    expected = value_difference(*baskets["letters"], *baskets["control"])
    assert (found.orders.estimate, found.orders.refused) == (
        pytest.approx(expected.estimate * found.treated),
        expected.refused,
    )
    assert shop.journey.notes[0].startswith("orders because of the letters: ")
    assert shop.journey.notes[1].startswith("revenue because of the letters: ")


def paid_back(world, customer, refund, **changes):
    given = {"id": world.id("return"), "customer_id": customer, "at": world.clock.at, "return_id": "R"}
    money = {"status": "refunded", "refund": refund, "currency": "EUR"}
    return facts.ReturnChanged(**given | money | changes)


def test_revenue_is_net_of_what_was_paid_back_within_the_window(world):
    """A refund within the window comes off, one after it does not, nor does a return that moved no money."""
    engine = world.engine()
    engine.record(world.asleep("eve"))
    engine.run()
    world.clock.passes(days=3)
    engine.record([world.order("eve", total="50"), world.order("eve", total="20.50")])
    engine.record([paid_back(world, "eve", Decimal("12.25")), paid_back(world, "eve", None, status="approved")])
    world.clock.passes(days=30)
    engine.record([paid_back(world, "eve", Decimal(50))])
    world.clock.passes(days=1)
    engine.tick()
    (arm,) = engine.results().journeys[0].arms
    assert (arm.returned, arm.orders, arm.revenue) == (1, 2, 58.25)


def test_no_control_no_estimate(world):
    """Without a control group, or with nobody else, there is no number and the verdict says why; nor are there notes."""
    engine = world.engine(evolve(win_back(control=0), arms={"a": 0.5, "b": 0.5}))
    engine.record(world.asleep(*range(80)))
    engine.run()
    world.clock.passes(days=40)
    engine.tick()
    (journey,) = engine.results().journeys
    assert sum(arm.decided for arm in journey.arms) == 80
    assert (journey.incremental, journey.notes, journey.alarm) == (None, (), False)
    assert journey.verdict == "no control group: nobody can say how many came back because of the letters"


def test_arms_that_get_letters_are_taken_together(world):
    """Two variants against one control: the headline is about writing at all."""
    journey = evolve(win_back(control=0.4), arms={"control": 0.4, "a": 0.3, "b": 0.3})
    engine = world.engine(journey, ration=Ration(share=1))
    engine.record(world.asleep(*range(150)))
    engine.run()
    world.clock.passes(days=40)
    engine.tick()
    (found,) = engine.results().journeys
    numbers = {arm.arm: arm.decided for arm in found.arms}
    assert min(numbers.values()) > 0
    assert (found.incremental.treated, found.incremental.control) == (numbers["a"] + numbers["b"], numbers["control"])


def test_a_lost_arm_is_seen(world):
    """Where entries of an arm got lost no number is to be trusted, and the verdict says so first."""
    engine = world.engine(win_back(control=0.5), ration=Ration(share=1))
    engine.record(world.asleep(*range(150)))
    engine.run()
    for customer in world.storage._customers.values():
        if customer.entries and customer.entries[0].arm == "control":
            customer.entries.clear()
    (journey,) = engine.results().journeys
    assert journey.alarm
    assert journey.verdict.startswith("do not trust this experiment: its arms have letters ")


def test_other_shares_in_a_later_version_are_a_phase_of_their_own(world):
    """Customers are compared with those drawn by the same shares only, whichever version these stood in."""
    engine = world.engine(win_back(control=0.5), ration=Ration(share=1))
    engine.record(world.asleep(*range(100)))
    engine.run()
    for version, share in ((2, 0.5), (3, 0.2)):
        engine = world.engine(win_back(control=share, version=version), ration=Ration(share=1))
        engine.record(world.asleep(*range(version * 100, version * 100 + 100)))
        engine.run()
    world.clock.passes(days=40)
    engine.tick()
    files = world.storage.load(world.storage.customers("", 1_000), Needs())
    entries = [(file.entries[0].version, file.entries[0].arm) for file in files]
    cells = Counter(("new" if version == 3 else "old", arm) for version, arm in entries)
    found = engine.results().journeys[0].incremental
    assert (found.treated, found.control) == (
        cells["old", "letters"] + cells["new", "letters"],
        cells["old", "control"] + cells["new", "control"],
    )
    propensity = {("old", "letters"): 0.5, ("old", "control"): 0.5, ("new", "letters"): 0.8, ("new", "control"): 0.2}
    rows = [(arm, propensity[when, arm]) for (when, arm), n in cells.items() for _ in range(n)]
    expected = experiments.incremental(
        [arm for arm, _ in rows], [share for _, share in rows], [0] * len(rows)
    ).returning
    assert (found.lower, found.upper) == (pytest.approx(expected.lower), pytest.approx(expected.upper))


def test_journeys_that_share_customers_are_not_to_be_added_up(world):
    """Who is in two journeys can count twice; the results say how many those are."""
    second = evolve(win_back(control=0), name="second", priority=200)
    engine = world.engine(win_back(control=0), second)
    engine.record(world.asleep("ann", "eve"))
    engine.run()
    found = engine.results()
    assert found.overlapping == 2
    assert found.notes == (
        "2 customers were in more than one journey: one order can count in each, so the journeys' numbers must not be added up",
    )
    assert world.engine(win_back(control=0)).results().notes == found.notes


def varied(variant):
    """A journey of one letter, of which the arm "b" gets another."""
    step = Step(
        id="hello",
        moment=After(delay=Delay(days=1)),
        template="win_back/miss_you",
        hour=9,
        weekday=2,
        valid_for=Delay(days=10),
        variants={"b": variant},
    )
    return Journey(name="varied", trigger=Facts("asleep"), steps=[step], arms={"a": 0.5, "b": 0.5})


@pytest.mark.parametrize(
    "variant, sent",
    [
        (Variant(), (2, 9, "miss_you", 2)),
        (Variant(template="win_back/reminder"), (2, 9, "reminder", 2)),
        (Variant(delay=Delay(days=4)), (2, 9, "miss_you", 9)),
        (Variant(weekday=5), (5, 9, "miss_you", 5)),
        (Variant(hour=18), (2, 18, "miss_you", 2)),
        (Variant(offer="ten-off"), (2, 9, "miss_you", 2)),
    ],
    ids=["nothing", "template", "delay", "weekday", "hour", "offer"],
)
def test_an_arm_gets_what_is_varied_for_it(world, kit, variant, sent):
    """Another template (so another subject and tone), delay, weekday, hour or offer: the arm's letters have it, the others not."""
    engine = world.engine(varied(variant), ration=Ration(share=1))
    engine.record(world.asleep(*range(12)))
    for _ in range(24 * 11):
        engine.run()
        world.clock.passes(hours=1)
    files = world.storage.load(world.storage.customers("", 100), Needs())
    subjects = {"a": set(), "b": set()}
    for file in files:
        arm = file.entries[0].arm
        (row,) = [row for row in file.ledger if row.kind == "send"]
        (letter,) = [m for m in world.sender.messages.values() if m.to == f"{file.customer_id}@example.org"]
        subjects[arm].add(letter.subject)
        local = row.at + timedelta(hours=3)  # Moscow
        days = (local.date() - (kit.NOON + timedelta(hours=3)).date()).days
        found = (local.weekday(), local.hour, row.template.removeprefix("win_back/"), days)
        assert found == (sent if arm == "b" else (2, 9, "miss_you", 2))
        assert row.offer == (variant.offer or "" if arm == "b" else "")
    assert all(subjects.values())
    assert (subjects["a"] != subjects["b"]) == (variant.template is not None)


def test_a_step_of_an_earlier_version_is_listed(world):
    """A letter of a step that the edited journey no longer has stays in the results."""
    engine = world.engine()
    engine.record(world.asleep("eve"))
    engine.run()
    journey = win_back(control=0, version=2)
    renamed = evolve(journey, steps=[evolve(journey.steps[0], id="hello")])
    (found,) = world.engine(renamed).results().journeys
    assert found.steps["miss_you"]["sent"] == 1
    assert found.steps["hello"]["sent"] == 0


def test_a_letter_whose_decision_cannot_be_read_is_left_out(world):
    """A damaged row of the ledger does not stop the count of all others."""
    engine = world.engine()
    engine.record(world.asleep("ann", "eve"))
    engine.run()
    world.storage._customers["eve"].ledger.clear()
    world.storage._customers["eve"].entries.clear()
    (journey,) = engine.results().journeys
    assert journey.steps["miss_you"]["sent"] == journey.arms[0].sent == 1
