"""The engine as a whole: facts in, letters out, twice the same, whoever else works on the storage."""

from __future__ import annotations

import copy
import logging
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from attrs import evolve

from retention import engine as engine_module
from retention import facts, messages
from retention.engine import Ration, Recorded, Scanned, system_clock
from retention.errors import IncompatibleStorage, InvalidInput, InvalidJourney, InvalidTemplate
from retention.journey import After, Delay, Facts, Journey, Step
from retention.playbooks import win_back
from retention.ports import Capabilities, Storage
from retention.storage.memory import MemoryStorage
from retention.storage.sqlite import SQLiteStorage


def contents(storage: MemoryStorage) -> object:
    """All that a memory storage knows, comparable; the heaps hold only what is due, in an order of their own."""
    customers = {
        name: (
            c.version,
            c.wake_at,
            c.fingerprint,
            c.facts,
            c.entries,
            c.ledger,
            [(x.message, x.outcome) for x in c.letters],
        )
        for name, c in storage._customers.items()
    }
    return copy.deepcopy((customers, storage._notes, storage._log, storage._clock, storage._aliases))


# ---------------------------------------------------------------- construction


def test_the_default_clock_is_the_computers(world):
    """Without `clock=` the engine works at the present time, in UTC."""
    before = datetime.now(UTC)
    assert before <= system_clock() <= datetime.now(UTC)
    assert system_clock().tzinfo is UTC


def test_a_clock_without_a_zone_is_refused(world):
    """A naive clock would mean another moment on every machine."""
    world.clock.at = world.clock.at.replace(tzinfo=None)
    with pytest.raises(InvalidInput, match=r"^clock: .*timezone"):
        world.engine().now()


def test_a_storage_of_another_shop_is_refused(world, kit):
    """One storage belongs to one shop; the message names both."""
    world.engine()
    with pytest.raises(IncompatibleStorage, match="'shop', not 'other'"):
        world.engine(shop=kit.shop(id="other"))
    world.engine()


def test_of_two_shops_that_open_a_new_storage_at_once_one_wins(world, kit):
    """The check holds also when the other shop came between looking and writing."""

    class Raced(MemoryStorage):
        def recall(self, prefix):
            found = super().recall(prefix)
            self.remember("shop", "quicker")
            return found

    with pytest.raises(IncompatibleStorage, match="quicker"):
        world.engine(storage=Raced())


def test_an_edited_journey_needs_a_new_version(world):
    """The same version with another definition is refused at construction, and nothing is stored."""
    world.engine(win_back(control=0, offer=None))
    before = contents(world.storage)
    with pytest.raises(InvalidJourney, match="version=2"):
        world.engine(win_back(control=0, wait=Delay(days=3)))
    assert contents(world.storage) == before


def test_of_two_definitions_of_one_version_at_once_one_wins(world):
    """Two processes start at once with different definitions: the second is told, not silently pinned to the first."""

    class Raced(MemoryStorage):
        def remember(self, name, text):
            if name.startswith("journey/"):
                super().remember(name, text.replace('"days":7', '"days":8'))
            return super().remember(name, text)

    with pytest.raises(InvalidJourney, match="version=2"):
        world.engine(storage=Raced())


@pytest.mark.parametrize(
    "options, error",
    [
        ({"journeys": [win_back(), win_back()]}, InvalidJourney),
        ({"journeys": [evolve(win_back(), steps=[evolve(win_back().steps[0], template="no/such")])]}, InvalidTemplate),
    ],
)
def test_what_is_refused_at_construction_leaves_no_trace(world, options, error):
    """A new storage that no engine ever worked on belongs to nobody."""
    before = contents(world.storage)
    with pytest.raises(error):
        world.engine(**options)
    assert contents(world.storage) == before


def test_a_journey_of_a_newer_version_of_the_library_is_told_in_one_line(world):
    """What cannot be read is no guess: the storage is refused, with the remedy."""
    world.storage.remember("journey/win_back/9", '{"is":"journey","magic":true}')
    with pytest.raises(
        IncompatibleStorage, match=r"^storage: journey/win_back/9 cannot be read .*; update the library$"
    ):
        world.engine()


