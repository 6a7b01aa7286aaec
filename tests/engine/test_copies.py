"""Copies of a storage: of another environment, restored from a backup, given up (F13)."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from retention.errors import IncompatibleStorage, InvalidInput
from retention.journey import After, Facts, Journey, Step
from retention.storage.memory import MemoryStorage
from retention.storage.sqlite import SQLiteStorage


class Disk:
    """A shop whose database can be backed up and restored under the engine's feet; its provider forgets nothing."""

    def __init__(self, kit, folder) -> None:
        self.kit, self.folder = kit, folder
        self.world = kit.World(storage=SQLiteStorage(folder / "shop.db"), sender=kit.Answers())
        self.witness = folder / "elsewhere" / "witness"
        self.witness.parent.mkdir()

    def engine(self, *journeys, **options):
        return self.world.engine(*journeys, **{"witness": self.witness} | options)

    def copy(self, source, target) -> None:
        self.world.storage.close()
        (self.folder / f"{target}-wal").unlink(missing_ok=True)
        shutil.copy(self.folder / source, self.folder / target)
        self.world.storage = SQLiteStorage(self.folder / "shop.db")

    def back_up(self) -> None:
        self.copy("shop.db", "backup.db")

    def restore(self) -> None:
        self.copy("backup.db", "shop.db")


@pytest.fixture
def disk(kit, tmp_path):
    made = Disk(kit, tmp_path)
    yield made
    made.world.storage.close()


def notes():
    """A transactional letter on every order."""
    step = Step(id="note", moment=After(), template="win_back/miss_you", promotional=False)
    return Journey(name="note", trigger=Facts("order"), steps=[step])


# ---------------------------------------------------------------- environments


def test_a_copy_of_another_environment_is_refused(world):
    """A staging machine that opens a copy of the production database writes to nobody."""
    world.engine().record(world.asleep("eve"))
    with pytest.raises(IncompatibleStorage, match=r"^storage: belongs to environment 'production', not 'staging'; "):
        world.engine(environment="staging")
    assert world.engine(environment="production").run()["deliver"] == {"sent": 1}


def test_the_first_environment_stays(world):
    """A storage begun in a test environment never becomes a production one by being opened there."""
    world.engine(environment="staging")
    with pytest.raises(IncompatibleStorage, match=r"'staging', not 'production'"):
        world.engine()


@pytest.mark.parametrize("name", ["", 5.5])
def test_an_environment_has_a_name(world, name):
    """In one line, before anything is stored."""
    with pytest.raises(InvalidInput, match=r"^environment: "):
        world.engine(environment=name)
    assert world.storage.recall("") == {}


# ---------------------------------------------------------------- the witness


def test_a_restored_copy_is_refused_until_the_host_says_so(disk):
    """F13: the engine does not start on a database that is behind its witness, and leaves no trace in it."""
    engine = disk.engine()
    engine.record(disk.world.asleep("eve"))
    disk.back_up()
    disk.world.clock.passes(days=2)
    disk.engine().run()
    disk.restore()
    kept = disk.world.storage.recall("")
    with pytest.raises(IncompatibleStorage) as refused:
        disk.engine()
    assert str(refused.value) == (
        f"storage: is new, but {disk.witness} has seen it at 2026-03-04 12:00:00 UTC; if it was restored, start once with "
        "restored=True (--restored), so that no promotion leaves twice; if it is another storage, remove that file"
    )
    assert disk.world.storage.recall("") == kept
    assert disk.world.sender.sent == ["eve@example.org"]


def test_after_a_restoration_no_promotion_leaves_twice(disk):
    """F13: letters sent, decided or begun in the lost time are settled with the reason; later ones leave."""
    engine = disk.engine(disk.kit.two_days())
    engine.record(disk.world.asleep("waits", "sent", "reminded"))
    engine.record([disk.world.order("falls", silent=74), *disk.world.reachable("falls")])
    engine.run()
    disk.world.clock.passes(hours=1)
    engine.record(disk.world.asleep("late"))
    engine.scan()
    engine.tick()
    disk.back_up()  # "late" has a letter waiting, the others had one, "falls" is awake
    engine.storage = disk.world.storage
    engine.deliver()
    disk.world.clock.passes(days=2, hours=1)
    engine.run()
    before = list(disk.world.sender.sent)
    assert before.count("falls@example.org") == 1
    disk.restore()
    disk.world.clock.passes(hours=1)
    restored = disk.engine(disk.kit.two_days(), restored=True)
    restored.run()
    assert disk.world.sender.sent == before
    assert disk.world.fates("late") == [("miss_you", "cancelled", "restored")]
    assert ("skip", "reminder", "restored") in disk.world.ledger("sent")
    assert disk.world.ledger("falls") == [("refuse", "", "restored")]
    for _ in range(30):
        disk.world.clock.passes(days=1)
        restored.run()
    assert disk.world.sender.sent == before
    restored.record(disk.world.asleep("new"))
    restored.run()
    assert disk.world.sender.sent == [*before, "new@example.org"]


