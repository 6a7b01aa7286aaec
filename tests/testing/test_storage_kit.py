"""The kit for storages keeps its word: the model passes, every planted bug is caught, and what is told can be read."""

from __future__ import annotations

import io
import sys
from datetime import timedelta

import pytest

from retention.errors import InvalidInput, MissingExtra, StorageUnavailable
from retention.facts import OrderPlaced
from retention.journey.ledger import Needs
from retention.storage.memory import MemoryStorage
from retention.testing import _storage_worker
from retention.testing._storage_bench import Bench, Stand, at, decision, entry, letter, order
from retention.testing._storage_told import Told, say
from retention.testing.laws import LawBroken
from retention.testing.planted.storages import PLANTED
from retention.testing.storage import CAPABILITIES, LAWS, Kept, check


def new(place):
    return MemoryStorage()


def states(verdicts):
    return {verdict.number: verdict.state for verdict in verdicts.all}


def law(number):
    return next(law for law in LAWS if law.number == number)


def test_the_model_keeps_every_law():
    """All that say something about a storage that forgets; the others are skipped, and it is said why."""
    verdicts = check(new, examples=10)
    verdicts.insist()
    assert {verdict.number for verdict in verdicts.all if verdict.state == "skipped"} == {8, 19, 20, 27}
    assert {v.why for v in verdicts.all if v.number == 19} == {
        "'durable' is not declared",
        "'processes' is not declared",
    }


@pytest.mark.parametrize("name", PLANTED)
def test_every_planted_bug_is_caught(name):
    """By a law, not by an accident: what is told ends with what was wanted and what was found."""
    broken = PLANTED[name]().broken
    assert broken
    assert " should " in "".join(verdict.why for verdict in broken)


def test_laws_have_the_numbers_of_the_reference():
    """1 to 29 are storages', 40 to 49 the rest of their port; those between are senders' and webhooks'."""
    assert {law.number for law in LAWS} == {*range(1, 30), *range(40, 50)}
    assert {law.needs for law in LAWS} == {"", "examples", "released", *CAPABILITIES}
    assert len({law.name for law in LAWS}) == len(LAWS)


# ------------------------------------------------------------- what is told


class OneAtATime(MemoryStorage):
    def claim(self, now, lease, limit):
        return super().claim(now, lease, 1)


class BeginsLate(MemoryStorage):
    def begin(self, leases, now):
        return super().begin(leases, min([now, *(lease.until - timedelta.resolution for lease in leases)]))


class Raising(MemoryStorage):
    def claim(self, now, lease, limit):
        raise StorageUnavailable("the disk is gone; look for it")


def test_a_broken_law_tells_what_was_done():
    """The calls with their answers, and then what should have come of them."""
    with pytest.raises(LawBroken) as caught:
        law(6).check(Stand(make=lambda place: OneAtATime()))
    told = str(caught.value).splitlines()
    assert told[0].startswith("commit([change('ann', version 0, 'book', [], [decision('send', 'late', at(0)), ")
    assert told[1].startswith(
        "claim(at(10), 10 min, 100) -> [lease('early' of 'ann', token 'early:1', attempts 1, until"
    )
    assert told[2:] == ["that should be ['early', 'a', 'b', 'late'], and is ['early']"]


def test_what_a_storage_raises_breaks_the_law():
    """With the call that raised."""
    (verdict,) = (verdict for verdict in check(lambda place: Raising(), examples=0).broken if verdict.number == 7)
    assert "claim(at(9), 10 min, 0) raised StorageUnavailable: the disk is gone; look for it" in str(verdict)
    with pytest.raises(
        LawBroken, match=r"raised StorageUnavailable: the disk .*\nStorageUnavailable: the disk is gone"
    ):
        law(49).check(Stand(make=lambda place: Raising(), examples=20))


def test_the_shortest_story(capsys):
    """The machine tells the fewest calls in which a storage and the model part, and prints nothing itself."""
    with pytest.raises(LawBroken) as caught:
        law(49).check(Stand(make=lambda place: BeginsLate(), examples=100))
    told = str(caught.value).splitlines()
    assert len(told) < 8
    assert told[-1] == "the model answers False, and this storage True"
    assert capsys.readouterr().out == ""


def test_long_stories_are_cut():
    """Of many calls the latest are told."""
    bench = Bench(MemoryStorage())
    for n in range(50):
        bench.storage.remember("n", str(n))
    told = str(bench.told).splitlines()
    assert told[0] == "(20 earlier calls)"
    assert told[-1] == "remember('n', '49') -> '0'"


