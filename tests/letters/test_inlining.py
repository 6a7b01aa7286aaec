"""Style sheets written inline where the extra is installed, and left alone where it is not."""

from __future__ import annotations

import sys

import pytest

from retention.letters import inlining

SHEET = "<style>p { color: red } @media (max-width: 9px) { p { color: blue } }</style>"
PAGE = f"<!DOCTYPE html><html><head>{SHEET}</head><body><p>Grüße &amp; <b>mehr</b></p></body></html>"


@pytest.fixture(autouse=True)
def anew():
    """Whether the extra is there is asked once a process."""
    inlining._inliner.cache_clear()
    yield
    inlining._inliner.cache_clear()


def test_rules_become_styles():
    """The paragraph has its colour, the media query stays, the text is untouched, and the bytes are always the same."""
    pytest.importorskip("css_inline", reason="needs the extra: python -m pip install 'retention[html]'")
    done = inlining.inlined(PAGE)
    assert '<p style="color: red' in done.replace("color:red", "color: red")
    assert "@media (max-width: 9px)" in done
    assert "Grüße &amp; <b>mehr</b>" in done
    assert inlining.inlined(PAGE) == done


def test_without_the_extra(monkeypatch):
    """The document passes as it is."""
    monkeypatch.setitem(sys.modules, "css_inline", None)
    assert inlining.inlined(PAGE) == PAGE


@pytest.mark.parametrize(
    "sheet",
    [
        "",
        "/* nothing */",
        "@media print { p { color: red } b { color: blue } }",
        "@import url(x);",
        "@font-face { src: x }",
    ],
    ids=["empty", "comment", "media", "import", "font"],
)
def test_what_cannot_be_inlined_is_left_alone(sheet):
    """A document without a plain rule keeps its bytes."""
    page = f"<!doctype html><style>{sheet}</style><p title='a'>x</p>"
    assert inlining.inlined(page) == page
