"""The sample of each letter is somebody to whom the journey would send it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from retention.facts import Answered, Fact, FellAsleep, OfferDecided, ReturnChanged, ServiceCancellationChanged
from retention.journey.conditions import Exists, Not
from retention.journey.definition import After, Before, Choice, Delay, Exit, Facts, Journey, On, Step, Variant
from retention.letters import context, scenes
from retention.letters.samples import NOW, Sample, typical
from retention.people import LANGUAGES, Shop
from retention.playbooks import after_return, cancelled_service, post_purchase, product_return, ready, win_back
from retention.reasons import Reason

SHOP = Shop(
    name="Tea & Linen",
    sender="hello@shop.example",
    timezone="Europe/London",
    currency="GBP",
    base_url="https://shop.example",
    secret="0123456789abcdef",
)


def shown(journey: Journey, step_id: str, template: str = "", language: str = "en") -> Sample:
    step = next(step for step in journey.steps if step.id == step_id)
    return scenes.fitting(SHOP, language, journey, step, template or step.template)


def known(sample: Sample) -> context.Context:
    return context.build(SHOP, sample.customer, sample.facts, NOW, decision=sample.decision(), picks=sample.picks)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_letter_of_the_playbooks_has_its_own_story(language: str) -> None:
    """None of them falls back on the customer who has been through everything at once."""
    everything = typical(SHOP, language).facts
    for journey in ready():
        for step in journey.steps:
            for template in step.templates():
                sample = scenes.fitting(SHOP, language, journey, step, template)
                assert sample.facts != everything, (journey.name, step.id, template)
                assert all(fact.at <= NOW for fact in sample.facts)
                assert len({fact.id for fact in sample.facts}) == len(sample.facts)


@pytest.mark.parametrize("template, group", [("size", "SIZE"), ("defect", "DEFECT"), ("mind", "MIND")])
def test_help_shows_its_own_reason(template: str, group: str) -> None:
    """Size a size, defect a defect, mind a change of mind: and nothing has been settled yet."""
    about = known(shown(product_return(), "help", f"product_return/{template}")).returned
    assert about is not None
    assert (about.group, about.status, about.wanted) == (group, "requested", "")
    assert len(about.products) == 1


def test_help_for_other_reasons_and_the_question() -> None:
    """A reason without a branch of its own; and nobody is asked who has said why."""
    other = known(shown(product_return(), "help")).returned
    assert Reason(other.reason).group not in ("SIZE", "DEFECT", "MIND")
    assert known(shown(product_return(), "question")).returned.reason == ""


@pytest.mark.parametrize(
    "step_id, status",
    [
        ("received", "requested"), ("approved", "approved"), ("deadline", "approved"), ("arrived", "received"),
        ("refunded", "refunded"), ("exchanged", "exchanged"), ("rejected", "rejected"), ("expired", "expired"),
    ],
)  # fmt: skip
def test_stages_show_themselves(step_id: str, status: str) -> None:
    """A return has come as far as the letter says, and no further."""
    about = known(shown(product_return(), step_id)).returned
    assert about.status == status
    assert (about.refund is not None) == (status == "refunded")
    assert about.deadline is not None or status == "requested"


@pytest.mark.parametrize("step_id, status", [("received", "requested"), ("ended", "ended"), ("withdrawn", "withdrawn")])
def test_a_service_is_a_service(step_id: str, status: str) -> None:
    """No return, no order goes with it."""
    about = known(shown(cancelled_service(), step_id))
    assert (about.service.status, about.returned, about.order) == (status, None, None)


def test_silence_and_deliveries() -> None:
    """Who is asleep sends nothing back; who looked in gets the softer letter; risk and answers choose the exchange."""
    asleep = shown(win_back(), "miss_you")
    assert not [f for f in asleep.facts if isinstance(f, ReturnChanged | ServiceCancellationChanged)]
    softer = shown(win_back(), "miss_you", "win_back/still_looking")
    assert {f.kind for f in softer.facts} - {f.kind for f in asleep.facts} == {"visit"}
    own = post_purchase()
    exchange, offered, care = (
        shown(own, "exchange"),
        shown(own, "feedback", "post_purchase/exchange"),
        shown(own, "care"),
    )
    assert [f.value for f in exchange.facts if isinstance(f, Answered)] == ["size"]
    risks = [next(f.risk for f in one.facts if f.kind == "return_risk") for one in (care, offered)]
    assert risks[0] < 0.5 <= risks[1]
    assert known(care).order is not None


def test_offers_and_products_only_where_the_letter_has_them() -> None:
    """A letter without an offer shows none, one that is no promotion no products; a second coupon follows a first."""
    assert known(shown(win_back(), "offer")).offer.code
    assert known(shown(win_back(), "miss_you")).offer is None
    assert known(shown(product_return(), "thanks")).offer.percent == "15"
    assert known(shown(product_return(offer=""), "thanks")).offer is None
    assert len(shown(win_back(), "miss_you").picks) == 3
    assert shown(product_return(), "approved").picks == ()
    assert any(isinstance(f, OfferDecided) for f in shown(after_return(), "second_coupon").facts)


def own(step: Step, **options: object) -> Journey:
    return Journey(name="own", trigger=options.pop("trigger", Facts("asleep")), steps=[step], **options)


def has(sample: Sample, kind: type[Fact]) -> bool:
    return any(isinstance(fact, kind) for fact in sample.facts)


def test_every_sort_of_condition_is_asked() -> None:
    """Trigger, entry, exits, moments, `when`, `cancel`, branches: whoever they keep out is not shown."""
    first = After()
    visited = Exists("visit")
    for options, more, looked in (
        ({}, {}, False),
        ({"when": visited}, {}, True),
        ({"cancel": Not(visited)}, {}, True),
        ({}, {"when": visited}, True),
        ({}, {"exits": [Exit("out", Not(visited))]}, True),
        ({"moment": On([Facts("visit", key="any")])}, {}, True),
        ({"moment": On([Facts("asleep"), Facts("visit", key="any")])}, {}, True),
        ({"moment": On([Facts("asleep"), Facts("visit", key="any")], need="any")}, {}, False),
    ):
        journey = own(Step(id="a", template="own/a", **{"moment": first} | options), **more)
        sample = shown(journey, "a")
        assert has(sample, FellAsleep)
        assert any(f.kind == "visit" for f in sample.facts) == looked


def test_what_no_story_leads_to_gets_everything() -> None:
    """A journey about something else shows the customer of whom everything is known, with an offer where it makes one."""
    for moment in (After(), On([Facts("delivery", "failed")]), Before(Facts("return"), "deadline", Delay(days=2))):
        for offer in ("", "mug"):
            sample = shown(own(Step(id="a", moment=moment, template="own/a", offer=offer), trigger=Facts("merge")), "a")
            assert sample.facts == typical(SHOP, "en").facts
            assert bool(sample.offer) == bool(offer)


def test_branches_and_arms_have_their_own_offers() -> None:
    """The offer is that of the branch, else of the arm, else of the step."""
    step = Step(
        id="a",
        moment=After(),
        template="own/a",
        choose=[Choice(Exists("visit"), "own/b", offer="mug")],
        variants={"warm": Variant(template="own/c", offer="cup")},
    )
    journey = own(step, arms={"control": 0.5, "warm": 0.5})
    made = {name: shown(journey, "a", f"own/{name}").offer for name in "abc"}
    assert {name: bool(offer) for name, offer in made.items()} == {"a": False, "b": True, "c": True}
    assert shown(journey, "a", "own/d").facts == typical(SHOP, "en").facts


def test_stories_are_told_in_both_languages_and_end_before_the_letter() -> None:
    """Services and products have names that the reader knows; nothing lies in the future but a deadline."""
    for language in LANGUAGES:
        told = list(scenes.stories(SHOP, language))
        assert len(told) > 40
        assert all(isinstance(fact.at, datetime) and fact.at.astimezone(UTC) < NOW for story in told for fact in story)
    names = [
        {line.name for story in scenes.stories(SHOP, one) for f in story for line in getattr(f, "lines", ())}
        for one in LANGUAGES
    ]
    assert not names[0] & names[1]
