"""Results: every number comes from the ledger, by intention to treat, and says so when it is too small."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from types import SimpleNamespace

import pytest
from attrs import evolve

from retention import experiments, facts
from retention.engine import Ration
from retention.engine.results import ArmResult, Incremental, judge
from retention.journey import Delay, Needs
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
    assert shop.journey.incremental == Incremental(
        found.estimate * letters.decided,
        found.lower * letters.decided,
        found.upper * letters.decided,
        level=0.95,
        treated=letters.decided,
        control=control.decided,
    )
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
    results = world.engine(win_back(control=0.2)).results()
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


def arms(returned_c, n_c, returned_t, n_t):
    return [
        ArmResult("control", decided=n_c, returned=returned_c),
        ArmResult("letters", decided=n_t, returned=returned_t),
    ]


@pytest.mark.parametrize(
    "given, verdict",
    [
        (
            [ArmResult("letters", decided=100, returned=9)],
            "no control group: nobody can say how many came back because of the letters",
        ),
        (
            [ArmResult("control", decided=100, returned=9)],
            "no control group: nobody can say how many came back because of the letters",
        ),
        (
            arms(1, 29, 5, 500),
            "not enough data yet: the control group has 29 customers whose window is over, 30 needed",
        ),
        (
            arms(9, 100, 0, 7),
            "not enough data yet: the group that gets letters has 7 customers whose window is over, 30 needed",
        ),
        (arms(10, 1_000, 200, 1_000), "190 customers came back because of the letters (95% interval 165 to 216)"),
        (arms(200, 1_000, 10, 1_000), "the letters drove 190 customers away (95% interval -216 to -165)"),
        (arms(10, 100, 11, 100), "no effect shown yet: 1.0 customers (95% interval -7.8 to 9.8)"),
        (arms(5_001, 50_000, 10, 100), "no effect shown yet: 0.0 customers (95% interval -4.5 to 7.4)"),
    ],
)
def test_the_verdict_in_words(given, verdict):
    """What can be said is said with its interval; what cannot, with what is missing."""
    incremental, told = judge(given)
    assert told == verdict
    assert (incremental is None) == verdict.startswith(("no control", "not enough"))


def test_arms_that_get_letters_are_taken_together(world):
    """Two variants against one control: the headline is about writing at all."""
    given = [*arms(3, 40, 10, 50), ArmResult("other", decided=50, returned=6)]
    incremental, _ = judge(given)
    assert (incremental.treated, incremental.control) == (100, 40)
    assert incremental.estimate == pytest.approx(16 - 100 * 3 / 40)


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