def test_values_are_said_in_few_words():
    """Each record by what names it; long lists and texts are cut."""
    bench = Bench(MemoryStorage())
    bench.keep(bench.change("ann", letter("a", 2), entries=[entry()], wake=5))
    bench.storage.record([order("1", minutes=0.5)])
    (lease,) = bench.claim(2)
    bench.settle(lease, "queued", 3, retry=9)
    assert str(bench.told).splitlines()[-1] == (
        "settle([settlement('a', token 'a:1', 'queued', retry_at at(9))], at(3)) -> [True]"
    )
    assert say(bench.file()) == (
        "file('ann', version 2, [order('1', 'ann', at(0.5))], [entry('run', 'letters', at(0))], "
        "[decision('send', 'a', at(0))], [outcome('a', 'queued', at(3), '')], merged [])"
    )
    assert say(lease.message) == "message('a', 'Hello', 'Come back')"
    assert say(Needs()) == "needs(all)"
    assert say(Needs(frozenset({"visit", "order"}))) == "needs(order, visit)"
    assert say(list(range(20))) == "[0, 1, 2, 3, 4, 5, 6, 7, … 20 in all]"
    assert say("x" * 100) == "'" + "x" * 69 + "…"
    assert say({"a": at(1)}) == "{'a': at(1)}"
    assert say(at() + timedelta.resolution) == "2026-03-01T12:00:00.000001+00:00"


# ------------------------------------------------------------- the door


def test_capabilities_are_checked():
    """An unknown one is named; a maker that other processes cannot import is refused before anything is tried."""
    with pytest.raises(InvalidInput, match="capabilities: 'fast' is unknown; use durable, processes"):
        check(new, capabilities=["fast"])
    with pytest.raises(InvalidInput, match="make: other processes cannot import it; use a function of a module"):
        check(lambda place: MemoryStorage(), capabilities=["processes"])


def test_without_hypothesis(monkeypatch):
    """The stories need the extra, and say so; the laws do not."""
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(MissingExtra, match=r"pip install 'retention\[testing\]', or pass examples=0"):
        check(new)
    assert states(check(new, examples=0))[49] == "skipped"


# ------------------------------------------------------------- what must outlive a process


def test_a_storage_that_forgets_is_not_durable():
    """What is opened once more must hold what was there."""
    broken = check(new, capabilities=["durable"], examples=0).broken
    assert [verdict.number for verdict in broken] == [19]
    assert "the file after reopening should be [file('ann'" in str(broken[0])


def test_migrations_that_lose_letters():
    """What an old database held is compared, whichever time it is opened."""
    broken = check(new, examples=0, released={"0.9": lambda place: [Kept("ann", ["1"], {"a": "sent"})]}).broken
    assert [verdict.number for verdict in broken] == [27, 27]
    assert "ann of version 0.9, opened a first time, should be [['1'], {'a': 'sent'}], and is [[], {}]" in str(
        broken[0]
    )


def test_a_storage_for_one_process(tmp_path, monkeypatch):
    """Whoever shares a place without sharing its data breaks the laws of processes, and their worker's words are told."""
    (tmp_path / "forgetful.py").write_text(
        "import os\nfrom retention.storage.memory import MemoryStorage\n\n"
        "def make(place):\n    return MemoryStorage()\n\n"
        "def alone(place):\n    os.mkdir(place / 'lock')\n    return MemoryStorage()\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    import forgetful

    for make, why in (
        (forgetful.make, "what two processes did together should be"),
        (forgetful.alone, "FileExistsError"),
    ):
        broken = check(make, capabilities=["processes"], examples=0).broken
        assert {verdict.number for verdict in broken} >= {8, 20}
        assert why in "\n".join(map(str, broken))
    del sys.modules["forgetful"]


# ------------------------------------------------------------- the worker


def test_the_worker_waits_and_delivers(tmp_path):
    """It says ready, works when told to, and says each step."""
    says = io.StringIO()
    hears = io.StringIO(f"{_storage_worker.packed(_queued, tmp_path)}\ngo\n")
    _storage_worker.work("deliver", hears, says)
    assert says.getvalue().splitlines() == ["ready", "begun a", "begun b", "sent a", "sent b"]


def test_the_worker_plans_once():
    """Customers who have been planned are passed over, and a refused step is told as such."""
    told, storage = [], MemoryStorage()
    for _ in range(2):
        _storage_worker.plan(storage, told.append)
    assert told == [f"kept c{n:03}" for n in range(_storage_worker.PLANNED)]
    file = Bench(storage).file("c000")
    assert (len(file.entries), len(file.ledger), len(file.outcomes)) == (1, 2, 2)


def _queued(place):
    storage = MemoryStorage()
    Bench(storage).queue(letter("a"), letter("b"))
    return storage


def test_a_told_storage_is_the_storage():
    """Answers and errors pass through, and both are kept."""
    told = Told(MemoryStorage())
    fact = OrderPlaced(id="1", customer_id="ann", at=at(), total="1", currency="EUR")
    assert told.record([fact]) == ["new"]
    told.close()
    with pytest.raises(StorageUnavailable, match="closed"):
        told.record([fact])
    assert str(told).splitlines()[0] == "record([order('1', 'ann', at(0))]) -> ['new']"
    assert say(decision("a")) == "decision('send', 'a', at(0))"
