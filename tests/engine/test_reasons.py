"""The reasons of ledgers and letters: a closed set, and every one of it documented."""

from __future__ import annotations

import re
from pathlib import Path

from retention.engine.explanation import _OF_DELIVERY
from retention.journey import REASONS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "reasons.md"


def test_the_page_of_reasons_is_the_librarys():
    """Every word with its meaning, none that the library does not know; "" is the plain case and needs no row."""
    told = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert told == {word: says for word, says in (REASONS | _OF_DELIVERY).items() if word}


def test_no_word_means_two_things():
    """The planner's and the delivery's words are apart."""
    assert not REASONS.keys() & _OF_DELIVERY.keys()
