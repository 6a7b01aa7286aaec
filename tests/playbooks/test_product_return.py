"""The chain of a return: each stage once, help by reason, a good end; what is late, doubled or shuffled changes nothing."""

from __future__ import annotations

import json
from itertools import permutations

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from retention.journey import ContactPolicy, Delay, definition
from retention.playbooks import cancelled_service, product_return
from retention.reasons import OwnReason, Reason

STAGES = ("requested", "approved", "in_transit", "received")
PATH = [*STAGES, "refunded"]
NO_PROMOTION = {"recommend_after": None, "thank_after": None}
BY_GROUP = {"SIZE": "size", "DEFECT": "defect", "MIND": "mind", "DELIVERY": "other"}


def path(one, *, apart: float = 1.0, **more):
    """A return from the request to the money, a stage a day; the request knows the reason."""
    stages = [one.returned(status, i * apart, **(more if not i else {})) for i, status in enumerate(STAGES)]
    return [*stages, one.refunded(4 * apart)]


def test_every_letter_in_its_time(story) -> None:
    """The whole chain, as it should go."""
    one = story(product_return())
    for i, fact in enumerate(path(one, reason="SIZE_TOO_SMALL")):
        one.knows(fact).tick(i)
    assert one.over().sent() == {
        "received": 0,
        "help": pytest.approx(1 / 24),
        "approved": 1,
        "arrived": 3,
        "refunded": 4,
        "recommendations": 8,
        "thanks": 11,
    }
    assert one.why("question") == ["condition"]
    assert [row.step for row in one.rows() if row.promotional] == ["recommendations", "thanks"]
    (left,) = one.rows("exit")
    assert (left.reason, left.at) == ("concluded", one.day(18))  # two weeks after the money


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.OTHER])
def test_help_by_reason(story, reason) -> None:
    """Every reason has its branch, whether the return says it or the customer answers."""
    template = f"product_return/{BY_GROUP[reason.group]}"
    stated = story(product_return())
    stated.knows(stated.returned("requested", 0, reason=reason.value)).over()
    assert stated.templates() == ["product_return/received", template]
    asked = story(product_return())
    asked.knows(asked.returned("requested", 0)).tick(1).knows(asked.answered("reason", reason.value, 1)).over()
    assert asked.templates() == ["product_return/received", "product_return/question", template]


@pytest.mark.parametrize("reason", ["", "OTHER", "HOUSE-17"])
def test_one_question_when_the_reason_is_unclear(story, reason) -> None:
    """No reason, OTHER, and a code that nobody knows: one question, and no guess."""
    one = story(product_return())
    one.knows(one.returned("requested", 0, reason=reason)).over()
    assert one.templates() == ["product_return/received", "product_return/question"]


def test_who_answered_is_not_asked(story) -> None:
    """An answer before the question is due makes it needless; OTHER as an answer gets the letter for the rest."""
    one = story(product_return())
    one.knows(one.returned("requested", 0), one.answered("reason", "OTHER", 0)).over()
    assert one.templates() == ["product_return/received", "product_return/other"]


def test_a_reason_that_comes_later(story) -> None:
    """More information about the return brings the help, once."""
    one = story(product_return())
    one.knows(one.returned("requested", 0)).tick(1).knows(one.returned("information", 1, reason="STYLE"))
    one.tick(2).knows(one.answered("reason", "PRICE", 2)).over()
    assert one.templates() == ["product_return/received", "product_return/question", "product_return/mind"]


def test_the_answer_counts_before_the_form(story) -> None:
    """Where both are known, what the customer answered decides."""
    one = story(product_return())
    one.knows(one.returned("requested", 0, reason="CHANGED_MIND"), one.answered("reason", "DEFECTIVE", 0)).over()
    assert one.templates() == ["product_return/received", "product_return/defect"]


