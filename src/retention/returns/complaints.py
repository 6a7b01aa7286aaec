"""Why it comes back, in the customer's own words: English and Russian, mixed if need be, several reasons at once.

Two layers. The lexicon (`lexicon/*.txt`) finds phrases that give a reason away, with the words that are the evidence;
a negation before them takes them back. On top a `Classifier`, words weighed by what they meant in labelled texts: one
ships for English complaints about clothes, a shop fits its own (`fit_classifier`). Where neither is sure the answer is
to abstain, (OTHER,), and the chain asks one question.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from attrs import frozen

from retention._types import FloatArray
from retention.errors import InvalidInput
from retention.reasons import Reason
from retention.returns import _lexicon
from retention.returns._lexicon import Hit
from retention.returns._reading import Word, read
from retention.returns.classifier import FAMILIES, Classifier, shipped

__all__ = ["Classification", "Evidence", "classify"]

_ORDER = tuple(Reason)
_PLACE = {reason: place for place, reason in enumerate(_ORDER)}
_ENOUGH = 0.5
"""A reason is given from this score on."""
_HALF = 2.0
"""A pattern that is plain in its context is enough; each further one adds less."""
_WHOLE = 8
"""Words from which on a text is weighed by the library's classifier."""
_DIRECTED = 1.5
_CLEARLY = 2.0


@frozen
class Evidence:
    """Words that gave a reason away: `text` stands from `start` to `end` of the customer's text."""

    reason: Reason
    start: int
    end: int
    text: str


@frozen(eq=False)
class Classification:
    """For each text its `reasons`, the likeliest first, (OTHER,) where nothing was found, and the `evidence` for them.

    `scores`: (n, 13), columns in the order of `Reason`, 0 to 1, a reason counting from .5 on; OTHER's is what is left.
    """

    reasons: tuple[tuple[Reason, ...], ...]
    scores: FloatArray
    evidence: tuple[tuple[Evidence, ...], ...]

    @property
    def coverage(self) -> float:
        """The share of texts that give a reason; 1 for no text at all."""
        return float(np.mean([found != (Reason.OTHER,) for found in self.reasons])) if self.reasons else 1.0


def classify(texts: Iterable[str | None], *, classifier: Classifier | None = None) -> Classification:
    """The reasons that customers' texts give; whatever a text holds, and None, is read without an error.

    `classifier`: the shop's own, for texts in any language; the library's weighs English ones unless given.

    >>> found = classify(["маломерит", "arrived torn", "не маломерит"])
    >>> [" ".join(reasons) for reasons in found.reasons]
    ['SIZE_TOO_SMALL', 'DAMAGED DEFECTIVE', 'OTHER']
    >>> found.evidence[1][0].text
    'arrived torn'
    """
    if isinstance(texts, str):
        raise InvalidInput("texts: one text; give a list of texts")
    read_texts = [_Read(text if isinstance(text, str) else "", classifier) for text in texts]
    scores = np.array([one.scores for one in read_texts]).reshape(len(read_texts), len(_ORDER))
    return Classification(
        tuple(one.reasons for one in read_texts), scores, tuple(tuple(one.evidence()) for one in read_texts)
    )


class _Read:
    """One text as it was understood."""

    def __init__(self, text: str, classifier: Classifier | None) -> None:
        self.text, self.words = text, read(text)
        self.hits = _lexicon.ours().hits(self.words)
        self.weights = _weights(self.hits)
        self.classifier = _ours_for(self.words) if classifier is None else classifier
        self.scores = self.weights / (self.weights + _HALF)
        self.telling: dict[Reason, int] = {}
        if self.classifier is not None and self.words:
            self._weigh(self.classifier)
        self.scores[_PLACE[Reason.OTHER]] = 1 - self.scores[: _PLACE[Reason.OTHER]].max()
        self.reasons = self._ranked()

    def _weigh(self, classifier: Classifier) -> None:
        """Let the classifier's word count for the reasons that it knows."""
        for target, chance in enumerate(classifier.scores(self.words, self.hits).tolist()):
            name = classifier.targets[target]
            members = FAMILIES.get(name) if name in FAMILIES else (Reason(name),)
            self.scores[[_PLACE[member] for member in members or ()]] = 0
            member = self._member(name)
            self.scores[_PLACE[member]] = chance
            self.telling[member] = target

    def _member(self, name: str) -> Reason:
        """Which reason of a family it is, by the lexicon."""
        if name == "SIZE":
            return _direction(self.hits, self.weights)
        if name == "WORKMANSHIP":
            broken = self.weights[_PLACE[Reason.DEFECTIVE]] > self.weights[_PLACE[Reason.QUALITY]]
            return Reason.DEFECTIVE if broken else Reason.QUALITY
        return Reason(name)

    def _ranked(self) -> tuple[Reason, ...]:
        known = [reason for reason in _ORDER if reason is not Reason.OTHER and self.scores[_PLACE[reason]] >= _ENOUGH]
        return tuple(sorted(known, key=lambda reason: -self.scores[_PLACE[reason]])) or (Reason.OTHER,)

    def evidence(self) -> list[Evidence]:
        """Where the reasons were found; for what the classifier alone found, its strongest words."""
        found = []
        for reason in self.reasons:
            spans = [(hit.first, hit.last) for hit in self.hits if hit.reason is reason]
            if not spans and reason in self.telling and self.classifier is not None:
                spans = [(place, place) for place in self.classifier.telling(self.words, self.telling[reason])]
            for first, last in sorted(_outermost(spans)):
                start, end = self.words[first].start, self.words[last].end
                found.append(Evidence(reason, start, end, self.text[start:end]))
        return found


def _weights(hits: Sequence[Hit]) -> FloatArray:
    """The weight of each reason: of several patterns that end in one word the heaviest."""
    heaviest: dict[tuple[Reason, int], float] = {}
    for hit in hits:
        key = hit.reason, hit.last
        heaviest[key] = max(hit.weight, heaviest.get(key, 0.0))
    total = np.zeros(len(_ORDER))
    for (reason, _), weight in heaviest.items():
        total[_PLACE[reason]] += weight
    small, large = _PLACE[Reason.SIZE_TOO_SMALL], _PLACE[Reason.SIZE_TOO_LARGE]
    for this, other in ((small, large), (large, small)):
        if total[this] >= _CLEARLY * total[other]:
            total[other] = 0  # "runs large, take the smaller size" is no size too small
    return total


def _direction(hits: Sequence[Hit], weights: FloatArray) -> Reason:
    """Too small or too large, where one is clearly said and nothing stronger about the cut; FIT_OTHER else."""
    small, large = weights[_PLACE[Reason.SIZE_TOO_SMALL]], weights[_PLACE[Reason.SIZE_TOO_LARGE]]
    cut = max((hit.weight for hit in hits if hit.reason is Reason.FIT_OTHER), default=0.0)
    for reason, this, other in ((Reason.SIZE_TOO_SMALL, small, large), (Reason.SIZE_TOO_LARGE, large, small)):
        if this >= _DIRECTED and this >= _CLEARLY * other and this >= cut:
            return reason
    return Reason.FIT_OTHER


def _ours_for(words: Sequence[Word]) -> Classifier | None:
    """The library's classifier for an English text of some length: what it learned from were whole reviews."""
    if len(words) < _WHOLE:
        return None
    latin = sum(word.text[0] < "\u0250" for word in words)
    return shipped() if 2 * latin > len(words) else None


def _outermost(spans: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """The spans that lie in no other."""
    distinct = set(spans)
    return {span for span in distinct if not any(span != o and o[0] <= span[0] and span[1] <= o[1] for o in distinct)}
