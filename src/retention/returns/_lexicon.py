"""Patterns of words that give reasons away, read from data files; `lexicon/en.txt` says how they are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from importlib import resources

from attrs import define, field, frozen

from retention.errors import InvalidInput
from retention.reasons import Reason
from retention.returns._reading import NOT, Word, fold

__all__ = ["Hit", "Lexicon", "ours"]

_GAP = 3
_NOTHING: frozenset[int] = frozenset()
_MOST_KNOWN = 100_000  # words, before all are looked up anew: customers never run out of new ones
_TYPO_FROM = 7
"""Stems of so many letters are also found with one letter wrong."""


@frozen
class Hit:
    """One pattern found: the reason, its weight, and the words from `first` to `last`."""

    reason: Reason
    weight: float
    first: int
    last: int


@frozen
class _Pattern:
    reason: Reason
    weight: float
    elements: tuple[int, ...]
    gaps: tuple[int, ...]  # how many words may stand before each element
    own_not: bool

    @cached_property
    def adjacent(self) -> int | None:
        """The element that must stand at the next word, if one must."""
        return self.elements[1] if len(self.elements) > 1 and not self.gaps[1] else None


@define(eq=False)
class Lexicon:
    """Patterns compiled so that a word is looked up once, whatever their number."""

    _exact: dict[str, tuple[int, ...]] = field(factory=dict)
    _stems: dict[str, tuple[int, ...]] = field(factory=dict)
    _starts: dict[int, list[_Pattern]] = field(factory=dict)
    _elements: dict[str, int] = field(factory=dict)
    _known: dict[str, tuple[frozenset[int], tuple[_Pattern, ...]]] = field(factory=dict)
    _blurred: dict[str, tuple[int, ...]] = field(factory=dict)

    @classmethod
    def of(cls, *texts: str) -> Lexicon:
        """The lexicon of files' texts; raises `InvalidInput` naming the line."""
        lexicon = cls()
        for text in texts:
            for number, line in enumerate(text.splitlines(), 1):
                if line.strip() and not line.startswith("#"):
                    lexicon._add(line, number)
        return lexicon

    def _add(self, line: str, number: int) -> None:
        head, _, words = line.partition(": ")
        name, _, weight = head.partition(" ")
        try:
            reason, value = Reason(name), float(weight)
        except ValueError:
            raise InvalidInput(
                f"lexicon: line {number}: {head!r} is no reason and weight; write SIZE_TOO_SMALL 2"
            ) from None
        elements, gaps = self._elements_of(words)
        own_not = _names_a_negation(words)
        self._starts.setdefault(elements[0], []).append(_Pattern(reason, value, elements, gaps, own_not))

    def _elements_of(self, words: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The elements of a pattern, and how many words may stand before each."""
        elements: list[int] = []
        gaps: list[int] = []
        gap = 0
        for element in words.split():
            if element == "~":
                gap = _GAP
            else:
                elements.append(self._element(element))
                gaps.append(gap)
                gap = 0
        return tuple(elements), tuple(gaps)

    def _element(self, element: str) -> int:
        if element in self._elements:
            return self._elements[element]
        number = self._elements[element] = len(self._elements)
        for word in element.split("/"):
            where = self._stems if word.endswith("*") else self._exact
            plain = fold(word.rstrip("*"))
            where[plain] = (*where.get(plain, ()), number)
            if where is self._stems and len(plain) >= _TYPO_FROM:
                for blurred in _blurred(plain):
                    self._blurred[blurred] = (*self._blurred.get(blurred, ()), number)
        return number

    def _of(self, word: Word) -> tuple[frozenset[int], tuple[_Pattern, ...]]:
        """The elements that a word is, and the patterns that begin with it."""
        elements = set(self._look_up(word.text))
        if word.is_not and "@not" in self._elements:
            elements.add(self._elements["@not"])
        patterns = [pattern for element in sorted(elements) for pattern in self._starts.get(element, ())]
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        found = self._known[word.text] = frozenset(elements), tuple(patterns)
        return found

    def _look_up(self, text: str) -> Iterator[int]:
        found = list(self._exact.get(text, ()))
        for length in range(3, len(text) + 1):
            found += self._stems.get(text[:length], ())
        if not found:
            for length in range(_TYPO_FROM, len(text) + 1):
                for blurred in _blurred(text[:length]):
                    found += self._blurred.get(blurred, ())
        yield from found

    def hits(self, words: Sequence[Word]) -> list[Hit]:
        """Every pattern that the words hold and that no negation takes back, in the order of the words."""
        known = self._known.get
        meant = [known(word.text) or self._of(word) for word in words]
        symbols = [*(elements for elements, _ in meant), _NOTHING]
        found: list[Hit] = []
        for first, (_, patterns) in enumerate(meant):
            for pattern in patterns:
                if pattern.adjacent is not None and pattern.adjacent not in symbols[first + 1]:
                    continue  # nearly always
                if pattern.own_not or not words[first].negated:
                    last = _last(pattern, first, words, symbols)
                    if last is not None:
                        found.append(Hit(pattern.reason, pattern.weight, first, last))
        return found


def _names_a_negation(words: str) -> bool:
    first = words.split(maxsplit=1)[0]
    return first == "@not" or "n't" in words or first.split("/")[0] in NOT


def _blurred(word: str) -> Iterator[str]:
    return (f"{word[:place]}?{word[place + 1 :]}" for place in range(1, len(word)))


def _last(pattern: _Pattern, first: int, words: Sequence[Word], symbols: Sequence[frozenset[int]]) -> int | None:
    """Where the pattern ends that begins at ``first``; None if it does not go on within the clause."""
    place, end, clause = first, len(words), words[first].clause
    for element, gap in zip(pattern.elements[1:], pattern.gaps[1:], strict=True):
        furthest = min(place + 2 + gap, end)
        place += 1
        while place < furthest and element not in symbols[place]:
            place += 1
        if place >= furthest or words[place].clause != clause:
            return None
    return place


@cache
def ours() -> Lexicon:
    """The library's lexicon, both languages together: texts mix them."""
    folder = resources.files("retention.returns") / "lexicon"
    return Lexicon.of(*((folder / name).read_text("utf-8") for name in ("en.txt", "ru.txt")))
