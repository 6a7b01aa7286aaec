"""The door: `retention._checks` lets through what is meant and names what is not."""

from __future__ import annotations

import datetime as dt
import string
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from retention import _checks
from retention.errors import InvalidInput

UTC_MOMENT = dt.datetime(2010, 12, 1, 8, 26, tzinfo=dt.UTC)
NAIVE_MOMENT = dt.datetime(2010, 12, 1, 8, 26)  # noqa: DTZ001


def message(call, *args, **options):
    """The one line with which the call refuses."""
    with pytest.raises(InvalidInput) as error:
        call(*args, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    "values",
    [
        [1, 2.0],
        (1, 2),
        range(1, 3),
        np.array([1, 2], dtype=np.uint8),
        [Decimal(1), Decimal(2)],
        [np.float32(1), 2],
        np.array([1, 2], dtype=object),
        pd.Series([1, 2], dtype="Int64"),
        pd.Index([1, 2]),
        pl.Series([1, 2]),
        pa.chunked_array([[1], [2]]),
    ],
)
def test_floats_and_integers_take_any_container(values):
    """The same numbers come out of every container."""
    assert _checks.floats("x", values).tolist() == [1.0, 2.0]
    assert _checks.integers("x", values).tolist() == [1, 2]
    assert _checks.floats("x", iter([1, 2])).tolist() == [1.0, 2.0]


def test_floats_read_flags_as_0_and_1():
    """An outcome column of booleans is a column of numbers, an id column of booleans is a mistake."""
    assert _checks.floats("x", [True, False]).tolist() == [1.0, 0.0]
    assert "is no identifier" in message(_checks.ids, "x", [True, False])


def test_a_clean_column_is_not_copied():
    """Five million amounts pass the door for free."""
    column = np.array([1.0, 2.0])
    assert _checks.floats("x", column) is column


@pytest.mark.parametrize(
    "values",
    [[1.0, np.nan], [1.0, None], [Decimal(1), None], pd.Series([1, None], dtype="Int64"), pl.Series([1.0, None])],
)
def test_missing_numbers_are_refused_unless_allowed(values):
    """NaN, None and NA are one thing."""
    assert message(_checks.floats, "amount", values).startswith("amount: row 1 is nan, missing")
    assert np.isnan(_checks.floats("amount", values, allow_nan=True)[1])
    assert "row 1 is" in message(_checks.integers, "amount", values)


@pytest.mark.parametrize(
    "values, said",
    [
        ([1.0, np.inf], "x: row 1 is inf, not a finite number"),
        ([1.0, -3.0], "x: row 1 is -3.0, below 0"),
        ([1.0, 7.5, 8.0], "x: row 1 is 7.5, above 5 (2 such rows of 3)"),
        (["1", "2"], "x: <U1 is no number: convert the column first"),
        ([1.0, "2"], "x: row 1 is '2', not a number"),
        ([1.0, [2]], "x: row 1 is [2], not a number"),
        ([[1.0], [2.0]], "x: row 0 is [1.0], not a number"),
        (np.zeros((2, 2)), "x: has shape (2, 2): give one column of shape (n,)"),
        (np.array([[None]]), "x: has shape (1, 1): give one column of shape (n,)"),
        (3, "x: 3 is no column: give a list, an array or a series"),
        ("abc", "x: 'abc' is no column: give a list, an array or a series"),
        ({"a": 1}, "x: {'a': 1} is no column: give a list, an array or a series"),
    ],
)
def test_floats_refuse(values, said):
    """The first offending row, its value and what is wrong with it."""
    assert message(_checks.floats, "x", values, at_least=0, at_most=5, allow_nan=True) == said


def test_a_long_value_is_shortened():
    """A message stays one readable line whatever the value."""
    assert len(message(_checks.floats, "x", [1.0, "9" * 500])) < 100


@pytest.mark.parametrize(
    "values, said",
    [
        ([1, 2.5], "x: row 1 is 2.5, not a whole number"),
        ([2.0**60], "x: row 0 is 1.152921504606847e+18, not a whole number"),
        ([-1], "x: row 0 is -1, below 0"),
        (np.array([2**63], dtype=np.uint64), "x: row 0 is 9223372036854775808, too large for 64 bits: give it as text"),
    ],
)
def test_integers_refuse(values, said):
    """Nothing is rounded."""
    assert message(_checks.integers, "x", values, at_least=0) == said


