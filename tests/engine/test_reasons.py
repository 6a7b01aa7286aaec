"""The reasons of ledgers and letters: a closed set, and every one of it documented."""

from __future__ import annotations

import re
from pathlib import Path

from retention import offers
from retention.engine.explanation import _OF_DELIVERY
from retention.engine.rounds import REASONS as OFFERED
from retention.journey import REASONS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "reasons.md"


def test_the_page_of_reasons_is_the_librarys():
    """Every word with its meaning, none that the library does not know; "" is the plain case and needs no row."""
    told = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert told == {word: says for word, says in (REASONS | _OF_DELIVERY | OFFERED).items() if word}


def test_no_word_means_two_things():
    """The planner's, the delivery's and the offers' words are apart, and all that `choose` and guardrails say is known."""
    assert len(REASONS | _OF_DELIVERY | OFFERED) == len(REASONS) + len(_OF_DELIVERY) + len(OFFERED)
    assert set(offers.REASONS) < OFFERED.keys()
