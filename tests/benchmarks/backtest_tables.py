"""The two published backtests, and the calibration plot of the docs.

    python tests/benchmarks/backtest_tables.py DATA [--plot docs/explanation/p-active.svg]

DATA is the folder that RETENTION_DATA names elsewhere. For each shop: what `churn.choose` picks on the evening of the
cut, by the table that it picks by, and then every candidate judged on the 13 weeks after the cut.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from retention import churn
from retention.orders import OrderLog

HORIZON = 13
SIZE, MARGIN = 360, 50
COLOURS = {"plain gap": "#b5651d", "chosen": "#1f5fa8"}


def cdnow(folder: Path) -> OrderLog:
    """CDNOW, all customers."""
    with gzip.open(folder / "CDNOW_master.txt.gz", "rt", encoding="utf-8") as file:
        rows = [line.split() for line in file if line.strip()][1:]
    who, when, _, dollars = zip(*rows, strict=True)
    days = [f"{day[:4]}-{day[4:6]}-{day[6:]}" for day in when]
    return OrderLog.of(list(map(int, who)), np.array(days, dtype="datetime64[D]"), list(map(float, dollars)))


def online_retail(folder: Path) -> OrderLog:
    """Online Retail, paid sales to known customers: no cancellations, quantity and price above 0."""
    total: dict[tuple[int, str, str], float] = defaultdict(float)
    with gzip.open(folder / "online_retail_uci.csv.gz", "rt", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            quantity, price = int(row["Quantity"]), float(row["UnitPrice"])
            if row["CustomerID"] and not row["InvoiceNo"].startswith("C") and quantity > 0 and price > 0:
                key = int(float(row["CustomerID"])), row["InvoiceNo"], row["InvoiceDate"][:10]
                total[key] += quantity * price
    who, _, days = zip(*total, strict=True)
    return OrderLog.of(list(who), np.array(days, dtype="datetime64[D]"), list(total.values()))


def show(title: str, log: OrderLog, cut: str) -> churn.Score:
    """Print both tables of a shop; the score of the cut's evening."""
    found = churn.score(log, at=cut, horizon=HORIZON)
    table = churn.backtest(log, at=cut, horizon=HORIZON)
    sys.stdout.write(f"{title}\n\nChosen on the evening of {cut}, by the 13 weeks before:\n\n{found.table}\n\n")
    sys.stdout.write(f"{found.verdict}\n\nJudged by the 13 weeks after {cut}:\n\n{table}\n\n\n")
    return found


def points(p: np.ndarray, ordered: np.ndarray) -> list[tuple[float, float]]:
    """Mean forecast and share that ordered in ten groups of equal count."""
    groups = np.array_split(np.argsort(p, kind="stable"), 10)
    return [(float(p[rows].mean()), float(ordered[rows].mean())) for rows in groups]


def plot(lines: dict[str, list[tuple[float, float]]], *, top: float = 0.7) -> str:
    """An SVG: share that ordered over forecast, the diagonal being perfect."""

    def place(x: float, y: float) -> str:
        return f"{MARGIN + x / top * SIZE:.1f},{MARGIN / 2 + (1 - y / top) * SIZE:.1f}"

    box = f"0 0 {SIZE + 1.5 * MARGIN:g} {SIZE + 1.7 * MARGIN:g}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<polyline points="{place(0, top)} {place(0, 0)} {place(top, 0)}" fill="none" stroke="#444"/>',
        f'<polyline points="{place(0, 0)} {place(top, top)}" stroke="#999" stroke-dasharray="4 4"/>',
    ]
    for tenth in range(int(top * 10) + 1):
        (x, y), (_, left) = (place(tenth / 10, 0).split(","), place(0, tenth / 10).split(","))
        parts.append(f'<text x="{x}" y="{float(y) + 16:.1f}" text-anchor="middle">{tenth * 10}%</text>')
        parts.append(f'<text x="{MARGIN - 6}" y="{float(left) + 4:.1f}" text-anchor="end">{tenth * 10}%</text>')
    for row, ((name, line), colour) in enumerate(zip(lines.items(), COLOURS.values(), strict=True)):
        drawn = [place(*point) for point in line]
        parts.append(f'<polyline points="{" ".join(drawn)}" fill="none" stroke="{colour}"/>')
        parts += [f'<circle cx="{p.split(",")[0]}" cy="{p.split(",")[1]}" r="4" fill="{colour}"/>' for p in drawn]
        parts.append(f'<text x="{MARGIN + 14}" y="{MARGIN / 2 + 16 + 18 * row}" fill="{colour}">{name}</text>')
    middle, bottom = MARGIN + SIZE / 2, SIZE + 1.5 * MARGIN
    parts.append(f'<text x="{middle:g}" y="{bottom:g}" text-anchor="middle">forecast: p_active</text>')
    parts.append(f'<text transform="translate(12 {SIZE / 2:g}) rotate(-90)" text-anchor="middle">who ordered</text>')
    return "\n".join([*parts, "</svg>", ""])


def calibration(log: OrderLog, cut: str, found: churn.Score) -> str:
    """The plot of the chosen score beside the plain gap."""
    day = int(np.datetime64(cut).astype(int))
    later = log.ids[np.unique(log.customer[(log.day > day) & (log.day <= day + 7 * HORIZON)])]
    ordered = np.isin(found.customer_id, later)
    gap = churn.apply(churn.choose(log, at=cut, horizon=HORIZON, models=["plain gap"]), log, at=cut)
    forecasts = {"plain gap": gap.p_active, f"chosen: {found.chosen}": found.p_active}
    return plot({name: points(p, ordered) for name, p in forecasts.items()})


def main() -> None:
    """Both shops, and the plot if it is asked for."""
    parser = argparse.ArgumentParser(description="Print the two published backtests.")
    parser.add_argument("data", type=Path, help="the folder with CDNOW_master.txt.gz and online_retail_uci.csv.gz")
    parser.add_argument("--plot", type=Path, help="write the calibration plot of CDNOW to this SVG file")
    options = parser.parse_args()
    log = cdnow(options.data)
    found = show("CDNOW, all customers", log, "1997-12-31")
    show("Online Retail, paid sales", online_retail(options.data), "2011-09-09")
    if options.plot:
        options.plot.write_text(calibration(log, "1997-12-31", found), encoding="utf-8")


if __name__ == "__main__":
    main()
