"""What the facts about one customer add up to."""

from __future__ import annotations

from typing import Any

from retention import facts as f
from retention.journey import customer_of


def known(life: Any, *facts: Any) -> Any:
    return customer_of("1", facts, timezone="Europe/London", language="en")


def profile(life: Any, when: str, **more: Any) -> Any:
    return f.ProfileChanged(id=when, customer_id="1", at=life.at(when), **more)


def test_nothing_known(life: Any) -> None:
    """The shop's zone and language, no address, no consent."""
    one = known(life)
    assert (one.timezone, one.language, one.email, one.name, one.topics, one.suppressed) == (
        "Europe/London",
        "en",
        "",
        "",
        frozenset(),
        False,
    )


def test_the_last_word_of_each_part_counts(life: Any) -> None:
    """What a later profile does not say, it leaves."""
    one = known(
        life,
        profile(life, "2026-01-01", name="Ann", email="a@b.example", language="ru"),
        profile(life, "2026-02-01", timezone="Asia/Tokyo"),
    )
    assert (one.name, one.email, one.language, one.timezone) == ("Ann", "a@b.example", "ru", "Asia/Tokyo")


def test_a_language_without_letters_is_the_shops(life: Any) -> None:
    """A customer who reads French gets the shop's language, or the one they stated before."""
    assert known(life, profile(life, "2026-01-01", language="fr")).language == "en"
    assert (
        known(life, profile(life, "2026-01-01", language="ru"), profile(life, "2026-02-01", language="fr")).language
        == "ru"
    )


def test_consent_by_topic_the_last_word_counts(life: Any) -> None:
    """F18: each topic for itself; consent for another channel is none for letters."""
    sms = f.ConsentChanged(
        id="sms", customer_id="1", at=life.at("2026-01-04"), granted=True, topic="sms", channel="sms"
    )
    facts = [
        life.consent("2026-01-01"),
        life.consent("2026-01-02", topic="sizes"),
        life.consent("2026-01-03", granted=False),
        sms,
    ]
    assert known(life, *facts).topics == {"sizes"}


def test_a_hard_bounce_takes_the_address_until_another_comes(life: Any) -> None:
    """A soft bounce takes nothing; the same address again stays dead."""
    bounce = life.mail("bounced", "2026-01-02", bounce_class="hard")
    first, same, other = (
        profile(life, "2026-01-01", email="a@b.example"),
        profile(life, "2026-01-03", email="a@b.example"),
        profile(life, "2026-01-04", email="c@d.example"),
    )
    assert known(life, first, life.mail("bounced", "2026-01-02", bounce_class="soft")).email == "a@b.example"
    assert known(life, first, bounce).email == ""
    assert known(life, first, bounce, same).email == ""
    assert known(life, first, bounce, same, other).email == "c@d.example"


def test_a_complaint_ends_promotion_until_a_new_consent(life: Any) -> None:
    """Complaints and one-click unsubscribes suppress; a withdrawal lifts nothing, a new consent does."""
    for status in ("complained", "unsubscribed"):
        angry = [life.consent("2026-01-01"), life.mail(status, "2026-01-02")]
        assert known(life, *angry).suppressed
        assert known(life, *angry, life.consent("2026-01-03", granted=False)).suppressed
        assert not known(life, *angry, life.consent("2026-01-03")).suppressed


def test_opens_and_clicks_decide_nothing(life: Any) -> None:
    """F17: what robots do to a letter changes no customer."""
    before = known(life, profile(life, "2026-01-01", email="a@b.example"))
    for status in ("opened", "clicked", "delivered", "deferred"):
        assert (
            known(life, profile(life, "2026-01-01", email="a@b.example"), life.mail(status, "2026-01-02", machine=True))
            == before
        )
