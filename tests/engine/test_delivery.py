"""From the queue to the sender: every answer of a sender, every crash, every lease that ran out."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise

import pytest
from attrs import evolve

from retention import facts
from retention.engine import Doubts
from retention.errors import InvalidInput
from retention.journey import After, Facts, Journey, Step
from retention.messages import Result


class Crash(BaseException):
    """The process dies here."""


class Wrapped:
    """A storage that is another one, but for the methods that the test replaces."""

    def __init__(self, storage, **instead) -> None:
        self._storage, self._instead = storage, instead

    def __getattr__(self, name):
        return self._instead.get(name) or getattr(self._storage, name)


def dies(*_):
    raise Crash


def transactional_journey():
    """A journey with one letter that is no promotion, on every order."""
    step = Step(id="note", moment=After(), template="win_back/miss_you", promotional=False)
    return Journey(name="note", trigger=Facts("order"), steps=[step])


def raises(_batch):
    raise OSError("cannot talk about eve@example.org")


def queued(world, *customers, journey=None):
    """An engine with one letter decided for each customer and none delivered."""
    engine = world.engine(*filter(None, [journey]))
    engine.record(world.asleep(*customers))
    if journey is not None:
        engine.record([world.order(customer) for customer in customers])
    engine.scan()
    engine.tick()
    return engine


def letter(world, customer):
    """The status and reason of the customer's one letter."""
    ((_, status, reason),) = world.fates(customer)
    return status, reason


# ---------------------------------------------------------------- what a sender answers


@pytest.mark.parametrize(
    "answer, status, reason",
    [
        (Result("accepted"), "sent", ""),
        (Result("rejected", "no such mailbox"), "failed", "no such mailbox"),
        (Result("transient", "try later"), "queued", "transient"),
        (Result("throttled"), "queued", "throttled"),
        (Result("misconfigured"), "queued", "misconfigured"),
    ],
)
def test_every_answer_of_a_sender_has_its_fate(kit, answer, status, reason):
    """Accepted is sent, rejected has failed for good, what may pass is queued again (lost answers: below)."""
    world = kit.World(sender=kit.Answers(answer))
    engine = queued(world, "eve")
    assert engine.deliver() == {status: 1}
    assert letter(world, "eve") == (status, reason)
    assert engine.deliver() == {}
    assert len(world.sender.sent) == 1


def test_a_transient_failure_backs_off_and_ends(kit):
    """F15: pauses grow, stay below some hours, and the letter has failed when it is not worth sending any more."""
    world = kit.World(sender=kit.Answers(Result("transient", "busy")))
    engine = queued(world, "eve")
    tries = []
    for _ in range(4 * 24 * 60):
        if engine.deliver():
            tries.append(world.clock.at)
        world.clock.passes(minutes=1)
    pauses = [(late - early) / timedelta(minutes=1) for early, late in pairwise(tries)]
    assert pauses[:4] == [2, 4, 8, 16]
    assert max(pauses) < 24 * 60  # the quiet hours come in between
    assert letter(world, "eve") == ("failed", "busy")
    assert tries[-1] - tries[0] < timedelta(days=3)
    assert len(tries) < 50


def test_a_provider_that_is_back_after_a_night_gets_the_letter(kit):
    """Hours of transient failures lose nothing."""
    world = kit.World(sender=kit.Answers("transient"))
    engine = queued(world, "eve")
    for _ in range(20 * 12):
        engine.deliver()
        world.clock.passes(minutes=5)
    world.sender.answer = "accepted"
    for _ in range(5):
        engine.deliver()
        world.clock.passes(hours=1)
    assert letter(world, "eve") == ("sent", "")


