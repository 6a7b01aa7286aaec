"""The rows that are kept: keys without the customer, and reasons in words."""

from __future__ import annotations

from typing import Any

import pytest

from retention.journey import REASONS, CustomerFile, Decision, DecisionKey


def test_a_key_leaves_the_customer_and_the_version_out(life: Any) -> None:
    """Rule 17, F11: merging unites ledgers, and an edit owns the same keys."""
    at = life.at("2026-03-02")
    rows = [
        Decision(kind=kind, journey="j", entry_key="k", version=v, at=at, step="a", occurrence="o")
        for kind, v in (("send", 1), ("skip", 2))
    ]
    assert rows[0].key == rows[1].key == DecisionKey("j", "k", "a", "o")


def test_every_reason_has_words() -> None:
    """F26: a closed set, each with what it means to the shop."""
    assert all(words and "\n" not in words for words in REASONS.values())
    with pytest.raises(TypeError):
        REASONS["new"] = "a reason nobody documented"  # type: ignore[index]


def test_a_file_starts_empty() -> None:
    """A customer of whom nothing is known has a file."""
    file = CustomerFile(customer_id="1")
    assert (file.facts, file.entries, file.ledger, file.outcomes, file.merged, dict(file.arms)) == (
        (),
        (),
        (),
        (),
        (),
        {},
    )
