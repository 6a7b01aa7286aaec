"""Style sheets of letters, written into each element's own style: many mail programs drop what stands in <style>.

With the extra `html` installed every letter passes here. The letters that ship are styled inline already and stay as
they are; it is there for the templates of a shop. What cannot be inlined (media queries, the dark mode) stays in its
<style>, and a letter that has nothing else there is not touched. Nothing is fetched.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from css_inline import CSSInliner

__all__ = ["inlined"]

_SHEET = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL | re.IGNORECASE)
_AT_RULE = re.compile(r"/\*.*?\*/|@[\w-]+[^{;]*(?:;|\{(?:[^{}]*\{[^{}]*\})*[^{}]*\})", re.DOTALL)


def inlined(html: str) -> str:
    """The document with its rules inline; as it is where there are none, or the extra is not installed."""
    if all(_is_bare(sheet) for sheet in _SHEET.findall(html)):
        return html
    inliner = _inliner()
    return html if inliner is None else str(inliner.inline(html))


@lru_cache(maxsize=256)
def _is_bare(sheet: str) -> bool:
    """Whether a style sheet holds nothing that could be written inline."""
    return not _AT_RULE.sub("", sheet).strip()


@cache
def _inliner() -> CSSInliner | None:
    try:
        from css_inline import CSSInliner
    except ImportError:
        return None
    return CSSInliner(keep_style_tags=True, keep_at_rules=True, load_remote_stylesheets=False)
