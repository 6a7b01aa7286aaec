"""Runs every Python example: the README, the Markdown of docs/ and the docstrings of src/.

`nox -s docs` calls it; arguments go to pytest, and paths among them replace the default ones. Each document runs in a
folder of its own, which is removed afterwards, so that an example may write what a shop would. Shell blocks
are not run.
"""

from __future__ import annotations

import contextlib
import doctest
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from sybil import Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers.myst import DocTestDirectiveParser, PythonCodeBlockParser
from sybil.parsers.myst import SkipParser as MystSkipParser
from sybil.parsers.rest import DocTestParser, SkipParser

ROOT = Path(__file__).resolve().parent.parent
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def enter(namespace: dict[str, Any]) -> None:
    """Put the document into a new folder."""
    stack = namespace["_folder"] = contextlib.ExitStack()
    stack.enter_context(contextlib.chdir(stack.enter_context(tempfile.TemporaryDirectory())))


def leave(namespace: dict[str, Any]) -> None:
    """Go back, and remove what the document wrote."""
    namespace["_folder"].close()


MARKDOWN = Sybil(
    path=str(ROOT),
    parsers=[PythonCodeBlockParser(doctest_optionflags=OPTIONS), DocTestDirectiveParser(OPTIONS), MystSkipParser()],
    patterns=["*.md"],
    excludes=["docs/_build/*", "docs/reference/api/*"],
    setup=enter,
    teardown=leave,
)
DOCSTRINGS = Sybil(
    path=str(ROOT),
    parsers=[DocTestParser(OPTIONS), SkipParser()],
    patterns=["*.py"],
    excludes=["tests/*", "docs/*", "noxfile.py"],
    document_types={".py": PythonDocStringDocument},
    setup=enter,
    teardown=leave,
)


class Examples:
    """The pytest plugin: two Sybils, active in this run only."""

    pytest_collect_file = staticmethod((MARKDOWN + DOCSTRINGS).pytest())


def main(arguments: list[str]) -> int:
    """Run pytest with the examples collected; its exit code."""
    paths = (
        [] if any(Path(a).exists() for a in arguments) else [str(ROOT / name) for name in ("README.md", "docs", "src")]
    )
    options = ["-p", "no:doctest", "-p", "no:cacheprovider", "-o", "python_files=", "--rootdir", str(ROOT)]
    return int(pytest.main([*options, *arguments, *paths], plugins=[Examples()]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
