"""What `retention.returns` is worth on real data, beside simple rivals: reasons from text, rates and risk of returns.

    python tests/benchmarks/returns_tables.py FOLDER

Every figure on texts is cross-validated on the labelled files, but for the Russian ones and the direction of size,
whose texts were read while the lexicon was written: their figures are not evidence for unseen texts, and say so.
Rates and risks are learned before a date and judged after it.
"""

from __future__ import annotations

import csv
import gzip
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import rankdata
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from train_reasons import labelled

from retention import returns
from retention.returns import complaints
from retention.returns.classifier import FAMILIES

GROUPS = {"SIZE": FAMILIES["SIZE"], "WORKMANSHIP": FAMILIES["WORKMANSHIP"], "STYLE": ("STYLE",), "PRICE": ("PRICE",)}
ORDER = list(returns.Reason)
NO_PRODUCT = {"POST", "DOT", "M", "m", "C2", "D", "S", "BANK CHARGES", "AMAZONFEE", "CRUK", "B", "PADS"}


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")


def show(title: str, rows: list[list[Any]]) -> None:
    """Print a table."""
    say(f"\n{title}")
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        say("  " + "  ".join(str(cell).rjust(width) for cell, width in zip(row, widths, strict=True)))


# ---------------------------------------------------------------- texts


def f1(truth: Any, found: Any) -> float:
    """Of one reason."""
    both = (truth & found).sum()
    return 2 * both / max(truth.sum() + found.sum(), 1)


def macro(truth: Any, found: Any) -> float:
    """Mean F1 over the columns."""
    return float(np.mean([f1(truth[:, g], found[:, g]) for g in range(truth.shape[1])]))


def interval(truth: Any, found: Any, seed: int = 0) -> str:
    """The middle 95 % of 500 resamplings of the texts."""
    rng = np.random.default_rng(seed)
    drawn = (rng.integers(0, len(truth), len(truth)) for _ in range(500))
    lower, upper = np.percentile([macro(truth[rows], found[rows]) for rows in drawn], [2.5, 97.5])
    return f"{lower:.3f} to {upper:.3f}"


def grouped(found: returns.Classification) -> tuple[Any, Any]:
    """Which groups each text complains of, and the best score in each."""
    given = np.array([[any(r in group for r in reasons) for group in GROUPS.values()] for reasons in found.reasons])
    places = [[ORDER.index(returns.Reason(r)) for r in group] for group in GROUPS.values()]
    return given, np.column_stack([found.scores[:, place].max(axis=1) for place in places])


def folds(n: int, k: int = 10, seed: int = 0) -> list[Any]:
    """Rows of each fold."""
    return np.array_split(np.random.default_rng(seed).permutation(n), k)


def english(folder: Path) -> None:
    """Complaints about clothes: lexicon and classifier, the lexicon alone, TF-IDF."""
    texts, labels, sentiment = labelled(folder)
    truth = np.array([[name in given for name in GROUPS] for given in labels])
    ours, scores, tfidf = np.zeros(truth.shape, bool), np.zeros(truth.shape), np.zeros(truth.shape, bool)
    for test in folds(len(texts)):
        train = np.setdiff1d(np.arange(len(texts)), test)
        fitted = returns.fit_classifier([texts[i] for i in train], [labels[i] for i in train])
        found = returns.classify([texts[i] for i in test], classifier=fitted)
        ours[test], scores[test] = grouped(found)
        tfidf[test] = rival([texts[i] for i in train], truth[train], [texts[i] for i in test])
    shipped, complaints.shipped = complaints.shipped, lambda: None  # type: ignore[assignment]
    lexicon, _ = grouped(returns.classify(texts))
    complaints.shipped = shipped
    sad = np.array(sentiment) == "-1"
    rows = [["complaints", *GROUPS, "macro F1", "95 %"]]
    for name, given in (
        ("lexicon + classifier", ours),
        ("lexicon alone (read)", lexicon),
        ("TF-IDF + logistic", tfidf),
    ):
        each = [f"{f1(truth[sad, g], given[sad, g]):.3f}" for g in range(len(GROUPS))]
        rows.append([name, *each, f"{macro(truth[sad], given[sad]):.3f}", interval(truth[sad], given[sad])])
    show("English reviews that complain (462 of 1,765; ten folds; goal .62)", rows)
    sure, best = scores[sad].max(axis=1), scores[sad].argmax(axis=1)
    order = np.argsort(-sure)[: int(np.ceil(0.6 * sad.sum()))]
    right = truth[sad][np.arange(sad.sum()), best]
    show(
        "the likeliest reason is right",
        [["coverage", "precision", "goal"], ["0.60", f"{right[order].mean():.3f}", ".90"]],
    )


