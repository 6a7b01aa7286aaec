"""The laws of the house hold, and the gates that guard them bite.

A gate that nobody has seen closed may be open: each one is shown a violation, planted in a copy of the package.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import FunctionType

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "retention"
MODULES = sorted(PACKAGE.rglob("*.py"))
CONTRACTS = {
    contract["id"]: contract["name"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
}
NAMES = [".".join(m.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__") for m in MODULES]
PUBLIC_NAMES = [name for name in NAMES if "._" not in name]
LONGEST = 450

# contract -> one line, and the file of the package that it is planted in
VIOLATIONS = {
    "floors": ("errors.py", "import retention._types"),
    "light": ("__init__.py", "import numpy"),
    "templates": ("facts.py", "import jinja2"),
    "hashing": ("facts.py", "import hashlib"),
    "sqlite": ("facts.py", "import sqlite3"),
    "smtp": ("facts.py", "import smtplib"),
    "scipy": ("facts.py", "import scipy.special"),
    "terminal": ("facts.py", "import click"),
    "kits": ("facts.py", "import hypothesis"),
}

HIDDEN_INPUTS = """\
import datetime as dt
import os
import random
import secrets
import time
import uuid
from datetime import date, datetime
from time import monotonic
import numpy as np
datetime.now(dt.UTC)
clock = datetime.now
datetime.utcnow()
datetime.today()
date.today()
dt.date.today()
time.time()
time.time_ns()
monotonic()
time.perf_counter()
np.random.rand(3)
np.random.seed(1)
os.urandom(8)
uuid.uuid4()
"""
ALLOWED_LINES = {1, 2, 5, 6, 7, 9, 18}  # imports of modules that can do more; a name whose import is refused


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    environment = {"PYTHONPATH": str(folder / "src"), "PYTHONUTF8": "1", "COLUMNS": "200"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )


def broken_contracts(folder: Path) -> set[str]:
    lint = "from importlinter.cli import lint_imports_command as main; main(['--no-cache'])"
    done = run("-c", lint, folder=folder)
    broken = {name for name, text in CONTRACTS.items() if f"{text} BROKEN" in done.stdout}
    kept = {name for name, text in CONTRACTS.items() if f"{text} KEPT" in done.stdout}
    assert broken | kept == set(CONTRACTS), done.stdout + done.stderr
    assert done.returncode == bool(broken)
    return broken


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project's source and settings in a folder where violations can be planted."""
    shutil.copytree(PACKAGE, tmp_path / "src" / "retention", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def plant(copy: Path, name: str, line: str) -> None:
    with (copy / "src" / "retention" / name).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")


def test_import_contracts_hold(copy: Path) -> None:
    """The package as it is breaks no contract, so what the next tests see is what they planted."""
    assert broken_contracts(copy) == set()


def test_every_import_contract_bites(copy: Path) -> None:
    """Each contract has a violation here, and breaks by it."""
    assert set(VIOLATIONS) == set(CONTRACTS)
    for name, line in VIOLATIONS.values():
        plant(copy, name, line)
    assert broken_contracts(copy) == set(CONTRACTS)


@pytest.mark.parametrize(
    "name, line",
    [
        pytest.param("_types.py", "from retention import facts", id="upward"),
        pytest.param("facts.py", "def late():\n    from retention import people", id="sibling, inside a function"),
        pytest.param("shed.py", "", id="a module without a floor"),
    ],
)
def test_floors_bite(copy: Path, name: str, line: str) -> None:
    """Looking up, looking sideways and living on no floor break the contract of the floors, and no other."""
    plant(copy, name, line)
    assert broken_contracts(copy) == {"floors"}


def test_hidden_inputs_are_banned(copy: Path) -> None:
    """Ruff refuses every clock and every global source of chance, also where a clock is named and not called."""
    (copy / "src" / "retention" / "planted.py").write_text(HIDDEN_INPUTS, encoding="utf-8")
    ruff = ("-m", "ruff", "check", "--no-cache", "--select=TID251,NPY002", "--output-format=concise")
    done = run(*ruff, "src/retention/planted.py", folder=copy)
    refused = {int(line) for line in re.findall(r"planted\.py:(\d+):\d+: (?:TID251|NPY002)", done.stdout)}
    assert refused == set(range(1, HIDDEN_INPUTS.count("\n") + 1)) - ALLOWED_LINES


def test_bans_are_lifted_at_three_lines() -> None:
    """Clocks and chance are banned but for the engine's default clock, the kits' stop-watch, and a new shop's secret."""
    lifted = [
        (module.relative_to(PACKAGE).parts[0].removesuffix(".py"), line.split()[1 if "import" in line else 0])
        for module in MODULES
        for line in module.read_text("utf-8").splitlines()
        if re.search(r"noqa:.*TID251", line)
    ]
    assert sorted(lifted) == [("cli", "secrets"), ("engine", "return"), ("testing", "def")]


def hidden_inputs(tree: ast.AST) -> list[int]:
    """The lines that draw a seed from the machine or spell a clock as text, which ruff does not see."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return [call.lineno for call in calls if _unseeded(call) or _spelled_clock(call)]


def _unseeded(call: ast.Call) -> bool:
    return ast.unparse(call.func).endswith("default_rng") and not call.args and not call.keywords


def _spelled_clock(call: ast.Call) -> bool:
    if not ast.unparse(call.func).endswith("datetime64"):
        return False
    return any(isinstance(a, ast.Constant) and a.value in {"now", "today"} for a in call.args)


def test_hidden_inputs_are_found() -> None:
    """An unseeded generator and numpy's spelled clocks are found, a seeded generator and a date are not."""
    bad = "np.random.default_rng()\nnp.datetime64('now')\nnumpy.datetime64('today', 'D')\n"
    good = "np.random.default_rng(seed)\nnp.datetime64('2026-01-01')\n"
    assert hidden_inputs(ast.parse(bad + good)) == [1, 2, 3]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.relative_to(PACKAGE).as_posix())
