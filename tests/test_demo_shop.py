"""The demo shop: what is called the truth is true, chance comes from the seed alone, and the engine is the real one."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from attrs import evolve

from retention import demo_shop
from retention.demo_shop.lives import draw
from retention.demo_shop.truth import windows
from retention.errors import InvalidInput
from retention.facts import ConsentChanged, OrderPlaced, ProfileChanged, ReturnChanged
from retention.journey import CONTROL, Needs
from retention.messages import Result
from retention.playbooks import win_back
from retention.senders.memory import MemorySender

SMALL = {name: evolve(world, customers=200, days=120, arrival_days=120) for name, world in demo_shop.WORLDS.items()}


@cache
def lived(world: str) -> demo_shop.Simulated:
    return demo_shop.simulate(SMALL[world], sender=MemorySender())


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
    """Where letters change nobody no order is won or lost, and all that letters leave behind is their cost."""
    truth = lived("aa").truth
    assert truth.letters > 100
    assert truth.treated > 50
    assert truth.unaided > 0
    effects = ("incremental", "won", "lost", "orders_won", "orders_lost", "unsubscribed")
    assert {name: getattr(truth, name) for name in effects} == dict.fromkeys(effects, 0)
    assert truth.profit == pytest.approx(-SMALL["aa"].letter_cost * truth.letters)


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
    truth = demo_shop.simulate(SMALL["losing"], sender=Refusing()).truth
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
    done = demo_shop.simulate(SMALL["aa"], days=3, journey=journey, progress=lambda *at: heard.append(at))
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
        ({"wins": 0.7, "annoys": 0.4}, r"annoys: 0.4 and wins 0.7 together exceed 1; lower one of them"),
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
