"""What questions, answers, offers, reasons and topics are called, in letters and on the pages behind their links.

The words are templates, a block for each: `en/words.jinja`. A shop's own file of that name needs only the blocks that
differ. Which questions there are is `retention.facts.QUESTIONS`, which reasons `retention.reasons`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache

from attrs import Factory, field, frozen

from retention._templates import SUFFIX, Templates
from retention.errors import InvalidTemplate
from retention.facts import QUESTIONS
from retention.letters.overriding import OURS, of_letters
from retention.people import LANGUAGES
from retention.reasons import Reason

__all__ = ["REASONS_ASKED", "Words", "answers", "ours"]

REASONS_ASKED = ("SIZE_TOO_SMALL", "SIZE_TOO_LARGE", "DEFECTIVE", "NOT_AS_DESCRIBED", "STYLE", "CHANGED_MIND")
"""The reasons that a letter offers as answers; a longer list is not read."""

_FILE = f"words{SUFFIX}"
_OPEN = ("answer_reason_", "why_", "topic_")
"""How the blocks begin of which a shop may have more than we know: its own reasons and topics."""
_NO_NAME = re.compile(r"\W")
_SPACES = re.compile(r"[ \t\r\n]+")


def answers(name: str) -> Sequence[str]:
    """The answers that a letter offers to a question, in order."""
    return QUESTIONS[name] or REASONS_ASKED


def _said(words: Words) -> Mapping[str, Mapping[str, str]]:
    """Every word that says the same to everybody, by language and block."""
    _only_languages(next(iter(words.templates.values())))
    return {language: dict(_read(templates, language)) for language, templates in words.templates.items()}


@frozen
class Words:
    """The words of one shop. Raises `InvalidTemplate` for a block that means nothing or cannot be written.

    `templates`: of each language, `en/words.jinja` and `retention:en/words.jinja` among them.
    """

    templates: Mapping[str, Templates] = field(repr=False)
    _said: Mapping[str, Mapping[str, str]] = field(
        init=False, repr=False, eq=False, default=Factory(_said, takes_self=True)
    )

    def question(self, name: str, language: str) -> str:
        """The question of `facts.QUESTIONS` in words."""
        return self._said[language][_block("question", name)]

    def answer(self, name: str, value: str, language: str) -> str:
        """One answer in words; a reason by its usual name, what the shop made up itself as it is."""
        usual = Reason(value).in_words(language) if name == "reason" and value in Reason.__members__ else value
        return self._said[language].get(_block("answer", name, value), usual)

    def offer(self, kind: str, language: str, *, percent: str, amount: str) -> str:
        """What an offer of a kind gives, in words; `percent`, `amount`: numbers as the language writes them."""
        templates = self.templates[language]
        block = _block("offer", kind)
        if not any(block in templates.blocks(name) for name in _files(language)):
            block = "offer_any"
        return _written(templates, language, block, percent=percent, amount=amount)

    def why(self, reason: str, language: str) -> str:
        """A reason as a part of a sentence, "" for one that says nothing or that only the shop knows."""
        return self._said[language].get(_block("why", reason), "")

    def topic(self, name: str, language: str) -> str:
        """What letters on a topic are about; one without words of its own by its name: "new_tea" as "New tea"."""
        readable = " ".join(name.replace("_", " ").split()) or name
        return self._said[language].get(_block("topic", name), readable[:1].upper() + readable[1:])


@lru_cache(maxsize=1)
def ours() -> Words:
    """The words that come with the library."""
    return Words(of_letters(None, ""))


def _block(*parts: str) -> str:
    """The name of a block: a topic or a code of the shop's may hold what a block's name cannot."""
    return _NO_NAME.sub("_", "_".join(parts))


def _files(language: str) -> tuple[str, str]:
    """The shop's own words and ours; without a folder of the shop's both are ours."""
    own = f"{language}/{_FILE}"
    return own, OURS + own


def _read(templates: Templates, language: str) -> Iterator[tuple[str, str]]:
    own, usual = _files(language)
    known = templates.blocks(usual)
    for block in sorted(templates.blocks(own) | known):
        _known(own, block, known)
        said = _written(templates, language, block, percent="1", amount="1")
        if not said and not block.startswith("why_"):
            raise InvalidTemplate(f"{own}: block {block}: empty; write it, or take the block away")
        yield block, said


def _written(templates: Templates, language: str, block: str, **numbers: str) -> str:
    own, usual = _files(language)
    name = own if block in templates.blocks(own) else usual
    return _SPACES.sub(" ", templates.text(name, block, numbers if block.startswith("offer_") else {})).strip(" ")


def _known(name: str, block: str, original: frozenset[str]) -> None:
    known = original | {_block("answer", question, value) for question in QUESTIONS for value in answers(question)}
    if block not in known and not block.startswith(_OPEN):
        near = get_close_matches(block, sorted(known), n=1, cutoff=0)
        raise InvalidTemplate(f"{name}: block {block}: nothing has these words; the nearest name is {near[0]}")


def _only_languages(templates: Templates) -> None:
    """Words in a language that no customer has would never be read."""
    for name in templates.sources:
        language, _, rest = name.removeprefix(OURS).rpartition("/")
        if rest == _FILE and "/" not in language and language not in LANGUAGES:
            near = get_close_matches(language, LANGUAGES, n=1, cutoff=0)
            raise InvalidTemplate(f"{name}: there is no language {language!r}; the nearest is {near[0]}/{_FILE}")
