"""Make `weights.en.json`, the classifier that ships, from the labelled English reviews.

    python tests/benchmarks/train_reasons.py FOLDER

FOLDER holds `en_clothing_aspects.dev.csv.gz`: 1,765 reviews of clothes with the aspects that they complain of. The same
file gives the same bytes.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
from pathlib import Path

from retention.returns import classifier

ASPECTS = {"FIT": "SIZE", "QUALITY": "WORKMANSHIP", "COLOR": "STYLE", "STYLE": "STYLE", "PRICE": "PRICE"}
WEIGHTS = Path(classifier.__file__).parent / "lexicon" / "weights.en.json"


def labelled(folder: Path) -> tuple[list[str], list[set[str]], list[str]]:
    """The texts, the targets that each complains of, and each one's sentiment: -1, 0 or 1."""
    with gzip.open(folder / "en_clothing_aspects.dev.csv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    reasons = [{ASPECTS[aspect] for aspect in row["labels"].split("|") if aspect} for row in rows]
    return [row["text"] for row in rows], reasons, [row["sentiment"] for row in rows]


if __name__ == "__main__":
    texts, reasons, _ = labelled(Path(sys.argv[1]))
    fitted = classifier.to_json(classifier.fit_classifier(texts, reasons))
    WEIGHTS.write_text(json.dumps(fitted, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n", "utf-8")
    sys.stdout.write(f"{WEIGHTS.name}: {len(fitted['words'])} words and pairs, {WEIGHTS.stat().st_size} bytes\n")