@pytest.mark.parametrize(
    "text, told",
    [
        (
            "{% extends 'retention:en/win_back/miss_you.jinja' %}{% block subject %}{{ nam }}{% endblock %}",
            "'nam' is unknown",
        ),
        ("{% block subject %}Hi{% endblock %}", "missing"),
        ("{% block subject %}{{ }}{% endblock %}", "line 1"),
    ],
)
def test_a_wrong_template_is_found_at_construction(world, tmp_path, text, told):
    """A host's letter that could not be written is an error before anything is stored, not when it leaves."""
    (tmp_path / "en" / "win_back").mkdir(parents=True)
    (tmp_path / "en" / "win_back" / "miss_you.jinja").write_text(text, encoding="utf-8")
    before = contents(world.storage)
    with pytest.raises(InvalidTemplate, match=told):
        world.engine(templates=tmp_path)
    assert contents(world.storage) == before


def test_a_hosts_template_replaces_the_letter(world, tmp_path):
    """What the shop writes is what the customer reads."""
    (tmp_path / "en" / "win_back").mkdir(parents=True)
    text = "{% extends 'retention:en/win_back/miss_you.jinja' %}{% block subject %}Tea is ready{% endblock %}"
    (tmp_path / "en" / "win_back" / "miss_you.jinja").write_text(text, encoding="utf-8")
    engine = world.engine(templates=tmp_path)
    engine.record(world.asleep("eve"))
    engine.run()
    assert [message.subject for message in world.sender.messages.values()] == ["Tea is ready"]


def test_a_letter_that_only_an_old_version_used_is_missed_in_words(world, tmp_path, caplog):
    """Who is still inside an old version whose template is gone gets no letter; the log says so at the start."""
    for language in ("en", "ru"):
        (tmp_path / language / "old").mkdir(parents=True)
        text = f"{{% extends 'retention:{language}/win_back/miss_you.jinja' %}}"
        (tmp_path / language / "old" / "letter.jinja").write_text(text, encoding="utf-8")
    first = win_back(control=0, offer=None)
    old = evolve(first, steps=[evolve(step, template="old/letter") for step in first.steps])
    engine = world.engine(old, templates=tmp_path)
    engine.record(world.asleep("eve"))
    engine.run()
    caplog.clear()
    new = world.engine(win_back(control=0, offer=None, version=2))
    assert "old/letter" in caplog.text
    assert "win_back version 1" in caplog.text
    world.clock.passes(days=7)
    new.run()
    assert ("skip", "reminder", "unwritable") in world.ledger("eve")


# ---------------------------------------------------------------- facts


def test_facts_are_recorded_once(world):
    """The same facts again change nothing; the counts say so."""
    engine = world.engine()
    some = world.asleep("eve", 42)
    assert engine.record(some) == Recorded(new=6)
    before = contents(world.storage)
    assert engine.record(iter(some)) == Recorded(known=6)
    assert contents(world.storage) == before
    assert engine.record([]) == Recorded()


def test_a_fact_that_comes_again_with_other_contents_is_reported(world):
    """Of two facts with one id the first stays, and the caller learns which."""
    engine = world.engine()
    order = world.order("eve", id="A-1")
    assert engine.record([order, evolve(order, total="31")]) == Recorded(new=1, conflicts=("order A-1",))
    assert world.file("eve").facts == (order,)


def test_an_order_in_another_currency_is_refused(world):
    """One clear line, and nothing of the batch is stored, the orders before it included."""
    engine = world.engine()
    before = contents(world.storage)
    with pytest.raises(InvalidInput) as refused:
        engine.record([*world.asleep("eve"), world.order("eve", id="A-2", currency="USD")])
    assert str(refused.value).startswith("currency: order A-2 is in USD, the shop's is EUR; ")
    assert "\n" not in str(refused.value)
    assert contents(world.storage) == before


def test_a_refund_in_another_currency_is_refused(world):
    """Money given back is subtracted from what came in, so it is in the same currency; without money none is needed."""
    engine = world.engine()
    stage = {"id": "r", "customer_id": "eve", "return_id": "R", "at": world.clock.at}
    with pytest.raises(InvalidInput, match=r"^currency: return r is in USD, the shop's is EUR"):
        engine.record([facts.ReturnChanged(status="refunded", refund="5", currency="USD", **stage)])
    assert engine.record([facts.ReturnChanged(status="requested", **stage)]).new == 1


def test_what_is_no_fact_is_refused(world):
    """A JSON mapping that nobody turned into a fact is an error of the caller, told in one line."""
    engine = world.engine()
    before = contents(world.storage)
    with pytest.raises(InvalidInput, match=r"^facts: a dict is no fact; "):
        engine.record([world.order("eve"), {"kind": "order"}])
    assert contents(world.storage) == before