def test_same_length_names_both_columns():
    """The shorter column is found without counting."""
    assert _checks.same_length(a=np.zeros(2), b=np.zeros(2)) == 2
    assert "a has 2 rows but c has 3" in message(_checks.same_length, a=np.zeros(2), b=np.zeros(2), c=np.zeros(3))


@pytest.mark.parametrize("value", [0, 1, 0.25, np.float32(0.5), np.float64(0.75)])
def test_probability_takes_the_closed_interval(value):
    """Never and always are probabilities."""
    assert _checks.probability("p", value) == value


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan, "0.5", None])
def test_probability_refuses(value):
    """NaN is not between anything."""
    assert message(_checks.probability, "p", value) == f"p: {value!r} is not between 0 and 1"


# ---------------------------------------------------------------- ids


@pytest.mark.parametrize(
    "values, expected",
    [
        ([3, 1], [3, 1]),
        ([3.0, 1.0], [3, 1]),
        (["b", "a"], ["b", "a"]),
        (["b", 42, np.int64(7)], ["b", "42", "7"]),
        ([2**70, 1], [str(2**70), "1"]),
        (pd.Series(["b", "a"]), ["b", "a"]),
        (pd.Series(["b", "a"], dtype="category"), ["b", "a"]),
        (pd.Series([3, 1], dtype="Int64"), [3, 1]),
        (pl.Series(["b", "a"], dtype=pl.Categorical), ["b", "a"]),
        (pa.chunked_array([["b", "a"]]), ["b", "a"]),
        ([], []),
    ],
)
def test_ids_are_whole_numbers_or_text(values, expected):
    """Numbers stay numbers, everything else is text; the two never mix in one column."""
    assert _checks.ids("id", values).tolist() == expected
    assert _checks.text_ids("id", values).tolist() == [str(value) for value in expected]


@pytest.mark.parametrize("hole", [None, np.nan, pd.NA, pd.NaT, ""])
def test_a_missing_id_is_refused(hole):
    """Whatever a library calls missing: the row is named, the remedy too."""
    said = message(_checks.ids, "CustomerID", ["a", "b", hole, hole])
    assert said.startswith("CustomerID: row 2 is ")
    assert said.endswith("missing: leave the row out or give it an id (2 such rows of 4)")


@pytest.mark.parametrize("values", [[1, 2.5], ["a", 1.5], ["a", True], [b"a", b"b"], [dt.date(2020, 1, 1)]])
def test_ids_refuse_what_is_no_id(values):
    """Fractions, flags, bytes and dates name no customer."""
    message(_checks.ids, "id", values)


# ---------------------------------------------------------------- distinct


def check_distinct(column):
    """`distinct` against numpy's slow answer."""
    values, codes = _checks.distinct(column)
    expected, places = np.unique(column, return_inverse=True)
    assert values.tolist() == expected.tolist()
    assert codes.tolist() == places.tolist()


@given(st.lists(st.integers(-5, 5) | st.integers(-(2**63), 2**63 - 1)))
@example([0, 2**40])
@example([-(2**63), 2**63 - 1])
@example([7])
def test_distinct_numbers(numbers):
    """Dense, sparse and extreme columns give numpy's answer."""
    check_distinct(np.array(numbers, dtype=np.int64))


@given(st.lists(st.text(st.sampled_from("ab€😀"), max_size=4) | st.text(string.hexdigits, max_size=40)))
@example(["same", "same"])
def test_distinct_text(texts):
    """Short, long and non-ASCII texts come out in the order of their letters."""
    check_distinct(np.array([text.rstrip("\0") for text in texts], dtype=np.str_))


def test_distinct_text_longer_than_one_integer():
    """Ids with more letters than 64 bits can number are told apart in several steps, still in order."""
    rng = np.random.default_rng(2)
    check_distinct(np.array(["".join(row) for row in rng.choice(list(string.printable), (300, 36))] * 2))


def test_distinct_text_of_another_byte_order():
    """An array read from a foreign file is text like any other."""
    check_distinct(np.array(["b", "a", "b"], dtype=">U3"))
    check_distinct(np.array(["b", "x", "a", "x", "b"])[::2])


# ---------------------------------------------------------------- times