@pytest.mark.parametrize("status", ["throttled", "misconfigured"])
@pytest.mark.parametrize("remembers", [None, timedelta(days=1)])
def test_a_sender_that_cannot_go_on_is_not_asked_again(kit, status, remembers):
    """One call tells; nothing further is handed over in this run, nor in the next ones until the pause is over."""
    world = kit.World(
        sender=kit.Answers(Result(status, retry_after=timedelta(hours=1)), max_batch=1, remembers=remembers)
    )
    everybody = [f"customer-{n}" for n in range(250)]
    engine = queued(world, *everybody)
    assert engine.deliver() == {"queued": 200}  # those of one claim, released for later
    assert len(world.sender.calls) == 1
    engine.deliver()
    assert len(world.sender.calls) == 2  # one of the other 50
    assert engine.deliver() == {}
    world.clock.passes(hours=1)
    world.sender.answer = "accepted"
    assert engine.deliver() == {"sent": 250}
    assert len(set(world.sender.sent)) == 250


def test_misconfiguration_burns_no_letter(kit):
    """Days of wrong credentials cost the letters nothing but time: the first transient failure is not their last."""
    world = kit.World(sender=kit.Answers("misconfigured"))
    engine = queued(world, "eve")
    for _ in range(24):
        engine.deliver()
        world.clock.passes(hours=1)
    world.sender.answer = "transient"
    world.clock.passes(hours=1)
    assert engine.deliver() == {"queued": 1}
    world.sender.answer = "accepted"
    world.clock.passes(hours=4)
    assert engine.deliver() == {"sent": 1}


@pytest.mark.parametrize("pause", [timedelta.max, -timedelta(days=9)])
def test_an_absurd_pause_is_bounded(kit, pause):
    """A provider that says come back in a million years, or yesterday, is asked again within a day, not at once."""
    world = kit.World(sender=kit.Answers(Result("throttled", retry_after=pause)))
    engine = queued(world, "eve")
    engine.deliver()
    assert engine.deliver() == {}
    world.sender.answer = "accepted"
    world.clock.passes(days=1)
    assert engine.deliver() == {"sent": 1}


# ---------------------------------------------------------------- lost answers


def test_a_promotional_letter_in_doubt_is_not_sent_again(kit):
    """At most once: nobody gets two win-back letters because an answer was lost."""
    world = kit.World(sender=kit.Answers("unknown"))
    engine = queued(world, "eve")
    engine.deliver()
    world.sender.answer = "accepted"
    told = []
    for _ in range(30):
        world.clock.passes(hours=1)
        told.append(engine.deliver())
    assert told == [{"in_doubt": 1}] + 29 * [{}]
    assert len(world.sender.sent) == 1
    assert letter(world, "eve") == ("in_doubt", "unknown")


def test_a_letter_in_doubt_is_sent_again_to_a_sender_that_remembers(kit):
    """Within the time for which the sender recognises the key a second send is no second letter."""
    world = kit.World(sender=kit.Answers("unknown", remembers=timedelta(days=1)))
    engine = queued(world, "eve")
    assert engine.deliver() == {"in_doubt": 1}
    assert letter(world, "eve")[0] == "sending"
    world.clock.passes(hours=1)
    world.sender.answer = "accepted"
    assert engine.deliver() == {"sent": 1}
    first, second = world.sender.calls
    assert first == second
    assert letter(world, "eve") == ("sent", "")


def test_a_key_that_the_sender_has_forgotten_is_not_sent_again(kit):
    """Cron ran too late: outside the sender's window the second send could be a second letter."""
    world = kit.World(sender=kit.Answers("unknown", remembers=timedelta(hours=24)))
    engine = queued(world, "eve")
    engine.deliver()
    world.clock.passes(hours=25)
    world.sender.answer = "accepted"
    assert engine.deliver() == {"in_doubt": 1}
    assert len(world.sender.calls) == 1


def test_a_transactional_letter_in_doubt_is_sent_again(kit):
    """At least once: a receipt that may be missing is worse than two of them; and it does not go on for ever."""
    world = kit.World(sender=kit.Answers("unknown"))
    engine = queued(world, "eve", journey=transactional_journey())
    for _ in range(40):
        engine.deliver()
        world.clock.passes(minutes=20)
    assert 2 <= len(world.sender.calls) <= 8
    assert {len(call) for call in world.sender.calls} == {1}
    assert letter(world, "eve") == ("in_doubt", "unknown")