def rival(train: list[str], truth: Any, test: list[str]) -> Any:
    """TF-IDF of words and pairs with a logistic regression for each group, from scikit-learn."""
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    learned, asked = words.fit_transform(train), words.transform(test)
    models = [LogisticRegression(class_weight="balanced", max_iter=500).fit(learned, column) for column in truth.T]
    return np.column_stack([model.predict(asked) for model in models]).astype(bool)


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def directions(folder: Path) -> None:
    """Too small or too large: right, and the opposite."""
    rows = read(folder / "en_size_direction.dev.csv")
    scores = returns.classify(row["text"] for row in rows).scores[:, : len(FAMILIES["SIZE"])]
    found = [ORDER[best].value for best in scores.argmax(axis=1)]
    right = np.mean([reason == row["label"] for reason, row in zip(found, rows, strict=True)])
    opposite = np.mean(
        [
            {reason, row["label"]} == {"SIZE_TOO_SMALL", "SIZE_TOO_LARGE"}
            for reason, row in zip(found, rows, strict=True)
        ]
    )
    show(
        "direction of size, 96 reviews (read while writing)",
        [["right", "opposite", "goal"], [f"{right:.3f}", f"{opposite:.3f}", ".85, .02"]],
    )


def russian(folder: Path) -> None:
    """Marketplace reviews with several codes each."""
    rows = read(folder / "ru_reviews_reasons.dev.csv")
    truth_sets = [set(row["labels"].split("|")) for row in rows]
    codes = sorted(set().union(*truth_sets))
    found = returns.classify(row["text"] for row in rows)
    truth = np.array([[code in given for code in codes] for given in truth_sets])
    ours = np.array([[code in map(str, given) for code in codes] for given in found.reasons])
    best = [str(given[0]) in wanted for given, wanted in zip(found.reasons, truth_sets, strict=True)]
    sure = found.scores[:, :-1].max(axis=1)
    order = np.argsort(-sure)[: int(np.ceil(0.6 * len(rows)))]
    told = [["macro F1", "95 %", "coverage", "precision at .60", "goal"]]
    told.append(
        [
            f"{macro(truth, ours):.3f}",
            interval(truth, ours),
            f"{found.coverage:.2f}",
            f"{np.mean(np.array(best)[order]):.3f}",
            ".75, .90",
        ]
    )
    show("Russian reviews, 88 (read while writing: not evidence for unseen texts)", told)


