"""Bad input through the whole engine, with every playbook: a graceful letter or a recorded reason, never a crash."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from retention import facts as f
from retention.engine import Engine, Granting, Ration
from retention.errors import InvalidInput
from retention.journey import REASONS, ContactPolicy, Delay, Journey, Needs, Step
from retention.messages import Message
from retention.offers import Offer
from retention.people import LANGUAGES, Product
from retention.playbooks import after_return, cancelled_service, post_purchase, product_return, win_back

Known: TypeAlias = tuple[float, f.Fact]
"""A fact, and on which day the shop hears of it; days count from `NOON`."""
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FREE = ContactPolicy(quiet_hours=None, caps=(), holds=())
MUG = Offer(id="mug", kind="gift", amount=9, cost="0.50", days=14)
GREETING = {"en": r"Hello(, \w[^,!]*)?!", "ru": r"Здравствуйте(, \w[^,!]*)?!"}
EXITS = {"ordered", "sent_back"}
FLAWS = {
    "a hole before a mark": r"(?:^|\s)[,;:!?.](?!\w)|,\s*[,!.]",
    "nothing in quotes": r"«\W*»|“\W*”|\"\W*\"|\(\W*\)",
    "a value that is none": r"\b(?:None|null|nan|(?i:undefined))\b",
    "two spaces": r"\S {2,}\S",
    "a template's mark": r"\{\{|\}\}|\{%|%\}",
    "an item without a name": r"^\* *[,:]|^\*\s*$",
}


def every(**more: Any) -> list[Journey]:
    """All ready journeys, nobody in a control group."""
    after = after_return(control=0, survey=Delay(days=5))
    return [
        product_return(control=0, **more),
        cancelled_service(control=0),
        post_purchase(control=0),
        after,
        win_back(control=0),
    ]


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
        found += [f"{part}: {flaw}: {line!r}" for line in lines for flaw, of in FLAWS.items() if re.search(of, line)]
    return found


def renamed(journey: Journey) -> list[Step]:
    """The first step under another name, and no other."""
    return [evolve(journey.steps[0], id=f"{journey.steps[0].id}-2")]


class Weeks:
    """A small shop with all journeys, living through days; nothing may break, and everything must be explained."""

    def __init__(self, kit: Any, *journeys: Journey, language: str = "en", **options: Any) -> None:
        self.world, self.shop = kit.World(), kit.shop(language=language)
        self.options = {"policy": FREE, "ration": Ration(share=1.0), "offers": granting()} | options
        self.waiting: list[Known] = []
        self.opens(*journeys)

    def opens(self, *journeys: Journey, **options: Any) -> Weeks:
        """(Re)start the engine on the same storage, some settings changed."""
        self.options |= options
        self.engine: Engine = self.world.engine(*(journeys or every()), shop=self.shop, **self.options)
        return self

    @property
    def today(self) -> float:
        return (self.world.clock.at - NOON) / timedelta(days=1)

    def lives(self, history: Iterable[Known] = (), until: float = 95) -> Weeks:
        """Facts become known on their days, those of earlier calls too; scan, tick and deliver each day."""
        self.waiting = sorted([*self.waiting, *history], key=lambda known: known[0])
        while self.today <= until:
            heard = [fact for day, fact in self.waiting if day <= self.today]
            self.waiting = self.waiting[len(heard) :]
            self.engine.record(heard)
            done = self.engine.run()
            assert "unplanned" not in done["tick"]
            assert set(done["deliver"]) <= {"sent", "cancelled"}
            self.world.clock.passes(days=1)
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

    def whys(self, journey: str, step: str, who: str = "ann") -> list[str]:
        """Why a letter was not sent."""
        rows = [row for row in self.world.file(who).ledger if row.kind in ("skip", "withhold")]
        return [row.reason for row in rows if (row.journey, row.step) == (journey, step)]

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
                assert outcome.status == "sent" or (
                    outcome.status == "cancelled" and outcome.reason in REASONS.keys() | EXITS
                )
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
    line = f.Line(product_id="boots", price="30", name="" if no == "product" else "Boots", category="Shoes")
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


def test_what_is_looked_for_is_found(kit: Any) -> None:
    """The checks of these tests see each flaw, in each part, and none in a good letter."""
    (good, *_) = Weeks(kit).lives(whole_life(), until=2).letters
    assert flaws(good) == []
    for flaw in (
        "Dear ,",
        "Hello, !",
        "about “”,",
        "of «», yes",
        "for None.",
        "sent  to",
        "* : none",
        "* , 5 EUR",
        "{{ x",
    ):
        assert flaws(evolve(good, subject=flaw)), flaw
        assert flaws(evolve(good, text=f"Hello!\n\n{flaw}")), flaw
        assert flaws(evolve(good, html=f"<p>Hello!</p>\n<p>{flaw}</p>")), flaw
    assert flaws(evolve(good, text="Hello,\n\nwelcome")) == ["greeting: 'Hello,'"]


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
@pytest.mark.parametrize(
    "name", [pytest.param(None, id="unknown"), "", "  ", "—", "None", "null null", "undefined", "\u200b", ",", "x" * 50]
)
def test_a_customer_without_a_name(kit: Any, name: str | None, language: str) -> None:
    """What is no name greets nobody by it: every letter goes, and begins with "Hello!"."""
    lived = Weeks(kit, language=language).lives(whole_life(name=name), until=30).sound()
    greetings = {letter.text.splitlines()[0] for letter in lived.letters}
    assert greetings == {{"en": "Hello!", "ru": "Здравствуйте!"}[language]}
    assert len(lived.letters) == sum(map(len, EVERY.values()))


@pytest.mark.parametrize("name", [", Ann", "Ann,", " Ann ; ", "Ann\n", "Ann!", "Ann None"])
def test_half_a_name(kit: Any, name: str) -> None:
    """What a form leaves of "last name, first name" greets without the comma."""
    lived = Weeks(kit).lives(whole_life(name=name), until=30).sound()
    assert {letter.text.splitlines()[0] for letter in lived.letters} == {"Hello, Ann!"}


@pytest.mark.parametrize("no", ["profile", "email"])
def test_a_customer_without_an_address(kit: Any, no: str) -> None:
    """Every letter that came due is recorded as not sent, and why."""
    lived = Weeks(kit).lives(whole_life(no=no, **({"email": None} if no == "email" else {}))).sound()
    assert lived.letters == []
    for step in ("received", "approved", "arrived", "refunded"):
        assert lived.whys("product_return", step) == ["no_address"]
    assert "product_return/received: letter skipped: no_address (no e-mail" in str(lived.engine.explain("ann"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("lines", [(), ("",), ("-", "None")], ids=["no lines", "no name", "marks"])
def test_sleepers_with_nothing_known(kit: Any, lines: Sequence[str], language: str) -> None:
    """Win-back to who has no name and bought twice what has none: letters with a coupon, none with a hole."""
    bought = [f.Line(product_id=f"p{n}", price="30", name=name, category=name) for n, name in enumerate(lines)]
    orders = [order(day, f"o{day}", lines=bought, total="30") for day in (-85, -75)]
    asleep = fact(f.FellAsleep, 0, order_id="o-75", basis=NOON - timedelta(days=75))
    lived = Weeks(kit, language=language).lives([*profile(name=None), *orders, asleep]).sound()
    assert lived.sent() == {"win_back": ["miss_you", "offer", "reminder"]}


def test_rows_of_json_with_nulls(kit: Any) -> None:
    """Null for what may be left out is nothing said, and the letters go; what no fact can be is told, a line for each."""
    about = {"format": 1, "customer_id": "ann", "at": NOON.isoformat()}
    back = {"kind": "return", "return_id": "r1", "order_id": None, "lines": None, "reason": None, "currency": None}
    rows = [
        about | {"kind": "profile", "id": "1", "name": None, "email": "ann@mail.example", "language": None},
        about | {"kind": "order", "id": "o1", "currency": "EUR", "lines": [{"product_id": "x", "name": None}]},
        about | back | {"id": "1", "status": "requested"},
        about | {"kind": "profile", "id": "2", "email": ""},
        about | {"kind": "order", "id": "o2", "currency": None},
        about | {"kind": "order", "id": "o3", "currency": "EUR", "lines": [{"product_id": None}]},
        about | {"kind": "profile", "id": "3", "customer_id": None},
    ]
    lived = Weeks(kit)
    recorded = lived.engine.record_json(rows)
    assert (recorded.new, [bad.index for bad in recorded.rejected]) == (3, [3, 4, 5, 6])
    assert [bad.reason.split(":")[0] for bad in recorded.rejected] == ["email", "currency", "product_id", "customer_id"]
    assert lived.lives().sound().sent()["product_return"] == ["received", "question"]


# ------------------------------------------------------------- languages


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("said", ["xx", "de-DE", "english", "\u200b"])
def test_an_unknown_language(kit: Any, said: str, language: str) -> None:
    """The letters go in the shop's language; that they do is counted when it is heard of, and told by `explain`."""
    counts: dict[str, dict[str, int]] = {}
    lived = Weeks(kit, language=language, observe=lambda event, found: counts.setdefault(event, dict(found)))
    lived.lives(whole_life(language=said), until=30).sound()
    assert {letter.text.splitlines()[0] for letter in lived.letters} == {
        {"en": "Hello, Ann!", "ru": "Здравствуйте, Ann!"}[language]
    }
    assert counts["record"]["unknown_language"] == 1
    assert f"profile: no letters are written in language {said!r}" in str(lived.engine.explain("ann"))


