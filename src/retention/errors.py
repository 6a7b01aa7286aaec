"""Everything this library raises on purpose, in one tree.

Every message is one line: what is wrong, where (file, line, row, column), and what to do.

::

    RetentionError
     +-- InvalidInput (ValueError)         the caller's data: a value, a row, a column, a file
     +-- InvalidJourney (ValueError)       a journey or contact policy that cannot work
     +-- InvalidTemplate (ValueError)      a letter that cannot be rendered, found at construction
     +-- MissingExtra (ImportError)        an optional dependency that is not installed
     +-- StorageError
          +-- IncompatibleStorage          another shop's or environment's, an older copy, or of a newer version
          +-- StorageUnavailable           cannot be opened, read or written now
"""

from __future__ import annotations


class RetentionError(Exception):
    """The root of the tree: catches everything that this library raises on purpose."""


class InvalidInput(RetentionError, ValueError):
    """Data from outside does not say what it must; the message names the place and the remedy."""


class InvalidJourney(RetentionError, ValueError):
    """A journey or contact policy contradicts itself, found when it is built."""


class InvalidTemplate(RetentionError, ValueError):
    """A letter's template is missing, broken or uses a variable that no letter has."""


class MissingExtra(RetentionError, ImportError):
    """An optional dependency is needed; the message says which extra brings it."""


class StorageError(RetentionError):
    """The storage cannot do what was asked; nothing of the failed call was applied."""


class IncompatibleStorage(StorageError):
    """The stored data is of another shop, environment or newer version of this library, or an older copy."""


class StorageUnavailable(StorageError):
    """The storage cannot be opened, read or written at the moment."""
