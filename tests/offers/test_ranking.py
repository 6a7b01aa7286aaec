"""Qini, AUUC and uplift at a share: the published formulas row by row, intervals that hold the truth."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.errors import InvalidInput
from retention.offers import Estimate, auuc, qini, uplift_at

METRICS = (qini, auuc, uplift_at)


def oracle_area(score: list, t: list, y: list, *, scaled: bool) -> float:
    """The area above the straight line, threshold by threshold: Devriendt, Guns and Verbeke's definitions read aloud."""
    n, points = len(y), [(0, 0.0)]
    for threshold in sorted(set(score), reverse=True):
        rows = [i for i in range(n) if score[i] >= threshold]
        treated = [y[i] for i in rows if t[i]]
        others = [y[i] for i in rows if not t[i]]
        if scaled:
            means = [sum(group) / len(group) if group else 0.0 for group in (treated, others)]
            height = (means[0] - means[1]) * len(rows)
        else:
            height = sum(treated) - (sum(others) * len(treated) / len(others) if others else 0.0)
        points.append((len(rows), height))
    area = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in itertools.pairwise(points))
    return area - n * points[-1][1] / 2


def oracle_qini(score: list, t: list, y: list) -> float:
    best = [b if a else -b for a, b in zip(t, y, strict=True)]
    return oracle_area(score, t, y, scaled=False) / oracle_area(best, t, y, scaled=False)


def oracle_auuc(score: list, t: list, y: list) -> float:
    control_responders = sum(b == 1 and a == 0 for a, b in zip(t, y, strict=True))
    treated_idle = sum(b == 0 and a == 1 for a, b in zip(t, y, strict=True))
    extra = y if control_responders > treated_idle else t
    best = [2 * (a == b) + e for a, b, e in zip(t, y, extra, strict=True)]
    return oracle_area(score, t, y, scaled=True) / oracle_area(best, t, y, scaled=True)


rows = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1), st.integers(0, 1)), min_size=4, max_size=30)
with_all_kinds = rows.map(lambda found: [*found, (1, 0, 0), (2, 1, 1), (2, 0, 1), (4, 1, 0)])


@given(with_all_kinds)
def test_qini_and_auuc_are_the_published_formulas(found: list) -> None:
    """To 1e-9, with ties, whichever cell is the largest."""
    score, t, y = (list(column) for column in zip(*found, strict=True))
    assert qini(score, t, y, resamples=100).value == pytest.approx(oracle_qini(score, t, y), abs=1e-9)
    assert auuc(score, t, y, resamples=100).value == pytest.approx(oracle_auuc(score, t, y), abs=1e-9)


@given(with_all_kinds, st.integers(0, 1000))
def test_the_order_of_the_rows_does_not_matter(found: list, seed: int) -> None:
    """Nor does a monotone change of the score."""
    score, t, y = np.array(found).T
    order = np.random.default_rng(seed).permutation(len(y))
    for metric in (qini, auuc):
        one, other = metric(score, t, y, resamples=100), metric(3.0 ** score[order], t[order], y[order], resamples=100)
        assert other.value == pytest.approx(one.value, abs=1e-12)


def test_uplift_at_a_share_counts_the_top() -> None:
    """Means of the arms among the best; of a tie at the edge everybody counts with the same part."""
    t, y = [1, 0, 1, 0, 1, 0, 1, 0], [1.0, 0, 5, 2, 0, 0, 0, 0]
    assert uplift_at([8, 7, 6, 5, 4, 3, 2, 1], t, y, share=0.5).value == pytest.approx(3 - 1)
    assert uplift_at([8, 8, 2, 2, 2, 2, 1, 1], t, y, share=0.5).value == pytest.approx((1 + 2.5) / 2 - 1 / 2)
    assert uplift_at([1, 1, 2, 2, 2, 2, 8, 8], t[::-1], y[::-1], share=0.5).value == pytest.approx(1.25)


