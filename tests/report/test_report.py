"""The team's page: equal to a count by hand, whole for an empty shop, the same bytes for the same shop."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from attrs import evolve

from retention import facts, report
from retention.engine import Engine, Ration
from retention.engine.funnel import FATES, FOLLOWED, StepResult
from retention.engine.results import Incremental, JourneyResult
from retention.errors import InvalidInput, MissingExtra
from retention.experiments import Lift
from retention.journey import ContactPolicy, Delay, Needs
from retention.people import Shop
from retention.playbooks import win_back
from retention.report import gathering, plots
from retention.senders.memory import MemorySender
from retention.storage.memory import MemoryStorage

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Site:
    """A shop in which forty fell asleep, got letters, and did this and that with them."""

    def __init__(self) -> None:
        self.at = NOON
        self.storage = MemoryStorage()
        shop = Shop(
            name="Tea & Linen",
            sender="tea@shop.example",
            timezone="Europe/London",
            currency="GBP",
            base_url="https://shop.example",
            secret="0123456789abcdef",
        )
        self.engine = Engine(
            self.storage,
            MemorySender(),
            journeys=[win_back(control=0.25, offer=None, most_active=None)],
            shop=shop,
            clock=lambda: self.at,
            ration=Ration(share=1.0),
            policy=ContactPolicy(quiet_hours=None, caps=()),
        )

    def lives(self, customers: int = 40) -> None:
        line = facts.Line(product_id="mug", price="30", name="Mug")
        for n in range(customers):
            about = {"customer_id": f"c{n}", "at": NOON - timedelta(days=80)}
            self.engine.record(
                [
                    facts.ProfileChanged(id=f"p{n}", email=f"c{n}@mail.example", **about),
                    facts.ConsentChanged(id=f"k{n}", granted=True, **about),
                    facts.OrderPlaced(id=f"o{n}", currency="GBP", lines=[line], **about),
                ]
            )
        self.engine.run()
        self.reports()
        self.at += timedelta(days=8)
        self.engine.run()
        self.at += timedelta(days=40)
        self.engine.run()

    def reports(self) -> None:
        """Of the first letters: all delivered, some opened, by robots too, clicked, complained; some customers order."""
        for n, file in enumerate(self.files()):
            for outcome in file.outcomes:
                for status, machine in self.fates(n):
                    self.engine.record(
                        [
                            facts.EmailReported(
                                id=f"{outcome.message_key}/{status}/{machine}",
                                customer_id=file.customer_id,
                                at=self.at + timedelta(hours=1),
                                message_key=outcome.message_key,
                                status=status,
                                machine=machine,
                            )
                        ]
                    )
            if n % 4 == 0:
                for k in range(1 + (n % 8 == 0)):
                    at = self.at + timedelta(days=2 + k)
                    order = {"id": f"again{n}/{k}", "customer_id": file.customer_id, "at": at, "total": "20"}
                    self.engine.record([facts.OrderPlaced(currency="GBP", **order)])

    @staticmethod
    def fates(n: int) -> list[tuple[str, bool | None]]:
        found: list[tuple[str, bool | None]] = [("delivered", None)]
        found += [("opened", n % 3 == 0)] if n % 2 else []
        return found + ([("clicked", False)] if n % 5 == 0 else [])

    def files(self) -> list:
        ids = self.storage.customers("", 1_000)
        return self.storage.load(ids, Needs())


class Page(HTMLParser):
    """The tags that are open, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.links: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        if tag not in ("meta", "path", "use", "br"):
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self.links += [value for name, value in attrs if name in ("src", "href") and value and value[0] != "#"]

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("path", "use"):
            assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        pass

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def lived() -> Site:
    site = Site()
    site.lives()
    return site


def test_the_letters_are_those_of_the_results(lived):
    """The page has the funnel of `engine.results`, a row for each step and arm in which anything was decided."""
    (found,) = report.gather(lived.engine).results.journeys
    assert found == lived.engine.results().journeys[0]
    sent, control = (next(row for row in found.funnel if row.arm == arm) for arm in ("letters", "control"))
    assert sent.sent + control.withheld == 40
    assert min(sent.clicked, sent.opened, sent.opened_by_robots, sent.ordered_after, sent.ordered_again) > 0
    rows = Page(report.page(lived.engine)).rows
    fates, followed = ([str(getattr(sent, name)) for name in names] for names in (FATES, FOLLOWED))
    assert ["miss_you", "letters", str(sent.entered), *fates, "0", "0"] in rows
    assert ["miss_you", "letters", str(sent.sent), *followed] in rows
    assert ["miss_you", "withheld: control", str(control.withheld)] in rows
    together = gathering.by_step(found)["miss_you"]
    assert (together["sent"], together["withheld"]) == (sent.sent, control.withheld)


