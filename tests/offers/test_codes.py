"""Coupon codes: the same again, never guessed, never misread, used once; pools that may run dry."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from retention.errors import InvalidInput
from retention.offers import codes

SECRET = "sixteen characters and more"
NOW = datetime(2026, 5, 1, tzinfo=UTC)
words = st.text("aЖ-:7", min_size=1, max_size=8)
ids = st.one_of(words, st.integers(0, 10**9))
cycles = st.integers(0, 50)


@given(ids, words, cycles)
def test_codes_are_repeatable_and_well_formed(customer, offer: str, cycle: int) -> None:
    """The same three give the same code, in the alphabet, with a check character that fits."""
    found = codes.code(SECRET, customer, offer, cycle)
    assert found == codes.code(SECRET, str(customer), offer, cycle)
    assert re.fullmatch(rf"([{codes.ALPHABET}]{{4}}-){{2}}[{codes.ALPHABET}]{{4}}", found)
    assert codes.check(found)
    assert codes.normal(f"  {found.lower().replace('-', ' ')}\n") == found


def test_codes_stay_what_they_are() -> None:
    """Codes are in letters and in other systems: a release that changed them would break what customers hold."""
    assert codes.code("a secret of the shop", 42, "ten", 0) == "QGEQ-T3XV-85AY"


def test_nothing_misleading_is_in_the_alphabet() -> None:
    """No character that looks like another, and a prime number of them."""
    assert not set("01ILOSU") & set(codes.ALPHABET)
    assert len(set(codes.ALPHABET)) == len(codes.ALPHABET) == 29


def test_whatever_differs_gives_another_code() -> None:
    """Secret, customer, offer and cycle all count, and thousands of codes are all different."""
    found = {
        codes.code(secret, customer, offer, cycle)
        for secret in (SECRET, SECRET + "x")
        for customer in range(500)
        for offer in ("a", "b")
        for cycle in range(3)
    }
    assert len(found) == 2 * 500 * 2 * 3


@given(ids, st.integers(0, 11), st.sampled_from(codes.ALPHABET))
def test_a_wrong_character_is_noticed(customer, place: int, character: str) -> None:
    """Any one character replaced by any other makes a code that cannot be."""
    right = codes.code(SECRET, customer, "ten", 0).replace("-", "")
    wrong = right[:place] + character + right[place + 1 :]
    assert codes.check(wrong) == (wrong == right)


@given(ids, st.integers(0, 11), st.integers(0, 11))
def test_exchanged_characters_are_noticed(customer, one: int, other: int) -> None:
    """Any two characters exchanged make a code that cannot be."""
    right = codes.code(SECRET, customer, "ten", 0).replace("-", "")
    wrong = list(right)
    wrong[one], wrong[other] = wrong[other], wrong[one]
    assert codes.check("".join(wrong)) == ("".join(wrong) == right)


@given(st.text(max_size=20))
def test_check_takes_any_text(text: str) -> None:
    """Whatever is typed is judged, not raised about; one in 29 of what looks like a code passes by chance."""
    assert codes.check(text) in (True, False)


# ---------------------------------------------------------------- issued, redeemed, over


def test_the_unredeemed_one_is_issued_again() -> None:
    """Until it is redeemed or over, whoever comes back gets the same coupon with the same end; then the next."""
    first = codes.issue(SECRET, 42, "ten", NOW, days=10)
    other = codes.issue(SECRET, 7, "ten", NOW, days=10)
    assert (first.customer_id, first.cycle, first.expires_at) == ("42", 0, NOW + timedelta(days=10))
    assert codes.issue(SECRET, 42, "ten", NOW + timedelta(days=9), days=10, past=[other, first]) == first
    later = NOW + timedelta(days=10)
    second = codes.issue(SECRET, 42, "ten", later, days=10, past=[first])
    assert (second.cycle, second.code != first.code) == (1, True)
    used = evolve(first, redeemed_at=NOW)
    assert codes.issue(SECRET, 42, "ten", NOW, days=10, past=[used]).cycle == 1
    assert codes.issue(SECRET, 42, "gift", NOW, days=10, past=[first]).cycle == 0


def test_looking_up() -> None:
    """A code is open once; what is mistyped, unknown, used or over says so."""
    coupon = codes.issue(SECRET, 42, "ten", NOW, days=10)
    shop = {coupon.code: coupon}
    assert codes.look_up(coupon.code.lower(), shop, NOW) == ("open", coupon)
    assert codes.look_up(coupon.code, shop, coupon.expires_at) == ("expired", coupon)
    used = evolve(coupon, redeemed_at=NOW)
    assert codes.look_up(coupon.code, {coupon.code: used}, NOW) == ("redeemed", used)
    assert codes.look_up(coupon.code[:-1], shop, NOW) == ("mistyped", None)
    assert codes.look_up(codes.code(SECRET, 1, "ten", 0), shop, NOW) == ("unknown", None)


# ---------------------------------------------------------------- pools


@given(
    st.lists(st.text("AB1", min_size=1, max_size=3), unique=True, max_size=6),
    st.lists(st.integers(0, 9), max_size=9),
    st.lists(st.integers(0, 9), max_size=9),
)
def test_pools(pool: list[str], first: list[int], then: list[int]) -> None:
    """Nobody shares a code, everybody keeps theirs, and who gets none is named."""
    one = codes.draw(pool, first)
    two = codes.draw(pool, then, one.codes)
    both = {**one.codes, **two.codes}
    assert len(set(both.values())) == len(both)
    assert set(both.values()) <= set(pool)
    assert all(two.codes[who] == text for who, text in one.codes.items() if who in two.codes)
    assert set(two.dry) == {str(who) for who in then} - set(two.codes)
    assert two.left == len(pool) - len(both)
    assert not two.dry or two.left == 0


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: codes.code("short", 1, "ten", 0), "secret: shorter than 16 characters"),
        (lambda: codes.code(SECRET, "", "ten", 0), "customer_id"),
        (lambda: codes.code(SECRET, 1, "ten", -1), "cycle: -1 is no whole number"),
        (
            lambda: codes.issue(SECRET, 1, "ten", NOW.replace(tzinfo=None), days=3),
            "now: 2026-05-01T00:00:00 has no timezone",
        ),
        (lambda: codes.issue(SECRET, 1, "ten", NOW, days=0), "days: 0 is no whole number from 1 up"),
        (lambda: codes.draw(["A", "B", "A"], ["x"]), "pool: row 2 is 'A', as row 0 is"),
    ],
)
def test_bad_input_is_named(call, said: str) -> None:
    """The message names the argument or the row."""
    with pytest.raises(InvalidInput, match=re.escape(said)):
        call()