def test_revenue_is_an_outcome_like_any_other() -> None:
    """Qini of amounts is the same formula; amounts of 0 and 10 give the Qini of 0 and 1."""
    rng = np.random.default_rng(1)
    score, t, y = rng.normal(size=400), rng.integers(0, 2, 400), rng.integers(0, 2, 400)
    assert qini(score, t, 10 * y).value == pytest.approx(qini(score, t, y).value)
    amounts = (y * rng.gamma(2, 20, 400)).round(2)
    assert qini(score, t, amounts).value == pytest.approx(oracle_qini(score.tolist(), t.tolist(), amounts.tolist()))
    assert auuc(amounts * t, t, amounts).value > auuc(score, t, amounts).value


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.__name__)
def test_intervals_hold_what_an_endless_test_would_find(metric: object) -> None:
    """Of 60 tests of 600 customers about 57 intervals hold the value of one of 200,000."""

    def draw(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
        score, t = rng.normal(size=n), rng.integers(0, 2, n)
        return score, t, (rng.random(n) < 0.3 + t * (0.1 + 0.08 * np.tanh(score))).astype(float)

    truth = metric(*draw(np.random.default_rng(0), 200_000), resamples=100).value
    found = [metric(*draw(np.random.default_rng([1, i]), 600), resamples=100) for i in range(60)]
    held = sum(one.lower <= truth <= one.upper for one in found)
    assert 51 <= held <= 60


def test_many_resamples_are_drawn_in_parts() -> None:
    """The same seed gives the same interval; more customers a narrower one."""
    rng = np.random.default_rng(2)
    score, t, y = rng.normal(size=20_000), rng.integers(0, 2, 20_000), rng.gamma(1, 1, 20_000)
    one, again = (uplift_at(score, t, y, resamples=200, rng=7) for _ in range(2))
    few = uplift_at(score[:1000], t[:1000], y[:1000], resamples=200, rng=7)
    assert one == again
    assert one.upper - one.lower < few.upper - few.lower


def test_an_estimate_reads_as_one() -> None:
    """The number, then its interval."""
    assert str(Estimate(0.0679, 0.05, 0.09)) == "0.0679 [0.0500, 0.0900]"


@pytest.mark.parametrize(
    "change, message",
    [
        ({"uplift": [1.0, np.nan, 2, 3]}, "uplift: row 1 is nan, missing"),
        ({"treated": [0, 0, 0, 0]}, "treated: all rows are the same"),
        ({"treated": [0, 2, 1, 0]}, "treated: row 1 is 2, above 1"),
        ({"outcome": [0, 1, 0]}, "uplift has 4 rows but outcome has 3"),
        ({"outcome": [0, 0, 0, 0]}, "outcome: .* is not defined: no order of"),
        ({"level": 1.0}, r"level: 1.0: give a number between 0 and 1"),
        ({"resamples": 10}, "resamples: 10: give a whole number from 100 to 10000"),
    ],
)
def test_bad_input(change: dict, message: str) -> None:
    """Named by column and row, with the remedy."""
    data = {"uplift": [1.0, 2, 3, 4], "treated": [0, 1, 1, 0], "outcome": [0, 1, 0, 1]} | change
    for metric in (qini, auuc):
        with pytest.raises(InvalidInput, match=message):
            metric(**data)


def test_a_share_without_one_of_the_arms_says_so() -> None:
    """The two best were both treated: there is nobody to compare them with."""
    with pytest.raises(
        InvalidInput, match=r"treated: uplift at 0\.5 is not defined: these are customers of one arm only"
    ):
        uplift_at([4, 3, 2, 1], [1, 1, 0, 0], [0, 1, 0, 1], share=0.5)
    with pytest.raises(InvalidInput, match=r"share: 1\.5 is not between 0 and 1"):
        uplift_at([4, 3, 2, 1], [1, 1, 0, 0], [0, 1, 0, 1], share=1.5)
