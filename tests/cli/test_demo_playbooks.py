"""The demo with all four playbooks, from the command line."""

from __future__ import annotations

import json

from click.testing import CliRunner

from retention.cli import main

SMALL = ("demo", "--playbooks", "--customers", "60", "--days", "60")


def test_results_beside_the_truth() -> None:
    """A row for each playbook, for people and for scripts."""
    done = CliRunner().invoke(main, SMALL)
    assert done.exit_code == 0, done.output
    for name in ("win_back", "product_return", "post_purchase", "after_return"):
        assert name in done.output
    assert "truth: the same shop lived once more without the journey" in done.output
    told = json.loads(CliRunner().invoke(main, [*SMALL, "--json"]).output)
    assert [one["journey"] for one in told["effects"]] == [
        "win_back",
        "product_return",
        "post_purchase",
        "after_return",
    ]
