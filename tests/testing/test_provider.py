"""The provider that is played is as strict as the real one, and what it writes down outlives whoever is killed."""

from __future__ import annotations

import httpx
import pytest

from retention.testing.provider import Provider

LETTER = {"from": "shop@example.com", "to": ["ann@example.com"], "subject": "Hi", "text": "Hi", "tags": [{"name": "message_key", "value": "k-1"}]}  # fmt: skip
KEY = {"Authorization": "Bearer re_1"}


@pytest.fixture
def provider(tmp_path):
    """A provider with a log."""
    with Provider(log=tmp_path / "log") as made:
        yield made


@pytest.mark.parametrize(
    "path, data, headers",
    [
        ("/emails", LETTER, {}),
        ("/elsewhere", LETTER, KEY),
        ("/emails/batch", [], KEY),
        ("/emails/batch", [LETTER] * 101, KEY),
        ("/emails", LETTER | {"tags": [{"name": "message_key", "value": "a.b"}]}, KEY),
        ("/emails", {}, KEY),
        ("/emails", [LETTER], KEY),
    ],
)
def test_what_the_real_one_would_refuse(provider, path, data, headers):
    """No key, no such endpoint, too many letters, a tag with a dot, fields missing."""
    assert httpx.post(provider.url + path, json=data, headers=headers).status_code == 422
    assert provider.accepted == []


def test_the_log(provider, tmp_path):
    """Each accepted letter is a line, at once; a second send of a request is none."""
    headers = KEY | {"Idempotency-Key": "k-1"}
    for _ in range(2):
        assert httpx.post(f"{provider.url}/emails", json=LETTER, headers=headers).status_code == 200
    assert httpx.post(f"{provider.url}/emails/batch", json=[LETTER] * 2, headers=headers).status_code == 200
    assert (tmp_path / "log").read_text() == "k-1\n" * 3
