"""The SQLite storage does what the reference model does, whatever is done in whatever order."""

from __future__ import annotations

from collections import defaultdict
from itertools import count

import pytest
from attrs import evolve
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from retention.facts import CustomersMerged, Visited
from retention.journey.ledger import Needs
from retention.storage import _schema

CUSTOMERS = st.sampled_from(["ann", "ben", "cleo", "dora"])
MINUTES = st.integers(0, 40)
LIMITS = st.integers(0, 4)
STATUSES = st.sampled_from(["sent", "failed", "cancelled", "queued", "in_doubt"])


class Agreement(RuleBasedStateMachine):
    """Every step is taken in both storages, and must be answered alike."""

    def __init__(self, shops):
        super().__init__()
        self.shops = shops
        self.now = 0
        self.leases = []
        self.tick = count()
        self.cursors = defaultdict(lambda: [0, 0])  # one reader for each choice of kinds

    def teardown(self):
        for shop in self.shops:
            shop.storage.close()

    def both(self, step):
        model, other = (step(shop) for shop in self.shops)
        assert model == other
        return model

    @rule(minutes=st.sampled_from([0, 1, 5, 10, 10, 30, -15]))
    def time_passes(self, minutes):
        self.now += minutes
        self.both(lambda shop: shop.storage.advance(shop.at(self.now)))

    @rule(names=st.lists(st.tuples(st.integers(0, 30), CUSTOMERS, st.sampled_from(["30", "30.0", "31"])), max_size=4))
    def orders(self, names):
        self.both(lambda shop: shop.storage.record([shop.order(str(n), who, n % 7, total) for n, who, total in names]))

    @rule(old=CUSTOMERS, into=CUSTOMERS, id_=st.integers(0, 9))
    def visit_and_merge(self, old, into, id_):
        def step(shop):
            facts = [Visited(id=str(id_), customer_id=old, at=shop.at(id_))]
            if old != into:
                facts.append(CustomersMerged(id=str(id_), customer_id=old, at=shop.at(id_), into=into))
            return shop.storage.record(facts)

        self.both(step)

    @rule(
        who=CUSTOMERS, keys=st.lists(st.integers(0, 25), max_size=3), due=MINUTES, stale=st.sampled_from([0, 0, 0, -1]),
        wake=st.none() | MINUTES, fingerprint=st.sampled_from(["x", "y", "z"]),
    )  # fmt: skip
    def plan(self, who, keys, due, stale, wake, fingerprint):
        at = next(self.tick) / 60  # no two rows at the same time: how ties are broken after a merge is left open

        def step(shop):
            letters = [shop.letter(str(key), due) for key in keys]
            letters = [
                evolve(one, message=evolve(one.message, at=shop.at(at + n / 600))) for n, one in enumerate(letters)
            ]
            rows = tuple(shop.decision(str(key), at + n / 600) for n, key in enumerate(keys))
            entries = (shop.entry(str(due % 5), at),)
            version = max(0, shop.file(who).version + stale)
            change = shop.change(
                who, *letters, decisions=rows, entries=entries, wake=wake, fingerprint=fingerprint, version=version
            )
            return shop.storage.commit([change, change])

        self.both(step)

    @rule(fingerprint=st.sampled_from(["x", "y"]), limit=LIMITS)
    def due(self, fingerprint, limit):
        self.both(lambda shop: shop.storage.due(shop.at(self.now), fingerprint, limit))

    @rule(kinds=st.frozensets(st.sampled_from(["order", "visit", "merge"])), limit=st.integers(1, 4))
    def read_on(self, kinds, limit):
        cursors = self.cursors[kinds]
        pages = [shop.storage.facts(kinds, cursor, limit) for shop, cursor in zip(self.shops, cursors, strict=True)]
        assert pages[0][0] == pages[1][0]
        self.cursors[kinds] = [cursor for _, cursor in pages]

    @rule(limit=LIMITS)
    def claim(self, limit):
        self.leases += self.both(lambda shop: shop.claim(self.now, limit))

    @rule()
    def claim_doubts(self):
        self.leases += self.both(lambda shop: sorted(shop.doubts(self.now), key=lambda lease: lease.token))

    @precondition(lambda self: self.leases)
    @rule(pick=st.integers(0, 999))
    def begin(self, pick):
        lease = self.leases[-1 - pick % min(4, len(self.leases))]
        self.both(lambda shop: shop.begin(lease, self.now))

    @precondition(lambda self: self.leases)
    @rule(pick=st.integers(0, 999), status=STATUSES, retry=st.none() | MINUTES)
    def settle(self, pick, status, retry):
        lease = self.leases[-1 - pick % min(4, len(self.leases))]
        self.both(lambda shop: shop.settle(lease, status, self.now, "why", retry))

    @rule(key=st.integers(100, 999), begun=st.booleans(), status=STATUSES, heir=st.booleans())
    def zombie(self, key, begun, status, heir):
        """Claim, perhaps begin, sleep past the lease, perhaps be replaced, wake up and go on as if nothing was."""
        self.both(lambda shop: shop.storage.commit([shop.change("zoe", shop.letter(str(key), self.now))]))
        leases = self.both(lambda shop: shop.claim(self.now))
        if begun:
            self.both(lambda shop: shop.storage.begin(leases, shop.at(self.now + 1)))
        self.now += 10
        if heir:
            self.leases += self.both(lambda shop: shop.claim(self.now))
            self.claim_doubts()
        for lease in leases:
            assert not self.both(lambda shop, lease=lease: shop.begin(lease, self.now + 1))
            assert not self.both(lambda shop, lease=lease: shop.settle(lease, status, self.now + 1, "", 3))

    @invariant()
    def files_agree(self):
        names = ["ann", "ben", "cleo", "dora", "zoe"]
        self.both(lambda shop: shop.storage.load(names, Needs()))
        self.both(lambda shop: shop.storage.customers("", 9))