def test_after_a_restoration_transactional_letters_leave_at_least_once(disk):
    """A receipt that waits in the backup goes out, although it may have left: better twice than never."""
    engine = disk.engine(notes())
    engine.record([*disk.world.reachable("eve"), disk.world.order("eve")])
    engine.tick()
    disk.back_up()
    engine.storage = disk.world.storage
    engine.deliver()
    disk.world.clock.passes(hours=1)
    engine.run()
    disk.restore()
    disk.engine(notes(), restored=True).run()
    assert disk.world.sender.sent == ["eve@example.org"] * 2


def test_saying_it_again_settles_nothing_more(disk):
    """A cron line that keeps --restored by mistake works like one without; and so do workers without it."""
    engine = disk.engine()
    disk.back_up()
    disk.world.clock.passes(days=1)
    engine.storage = disk.world.storage
    engine.run()
    disk.restore()
    disk.engine(restored=True).run()
    assert json.loads(disk.witness.read_text())["epoch"] == 1
    disk.world.clock.passes(days=1)  # who falls asleep on the day of the restoration may have been written to
    for options in ({"restored": True}, {}):
        engine = disk.engine(**options)
        engine.record(disk.world.asleep(f"eve-{len(options)}"))
        assert engine.run()["deliver"] == {"sent": 1}
    assert json.loads(disk.witness.read_text())["epoch"] == 1


def test_the_copy_that_was_given_up_is_refused(disk):
    """Of two copies the one that the shop went on with is the one: the other's clock may be as late as it likes."""
    engine = disk.engine()
    engine.run()
    disk.back_up()
    disk.world.clock.passes(days=1)
    disk.engine().run()
    disk.copy("shop.db", "old.db")
    disk.restore()
    disk.engine(restored=True).run()
    disk.copy("old.db", "shop.db")
    disk.world.clock.passes(days=9)
    disk.world.engine().run()  # somebody without a witness
    with pytest.raises(IncompatibleStorage, match="ends at 2026-03-12 12:00:00 UTC"):
        disk.engine()


def test_without_a_witness_the_hosts_word_counts(world):
    """On a new machine, where the witness is lost too, the host's word is enough, each time it is given."""
    engine = world.engine()
    engine.record(world.asleep("eve"))
    engine.scan()
    engine.tick()
    world.clock.passes(minutes=1)
    assert world.engine(restored=True).run()["deliver"] == {"cancelled": 1}
    world.engine(restored=True)
    assert len(world.storage.recall("restored/")) == 2


def test_a_new_witness_believes_the_host(disk):
    """The first witness of a storage has seen nothing: with the word of the host it is a restored one."""
    disk.engine().run()
    disk.witness.unlink()
    disk.world.clock.passes(days=1)
    disk.engine(restored=True).run()
    assert json.loads(disk.witness.read_text()) == {"clock": "2026-03-03T12:00:00+00:00", "epoch": 1}


def test_the_witness_follows_the_work_and_not_each_call(disk):
    """It is written when a second has passed, by whichever worker, never half, and never behind for longer."""
    engine = disk.engine()
    assert not disk.witness.exists()
    engine.now()
    written = disk.witness.stat().st_mtime_ns
    disk.world.clock.passes(seconds=0.5)
    engine.now()
    assert disk.witness.stat().st_mtime_ns == written
    disk.world.clock.passes(seconds=0.5)
    engine.now()
    assert json.loads(disk.witness.read_text())["clock"] == "2026-03-02T12:00:01+00:00"
    assert [path.name for path in disk.witness.parent.iterdir()] == ["witness"]


def test_a_witness_that_cannot_be_written_stops_no_letter(disk, caplog):
    """Its folder is gone: the log says so, the letters leave."""
    engine = disk.engine()
    engine.record(disk.world.asleep("eve"))
    disk.witness.parent.rmdir()
    assert engine.run()["deliver"] == {"sent": 1}
    assert "the witness" in caplog.text


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"epoch": -1, "clock": "2026-01-01T00:00:00+00:00"}', "\x00"])
def test_what_is_no_witness_is_refused(world, tmp_path, text):
    """Another program's file is not overwritten; one line says which file."""
    (tmp_path / "witness").write_text(text, encoding="utf-8")
    with pytest.raises(
        InvalidInput, match=r"witness: cannot be read as a storage's witness \(\w+\); give another path$"
    ):
        world.engine(witness=tmp_path / "witness")
    assert (tmp_path / "witness").read_text(encoding="utf-8") == text


def test_of_two_workers_that_say_it_at_once_one_counts(world):
    """Both start with `restored` on one new copy: one restoration is kept, and both work by it."""

    class Raced(MemoryStorage):
        def remember(self, name, text):
            if name.startswith("restored/"):
                super().remember(name, text.replace("12:00", "11:00"))
            return super().remember(name, text)

    world.storage = Raced()
    assert world.engine(restored=True).book.restored_at == datetime(2026, 3, 2, 11, tzinfo=UTC)


def test_clock_jumps_are_no_restoration(disk):
    """A machine whose clock runs a day ahead for a while, or back, is refused nothing."""
    disk.engine().run()
    for days in (1, -1, -1, 2):
        disk.world.clock.passes(days=days)
        disk.engine().run()
    assert disk.engine().now() - disk.world.clock.at == timedelta(0)