def test_facts_stream_through_in_batches(world):
    """A generator of many facts is taken in piece by piece, all of it."""
    engine = world.engine()
    assert engine.record(world.order(n) for n in range(5_003)).new == 5_003


# ---------------------------------------------------------------- win-back, from end to end


def test_win_back_from_falling_asleep_to_the_order(world):
    """Asleep, entered, letter; the reminder a week later, which completes the run; the next silence begins a new one."""
    engine = world.engine()
    engine.record(world.asleep("eve", silent=74))
    assert engine.run() == {"scan": {"asleep": 0, "waiting": 0, "risks": 0, "unjudged": 0}, "tick": {}, "deliver": {}}
    world.clock.passes(days=1)
    assert engine.run() == {
        "scan": {"asleep": 1, "waiting": 0, "risks": 0, "unjudged": 0},
        "tick": {"enter": 1, "send": 1},
        "deliver": {"sent": 1},
    }
    world.clock.passes(days=6, hours=23)
    assert engine.run()["deliver"] == {}
    world.clock.passes(hours=1)
    assert engine.run()["deliver"] == {"sent": 1}
    assert world.ledger("eve")[-1] == ("exit", "", "completed")
    engine.record([world.order("eve")])
    engine.run()
    assert world.fates("eve") == [("miss_you", "sent", ""), ("reminder", "sent", "")]
    texts = [message.html for message in world.sender.messages.values()]
    assert len(set(texts)) == 2
    assert all(message.unsubscribe_url for message in world.sender.messages.values())
    for _ in range(30):
        world.clock.passes(days=9)
        engine.run()
    assert len(world.file("eve").entries) == 2
    assert len(world.sender.messages) == 4


def test_an_order_cancels_the_reminder(world):
    """Who has ordered is not reminded; the ledger says why."""
    engine = world.engine()
    engine.record(world.asleep("eve"))
    engine.run()
    world.clock.passes(days=2)
    engine.record([world.order("eve")])
    engine.run()
    world.clock.passes(days=30)
    engine.run()
    assert len(world.sender.messages) == 1
    assert ("skip", "reminder", "ordered") in world.ledger("eve")


def test_an_order_between_tick_and_deliver_cancels_and_frees_the_cap(world, kit):
    """The letter that did not leave takes no place: another journey may write on the same day."""
    other = Journey(
        name="thanks",
        trigger=Facts("order"),
        steps=[Step(id="hello", moment=After(), template="win_back/miss_you")],
    )
    engine = world.engine(win_back(control=0, offer=None), other)
    engine.record(world.asleep("eve"))
    engine.scan()
    engine.tick()
    engine.record([world.order("eve")])
    assert engine.deliver() == {"cancelled": 1}
    engine.run()
    assert world.fates("eve") == [("miss_you", "cancelled", "ordered"), ("hello", "sent", "")]


@pytest.mark.parametrize("lacks, reason", [("consent", "no_consent"), ("profile", "no_address")])
def test_who_may_not_be_written_to_is_refused_with_the_reason(world, lacks, reason):
    """No consent, or no address: nobody enters, and the ledger says why."""
    engine = world.engine()
    engine.record(fact for fact in world.asleep("eve") if fact.kind != lacks)
    engine.run()
    assert world.ledger("eve") == [("refuse", "", reason)]
    assert engine.results().journeys[0].refused == {reason: 1}


def test_control_customers_letters_are_withheld(world):
    """They run the same plan on the same days, and nothing leaves."""
    engine = world.engine(win_back(control=0.999, offer=None))
    engine.record(world.asleep("eve"))
    engine.run()
    world.clock.passes(days=7)
    engine.run()
    told = [row for row in world.ledger("eve") if row[0] != "exit"]
    assert told == [("enter", "", ""), ("withhold", "miss_you", "control"), ("withhold", "reminder", "control")]
    assert not world.sender.messages


def test_a_new_version_leaves_people_inside_on_the_old_one(world):
    """Who entered before an edit gets the reminder of then; who enters after it the new one."""
    engine = world.engine()
    engine.record(world.asleep("eve"))
    engine.run()
    world.clock.passes(days=1)
    edited = world.engine(win_back(control=0, offer=None, version=2, wait=Delay(days=3)))
    edited.record(world.asleep("zoe"))
    edited.run()
    world.clock.passes(days=3)
    edited.run()
    assert {customer: len(world.fates(customer)) for customer in ("eve", "zoe")} == {"eve": 1, "zoe": 2}
    world.clock.passes(days=3)
    edited.run()
    assert len(world.fates("eve")) == 2
    assert {row.version for row in world.file("eve").ledger} == {1}
    assert {row.version for row in world.file("zoe").ledger} == {2}


