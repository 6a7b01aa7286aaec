"""Free text -> words with their places, clauses and negations. Nothing here knows what a return is.

Whatever the text is, it is read: markup and control characters are gaps between words, letters of any alphabet are
letters, and only the first words of a very long text count.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

__all__ = ["MOST_WORDS", "NOT", "Word", "fold", "read"]

MOST_WORDS = 1_000
"""Words of a text that are read; the rest of a longer one is left."""

_TOKEN = re.compile(r"<[^<>]{1,200}>|\w+(?:['’-]\w+)*|[.!?;()\n\r$]")
_STOPS = frozenset(".!?;\n\r()")
_CLAUSES = frozenset(("but", "however", "though", "although", "yet", "но", "однако", "зато", "хотя"))
"""Words after which a new thought begins: no negation reaches beyond them."""
NOT = frozenset(
    ("not", "no", "never", "isn't", "wasn't", "aren't", "weren't", "don't", "doesn't", "didn't", "won't", "wouldn't",
     "can't", "couldn't", "cannot", "hardly", "without", "isnt", "dont", "doesnt", "didnt", "wasnt", "не", "ни", "нет",
     "без", "никак")
)  # fmt: skip
_REACH = 3
"""So many words after a negation are negated, to the end of its clause."""
# What a shop answers stands behind the customer's words in some exports, without a gap.
_REPLY = re.compile(
    r"(?<=[\w.!?)…\s])"
    r"(Здравствуйте|Добрый день|Доброго дня|Приносим|Благодарим|Уважаем\w{2,4}|Спасибо (большое )?за ваш)"
)
_REPLY_FROM = 12
"""A greeting that early is the customer's own."""


class Word(NamedTuple):
    """A word as it is compared (`text`), where it stands (`start`, `end`), its clause, and whether it is negated."""

    text: str
    start: int
    end: int
    clause: int
    negated: bool
    is_not: bool


@lru_cache(maxsize=1 << 16)
def fold(word: str) -> str:
    """A word as it is compared: compatible letters (NFKC), no case, ё as е, one apostrophe.

    >>> fold("Ёлка"), fold("ＤＯＥＳＮ’Ｔ")
    ('елка', "doesn't")
    """
    return unicodedata.normalize("NFKC", word).casefold().replace("ё", "е").replace("’", "'")


@lru_cache(maxsize=1 << 16)
def _meant(token: str) -> tuple[str, bool, bool]:
    """A token's word ("" for a stop or mark), whether it negates, and whether a clause begins at it."""
    if not (token[0].isalnum() or token[0] in "_$"):
        return "", False, token in _STOPS
    word = fold(token)
    return word, word in NOT, word in _CLAUSES


def read(text: str) -> list[Word]:
    """The customer's words, at most `MOST_WORDS`; a shop's answer behind them is cut off."""
    words: list[Word] = []
    clause, reach = 0, 0
    for found in _TOKEN.finditer(_own(text)):
        word, is_not, begins = _meant(found[0])
        if begins:
            clause, reach = clause + 1, 0
        if word:
            start, end = found.span()
            words.append(Word(word, start, end, clause, reach > 0, is_not))
            reach = _REACH if is_not else reach - 1
            if len(words) == MOST_WORDS:
                break
    return words


def _own(text: str) -> str:
    reply = _REPLY.search(text, _REPLY_FROM)
    return text[: reply.start()] if reply else text
