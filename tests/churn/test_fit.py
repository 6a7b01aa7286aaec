"""Fitting: the maximum, whatever the order, the unit and the counting of the rows; errors that name the row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retention import churn
from retention.churn import _bg_likelihood, _pareto
from retention.churn._rows import Pairs, Rows, _packed, count_equal_rows
from retention.errors import InvalidInput

NAMES = ("bg/nbd", "mbg/nbd", "pareto/nbd")


def shop(n, *, seed=1, grid=np.ceil):
    """So many customers of the MBG/NBD model in whole days, their frequency, recency and T."""
    rng = np.random.default_rng(seed)
    T = rng.integers(20, 400, n).astype(float)
    rate, p = rng.gamma(0.8, 1 / 30, n), rng.beta(0.8, 2, n)
    orders = rng.geometric(p) - 1
    at = grid(np.cumsum(rng.exponential(1, (n, 60)) / rate[:, None], axis=1))
    counts = (at <= T[:, None]) & (np.arange(60) < orders[:, None])
    counts[:, 1:] &= at[:, 1:] > at[:, :-1]
    t_x = np.where(counts, at, 0).max(axis=1)
    return counts.sum(axis=1), t_x, T


def parameters(m):
    return np.array(list(m.parameters.values()))


# ---------------------------------------------------------------- the maximum


@pytest.mark.parametrize("k, first", [(1, 0), (1, 1), (2, 0), (4, 0), (0, 0)])
def test_derivatives(k, first):
    """First and second derivatives agree with differences of the value; k = 0 stands for Pareto/NBD."""
    rows = count_equal_rows(*shop(300), None).in_unit(64)
    function = _bg_likelihood.log_likelihood(rows, first=first, k=k) if k else _pareto.log_likelihood(rows)
    at = np.array([0.6, 0.9, 0.7, 1.4])
    _, gradient, hessian = function(at)
    for i, step in enumerate(np.diag(at) * 1e-5):
        (up, up_gradient, _), (down, down_gradient, _) = function(at + step), function(at - step)
        assert (up - down) / (2 * step[i]) == pytest.approx(gradient[i], rel=1e-5, abs=1e-4)
        assert (up_gradient - down_gradient) / (2 * step[i]) == pytest.approx(hessian[i], rel=1e-5, abs=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_near_is_more_likely(name):
    """The fit is a maximum, its standard errors are those of the curvature: two of them away it is worse by about 2."""
    x, t_x, T = shop(2_000)
    m = churn.fit(x, t_x, T, model=name)
    rows = count_equal_rows(x, t_x, T, None)
    first = int(name == "bg/nbd")
    function = (
        _pareto.log_likelihood(rows) if name == "pareto/nbd" else _bg_likelihood.log_likelihood(rows, first=first, k=1)
    )
    assert m.converged
    assert function(parameters(m))[0] == pytest.approx(m.log_likelihood, rel=1e-12)
    _, _, hessian = function(parameters(m))
    assert np.sqrt(np.diag(np.linalg.inv(-hessian))) == pytest.approx(m.standard_errors, rel=1e-5)
    for i, error in enumerate(m.standard_errors):
        for side in (-1, 1):
            assert function(parameters(m) + np.eye(4)[i] * error * side)[0] < m.log_likelihood


def test_the_truth_is_found():
    """On 100,000 customers of the model the parameters are within four standard errors of those that made them."""
    m = churn.fit(*shop(100_000, grid=np.asarray))
    assert m.converged
    assert (np.abs(parameters(m) - [0.8, 30, 0.8, 2]) < 4 * np.array(m.standard_errors)).all()


# ---------------------------------------------------------------- rows


@settings(max_examples=15)
@given(st.integers(0, 1000), st.sampled_from(NAMES))
def test_the_order_of_rows_does_not_matter(seed, name):
    """To the last bit."""
    columns = shop(200, seed=seed)
    order = np.random.default_rng(seed).permutation(200)
    assert churn.fit(*columns, model=name) == churn.fit(*(column[order] for column in columns), model=name)


@settings(max_examples=10)
@given(st.lists(st.integers(0, 4), min_size=60, max_size=60), st.sampled_from(NAMES))
def test_weights_are_repetitions(counts, name):
    """Counted rows give the same fit as the rows themselves, to the last bit; a weight of 0 is no row."""
    columns = shop(60)
    repeated = [np.repeat(column, counts) for column in columns]
    if np.count_nonzero(repeated[0]) < 5:
        return
    assert churn.fit(*columns, model=name, weights=counts) == churn.fit(*repeated, model=name)


def test_fractions_of_customers():
    """Weights need not be whole, and their order does not matter."""
    columns, weights = shop(100), np.random.default_rng(1).random(200)
    twice = [np.concatenate([column, column]) for column in columns]
    m = churn.fit(*twice, weights=weights)
    assert m == churn.fit(*(column[::-1] for column in twice), weights=weights[::-1])
    assert m.customers == pytest.approx(weights.sum())


@settings(max_examples=12)
@given(st.integers(0, 1000), st.sampled_from(NAMES), st.sampled_from([0.01, 1 / 7, 3.3, 1000]))
def test_scaling_time_scales_parameters(seed, name, scale):
    """Times twice as long: alpha and beta twice as large, the others the same."""
    columns = shop(400, seed=seed)
    one, other = (
        churn.fit(*columns, model=name),
        churn.fit(columns[0], columns[1] * scale, columns[2] * scale, model=name),
    )
    scales = np.array([1, scale, 1, scale if name == "pareto/nbd" else 1])
    assert one.converged == other.converged
    assert other.log_likelihood + columns[0].sum() * np.log(scale) == pytest.approx(one.log_likelihood, abs=1e-5)
    if one.converged:
        assert parameters(other) == pytest.approx(parameters(one) * scales, rel=1e-4)


def test_times_need_not_be_days():
    """Times that fall on no grid are sorted instead of looked up; a hair's breadth changes next to nothing."""
    x, t_x, T = shop(500)
    close = churn.fit(x, t_x * (1 + 1e-12), T * (1 + 2e-12))
    assert parameters(close) == pytest.approx(parameters(churn.fit(x, t_x, T)), rel=1e-6)


