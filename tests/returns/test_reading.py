"""Any text is read into words with their places; negations end with their clause; shops' answers are cut off."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from retention.returns import _lexicon
from retention.returns._reading import MOST_WORDS, fold, read


def texts(text):
    return [word.text for word in read(text)]


@given(st.text(max_size=300))
def test_words_stand_where_they_say(text):
    """Every word is the folded text at its place, the places rise, and nothing raises."""
    words = read(text)
    assert [fold(text[word.start : word.end]) for word in words] == [word.text for word in words]
    assert [word.start for word in words] == sorted({word.start for word in words})


def test_markup_controls_and_emoji_are_gaps():
    """HTML, control characters, full-width letters, combining marks and emoji break no word that is beside them."""
    assert texts("<p class='x'>Too&nbsp;<b>small</b>\x00\u200b!😀") == ["too", "nbsp", "small"]
    assert texts("ＴＯＯ ｓｍａｌｌ Ёлка doesn’t") == ["too", "small", "елка", "doesn't"]
    assert texts("") == texts(" \n\t…😀") == []


def test_a_negation_reaches_three_words_and_no_further_than_its_clause():
    """The words after it are negated, up to three, to a stop or a "but"."""
    negated = {word.text for word in read("not a b c d. not but e не но f never! g") if word.negated}
    assert negated == {"a", "b", "c"}
    assert [word.text for word in read("isn't нет") if word.is_not] == ["isn't", "нет"]


def test_what_the_shop_answered_is_cut_off():
    """A greeting glued behind the customer's words begins the shop's; one at the beginning is the customer's."""
    assert texts("Маломерит, верните деньги!Здравствуйте, приносим извинения") == ["маломерит", "верните", "деньги"]
    assert texts("Здравствуйте, маломерит") == ["здравствуйте", "маломерит"]
    assert texts("Не работает пульт Благодарим за отзыв") == ["не", "работает", "пульт"]


def test_very_long_texts_are_read_to_a_point():
    """A million words cost no more than the first thousand."""
    assert len(read("word " * 100_000)) == MOST_WORDS


def found(text, lexicon=None):
    return [(str(hit.reason), hit.weight) for hit in (lexicon or _lexicon.ours()).hits(read(text))]


def test_the_little_language_of_patterns():
    """Stems, alternatives, gaps within the clause, negations named and not named."""
    lexicon = _lexicon.Lexicon.of(
        "# a comment\n\nSTYLE 2: ugly/plain ~ thing*\nDEFECTIVE 3: @not work*\nPRICE 1: dear\n"
    )
    assert found("an ugly little red old thingy", lexicon) == [("STYLE", 2.0)]
    assert found("an ugly. thing", lexicon) == []
    assert found("ugly one two three four things", lexicon) == []
    assert found("not ugly things", lexicon) == []
    assert found("does not work, doesn't working", lexicon) == [("DEFECTIVE", 3.0)] * 2
    assert found("dear dearly", lexicon) == [("PRICE", 1.0)]
    assert found("ugly", lexicon) == []


def test_a_letter_wrong_in_a_long_word():
    """One wrong letter in a long stem is forgiven, two are not, and none in a short one."""
    assert found("маломирит") == found("маломерит")
    assert found("малумирит") == []
    assert found("defectave item") == found("defective item") != []


def test_words_that_were_met_are_not_kept_for_ever(monkeypatch):
    """Ever new words take no more memory, and change nothing."""
    monkeypatch.setattr(_lexicon, "_MOST_KNOWN", 3)
    lexicon = _lexicon.Lexicon.of("PRICE 1: dear\n")
    assert found("one two three dear four five six seven dear", lexicon) == [("PRICE", 1.0)] * 2
    assert len(lexicon._known) <= 3


def test_a_broken_lexicon_names_its_line(raises):
    """A line that is no pattern is refused with its number."""
    raises(
        "lexicon: line 2: 'TASTE 2' is no reason and weight; write SIZE_TOO_SMALL 2",
        _lexicon.Lexicon.of,
        "#\nTASTE 2: x",
    )
