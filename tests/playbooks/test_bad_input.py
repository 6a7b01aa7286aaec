"""Bad input through the whole engine, with every playbook: a graceful letter or a recorded reason, never a crash."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retention import facts as f
from retention.engine import Engine, Granting, Ration
from retention.journey import REASONS, ContactPolicy, Delay, Journey, Needs
from retention.messages import Message
from retention.offers import Offer
from retention.people import LANGUAGES, Product
from retention.playbooks import after_return, cancelled_service, post_purchase, product_return, win_back

Known: TypeAlias = tuple[float, f.Fact]
"""A fact, and on which day the shop hears of it; days count from `NOON`."""
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FREE = ContactPolicy(quiet_hours=None, caps=(), holds=())
MUG = Offer(id="mug", kind="gift", amount=9, cost="0.50", days=14)
TEN = Offer(id="ten", kind="discount", amount="0.10", days=14)
GREETING = {"en": r"Hello(, \w[^,!]*)?!", "ru": r"Здравствуйте(, \w[^,!]*)?!"}
EXITS = {"ordered", "sent_back"}
FLAWS = {
    "a hole before a mark": r"(?:^|\s)[,;:!?.](?!\w)|,\s*[,!.]",
    "nothing in quotes": r"«\W*»|“\W*”|\"\W*\"|\(\W*\)",
    "a value that is none": r"\b(?:None|null|nan|[Uu]ndefined)\b",
    "two spaces": r"\S {2,}\S",
    "a template's mark": r"\{\{|\}\}|\{%|%\}",
    "an item without a name": r"^\* *[,:]|^\*\s*$",
}


def every(**more: Any) -> list[Journey]:
    """All ready journeys, nobody in a control group."""
    after = after_return(control=0, survey=Delay(days=5))
    return [product_return(control=0, **more), cancelled_service(control=0), post_purchase(control=0), after, win_back(control=0)]


def granting(*catalogue: Offer, **more: Any) -> Granting:
    return Granting(**{"catalogue": catalogue or (MUG,), "budget": 1_000, "explore": 0.0} | more)


def visible(html: str) -> str:
    """What a reader sees of a letter's body, a line for each paragraph."""
    body = re.sub(r"<style.*?</style>|<title.*?</title>|<!.*?>", "", html, flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]*>", "", re.sub(r"</(?:p|div|tr|table)>", "\n", body)))


def flaws(letter: Message) -> list[str]:
    """What nobody should have to read in a letter."""
    found = [part for part in ("subject", "text", "html") if not getattr(letter, part).strip()]
    greeting = letter.text.splitlines()[0]
    if not any(re.fullmatch(pattern, greeting) for pattern in GREETING.values()):
        found.append(f"greeting: {greeting!r}")
    for part, text in (("subject", letter.subject), ("text", letter.text), ("html", visible(letter.html))):
        lines = [re.sub(r"https?://\S+", "LINK", line).strip() for line in text.splitlines()]
        found += [
            f"{part}: {flaw}: {line!r}" for line in lines for flaw, of in FLAWS.items() if re.search(of, line)
        ]
    return found


class Weeks:
    """A small shop with all journeys, living through days; nothing may break, and everything must be explained."""

    def __init__(self, kit: Any, *journeys: Journey, language: str = "en", **options: Any) -> None:
        self.world, self.shop = kit.World(), kit.shop(language=language)
        self.options = {"policy": FREE, "ration": Ration(share=1.0), "offers": granting()} | options
        self.opens(*journeys)

    def opens(self, *journeys: Journey, **options: Any) -> Weeks:
        """(Re)start the engine on the same storage, some settings changed."""
        self.options |= options
        self.engine: Engine = self.world.engine(*(journeys or every()), shop=self.shop, **self.options)
        return self

    @property
    def today(self) -> float:
        return (self.world.clock.at - NOON) / timedelta(days=1)

    def lives(self, history: Iterable[Known] = (), until: float = 100) -> Weeks:
        """Facts become known on their days; scan, tick and deliver each day, later less often."""
        waiting = sorted(history, key=lambda known: known[0])
        while self.today <= until:
            heard = [fact for day, fact in waiting if day <= self.today]
            waiting = waiting[len(heard) :]
            self.engine.record(heard)
            done = self.engine.run()
            assert "unplanned" not in done["tick"]
            assert set(done["deliver"]) <= {"sent", "cancelled"}
            self.world.clock.passes(days=1 if self.today < 45 else 6)
        return self

    @property
    def letters(self) -> list[Message]:
        return list(self.world.sender.messages.values())

    def files(self) -> list[Any]:
        return list(self.world.storage.load(self.world.storage.customers("", 1_000), Needs()))

    def sent(self, who: str = "ann") -> dict[str, list[str]]:
        """The letters that left, by journey."""
        found: dict[str, list[str]] = {}
        for outcome in self.world.file(who).outcomes:
            if outcome.status == "sent":
                found.setdefault(outcome.key.journey, []).append(outcome.key.step)
        return found

    def whys(self, step: str, who: str = "ann") -> list[str]:
        """Why a letter was not sent."""
        kinds = ("skip", "withhold", "refuse")
        return [row.reason for row in self.world.file(who).ledger if row.step == step and row.kind in kinds]

    def sound(self, *, unwritable: bool = False) -> Weeks:
        """Every letter that left can be read by anybody, and what did not leave has a reason that `explain` names."""
        assert [(letter.subject, flaws(letter)) for letter in self.letters if flaws(letter)] == []
        left = 0
        for file in self.files():
            told = self.engine.explain(file.customer_id)
            assert told.unaccounted == ()
            said = str(told)
            for row in file.ledger:
                assert row.kind in ("enter", "send") or row.reason in REASONS.keys() | EXITS
                assert row.reason in said
                assert unwritable or row.reason != "unwritable"
            for outcome in file.outcomes:
                assert outcome.status == "sent" or (outcome.status == "cancelled" and outcome.reason in REASONS.keys() | EXITS)
                left += outcome.status == "sent"
        assert left == len(self.letters)
        return self