def test_a_letter_in_doubt_that_is_no_longer_wanted_stays_in_doubt(kit):
    """It may have left: to call it cancelled would be a lie."""
    world = kit.World(sender=kit.Answers("unknown", remembers=timedelta(days=1)))
    engine = queued(world, "eve")
    engine.deliver()
    world.clock.passes(hours=1)
    engine.record([world.order("eve")])
    assert engine.deliver() == {"in_doubt": 1}
    assert letter(world, "eve") == ("in_doubt", "unknown")


@pytest.mark.parametrize(
    "promotional, transactional, calls",
    [("at_most_once", "at_least_once", (1, 8)), ("at_least_once", "at_most_once", (8, 1))],
)
def test_the_shop_chooses_what_becomes_of_doubts(kit, promotional, transactional, calls):
    """F14: in doubt is a state with a policy: once at most, or a few times; both end, and both are listed."""
    worlds = [kit.World(sender=kit.Answers("unknown")) for _ in calls]
    journeys = [None, transactional_journey()]
    doubts = Doubts(promotional=promotional, transactional=transactional)
    for world, journey, most in zip(worlds, journeys, calls, strict=True):
        queued(world, "eve", journey=journey)
        engine = world.engine(*filter(None, [journey]), doubts=doubts)
        for _ in range(40):
            engine.deliver()
            world.clock.passes(minutes=20)
        assert 1 <= len(world.sender.calls) <= most
        assert (len(world.sender.calls) > 1) == (most > 1)
        assert letter(world, "eve") == ("in_doubt", "unknown")
        assert [doubt.customer_id for doubt in engine.doubts()] == ["eve"]


@pytest.mark.parametrize("word", ["promotional", "transactional"])
def test_a_policy_that_does_not_exist_is_refused(word):
    """In one line, when it is built."""
    with pytest.raises(InvalidInput, match=f"^{word}: 'never' is unknown; use one of at_most_once, at_least_once$"):
        Doubts(**{word: "never"})


@pytest.mark.parametrize(
    "told, status, reason, calls",
    [
        ("accepted", "sent", "", 1),
        (Result("rejected", "no mailbox eve@example.org here"), "failed", "no mailbox (address) here", 1),
        ("transient", "sent", "", 2),
        ("unknown", "in_doubt", "unknown", 1),
    ],
)
def test_a_sender_that_looks_letters_up_is_asked_first(kit, told, status, reason, calls):
    """It left, it was refused, it never arrived and goes out again; only when nobody can tell the policy counts."""
    world = kit.World(sender=kit.Knows("unknown", told))
    engine = queued(world, "eve")
    assert engine.deliver() == {"in_doubt": 1}
    assert world.sender.asked == []  # the answer may still come
    world.clock.passes(hours=1)
    world.sender.answer = "accepted"
    engine.deliver()
    assert world.sender.asked == [[message.key for message in world.sender.calls[0]]]
    assert letter(world, "eve") == (status, reason)
    assert len(world.sender.calls) == calls


@pytest.mark.parametrize("told", [raises, "throttled"], ids=["raises", "throttled"])
def test_a_look_up_that_fails_ends(kit, told):
    """A sender that cannot look up now is asked again, a few times; one that breaks its contract knows nothing."""
    world = kit.World(sender=kit.Knows("unknown", told))
    engine = queued(world, "eve")
    for _ in range(40):
        engine.deliver()
        world.clock.passes(minutes=20)
    assert len(world.sender.asked) == (7 if told == "throttled" else 1)
    assert letter(world, "eve") == ("in_doubt", "unknown")


def test_a_letter_that_never_arrived_and_is_unwelcome_by_now_is_cancelled(kit):
    """The sender knows that it did not leave, and it must not leave any more."""
    world = kit.World(sender=kit.Knows("unknown", "transient"))
    engine = queued(world, "eve")
    engine.deliver()
    world.clock.passes(hours=1)
    engine.record([world.order("eve")])
    assert engine.deliver() == {"cancelled": 1}


