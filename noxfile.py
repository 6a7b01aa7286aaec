"""Everything that guards this library. `python -m pip install nox && nox` runs the default sessions.

Pythons come from the classifiers in pyproject.toml and coverage floors from its import contracts, so neither list can
drift. A Python that is not installed is skipped with a message; if none is, the coverage session has no data and fails.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import nox

nox.needs_version = ">=2025.11.12"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "types", "floors", "package", "docs", "tests", "coverage"]

ROOT = Path(__file__).parent
PYPROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PYPROJECT)
CORES = "2"
WHOLE = ".[demo,resend,testing]"
"""The package with everything that its tests and examples use."""


def group(name: str) -> list[str]:
    """The requirements of one dependency group."""
    return list(nox.project.dependency_groups(PYPROJECT, name))


@nox.session
def lint(session: nox.Session) -> None:
    """Rules, format, spelling, metadata and declared dependencies."""
    session.install(*group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("codespell", "src", "tests", "docs", "README.md", "noxfile.py", "pyproject.toml")
    session.run("validate-pyproject", "pyproject.toml")
    session.run("deptry", "src")


@nox.session
def types(session: nox.Session) -> None:
    """Strict types of the library, of the public API as a user calls it, and of this file."""
    session.install("-e", WHOLE, *group("types"))
    session.run("mypy", "src", "tests/typing", "noxfile.py", "docs/run_examples.py")


@nox.session
def floors(session: nox.Session) -> None:
    """Who may import whom."""
    session.install(*group("floors"))
    session.run("lint-imports", "--no-cache", env={"PYTHONPATH": "src"})


@nox.session
def package(session: nox.Session) -> None:
    """The source distribution builds a wheel that holds every file of the package."""
    session.install(*group("package"))
    out = Path(session.create_tmp()) / "dist"
    session.run("python", "-m", "build", "--no-isolation", f"--outdir={out}")
    (wheel,) = out.glob("*.whl")
    missing = sorted(set(_package_files()) - set(zipfile.ZipFile(wheel).namelist()))
    if missing:
        session.error(f"{wheel.name} lacks {', '.join(missing)}: see [tool.hatch.build] and .gitignore")


def _package_files() -> Iterator[str]:
    for path in (ROOT / "src" / "retention").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(ROOT / "src").as_posix()


@nox.session
def docs(session: nox.Session) -> None:
    """Every example in the README, the docs and the docstrings is true, and the site builds without a warning."""
    session.install("-e", WHOLE, *group("docs"))
    session.run("python", "docs/run_examples.py", *session.posargs)
    for script in sorted((ROOT / "docs" / "examples").glob("*.py")):
        with session.chdir(session.create_tmp()):
            session.run("python", str(script))
    session.run("sphinx-build", "-W", "--keep-going", "-q", "-b", "html", "docs", "docs/_build/html")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The tests on one Python, with branch coverage kept for the coverage session."""
    session.install("-e", WHOLE, *group("tests"))
    env = {"COVERAGE_FILE": f".coverage.{session.python}"}
    session.run("pytest", "-n", CORES, "--cov", "--cov-report=", *session.posargs, env=env)


@nox.session
def coverage(session: nox.Session) -> None:
    """All Pythons together: every branch of floors 0 to 5, 95 % of the rest."""
    session.install(*group("coverage"))
    session.run("coverage", "combine")
    pure = ",".join(_files(_pure_modules()))
    session.log("coverage report of floors 0 to 5")
    session.run("coverage", "report", "--fail-under=100", f"--include={pure}", log=False)
    session.log("coverage report of everything else")
    session.run("coverage", "report", "--fail-under=95", f"--omit={pure}", log=False)


def _pure_modules() -> list[str]:
    (contract,) = (c for c in PYPROJECT["tool"]["importlinter"]["contracts"] if c["id"] == "floors")
    names = [re.findall(r"\w+", layer) for layer in contract["layers"]]
    first = names.index(["playbooks"])
    return [name for layer in names[first:] for name in layer]


def _files(modules: list[str]) -> Iterator[str]:
    for name in modules:
        yield from (f"src/retention/{name}.py", f"src/retention/{name}/*")


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Speed beside plain pandas, polars and lifetimes, in one run on this machine."""
    session.install("-e", ".", *group("benchmarks"))
    # Not `-W error`: the peers warn about each other.
    session.run("pytest", "tests/benchmarks", "--override-ini=norecursedirs=", "-Wdefault", *session.posargs)


@nox.session
def screenshots(session: nox.Session) -> None:
    """The pictures of the docs, made anew; needs Chromium."""
    session.install("-e", WHOLE)
    session.run("python", "docs/screenshots.py")


@nox.session
def backtests(session: nox.Session) -> None:
    """How well the scores foretold real shops' orders, in the data of the folder that RETENTION_DATA names."""
    folder = os.environ.get("RETENTION_DATA") or session.error("set RETENTION_DATA to the folder of the data sets")
    session.install("-e", ".")
    session.run("python", "tests/benchmarks/backtest_tables.py", folder, "--plot", "docs/explanation/p-active.svg")


@nox.session
def returns(session: nox.Session) -> None:
    """Reasons from text, rates and risks of returns beside simple rivals, on the data that RETENTION_DATA names."""
    folder = os.environ.get("RETENTION_DATA") or session.error("set RETENTION_DATA to the folder of the data sets")
    session.install("-e", ".", *group("benchmarks"))
    session.run("python", "tests/benchmarks/returns_tables.py", folder)


@nox.session
def calendars(session: nox.Session) -> None:
    """Local wall time in every zone, across every clock change of 2000 to 2037, against a walk minute by minute."""
    session.install("-e", WHOLE, *group("tests"))
    session.run("pytest", "-n", CORES, "-m", "calendar", "-rP", "tests/test_calendars.py", *session.posargs)


@nox.session
def simulations(session: nox.Session) -> None:
    """Hundreds of simulated shops: the estimate must be unbiased, its interval must cover."""
    session.install("-e", WHOLE, *group("tests"))
    session.run("pytest", "-n", CORES, "-m", "simulation", "-rA", *session.posargs)


@nox.session
def truth(session: nox.Session) -> None:
    """Two hundred simulated shops in each world: estimates beside the truth, and what other ways of mailing earn."""
    session.install("-e", WHOLE, *group("tests"))
    session.run("pytest", "-n", CORES, "--dist=loadgroup", "-m", "simulation", "-rA", "tests/simulations/test_truth.py")


@nox.session
def chaos(session: nox.Session) -> None:
    """Workers killed at every point of a letter's way; `-- --kills 1000 --messages 200000` for the long storm."""
    session.install("-e", WHOLE, *group("tests"))
    session.run("python", "tests/chaos/storm.py", *session.posargs)
    session.run("pytest", "-m", "chaos")


@nox.session(python=PYTHONS[0], venv_backend="uv")
def lowest(session: nox.Session) -> None:
    """The tests with the lowest direct dependencies that pyproject.toml allows (needs uv)."""
    session.install("-e", WHOLE, "--resolution=lowest-direct")
    session.install(*group("tests"))  # keeps what is there; the tools themselves may be new
    session.run("uv", "pip", "list", external=True)
    session.run("pytest", "-n", CORES, *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """Changes planted in the modules named after `--`, which the tests must notice."""
    session.install("-e", WHOLE, *group("mutants"))
    session.run("mutmut", "run", *session.posargs)
    session.run("mutmut", "results")
