"""The pictures of the docs: the demo shop's report and the letters' preview, as a browser shows them.

    python docs/screenshots.py      # needs the package with its extra `demo`, and Chromium on the path

Writes `docs/images/*.png`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

IMAGES = Path(__file__).parent / "images"
NAMES = ("chromium", "chromium-browser", "google-chrome")
SHOTS = {"report": (1150, 2300), "preview": (1640, 1500)}


def main() -> None:
    """Make the pages in a folder of their own, and take their pictures."""
    browser = next((path for name in NAMES if (path := shutil.which(name))), None) or sys.exit("no Chromium here")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for command in (
            ("demo", "--directory", "demo"),
            ("report", "--db", "demo/shop.db", "--output", "report.html"),
            ("preview", "--output", "preview.html"),
        ):
            subprocess.run(["retention", *command], cwd=folder, check=True)
        for name, (width, height) in SHOTS.items():
            subprocess.run(
                [
                    browser,
                    "--headless",
                    "--no-sandbox",
                    "--hide-scrollbars",
                    f"--screenshot={IMAGES / f'{name}.png'}",
                    f"--window-size={width},{height}",
                    f"file://{folder}/{name}.html",
                ],
                check=True,
                stderr=subprocess.DEVNULL,
            )


if __name__ == "__main__":
    main()