def test_days_far_apart():
    """Whole seconds are too many for a table of all of them: the fit is the same."""
    x, t_x, T = shop(500)
    m = churn.fit(x, t_x * 86_400, T * 86_400)
    assert m.alpha == pytest.approx(churn.fit(x, t_x, T).alpha * 86_400, rel=1e-6)


def test_too_many_times():
    """Where three places do not fit one integer the error says what to do."""
    with pytest.raises(InvalidInput, match="round them to days"):
        _packed(np.zeros(1, int), np.zeros(1, int), np.zeros(1, int), 1 << 20, 1 << 23)


def test_a_sample_stands_for_all():
    """Evenly spaced places of the sorted queue: the weights add up, the mean age is that of all."""
    rows = count_equal_rows(*shop(5_000), None)
    sample = rows.sample(1_000)
    assert isinstance(sample, Rows)
    assert sample.customers == pytest.approx(5_000)
    assert sample.mean_age == pytest.approx(rows.mean_age, rel=0.01)


def test_pairs():
    """The distinct pairs of frequency and time, sorted, with everybody's place."""
    pairs = Pairs.of(np.array([2, 0, 2, 0]), np.array([3.0, 1.5, 3.0, 0.5]))
    assert (pairs.x.tolist(), pairs.t.tolist(), pairs.place.tolist()) == ([0, 0, 2], [0.5, 1.5, 3.0], [2, 1, 2, 0])
    assert list(pairs.by_x()) == [(0.0, slice(0, 2)), (2.0, slice(2, 3))]


# ---------------------------------------------------------------- regular customers


