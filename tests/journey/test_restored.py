"""Planning on a restored copy: what may have been done and forgotten is left, the rest goes on (F13)."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from retention.journey import After, Book, Cancel, Delay, Facts, On

MONDAY = "2026-03-02T10:00"
TUESDAY = "2026-03-03T10:00"
NOON = "2026-03-03T12:00"


def restored(life: Any, one: Any, at: str) -> Any:
    """The life on a storage that was restored at that time."""
    one.book = Book.of(one.book.current, policy=one.book.policy, restored_at=life.at(at))
    return one


def test_what_was_due_before_the_restoration_is_skipped(life: Any) -> None:
    """F13: nobody knows whether the second letter left; the third, due later, goes out by its timetable."""
    third = life.step("c", After("b", Delay(days=2)))
    journey = life.journey(life.step(), life.step("b", After("a", Delay(hours=20))), third)
    one = life(journey, facts=[life.asleep(MONDAY)])
    assert life.words(one.plan(MONDAY)) == ["enter", "send a"]
    restored(life, one, NOON)
    assert life.words(one.plan(NOON)) == ["skip b restored"]
    assert life.words(one.plan("2026-03-05T06:00")) == ["send c", "exit completed"]


def test_a_letter_decided_before_the_restoration_does_not_leave(life: Any) -> None:
    """F13: it may have left already; one decided later leaves."""
    journey = life.journey(life.step(valid_for=Delay(days=3)))
    one = life(journey, facts=[life.asleep(MONDAY)])
    one.plan(MONDAY)
    row = one.last("a")
    restored(life, one, NOON)
    assert one.recheck(row, NOON) == Cancel("restored")
    assert one.recheck(evolve(row, at=life.at(NOON)), NOON) is None


def test_a_trigger_from_before_the_restoration_lets_nobody_in(life: Any) -> None:
    """F13: the run may have been there and be lost with its letters; a later trigger counts."""
    one = restored(life, life(life.two_letters(), facts=[life.asleep(TUESDAY)]), NOON)
    assert life.words(one.plan(NOON)) == ["refuse restored"]
    one.knows(life.asleep(NOON, order="o2"))
    assert life.words(one.plan(NOON)) == ["enter", "send a"]


def test_transactional_letters_leave_at_least_once(life: Any) -> None:
    """F13: who waits for news of a return gets it, perhaps twice; the coupon beside it may have come already."""
    status = life.step(promotional=False)
    coupon = life.step("coupon", On((Facts("return", "requested"),)))
    journey = life.journey(status, coupon, trigger=Facts("return", "requested"))
    one = restored(life, life(journey, facts=[life.ret("requested", TUESDAY)]), NOON)
    assert life.words(one.plan(NOON)) == ["enter", "skip coupon restored", "send a", "exit completed"]
    assert one.recheck(one.last("a"), NOON) is None


def test_a_restored_book_is_another_book(life: Any) -> None:
    """Everybody is planned anew after a restoration, and nobody without one."""
    journeys = [life.two_letters()]
    books = [Book.of(journeys), Book.of(journeys, restored_at=life.at(MONDAY)), Book.of(journeys, restored_at=None)]
    assert books[0].fingerprint == books[2].fingerprint != books[1].fingerprint
