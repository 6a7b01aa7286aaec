"""Every rule and every failure seen elsewhere has a test that says its number; every law has its place in a kit."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from retention.testing import sender, storage, webhook

TESTS = Path(__file__).resolve().parent
SPOKEN = [
    text
    for path in TESTS.rglob("*.py")
    if path != Path(__file__).resolve()
    for node in ast.walk(ast.parse(path.read_text("utf-8")))
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module)
    for text in (getattr(node, "name", ""), ast.get_docstring(node) or "")
]


def named(word: str) -> set[int]:
    """The numbers that docstrings and names of tests say after the word: "rule 3", "F11", "Rules 1, 8, 14"."""
    found = (re.finditer(rf"\b{word}s?[ _]?((?:\d+(?:, | and |_| )?)+)", text, re.IGNORECASE) for text in SPOKEN)
    return {int(number) for matches in found for match in matches for number in re.findall(r"\d+", match[1])}


@pytest.mark.parametrize("number", range(1, 27))
def test_every_failure_seen_elsewhere_has_a_test(number):
    """What went wrong in other systems of this kind, from clock changes to letters nobody can explain."""
    assert number in named("F")


@pytest.mark.parametrize("number", range(1, 18))
def test_every_rule_of_the_planner_has_a_test(number):
    """What made the timetable pass where state machines got stuck."""
    assert number in named("rule")


def test_every_law_is_in_a_kit():
    """Storages keep 1 to 29, senders 30 to 34; what the kits add has numbers of its own."""
    numbers = {law.number for kit in (storage, sender, webhook) for law in kit.LAWS}
    assert numbers >= set(range(1, 35))