def test_returns_are_reported_by_line():
    """Of an order's lines the one that came back counts, with its reason; a later return is not known yet."""
    site = Site()
    about, day = {"currency": "GBP"}, timedelta(days=1)
    mug, pot = (facts.Line(product_id=name, price="30", name=name, size="L") for name in ("mug", "pot"))
    for n in range(30):
        site.engine.record(
            [
                facts.OrderPlaced(id=n, customer_id=n % 7, at=NOON - 30 * day, lines=[mug, pot], **about),
                facts.OrderPlaced(id=f"{n}/none", customer_id=n % 7, at=NOON - 9 * day, total="5", **about),
            ]
        )
    for n, reason, at in ((1, "DEFECTIVE", -9), (2, "DEFECTIVE", -8), (3, "OUR_OWN", -7), (4, "DEFECTIVE", 9)):
        back = {"return_id": n, "order_id": str(n), "lines": [pot], "status": "requested", "reason": reason}
        site.engine.record([facts.ReturnChanged(id=n, customer_id=n % 7, at=NOON + at * day, **back)])
    told = report.gather(site.engine).looked.returned
    assert [(one.reason.value, one.returns, one.share) for one in told.reasons] == [("DEFECTIVE", 2, 1.0)]
    rates = {
        name: (told.products.returned[row], told.products.sold[row]) for row, name in enumerate(told.products.group)
    }
    assert rates == {"mug": (0, 30), "pot": (3, 30)}
    assert "DEFECTIVE" in Page(report.page(site.engine)).text


def test_offers_and_answers_are_counted():
    """Granted, redeemed, open, ended; the last answer counts, comments lose their addresses."""
    site = Site()
    about = {"customer_id": "c", "journey": "win_back", "offer": "mug", "cost": "0.5"}
    ends = {"a": 30, "b": 1, "c": 30}
    site.engine.record(
        facts.OfferDecided(
            id=f"win_back/{k}", about=k, at=NOON - timedelta(days=5), expires_at=NOON + timedelta(days=d - 5), **about
        )
        for k, d in ends.items()
    )
    none = {"customer_id": "c", "journey": "win_back", "about": "d", "at": NOON, "reason": "not_worth_it"}
    said = {"customer_id": "c", "question": "service", "about": "r"}
    site.engine.record(
        [
            facts.OfferDecided(id="win_back/d", **none),
            facts.OfferRedeemed(id="win_back/a", customer_id="c", at=NOON, about="a"),
            facts.Answered(id="1", at=NOON - timedelta(days=1), value="1", comment="bad", **said),
            facts.Answered(id="2", at=NOON, value="5", comment="Write to eve@mail.example!", **said),
        ]
    )
    found = report.gather(site.engine).counted
    mug = found.offers["mug"]
    assert (mug.granted, mug.redeemed, mug.open, mug.ended, str(mug.cost), str(mug.kept_back)) == (
        3, 1, 1, 1, "0.5", "0.5",
    )  # fmt: skip
    assert found.no_offer == {"not_worth_it": 1}
    assert found.answers == {"service": {"5": 1}}
    assert [comment.text for comment in found.comments] == ["Write to (address)"]
    share, lower, upper, n = gathering.score(found)
    assert (share, n) == (1.0, 1)
    assert 0 < lower < upper <= 1
    text = Page(report.page(site.engine)).text
    assert "100.0 % call the service good or very good" in text
    assert "Mean score, 1 to 5: not enough data: 1 answer, 2 needed" in text
    assert "eve@" not in text


def test_the_mean_score_has_an_interval():
    """Counted by customer, beside the share of good answers; nobody asked is said too."""
    site = Site()
    counted = report.gather(site.engine).counted
    assert gathering.mean_score(counted) == "not enough data: 0 answers, 2 needed"
    scores = [5, 5, 4, 2, 5, 3]
    site.engine.record(
        facts.Answered(id=n, customer_id=n, at=NOON, question="service", about="r", value=score)
        for n, score in enumerate(map(str, scores))
    )
    mean, lower, upper, n = gathering.mean_score(report.gather(site.engine).counted)
    assert (mean, n) == (4.0, 6)
    assert 1 < lower < mean < upper <= 5
    told = f"Mean score, 1 to 5: 4.00 ({lower:.2f} to {upper:.2f}, 6 answers)"
    assert told in Page(report.page(site.engine)).text


def test_the_page_is_whole_offline_and_the_same(lived):
    """Every tag is closed, nothing is fetched, no script runs, and the same shop gives the same bytes."""
    html = report.page(lived.engine, margin=0.5)
    page = Page(html)
    assert page.links == []
    assert "<script" not in html
    assert report.page(lived.engine, margin=0.5) == html
    assert html.count('<svg role="img" aria-label="') >= 1
    for words in (
        "win_back",
        "Opens are unreliable",
        "Tea & Linen",
        "Not sent" if False else "Why letters were not sent",
    ):
        assert words in page.text


def test_an_empty_shop_has_a_page():
    """It says what is missing, everywhere."""
    text = Page(report.page(Site().engine)).text
    for words in ("no provider reports", "None was granted", "Nobody has answered yet", "no orders yet"):
        assert words in text
    assert "nan" not in text.lower().split()