def speed(folder: Path) -> None:
    """Texts per CPU second."""
    texts, _, _ = labelled(folder)
    with gzip.open(folder / "ru_marketplace_reviews.csv.gz", "rt", encoding="utf-8", newline="") as file:
        marketplace = [row["text"] for row in csv.DictReader(file)]
    rows = [["texts", "characters", "per CPU second"]]
    for name, some in (("English reviews", texts), ("Russian reviews", marketplace)):
        took = seconds(lambda some=some: returns.classify(some))
        rows.append([name, f"{np.mean([len(text) for text in some]):.0f}", f"{len(some) / took:,.0f}"])
    show("speed of classify (goal 5,000)", rows)


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds."""
    start = time.process_time()
    work()
    return time.process_time() - start


# ---------------------------------------------------------------- rates and risk


def judged(name: str, y: Any, p: Any) -> list[str]:
    """Log loss, AUC, calibration error, what the riskiest fifth holds."""
    p = np.clip(p, 1e-6, 1 - 1e-6)
    ranks, ones = rankdata(p), y.sum()
    auc = (ranks[y == 1].sum() - ones * (ones + 1) / 2) / (ones * (len(y) - ones))
    parts = np.array_split(np.argsort(p, kind="stable"), 10)
    off = sum(len(part) * abs(y[part].mean() - p[part].mean()) for part in parts) / len(y)
    riskiest = np.argsort(-p, kind="stable")[: len(y) // 5]
    loss = -np.log(np.where(y == 1, p, 1 - p)).mean()
    return [name, f"{loss:.5f}", f"{auc:.4f}", f"{off:.4f}", f"{y[riskiest].mean() / y.mean():.2f}"]


def rivals(learned: Any, back: Any, asked: Any) -> list[tuple[str, Any]]:
    """The global rate, raw and Laplace rates of products, and rates that lean on the others."""
    names, code = np.unique(learned, return_inverse=True)
    sold, returned = np.bincount(code), np.bincount(code, back)
    place = np.minimum(np.searchsorted(names, asked), len(names) - 1)
    known, usual = names[place] == asked, back.mean()
    raw = np.where(known, (returned / sold)[place], usual)
    laplace = np.where(known, ((returned + 1) / (sold + 2))[place], usual)
    return [("global rate", np.full(len(asked), usual)), ("product, raw", raw), ("product, Laplace", laplace),
            ("product, fit_rates", returns.fit_rates(learned, back).of(asked))]  # fmt: skip


def covered(learned: Any, back: Any, settled: Any, asked: Any, y: Any) -> str:
    """How often the next period's count lies in the 90 % interval, its ends counted by halves (randomised)."""
    rates = returns.fit_rates(learned, back, settled=settled)
    place = np.minimum(np.searchsorted(rates.group, asked), len(rates.group) - 1)
    known = rates.group[place] == asked
    sales = np.bincount(place[known], minlength=len(rates.group))
    count = np.bincount(place[known], y[known], len(rates.group))
    from scipy.stats import betabinom

    a, b = rates._known()
    some = sales > 0
    upto, below = (betabinom.cdf(count[some] - step, sales[some], a[some], b[some]) for step in (0, 1))
    inside = np.clip(np.minimum(upto, 0.95) - np.maximum(below, 0.05), 0, None) / np.maximum(upto - below, 1e-12)
    lower, upper = rates.counts(sales)
    whole = ((lower <= count) & (count <= upper))[some].mean()
    return f"{inside.mean():.3f} randomised, {whole:.3f} in whole counts, {some.sum():,} products"


def runway(folder: Path) -> None:
    """RentTheRunway: another size needed, learned before 2017-07."""
    rows = pl.read_csv(folder / "rtr_fit.csv.gz", infer_schema_length=0)
    column = {name: rows[name].to_numpy().astype(str) for name in ("user_id", "item_id", "size", "category")}
    date = rows["review_date"].str.slice(0, 10).to_numpy().astype("M8[D]")
    y, before = (rows["fit"] != "fit").to_numpy().astype(float), date < np.datetime64("2017-07-01")

    def lines(chosen: Any) -> returns.Lines:
        user, day = column["user_id"][chosen], date[chosen]
        order = np.char.add(user, day.astype(str))
        more = {name: column[name][chosen] for name in ("size", "category")}
        return returns.Lines.of(user, order, column["item_id"][chosen], day, **more)

    table(
        "RentTheRunway, 38,511 rentals after 2017-07-01 (goals .555, .644, .01, 1.65)",
        lines(before),
        y[before],
        None,
        lines(~before),
        y[~before],
    )


