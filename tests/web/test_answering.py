"""Answers by link: opening changes nothing, pressing the button keeps one fact, the last word counts."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retention import facts
from retention.journey import Needs
from retention.letters import links, words

QUESTIONS = sorted(facts.QUESTIONS)


def path(site, question="service", value="5", about="r-1", customer="42"):
    return links.answer_url(site.shop, customer, question, value, about).removeprefix(site.shop.base_url)


def post(site, to, **fields):
    return site.call("POST", to, urlencode(fields).encode())


def told(site, customer="42"):
    (file,) = site.storage.load([customer], Needs(frozenset({"answer"})))
    return [(fact.question, fact.value, fact.about, fact.comment) for fact in file.facts]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("language", ["en", "ru"])
def test_opening_a_link_changes_nothing(site, method, question, language):
    """Robots follow every link: they see the question with all answers, the chosen one ticked."""
    site.profile(language=language)
    value = words.answers(question)[0]
    answer = site.call(method, path(site, question, value))
    assert answer.code == 200
    assert told(site) == []
    if method == "GET":
        assert f"<title>{words.ours().question(question, language)}" in answer.text
        assert f'value="{value}" required checked' in answer.text
        assert all(words.ours().answer(question, one, language) in answer.text for one in words.answers(question))


def test_the_button_keeps_the_answer(site):
    """Posted twice it is one fact, with the comment as the customer wrote it."""
    for _ in "ab":
        answer = post(site, path(site), value="5", comment=" Thank\nyou! ")
        assert answer.code == 200
        assert "Thank you" in answer.text
    assert told(site) == [("service", "5", "r-1", "Thank\nyou!")]


def test_the_last_word_counts(site):
    """Another answer later is a new fact, and so is the first one again."""
    for value in ("5", "1", "1", "5"):
        post(site, path(site), value=value)
    assert [value for _, value, *_ in told(site)] == ["5", "1", "5"]


def test_a_slip_is_corrected_on_the_page(site):
    """What is posted counts, not what the link said."""
    post(site, path(site, "product", "fine"), value="size")
    assert told(site) == [("product", "size", "r-1", "")]


def test_a_reason_of_the_shops_own(site):
    """It is on the page beside the usual ones, and no other."""
    assert post(site, path(site, "reason", "ALLERGY"), value="ALLERGY").code == 200
    assert post(site, path(site, "reason", "STYLE"), value="ALLERGY").code == 400
    assert [value for _, value, *_ in told(site)] == ["ALLERGY"]


@pytest.mark.parametrize(
    "body",
    [b"", b"value=6", b"comment=hm", b"\xff\xfe", b"&".join([b"a=b"] * 99)],
    ids=["empty", "6", "comment", "odd", "many"],
)
def test_what_is_no_answer_is_asked_again(site, body):
    """400 with the question; nothing is kept."""
    answer = site.call("POST", path(site), body)
    assert answer.code == 400
    assert "How was our help" in answer.text
    assert told(site) == []


@pytest.mark.parametrize(
    "language, told",
    [("en", "Nothing was sent yet: please choose one of the answers."), ("ru", "Ответ ещё не отправлен: выберите")],
)
def test_a_comment_survives_a_missing_answer(site, language, told):
    """What was typed is there again, as text and not as HTML, under a line that says what is missing."""
    site.profile(language=language)
    typed = "Fine, but </textarea><b>late</b> & cold"
    again = post(site, path(site), comment=typed)
    assert again.code == 400
    assert f'role="alert">{told}' in again.text
    assert ">Fine, but &lt;/textarea&gt;&lt;b&gt;late&lt;/b&gt; &amp; cold</textarea>" in again.text
    first = site.call("GET", path(site)).text
    assert 'role="alert"' not in first
    assert "></textarea>" in first


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=300))
def test_no_bytes_break_the_page(site, body):
    """Whatever is posted is answered."""
    assert site.call("POST", path(site), body).code in (200, 400)


def test_long_and_odd_comments(site):
    """Cut, without control characters; half characters do no harm."""
    post(site, path(site), value="4", comment="a\x00b" + "x" * 5_000)
    ((*_, comment),) = told(site)
    assert comment.startswith("a bxx")
    assert len(comment) == 2_000


def test_forged_links_are_lost(site):
    """Cut, longer or of another purpose: 404, and no more is said."""
    good = path(site)
    for bad in (good[:-1], good + "x", good.replace("answer", "coupon")):
        assert site.call("GET", bad).code == 404
        assert post(site, bad, value="5").code in (404, 405)
    assert told(site) == []


def test_who_was_erased_may_still_answer(site):
    """The page comes in the shop's language, and what is said begins a new file."""
    site.profile(language="ru")
    site.engine.erase("42")
    assert "How was our help" in site.call("GET", path(site)).text
