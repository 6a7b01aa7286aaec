"""The command line: one module for each group of commands, registered here.

Only wiring: every command calls what a program would call. Whatever is heavy is imported inside the command that needs
it, so that `--help` is quick. Exit codes: 0 done, 1 bad data or storage (one line on standard error says what, where
and what to do), 2 wrong usage, 3 done, but something needs a look: letters failed or are in doubt, facts contradict
earlier ones, a code was refused.
"""

from __future__ import annotations

from typing import Any

from retention.errors import MissingExtra, RetentionError

try:
    import click
except ImportError as missing:  # pragma: no cover - the tests run with the extra
    raise MissingExtra('the command line needs its extra: python -m pip install "retention[cli]"') from missing

from retention.cli.demo import demo
from retention.cli.importing import import_
from retention.cli.keeping import backup, check
from retention.cli.letters import letters
from retention.cli.looking import explain, preview, results
from retention.cli.redeeming import redeem
from retention.cli.reporting import report
from retention.cli.running import run
from retention.cli.simulating import simulate

__all__ = ["main"]


class _Commands(click.Group):
    """Commands whose expected errors are one line and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except RetentionError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="retention")
def main() -> None:
    """Keep a shop's customers: who is falling asleep, which letter they get, and what it achieved."""


for _command in (import_, run, redeem, explain, results, report, preview, letters, simulate, demo, check, backup):
    main.add_command(_command)