def test_a_shops_own_reasons(story) -> None:
    """A code of the shop's own follows its group."""
    own = OwnReason(value="ALLERGY", group="MIND", fault="buyer", en="Allergic", ru="Аллергия")
    one = story(product_return(own_reasons=[own]))
    one.knows(one.returned("requested", 0, reason="ALLERGY")).over()
    assert one.templates() == ["product_return/received", "product_return/mind"]


@pytest.mark.parametrize("end", ["exchanged", "rejected", "expired"])
def test_other_ends(story, end) -> None:
    """Each end is told once; only a good one is followed by recommendations and thanks."""
    one = story(product_return())
    one.knows(one.returned("requested", 0, reason="STYLE"), one.returned(end, 0.5)).over()
    after = ["recommendations", "thanks"] if end == "exchanged" else []
    assert [row.step for row in one.rows()] == ["received", "help", end, *after]


def test_no_word_of_a_refund_before_the_money_moved(story) -> None:
    """The status alone says nothing; the letter leaves when a fact states the money."""
    one = story(product_return())
    one.knows(one.returned("requested", 0, reason="STYLE"), one.returned("refunded", 1)).tick(5)
    assert "refunded" not in one.sent()
    one.knows(evolve(one.refunded(6), id="the money")).over()
    assert (one.sent()["refunded"], one.sent()["recommendations"], one.sent()["thanks"]) == (6, 10, 13)
    never = story(product_return())
    never.knows(never.returned("requested", 0), never.returned("refunded", 1)).over()
    assert not {"refunded", "recommendations", "thanks"} & set(never.sent())


def test_a_reminder_before_the_customers_deadline(story) -> None:
    """Two days before, for the deadline that counts; not for what is already on its way."""
    one = story(product_return())
    one.knows(one.returned("requested", 0, reason="STYLE", deadline=one.day(10))).tick(1)
    one.knows(one.returned("approved", 1, deadline=one.day(14))).over()
    assert one.sent()["deadline"] == 12
    sent = story(product_return())
    sent.knows(sent.returned("requested", 0, deadline=sent.day(10))).tick(1).knows(
        sent.returned("in_transit", 2)
    ).over()
    assert sent.why("deadline") == ["cancelled"]


@settings(max_examples=60, deadline=None)
@given(st.permutations(PATH), st.lists(st.sampled_from(PATH), max_size=5))
def test_any_order_of_arrival_gives_the_same_letters(story, order, doubled) -> None:
    """Told of every stage, shuffled and twice, a minute apart: the same letters, each once."""
    one = story(product_return(overtaken="send", **NO_PROMOTION))
    facts = dict(zip(PATH, path(one, apart=0.01, reason="STYLE"), strict=True))
    one.arrive([facts[status] for status in (*order, *doubled)], 0.1).over()
    assert sorted(row.step for row in one.rows()) == ["approved", "arrived", "help", "received", "refunded"]


@pytest.mark.parametrize("overtaken", ["skip", "send"])
def test_all_known_at_once(story, overtaken) -> None:
    """Stages that arrive together: in each of the 120 orders, doubled or not, the very same ledger."""
    ledgers = set()
    for order in permutations(range(5)):
        one = story(product_return(overtaken=overtaken, **NO_PROMOTION))
        facts = path(one, apart=0.01, reason="STYLE")
        one.knows(*(facts[i] for i in order), facts[order[0]]).late(0.1)
        ledgers.add(one.file.ledger)
    (ledger,) = ledgers
    sent = [row.step for row in ledger if row.kind == "send"]
    told = {"skip": ["refunded"], "send": ["received", "approved", "arrived", "refunded", "help"]}[overtaken]
    assert sorted(sent) == sorted(told)


@pytest.mark.parametrize("order", list(permutations(PATH)), ids=" ".join)
def test_nobody_hears_of_a_stage_that_is_over(story, order) -> None:
    """Told in any order, a plan after each: no letter twice, the end always, no stage after a later one."""
    one = story(product_return(**NO_PROMOTION))
    facts = dict(zip(PATH, path(one, apart=0.01, reason="STYLE"), strict=True))
    one.arrive([facts[status] for status in order], 0.1).over()
    stages = [row.step for row in one.rows() if row.step != "help"]
    usual = ["received", "approved", "arrived", "refunded"]
    assert stages == sorted(stages, key=usual.index)
    assert len(set(stages)) == len(stages)
    assert stages[-1] == "refunded"


