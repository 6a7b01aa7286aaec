"""Every storage keeps the laws of a letter's life; the numbers are those of the conformance kit."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from attrs import evolve

from retention.journey.ledger import Outcome


def test_law_5_6_7_claims_come_in_order(shop):
    """Only what is due, inclusive, by due time and then key, no more than asked for."""
    shop.queue(shop.letter("late", 10), shop.letter("b", 5), shop.letter("a", 5), shop.letter("early", 1))
    assert shop.claimed(0) == []
    assert shop.claimed(9, limit=0) == []
    assert shop.claimed(9, limit=2) == ["early", "a"]
    assert shop.claimed(9) == ["b"]
    assert shop.claimed(9.99) == []
    assert shop.claimed(10) == ["late"]


def test_law_8_concurrent_claims_are_disjoint(shop):
    """Four threads that claim at once share the letters without overlap, and begin and settle them."""
    shop.queue(*(shop.letter(f"{n:03}") for n in range(200)))
    barrier, taken = Barrier(4), [[] for _ in range(4)]

    def work(mine):
        barrier.wait()
        while leases := shop.claim(limit=7):
            mine += [lease.message.key for lease in leases]
            assert all(shop.begin(lease) and shop.settle(lease, "sent") for lease in leases)

    threads = [Thread(target=work, args=(mine,)) for mine in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(key for mine in taken for key in mine) == [f"{n:03}" for n in range(200)]
    assert set(shop.statuses().values()) == {"sent"}


def test_law_9_10_11_leases_run_out(shop):
    """A lease that ran out before sending began is claimed again, with a new token and one more attempt; never before."""
    shop.queue(shop.letter("a"), shop.letter("b"))
    first = shop.claim()
    assert [lease.until for lease in first] == [shop.at(10)] * 2
    assert shop.claimed(9.99) == []
    second = shop.claim(10)
    assert [lease.message.key for lease in second] == ["a", "b"]
    assert [lease.attempts for lease in first + second] == [1, 1, 2, 2]
    assert len({lease.token for lease in first + second}) == 4


def test_law_12_13_begin_and_settle_only_what_one_holds(shop):
    """Begin needs the letter leased to this very lease; settling as sent needs it begun."""
    shop.queue(shop.letter("a"))
    (lease,) = shop.claim()
    forged = evolve(lease, token="forged"), evolve(lease, message=shop.message("nobody-s"))
    assert not any(shop.begin(other) for other in forged)
    assert not any(shop.settle(other, "cancelled") for other in forged)
    assert not any(shop.settle(lease, status) for status in ("sent", "failed", "in_doubt"))
    assert shop.statuses() == {"a": "leased"}
    assert shop.begin(lease, 9.99)
    assert not shop.begin(lease, 9.99)  # once only
    assert not any(shop.settle(other, "sent") for other in forged)
    assert shop.settle(lease, "sent", 9.99)


def test_a_batch_names_one_lease_twice(shop):
    """The second mention in one call finds the first done."""
    shop.queue(shop.letter("a"))
    (lease,) = shop.claim()
    assert shop.storage.begin([lease, lease], shop.at()) == [True, False]


def test_law_14_a_zombie_can_do_nothing(shop):
    """Whoever slept past the lease can neither begin nor settle, whether or not somebody else took over."""
    shop.queue(shop.letter("a"))
    (zombie,) = shop.claim()
    assert not shop.begin(zombie, 10)
    assert not shop.settle(zombie, "cancelled", 10)
    (heir,) = shop.claim(10)
    assert not shop.begin(zombie, 11)
    assert not shop.settle(zombie, "queued", 11)
    assert shop.begin(heir, 11)
    assert not shop.settle(zombie, "sent", 12)
    assert not shop.settle(heir, "sent", 20)  # its own lease ran out while it was sending
    assert shop.statuses() == {"a": "sending"}
    (doubt,) = shop.doubts(20)
    assert not shop.settle(heir, "sent", 20)
    assert shop.settle(doubt, "queued", 21, retry=30)
    assert not shop.begin(zombie, 30)
    assert shop.claimed(30) == ["a"]


def test_law_15_what_was_being_sent_is_in_doubt(shop):
    """Sending that ran out is never claimed as if nothing had happened; it is handed over as a doubt, once at a time."""
    shop.queue(shop.letter("a"), shop.letter("b"))
    first, second = shop.claim()
    assert shop.begin(first)
    assert shop.begin(second)
    assert shop.doubts(9.99) == []
    assert shop.claimed(99) == []
    doubts = shop.doubts(10)
    assert sorted(lease.message.key for lease in doubts) == ["a", "b"]
    assert [lease.attempts for lease in doubts] == [2, 2]
    assert {lease.token for lease in doubts}.isdisjoint({first.token, second.token})
    assert shop.statuses() == {"a": "in_doubt", "b": "in_doubt"}
    assert shop.doubts(19.99) == []
    assert shop.claimed(99) == []
    assert len(shop.doubts(20)) == 2  # nobody settled them in time
    assert shop.storage.claim_doubts(shop.at(40), timedelta(minutes=1), 1)


def test_a_letter_taken_back_from_a_doubt_is_no_doubt(shop):
    """A letter queued again and leased until the very moment at which its doubt had ended is not in doubt."""
    shop.queue(shop.letter("a"))
    (lease,) = shop.claim()
    assert shop.begin(lease)
    assert shop.settle(lease, "queued", 1, retry=0)
    assert [lease.until for lease in shop.claim(5, held=timedelta(minutes=5))] == [shop.at(10)]
    assert shop.doubts(10) == []
    assert shop.claimed(10) == ["a"]


@pytest.mark.parametrize("status", ["sent", "failed", "cancelled", "in_doubt"])
def test_law_16_final_states_absorb(shop, status):
    """Nothing moves a settled letter."""
    shop.queue(shop.letter("a"))
    (lease,) = shop.claim()
    assert shop.begin(lease)
    assert shop.settle(lease, status, 1, "why")
    before = shop.file()
    assert before.outcomes[0] == Outcome(
        message_key="a", key=lease.key, status=status, at=shop.at(1), reason="why"
    )  # fmt: skip
    assert not any(shop.settle(lease, other, 2) for other in ("sent", "failed", "cancelled", "queued", "in_doubt"))
    assert not shop.begin(lease, 2)
    assert shop.claim(99) == shop.doubts(99) == []
    assert shop.file() == before


def test_law_17_a_retry_is_invisible_before_its_time(shop):
    """Queued again, from leased or sending, a letter waits for `retry_at`, or for nothing if there is none."""
    shop.queue(shop.letter("a"), shop.letter("b"), shop.letter("c", 3))
    a, b, _ = shop.claim(3)
    assert shop.begin(a, 3)
    assert shop.settle(a, "queued", 4, "busy", retry=30)
    assert shop.settle(b, "queued", 4)
    assert shop.file().outcomes[0].reason == "busy"
    assert shop.claimed(4) == ["b"]
    assert shop.claimed(29.99) == ["b", "c"]  # their leases ran out
    assert [(lease.message.key, lease.attempts) for lease in shop.claim(30)] == [("a", 2)]


def test_a_settled_letter_keeps_its_due_time(shop):
    """`retry_at` without status queued means nothing."""
    shop.queue(shop.letter("a"))
    (lease,) = shop.claim()
    assert shop.settle(lease, "cancelled", 1, "bought", retry=2)
    assert shop.claim(99) == []
    assert shop.statuses() == {"a": "cancelled"}


def test_law_21_a_clock_that_goes_back_begins_nothing_twice(shop):
    """What is leased or begun stays so when a caller comes with an earlier time, and nothing is lost by it."""
    shop.queue(shop.letter("a"), shop.letter("b"))
    shop.claim(0)
    assert shop.claimed(10, limit=1) == ["a"]
    assert shop.claimed(5) == []  # b's lease has run out at 10, not at 5
    assert shop.claimed(12) == ["b"]
    (lease,) = shop.claim(20, limit=1)
    assert shop.begin(lease, 1)
    assert not shop.begin(lease, 1)
    assert "a" not in shop.claimed(5)


def test_law_22_a_clock_that_leaps_loses_nothing(shop):
    """After a leap of a year every letter is either claimable or in doubt."""
    shop.queue(shop.letter("a"), shop.letter("b"), shop.letter("c", 500_000))
    shop.begin(shop.claim()[0])
    assert shop.claimed(530_000) == ["b", "c"]
    assert [lease.message.key for lease in shop.doubts(530_000)] == ["a"]
