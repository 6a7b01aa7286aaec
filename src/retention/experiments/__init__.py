"""Experiments: who gets which letter, and how many came back because of it.

Assignment is a hash, not a draw: the same customer gets the same arm for ever, on every machine, with nothing stored,
and independently of every other experiment. Every assignment says the propensity it was made with, because every honest
estimate needs it afterwards. Judgement is an interval, never a bare number.

Importing this loads numpy, never scipy.
"""

from retention.experiments.assignment import Assignment, Experiment, assign, fraction
from retention.experiments.difference import Difference, difference

__all__ = ["Assignment", "Difference", "Experiment", "assign", "difference", "fraction"]