@pytest.mark.parametrize("status, fate", [("delivered", "sent"), ("bounced", "sent"), ("rejected", "failed")])
def test_a_report_ends_a_doubt(kit, status, fate):
    """F14: what the provider reports about a letter tells that it had it; nothing is asked, nothing sent again."""
    world = kit.World(sender=kit.Knows("unknown", "unknown", remembers=timedelta(days=1)))
    engine = queued(world, "eve")
    engine.deliver()
    ((doubt),) = engine.doubts()
    report = {"id": "r", "customer_id": "eve", "at": world.clock.at, "message_key": doubt.message_key}
    engine.record([facts.EmailReported(status=status, **report)])
    assert list(engine.doubts()) == []
    world.clock.passes(hours=1)
    assert engine.deliver() == {fate: 1}
    assert len(world.sender.calls) == 1
    assert world.sender.asked == []


def test_a_second_send_that_fails_for_now_leaves_the_doubt(kit):
    """That the provider asks for a pause says nothing of the first send: the letter does not become a fresh one."""
    world = kit.World(sender=kit.Answers("unknown", remembers=timedelta(hours=2)))
    engine = queued(world, "eve")
    engine.deliver()
    world.sender.answer = Result("throttled", retry_after=timedelta(hours=3))
    world.clock.passes(minutes=20)
    assert engine.deliver() == {"in_doubt": 1}
    world.sender.answer = "accepted"
    world.clock.passes(hours=3)  # by now the sender has forgotten the key
    assert engine.deliver() == {"in_doubt": 1}
    assert letter(world, "eve") == ("in_doubt", "unknown")
    assert len(world.sender.calls) == 2


def test_one_poisonous_letter_of_a_batch_leaves_the_others_in_doubt_only_once(kit):
    """A sender that raises for a whole batch because of one letter gets the others one by one."""

    def chokes(batch):
        return raises(batch) if any(m.to.startswith("eve") for m in batch) else [Result("accepted")] * len(batch)

    world = kit.World(sender=kit.Answers(chokes, remembers=timedelta(days=1)))
    engine = queued(world, "ann", "bob", "eve", "zoe")
    assert engine.deliver() == {"in_doubt": 4}
    world.clock.passes(hours=1)
    assert engine.deliver() == {"in_doubt": 1, "sent": 3}


def test_poison_in_doubt_does_not_keep_other_letters_waiting(kit):
    """F15: when the sender chokes on letters again, those that are due go out in the same run all the same."""

    def chokes(batch):
        return raises(batch) if batch[0].to.startswith("eve") else [Result("accepted")]

    world = kit.World(sender=kit.Answers(chokes, max_batch=1, remembers=timedelta(days=1)))
    engine = queued(world, "eve-1", "eve-2", "eve-3")
    assert engine.deliver() == {"in_doubt": 3}
    world.clock.passes(minutes=20)
    engine.record(world.asleep("ann"))
    engine.scan()
    engine.tick()
    assert engine.deliver() == {"in_doubt": 3, "sent": 1}


def test_a_paused_sender_is_not_asked_for_others_either(kit):
    """What the sender says about a letter in doubt holds for all: nothing further is handed over in this run."""
    world = kit.World(sender=kit.Answers("unknown", max_batch=1, remembers=timedelta(days=1)))
    engine = queued(world, "ann", "bob", "eve", "zoe")
    engine.deliver()
    calls = len(world.sender.calls)
    world.sender.answer = "throttled"
    world.clock.passes(minutes=20)
    engine.deliver()
    assert len(world.sender.calls) == calls + 1


def test_slow_calls_leave_the_rest_of_the_doubts_for_later(kit):
    """No second send begins when its answer might come after the lease; nothing is lost for it."""

    def slow(batch):
        world.clock.passes(minutes=6)
        return [Result("accepted") for _ in batch]

    world = kit.World(sender=kit.Answers("unknown", remembers=timedelta(days=1)))
    everybody = [f"customer-{n}" for n in range(5)]
    engine = queued(world, *everybody)
    engine.deliver()
    world.sender.answer = slow
    world.clock.passes(minutes=20)
    assert engine.deliver()["sent"] == 2
    world.clock.passes(minutes=20)
    engine.deliver()
    world.clock.passes(minutes=20)
    engine.deliver()
    assert [letter(world, one) for one in everybody] == [("sent", "")] * 5
    assert len(world.sender.calls) == 6


