"""How Sphinx builds this site: Markdown pages, and the reference written from the docstrings."""

from __future__ import annotations

from importlib.metadata import version as installed_version
from pathlib import Path

project = "retention"
author = "The retention contributors"
project_copyright = author
version = release = installed_version("retention")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.apidoc"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
default_role = "code"  # docstrings write `value` as Markdown does

SOURCE = Path(__file__).resolve().parent.parent / "src" / "retention"
# A package that lists its names is documented as one page, not a second time where they are written.
FACADES = [init.parent for init in sorted(SOURCE.glob("*/__init__.py")) if "__all__" in init.read_text("utf-8")]

# Every public module, from its docstrings. A name with an underscore is a private room.
apidoc_modules = [
    {
        "path": "../src/retention",
        "destination": "reference/api",
        "exclude_patterns": [f"../src/retention/{facade.name}/[!_]*.py" for facade in FACADES],
        "include_private": False,
        "separate_modules": True,
        "module_first": True,
        "automodule_options": {"members", "show-inheritance"},
    },
]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True

html_theme = "furo"
html_title = f"retention {release}"
