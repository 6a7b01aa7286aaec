"""What the models say of a customer: exact where a second way to the figure exists, sane everywhere."""

from __future__ import annotations

import json

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special, stats

from retention import churn
from retention.churn import BetaGeometric, ParetoNBD
from retention.errors import InvalidInput

shapes = st.floats(0.01, 100)
times = st.floats(0.1, 500)
beta_geometric = st.builds(
    lambda model, k, r, alpha, a, b: BetaGeometric(
        model=model, k=k if model == "mbg/cnbd-k" else 1, r=r, alpha=alpha, a=a, b=b
    ),
    st.sampled_from(["bg/nbd", "mbg/nbd", "mbg/cnbd-k"]),
    st.integers(1, 4),
    shapes,
    times,
    shapes,
    shapes,
)
pareto = st.builds(lambda r, alpha, s, beta: ParetoNBD(r=r, alpha=alpha, s=s, beta=beta), shapes, times, shapes, times)
models = beta_geometric | pareto
one_stage = beta_geometric.filter(lambda m: m.k == 1) | pareto


@st.composite
def customers(draw):
    """frequency, recency, T of one customer, from one order to a hundred."""
    T = draw(st.floats(0.1, 1000))
    x = draw(st.integers(0, 100))
    return x, T * draw(st.floats(0.001, 1)) if x else 0.0, T


def columns(*rows):
    return [np.array(column) for column in zip(*rows, strict=True)]


@given(models, st.lists(customers(), min_size=1, max_size=5), st.floats(0.01, 2000))
def test_chances_are_chances(m, rows, horizon):
    """In [0, 1]; who is active is alive; whoever may order is expected to, at least as often."""
    alive, active = churn.p_alive(m, *columns(*rows)), churn.p_active(m, *columns(*rows), horizon=horizon)
    orders = churn.expected_orders(m, *columns(*rows), horizon=horizon)
    for chance in (alive, active):
        assert ((chance >= 0) & (chance <= 1)).all()
    assert (active <= alive + 1e-9).all()
    assert (active <= orders * (1 + 1e-9) + 1e-12).all()
    assert np.isfinite(orders).all()


@given(models, st.lists(customers(), min_size=1, max_size=5), st.floats(0.01, 500), st.floats(0, 500))
def test_a_wider_horizon_never_lowers_it(m, rows, horizon, more):
    """More time to order in, more of a chance and more orders."""
    near, far = (churn.p_active(m, *columns(*rows), horizon=h) for h in (horizon, horizon + more))
    assert (far >= near - 1e-11).all()
    few, many = (churn.expected_orders(m, *columns(*rows), horizon=h) for h in (horizon, horizon + more))
    assert (many >= few * (1 - 1e-9)).all()


@given(one_stage, customers(), st.floats(0.01, 300), st.floats(0, 500))
def test_silence_lowers_it(m, customer, horizon, later):
    """As time passes without an order the chance of one falls, unless gaps are regular (k above 1)."""
    x, t_x, T = customer
    now, then = churn.p_active(m, [x, x], [t_x, t_x], [T, T + later], horizon=horizon)
    assert then <= now + 1e-11


@given(one_stage, customers(), st.floats(0.01, 300), st.floats(0.001, 1))
def test_an_earlier_last_order_lowers_it(m, customer, horizon, share):
    """Of two customers with as many orders the one whose last is longer ago is the less likely to order."""
    x, t_x, T = customer
    late, early = churn.p_active(m, [x, x], [t_x, t_x * share], [T, T], horizon=horizon)
    assert early <= late + 1e-11


def test_regular_customers_do_not_order_at_once():
    """With k above 1 the chance first rises with silence, then falls: the exception that the docstring states."""
    m = BetaGeometric(model="mbg/cnbd-k", k=4, r=20, alpha=5, a=1, b=9)
    silence = churn.p_active(m, [30] * 3, [30] * 3, [30, 30.7, 40], horizon=0.5)
    assert silence[1] > silence[0]
    assert silence[2] < silence[0]


@given(models, st.lists(customers(), min_size=1, max_size=4), st.sampled_from([0.01, 7.0, 1000.0]))
def test_the_unit_of_time_does_not_matter(m, rows, scale):
    """All times multiplied, alpha and beta too: the same chances."""
    x, t_x, T = columns(*rows)
    scaled = attrs.evolve(m, alpha=m.alpha * scale, **({"beta": m.beta * scale} if isinstance(m, ParetoNBD) else {}))
    for function in (churn.p_active, churn.expected_orders):
        one, other = function(m, x, t_x, T, horizon=13), function(scaled, x, t_x * scale, T * scale, horizon=13 * scale)
        assert other == pytest.approx(one, rel=1e-7, abs=1e-11)