def held_out(k, seed):
    """Customers as of day 300 of their shop, and whether they ordered in the 60 days after."""
    n, rng = 4_000, np.random.default_rng(seed)
    rate, p = rng.gamma(6, 1 / 180, n) * k, rng.beta(0.8, 5, n)
    at = np.ceil(np.cumsum(rng.gamma(k, 1, (n, 60)) / rate[:, None], axis=1))
    at[np.arange(60) >= (rng.geometric(p) - 1)[:, None]] = np.inf
    T = rng.integers(60, 300, n).astype(float)
    before = at <= T[:, None]
    ordered = ((at > T[:, None]) & (at <= T[:, None] + 30)).any(axis=1)
    return (before.sum(axis=1), np.where(before, at, 0).max(axis=1), T), ordered


def test_k_is_chosen_on_held_out_orders():
    """Regular customers get a k above 1; the losses that led there are kept, and the last k tried was worse."""
    columns, ordered = held_out(5, seed=1)
    m = churn.fit(*columns, model="mbg/cnbd-k", ordered=ordered, horizon=30)
    losses = dict(m.held_out_log_loss)
    assert m.k > 2
    assert m.k == min(losses, key=losses.get)
    assert list(losses) == list(range(1, max(losses) + 1))
    assert losses[m.k] < losses[1] - 0.01
    p = churn.p_active(m, *columns, horizon=30)
    assert losses[m.k] == pytest.approx(-np.log(np.where(ordered, p, 1 - p)).mean(), rel=1e-9)


def test_random_customers_get_one_stage():
    """Where orders come at random the answer is 1, the MBG/NBD model; weights count in the loss too."""
    columns, ordered = held_out(1, seed=2)
    m = churn.fit(*columns, model="mbg/cnbd-k", ordered=ordered, horizon=30, weights=np.full(4_000, 2))
    assert (m.k, m.customers, len(m.held_out_log_loss)) == (1, 8_000, 2)
    assert parameters(m) == pytest.approx(parameters(churn.fit(*columns)), rel=1e-9)


def test_k_has_an_end(monkeypatch):
    """Were each stage better than the one before, twelve would be the end."""
    losses = iter(range(100, 0, -1))
    monkeypatch.setattr("retention.churn.models._log_loss", lambda *_: next(losses))
    columns, ordered = held_out(5, seed=1)
    assert churn.fit(*columns, model="mbg/cnbd-k", ordered=ordered, horizon=30).k == 12


def test_likelihoods_of_different_k_can_be_compared():
    """Regular data are far more likely under their own k: the densities are of the same thing."""
    columns, _ = held_out(4, seed=3)
    likelihood = [churn.fit(*columns, model="mbg/cnbd-k", k=k).log_likelihood for k in (1, 4)]
    assert likelihood[1] > likelihood[0] + 300


# ---------------------------------------------------------------- the door

GOOD = {"frequency": [1, 2, 0, 1, 3, 2], "recency": [2.0, 5, 0, 1, 7, 8], "T": [9.0] * 6}
BAD = [
    ({"frequency": [1, -2, 0, 1, 3, 2]}, "frequency: row 1 is -2, below 0"),
    ({"frequency": [1, 2.5, 0, 1, 3, 2]}, "frequency: row 1 is 2.5, not a whole number"),
    ({"frequency": [1, np.nan, 0, 1, 3, 2]}, "frequency: row 1 is nan, missing"),
    ({"recency": [2.0, 5, 0, 1, 7, np.nan]}, "recency: row 5 is nan, missing"),
    ({"recency": [2.0, 5, 0, -1, 7, 8]}, "recency: row 3 is -1.0, below 0"),
    ({"recency": [2.0, 5, 0, 1, 7, 9.5]}, "recency: row 5 is 9.5, above T"),
    ({"recency": [2.0, 0, 0, 1, 7, 8]}, "recency: row 1 is 0.0, but must be 0 where frequency is 0, and above 0"),
    ({"recency": [2.0, 5, 4, 1, 7, 8]}, "recency: row 2 is 4.0, but must be 0"),
    ({"T": [9.0, 9, np.inf, 9, 9, 9]}, "T: row 2 is inf, not a finite number"),
    ({"T": [9.0] * 5}, "frequency has 6 rows but T has 5"),
    ({"T": np.full((6, 1), 9.0)}, "T: has shape (6, 1)"),
    ({"T": np.array(["9"] * 6, dtype=object)}, "T: <U1 is no number"),
    ({"T": 9.0}, "T: 9.0 is no column"),
]


