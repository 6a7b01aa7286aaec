"""The texts that ship keep the rules of their languages."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from retention._templates import read
from retention.people import LANGUAGES

FILES = read(resources.files("retention.letters") / "templates")
LETTERS = sorted({name.partition("/")[2] for name in FILES if "/" in name})


def written(source: str) -> str:
    """The words of a template: tags, values, HTML and what says which parts to show are a ¤."""
    source = re.sub(r"{% block (shows|answers) %}.*?{% endblock %}", "¤", source)
    return re.sub(r"\{[{%#].*?[}%#]\}|<[^>]*>", "¤", source, flags=re.DOTALL)


@pytest.mark.parametrize("name", LETTERS)
def test_every_file_is_there_in_every_language(name: str) -> None:
    """What one language has, all have, with the same blocks."""
    blocks = {language: set(re.findall(r"{% block (\w+)", FILES[f"{language}/{name}"])) for language in LANGUAGES}
    assert len({frozenset(each) for each in blocks.values()}) == 1


@pytest.mark.parametrize("name", [name for name in FILES if "/" in name])
def test_typography(name: str) -> None:
    """No typewriter's quotation marks, apostrophes, dots or dashes, no double spaces."""
    assert not re.search(r"[\"']| - |\.\.\.|\S  ", written(FILES[name]))


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("ru/")])
def test_russian_is_polite_and_neutral(name: str) -> None:
    """«Вы» without a capital inside a sentence, no «ты», no form that guesses whether the reader is a man or a woman."""
    words = written(FILES[name])
    assert not re.search(r"[^.!?:¤\s] В(ы|ас|ам|аш\w*)\b", words)
    assert not re.search(r"\b(ты|тебя|тебе|твой|твоя)\b", words, re.IGNORECASE)
    assert not re.search(r"\w+\((а|ая|ла|лась)\)|\bдорог(ой|ая)\b|\bуважаем(ый|ая)\b", words, re.IGNORECASE)
    assert not re.search(r"[A-Za-z]{3,}", words)