def test_the_unsubscribe_link_ends_the_topic_of_the_pinned_version(world):
    """Who was let in by the consent of the old version can take that one back, not another."""
    engine = world.engine(win_back(control=0, offer=None, topic="tea"))
    engine.record([world.profile("eve"), world.consent("eve", topic="tea"), world.order("eve", silent=75)])
    engine.run()
    world.clock.passes(days=7)
    world.engine(win_back(control=0, offer=None, topic="coffee", version=2)).run()
    first, second = (message.unsubscribe_url for message in world.sender.messages.values())
    assert first == second


# ---------------------------------------------------------------- twice, at once, and by a strange clock


def test_run_twice_changes_nothing_in_memory(world):
    """F19: a wake-up that comes again finds nothing to do and leaves the storage as it was."""
    engine = world.engine(win_back(control=0.5))
    engine.record(world.asleep(*range(40)))
    engine.record(world.asleep(*range(40, 60), silent=120))
    engine.run()
    before, sent = contents(world.storage), dict(world.sender.messages)
    again = world.engine(win_back(control=0.5)).run()
    assert again == {"scan": {"asleep": 0, "waiting": 19, "risks": 0, "unjudged": 0}, "tick": {}, "deliver": {}}
    assert engine.run() == again
    assert contents(world.storage) == before
    assert world.sender.messages == sent


def test_run_twice_leaves_a_byte_equal_database(kit, tmp_path):
    """The dump of the database after the second run, by a new engine, is the one after the first, to the byte."""
    path = tmp_path / "shop.db"

    def dump():
        with sqlite3.connect(path) as db:
            told = "\n".join(db.iterdump())
        db.close()
        return told

    world = kit.World(storage=SQLiteStorage(path))
    engine = world.engine(win_back(control=0.5))
    engine.record(world.asleep(*range(30)))
    engine.run()
    before = dump()
    assert "win_back" in before
    engine.run()
    assert dump() == before
    world.storage.close()
    storage = SQLiteStorage(path)
    world.engine(win_back(control=0.5), storage=storage).run()
    assert dump() == before
    storage.close()


