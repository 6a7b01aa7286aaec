"""The best variant is named when it is shown to be the best, and the control goes on."""

from __future__ import annotations

import numpy as np
import pytest

from retention.errors import InvalidInput
from retention.experiments import Experiment, difference, holm, reweight, winner

TEST = Experiment("subjects", {"control": 0.1, "a": 0.3, "b": 0.3, "c": 0.3})
N = [1_000, 3_000, 3_000, 3_000]


def test_the_winner_takes_what_the_other_variants_had() -> None:
    """The control keeps its share, so that the effect of writing at all stays known; the weights fit `reweight`."""
    found = winner(TEST, [30, 240, 150, 160], N)
    assert found.arm == "a"
    assert dict(found.arms) == {"control": 0.1, "a": 0.9, "b": 0, "c": 0}
    after = reweight(TEST, dict(found.arms))
    assert after.control == "control"
    assert found.sentence.endswith("more than for every other variant and more than in the control")


def test_p_values_are_holms_over_all_pairs() -> None:
    """Six pairs of four arms, each the test of `difference`."""
    k = [30, 200, 150, 160]
    found = winner(TEST, k, N)
    pairs = [(a, b) for a in range(4) for b in range(a + 1, 4)]
    plain = [difference(k[a], N[a], k[b], N[b]).p_value for a, b in pairs]
    assert [p for *_, p in found.p_values] == pytest.approx(holm(plain).tolist())
    assert [(a, b) for a, b, _ in found.p_values][:3] == [("control", "a"), ("control", "b"), ("control", "c")]


def test_no_winner_yet_keeps_all_weights() -> None:
    """Best of three by chance is no winner."""
    found = winner(TEST, [50, 180, 170, 150], N)
    assert (found.arm, found.arms) == (None, TEST.arms)
    assert found.sentence == "no winner yet: the variants a 6.0%, b 5.7%, c 5.0% are not shown to differ"


def test_the_best_of_harmful_letters_does_not_win() -> None:
    """It beats the others, and loses to sending nothing."""
    found = winner(TEST, [200, 300, 100, 100], N)
    assert found.arm is None
    assert found.sentence == "no winner: in the control 20.0% came back, more than for any variant"


def test_a_winner_not_shown_to_beat_the_control_says_so() -> None:
    """A small control may know less than the large variants."""
    found = winner(TEST, [75, 240, 150, 160], N)
    assert found.arm == "a"
    assert found.sentence.endswith("; not shown to beat the control's 7.5%")


def test_variants_without_a_control() -> None:
    """Two subjects for everybody: the better one wins and gets everybody."""
    test = Experiment("two", {"a": 0.5, "b": 0.5}, control=None)
    found = winner(test, [100, 200], [2_000, 2_000])
    assert (found.arm, dict(found.arms)) == ("b", {"a": 0, "b": 1})
    assert found.sentence == "b wins: 10.0% came back, more than for every other variant"


def test_arms_of_no_weight_take_no_part() -> None:
    """What was stopped earlier is not compared; a control of weight 0 still is."""
    test = Experiment("later", {"control": 0.0, "a": 0.5, "b": 0.5, "old": 0.0})
    found = winner(test, [10, 200, 100, 900], [1_000, 2_000, 2_000, 1_000])
    assert found.arm == "a"
    assert {name for pair in found.p_values for name in pair[:2]} == {"control", "a", "b"}


def test_wrong_winners_are_rare() -> None:
    """400 tests of three equal variants: at most 5 % name a winner, but for chance."""
    rng = np.random.default_rng(9)
    named = sum(winner(TEST, rng.binomial(N, 0.05), N).arm is not None for _ in range(400))
    assert named <= 24


@pytest.mark.parametrize(
    "test, k, n, problem",
    [
        (Experiment("one", {"control": 0.5, "a": 0.5}), [1, 2], [9, 9], "test: 'one' has fewer than two variants"),
        (TEST, [1, 2, 3], [9, 9, 9], "returned"),
        (TEST, [1, 2, 3, 10], [9] * 4, "returned: row 3 is 10, more than n"),
    ],
)
def test_what_cannot_be_compared_is_refused(test: Experiment, k: list[int], n: list[int], problem: str) -> None:
    """The column, the row and the remedy are named."""
    with pytest.raises(InvalidInput) as error:
        winner(test, k, n)
    assert str(error.value).startswith(problem)