def check(makers, new_shop, tmp_path, examples, phases=tuple(Phase)):
    folders = (tmp_path / str(n) for n in count())

    def shops():
        folder = next(folders)
        folder.mkdir()
        return Agreement([new_shop(make(folder)) for make in makers.values()])

    chosen = settings(max_examples=examples, stateful_step_count=30, phases=phases, report_multiple_bugs=False)
    run_state_machine_as_test(shops, settings=chosen)


def test_sqlite_agrees_with_the_model(makers, new_shop, tmp_path):
    """All laws at once: whatever the model answers, SQLite answers."""
    check(makers, new_shop, tmp_path, 40)


@pytest.mark.parametrize(
    "name, part, bug",
    [
        ("BEGIN", "AND until > :now ", ""),
        ("SETTLE", "AND until > :now", ""),
        ("SETTLE", "AND attempts = :attempts", ""),
        ("CLAIM", "attempts = attempts + 1", "attempts = attempts"),
        ("CLAIM", "OR until <= :now", "OR until < :now"),
        ("CLAIM_DOUBTS", "status = 'in_doubt'", "status = 'queued'"),
        ("ADD_PAYLOAD", "DO NOTHING", "DO UPDATE SET at = excluded.at"),
        ("PLANNED", "AND version = :version", ""),
        ("TOUCH", ", wake_at = :at_once", ""),
    ],
)
def test_planted_bugs_are_caught(makers, new_shop, tmp_path, monkeypatch, name, part, bug):
    """The comparison is sharp: each of these bugs, which others have had, makes it fail."""
    statement = getattr(_schema, name)
    assert part in statement
    monkeypatch.setattr(_schema, name, statement.replace(part, bug))
    with pytest.raises(AssertionError):
        check(makers, new_shop, tmp_path, 60, phases=[Phase.generate])
