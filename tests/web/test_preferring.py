"""Preferences by link: topics and language, kept only where they differ."""

from __future__ import annotations

from urllib.parse import urlencode

from retention import facts
from retention.journey import Needs
from retention.letters import links


def path(site, customer="42"):
    return links.preferences_url(site.shop, customer).removeprefix(site.shop.base_url)


def post(site, *topics, language="en"):
    fields = [("preferences", "1"), *(("topic", topic) for topic in topics), ("language", language)]
    return site.call("POST", path(site), urlencode(fields).encode())


def kept(site):
    (file,) = site.storage.load(["42"], Needs(frozenset({"consent", "profile"})))
    return file.facts


def test_topics_are_readable(site):
    """The ready topic has words; one of the shop's own shows its name as words, and keeps it as it is."""
    site.consent(topic="tea_of_the <month>")
    assert "<span>News, ideas and offers</span>" in site.call("GET", path(site)).text
    assert (
        'value="tea_of_the &lt;month&gt;" checked> <span>Tea of the &lt;month&gt;</span>'
        in site.call("GET", path(site)).text
    )


def test_opening_changes_nothing_and_shows_what_is(site):
    """Each topic with its tick, and the language."""
    site.profile(language="ru")
    site.consent()
    site.consent(topic="news", granted=False)
    before = kept(site)
    answer = site.call("GET", path(site))
    assert 'value="marketing" checked' in answer.text
    assert 'value="news"> <span>News</span>' in answer.text
    assert "Новости, идеи и предложения" in answer.text
    assert '<option value="ru" lang="ru" selected>' in answer.text
    assert site.call("HEAD", path(site)).code == 200
    assert kept(site) == before


def test_ticks_are_consents(site):
    """Taken away and given, once however often it is posted, and again later."""
    site.consent()
    for _ in "ab":
        assert post(site).code == 200
    assert site.said() == [True, False]
    post(site, "marketing")
    post(site)
    assert site.said() == [True, False, True, False]


def test_nothing_changes_nothing(site):
    """Saving the form as it was makes no fact."""
    site.profile(language="en")
    site.consent()
    before = kept(site)
    assert "Saved" in post(site, "marketing").text
    assert kept(site) == before


def test_a_language_is_kept(site):
    """The page that thanks is in the new one already; one that nobody speaks here is passed over."""
    assert "Сохранено" in post(site, language="ru").text
    assert [fact.language for fact in kept(site) if fact.kind == "profile"] == ["ru"]
    assert "Сохранено" in post(site, language="tlh").text
    assert len(kept(site)) == 1


def test_who_complained_may_come_back(site):
    """A complaint ends all letters; a tick afterwards is a new consent."""
    site.consent()
    told = {"id": "e", "customer_id": "42", "at": site.now, "message_key": "k", "status": "complained"}
    site.engine.record([facts.EmailReported(**told)])
    assert 'value="marketing">' in site.call("GET", path(site)).text
    post(site, "marketing")
    assert site.said() == [True, True]


def test_a_form_that_is_none(site):
    """Posted by something else: 400, nothing withdrawn."""
    site.consent()
    assert site.call("POST", path(site), b"List-Unsubscribe=One-Click").code == 400
    assert site.said() == [True]


def test_forged_links_are_lost(site):
    """And one to unsubscribe opens no preferences."""
    assert site.call("GET", path(site) + "x").code == 404
    assert site.call("GET", site.path().replace("unsubscribe", "preferences")).code == 404


def test_the_unsubscribe_page_leads_here(site):
    """Who wants less, not nothing, finds the way."""
    assert path(site) in site.call("GET", site.path()).text