def fact(of: type[f.Fact], day: float, **more: Any) -> Known:
    """Known on the day on which it happened; the id is made of what it says."""
    name = "/".join(str(value) for value in (day, *more.values()) if isinstance(value, str))
    given_ = {"id": f"{of.kind}/{name}", "customer_id": "ann", "at": NOON + timedelta(days=day)} | more
    return max(day, 0), of(**given_)


def profile(**more: Any) -> list[Known]:
    """Ann, whose name, address and language are known, and who agreed to letters."""
    said = {"name": "Ann", "email": "ann@mail.example", "language": None} | more
    return [fact(f.ProfileChanged, -90, **said), fact(f.ConsentChanged, -90, granted=True)]


def order(day: float = -75, name: str = "o1", *lines: f.Line, **more: Any) -> Known:
    lines = lines or (f.Line(product_id="boots", price="30", name="Boots", category="Shoes"),)
    return fact(f.OrderPlaced, day, **{"id": name, "currency": "EUR", "lines": lines} | more)


def returned(*statuses: str, day: float = 1, **more: Any) -> list[Known]:
    """A return whose stages come two days apart; the money moves with the refund."""
    paid = {"refunded": {"refund": Decimal(30), "currency": "EUR"}}
    said = {"return_id": "r1", "order_id": "o1", "lines": (f.Line(product_id="boots"),)} | more
    return [fact(f.ReturnChanged, day + 2 * n, status=x, **said, **paid.get(x, {})) for n, x in enumerate(statuses)]


def whole_life(*, no: str = "", **more: Any) -> list[Known]:
    """Something of every journey: a return, a cancelled service, a risky order, a sleeper."""
    line = f.Line(product_id="boots", price="30", name="" if no == "product" else "Boots")
    named = {"service": "" if no == "service" else "Tea club", "cancellation_id": "s1"}
    risk = {"order_id": "o2", "risk": 0.3, "worth": "0.50", "product_id": "boots", "fit": "small"}
    where = {"order_id": "", "lines": ()} if no == "order" else {}
    return [
        *([] if no == "profile" else profile(**more)),
        *([] if no == "order" else [order(-75, "o1", line), order(-20, "o2", line)]),
        *returned("requested", "approved", "received", "refunded", **where),
        *(fact(f.ServiceCancellationChanged, 2 + n, status=x, **named) for n, x in enumerate(("requested", "ended"))),
        fact(f.ReturnRiskFound, 0, **risk),
        fact(f.Answered, 1.5, question="product", value="size", about="o2"),
    ]


RETURN = ["received", "question", "approved", "arrived", "refunded", "recommendations", "thanks"]
EVERY = {
    "product_return": RETURN,
    "cancelled_service": ["received", "ended", "thanks"],
    "post_purchase": ["care", "exchange", "feedback", "size_advice"],
    "after_return": ["survey", "new_collection"],
}


# ------------------------------------------------------------- something missing


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("no", ["", "order", "product", "service"])
def test_facts_with_something_missing(kit: Any, no: str, language: str) -> None:
    """A return without an order, an order without names, a service without one: all letters go, none with a hole."""
    sent = Weeks(kit, language=language).lives(whole_life(no=no)).sound().sent()
    expected = EVERY | {"post_purchase": ["care"]} if no == "order" else EVERY
    assert {name: sorted(steps) for name, steps in sent.items()} == {n: sorted(steps) for n, steps in expected.items()}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [None, "", "  ", "—", "None", "null null", "undefined", "\u200b", ",", "x" * 50])
def test_a_customer_without_a_name(kit: Any, name: str | None, language: str) -> None:
    """What is no name greets nobody by it: every letter goes, and begins with "Hello!"."""
    lived = Weeks(kit, language=language).lives(whole_life(name=name)).sound()
    greetings = {letter.text.splitlines()[0] for letter in lived.letters}
    assert greetings == {{"en": "Hello!", "ru": "Здравствуйте!"}[language]}
    assert len(lived.letters) == sum(map(len, EVERY.values()))


@pytest.mark.parametrize("name", [", Ann", "Ann,", " Ann ; ", "Ann\n", "Ann!", "Ann None"])
def test_half_a_name(kit: Any, name: str) -> None:
    """What a form leaves of "last name, first name" greets without the comma."""
    lived = Weeks(kit).lives(whole_life(name=name)).sound()
    assert {letter.text.splitlines()[0] for letter in lived.letters} == {"Hello, Ann!"}


@pytest.mark.parametrize("no", ["profile", "email"])
def test_a_customer_without_an_address(kit: Any, no: str) -> None:
    """Every letter that came due is recorded as not sent, and why."""
    lived = Weeks(kit).lives(whole_life(no=no, **({"email": None} if no == "email" else {}))).sound()
    assert lived.letters == []
    assert lived.whys("received") == lived.whys("arrived") == lived.whys("refunded") == ["no_address"]
    assert "product_return/received: letter withheld" in str(lived.engine.explain("ann"))


def test_sleepers_with_nothing_known(kit: Any) -> None:
    """Win-back to who has neither name nor products: letters with a coupon, none with a hole."""
    lived = Weeks(kit).lives([*profile(name=None), fact(f.OrderPlaced, -75, currency="EUR", total="30")]).sound()
    assert lived.sent() == {"win_back": ["miss_you", "offer", "reminder"]}