def test_rows_do_not_depend_on_each_other():
    """Cut into pieces and turned round, to the last bit; more than one block of nodes and of rows."""
    rng = np.random.default_rng(2)
    n = 70_000
    T = rng.integers(1, 700, n) / 7
    x = rng.poisson(0.5, n)
    t_x = np.where(x > 0, T * rng.uniform(0.1, 1, n), 0)
    m = BetaGeometric(model="mbg/nbd", r=0.5, alpha=6, a=0.9, b=1.6)
    for function in (churn.p_active, churn.expected_orders):
        whole = function(m, x, t_x, T, horizon=13)
        pieces = [function(m, x[c], t_x[c], T[c], horizon=13) for c in np.array_split(np.arange(n)[::-1], 3)]
        assert (np.concatenate(pieces)[::-1] == whole).all()


def test_no_rows():
    """Nobody to score is no error: the empty piece of a table that was cut up."""
    for m in (BetaGeometric(model="mbg/nbd", r=1, alpha=1, a=1, b=1), ParetoNBD(r=1, alpha=1, s=1, beta=1)):
        assert churn.p_alive(m, [], [], []).shape == (0,)
        assert churn.p_active(m, [], [], [], horizon=1).shape == (0,)
        assert churn.expected_orders(m, [], [], [], horizon=1).shape == (0,)
        assert churn.expected_orders_new(m, []).shape == (0,)


# ---------------------------------------------------------------- a second way to each figure


@given(beta_geometric, customers(), st.floats(0.1, 200))
def test_bg_orders_by_the_published_formula(m, customer, horizon):
    """For k = 1, E[Y] by 2F1 (Fader, Hardie, Lee 2005; Hoppe, Wagner 2007) wherever that is computed reliably."""
    m = attrs.evolve(m, model="bg/nbd" if m.model == "bg/nbd" else "mbg/nbd", k=1)
    x, t_x, T = customer
    z, s, b = horizon / (m.alpha + T), m.r + x, m.b + x + (m.model == "mbg/nbd")
    if s * z > 50 or s > 60 or b > 60 or m.a > 20 or abs(m.a - 1) < 0.01:
        return
    series = special.hyp2f1(s, b, m.a + b - 1, z / (1 + z))
    living = (m.a + b - 1) / (m.a - 1) * (1 - (1 + z) ** -s * series)
    expected = living * churn.p_alive(m, [x], [t_x], [T])[0]
    assert churn.expected_orders(m, [x], [t_x], [T], horizon=horizon)[0] == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_no_pole_where_a_is_one():
    """The published formula divides by a - 1; the figure itself passes through smoothly."""
    at = [
        churn.expected_orders_new(BetaGeometric(model="bg/nbd", r=1, alpha=2, a=a, b=3), [50])[0]
        for a in (0.999, 1, 1.001)
    ]
    assert at[1] == pytest.approx((at[0] + at[2]) / 2, rel=1e-6)


@pytest.mark.parametrize("k", [1, 2, 3, 5, 12])
@pytest.mark.parametrize("customer", [(0, 0, 0), (0, 0, 39), (3, 20, 39), (30, 80, 82)])
def test_orders_of_regular_customers(k, customer):
    """For any k: the sum over n of the chance that n orders come and none of the first n - 1 was the last."""
    m = BetaGeometric(model="mbg/cnbd-k", k=k, r=0.6, alpha=3, a=0.8, b=1.5)
    x, t_x, T = customer
    s, z, n, j = m.r + k * x, 13 / (m.alpha + T), np.arange(1, 5_000), np.arange(k)
    stage = stats.nbinom.pmf(j, s, (m.alpha + t_x) / (m.alpha + T)) if t_x < T else (j == 0).astype(float)
    alive = stage.sum()
    left = m.a / (m.b + x)
    survives = np.exp(special.betaln(m.a, m.b + x + n) - special.betaln(m.a, m.b + x + 1))
    living = [(stats.nbinom.sf(n * k - i - 1, s + i, 1 / (1 + z)) * survives).sum() for i in j]
    found = churn.expected_orders(m, [x], [t_x], [T], horizon=13)[0]
    assert churn.p_alive(m, [x], [t_x], [T])[0] == pytest.approx(alive / (alive + left), rel=1e-10)
    assert found == pytest.approx(np.dot(stage, living) / (alive + left), rel=1e-9)


def test_hardly_anybody_leaves():
    """With a next to nothing orders come at the rate alone, also where p is smaller than any double."""
    for k in (1, 3):
        m = BetaGeometric(model="mbg/cnbd-k", k=k, r=50, alpha=100, a=1e-4, b=1e5)
        orders = churn.expected_orders(m, [10], [40], [40], horizon=1000)[0]
        assert orders == pytest.approx((50 + 10 * k) / 140 * 1000 / k, rel=0.01)