def at_once(*work) -> None:
    """Run each in a thread of its own, all starting together; raise what they raise."""
    barrier, errors = threading.Barrier(len(work)), []

    def start(one):
        try:
            barrier.wait()
            one()
        except BaseException as error:  # noqa: BLE001 - shown below
            errors.append(error)

    threads = [threading.Thread(target=start, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    assert errors == []


@pytest.mark.parametrize("storage", ["memory", "sqlite"])
def test_many_workers_send_each_letter_once(kit, tmp_path, storage):
    """F5, F8: engines in several threads on one storage: nobody enters twice, no letter twice, none lost."""
    kept = MemoryStorage() if storage == "memory" else SQLiteStorage(tmp_path / "shop.db")
    world = kit.World(storage=kept, sender=kit.Answers(max_batch=3))
    first = world.engine()
    first.record(world.asleep(*range(120)))
    others = [world.engine() for _ in range(2)]
    at_once(first.run, first.run, *(other.run for other in others))
    first.run()
    assert sorted(world.sender.sent) == sorted(f"{n}@example.org" for n in range(120))
    assert all(world.ledger(n) == [("enter", "", ""), ("send", "miss_you", "")] for n in range(120))
    kept.close()


def test_the_clock_never_runs_backwards(world):
    """A machine whose clock is wrong works at the latest time that anybody has worked at."""
    engine = world.engine()
    engine.record(world.asleep("eve"))
    engine.run()
    latest = engine.now()
    world.clock.passes(days=-3)
    assert world.engine().now() == latest
    assert engine.run()["deliver"] == {}
    assert all(row.at <= latest for row in world.file("eve").ledger)


def test_a_jump_of_the_clock_loses_nothing(world):
    """Between decision and delivery the clock jumps an hour ahead and back: the letter leaves once."""
    engine = world.engine()
    engine.record(world.asleep("eve"))
    engine.scan()
    world.clock.passes(hours=2)
    engine.tick()
    world.clock.passes(hours=-2)
    assert engine.deliver() == {"sent": 1}
    world.clock.passes(hours=4)
    assert engine.deliver() == {}


@pytest.mark.parametrize("days", [1, -1])
@pytest.mark.parametrize("lasting", [True, False])
def test_a_clock_that_jumps_by_a_day_at_any_moment_loses_and_doubles_nothing(kit, days, lasting):
    """Whichever reading of the clock it comes at, for good or for that reading only: each letter leaves once.

    At most the answer comes after the end of a lease: then the letter is listed as in doubt.
    """
    for moment in range(1, 14):
        world = kit.World(sender=kit.Answers(max_batch=2))
        engine = world.engine(kit.two_days())
        engine.record(world.asleep(*range(5)))
        readings = count()

        def jumpy(world=world, readings=readings, moment=moment):
            n = next(readings)
            return world.clock.at + timedelta(days=days * (n >= moment if lasting else n == moment))

        engine._clock = jumpy
        for _ in range(5 * 6):
            engine.run()
            world.clock.passes(hours=4)
        for n in range(5):
            assert world.sender.sent.count(f"{n}@example.org") == 2, (moment, n)
            assert {fate for _, fate, _ in world.fates(n)} <= {"sent", "in_doubt"}


def test_poison_rows_stop_no_other_customer(kit, tmp_path):
    """F15: a decision, an entry and a letter that cannot be read cost their customers the letter, and no other."""
    world = kit.World(storage=SQLiteStorage(tmp_path / "shop.db"))
    engine = world.engine(kit.two_days())
    everybody = ["ann", "bob", "cleo", "dora", "eve"]
    engine.record(world.asleep(*everybody))
    engine.scan()
    engine.tick()
    with sqlite3.connect(tmp_path / "shop.db") as db:
        db.execute("UPDATE decisions SET decision = '{' WHERE owner = 'ann'")
        db.execute("UPDATE entries SET entry = '[]' WHERE owner = 'bob'")
        key = "(SELECT message_key FROM letters WHERE owner = 'cleo')"
        db.execute(f"UPDATE payloads SET at = at * 1000 WHERE message_key = {key}")
        db.execute("UPDATE facts SET fact = 'null' WHERE owner = 'dora' AND kind = 'consent'")
    db.close()
    assert engine.deliver() == {"sent": 1, "cancelled": 3}
    world.clock.passes(days=2)
    engine.run()
    assert {one: [fate[1:] for fate in world.fates(one)] for one in everybody} == {
        "ann": [("cancelled", "closed")],
        "bob": [("cancelled", "unknown_journey")],
        "cleo": [("failed", "unreadable"), ("sent", "")],
        "dora": [("cancelled", "no_consent")],
        "eve": [("sent", ""), ("sent", "")],
    }
    world.storage.close()


def test_two_versions_of_the_program_at_work_do_not_chase_each_other(world):
    """While one process replans what the other has just planned, and the other way round, every tick ends."""
    old, new = world.engine(), world.engine(win_back(control=0, offer=None, version=2))
    old.record(world.asleep(*range(20)))
    commit = world.storage.commit
    ticks = []

    class Chased:
        def __getattr__(self, name):
            return getattr(world.storage, name)

        def commit(self, changes):
            done = commit(changes)
            if len(ticks) < 50:
                ticks.append(1)
                new.tick()
            return done

    old.storage = Chased()
    old.tick()
    assert len(ticks) <= 12  # three tries, in four parts


def test_conflicts_without_end_end_the_tick(world):
    """A storage that refuses every commit is given up in this run, and the customers stay due."""
    engine = world.engine()
    engine.record(world.asleep("eve"))

    class Stubborn:
        def __getattr__(self, name):
            return getattr(world.storage, name)

        def commit(self, changes):
            return [False for _ in changes]

    engine.storage = Stubborn()
    assert engine.tick() == {}
    engine.storage = world.storage
    assert engine.run()["deliver"] == {"sent": 1}


def test_a_conflict_is_planned_again(world):
    """A fact that arrives between load and commit is seen: the plan made without it is not applied."""
    engine = world.engine()
    engine.record(world.asleep("eve"))
    engine.scan()
    load, late = world.storage.load, [world.order("eve")]

    class Busy:
        def __getattr__(self, name):
            return getattr(world.storage, name)

        def load(self, *args):
            files = load(*args)
            if late:
                world.storage.record([late.pop()])
            return files

    engine.storage = Busy()
    assert engine.tick() == {"refuse": 1}
    assert world.ledger("eve") == [("refuse", "", "ordered")]


# ---------------------------------------------------------------- what one customer does to the others


def test_a_letter_that_cannot_be_written_is_skipped_alone(world, tmp_path, caplog):
    """F15: a template that breaks on one customer's data costs that letter, with its reason, and no other."""
    (tmp_path / "en" / "win_back").mkdir(parents=True)
    text = (
        "{% extends 'retention:en/win_back/miss_you.jinja' %}"
        "{% block subject %}{% if customer.name == 'Eve' %}{{ 1 // 0 }}{% endif %}Hi{% endblock %}"
    )
    (tmp_path / "en" / "win_back" / "miss_you.jinja").write_text(text, encoding="utf-8")
    engine = world.engine(templates=tmp_path)
    engine.record([*world.asleep("ann", "eve", "zoe"), world.profile("eve", name="Eve", at=world.clock.at)])
    caplog.set_level(logging.DEBUG)
    assert engine.run()["tick"] == {"enter": 3, "send": 2, "skip": 1}
    assert ("skip", "miss_you", "unwritable") in world.ledger("eve")
    assert len(world.sender.messages) == 2
    assert "eve@" not in caplog.text
    assert "Eve" not in caplog.text
    world.clock.passes(days=7)
    engine.run()
    assert ("skip", "reminder", "anchor_skipped") in world.ledger("eve")


def test_a_customer_who_cannot_be_planned_blocks_no_other(world, caplog):
    """F15: a history that breaks the plan costs the others nothing, is tried again, and planned once it can be."""
    engine = world.engine()
    engine.record(world.asleep("ann", "eve"))
    load = world.storage.load

    class Damaged:
        def __getattr__(self, name):
            return getattr(world.storage, name)

        def load(self, *args):
            return [evolve(file, facts=(None,)) if file.customer_id == "eve" else file for file in load(*args)]

    engine.storage = Damaged()
    assert engine.run()["tick"] == {"enter": 1, "send": 1, "unplanned": 1}
    assert "AttributeError at run.py:" in caplog.text
    assert "@example.org" not in caplog.text
    assert engine.tick() == {}
    engine.storage = world.storage
    assert engine.tick() == {}
    world.clock.passes(hours=1)
    assert engine.tick() == {"enter": 1, "send": 1}


def test_logs_and_errors_hold_no_address_and_no_secret(world, kit, caplog):
    """Everything the engine logs on the way is counts."""
    caplog.set_level(logging.DEBUG)
    engine = world.engine()
    engine.record(world.asleep("eve", "zoe"))
    engine.run()
    engine.results()
    with pytest.raises(InvalidInput) as refused:
        engine.record([*world.reachable("ann"), world.order("ann", currency="USD")])
    assert "deliver: {'sent': 2}" in caplog.text
    for told in (caplog.text, str(refused.value), repr(engine), repr(engine.shop)):
        assert kit.SECRET not in told
        assert "@example.org" not in told


def test_the_observer_sees_counts_only(world):
    """Names of the steps of the work and whole numbers: no id, no address."""
    seen = []
    engine = world.engine(observe=lambda event, counts: seen.append((event, dict(counts))))
    engine.record(world.asleep("eve"))
    engine.run()
    assert seen[0] == ("record", {"new": 3})
    assert [event for event, _ in seen[1:]] == ["deliver", "record", "scan", "tick", "deliver"]
    assert all(type(n) is int for _, counts in seen for n in counts.values())
    assert seen[-1] == ("deliver", {"sent": 1})


# ---------------------------------------------------------------- plugs


def test_a_storage_and_a_sender_from_elsewhere_plug_in(world):
    """Whatever has the methods will do: no base class, no registration."""

    class TheirStorage:
        def __init__(self):
            kept = MemoryStorage()
            for name in (name for name in vars(Storage) if not name.startswith("_")):
                setattr(self, name, getattr(kept, name))

    class TheirSender:
        capabilities = Capabilities(max_batch=2)

        def __init__(self):
            self.seen = []

        def send(self, batch):
            self.seen += batch
            return tuple(messages.Result("accepted") for _ in batch)

    storage, sender = TheirStorage(), TheirSender()
    engine = world.engine(storage=storage, sender=sender)
    engine.record(world.asleep("a", "b", "c"))
    assert engine.run()["deliver"] == {"sent": 3}
    assert len(sender.seen) == 3
    assert storage.customers("", 10) == ["a", "b", "c"]


def test_everything_public_has_its_name(world):
    """What the module promises is there."""
    assert set(engine_module.__all__) <= set(vars(engine_module))
    assert (Scanned(), Ration().share) == (Scanned(asleep=0, waiting=0), 0.05)
    assert timedelta(days=Ration().fresh_days) == timedelta(days=7)