@pytest.mark.parametrize("change, message", BAD)
@pytest.mark.parametrize("function", [churn.fit, churn.p_alive, churn.p_active, churn.expected_orders])
def test_bad_rows(function, change, message):
    """Every function refuses the first bad row by column, row and value."""
    first = () if function is churn.fit else (churn.BetaGeometric(model="mbg/nbd", r=1, alpha=1, a=1, b=1),)
    options = {"horizon": 3} if function in {churn.p_active, churn.expected_orders} else {}
    with pytest.raises(InvalidInput) as caught:
        function(*first, **(GOOD | change), **options)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"model": "nbd"}, "model: 'nbd' is unknown: say 'bg/nbd' or"),
        ({"k": 2}, "k: only 'mbg/cnbd-k' takes it, not 'mbg/nbd'"),
        ({"model": "pareto/nbd", "horizon": 2}, "horizon: only"),
        ({"model": "bg/nbd", "ordered": [1] * 6}, "ordered: only"),
        ({"model": "mbg/cnbd-k"}, "k: give 1 to 12, or ordered= and horizon="),
        ({"model": "mbg/cnbd-k", "ordered": [1] * 6}, "k: give 1 to 12, or"),
        ({"model": "mbg/cnbd-k", "k": 13}, "k: 13: give a whole number from 1 to 12"),
        ({"model": "mbg/cnbd-k", "k": True}, "k: True"),
        ({"model": "mbg/cnbd-k", "ordered": [1] * 5, "horizon": 2}, "frequency has 6 rows but ordered has 5"),
        ({"model": "mbg/cnbd-k", "ordered": [2] * 6, "horizon": 2}, "ordered: row 0 is 2, above 1"),
        ({"weights": [1, 1, 1, 1, 1, -1]}, "weights: row 5 is -1.0, below 0"),
        ({"weights": [1] * 5}, "frequency has 6 rows but weights has 5"),
        ({"weights": [0] * 6}, "weights: all are 0"),
        ({"weights": [0.5] * 6}, "2.5 of 3 customers ordered on a second day, too few"),
    ],
)
def test_bad_options(options, message):
    """Options are checked like data."""
    with pytest.raises(InvalidInput) as caught:
        churn.fit(**GOOD, **options)
    assert message in str(caught.value)


@pytest.mark.parametrize("horizon", [0, -1, np.nan, np.inf, "13", None, True])
def test_bad_horizons(horizon):
    """A horizon is a finite time above 0."""
    m = churn.BetaGeometric(model="mbg/nbd", r=1, alpha=1, a=1, b=1)
    for function in (churn.p_active, churn.expected_orders):
        with pytest.raises(InvalidInput, match=r"horizon: .*in the unit of T"):
            function(m, [1], [2], [3], horizon=horizon)


def test_nothing_to_learn_from():
    """No customers, or nobody who came back: a named error with a remedy, for every model."""
    with pytest.raises(InvalidInput, match="no rows"):
        churn.fit([], [], [])
    for name in NAMES:
        with pytest.raises(InvalidInput, match=r"0 of 900 customers ordered on a second day, too few.*use rhythm"):
            churn.fit(np.zeros(900), np.zeros(900), np.full(900, 30.0), model=name)


def test_columns_of_frames():
    """Columns of a data frame are columns."""
    import pandas as pd

    frame = pd.DataFrame(GOOD)
    assert churn.fit(frame["frequency"], frame["recency"], frame["T"]) == churn.fit(**GOOD)
