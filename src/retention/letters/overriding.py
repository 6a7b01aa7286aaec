"""Texts that come with the library, and a folder of the shop's in which any of them can be replaced.

A file of the same relative name replaces ours. Under the prefix `retention:` ours stays at hand, so a replacement can
extend it and write only the blocks that differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path

from retention._templates import Templates, read
from retention.errors import InvalidTemplate
from retention.letters import localisation
from retention.people import LANGUAGES

__all__ = ["OURS", "compiled", "of_letters"]

OURS = "retention:"
"""The prefix under which a replaced template can still be extended."""


def of_letters(overrides: Path | None, currency: str) -> Mapping[str, Templates]:
    """The letters and their words; as in `compiled`."""
    return _ours(currency) if overrides is None else compiled(_texts(), overrides, currency)


@cache
def _ours(currency: str) -> Mapping[str, Templates]:
    """What comes with the library never changes, so all shops of a process share what is compiled."""
    return compiled(_texts(), None, currency)


def _texts() -> Mapping[str, str]:
    return read(resources.files("retention.letters") / "templates")


def compiled(ours: Mapping[str, str], overrides: Path | None, currency: str) -> Mapping[str, Templates]:
    """The templates with the filters of each language; `currency` is that of amounts which have none of their own.

    Raises `InvalidTemplate` when `overrides` is no folder.
    """
    sources = {**ours, **{OURS + name: text for name, text in ours.items()}, **_theirs(overrides)}
    return {language: Templates(sources, localisation.filters(language, currency)) for language in LANGUAGES}


def _theirs(overrides: Path | None) -> dict[str, str]:
    if overrides is None:
        return {}
    if not overrides.is_dir():
        raise InvalidTemplate(f"{overrides}: is no folder; make it, or give no overrides")
    return read(overrides)
