"""A history that ends the process holds up nobody else."""

from __future__ import annotations

from contextlib import suppress

from retention.journey import Delay
from retention.playbooks import win_back


class Killed(BaseException):
    """As a kill by the system: nothing that the engine catches."""


class Deadly:
    """A storage whose process ends when the file of `who` is loaded."""

    def __init__(self, storage, *who):
        self._storage, self._who, self.deaths = storage, set(who), 0

    def __getattr__(self, name):
        return getattr(self._storage, name)

    def load(self, ids, needs):
        if self._who & set(ids):
            self.deaths += 1
            raise Killed
        return self._storage.load(ids, needs)


def runs(engine, world, times):
    for _ in range(times):
        with suppress(Killed):
            engine.run()
        world.clock.passes(minutes=20)


def test_everybody_else_gets_their_letter_though_one_file_kills_each_tick(world):
    """599 letters leave, one each, and only the deadly customer waits."""
    everybody = [f"c{n}" for n in range(600)]
    world.storage.record(world.asleep(*everybody))
    deadly = Deadly(world.storage, "c0")
    engine = world.engine(win_back(control=0, wait=Delay(days=90)), storage=deadly)
    runs(engine, world, 40)
    assert deadly.deaths > 5
    assert sorted(message.to for message in world.sender.messages.values()) == sorted(
        f"{c}@example.org" for c in everybody[1:]
    )


def test_everybody_else_gets_their_letter_though_one_file_kills_each_delivery(world):
    """The same when the file became deadly after its letter was planned, among more letters than one claim holds."""
    everybody = [f"c{n}" for n in range(450)]
    engine = world.engine(win_back(control=0, wait=Delay(days=90)))
    engine.record(world.asleep(*everybody))
    engine.scan()
    engine.tick()
    deadly = Deadly(world.storage, "c0")
    runs(world.engine(win_back(control=0, wait=Delay(days=90)), storage=deadly), world, 30)
    assert deadly.deaths > 5
    assert sorted(message.to for message in world.sender.messages.values()) == sorted(
        f"{c}@example.org" for c in everybody[1:]
    )
