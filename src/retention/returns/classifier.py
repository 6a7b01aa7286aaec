"""Words weighed by what they meant in labelled texts: logistic regression on word pairs and on what the lexicon finds.

One regression for each target, either outcome weighed alike so that a rare reason is looked for as hard as a common
one; a ridge keeps the weight of a word seen a few times small. A classifier is plain data: words, their weights, and
the targets, which are reasons or families of reasons (`SIZE`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from itertools import pairwise

import numpy as np
from attrs import frozen

from retention._types import FloatArray, Json
from retention.errors import InvalidInput
from retention.reasons import Reason
from retention.returns import _lexicon
from retention.returns._lexicon import Hit
from retention.returns._reading import Word, read

__all__ = ["FAMILIES", "Classifier", "fit_classifier", "from_json", "to_json"]

FORMAT = 1
FAMILIES: Mapping[str, tuple[Reason, ...]] = {
    "SIZE": (Reason.SIZE_TOO_SMALL, Reason.SIZE_TOO_LARGE, Reason.FIT_OTHER),
    "WORKMANSHIP": (Reason.QUALITY, Reason.DEFECTIVE),
}
"""Targets that stand for several reasons; the lexicon says which."""
_RIDGE = 1.0
_RARE_SHARE, _RAREST = 300, (2, 5)
"""A word or pair that fewer than one in 300 texts hold is left out, and one in a single text; one in five never is."""
_FEWEST = 5
"""A target needs so many texts with it, and as many without."""
_STRONGEST = 6.0


@frozen(eq=False)
class Classifier:
    """What words mean; made by `fit_classifier`.

    `words`: each word or pair with its column. `idf`: the rarer the heavier, (k,). `weights`: (targets, k + 13), the
    last columns for what the lexicon found of each reason. `bias`: (targets,).
    """

    targets: tuple[str, ...]
    words: Mapping[str, int]
    idf: FloatArray
    weights: FloatArray
    bias: FloatArray

    def scores(self, words: Sequence[Word], hits: Iterable[Hit]) -> FloatArray:
        """The chance of each target, as if it were as common as not, (targets,)."""
        columns = self.columns(words)
        idf = self.idf[columns]
        size = len(self.words)
        logit = self.bias + self.weights[:, size:] @ found(hits)
        if len(columns):
            logit += self.weights[:, columns] @ (idf / np.sqrt(idf @ idf))
        chance: FloatArray = 1 / (1 + np.exp(-logit))
        return chance

    def columns(self, words: Sequence[Word]) -> list[int]:
        """The columns of the words and pairs that it knows, each once."""
        known, get = self.words, self.words.get
        texts = [word.text for word in words]
        # A pair as frequent as the rarest word kept is made of words that are kept.
        pairs = [f"{a} {b}" for a, b in pairwise(texts) if a in known and b in known]
        return sorted({column for gram in texts + pairs if (column := get(gram)) is not None})

    def telling(self, words: Sequence[Word], target: int) -> list[int]:
        """The words that speak most for a target, as places in ``words``, at most three, the strongest first."""
        weight = self.weights[target]
        told = [
            (-weight[self.words[w.text]] * self.idf[self.words[w.text]], i)
            for i, w in enumerate(words)
            if w.text in self.words
        ]
        return [place for strength, place in sorted(told)[:3] if strength < 0]


def grams(words: Sequence[Word]) -> list[str]:
    """Words and pairs of neighbours."""
    texts = [word.text for word in words]
    return texts + [f"{first} {second}" for first, second in pairwise(texts)]


def found(hits: Iterable[Hit]) -> FloatArray:
    """What the lexicon found of each reason, (13,): its hits' weights, 0 to 2."""
    total = np.zeros(len(_PLACES))
    for hit in hits:
        total[_PLACES[hit.reason]] += hit.weight
    return np.minimum(total, _STRONGEST) / 3


_PLACES = {reason: place for place, reason in enumerate(Reason)}


