"""Style sheets of letters, written into each element's own style: many mail programs drop what stands in <style>.

With the extra `html` installed every letter passes here; the letters that ship are styled inline already and look the
same without it, so it is there for the templates of a shop. What cannot be inlined (media queries, the dark mode) stays
in its <style>. Nothing is fetched.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from css_inline import CSSInliner

__all__ = ["inlined"]


def inlined(html: str) -> str:
    """The document with its rules inline; as it is where the extra is not installed."""
    inliner = _inliner()
    return html if inliner is None else str(inliner.inline(html))


@cache
def _inliner() -> CSSInliner | None:
    try:
        from css_inline import CSSInliner
    except ImportError:
        return None
    return CSSInliner(keep_style_tags=True, keep_at_rules=True, load_remote_stylesheets=False)
