"""What the letters brought: intention to treat, phases apart, open windows out, refusals in words."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pytest

from retention.errors import InvalidInput
from retention.experiments import (
    Holdout,
    credited,
    difference,
    hold_out,
    incremental,
    value_difference,
)


def rows(*groups):
    """Columns from groups of customers: arm, propensity, how many, how many of them returned."""
    arm = np.concatenate([np.repeat(name, n) for name, _, n, _ in groups])
    propensity = np.concatenate([np.repeat(share, n) for _, share, n, _ in groups])
    returned = np.concatenate([np.arange(n) < k for _, _, n, k in groups])
    return arm, propensity, returned


def half(n_c, k_c, n_t, k_t):
    return rows(("control", n_c / (n_c + n_t), n_c, k_c), ("letter", n_t / (n_c + n_t), n_t, k_t))


@pytest.mark.parametrize("k_c, k_t", [(0, 0), (0, 9), (5, 30), (5, 900), (100, 900)])
def test_one_phase_is_the_difference_in_customers(k_c: int, k_t: int) -> None:
    """Newcombe's interval times the treated; zero cells are finite."""
    found = incremental(*half(100, k_c, 900, k_t))
    expected = difference(k_t, 900, k_c, 100)
    lift = found.returning
    assert (lift.estimate, lift.lower, lift.upper) == pytest.approx(
        [900 * expected.estimate, 900 * expected.lower, 900 * expected.upper], abs=1e-6
    )
    assert (found.treated, found.control, found.open, found.alone, found.alarm) == (900, 100, 0, 0, False)
    assert lift.per_customer.estimate == pytest.approx(expected.estimate)
    assert lift.per_customer.upper == pytest.approx(expected.upper)


def test_one_phase_of_money_is_the_value_difference() -> None:
    """Totals of who bought, negative ones and refunds without an order included; orders in the same way."""
    arm, propensity, returned = half(200, 12, 800, 90)
    rng = np.random.default_rng(5)
    margin = np.where(returned, rng.normal(10, 20, 1_000), 0.0).round(2)
    margin[190] = -15.0  # paid back for an order of long ago: no returner, but money moved
    orders = np.where(returned, rng.integers(1, 4, 1_000), 0)
    found = incremental(arm, propensity, returned, orders=orders, margin=margin)
    moved = returned | (margin != 0)
    letter = arm == "letter"
    for lift, values, who in ((found.margin, margin, moved), (found.orders, orders, returned)):
        expected = value_difference(values[letter & who], 800, values[~letter & who], 200)
        told = lift.per_customer
        assert (told.estimate, told.lower, told.upper) == pytest.approx(
            (expected.estimate, expected.lower, expected.upper)
        )
        assert lift.estimate == pytest.approx(800 * expected.estimate)
    assert found.revenue is None
    assert [note.split(" because")[0] for note in found.notes] == ["orders", "margin"]
    assert "95% interval" in found.notes[0]


def test_money_is_refused_in_words() -> None:
    """Too few buyers in the control, or all alike: the estimate stays, the limits do not, the customers are told."""
    arm, propensity, returned = half(200, 3, 800, 90)
    found = incremental(arm, propensity, returned, revenue=np.where(returned, 30, 0), orders=returned)
    assert found.revenue.refused == "the control has only 3 buyers: 5 are needed"
    assert (found.revenue.lower, found.revenue.upper) == (None, None)
    assert found.revenue.estimate == pytest.approx(800 * (90 * 30 / 800 - 3 * 30 / 200))
    assert found.revenue.per_customer.lower is None
    assert found.notes[1] == ("revenue because of the letters: 2340 (the control has only 3 buyers: 5 are needed)")
    assert found.returning.lower is not None
    nobody = incremental(*half(200, 0, 800, 0), revenue=np.zeros(1_000))
    assert nobody.revenue.refused == "the control has only 0 buyers: 5 are needed"


def test_changed_weights_do_not_confound() -> None:
    """Letters that do nothing: more of them when fewer return. Taken together they seem to harm; phase by phase not."""
    groups = [
        ("control", 0.5, 1_000, 100),
        ("letter", 0.5, 1_000, 100),
        ("control", 0.1, 200, 4),
        ("letter", 0.9, 1_800, 36),
    ]
    arm, propensity, returned = rows(*groups)
    naive = difference(136, 2_800, 104, 1_200)
    assert naive.upper < 0
    found = incremental(arm, propensity, returned)
    assert found.returning.estimate == pytest.approx(0, abs=1e-9)
    assert found.returning.lower < 0 < found.returning.upper
    assert len(found.sample_ratio) == 2
    by_phase = incremental(arm, propensity, returned, phase=[0] * 2_000 + [1] * 2_000)
    assert by_phase.returning.estimate == pytest.approx(0, abs=1e-9)
    assert (by_phase.returning.lower, by_phase.returning.upper) == pytest.approx(
        (found.returning.lower, found.returning.upper)
    )


