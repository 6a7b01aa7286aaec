"""The public API as a user calls it: checked by mypy, never run.

A call that stops type-checking here is a broken promise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from wsgiref.types import WSGIApplication

from retention import (
    alternatives,
    churn,
    experiments,
    lifetime_value,
    monitoring,
    offers,
    orders,
    report,
    returns,
    rfm,
    web,
)
from retention.engine import (
    Clock,
    Doubt,
    Doubts,
    Engine,
    Granting,
    Prevention,
    Received,
    Recorded,
    Redemption,
    Results,
)
from retention.errors import InvalidInput, RetentionError
from retention.facts import CustomersMerged, Fact, Line, OrderPlaced, Rejected, from_json, read, to_json
from retention.journey import (
    Book,
    Changed,
    ContactPolicy,
    CustomerFile,
    Journey,
    Needs,
    Unaccounted,
    diff,
    digest,
    needs,
    plan,
    recheck,
    unaccounted,
)
from retention.messages import Message, Result, as_bytes
from retention.people import Product, Shop
from retention.playbooks import ready, win_back
from retention.plugins import Plugins
from retention.ports import Capabilities, LookupSender, Parsed, Sender, Storage, WebhookParser
from retention.senders.maildir import MaildirSender
from retention.senders.memory import MemorySender
from retention.senders.resend import ResendSender
from retention.senders.smtp import SMTPSender
from retention.simulate import Simulation, simulate
from retention.storage.memory import MemoryStorage
from retention.storage.sqlite import SQLiteStorage
from retention.testing import faults, strategies
from retention.testing import sender as sender_kit
from retention.testing import storage as storage_kit
from retention.testing import webhook as webhook_kit
from retention.testing.laws import Verdicts
from retention.testing.provider import RESEND
from retention.webhooks.resend import ResendWebhooks


def catch_everything_raised_on_purpose() -> type[Exception]:
    """One `except` clause is enough, and bad data is a ValueError too."""
    errors: list[type[RetentionError]] = [InvalidInput]
    values: list[type[ValueError]] = [InvalidInput]
    return errors[0] or values[0]


def score() -> list[str]:
    """Columns in, records of columns out."""
    log = orders.OrderLog.of(customer_id=["a", "b"], ordered_at=["2026-01-01", "2026-01-02"], amount=[10.0, 20.0])
    summary = orders.summarize(log, at="2026-03-01", unit="W", refunds="net")
    rhythm = churn.rhythm(summary)
    test = experiments.Experiment("winback-2026", arms={"control": 0.1, "a": 0.45, "b": 0.45})
    drawn = experiments.assign(test, ["a", "b"])
    found = experiments.difference(50, 1000, 30, 1000)
    numbers: tuple[float, float, float] = (found.estimate, found.lower, found.upper)
    return [str(rhythm.state[0]), rhythm.why(0), str(drawn.arm[0]), str(numbers)]


def forecast(log: orders.OrderLog) -> list[str]:
    """Models are fitted to columns, and the score picks among them."""
    s = orders.summarize(log, at="2026-03-01", unit="W")
    bg = churn.fit(s.frequency, s.recency, s.T, model="bg/nbd")
    pareto = churn.fit(s.frequency, s.recency, s.T, model="pareto/nbd")
    active = churn.p_active(bg, s.frequency, s.recency, s.T, horizon=13)
    gamma = lifetime_value.fit(s.frequency, s.monetary_value)
    value = lifetime_value.expected_value(gamma, s.frequency, s.monetary_value)
    found = churn.score(log, at="2026-03-01", horizon=13)
    table = churn.backtest(log, at="2025-12-01", horizon=13)
    return [str(bg.a), str(pareto.s), str(active[0] * value[0]), found.why(0), found.verdict, str(table)]


def segment(log: orders.OrderLog) -> str:
    """Cut-offs are fitted once and used every month."""
    s = orders.summarize(log, at="2026-03-01")
    cuts = rfm.from_json(rfm.to_json(rfm.fit(s.days_since_last, s.orders, s.revenue, bins=5)))
    scores = rfm.score(cuts, s.days_since_last, s.orders, s.revenue)
    moved = monitoring.drift(s.revenue, s.revenue, what="revenue")
    return f"{rfm.segment(scores)[0]} {moved.verdict}"


def judge() -> list[str]:
    """A test is planned, watched and judged."""
    launch = experiments.weeks_to_power(0.02, 0.01, 500, control=0.5)
    test = experiments.Experiment("w", {"control": 0.1, "a": 0.9})
    test = experiments.reweight(test, {"control": 0.2, "a": 0.8})
    looks = experiments.watch([3, 4], [1, 0], [0.9, 0.9])
    check = experiments.sample_ratio(test, [20, 80])
    found = experiments.incremental(["control", "a"], [0.2, 0.8], [False, True])
    three = experiments.Experiment("v", {"control": 0.2, "a": 0.4, "b": 0.4})
    best = experiments.winner(three, [1, 2, 3], [10, 20, 20])
    return [found.verdict, best.sentence, launch.sentence, str(test.phase), str(looks.p_value[-1]), check.sentence]


def choose_offers() -> list[str]:
    """From what an offer brings to a plan that passed the rules, and the code that the customer gets."""
    now = datetime(2026, 5, 1, tzinfo=UTC)
    lost = offers.Condition(column="state", within=["lost"])
    ten = offers.Offer(id="ten", kind="discount", amount=Decimal("0.10"), stock=100, conditions=[lost])
    (ten,) = offers.from_json(offers.to_json([ten]))
    may = offers.eligibility([ten], {"state": ["lost"]}, at=now, n=1)
    value = offers.net_value([0.1], [[0.3]], [20.0], [4.0], least_uplift=[[0.1]])
    found = offers.choose(value, [4.0], budget=500, stock=[ten.stock], eligible=may, seconds=0.5)
    numbers: tuple[float, float, float] = (found.upper_bound, found.gap, found.budget_price)
    one = offers.choose_one([2.0], [4.0], offers.Prices.from_json(found.prices.to_json()), eligible=[True])
    plan = offers.Plan.of([ten], ["42"], [0], value=[2.0], basket=[40.0], margin=[20.0])
    rules: list[offers.guardrails.Rule] = [offers.guardrails.WorthIt(), offers.guardrails.MarginFloor(0.2)]
    passed = offers.guardrails.review(plan, rules).let_through
    fair = offers.fairness.audit(["lost"], ["north"], passed.depth)
    coupon = offers.codes.issue("a secret of the shop", 42, ten.id, now, days=ten.days)
    typed = offers.codes.look_up(coupon.code, {coupon.code: coupon}, now)
    dry: tuple[str, ...] = offers.codes.draw(["A1"], ["42", "43"]).dry
    return [str(numbers), one.reason, str(found.reason[0]), fair[0].group, typed.status, *dry]


def facts() -> Sequence[Fact]:
    """Facts are built from plain values and go through JSON."""
    at = datetime(2026, 3, 1, tzinfo=UTC)
    line = Line(product_id="cup", quantity=2, price=Decimal("4.50"))
    order = OrderPlaced(id="A-1", customer_id="42", at=at, currency="EUR", lines=(line,))
    return [from_json(to_json(order)), CustomersMerged(id="m", customer_id="42", at=at, into="43")]


class CarelessSender:
    """A sender needs one property and one method, and no base class."""

    capabilities = Capabilities(max_batch=10, remembers_for=timedelta(hours=24))

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """Look at the letters."""
        for message in messages:
            assert as_bytes(message)
        return [Result("accepted") for _ in messages]


def deliver(headers: Mapping[str, str], body: bytes, now: datetime) -> Parsed:
    """Every way out is a sender, and word comes back through a parser."""
    ways: list[Sender] = [
        SMTPSender("smtp://user:password@mail.example.com", starttls=True, timeout=10),
        ResendSender("re_key", batch=True, base_url="https://api.resend.com"),
    ]
    asking: list[LookupSender] = [MemorySender(), MaildirSender("letters")]
    assert ways or asking[0].lookup(["k-1"])[0].status == "accepted"
    webhooks: WebhookParser = ResendWebhooks("whsec_c2VjcmV0", tolerance=timedelta(minutes=1))
    return webhooks.parse(headers, body) if webhooks.verify(headers, body, now) else Parsed()


def try_out() -> list[Verdicts]:
    """A kit takes a maker and says what it found."""
    smtp = sender_kit.check(lambda url: SMTPSender(url, timeout=0.2), smtp=True, secret="pw")
    http = sender_kit.check(lambda url: ResendSender("re_k", base_url=url), dialect=RESEND, secret="re_k")
    webhook = webhook_kit.check(lambda: ResendWebhooks("c2VjcmV0"), sign=lambda body, at: {}, bodies={"opened": b"{}"})
    memory = storage_kit.check(lambda place: MemoryStorage(), examples=0)
    sqlite = storage_kit.check(lambda place: SQLiteStorage(place / "shop.db"), capabilities=["durable"])
    smtp.insist()
    return [smtp, http, webhook, memory, sqlite]


def trouble(now: datetime) -> tuple[Storage, LookupSender, Clock]:
    """What fails where a test says plugs in like what works."""
    storage = faults.failing(MemoryStorage(), at=[3], of="commit", applied=True)
    sender = faults.losing(MemorySender(), at=range(1, 4), handed_over=False)
    return storage, sender, faults.Clock(now, jumps={2: timedelta(days=-1)})


def draw() -> tuple[object, ...]:
    """Strategies know what they build."""
    fact: Fact = strategies.any_facts(["order"]).example()
    history: tuple[Fact, ...] = strategies.histories("ann", days=30).example()
    log: orders.OrderLog = strategies.order_logs(max_size=5).example()
    journey: Journey = strategies.journeys("back").example()
    return fact, history, log, journey


def run(shop: Shop, journeys: Sequence[Journey]) -> Results:
    """Storages and senders plug in by their shape."""
    storages: list[Storage] = [MemoryStorage(), SQLiteStorage("shop.db")]
    senders: list[Sender] = [MemorySender(), MaildirSender("letters"), CarelessSender()]
    engine = Engine(storages[0], senders[0], journeys=[*journeys, win_back()], shop=shop, policy=ContactPolicy())
    recorded: Recorded = engine.record(facts())
    engine.run()
    assert recorded.new <= len(engine.explain("42").lines) == len(engine.explain(42).lines)
    return engine.results()


def grant(shop: Shop, products: list[Product]) -> list[str]:
    """Offers, picks and prevention plug into the engine; codes come back; the team reads a page."""
    mug = offers.Offer(id="mug", kind="gift", amount=Decimal(9), cost=Decimal("0.5"), stock=10)
    settings = Granting(catalogue=[mug], budget=50, pools={"mug": ["A1", "A2"]}, prior=offers.PRIOR)
    engine = Engine(
        MemoryStorage(),
        MemorySender(),
        journeys=ready(),
        shop=shop,
        offers=Granting.from_json(settings.to_json()),
        products=lambda: products,
        prevention=Prevention(saved=Decimal(9), letter_cost=Decimal("0.02")),
        templates=Path("our_letters"),
        allow_links=["instagram.com"],
    )
    found: Redemption = engine.redeem("A1", order_id=7)
    p0, p1 = offers.Beliefs().chances(["asleep"], ["at risk"], [60.0], [mug])
    asked: str = engine.letters.words.question("away", "en")
    spots: tuple[monitoring.WeakSpot, ...] = monitoring.weak_spots(["a"], [1], [0], [0], [0], journeys=["j"])
    page: str = report.page(engine, margin=0.3)
    known = [found.status, page, asked, *monitoring.unjudged([1])]
    return [*known, str(p0 + p1[:, 0]), *(spot.sentence for spot in spots)]


def keep(storage: SQLiteStorage) -> list[str]:
    """A database is checked, and copied to a path of either sort."""
    storage.backup("copy.db")
    storage.backup(Path("copy.db"))
    problems: list[str] = storage.check()
    return problems


def listen(engine: Engine, parser: WebhookParser, headers: dict[str, str], body: bytes) -> list[str]:
    """What comes back: webhooks, rows of JSON, doubts, and who wants to be forgotten."""
    received: Received = engine.receive(parser, headers, body)
    recorded = engine.record_json(['{"format": 1}', b"{}", {"format": 1}])
    rejected: list[Rejected] = [row for row in read([body]) if isinstance(row, Rejected)]
    doubts: list[Doubt] = list(engine.doubts())
    engine.erase(42)
    engine.erase("42")
    told = [row.reason for row in (*recorded.rejected, *rejected)]
    return [str(received.new), *received.rejected, *told, *(doubt.customer_id for doubt in doubts)]


def careful(shop: Shop) -> Engine:
    """An engine that knows its environment and a restored copy, and sends every letter at least once."""
    return Engine(
        SQLiteStorage("shop.db"),
        MemorySender(),
        journeys=[win_back()],
        shop=shop,
        doubts=Doubts(promotional="at_least_once", transactional="at_least_once"),
        environment="staging",
        witness=Path("shop.witness"),
        restored=True,
    )


def travel(shop: Shop) -> int:
    """The past with other journeys; every customer's file is handed over, and what it owes an answer for is told."""
    book, gaps = Book.of([win_back()]), list[Unaccounted]()
    found: Simulation = simulate(
        [win_back()],
        facts(),
        "2026-03-01",
        date(2026, 3, 31),
        shop=shop,
        hours=range(24),
        outages=[("2026-03-05", "2026-03-07")],
        known_at=lambda fact: fact.at,
        each=lambda file: gaps.extend(unaccounted(book, file, letters=False)),
    )
    weeks: int | None = found.journeys[0].power.weeks
    return found.sent + (weeks or 0)