def test_an_unknown_language_changes_nothing(kit: Any) -> None:
    """Who was written to in Russian still is, after somebody reports a language that we do not have."""
    later = fact(f.ProfileChanged, 0, name="Анна", language="xx")
    lived = Weeks(kit).lives([*whole_life(language="ru"), later]).sound()
    assert {letter.text.splitlines()[0] for letter in lived.letters} == {"Здравствуйте, Анна!"}


@pytest.mark.parametrize("said", ["RU", "ru-RU", "ru_RU.UTF-8", " ru "])
def test_a_language_with_a_region(kit: Any, said: str) -> None:
    """A tag with a region is a language that we have, and nothing to be told of."""
    lived = Weeks(kit).lives(whole_life(language=said), until=30).sound()
    assert {letter.text.splitlines()[0] for letter in lived.letters} == {"Здравствуйте, Ann!"}
    assert "no letters are written" not in str(lived.engine.explain("ann"))


def test_a_shop_in_an_unknown_language(kit: Any) -> None:
    """Refused at the door with one line, before anything is stored."""
    with pytest.raises(InvalidInput, match=r"^language: 'xx' is unknown; use one of en, ru$"):
        Weeks(kit, language="xx")


# ------------------------------------------------------------- the catalogue changes


BOOTS = Product(id="boots", name="Boots", price="30", category="Shoes", url="https://shop.example/boots")
SHOES = [Product(id=f"shoes{n}", name=f"Shoes {n}", price="20", category="Shoes") for n in range(4)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_products_vanish(kit: Any, language: str) -> None:
    """The product of the order and then all others leave the catalogue: letters name what the facts say, and go on."""
    shelf = [BOOTS, *SHOES]
    lived = Weeks(kit, language=language, products=lambda: list(shelf)).lives(whole_life(), until=2)
    shelf.remove(BOOTS)
    lived.lives(until=8)
    shelf.clear()
    lived.lives().sound()
    assert {name: sorted(steps) for name, steps in lived.sent().items()} == {n: sorted(s) for n, s in EVERY.items()}
    assert any("Boots" in letter.text for letter in lived.letters)


def test_a_catalogue_that_cannot_be_read(kit: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The host's function breaks in mid-journey: the letters go without products, and the log has a line."""

    def broken() -> list[Product]:
        raise ConnectionError

    lived = Weeks(kit, products=[BOOTS, *SHOES]).lives(whole_life(), until=5).opens(products=broken).lives().sound()
    assert len(lived.letters) == sum(map(len, EVERY.values()))
    assert "the catalogue cannot be read; letters go without products: ConnectionError" in caplog.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["", "-", "None"])
def test_products_without_names(kit: Any, name: str, language: str) -> None:
    """A product that the catalogue has no name for is shown to nobody."""
    nameless = [evolve(one, name=name) for one in SHOES[:2]]
    lived = Weeks(kit, language=language, products=[*nameless, SHOES[2]]).lives(whole_life()).sound()
    shown = [letter.text for letter in lived.letters if "Shoes 2" in letter.text]
    assert len(shown) == 2  # recommendations and new_collection
    lived = Weeks(kit, language=language, products=nameless).lives(whole_life()).sound()
    assert len(lived.letters) == sum(map(len, EVERY.values()))


def sleeper(who: str = "ann", day: float = -75, name: str | None = "Ann") -> list[Known]:
    """A customer who falls asleep on the 75th day after the only order."""
    own = {"customer_id": who}
    return [
        fact(f.ProfileChanged, -90, id=who, email=f"{who}@mail.example", name=name, **own),
        fact(f.ConsentChanged, -90, id=who, granted=True, **own),
        order(day, f"order-{who}", **own),
    ]


def test_an_offer_leaves_the_catalogue(kit: Any) -> None:
    """Between the grant and the reminder: what was promised stays promised, and its code is taken."""
    lived = Weeks(kit).lives(sleeper(), until=9)
    (granted,) = [one for one in lived.world.file("ann").facts if isinstance(one, f.OfferDecided)]
    assert granted.offer == "mug"
    lived.opens(offers=granting(evolve(MUG, id="cup"))).lives(sleeper("tom", -60)).sound()
    reminder = next(
        letter for letter in lived.letters if letter.to == "ann@mail.example" and "last hello" in letter.subject
    )
    assert granted.code in reminder.text
    assert lived.engine.redeem(granted.code, order_id="7", at=granted.at).status == "accepted"
    assert lived.sent("tom") == {"win_back": ["miss_you", "offer", "reminder"]}


def test_offers_are_switched_off(kit: Any) -> None:
    """Between the first letter and the offer: the letter that would make one is skipped, with that reason."""
    lived = Weeks(kit).lives(sleeper(), until=3).opens(offers=None).lives().sound()
    assert lived.sent() == {"win_back": ["miss_you", "reminder"]}
    assert lived.whys("win_back", "offer") == ["no_offer"]


# ------------------------------------------------------------- the journeys change


def test_a_step_is_renamed_or_removed(kit: Any) -> None:
    """Who is inside ends what they began, also when the next version has other steps, and gets nothing twice."""
    lived = Weeks(kit).lives(whole_life(), until=8)
    later = [evolve(one, version=2, steps=renamed(one)) for one in every()]
    lived.opens(*later).lives([*sleeper("tom", -60)]).sound()
    assert {name: sorted(steps) for name, steps in lived.sent().items()} == {n: sorted(s) for n, s in EVERY.items()}
    assert lived.sent("tom") == {"win_back": ["miss_you-2"]}


def test_a_journey_is_given_up(kit: Any) -> None:
    """Nobody enters any more; who is inside ends it, and every letter has its reason."""
    lived = Weeks(kit).lives(whole_life(), until=6).opens(win_back(control=0)).lives(sleeper("tom", -60)).sound()
    assert lived.sent("tom") == {"win_back": ["miss_you", "offer", "reminder"]}


def test_a_letter_loses_its_text(kit: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The shop's own template is gone when it comes due: skipped as unwritable; start and log say so, the rest goes."""
    for language in LANGUAGES:
        (tmp_path / language).mkdir()
        (tmp_path / language / "own.jinja").write_text(
            f'{{% extends "retention:{language}/win_back/miss_you.jinja" %}}'
        )
    (first, *rest) = win_back(control=0, offer=None).steps
    own = evolve(win_back(control=0, offer=None), steps=[first, *(evolve(one, template="own") for one in rest)])
    lived = Weeks(kit, own, templates=tmp_path).lives(sleeper(), until=2)
    for language in LANGUAGES:
        (tmp_path / language / "own.jinja").unlink()
    lived.opens(win_back(control=0, version=2)).lives().sound(unwritable=True)
    assert lived.sent() == {"win_back": ["miss_you"]}
    assert lived.whys("win_back", "reminder") == ["unwritable"]
    assert "unwritable (the letter could not be written from its template)" in str(lived.engine.explain("ann"))
    assert "journey win_back version 1: who is inside misses a letter: en/own.jinja" in caplog.text


# ------------------------------------------------------------- codes run dry


def test_a_pool_runs_dry_between_two_customers(kit: Any) -> None:
    """Of two who ask in one round one gets the only code; the other a reason, and no letter without a code."""
    offers = granting(pools={"mug": ["LAST-ONE"]})
    lived = Weeks(kit, offers=offers).lives([*sleeper("ann"), *sleeper("tom")]).sound()
    lucky, other = sorted(("ann", "tom"), key=lambda who: "offer" not in lived.sent(who)["win_back"])
    assert lived.sent(lucky) == {"win_back": ["miss_you", "offer", "reminder"]}
    assert lived.sent(other) == {"win_back": ["miss_you", "reminder"]}
    assert lived.whys("win_back", "offer", other) == ["no_offer"]
    assert re.search(r"win_back: no offer granted: (nothing_left|no_stock) \(", str(lived.engine.explain(other)))
    assert [letter.to for letter in lived.letters if "LAST-ONE" in letter.text] == [f"{lucky}@mail.example"] * 2


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("without_offer", ["send", "skip"])
def test_a_dry_pool(kit: Any, without_offer: str, language: str) -> None:
    """No code at all: the letter goes without an offer or not at all, as the step says; never with an empty code."""
    journeys = [
        product_return(control=0, without_offer=without_offer),
        cancelled_service(control=0, without_offer=without_offer),
        win_back(control=0, without_offer=without_offer),
    ]
    lived = Weeks(kit, *journeys, language=language, offers=granting(pools={"mug": []}))
    lived.lives([*whole_life(), *sleeper("tom")]).sound()
    goes = without_offer == "send"
    assert ("thanks" in lived.sent()["product_return"]) is ("thanks" in lived.sent()["cancelled_service"]) is goes
    assert ("offer" in lived.sent("tom")["win_back"]) is goes
    assert (
        lived.whys("product_return", "thanks") == lived.whys("win_back", "offer", "tom") == [] if goes else ["no_offer"]
    )
    assert re.search(
        r"no offer granted: nothing_left \(budget, stock or codes have run out", str(lived.engine.explain("tom"))
    )
    words = ("Your code", "Ваш код", "gift", "Подарок", "set something aside", "приготовили", "thank-you")
    assert not [letter.text for letter in lived.letters for word in words if word in letter.text]


def test_a_pool_is_exchanged(kit: Any) -> None:
    """The host puts other codes into a pool: no code goes to two customers, also not an erased one's, and all are given."""
    lived = Weeks(kit, offers=granting(pools={"mug": ["A1", "A2"]})).lives(sleeper("ann"), until=9)
    (granted,) = [one for one in lived.world.file("ann").facts if isinstance(one, f.OfferDecided)]
    assert granted.code == "A1"
    lived.engine.erase("ann")
    lived.opens(offers=granting(pools={"mug": ["B1", "A1", "B2"]}))
    lived.lives([*sleeper("tom", -60), *sleeper("eve", -59), *sleeper("max", -58)]).sound()
    codes = [one.code for file in lived.files() for one in file.facts if isinstance(one, f.OfferDecided) and one.code]
    assert sorted(codes) == ["B1", "B2"]


# ------------------------------------------------------------- anything at once


WHO = ("ann", "tom", "eve")
ORDERS = ("o1", "o2")
NOTHING = ("", " ", "-", "None", "\u200b")
DAYS = st.integers(0, 25)
TIMES = DAYS.map(lambda day: NOON + timedelta(days=day))
LATE = st.sampled_from([0, 0, 0, 1, 9])
"""Days until the shop hears of it."""
LINES = st.lists(
    st.builds(
        f.Line,
        product_id=st.sampled_from(["boots", "shoes1", "gone"]),
        price=st.sampled_from(["30", "0"]),
        name=st.sampled_from([*NOTHING, "Boots", "Very «long» boots " * 9]),
        category=st.sampled_from(["", "-", "Shoes"]),
        size=st.sampled_from(["", "41"]),
    ),
    max_size=3,
)
HISTORIES = {
    f.ProfileChanged: {
        "name": st.none() | st.sampled_from([*NOTHING, "Ann", ", Ann", "Анна Каренина", "ann@mail.example", "x" * 60]),
        "email": st.none() | st.sampled_from(["a@mail.example", "b@mail.example"]),
        "language": st.none() | st.sampled_from(["en", "ru", "ru-RU", "xx", "", "None"]),
    },
    f.ConsentChanged: {"granted": st.sampled_from([True, True, True, False])},
    f.OrderPlaced: {"id": st.sampled_from(ORDERS), "lines": LINES, "currency": st.just("EUR")},
    f.DeliveryChanged: {
        "order_id": st.sampled_from([*ORDERS, "lost"]),
        "status": st.sampled_from(f.DELIVERY_STATUSES),
    },
    f.ReturnChanged: {
        "return_id": st.sampled_from(["r1", "r2", "o1"]),
        "status": st.sampled_from(f.RETURN_STATUSES),
        "order_id": st.sampled_from(["", *ORDERS, "lost"]),
        "lines": LINES,
        "reason": st.sampled_from(["", "SIZE_TOO_SMALL", "DEFECTIVE", "OTHER", "-", "ALLERGY"]),
        "refund": st.none() | st.sampled_from([Decimal(0), Decimal(30)]),
        "currency": st.just("EUR"),
        "deadline": st.none() | TIMES,
    },
    f.ServiceCancellationChanged: {
        "cancellation_id": st.just("s1"),
        "status": st.sampled_from(f.SERVICE_STATUSES),
        "service": st.sampled_from([*NOTHING, "Tea club"]),
    },
    f.ReturnRiskFound: {
        "order_id": st.sampled_from([*ORDERS, "lost"]),
        "risk": st.sampled_from([0.2, 0.8]),
        "worth": st.just("0.50"),
        "product_id": st.sampled_from(["boots", "gone"]),
        "fit": st.sampled_from(["", "small", "large"]),
    },
    f.Answered: {
        "question": st.just("reason"),
        "value": st.sampled_from(["SIZE_TOO_LARGE", "-", "None"]),
        "about": st.sampled_from(["r1", "o1", "lost", ""]),
    },
    f.Visited: {"product_id": st.sampled_from(["", "gone"])},
    f.EmailReported: {
        "message_key": st.just("no such letter"),
        "status": st.sampled_from(["bounced", "opened", "clicked"]),
        "bounce_class": st.sampled_from(["", "hard", "soft"]),
    },
}


def any_fact(of: type[f.Fact]) -> st.SearchStrategy[Known]:
    """A fact of this kind about one of three customers, heard of on its day or later; some ids come twice."""
    given_ = {"id": st.integers(0, 99), "customer_id": st.sampled_from(WHO), "at": TIMES} | HISTORIES[of]
    return st.tuples(st.builds(of, **given_), LATE).map(
        lambda told: ((told[0].at - NOON) / timedelta(days=1) + told[1], told[0])
    )


def chain(of: type[f.Fact], statuses: Sequence[str]) -> st.SearchStrategy[list[Known]]:
    """The stages of one thing of one customer, two days apart: requested at some time, all else shuffled or doubled."""
    others = st.lists(st.sampled_from(statuses), max_size=6)
    orders_ = others.flatmap(lambda names: st.permutations(["requested", "requested", *names]))
    key = {f.ReturnChanged: "return_id"}.get(of, "cancellation_id")

    def stages(names: Sequence[str]) -> st.SearchStrategy[list[Known]]:
        facts = [
            st.builds(of, **HISTORIES[of] | {"id": st.just(f"{n}"), "customer_id": st.just("ann"), key: st.just("r1")}
                      | {"at": st.just(NOON + timedelta(days=2 * n)), "status": st.just(name)})
            for n, name in enumerate(names)
        ]  # fmt: skip
        return st.tuples(*facts).map(lambda told: [(2 * n, one) for n, one in enumerate(told)])

    return orders_.flatmap(stages)


OTHERS = st.lists(st.one_of([any_fact(kind) for kind in HISTORIES]), max_size=20)
SHELVES = st.sampled_from([(), (BOOTS, *SHOES), (evolve(BOOTS, name=""), evolve(SHOES[1], name="-"))])


@settings(max_examples=20)
@given(
    back=chain(f.ReturnChanged, f.RETURN_STATUSES),
    ended=chain(f.ServiceCancellationChanged, f.SERVICE_STATUSES),
    others=OTHERS,
    profiles=st.tuples(any_fact(f.ProfileChanged), any_fact(f.ProfileChanged)),
    shelf=SHELVES,
    language=st.sampled_from(LANGUAGES),
    pool=st.sampled_from([(), ("A1",), ("A1", "A2", "A3")]),
    changes=st.booleans(),
)
def test_anything_at_once(
    kit: Any,
    back: list[Known],
    ended: list[Known],
    others: list[Known],
    profiles: Sequence[Known],
    shelf: Sequence[Product],
    language: str,
    pool: Sequence[str],
    changes: bool,
) -> None:
    """Whatever is missing, shuffled or told twice, and whether or not the shop changes: every letter is whole."""
    asleep = [known for who in WHO[:2] for known in sleeper(who, -70, name=None)]
    told = [(0, evolve(one, at=NOON - timedelta(days=1))) for _, one in profiles]
    lived = Weeks(kit, language=language, products=shelf, offers=granting(pools={"mug": pool}))
    lived.lives([*asleep, *told, *back, *ended, *others], until=12)
    if changes:
        later = [evolve(one, version=2, steps=renamed(one)) for one in every()]
        lived.opens(*later, products=(), offers=granting(evolve(MUG, id="cup")))
    lived.lives(until=110).sound()
