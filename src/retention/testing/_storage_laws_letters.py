"""The laws of a letter's life: claims, leases, doubts and what ends them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from attrs import evolve

from retention.journey.ledger import Outcome
from retention.ports import Lease, Settlement
from retention.testing._storage_bench import Bench, Stand, at, letter, message, on_a_bench
from retention.testing.laws import Law

__all__ = ["LAWS"]


def _due_inclusive(bench: Bench) -> None:
    bench.queue(letter("late", 10), letter("early", 1))
    bench.expect(bench.claimed(0), [])
    bench.expect(bench.claimed(1), ["early"])
    bench.expect(bench.claimed(9.99), [])
    bench.expect(bench.claimed(10), ["late"])


def _in_order(bench: Bench) -> None:
    bench.queue(letter("late", 10), letter("b", 5), letter("a", 5), letter("early", 1))
    bench.expect(bench.claimed(10), ["early", "a", "b", "late"])


def _limit(bench: Bench) -> None:
    bench.queue(letter("late", 10), letter("b", 5), letter("a", 5), letter("early", 1))
    bench.expect(bench.claimed(9, limit=0), [])
    bench.expect(bench.claimed(9, limit=2), ["early", "a"])
    bench.expect(bench.claimed(9, limit=2), ["b"])


def _disjoint(stand: Stand) -> None:
    with stand.place() as place:
        bench = place.open()
        bench.queue(*(letter(f"{n:03}") for n in range(200)))
        with ThreadPoolExecutor(4) as pool:
            taken = [key for keys in pool.map(_deliver_all, [bench] * 4) for key in keys]
        bench.expect(sorted(taken), [f"{n:03}" for n in range(200)], "what four threads claimed together")
        bench.expect(set(bench.statuses().values()), {"sent"})


def _deliver_all(bench: Bench) -> list[str]:
    mine: list[str] = []
    while leases := bench.claim(limit=7):
        mine += [lease.message.key for lease in leases]
        for lease in leases:
            bench.expect([bench.begin(lease), bench.settle(lease, "sent")], [True, True], "begun and sent")
    return mine


def _tokens(bench: Bench) -> None:
    bench.queue(letter("a"), letter("b"))
    leases = [*bench.claim(0), *bench.claim(10), *bench.claim(20)]
    bench.begin(leases[-1], 20)
    leases += bench.doubts(30)
    tokens = {lease.token for lease in leases}
    bench.expect(len(tokens), len(leases), "the number of different tokens")


def _attempts(bench: Bench) -> None:
    bench.queue(letter("a"))
    bench.expect([lease.attempts for lease in bench.claim(0) + bench.claim(10)], [1, 2])
    (lease,) = bench.claim(20)
    bench.settle(lease, "queued", 21)
    (again,) = bench.claim(22)
    bench.begin(again, 23)
    (doubt,) = bench.doubts(40)
    bench.settle(doubt, "queued", 41)
    found = [one.attempts for one in (lease, again, doubt, *bench.claim(42))]
    bench.expect(found, [3, 4, 5, 6], "attempts: after a re-check, as a doubt, and taken back from it")


def _expired(bench: Bench) -> None:
    bench.queue(letter("a"), letter("b"))
    bench.expect([lease.until for lease in bench.claim()], [at(10)] * 2)
    bench.expect(bench.claimed(9.99), [])
    bench.expect(bench.claimed(10), ["a", "b"])


def _forged(lease: Lease) -> list[Lease]:
    return [evolve(lease, token=f"{lease.token}x"), evolve(lease, message=message("nobody-s"))]


def _begins(bench: Bench) -> None:
    bench.queue(letter("a"), letter("b"))
    lease, other = bench.claim()
    bench.expect([bench.begin(one) for one in _forged(lease)], [False, False], "begun with a forged lease")
    bench.expect(bench.statuses(), {"a": "leased", "b": "leased"})
    bench.expect(bench.begin(lease, 9.99), wanted=True)
    (outcome, _) = bench.file().outcomes
    bench.expect((outcome.status, outcome.at), ("sending", at(9.99)), "the letter that was begun")
    bench.expect(bench.begin(lease, 9.99), wanted=False)
    bench.expect(bench.storage.begin([other, other], at(1)), [True, False], "one lease twice in one call")


def _settles(bench: Bench) -> None:
    bench.queue(letter("a"), letter("b"))
    lease, other = bench.claim()
    found = [bench.settle(one, "cancelled") for one in _forged(lease)]
    bench.expect(found, [False, False], "settled with a forged lease")
    found = [bench.settle(lease, status) for status in ("sent", "failed", "in_doubt")]
    bench.expect(found, [False] * 3, "settled as sent, failed, in_doubt before sending began")
    bench.expect(bench.statuses(), {"a": "leased", "b": "leased"})
    bench.begin(lease)
    bench.expect([bench.settle(one, "sent") for one in _forged(lease)], [False, False], "with a forged lease")
    bench.expect(bench.settle(lease, "sent", 9.99), wanted=True)
    bench.expect(bench.settle(other, "cancelled", 1, "bought", retry=2), wanted=True)
    bench.expect(bench.claimed(99), [], "letters claimable after all are settled")


def _settles_in_one_call(bench: Bench) -> None:
    bench.queue(letter("a"), letter("b"), letter("c"))
    a, b, c = bench.claim()
    bench.storage.begin([a, c], at())
    ends = [Settlement(a, "sent"), Settlement(b, "sent"), Settlement(c, "failed"), Settlement(a, "failed")]
    found = bench.storage.settle(ends, at(1))
    bench.expect(found, [True, False, True, False], "settled in one call: begun, not begun, begun, settled")
    bench.expect(bench.statuses(), {"a": "sent", "b": "leased", "c": "failed"})


def _zombie(bench: Bench) -> None:
    bench.queue(letter("a"))
    (zombie,) = bench.claim()
    bench.expect(bench.begin(zombie, 10), wanted=False, what="begun when the lease has run out")
    bench.expect(bench.settle(zombie, "cancelled", 10), wanted=False, what="settled when the lease has run out")
    (heir,) = bench.claim(10)
    bench.expect(bench.begin(zombie, 11), wanted=False, what="begun when another holds the letter")
    bench.expect(bench.settle(zombie, "queued", 11), wanted=False, what="settled when another holds the letter")
    bench.expect(bench.begin(heir, 11), wanted=True)
    bench.expect(bench.settle(zombie, "sent", 12), wanted=False, what="settled when another sends the letter")
    bench.expect(bench.settle(heir, "sent", 20), wanted=False, what="settled when its own lease has run out")
    bench.expect(bench.statuses(), {"a": "sending"})


def _zombie_of_a_doubt(bench: Bench) -> None:
    bench.queue(letter("a"))
    (heir,) = bench.claim()
    bench.begin(heir, 1)
    (doubt,) = bench.doubts(20)
    bench.expect(bench.settle(heir, "sent", 20), wanted=False, what="settled when it is another's doubt")
    bench.expect(bench.settle(doubt, "queued", 21, retry=30), wanted=True)
    bench.expect(bench.begin(heir, 30), wanted=False, what="begun by whoever sent it before")
    bench.expect(bench.claimed(30), ["a"])
    bench.expect(bench.settle(doubt, "sent", 31), wanted=False, what="settled by whoever held the doubt")


def _doubts(bench: Bench) -> None:
    bench.queue(letter("a"), letter("b"))
    first, second = bench.claim()
    bench.expect([bench.begin(first), bench.begin(second)], [True, True])
    bench.expect(bench.doubts(9.99), [])
    bench.expect(bench.claimed(99), [], "what was being sent, claimed as if nothing had happened")
    doubts = bench.doubts(10)
    bench.expect([(lease.message.key, lease.attempts) for lease in doubts], [("a", 2), ("b", 2)])
    bench.expect(bench.statuses(), {"a": "in_doubt", "b": "in_doubt"})
    bench.expect([bench.begin(lease, 11) for lease in doubts], [False, False], "doubts, begun as if they were claims")
    bench.expect(bench.doubts(19.99), [], "doubts that somebody holds")
    bench.expect(bench.claimed(99), [], "doubts, claimed as letters")
    bench.expect(len(bench.doubts(20)), 2, "doubts that nobody settled in time")
    bench.expect(len(bench.doubts(40, limit=1)), 1)


def _doubt_taken_back(bench: Bench) -> None:
    bench.queue(letter("a"))
    (lease,) = bench.claim()
    bench.begin(lease)
    bench.expect(bench.settle(lease, "queued", 1, retry=0), wanted=True)
    bench.expect([one.until for one in bench.claim(5, held=timedelta(minutes=5))], [at(10)])
    bench.expect(bench.doubts(10), [], "doubts of a letter that was queued again and leased until its doubt began")
    bench.expect(bench.claimed(10), ["a"])


def _final(bench: Bench) -> None:
    final = ("sent", "failed", "cancelled", "in_doubt")
    bench.queue(*(letter(status) for status in final))
    leases = {lease.message.key: lease for lease in bench.claim()}
    bench.expect(bench.storage.begin(list(leases.values()), at()), [True] * 4)
    bench.expect([bench.settle(leases[status], status, 1, "why") for status in final], [True] * 4)
    before = bench.file()
    for status, lease in leases.items():
        wanted = Outcome(message_key=status, key=lease.key, status=status, at=at(1), reason="why")
        bench.expect(next(one for one in before.outcomes if one.message_key == status), wanted)
        again = [bench.settle(lease, other, 2) for other in (*final, "queued")]
        bench.expect([*again, bench.begin(lease, 2)], [False] * 6, f"settled and begun again after {status}")
    bench.expect([bench.claim(99), bench.doubts(99)], [[], []], "what is left to do")
    bench.expect(bench.file(), before)


def _retry(bench: Bench) -> None:
    bench.queue(letter("a"), letter("b"), letter("c", 3))
    a, b, _ = bench.claim(3)
    bench.begin(a, 3)
    bench.expect(bench.settle(a, "queued", 4, "busy", retry=30), wanted=True)
    bench.expect(bench.settle(b, "queued", 4), wanted=True)
    bench.expect(sorted(one.reason for one in bench.file().outcomes), ["", "", "busy"])
    bench.expect(bench.claimed(4), ["b"], "what is due: a waits for its time, b for nothing, c is leased")
    bench.expect(bench.claimed(29.99), ["b", "c"], "what is due: the leases of b and c ran out, a waits")
    bench.expect([(lease.message.key, lease.attempts) for lease in bench.claim(30)], [("a", 2)])


def _clock_back(bench: Bench) -> None:
    bench.queue(letter("a"), letter("b"))
    bench.claim(0)
    bench.expect(bench.claimed(10, limit=1), ["a"])
    bench.expect(bench.claimed(5), [], "claimed at 5: the lease of b ran out at 10")
    bench.expect(bench.claimed(12), ["b"])
    (lease,) = bench.claim(20, limit=1)
    found = [bench.begin(lease, minutes) for minutes in (1, 1, 0, -30)]
    bench.expect(found, [True, False, False, False], "begun by a clock that went back")
    bench.expect([key for key in bench.claimed(5) if key == "a"], [], "claims of what is being sent")


def _clock_kept(bench: Bench) -> None:
    found = [bench.storage.advance(at(minutes)) for minutes in (5, 1, 6)]
    bench.expect(found, [at(5), at(5), at(6)], "the storage's clock")


def _clock_leaps(bench: Bench) -> None:
    bench.queue(letter("a"), letter("b"), letter("c", 500_000))
    bench.begin(bench.claim()[0])
    bench.expect(bench.claimed(530_000), ["b", "c"])
    bench.expect([lease.message.key for lease in bench.doubts(530_000)], ["a"])


LAWS: tuple[Law[Stand], ...] = (
    Law(5, "claims only what is due, inclusive", on_a_bench(_due_inclusive)),
    Law(6, "claims by due time, then key", on_a_bench(_in_order)),
    Law(7, "claims no more than the limit", on_a_bench(_limit)),
    Law(8, "claims of several threads are disjoint", _disjoint),
    Law(9, "every lease has a token of its own", on_a_bench(_tokens)),
    Law(10, "attempts count at the claim and are never reset", on_a_bench(_attempts)),
    Law(11, "a lease that ran out is claimed again, never before", on_a_bench(_expired)),
    Law(12, "only the holder begins, once", on_a_bench(_begins)),
    Law(13, "only the holder settles, and as sent only what it began", on_a_bench(_settles)),
    Law(13, "of several in one call each is settled by itself", on_a_bench(_settles_in_one_call)),
    Law(14, "a zombie neither begins nor settles", on_a_bench(_zombie)),
    Law(14, "the zombie of a doubt neither begins nor settles", on_a_bench(_zombie_of_a_doubt)),
    Law(15, "sending that ran out is a doubt, never queued", on_a_bench(_doubts)),
    Law(15, "a letter taken back from a doubt is no doubt", on_a_bench(_doubt_taken_back)),
    Law(16, "final states absorb", on_a_bench(_final)),
    Law(17, "a retry is invisible before its time", on_a_bench(_retry)),
    Law(21, "a clock that goes back begins nothing twice", on_a_bench(_clock_back)),
    Law(21, "the storage's clock never goes back", on_a_bench(_clock_kept)),
    Law(22, "a clock that leaps loses nothing", on_a_bench(_clock_leaps)),
)
"""The laws of letters, by number."""