def letters_of(journey: str, **steps: dict[str, int]) -> JourneyResult:
    """The result of a journey whose letters became that."""
    rows = [StepResult(step, "letters", 9, {}, {}, **counts) for step, counts in steps.items()]
    return JourneyResult(journey, Delay(days=28), (), {}, {}, None, "", funnel=tuple(rows))


def test_a_letter_that_annoys_is_named():
    """One step of two gets the complaints: it is a weak spot; letters that cannot be judged are told with the reason."""
    loud, calm = ({"sent": 1_000, "delivered": 1_000, "clicked": 100, "complained": n} for n in (30, 0))
    (spot,), said = gathering._weak([letters_of("j", loud=loud, calm=calm)])
    assert (spot.letter, spot.journey, spot.what) == ("j/loud", "j", "complaints")
    assert said == "2 of 2 letters could be compared with the other letters of their journey"
    rare, mute = {"sent": 99, "delivered": 99}, {"sent": 5_000}
    found, said = gathering._weak(
        [
            letters_of("j", loud=loud, calm=calm, rare=rare, mute=mute),
            letters_of("k", alone={**loud, "complained": 500}),
        ]
    )
    assert [spot.letter for spot in found] == ["j/loud"]
    assert said == (
        "2 of 5 letters could be compared with the other letters of their journey; "
        "not judged: 1 alone in its journey, 1 not reported on, 1 sent fewer than 100 times"
    )
    few = "not enough data: 0 of 1 letters could be compared with the other letters of their journey"
    assert gathering._weak([letters_of("j", loud=loud)]) == ((), f"{few}; not judged: 1 alone in its journey")
    unheard = "not enough data: no provider reports what became of letters"
    assert gathering._weak([letters_of("j", mute=mute)]) == ((), unheard)


def test_the_picture_of_the_effects_has_its_table(lived, monkeypatch):
    """A row for each journey, with what is drawn, the money and the verdict; what is unknown is said in words."""
    found = report.gather(lived.engine, margin=0.5)
    (journey,) = found.results.journeys
    small, header = journey.verdict, 1
    assert Page(report.page(lived.engine)).rows[header] == ["win_back", "–", "–", "not enough data", "unknown", small]
    revenue = Lift(400.0, 100.0, 700.0, treated=30, level=0.95)
    known = Incremental(9.5, 2.25, 16.75, 0.95, 30, 10, revenue=revenue)
    one = evolve(journey, journey="known", incremental=known, verdict="it works")
    other = evolve(one, journey="bare", incremental=evolve(known, revenue=evolve(revenue, lower=None, upper=None)))
    none = evolve(one, journey="less", incremental=evolve(known, estimate=9.0, upper=9.5, revenue=None))
    results = evolve(found.results, journeys=(none, one, other))
    counted = evolve(found.counted, spent={"known": Decimal(50)})
    power = dict.fromkeys(("known", "bare", "less"), "")
    monkeypatch.setattr(report, "gather", lambda *_, **__: evolve(found, results=results, counted=counted, power=power))
    html = report.page(lived.engine)
    assert Page(html).rows[1:4] == [
        ["bare", "30", "10", "10 (2 to 17)", "200 (no interval)", "it works"],
        ["known", "30", "10", "10 (2 to 17)", "150 (0 to 300)", "it works"],
        ["less", "30", "10", "9.00 (2.25 to 9.50)", "unknown", "it works"],
    ]
    assert html.index(">bare<") < html.index(">known<") < html.index(">less<")
    assert "by journey" in html


@pytest.mark.parametrize("margin", [-0.1, 1.1, float("nan")])
def test_a_margin_is_a_share(margin):
    """Anything else is refused before anything is read."""
    with pytest.raises(InvalidInput, match="is no share of revenue"):
        report.page(Site().engine, margin=margin)


def test_without_matplotlib(monkeypatch):
    """The extra is named."""
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtra, match=r"retention\[report\]"):
        plots.shares("reasons", [("a", 0.5, 0.4, 0.6)])


def test_pictures_are_the_same_bytes():
    """No date, no chance; the title is read aloud."""
    rows = [("too small", 0.5, 0.4, 0.6)]
    assert plots.shares("reasons", rows) == plots.shares("reasons", rows)
    assert re.match(r'<svg role="img" aria-label="reasons"', plots.shares("reasons", rows))


def test_names_cannot_break_the_page():
    """A journey may be called anything: a picture's title is escaped, and no two pictures share an id."""
    evil = 'a"><script>alert(1)</script>'
    drawn = plots.funnel(evil, {"s": Counter(sent=3)}) + plots.funnel("b", {"s": Counter(sent=4)})
    assert "<script" not in drawn
    ids = re.findall(r'\bid="([^"]+)"', drawn)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:url\(#|href="#)([^)"]+)', drawn)) <= set(ids)