@pytest.mark.parametrize(
    "text, expected",
    [
        ("2010-12-01", "2010-12-01T00:00"),
        ("20101201", "2010-12-01T00:00"),
        (" 2010-12-01 8:26 ", "2010-12-01T08:26"),
        ("2010-12-01T08:26:05.25", "2010-12-01T08:26:05.25"),
        ("2010/12/1", "2010-12-01T00:00"),
        ("2010.12.01 08:26", "2010-12-01T08:26"),
        ("12/13/2010 8:26", "2010-12-13T08:26"),
        ("13/12/2010", "2010-12-13T00:00"),
        ("12/12/2010", "2010-12-12T00:00"),
        ("01.12.2010 08:26", "2010-12-01T08:26"),
        ("13-12-2010 8:26 PM", "2010-12-13T20:26"),
        ("Dec 1, 2010 8:26 PM", "2010-12-01T20:26"),
        ("1 December 2010", "2010-12-01T00:00"),
        ("2010-12-01 at 8:26 pm", "2010-12-01T20:26"),
    ],
)
def test_read_time(text, expected):
    """Text with one possible meaning is read."""
    assert _checks.read_time(text) == dt.datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    "text", ["2010-12-01T08:26Z", "Wed, 01 Dec 2010 08:26:00 +0000", "2010-12-01 11:26+03:00", "2010-12-01 08:26 UTC"]
)
def test_read_time_with_an_offset(text):
    """An offset makes a moment of it."""
    assert _checks.read_time(text) == UTC_MOMENT


@pytest.mark.parametrize(
    "text, day_first, said",
    [
        ("", None, "missing"),
        ("1/12/2010", None, "day or month first"),
        ("12/13/2010", True, "month must be in 1..12"),
        ("1/12/10", None, "the year needs four digits"),
        ("12 Jan 10", None, "no date that can be read"),
        ("Dec 2010", None, "not one full date"),
        ("08:26", None, "not one full date"),
        ("1291191960", None, "a bare number is no time"),
        ("31.02.2010", None, "day is out of range"),
        ("soon", None, "no date that can be read"),
        ("Dec 1 2010 08:26 EST", None, "no date that can be read"),
        ("Dec 1 2010 08:26 GMT+3", None, "read both ways"),
    ],
)
def test_read_time_refuses_to_guess(text, day_first, said):
    """No default date, no two-digit year, no zone by nickname, no choice of day and month."""
    with pytest.raises(ValueError, match=said):
        _checks.read_time(text, day_first=day_first)


@pytest.mark.parametrize("day_first, month", [(True, 12), (False, 1)])
@pytest.mark.parametrize("text", ["{}/12/2010", "{}/12/2010 8:26 AM", "{} 12 2010"])
def test_day_first_decides(text, day_first, month):
    """The option settles what text leaves open, in every layout."""
    assert _checks.read_time(text.format(1), day_first=day_first).month == month


@given(st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)), st.sampled_from(["T", " "]))  # noqa: DTZ001
def test_read_time_reads_what_isoformat_writes(moment, separator):
    """ISO 8601 comes back unchanged."""
    assert _checks.read_time(moment.isoformat(sep=separator)) == moment


@given(st.text(string.digits + " -/.:TZ+apmJn", max_size=16))
def test_read_time_reads_or_says_why(text):
    """No text, however odd, raises anything but ValueError."""
    at, _ = _checks.read_times(np.array([text]))
    if np.isnat(at[0]):
        with pytest.raises(ValueError, match=r".+"):
            _checks.read_time(text)
    else:
        assert _checks.read_time(text).replace(tzinfo=None).year in range(1, 10_000)


def test_read_times_leaves_a_hole_where_it_cannot_read():
    """A file's bad rows are told apart, and offsets are applied row by row."""
    at, aware = _checks.read_times(np.array(["2010-12-01", "soon", "2010-12-01T11:26+03:00"]))
    assert np.isnat(at).tolist() == [False, True, False]
    assert at[2] == np.datetime64("2010-12-01T08:26")
    assert aware.tolist() == [False, False, True]


LONDON = ZoneInfo("Europe/London")


@pytest.mark.parametrize(
    "values",
    [
        [UTC_MOMENT],
        [UTC_MOMENT.astimezone(LONDON)],
        ["2010-12-01T11:26+03:00"],
        [pd.Timestamp(UTC_MOMENT)],
        pd.Series([UTC_MOMENT]).dt.tz_convert("Asia/Tokyo"),
        pd.DatetimeIndex([UTC_MOMENT]),
        pl.Series([UTC_MOMENT]).dt.convert_time_zone("Asia/Tokyo"),
        pa.chunked_array([pa.array([UTC_MOMENT])]),
    ],
)
def test_zoned_times_become_utc(values):
    """A zone is never dropped on the way through a container."""
    times = _checks.instants("at", values)
    assert times.aware
    assert times.at.astype("datetime64[us]").tolist() == [NAIVE_MOMENT]


