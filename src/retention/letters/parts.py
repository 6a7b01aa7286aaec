"""One template and one context -> the parts of a letter.

A letter's template has the blocks `subject` and `preheader` (the line that mail programs show after the subject) and
the two documents `text_part` and `html_part`, which the layout builds around the blocks `text` and `html`.
"""

from __future__ import annotations

import re

from attrs import frozen

from retention._templates import SUFFIX, Templates
from retention.letters.context import Context

__all__ = ["BLOCKS", "LONGEST_SUBJECT", "Parts", "file_name", "render"]

BLOCKS = ("subject", "preheader", "text", "html", "text_part", "html_part")
"""The blocks that every letter has, its own or its layout's."""
LONGEST_SUBJECT = 150
"""Characters; mail programs show about 60 of them."""
_SPACES = re.compile(r"[ \t\r\n]+")
_GAPS = re.compile(r"\n{3,}")


@frozen
class Parts:
    """`subject` and `preheader`: one line each. `text` and `html`: whole documents."""

    subject: str
    preheader: str
    text: str
    html: str


def file_name(language: str, template: str) -> str:
    """Where the template of a step lives in one language: `en/win_back/miss_you.jinja`."""
    return f"{language}/{template}{SUFFIX}"


def render(templates: Templates, name: str, context: Context, subject: str = "subject") -> Parts:
    """The parts of the letter, spaces tidied; `subject` is the block of its subject line. Raises `InvalidTemplate`."""
    values = context.variables()
    return Parts(
        subject=_one_line(templates.text(name, subject, values)),
        preheader=_one_line(templates.text(name, "preheader", values)),
        text=_tidy(templates.text(name, "text_part", values)),
        html=templates.html(name, "html_part", values).strip() + "\n",
    )


def _one_line(text: str) -> str:
    return _SPACES.sub(" ", text).strip(" ")


def _tidy(text: str) -> str:
    lines = "\n".join(line.rstrip(" \t\r") for line in text.split("\n"))
    return _GAPS.sub("\n\n", lines).strip() + "\n"
