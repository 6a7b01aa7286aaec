"""What all tests share: hypothesis without chance or deadlines, the folder of real data, and installed packages."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# The same examples on every machine; `--hypothesis-profile=explore` looks for new ones.
settings.register_profile("ci", derandomize=True, deadline=None, max_examples=60, database=None)
settings.register_profile("explore", deadline=None, max_examples=2_000)
settings.load_profile("ci")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets, or a skipped test."""
    folder = Path(os.environ.get("RETENTION_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}: set RETENTION_DATA to the folder that holds it")
    return folder


@pytest.fixture(scope="session")
def offered() -> Callable[..., dict]:
    """A shop with offers, as the arguments of `offers.choose`, with limits that bind.

    `kind`: "plain", "ties" (whole numbers), "segments" (forty different rows).
    """

    def make(n: int, k: int = 8, *, kind: str = "plain", seed: int = 0) -> dict:
        rng = np.random.default_rng(seed)
        p0, margin, price = rng.beta(1.2, 8, n), rng.lognormal(3.2, 0.5, n), rng.uniform(1, 8, k)
        uplift = rng.gamma(1.5, 0.02, (n, k)) * rng.uniform(0.5, 1.5, k)
        cost = price * np.minimum(p0[:, None] + uplift, 1)
        value = margin[:, None] * uplift - cost
        if kind == "ties":
            value, cost = np.round(value), np.round(cost + 0.5)
        if kind == "segments":
            segment = rng.integers(0, 40, n)
            value, cost = value[segment], cost[segment]
        best = value.argmax(axis=1)
        wanted = np.where(value.max(axis=1) > 0, cost[np.arange(n), best], 0).sum()
        stock = [max(1, int(count) // 6) for count in np.bincount(best, minlength=k)[:3]]
        return {"value": value, "cost": cost, "budget": wanted / 4, "stock": stock[:k] + [None] * (k - 3)}

    return make


class Installed:
    """A folder of installed packages, ours among them as pyproject.toml declares it, however the tests are run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ours = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
        self.add("retention", self.ours)

    def add(self, name: str, offers: Mapping[str, Mapping[str, str]], **modules: str) -> None:
        """What pip leaves behind: a package's metadata with its entry points, and its modules."""
        about = self.folder / f"{name}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
        lines = (x for group, plugins in offers.items() for x in (f"[{group}]", *map(" = ".join, plugins.items())))
        (about / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        for module, text in modules.items():
            (self.folder / f"{module}.py").write_text(text, encoding="utf-8")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installed:
    """What is installed for this test, before whatever else is."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    return Installed(folder)
