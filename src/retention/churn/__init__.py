"""Churn: who is falling asleep, how far gone they are, and why one thinks so.

`rhythm` is the definition and the explanation: a customer's own usual gap between orders, and how much longer than that
they have been silent. Pure functions on the columns of a `CustomerSummary`.
"""

from retention.churn.rhythm import Rhythm, rhythm

__all__ = ["Rhythm", "rhythm"]