@pytest.mark.parametrize("alpha, beta", [(10.6, 11.7), (0.5, 40.0), (40.0, 0.5), (7.0, 7.0)])
@pytest.mark.parametrize("customer", [(0, 0, 39), (2, 30.4, 38.9), (26, 30.9, 31), (5, 12, 12)])
def test_pareto_by_integration(alpha, beta, customer):
    """P(alive) and P(active) by brute integration over the moment of leaving."""
    m = ParetoNBD(r=0.55, alpha=alpha, s=0.6, beta=beta)
    x, t_x, T = customer

    def density(u):  # log density of the orders and of leaving at u, up to what is common
        return np.exp((m.r + x) * np.log((alpha + t_x) / (alpha + u)) - (m.s + 1) * np.log(beta + u))

    def alive_at(u):
        return density(u) * (beta + u)

    left = m.s * integrate.quad(density, t_x, T, epsabs=0, epsrel=1e-12)[0]
    silent = alive_at(T + 13) + m.s * integrate.quad(density, T, T + 13, epsabs=0, epsrel=1e-12)[0]
    total = alive_at(T) + left
    assert churn.p_alive(m, [x], [t_x], [T])[0] == pytest.approx(alive_at(T) / total, rel=1e-9)
    assert churn.p_active(m, [x], [t_x], [T], horizon=13)[0] == pytest.approx((alive_at(T) - silent) / total, rel=1e-8)


def test_new_pareto_customers():
    """Orders of a new customer, where s is 1 and the published formula is 0 / 0 too."""
    near, at = (churn.expected_orders_new(ParetoNBD(r=2, alpha=10, s=s, beta=5), [0, 20])[1] for s in (1 + 1e-7, 1))
    assert at == pytest.approx(2 / 10 * 5 * np.log(5), rel=1e-12)
    assert near == pytest.approx(at, rel=1e-6)


def test_one_time_buyers_never_leave_under_bg():
    """The warning of `p_alive`: 1 whatever the silence, while MBG/NBD has its doubts."""
    bg, mbg = (BetaGeometric(model=name, r=0.5, alpha=6, a=0.9, b=1.6) for name in ("bg/nbd", "mbg/nbd"))
    assert churn.p_alive(bg, [0, 0], [0, 0], [1, 5000]).tolist() == [1, 1]
    assert (np.diff(churn.p_alive(mbg, [0, 0], [0, 0], [1, 5000])) < -0.3).all()


# ---------------------------------------------------------------- records


@pytest.mark.parametrize(
    "m",
    [
        BetaGeometric(
            model="mbg/cnbd-k", k=2, r=1, alpha=2, a=3, b=4, standard_errors=[1, 2, 3, 4], held_out_log_loss=[[1, 0.5]]
        ),
        ParetoNBD(r=1, alpha=2, s=3, beta=4),
    ],
)
def test_records_are_values(m):
    """Equal by value, hashable, through JSON and back; parameters by name."""
    back = type(m)(**json.loads(json.dumps(attrs.asdict(m))))
    assert back == m
    assert len({back, m}) == 1
    assert list(m.parameters.values()) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "kind, change, message",
    [
        (BetaGeometric, {"r": 0}, "r: 0: give a finite number above 0"),
        (BetaGeometric, {"alpha": np.nan}, "alpha: nan"),
        (BetaGeometric, {"a": "1"}, "a: '1'"),
        (BetaGeometric, {"b": True}, "b: True"),
        (BetaGeometric, {"model": "nbd"}, "model: 'nbd' is unknown here: say 'bg/nbd' or 'mbg/nbd' or 'mbg/cnbd-k'"),
        (BetaGeometric, {"k": 2}, "k: 2: under 'mbg/nbd' give a whole number from 1 to 1"),
        (BetaGeometric, {"model": "mbg/cnbd-k", "k": 13}, "k: 13"),
        (ParetoNBD, {"s": np.inf}, "s: inf"),
        (ParetoNBD, {"model": "bg/nbd"}, "say 'pareto/nbd'"),
    ],
)
def test_impossible_records(kind, change, message):
    """A model made by hand is checked like everything from outside."""
    names = ("r", "alpha", "a", "b") if kind is BetaGeometric else ("r", "alpha", "s", "beta")
    with pytest.raises(InvalidInput) as caught:
        kind(**({"model": "mbg/nbd"} if kind is BetaGeometric else {}) | dict.fromkeys(names, 1.0) | change)
    assert message in str(caught.value)