def test_several_variants_need_the_phase_when_their_weights_change() -> None:
    """With three arms a propensity alone does not say which control belongs to it."""
    groups = [
        ("control", 0.2, 200, 10), ("a", 0.4, 400, 40), ("b", 0.4, 400, 40),
        ("control", 0.2, 200, 10), ("a", 0.7, 700, 70), ("b", 0.1, 100, 10),
    ]  # fmt: skip
    columns = rows(*groups)
    with pytest.raises(InvalidInput, match=r"propensity: differs within an arm of phase 0, .* give the phase"):
        incremental(*columns)
    found = incremental(*columns, phase=[0] * 1_000 + [1] * 1_000)
    assert found.returning.estimate == pytest.approx(1_600 * 0.05)
    assert (found.treated, found.control) == (1_600, 400)


def test_two_arms_with_weights_that_do_not_fit_are_apart() -> None:
    """A control of one phase is not compared with the treated of another, even where each arm has one propensity."""
    found = incremental(*rows(("control", 0.6, 100, 5), ("letter", 0.7, 100, 5)))
    assert (found.treated, found.control, found.alone) == (0, 0, 200)
    assert "its arms have control 100, other arms 0 customers where 60, 40 were drawn" in found.verdict
    assert "its arms have letter 100, control 0 customers where 70, 30 were drawn" in found.verdict
    assert found.notes == ("200 customers left out: nobody of the other group was drawn with the same weights",)


def test_open_windows_are_left_out() -> None:
    """Who is undecided counts for the sample ratio alone, whatever the columns say of them."""
    arm, propensity, returned = half(100, 5, 300, 30)
    more = half(100, 50, 300, 0)
    decided = [True] * 400 + [False] * 400
    both = [np.concatenate(pair) for pair in zip((arm, propensity, returned), more, strict=True)]
    found = incremental(*both, decided=decided, revenue=np.full(800, 3.0))
    alone = incremental(arm, propensity, returned)
    assert found.returning == alone.returning
    assert found.open == 400
    assert found.sample_ratio[0].counts.tolist() == [200, 600]


@pytest.mark.parametrize(
    "groups, verdict",
    [
        (
            (29, 1, 500, 5),
            "not enough data yet: the control group has 29 customers whose window is over, 30 needed",
        ),
        (
            (40, 9, 7, 0),
            "not enough data yet: the group that gets letters has 7 customers whose window is over, 30 needed",
        ),
        ((1_000, 10, 1_000, 200), "190 customers came back because of the letters (95% interval 165 to 216)"),
        ((1_000, 200, 1_000, 10), "the letters drove 190 customers away (95% interval -216 to -165)"),
        ((100, 10, 100, 11), "no effect shown yet: 1.0 customers (95% interval -7.8 to 9.8)"),
        ((50_000, 5_001, 100, 10), "no effect shown yet: 0.0 customers (95% interval -4.5 to 7.4)"),
    ],
)
def test_the_verdict_in_words(groups: tuple[int, ...], verdict: str) -> None:
    """What can be said is said with its interval; what cannot, with what is missing."""
    found = incremental(*half(*groups), revenue=np.zeros(groups[0] + groups[2]))
    assert found.verdict == verdict
    assert (found.returning is None) == verdict.startswith("not enough")
    assert (found.revenue is None) == verdict.startswith("not enough")


def test_nobody_yet() -> None:
    """No row at all is no error: the verdict says what is missing."""
    found = incremental([], [], [])
    assert found.verdict == "not enough data yet: the control group has 0 customers whose window is over, 30 needed"
    assert (found.sample_ratio, found.notes, found.alone) == ((), (), 0)


def test_treated_whom_nobody_was_held_back_from_are_told() -> None:
    """Letters to everybody cannot be judged; they are left out, and it is said how many these were."""
    found = incremental(*rows(("letter", 1.0, 500, 50), ("control", 0.5, 50, 2), ("letter", 0.5, 50, 5)))
    assert (found.treated, found.control, found.alone) == (50, 50, 500)
    assert found.notes == ("500 customers left out: nobody of the other group was drawn with the same weights",)
    assert len(found.sample_ratio) == 1


