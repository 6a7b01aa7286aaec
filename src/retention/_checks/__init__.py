"""The door: what a caller hands in becomes clean numpy columns, or one line of `InvalidInput`.

Rules of the room:

- A column has one dimension and no hidden conversion: text is never read as a number, a number is never read as a time.
- A missing value (None, NaN, NaT, NA, an empty id) is refused unless the function says otherwise.
- Rows are counted from 0, by position: an index that a frame carries is not looked at.
- Every message is ``column: row 17 is -3.0, below 0``: the column in the caller's words, the first offending row, its
  value, and what to do where that is not plain.
- What leaves the room is trusted below: nothing checks twice. It may share memory with what came in.
"""

from retention._checks.columns import floats, ids, integers, labels, probability, refuse, same_length, text_ids
from retention._checks.distinct import blocks, distinct, starts
from retention._checks.times import Instants, instants, read_time, read_times

__all__ = [
    "Instants",
    "blocks",
    "distinct",
    "floats",
    "ids",
    "instants",
    "integers",
    "labels",
    "probability",
    "read_time",
    "read_times",
    "refuse",
    "same_length",
    "starts",
    "text_ids",
]