def test_what_comes_too_late_is_not_told(story) -> None:
    """A status of last week is no news; the ledger says late."""
    one = story(product_return())
    one.knows(one.returned("requested", 0, reason="STYLE")).tick(9).knows(one.returned("approved", 1)).over()
    assert one.why("approved") == ["late"]


def test_two_returns_are_two_runs(story) -> None:
    """Side by side, each with its own letters."""
    one = story(product_return(**NO_PROMOTION))
    for name in ("r1", "r2"):
        one.knows(one.returned("requested", 0, name=name, reason="STYLE"))
    one.knows(one.refunded(1, name="r2")).over()
    assert sorted((row.entry_key, row.step) for row in one.rows()) == [
        ("r1", "help"),
        ("r1", "received"),
        ("r2", "help"),
        ("r2", "received"),
        ("r2", "refunded"),
    ]


def test_letters_of_another_tool(story) -> None:
    """What the returns app sends is not sent twice, and the ledger says so."""
    one = story(product_return(owned=("received", "refunded"), owner="returns app"))
    one.knows(one.returned("requested", 0), one.refunded(1)).over()
    assert one.why("received") == one.why("refunded") == ["owned"]
    assert {step.owner for step in product_return(owned=["received"]).steps} == {"", "another tool"}
    assert "thanks" in one.sent()


def test_promotion_waits_while_a_defect_is_open(story) -> None:
    """The thanks for one return wait for the other, defective one; what they waited for is the reason."""
    policy = ContactPolicy(quiet_hours=None, caps=())
    one = story(product_return(), policy=policy)
    one.knows(one.returned("requested", 0, reason="STYLE"), one.refunded(1)).tick(2)
    one.knows(one.returned("requested", 2, name="r2", reason="DEFECTIVE")).tick(9)
    assert [row.reason for row in one.rows("defer")] == ["open_defect_return"] * 2
    one.knows(one.refunded(9, name="r2")).over()
    of_the_first = {row.step for row in one.rows() if row.entry_key == "r1"}
    assert ("thanks" in of_the_first, "recommendations" in of_the_first) == (True, False)


def test_the_control_hears_of_its_return(story) -> None:
    """Only promotion is kept from the control."""
    one = story(product_return(), arm="control")
    one.knows(one.returned("requested", 0, reason="STYLE"), one.refunded(1)).over()
    assert {row.step for row in one.rows("withhold")} == {"recommendations", "thanks"}
    assert "refunded" in one.sent()


def test_the_coupon_of_the_thanks(story) -> None:
    """The thanks wait for the engine's decision; with "skip" nobody is thanked without a coupon."""
    one = story(product_return(recommend_after=None), grants=True)
    one.knows(one.returned("requested", 0), one.refunded(1)).tick(8)
    assert one.wants == (("product_return", "r1"),)
    one.knows(one.granted("product_return", "r1", 8)).over()
    assert one.rows()[-1].offer == "mug"
    dry = story(product_return(without_offer="skip"))
    dry.knows(dry.returned("requested", 0), dry.refunded(1)).over()
    assert dry.why("thanks") == ["no_offer"]


def test_a_customer_without_consent_or_address(story) -> None:
    """Without consent the return's own letters are sent all the same; without an address nothing is, with that reason."""
    one = story(product_return())
    one.file = evolve(one.file, facts=tuple(fact for fact in one.file.facts if fact.kind == "profile"))
    one.knows(one.returned("requested", 0), one.refunded(1)).over()
    assert "refunded" in one.sent()
    assert one.why("thanks") == ["no_consent"]
    nowhere = story(product_return(), known=False)
    nowhere.knows(nowhere.returned("requested", 0), nowhere.returned("exchanged", 0.1)).over()
    assert (nowhere.sent(), nowhere.why("exchanged")) == ({}, ["no_address"])