def decide(book: Book, file: CustomerFile, now: datetime) -> str:
    """Planning is pure: a book, a file and a moment."""
    found: Needs = needs(book)
    planned = plan(book, file, now)
    checked = recheck(book, file, planned.decisions[0], now)
    return f"{found} {planned.wake_at} {checked}"


def understand_returns(texts: list[str]) -> tuple[returns.Reason, ...]:
    """Codes and texts become reasons, reasons remedies, lines rates and risks."""
    code: returns.AnyReason = returns.from_code("SIZE_TOO_SMALL", platform="shopify")
    classified: returns.Classification = returns.classify(texts)
    situation = returns.Situation(price=Decimal(60), resale=Decimal(50))
    proposed: tuple[returns.Remedy, ...] = returns.remedies(code, situation)
    lines = returns.Lines.of([1], ["a"], ["coat"], ["2026-01-01"], size=["M"])
    model: returns.RiskModel = returns.fit_risk(lines, [1])
    told: str = returns.risk(model, lines).why(0) + proposed[0].why
    rates: returns.Rates = returns.fit_rates(["coat"], [1])
    rates.counts([len(told)])
    return classified.reasons[0]


def learn_offers(X: list[list[float]], arm: list[str], visited: list[int]) -> list[str]:
    """A model is fitted, its ranking judged; a bandit decides, learns and is stored; a rule is judged."""
    model: offers.UpliftModel = offers.fit_uplift(X, arm, visited, learner="dr")
    found: offers.Predicted = offers.predict_uplift(model, X)
    treated = [name != model.control for name in arm]
    ranked: offers.Estimate = offers.qini(found.uplift[:, 0], treated, visited)
    verdict: offers.Heterogeneity = offers.heterogeneity(found.lower[:, 0], treated, visited, worth=0.01)
    bandit = offers.Bandit.from_json(offers.Bandit.lin_ucb(["gift", "points"], features=2).to_json())
    waiting: offers.Decisions = bandit.decide(arm, X, rng=1, eligible=[[True, False]])
    bandit, waiting = (bandit + bandit).learn(waiting, waiting.ids, visited)
    value: offers.PolicyValue = offers.policy_value(waiting.offer, waiting.propensity, visited, [0, 1], X=X)
    gained = value.refused if value.gain is None else str(value.gain)
    more = offers.auuc([1.0], [1], [1]).value + offers.uplift_at([1.0], [1], [1], share=0.3).lower
    return [str(ranked), verdict.verdict, str(bandit.count[0]), gained, str(more)]


def propose_alternatives(products: list[Product]) -> list[str]:
    """What to propose instead of a product."""
    similar: alternatives.Similar = alternatives.fit(["ann"], ["coat"])
    catalogue = alternatives.Catalogue.of(products, similar)
    return [one.why for one in alternatives.suggest(catalogue, similar, "coat", reason=returns.Reason.STYLE)]


def serve(engine: Engine) -> WSGIApplication:
    """Plugins come by name, and the web application is what any WSGI server takes."""
    plugins = Plugins.discover()
    plugins.register("sender", "careless", CarelessSender)
    sender: Sender = plugins.sender("careless")
    storage: Storage = plugins.storage("sqlite:shop.db")
    assert storage.owners([]) or sender.capabilities.max_batch or plugins.names("webhook")
    return web.app(engine, webhooks={"resend": plugins.webhook("resend:whsec_c2VjcmV0")})


def edit_a_journey(file: CustomerFile) -> list[str]:
    """What the next version changes, and a file with only what a plan needs."""
    changes: tuple[Changed, ...] = diff(win_back(), win_back(version=2, hour=10))
    short: CustomerFile = digest(Book.of([win_back()]), file, datetime.now(UTC))
    return [*map(str, changes), short.customer_id]
