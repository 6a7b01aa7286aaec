"""retention: notice who is leaving, decide what to write, prove what it achieved.

Import the room you need, so that every call names where it comes from::

    from retention import churn, orders

    summary = orders.summarize(log, at="1997-09-30")
    rhythm = churn.rhythm(summary)

Importing this package loads nothing else.
"""

__version__ = "0.1.0"