def fit_classifier(texts: Iterable[str], reasons: Iterable[Iterable[str]]) -> Classifier:
    """Learn from a shop's own labelled returns: for each text the reasons it gives, perhaps none.

    A reason is a name of `Reason` or of `FAMILIES`. A reason that fewer than five texts give, or all but five, cannot
    be learned and is left to the lexicon. Raises `InvalidInput` for an unknown reason, texts and reasons of different
    number, and where nothing can be learned.
    """
    given = [frozenset(map(str, labels)) for labels in reasons]
    read_texts = [read(text) for text in texts]
    if len(given) != len(read_texts):
        raise InvalidInput(f"reasons: {len(given)} rows for {len(read_texts)} texts; give one for each")
    targets = _targets(given)
    lexicon = _lexicon.ours()
    counts = Counter(gram for words in read_texts for gram in set(grams(words)))
    rare = min(max(len(read_texts) // _RARE_SHARE, _RAREST[0]), _RAREST[1])
    names = sorted(gram for gram, count in counts.items() if count >= rare)
    words = {gram: column for column, gram in enumerate(names)}
    idf = np.log((1 + len(read_texts)) / (1 + np.array([counts[gram] for gram in names], dtype=np.float64))) + 1
    blank = Classifier(targets, words, idf, np.zeros((len(targets), len(names) + len(_PLACES))), np.zeros(len(targets)))
    design = _design(blank, read_texts, [found(lexicon.hits(text)) for text in read_texts])
    fits = [_fit(design, np.array([target in labels for labels in given], dtype=np.float64)) for target in targets]
    return Classifier(targets, words, idf, np.array([fit[1:] for fit in fits]), np.array([fit[0] for fit in fits]))


def _targets(given: Sequence[frozenset[str]]) -> tuple[str, ...]:
    counts = Counter(label for labels in given for label in labels)
    unknown = sorted(set(counts) - set(Reason) - set(FAMILIES))
    if unknown:
        raise InvalidInput(f"reasons: {unknown[0]!r} is unknown; use the names of Reason")
    targets = tuple(sorted(t for t, count in counts.items() if _FEWEST <= count <= len(given) - _FEWEST))
    if not targets:
        raise InvalidInput(f"reasons: none has {_FEWEST} texts with it and {_FEWEST} without; label more returns")
    return targets


def _design(blank: Classifier, texts: Sequence[Sequence[Word]], lexical: Sequence[FloatArray]) -> object:
    from scipy import sparse

    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    for row, words in enumerate(texts):
        known = blank.columns(words)
        idf = blank.idf[known]
        rows += [row] * len(known)
        columns += known
        values += (idf / np.sqrt(idf @ idf)).tolist() if known else []
    ngrams = sparse.csr_array((values, (rows, columns)), shape=(len(texts), len(blank.words)))
    return sparse.hstack([np.ones((len(texts), 1)), ngrams, sparse.csr_array(np.array(lexical))]).tocsr()


def _fit(design: object, outcome: FloatArray) -> FloatArray:
    """Intercept and weights of one target."""
    from scipy.optimize import minimize

    rows: object = design
    weight = np.where(outcome == 1, len(outcome) / (2 * outcome.sum()), len(outcome) / (2 * (1 - outcome).sum()))
    free = np.ones(rows.shape[1])  # type: ignore[attr-defined]
    free[0] = 0

    def loss(at: FloatArray) -> tuple[float, FloatArray]:
        logit = rows @ at  # type: ignore[operator]
        chance = 1 / (1 + np.exp(-logit))
        value = float(weight @ (np.logaddexp(0, logit) - outcome * logit)) + _RIDGE * float(free @ at**2) / 2
        return value, rows.T @ (weight * (chance - outcome)) + _RIDGE * free * at  # type: ignore[attr-defined]

    return np.asarray(minimize(loss, np.zeros(len(free)), jac=True, method="L-BFGS-B").x)


def to_json(classifier: Classifier) -> Json:
    """The classifier as a JSON mapping, weights to two decimals, pairs that weigh nothing left out."""
    size = len(classifier.words)
    kept = {
        word: [round(float(classifier.idf[column]), 2), *(round(float(w), 2) for w in classifier.weights[:, column])]
        for word, column in classifier.words.items()
    }
    return {
        "format": FORMAT,
        "targets": list(classifier.targets),
        "bias": [round(float(bias), 2) for bias in classifier.bias],
        "lexicon": [[round(float(weight), 2) for weight in row[size:]] for row in classifier.weights],
        "words": {word: numbers for word, numbers in kept.items() if any(numbers[1:]) or " " not in word},
    }


def from_json(data: Json) -> Classifier:
    """The classifier that `to_json` wrote; raises `InvalidInput` for a newer format."""
    if data.get("format") != FORMAT:
        raise InvalidInput(f"format: {data.get('format')!r} of a classifier is unknown; update the library")
    numbers = np.array(list(data["words"].values()), dtype=np.float64).reshape(-1, 1 + len(data["targets"]))
    weights = np.hstack([numbers[:, 1:].T, np.array(data["lexicon"])])
    words = {word: column for column, word in enumerate(data["words"])}
    return Classifier(tuple(data["targets"]), words, numbers[:, 0], weights, np.array(data["bias"]))


@cache
def shipped() -> Classifier:
    """The library's own, for English complaints about clothes."""
    file = resources.files("retention.returns") / "lexicon" / "weights.en.json"
    return from_json(json.loads(file.read_text("utf-8")))