def test_a_lost_arm_is_the_verdict() -> None:
    """Where the arms do not have the sizes that were drawn no number is to be trusted, and nothing else is said."""
    found = incremental(*rows(("control", 0.5, 100, 5), ("letter", 0.5, 300, 60)))
    assert found.alarm
    assert (
        found.verdict
        == "do not trust this experiment: its arms have control 100, letter 300 customers where 200, 200 were drawn"
    )
    empty = incremental(*rows(("letter", 0.8, 300, 60)))
    assert empty.verdict.startswith("do not trust this experiment: its arms have letter 300, control 0 customers")


def test_the_sample_ratio_remembers_the_way() -> None:
    """With times an alarm stays, though the arms even out later; without them only the sum is seen; ties are one look."""
    arm = ["letter"] * 200 + ["control"] * 200
    columns = arm, [0.5] * 400, [0] * 400
    assert incremental(*columns, at=np.arange(400)).alarm
    assert not incremental(*columns).alarm
    assert not incremental(*columns, at=[7.0] * 400).alarm
    shuffled = np.random.default_rng(3).permutation(400)
    assert incremental(*(np.array(column)[shuffled] for column in columns), at=shuffled).alarm


def test_many_phases_raise_no_more_false_alarms_than_one() -> None:
    """200 sound experiments of ten phases each, each customer a phase's own: at most 1 % alarm, but for chance."""
    rng, alarms = np.random.default_rng(8), 0
    phase = np.repeat(np.arange(10), 60)
    for _ in range(200):
        treated = rng.random(600) < 0.7
        share = np.where(treated, 0.7, 0.3)
        found = incremental(np.where(treated, "x", "control"), share, treated, phase=phase, at=np.arange(600))
        alarms += found.alarm
    assert alarms <= 5


def test_results_are_json() -> None:
    """Columns become lists; the same after a round trip."""
    told = incremental(*half(100, 5, 300, 40), revenue=np.zeros(400)).to_json()
    assert json.loads(json.dumps(told)) == told
    assert told["returning"]["treated"] == 300
    assert told["sample_ratio"][0]["counts"] == [100, 300]
    assert told["revenue"]["lower"] is None


def test_an_order_is_credited_once() -> None:
    """Two journeys that write to the same customers each claim the lift; the holdout's is what the shop has."""
    ids = np.arange(4_000)
    drawn = hold_out(Holdout("shop", 0.2), ids, on=date(2026, 3, 1))
    back = ids % 10 < np.where(drawn.arm == "open", 3, 1)
    shop = incremental(drawn.arm, drawn.propensity, back, control="holdout")
    journey = incremental(np.where(drawn.arm == "open", "letter", "control"), drawn.propensity, back)
    found = credited(shop, {"win_back": journey, "second": journey})
    assert found.shop == shop.returning
    assert found.sum_of_journeys == pytest.approx(2 * shop.returning.estimate)
    assert "do not add them up" in found.sentence
    nothing = incremental([], [], [], control="holdout")
    assert credited(shop, {"young": nothing}).sum_of_journeys == 0
    with pytest.raises(InvalidInput, match="shop: not enough data yet: the control group has 0 customers"):
        credited(nothing, {})
    broken = incremental(*rows(("holdout", 0.5, 100, 5), ("open", 0.5, 300, 60)), control="holdout")
    with pytest.raises(InvalidInput, match="shop: do not trust this experiment"):
        credited(broken, {})


@pytest.mark.parametrize(
    "given, problem",
    [
        ({"arm": ["a", ""]}, "arm: row 1"),
        ({"propensity": [0.5, 0.0]}, "propensity: row 1 is 0.0, not above 0"),
        ({"propensity": [1.5, 0.5]}, "propensity: row 0 is 1.5, above 1"),
        ({"returned": [2, 0]}, "returned: row 0 is 2, above 1"),
        ({"decided": [1]}, "arm has 2 rows but decided has 1"),
        ({"phase": [0.5, 1]}, "phase: row 0 is 0.5, not a whole number"),
        ({"at": [0.0, np.nan]}, "at: row 1"),
        ({"orders": [-1, 0]}, "orders: row 0 is -1, below 0"),
        ({"revenue": [1.0]}, "arm has 2 rows but revenue has 1"),
        ({"margin": [np.inf, 0]}, "margin: row 0 is inf, not a finite number"),
        ({"control": ""}, "control: '' is no name"),
        ({"level": 1}, "level: 1 leaves nothing to say"),
    ],
)
def test_wrong_columns_are_refused(given: dict, problem: str) -> None:
    """The column and the row are named."""
    columns = {"arm": ["control", "a"], "propensity": [0.5, 0.5], "returned": [True, False]} | given
    with pytest.raises(InvalidInput) as error:
        incremental(**columns)
    assert str(error.value).startswith(problem)
