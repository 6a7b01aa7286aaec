"""When the demo shop stops writing: too many readers answer by unsubscribing.

The control group shows in the end what letters earn; who unsubscribes is lost as a reader at once. So the shop counts
these from the first day on and takes its letters off the timetable as soon as there are more of them than it bears,
beyond chance. The rule looks at what every shop sees, never at the simulated truth. Letters that drive customers away
without a word are not seen by it; these only the control group shows.
"""

from __future__ import annotations

from retention._stats.intervals import wilson

__all__ = ["MOST", "harms"]

MOST = 0.04
"""The largest share of letters answered by unsubscribing that the shop bears: one in twenty-five."""
_LEVEL = 0.999  # it is looked at every day
_LEAST = 100  # with fewer letters the interval promises more than it keeps


def harms(letters: int, unsubscribed: int) -> bool:
    """Whether more than `MOST` of such letters drive their readers away, as far as so many can show it.

    >>> harms(200, 12), harms(1_000, 70)
    (False, True)
    """
    if letters < _LEAST:
        return False
    lower, _ = wilson(unsubscribed, letters, level=_LEVEL)
    return bool(lower > MOST)