def test_a_return_without_an_order(story) -> None:
    """The chain goes by the return alone."""
    one = story(product_return(**NO_PROMOTION))
    one.knows(one.returned("requested", 0, order_id="", reason="STYLE"), one.returned("exchanged", 1, order_id=""))
    assert set(one.over().sent()) == {"received", "help", "exchanged"}


def test_both_are_stored_and_read_back() -> None:
    """The journeys survive JSON."""
    for journey in (product_return(), product_return(owned=["received"], overtaken="send"), cancelled_service()):
        assert definition.from_json(json.loads(json.dumps(definition.to_json(journey)))) == journey


def test_every_number_is_a_parameter() -> None:
    """What is given is what the journeys hold."""
    common = {
        "version": 2,
        "control": 0,
        "offer": "ten",
        "hour": 9,
        "valid_for": Delay(days=1),
        "accept_for": Delay(days=2),
        "lasts": Delay(days=90),
        "window": Delay(days=14),
        "priority": 3,
        "topic": "news",
        "thank_after": Delay(days=20),
        "ends_after": Delay(days=30),
    }
    own = {"help_after": Delay(hours=5), "remind_before": Delay(days=4), "recommend_after": Delay(days=9)}
    for journey in (product_return(**common, **own), cancelled_service(**common)):
        assert (journey.version, journey.priority, journey.topic) == (2, 3, "news")
        assert (journey.accept_for, journey.lasts, journey.window) == (Delay(days=2), Delay(days=90), Delay(days=14))
        assert dict(journey.arms) == {"letters": 1.0}
        assert journey.ends.delay == Delay(days=30)
        assert {step.valid_for for step in journey.steps} == {Delay(days=1)}
        thanks = journey.steps[-1]
        assert (thanks.offer, thanks.hour, thanks.moment.delay) == ("ten", 9, Delay(days=20))
    steps = {step.id: step for step in product_return(**own).steps}
    assert steps["question"].moment.delay == steps["help"].moment.delay == Delay(hours=5)
    assert (steps["deadline"].moment.delay, steps["recommendations"].moment.delay) == (Delay(days=4), Delay(days=9))


def test_a_cancelled_service(story) -> None:
    """Received, confirmed and ended in their time, thanks three days later."""
    one = story(cancelled_service())
    for day, status in enumerate(("requested", "confirmed", "ended")):
        one.knows(one.service(status, day)).tick(day)
    assert one.over().sent() == {"received": 0, "confirmed": 1, "ended": 2, "thanks": 5}
    assert one.why("withdrawn") == ["concluded"]


def test_a_cancellation_withdrawn(story) -> None:
    """Who stays is told so, and is not thanked for leaving; what the withdrawal overtook is not told."""
    one = story(cancelled_service())
    one.knows(one.service("requested", 0), one.service("confirmed", 0.1), one.service("withdrawn", 0.2)).late(0.3)
    assert set(one.over().sent()) == {"withdrawn"}
    assert [step.id for step in cancelled_service(thank_after=None).steps][-1] == "withdrawn"


@pytest.mark.parametrize("order", list(permutations(("requested", "confirmed", "ended"))), ids=" ".join)
def test_a_services_stages_in_any_order(story, order) -> None:
    """Each at most once, the end always, and with "send" the same letters in any order."""
    for overtaken in ("skip", "send"):
        one = story(cancelled_service(overtaken=overtaken, thank_after=None))
        one.arrive([one.service(status, 0.01 * i) for i, status in enumerate(order)], 0.1).over()
        sent = sorted(row.step for row in one.rows())
        assert sent.count("ended") == 1
        assert len(set(sent)) == len(sent)
        assert overtaken == "skip" or sent == ["confirmed", "ended", "received"]