def online_retail(folder: Path) -> None:
    """Online Retail: a line sent back, learned before 2011-09, asked for September and October."""
    sales, lag = sold_lines(folder)
    day = sales["at"].dt.date().to_numpy().astype("M8[D]")
    cut, end = np.datetime64("2011-09-01"), np.datetime64("2011-11-01")
    age = (cut - day).astype(float)
    known = (lag <= age) & (day < cut)
    before, after = day < cut, (day >= cut) & (day < end)
    value = (sales["quantity"] * sales["price"]).to_numpy()

    def lines(chosen: Any, *, with_value: bool) -> returns.Lines:
        names = (sales[name].to_numpy().astype(str)[chosen] for name in ("customer", "invoice", "product"))
        return returns.Lines.of(*names, day[chosen], value=value[chosen] if with_value else None)

    settled = returns.fit_delay(lag[known], age[known]).share(age[before])
    y, later = known[before].astype(float), np.isfinite(lag[after]).astype(float)
    for with_value in (True, False):
        title = "Online Retail, 89,236 lines of September and October (goals .0872, .707, .01, 1.65)"
        note = "" if with_value else ", without the lines' values"
        table(
            title + note, lines(before, with_value=with_value), y, settled, lines(after, with_value=with_value), later
        )


def sold_lines(folder: Path) -> tuple[pl.DataFrame, Any]:
    """Paid lines of known customers, and after how many days each came back (infinite: it did not)."""
    names = {"InvoiceNo": "invoice", "StockCode": "product", "CustomerID": "customer"}
    rows = pl.read_csv(folder / "online_retail_uci.csv.gz", infer_schema_length=0).rename(names)
    rows = rows.with_columns(
        quantity=pl.col("Quantity").cast(pl.Int64),
        price=pl.col("UnitPrice").cast(pl.Float64),
        at=pl.col("InvoiceDate").str.to_datetime(),
    ).filter(
        pl.col("customer").is_not_null(),
        ~pl.col("product").is_in(list(NO_PRODUCT))
        & ~pl.col("product").str.starts_with("gift")
        & ~pl.col("product").str.starts_with("DCGS"),
    )
    cancelled = pl.col("invoice").str.starts_with("C")
    sales = (
        rows.filter(~cancelled, pl.col("quantity") > 0, pl.col("price") > 0).with_row_index("line").sort("at", "line")
    )
    back = rows.filter(cancelled).sort("at")
    found = back.join_asof(
        sales.select("customer", "product", "at", "line", sold="at"),
        on="at",
        by=["customer", "product"],
        check_sortedness=False,
    )
    lags = (
        found.drop_nulls("line")
        .group_by("line")
        .agg(lag=(pl.col("at") - pl.col("sold")).min().dt.total_seconds() / 86_400)
    )
    return sales, sales.join(lags, on="line", how="left", maintain_order="left")["lag"].fill_null(np.inf).to_numpy()


def table(title: str, learned: returns.Lines, back: Any, settled: Any, asked: returns.Lines, y: Any) -> None:
    """The rivals and the risk, and whether intervals of products' counts hold."""
    rows = [["method", "log loss", "AUC", "ECE", "top fifth"]]
    rows += [judged(name, y, p) for name, p in rivals(learned.product_id, back, asked.product_id)]
    start = time.process_time()
    model = returns.fit_risk(learned, back, settled=settled)
    took = time.process_time() - start
    rows.append(judged("fit_risk", y, returns.risk(model, asked).p))
    show(f"{title}: fit in {took:.1f} CPU s", rows)
    say(f"  90 % intervals of next counts: {covered(learned.product_id, back, settled, asked.product_id, y)}")


def facts(folder: Path) -> None:
    """Facts of Online Retail, counted from the CSV."""
    start = time.perf_counter()
    sales, lag = sold_lines(folder)
    known = np.isfinite(lag)
    took = time.perf_counter() - start
    rows = [["paid product lines", "of them sent back", "median days", "seconds"]]
    rows.append([f"{len(sales):,}", f"{known.sum():,}", f"{np.median(lag[known]):.2f}", f"{took:.1f}"])
    show("Online Retail, from the CSV (goal 10 s)", rows)


def main() -> None:
    """All tables."""
    folder = Path(sys.argv[1])
    for part in (english, directions, russian, speed, facts, runway, online_retail):
        part(folder)


if __name__ == "__main__":
    main()
