"""The application as a whole: what strangers send is answered shortly and safely, whatever it is."""

from __future__ import annotations

import io
import logging

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from retention.errors import StorageUnavailable
from retention.letters import links

PAIR = b"List-Unsubscribe=One-Click"
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def shared(kit):
    """One shop for many requests of strangers."""
    return kit.Site()


def test_every_answer_is_safe(site) -> None:
    """No answer is stored, framed, sniffed, indexed, told to other sites or accompanied by a cookie."""
    answers = [
        site.call("GET", site.path()),
        site.call("POST", site.path(), PAIR),
        site.call("GET", "/"),
        site.call("PUT", site.path()),
        site.call("POST", "/webhooks/nobody"),
    ]
    assert [answer.code for answer in answers] == [200, 200, 404, 405, 404]
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        policy = answer.headers["Content-Security-Policy"].split("; ")
        assert {"default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(policy)
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(site, method: str) -> None:
    """405 says which methods there are."""
    answer = site.call(method, site.path())
    assert (answer.code, answer.headers["Allow"]) == (405, "GET, HEAD, POST")
    answer = site.call(method, "/webhooks/resend")
    assert (answer.code, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "path", ["", "/", "/unsubscribe", "/unsubscribe/", "/webhooks", "/favicon.ico", "unsubscribe/x", "/x/unsubscribe/y"]
)
def test_other_paths_are_not_there(site, path: str) -> None:
    """What is no link is a page that says so."""
    answer = site.call("GET", path, lawful=path.startswith("/"))
    assert answer.code in (404, 405)
    assert ("This link does not work" in answer.text) == (answer.code == 404)


def test_foreign_and_broken_links_are_refused_alike(site) -> None:
    """Another shop's link, a cut one and rubbish get the same page: it tells nobody which part was wrong."""
    token = site.path().removeprefix("/unsubscribe/")
    other = evolve(site.shop, secret="fedcba9876543210")
    foreign = links.unsubscribe_url(other, "42", "marketing").removeprefix(site.shop.base_url + "/unsubscribe/")
    answers = [
        site.call(method, f"/unsubscribe/{bad}", PAIR if method == "POST" else b"")
        for bad in (foreign, token[:-1], token + "/", token + "/x", "a.b", "é", "\xff\xfe")
        for method in ("GET", "POST")
    ]
    assert {(answer.code, answer.text) for answer in answers} == {(404, answers[0].text)}
    assert site.said() == []


def test_a_path_begins_with_a_slash(site) -> None:
    """A good link behind something else is no link."""
    assert site.call("GET", "x" + site.path(), lawful=False).code == 404


@pytest.mark.parametrize("customer, topic", [("", "marketing"), ("42", ""), (" ", " ")])
def test_a_link_about_nobody_is_refused(site, customer: str, topic: str) -> None:
    """A link that the shop signed for an empty id or topic can end nothing."""
    assert site.call("POST", site.path(customer, topic), PAIR).code == 404


@given(
    method=st.sampled_from(["GET", "HEAD", "POST"]), path=st.text(st.characters(max_codepoint=255)), body=st.binary()
)
def test_no_path_and_no_body_break_it(shared, method: str, path: str, body: bytes) -> None:
    """Whatever the path and the body are, the answer is a refusal, never an error of ours."""
    assert shared.call(method, path, body, lawful=False).code in (404, 405)
    assert shared.call(method, f"/unsubscribe/{path}", body).code == 404
    assert shared.call("POST", shared.path(), body).code in (200, 400)
    assert shared.call(method, f"/webhooks/{path}", body).code in (404, 405)


@given(st.text(st.characters(max_codepoint=255)))
def test_no_length_breaks_it(shared, length: str) -> None:
    """A length that is no number, is too large or is not true is refused."""
    assert shared.call("POST", shared.path(), b"?", lawful=False, CONTENT_LENGTH=length).code in (400, 411, 413)


@pytest.mark.parametrize(
    "length, body, code",
    [
        (str(MEBIBYTE), PAIR.ljust(MEBIBYTE), 200),
        (str(MEBIBYTE + 1), PAIR.ljust(MEBIBYTE + 1), 413),
        ("9" * 10_000, PAIR, 413),
        ("-1", PAIR, 400),
        ("１２", PAIR, 400),
        ("27", PAIR, 400),  # one more than comes
        ("", PAIR, 411),
        (None, PAIR, 411),
    ],
)
def test_bodies_have_a_stated_length_of_at_most_a_mebibyte(site, length, body: bytes, code: int) -> None:
    """Nobody makes a worker read for ever or fill its memory."""
    assert site.call("POST", site.path(), body, lawful=False, CONTENT_LENGTH=length).code == code


@pytest.mark.parametrize("size, code", [(MEBIBYTE, 200), (MEBIBYTE + 1, 413)])
def test_a_server_that_ends_the_stream_needs_no_length(site, size: int, code: int) -> None:
    """Chunked bodies are read from servers that end them, up to the same limit."""
    environ = {"CONTENT_LENGTH": None, "wsgi.input_terminated": True}
    assert site.call("POST", site.path(), PAIR.ljust(size), **environ).code == code


def test_a_broken_connection_is_no_error_of_ours(site) -> None:
    """A read that fails half-way is a bad request."""

    class Torn(io.BytesIO):
        def read(self, size: int = -1) -> bytes:
            raise ConnectionResetError

    environ = {"wsgi.input": Torn(), "CONTENT_LENGTH": "26"}
    assert site.call("POST", site.path(), PAIR, **environ).code == 400


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_storage_trouble_asks_to_come_back(site, monkeypatch, caplog, method: str) -> None:
    """503 with a time to come back; the log names the error and its place, and nothing of what it says."""

    def broken(*arguments: object) -> None:
        raise StorageUnavailable("cannot write about ann@example.org")

    monkeypatch.setattr(site.storage, "load", broken)
    with caplog.at_level(logging.INFO):
        answer = site.call(method, site.path(), PAIR if method == "POST" else b"")
    assert (answer.code, answer.headers["Retry-After"]) == (503, "60")
    assert "That did not work just now" in answer.text
    assert "StorageUnavailable" in caplog.text
    assert "ann@" not in caplog.text + answer.text


def test_nothing_of_a_customer_is_logged_or_shown(site, caplog) -> None:
    """Neither the address nor the id is in a page or in the log of a whole unsubscribe."""
    site.profile("customer-77", email="ann@example.org")
    with caplog.at_level(logging.DEBUG):
        path = site.path("customer-77")
        shown = site.call("GET", path).text + site.call("POST", path, PAIR).text
    for secret in ("ann@example.org", "customer-77", path, site.shop.secret):
        assert secret not in caplog.text + shown
    assert site.errors.getvalue() == ""
