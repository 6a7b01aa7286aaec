"""Experiments: who gets which letter, and how many came back because of it.

Assignment is a hash, not a draw: the same customer gets the same arm for ever, on every machine, with nothing stored,
and independently of every other experiment. Every assignment says the propensity it was made with, because every honest
estimate needs it afterwards. Judgement is an interval, never a bare number.

Before the launch: `weeks_to_power`, `detectable_effect`, `best_control_share`. While it runs: `assign`, `reweight`,
`hold_out`; `watch` (look whenever you like), `planned` (look up to a stated end), `sample_ratio` (is anything broken?).
At a time fixed beforehand: `difference`, `ratio`, `value_difference`, `cuped`; `holm` and `benjamini_hochberg` for
several variants, `winner` for the best of them. `incremental` tells the shop what it all brought; `credited` the same
for all journeys together.

Importing this loads numpy, never scipy.
"""

from retention.experiments.assignment import Assignment, Experiment, assign, fraction, reweight
from retention.experiments.balance import SampleRatio, sample_ratio
from retention.experiments.difference import Difference, Ratio, difference, ratio
from retention.experiments.holdout import Holdout, hold_out
from retention.experiments.incremental import Credit, Incremental, Lift, credited, incremental
from retention.experiments.launch import (
    ControlShare,
    Detectable,
    WeeksToPower,
    best_control_share,
    detectable_effect,
    weeks_to_power,
)
from retention.experiments.per_customer import Cuped, ValueDifference, cuped, value_difference
from retention.experiments.variants import benjamini_hochberg, holm
from retention.experiments.watching import Planned, Watch, planned, planned_ratio, watch
from retention.experiments.winner import Winner, winner

__all__ = [
    "Assignment",
    "ControlShare",
    "Credit",
    "Cuped",
    "Detectable",
    "Difference",
    "Experiment",
    "Holdout",
    "Incremental",
    "Lift",
    "Planned",
    "Ratio",
    "SampleRatio",
    "ValueDifference",
    "Watch",
    "WeeksToPower",
    "Winner",
    "assign",
    "benjamini_hochberg",
    "best_control_share",
    "credited",
    "cuped",
    "detectable_effect",
    "difference",
    "fraction",
    "hold_out",
    "holm",
    "incremental",
    "planned",
    "planned_ratio",
    "ratio",
    "reweight",
    "sample_ratio",
    "value_difference",
    "watch",
    "weeks_to_power",
    "winner",
]