# ---------------------------------------------------------------- senders that break their contract


BROKEN = {
    "raises": raises,
    "too few": lambda batch: [Result("accepted")] * (len(batch) - 1),
    "too many": lambda batch: [Result("accepted")] * (len(batch) + 1),
    "no list": lambda _: None,
    "no results": lambda batch: [None for _ in batch],
    "unknown word": lambda batch: [Result("delivered") for _ in batch],
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_a_sender_that_breaks_its_contract_is_contained(kit, caplog, answer):
    """Its letters are in doubt, nothing is raised, and the log names no address."""
    world = kit.World(sender=kit.Answers(answer))
    engine = queued(world, "eve", "ann")
    with caplog.at_level(logging.DEBUG):
        assert engine.deliver() == {"in_doubt": 2}
    assert "@example.org" not in caplog.text
    assert kit.SECRET not in caplog.text
    assert "in doubt" in caplog.text


def test_a_sender_that_only_raises_does_not_burn_the_queue(kit):
    """After a few calls in a row without one answer the rest waits for another run."""
    world = kit.World(sender=kit.Answers(raises, max_batch=1))
    everybody = [f"customer-{n}" for n in range(50)]
    engine = queued(world, *everybody)
    assert engine.deliver()["in_doubt"] == 3
    world.sender.answer = "accepted"
    world.clock.passes(hours=1)
    assert engine.deliver() == {"in_doubt": 3, "sent": 47}


def test_one_poisonous_letter_does_not_stop_the_others(kit):
    """F15: a sender that raises for one letter gets all the others in the same run."""

    def chokes(batch):
        return raises(batch) if batch[0].to.startswith("eve") else [Result("accepted")]

    world = kit.World(sender=kit.Answers(chokes, max_batch=1))
    engine = queued(world, "eve", "ann", "bob", "zoe")
    assert engine.deliver() == {"in_doubt": 1, "sent": 3}


def test_answers_belong_to_their_letters(kit):
    """F14: after a partial success each letter of the batch has its own result, and none goes out again."""

    def picky(batch):
        return [Result("rejected" if message.to.startswith("eve") else "accepted") for message in batch]

    world = kit.World(sender=kit.Answers(picky))
    engine = queued(world, "ann", "eve", "zoe")
    assert engine.deliver() == {"sent": 2, "failed": 1}
    assert letter(world, "eve")[0] == "failed"


def test_a_long_explanation_of_a_provider_is_cut(kit):
    """A provider's page of HTML does not go into the ledger whole."""
    world = kit.World(sender=kit.Answers(Result("rejected", "<html>" * 1_000)))
    queued(world, "eve").deliver()
    assert len(letter(world, "eve")[1]) <= 200


def test_no_call_is_larger_than_the_sender_allows(kit):
    """`max_batch` holds, and every letter leaves once."""
    world = kit.World(sender=kit.Answers(max_batch=7))
    queued(world, *[f"customer-{n}" for n in range(30)]).deliver()
    assert [len(call) for call in world.sender.calls] == [7, 7, 7, 7, 2]
    assert len(set(world.sender.sent)) == 30


# ---------------------------------------------------------------- the last look


def test_an_order_between_decision_and_delivery_cancels(world):
    """F22: nobody is missed who has just come; the place among the sent letters is free again."""
    engine = queued(world, "eve")
    engine.record([world.order("eve")])
    assert engine.deliver() == {"cancelled": 1}
    assert letter(world, "eve") == ("cancelled", "ordered")
    assert not world.sender.messages


@pytest.mark.parametrize(
    "change, reason",
    [
        (lambda world: world.consent("eve", granted=False, at=world.clock.at), "no_consent"),
        (
            lambda world: facts.EmailReported(
                id="stop", customer_id="eve", at=world.clock.at, message_key="x", status="unsubscribed"
            ),
            "suppressed",
        ),
        (
            lambda world: facts.EmailReported(
                id="gone", customer_id="eve", at=world.clock.at, message_key="x", status="bounced", bounce_class="hard"
            ),
            "no_address",
        ),
    ],
)
def test_a_letter_that_is_unwelcome_by_now_is_cancelled(world, change, reason):
    """F22: consent withdrawn, unsubscribed or bounced after the decision: the letter does not leave."""
    engine = queued(world, "eve")
    engine.record([change(world)])
    assert engine.deliver() == {"cancelled": 1}
    assert letter(world, "eve") == ("cancelled", reason)


def test_a_letter_waits_out_the_quiet_hours_and_is_looked_at_once_a_run(world):
    """At night it is queued for the morning; the same run does not take it up again."""
    engine = queued(world, "eve")
    world.clock.passes(hours=8)  # 23:00 in the shop's zone
    assert engine.deliver() == {"queued": 1}
    assert letter(world, "eve") == ("queued", "quiet_hours")
    assert engine.deliver() == {}
    world.clock.passes(hours=10)
    assert engine.deliver() == {"sent": 1}


def test_a_letter_that_is_too_late_is_cancelled(world):
    """After an outage nobody gets last week's mail."""
    engine = queued(world, "eve")
    world.clock.passes(days=8)
    assert engine.deliver() == {"cancelled": 1}
    assert letter(world, "eve") == ("cancelled", "late")


def test_a_letter_without_its_decision_is_cancelled(world):
    """A stored row that cannot be read any more does not let its letter loose."""
    engine = queued(world, "eve")
    load = world.storage.load

    def forgetful(ids, needs):
        return [evolve(file, ledger=()) for file in load(ids, needs)]

    world.storage = Wrapped(world.storage, load=forgetful)
    assert world.engine().deliver() == {"cancelled": 1}
    assert engine.deliver() == {}


def test_a_file_that_cannot_be_judged_blocks_no_other(world, caplog):
    """One customer's broken history leaves the others their letters, is tried again, and ends."""
    queued(world, "ann", "eve", "zoe")
    load = world.storage.load

    def broken(ids, needs):
        return [evolve(file, facts=(None,)) if file.customer_id == "eve" else file for file in load(ids, needs)]

    engine = world.engine(storage=Wrapped(world.storage, load=broken))
    assert engine.deliver() == {"sent": 2, "queued": 1}
    assert letter(world, "eve") == ("queued", "unreadable")
    assert "@example.org" not in caplog.text
    for _ in range(20):
        world.clock.passes(hours=2)
        engine.deliver()
    assert letter(world, "eve") == ("cancelled", "unreadable")


def test_a_broken_file_of_today_is_a_letter_of_tomorrow(world):
    """Once the history can be read again, the letter leaves."""
    engine = queued(world, "eve")
    load = world.storage.load
    broken = Wrapped(world.storage, load=lambda *args: [evolve(file, facts=(None,)) for file in load(*args)])
    assert world.engine(storage=broken).deliver() == {"queued": 1}
    world.clock.passes(hours=1)
    assert engine.deliver() == {"sent": 1}


# ---------------------------------------------------------------- crashes


def restarted(world, storage):
    """The process is gone; another one starts an hour later on what the storage kept."""
    world.clock.passes(hours=1)
    return world.engine(storage=storage)


@pytest.mark.parametrize("method", ["load", "begin"])
def test_a_crash_before_hand_over_loses_and_doubles_nothing(world, method):
    """F6: nobody is done before the outcome is recorded: the next process sends each letter once."""
    queued(world, "ann", "eve")
    dying = world.engine(storage=Wrapped(world.storage, **{method: dies}))
    with pytest.raises(Crash):
        dying.deliver()
    assert not world.sender.messages
    assert restarted(world, world.storage).deliver() == {"sent": 2}
    assert sorted(m.to for m in world.sender.messages.values()) == ["ann@example.org", "eve@example.org"]


@pytest.mark.parametrize("moment", ["in the sender", "before settling"])
def test_a_crash_after_hand_over_leaves_a_doubt_that_is_listed(kit, moment):
    """F14: whether it left nobody knows: a promotion is not sent again, and the results list it."""
    world = kit.World(sender=kit.Answers(dies if moment == "in the sender" else "accepted", max_batch=1))
    queued(world, "ann", "eve")
    dying = world.engine(storage=Wrapped(world.storage, **({} if moment == "in the sender" else {"settle": dies})))
    with pytest.raises(Crash):
        dying.deliver()
    world.sender.answer = "accepted"
    engine = restarted(world, world.storage)
    assert engine.deliver() == {"in_doubt": 1, "sent": 1}
    assert sorted(world.sender.sent) == ["ann@example.org", "eve@example.org"]
    assert engine.results().journeys[0].steps["miss_you"]["in_doubt"] == 1


def test_a_crash_while_a_remembering_sender_works_loses_and_doubles_nothing(world):
    """F14: a second send of the same key is recognised: every letter is there once, and settled."""
    queued(world, "ann", "eve")
    with pytest.raises(Crash):
        world.engine(storage=Wrapped(world.storage, settle=dies)).deliver()
    assert len(world.sender.messages) == 2
    assert restarted(world, world.storage).deliver() == {"sent": 2}
    assert len(world.sender.messages) == 2


def test_a_letter_that_kills_its_worker_ends(kit):
    """F15: attempts count at the claim: a letter that kills every process is in doubt at last."""
    world = kit.World(sender=kit.Answers(dies))
    queued(world, "eve", journey=transactional_journey())
    for _ in range(20):
        with suppress(Crash):
            world.engine(transactional_journey()).deliver()
        world.clock.passes(minutes=20)
    assert letter(world, "eve")[0] == "in_doubt"
    assert len(world.sender.calls) <= 8


def test_a_lease_that_ran_out_is_no_leave_to_send(world):
    """F8: a worker that slept between claim and hand-over finds its letter taken, and does not send it."""
    queued(world, "eve")
    storage, other = world.storage, world.engine()

    def sleepy(ids, needs):
        world.clock.passes(hours=1)
        assert other.deliver() == {"sent": 1}
        return storage.load(ids, needs)

    assert world.engine(storage=Wrapped(storage, load=sleepy)).deliver() == {}
    assert letter(world, "eve") == ("sent", "")


def test_a_worker_that_slept_in_the_sender_does_not_overwrite(kit):
    """F8: a zombie that comes back after its lease settles nothing: the doubt that others recorded stays."""
    world = kit.World(sender=kit.Answers())
    queued(world, "eve")
    other = world.engine(sender=kit.Answers())

    def slow(batch):
        world.clock.passes(hours=1)
        assert other.deliver() == {"in_doubt": 1}
        return [Result("accepted") for _ in batch]

    world.sender.answer = slow
    assert world.engine().deliver() == {}
    assert letter(world, "eve") == ("in_doubt", "unknown")


def test_a_slow_sender_is_settled_call_by_call(kit):
    """Hours of sending one by one, to a sender that remembers too: every letter leaves once and is settled."""
    world = kit.World(sender=kit.Answers(max_batch=1, remembers=timedelta(days=9)))

    def slow(batch):
        world.clock.passes(seconds=20)
        return [Result("accepted") for _ in batch]

    everybody = [f"customer-{n}" for n in range(150)]
    engine = queued(world, *everybody)
    world.sender.answer = slow
    assert engine.deliver() == {"sent": 150}
    assert len(world.sender.sent) == len(set(world.sender.sent)) == 150


def test_many_doubts_are_settled_in_one_run(kit):
    """More doubts than one claim holds are no reason to come back."""
    world = kit.World(sender=kit.Answers(dies, max_batch=300))
    queued(world, *[f"customer-{n}" for n in range(420)])
    for _ in range(3):
        with pytest.raises(Crash):
            world.engine().deliver()
    world.clock.passes(hours=1)
    assert world.engine().deliver() == {"in_doubt": 420}
