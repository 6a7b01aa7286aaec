"""The command that writes the team's page."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from retention.cli import main


def call(*arguments: object):
    return CliRunner().invoke(main, list(map(str, arguments)))


def test_the_demos_report(tmp_path: Path):
    """From the demo's own database to a page, and one line where it cannot be written."""
    demo = tmp_path / "demo"
    assert call("demo", "--directory", demo, "--customers", 60, "--days", 40).exit_code == 0
    done = call("report", "--db", demo / "shop.db", "--output", tmp_path / "report.html")
    assert (done.exit_code, done.output) == (0, f"wrote {tmp_path / 'report.html'}\n")
    assert "What the letters of Larch &amp; Linen achieved" in (tmp_path / "report.html").read_text("utf-8")
    lost = call("report", "--db", demo / "shop.db", "--output", tmp_path / "gone" / "report.html")
    assert lost.exit_code == 1
    assert "choose another --output" in lost.output
