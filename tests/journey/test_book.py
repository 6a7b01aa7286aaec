"""The book: every version that somebody is inside, and a fingerprint of all that planning goes by."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from retention.errors import InvalidInput, InvalidJourney
from retention.journey import (
    AfterExit,
    Book,
    ContactPolicy,
    Delay,
    Entry,
    Exists,
    Hold,
    QuietHours,
    Variant,
    needs,
)
from retention.journey.customer import KINDS


def test_any_change_changes_the_fingerprint(life: Any) -> None:
    """Rule 4: another fingerprint means due now, so nothing that a plan reads may leave it as it was."""
    one = life.journey(life.step(), life.step("b"))
    books = [
        Book.of([one]),
        Book.of([one], timezone="Asia/Tokyo"),
        Book.of([one], language="ru"),
        Book.of([one], policy=ContactPolicy(caps=())),
        Book.of([one], policy=ContactPolicy(quiet_hours=QuietHours("22:00"))),
        Book.of([one, evolve(one, name="other")]),
        Book.of([]),
        Book.of([], earlier=[one]),
        Book.of([evolve(one, version=2)]),
        Book.of([evolve(one, version=2)], earlier=[one]),
        Book.of([evolve(one, priority=3)]),
        Book.of([evolve(one, lasts=Delay(days=31))]),
        Book.of([evolve(one, reentry=AfterExit(Delay(days=1)))]),
        Book.of([evolve(one, steps=one.steps[:1])]),
        Book.of([evolve(one, steps=one.steps[::-1])]),
        Book.of([evolve(one, steps=(evolve(one.steps[0], hour=9), one.steps[1]))]),
        Book.of([evolve(one, steps=(evolve(one.steps[0], variants={"letters": Variant(hour=9)}), one.steps[1]))]),
        Book.of([evolve(one, arms={"letters": 0.5, "control": 0.5})]),
    ]
    assert len({book.fingerprint for book in books}) == len(books)


def test_equal_books_have_one_fingerprint(life: Any) -> None:
    """The order in which journeys and versions are given does not matter, nor giving a version twice."""
    one, two = life.journey(life.step()), life.journey(life.step(), name="two", priority=1)
    old = evolve(one, version=3)
    books = [Book.of([one, two], earlier=[old]), Book.of([two, one], earlier=[one, old, old])]
    assert books[0].fingerprint == books[1].fingerprint
    assert [journey.name for journey in books[0].current] == ["two", "back"]
    assert set(books[0].journeys) == {one, two, old}


@pytest.mark.parametrize("where", ["earlier", "within earlier"])
def test_one_version_is_one_definition(life: Any, where: str) -> None:
    """F11: an edit needs a new version, and the error says which."""
    one = life.journey(life.step(), version=4)
    edited = evolve(one, lasts=Delay(days=1))
    message = r"^journey back: version 4 was something else before; give the edited journey version=5$"
    with pytest.raises(InvalidJourney, match=message):
        Book.of([edited], earlier=[one]) if where == "earlier" else Book.of([], earlier=[one, edited])


def test_a_name_is_given_once(life: Any) -> None:
    """Two journeys of one name would own each other's keys, whatever their versions."""
    one = life.journey(life.step())
    with pytest.raises(InvalidJourney, match=r"^journey back: given twice; every journey has a name of its own$"):
        Book.of([one, evolve(one, version=2)])


def test_zone_and_language_are_checked(life: Any) -> None:
    """F4: a bad zone is an error at the door, not a customer who is silently dropped."""
    with pytest.raises(InvalidInput, match=r"^timezone: 'Europe/Lodnon' is unknown"):
        Book.of([], timezone="Europe/Lodnon")
    with pytest.raises(InvalidInput, match=r"^language: 'xx' is unknown"):
        Book.of([], language="xx")


def test_a_run_finds_its_version(life: Any) -> None:
    """Rule 4: the pinned version, else the one in force, else none."""
    old = life.journey(life.step())
    new = evolve(old, version=2)
    at = life.at("2026-03-02")
    entry = Entry(journey="back", version=1, key="k", entered_at=at, basis=at, arm="letters")
    assert Book.of([new], earlier=[old]).journey(entry) is old
    assert Book.of([new]).journey(entry) is new
    assert Book.of([]).journey(entry) is None


def test_the_newest_version_of_every_journey(life: Any) -> None:
    """By name, also of journeys that take nobody in any more; the higher number is newer, whatever the order."""
    one, gone = life.journey(life.step(), version=2), life.journey(life.step(), name="a-gone")
    book = Book.of([one], earlier=[evolve(gone, version=3), gone, evolve(one, version=1)])
    assert [(journey.name, journey.version) for journey in book.newest] == [("a-gone", 3), ("back", 2)]


def test_needs_names_every_kind(life: Any) -> None:
    """Kinds of every version, of the policy's holds, and those that make up a customer."""
    old = life.journey(life.step(when=Exists("visit")))
    policy = ContactPolicy(holds=(Hold("moving", Exists("delivery", "shipped")),))
    book = Book.of([evolve(old, version=2, steps=(life.step(),))], earlier=[old], policy=policy)
    assert needs(book).kinds == {*KINDS, "asleep", "visit", "delivery"}
