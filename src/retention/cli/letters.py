"""The letters and the pages behind their links: whether every one of them can be written to anybody."""

from __future__ import annotations

from pathlib import Path

import attrs
import click

from retention.cli.output import print_examined, print_json
from retention.cli.shop import allow_link_option, json_option, templates_option

__all__ = ["letters"]


@click.group()
def letters() -> None:
    """Look after the letters."""


@letters.command()
@templates_option
@allow_link_option
@json_option
@click.pass_context
def check(ctx: click.Context, templates: Path | None, allow_links: tuple[str, ...], *, as_json: bool) -> None:
    """Write every letter of all journeys, and every page, for invented customers of every sort, in every language."""
    from retention.cli.looking import sample_shop
    from retention.letters import Letters
    from retention.playbooks import ready
    from retention.web.pages import Pages

    found = Letters(sample_shop("EUR"), templates, allow_links=allow_links)
    examined = found.examine(ready()) + Pages(found).examine()
    if as_json:
        print_json([attrs.asdict(one) for one in examined])
    else:
        print_examined(examined)
        for problem in dict.fromkeys(problem for one in examined for problem in one.problems):
            click.echo(problem, err=True)
    if any(one.problems for one in examined):
        ctx.exit(1)