@pytest.mark.parametrize(
    "values",
    [
        [NAIVE_MOMENT],
        ["2010-12-01 08:26"],
        np.array(["2010-12-01T08:26"], dtype="datetime64[ns]"),
        np.array([np.datetime64("2010-12-01T08:26")], dtype=object),
        [NAIVE_MOMENT, dt.date(2010, 12, 2)][:1],
        pd.Series([pd.Timestamp(NAIVE_MOMENT)]),
        pl.Series([NAIVE_MOMENT]),
    ],
)
def test_times_without_an_offset_stay_as_they_are(values):
    """A wall clock's time is not moved."""
    times = _checks.instants("at", values)
    assert not times.aware
    assert times.at.astype("datetime64[us]").tolist() == [NAIVE_MOMENT]


def test_dates_and_mixed_objects_are_times():
    """Dates are midnights; a mixed column is read value by value."""
    day = np.datetime64("2010-12-01")
    for values in ([dt.date(2010, 12, 1)], [day], pl.Series([dt.date(2010, 12, 1)]), np.array([day])):
        assert (_checks.instants("at", values).at == day).all()
    mixed = [dt.date(2010, 12, 1), "2010-12-01", NAIVE_MOMENT, np.datetime64("2010-12-01")]
    assert (_checks.instants("at", mixed).at.astype("datetime64[D]") == day).all()
    assert not len(_checks.instants("at", []).at)


@pytest.mark.parametrize(
    "values, said",
    [
        ([19970101], "at: int64 says no day: give dates, times or text such as 2010-12-01"),
        (
            np.array(["2010-12"], dtype="datetime64[M]"),
            "at: datetime64[M] says no day: give dates, times or text such as 2010-12-01",
        ),
        (["2010-12-01", ""], "at: row 1 is '', missing: leave the row out or fill it"),
        (["2010-12-01", None], "at: row 1 is None, missing: leave the row out or fill it"),
        (
            np.array(["2010-12-01", "NaT"], dtype="datetime64[D]"),
            "at: row 1 is NaT, missing: leave the row out or fill it",
        ),
        (pd.Series([UTC_MOMENT, None]), "at: row 1 is NaT, missing: leave the row out or fill it"),
        (
            ["2010-12-01", "soon", "never"],
            "at: row 1 is 'soon', no date that can be read: give YYYY-MM-DD or YYYY-MM-DD HH:MM (2 such rows of 3)",
        ),
        ([dt.date(2010, 12, 1), 5], "at: row 1 is 5, no time: give dates, times or text such as 2010-12-01"),
        (
            ["2010-12-01", "2010-12-01T00:00Z"],
            "at: row 1 is '2010-12-01T00:00Z', with an offset, while others have none: give all times in one way",
        ),
        (["0001-01-01T00:00+10:00"], "at: row 0 is '0001-01-01T00:00+10:00', outside the years 1 to 9999"),
        (np.array(["12010-12-01"], dtype="datetime64[D]"), "at: row 0 is 12010-12-01, outside the years 1 to 9999"),
    ],
)
def test_instants_refuse(values, said):
    """Numbers, months, holes, riddles and mixtures: each is one line."""
    assert message(_checks.instants, "at", values) == said


def test_labels_are_words_with_gaps():
    """Text stays, what is missing becomes "", numbers are written as ids are; what is no word is refused."""
    assert _checks.labels("size", ["M", None, "", float("nan")]).tolist() == ["M", "", "", ""]
    assert _checks.labels("size", [42, 38]).tolist() == ["42", "38"]
    assert _checks.labels("size", [42.0, float("nan")]).tolist() == ["42", ""]
    assert _checks.labels("size", [None, 42, "M"]).tolist() == ["", "42", "M"]
    assert _checks.labels("size", ["a", 1]).tolist() == ["a", "1"]
    assert _checks.labels("size", []).tolist() == []
    with pytest.raises(InvalidInput, match="no identifier"):
        _checks.labels("size", ["a", 1.5])