def test_module_keeps_the_rules_of_the_house(module: Path) -> None:
    """Each file says its room's rules at the door, is short enough to be read, and has no hidden input."""
    text = module.read_text("utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "the module docstring says what the file owns and what it may not do"
    assert text.count("\n") <= LONGEST
    assert hidden_inputs(tree) == []


@pytest.mark.parametrize(
    "tests", sorted(ROOT.joinpath("tests").rglob("test_*.py")), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_every_test_says_what_must_hold(tests: Path) -> None:
    """A test's docstring is the law it checks."""
    functions = [node for node in ast.walk(ast.parse(tests.read_text("utf-8"))) if isinstance(node, ast.FunctionDef)]
    silent = [node.name for node in functions if node.name.startswith("test_") and not ast.get_docstring(node)]
    assert silent == []


def loaded_by(statement: str) -> set[str]:
    script = f"import sys; before = set(sys.modules); {statement}; print(*(set(sys.modules) - before))"
    done = run("-c", script, folder=ROOT)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_else() -> None:
    """`import retention` costs nothing: no third-party package, no room of its own."""
    others = {name for name in loaded_by("import retention") if name.partition(".")[0] not in sys.stdlib_module_names}
    assert others == {"retention"}


def test_no_module_loads_scipy_on_import() -> None:
    """A web worker that assigns an arm does not pay for scipy: it is imported inside the functions that need it."""
    loaded = loaded_by("import " + ", ".join(NAMES))
    assert set(NAMES) <= loaded
    assert "scipy" not in loaded


def undocumented(cls: type) -> list[str]:
    """The public methods and properties that neither the class nor the one it overrides documents."""
    kinds = (FunctionType, classmethod, staticmethod, property)
    public = [name for name, member in vars(cls).items() if isinstance(member, kinds) and not name.startswith("_")]
    return [
        f"{cls.__name__}.{name}" for name in public if not any(vars(c)[name].__doc__ for c in _declaring(cls, name))
    ]


def _declaring(cls: type, name: str) -> list[type]:
    return [c for c in cls.__mro__ if name in vars(c)]


@pytest.mark.parametrize("name", PUBLIC_NAMES)
def test_every_public_method_is_documented(name: str) -> None:
    """What a user can call says what it does, at the latest where it was first declared."""
    module = importlib.import_module(name)
    classes = [c for c in vars(module).values() if inspect.isclass(c) and c.__module__ == name and c.__name__[0] != "_"]
    assert [method for cls in classes for method in undocumented(cls)] == []


def test_undocumented_methods_are_found() -> None:
    """A silent method and a silent property are found; an override of a documented method is not."""

    class Spoken:
        def greet(self) -> None:
            """Say hello."""

    class Silent(Spoken):
        def greet(self) -> None: ...
        def leave(self) -> None: ...
        @property
        def name(self) -> str: ...

    assert undocumented(Silent) == ["Silent.leave", "Silent.name"]
