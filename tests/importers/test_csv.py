"""Order files of every kind of trouble: each line ends up in one place, and each error says where and what to do."""

from __future__ import annotations

import csv
import gzip
import json
import os
import statistics
import threading
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.errors import InvalidInput
from retention.facts import Line, OrderPlaced, ReturnChanged
from retention.importers import csv as importer
from retention.importers.csv import REASONS, Batch, Columns, Reject, Rules, read

HEADER = "invoice,client,date,code,pieces,price\n"
COLUMNS = Columns(customer="client", order="invoice", at="date", product="code", quantity="pieces", price="price")
GOOD = "A1,17,2026-03-02 10:15,mug,2,4.50\n"


def rules(**options: object) -> Rules:
    return Rules(**{"currency": "EUR", "timezone": "Europe/London", "returns_prefix": "R"} | options)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "orders.csv")


class Shop:
    """A file that is written and read in one go."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def batches(self, content: str | bytes, columns: Columns = COLUMNS, strict: bool = False, **options) -> list[Batch]:
        self.path.write_bytes(content.encode() if isinstance(content, str) else content)
        return list(read(self.path, columns, rules(**options), strict=strict))

    def facts(self, content: str | bytes, columns: Columns = COLUMNS, **options):
        return [fact for batch in self.batches(content, columns, **options) for fact in batch.facts]

    def rejects(self, content: str | bytes, columns: Columns = COLUMNS, **options) -> list[Reject]:
        return [reject for batch in self.batches(content, columns, **options) for reject in batch.rejects]

    def error(self, content: str | bytes, columns: Columns = COLUMNS, **options) -> str:
        with pytest.raises(InvalidInput) as caught:
            self.batches(content, columns, **options)
        assert "\n" not in str(caught.value)
        return str(caught.value).replace(str(self.path), "orders.csv")


# ---------------------------------------------------------------- what is kept


def test_lines_of_one_number_are_one_order(shop: Shop) -> None:
    """Lines become the order's lines, equal ones included; the order is as old as its earliest line."""
    later = GOOD.replace("10:15", "10:16")
    [order] = shop.facts(HEADER + later + GOOD + GOOD)
    mugs = Line(product_id="mug", quantity=2, price=Decimal("4.50"))
    assert order == OrderPlaced(
        id="A1",
        customer_id="17",
        at=datetime(2026, 3, 2, 10, 15, tzinfo=UTC),
        currency="EUR",
        lines=(mugs, mugs, mugs),
        total=Decimal("27.00"),
    )


def test_a_marked_number_is_a_return(shop: Shop) -> None:
    """A return's value is what was given back, whether the shop writes its pieces with a minus or without."""
    minus, plain = "R1,17,2026-03-09 09:30,mug,-2,4.50\n", "R1,17,2026-03-09 09:30,mug,2,4.50\n"
    expected = ReturnChanged(
        id="R1",
        customer_id="17",
        at=datetime(2026, 3, 9, 9, 30, tzinfo=UTC),
        return_id="R1",
        status="refunded",
        lines=(Line(product_id="mug", quantity=2, price=Decimal("4.50")),),
        refund=Decimal("9.00"),
        currency="EUR",
    )
    assert shop.facts(HEADER + minus) == shop.facts(HEADER + plain) == [expected]


def test_a_return_of_free_goods_is_kept(shop: Shop) -> None:
    """Something came back although no money did."""
    [fact] = shop.facts(HEADER + "R1,17,2026-03-09 09:30,mug,-2,0\n")
    assert (fact.kind, fact.refund) == ("return", 0)


def test_a_gift_within_a_paid_order_is_one_of_its_lines(shop: Shop) -> None:
    """A line at price 0 is kept with the paid lines around it, before or after them."""
    gift = "A1,17,2026-03-02 10:15,card,1,0\n"
    [batch, closing] = shop.batches(HEADER + gift + GOOD + gift)
    assert [line.product_id for line in closing.facts[0].lines] == ["card", "mug", "card"]
    assert (closing.summary.kept, batch.rejects, closing.rejects) == (3, (), ())


def test_amounts_and_details(shop: Shop) -> None:
    """The money may be the line's instead of one piece's, and a product may have a name, category, size and color."""
    columns = Columns(
        customer="client", order="invoice", at="date", product="code", quantity="pieces", amount="price",
        name="name", category="kind", size="size", color="color", currency="money",
    )  # fmt: skip
    head = HEADER.replace("\n", ",name,kind,size,color,money\n")
    [order] = shop.facts(head + "A1,17,2026-03-02,boot,2,90.10, Stiefel ,shoes,41,rot,eur\n", columns)
    assert order.total == Decimal("90.10")
    assert order.lines == (
        Line(
            product_id="boot",
            quantity=2,
            price=Decimal("45.05"),
            name="Stiefel",
            category="shoes",
            size="41",
            color="rot",
        ),
    )


def test_totals_alone(shop: Shop) -> None:
    """Without products and quantities an order is its total."""
    columns = Columns(customer="id", order="no", at="day", amount="dollars")
    [order] = shop.facts("id,no,day,dollars\n7,1,19970101,11.77\n", columns)
    assert (order.total, order.lines, order.at) == (Decimal("11.77"), (), datetime(1997, 1, 1, tzinfo=UTC))


def test_local_times_are_the_zones(shop: Shop) -> None:
    """A time without offset is the shop's wall clock, one with an offset keeps its instant."""
    content = HEADER + "A1,1,2026-07-01 10:15,m,1,1\nA2,1,2026-07-01T10:15:00+03:00,m,1,1\n"
    first, second = shop.facts(content, timezone="Europe/Berlin")
    assert (first.at.hour, second.at.hour) == (8, 7)


@pytest.mark.parametrize("choice, hour", [("earlier", 0), ("later", 1)])
def test_a_repeated_hour_can_be_settled(shop: Shop, choice: str, hour: int) -> None:
    """The rule for clock changes picks one of the two readings."""
    [order] = shop.facts(HEADER + "A1,1,2011-10-30 01:30,m,1,1\n", on_clock_change=choice)
    assert (order.at.hour, order.at.minute) == (hour, 30)


@pytest.mark.parametrize("text, day_first, month", [("2/1/2026 8:26", True, 1), ("2/1/2026 8:26", False, 2)])
def test_day_and_month_as_the_rules_say(shop: Shop, text: str, day_first: bool, month: int) -> None:
    """A date whose form is ambiguous is read as the caller says."""
    [order] = shop.facts(HEADER + f"A1,1,{text},m,1,1\n", day_first=day_first)
    assert order.at.month == month


def test_the_form_of_the_file(shop: Shop) -> None:
    """Delimiter, decimal comma, encoding, byte order mark, CRLF, spaces around cells and blank lines are form only."""
    plain = shop.facts(HEADER + GOOD)
    semicolons = (HEADER + GOOD).replace(",", ";").replace("4.50", "4,50").replace("\n", "\r\n\r\n")
    assert shop.facts(b"\xef\xbb\xbf" + semicolons.encode(), delimiter=";", decimal=",") == plain
    assert shop.facts((HEADER + GOOD).replace(",", "\t").encode("utf-16"), delimiter="\t", encoding="utf-16") == plain
    assert shop.facts((HEADER + GOOD).replace(",", " , ")) == plain
    assert shop.facts(HEADER.replace("code", "цена") + GOOD, encoding="UTF8", columns=_columns(product="цена")) == plain


def _columns(**other: str) -> Columns:
    names = {
        "customer": "client",
        "order": "invoice",
        "at": "date",
        "product": "code",
        "quantity": "pieces",
        "price": "price",
    }
    return Columns(**names | other)


def test_gzip_is_known_by_its_bytes(shop: Shop) -> None:
    """A packed file is unpacked whatever its name says."""
    assert shop.facts(gzip.compress((HEADER + GOOD).encode())) == shop.facts(HEADER + GOOD)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_can_be_read(tmp_path: Path) -> None:
    """A file that cannot be rewound or measured is read once, without progress."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=(HEADER + GOOD,))
    writer.start()
    [batch, closing] = read(path, COLUMNS, rules())
    writer.join()
    assert (batch.progress, len(closing.facts)) == (0.0, 1)


# ---------------------------------------------------------------- what is set apart

REJECTED = {
    "broken_line": "A1,17,2026-03-02 10:15,mug,2\n",
    "no_order": " ,17,2026-03-02 10:15,mug,2,4.50\n",
    "no_customer": "A1,,2026-03-02 10:15,mug,2,4.50\n",
    "no_product": "A1,17,2026-03-02 10:15,NULL,2,4.50\n",
    "unreadable_text": "A1,17,2026-03-02 10:15,m\udce9g,2,4.50\n",
    "unreadable_date": "A1,17,2026-02-30 10:15,mug,2,4.50\n",
    "unreadable_number": "A1,17,2026-03-02 10:15,mug,2,1e3\n",
    "clock_change": "A1,17,2026-03-29 01:30,mug,2,4.50\n",
    "not_a_product": "A1,17,2026-03-02 10:15,POST,2,4.50\n",
    "zero_quantity": "A1,17,2026-03-02 10:15,mug,0,4.50\n",
    "stock_write_off": "A1,17,2026-03-02 10:15,mug,-2,0.0\n",
    "negative_quantity": "A1,17,2026-03-02 10:15,mug,-2,4.50\n",
    "negative_price": "A1,17,2026-03-02 10:15,mug,2,-4.50\n",
    "nothing_paid": "A9,17,2026-03-02 10:15,mug,2,0\n",
    "order_of_two_customers": "A0,18,2026-03-02 10:15,mug,2,4.50\n",
    "order_came_back": "A0,17,2026-03-02 10:15,mug,2,4.50\n",
}


def test_every_reason_has_its_example() -> None:
    """The closed set of reasons is the set that is tested here."""
    assert set(REJECTED) == set(REASONS)


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_reason(shop: Shop, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad line costs itself only: its reject has one reason, its place and its cells, and its neighbours are kept."""
    monkeypatch.setattr(importer, "_OPEN_ORDERS", 1 if reason == "order_came_back" else 1000)
    good = "".join(f"A{i},17,2026-03-02 10:15,mug,2,4.50\n" for i in (0, 1))
    content = (HEADER + good + REJECTED[reason] + GOOD).encode("utf-8", "surrogateescape")
    batches = shop.batches(content, not_products=["DCGS*", "POST"])
    [reject] = [reject for batch in batches for reject in batch.rejects]
    assert (reject.reason, reject.line, reject.also) == (reason, 4, "")
    assert str(reject).startswith(f"{shop.path}: line 4")
    assert str(reject).endswith(f"; {REASONS[reason]}")
    assert "\n" not in str(reject)
    assert (reject.column == "") == (reason == "broken_line")
    ",".join(reject.row).encode()
    summary = batches[-1].summary
    assert (summary.lines, summary.kept, summary.rejected, summary.orders) == (4, 3, {reason: 1}, 2)


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_strict(shop: Shop, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `strict` the first line that would be set apart stops the reading, and says the same."""
    monkeypatch.setattr(importer, "_OPEN_ORDERS", 1 if reason == "order_came_back" else 1000)
    content = f"{HEADER}A0,17,2026-03-02 10:15,mug,2,4.50\n{GOOD}{REJECTED[reason]}".encode("utf-8", "surrogateescape")
    assert REASONS[reason] in shop.error(content, strict=True, not_products=["POST"])


def test_a_line_without_customer_says_what_else_is_wrong(shop: Shop) -> None:
    """`no_customer` comes first, so its count is that of the lines without customer; the rest is counted beside it."""
    content = HEADER + "A1,,2026-03-02 10:15,mug,-2,0\nA2,nan,2026-03-02 10:15,mug,2,1\nA3,,soon,mug,2,1\n"
    batches = shop.batches(content)
    assert [reject.also for batch in batches for reject in batch.rejects] == ["stock_write_off", "", "unreadable_date"]
    assert batches[-1].summary.rejected == {"no_customer": 3}
    assert batches[-1].summary.also == {"stock_write_off": 1, "unreadable_date": 1}


@pytest.mark.parametrize(
    "number", ["", "1,000.00", "£2", "NaN", "Infinity", "1_0", "٣", "1e400", "9" * 5000, "4,5", "."]
)
def test_odd_numbers_are_not_guessed(shop: Shop, number: str) -> None:
    """Only digits with a decimal point are a number."""
    [reject] = shop.rejects(f'{HEADER}A1,17,2026-03-02 10:15,mug,1,"{number}"\n')
    assert (reject.reason, reject.column, reject.row[5]) == ("unreadable_number", "price", number)
    assert len(reject.detail) < 100


def test_a_comma_where_the_rules_want_it(shop: Shop) -> None:
    """With a decimal comma a point is no decimal point, and may not be one of thousands either."""
    [reject] = shop.rejects(HEADER + GOOD, decimal=",")
    assert reject.reason == "unreadable_number"


def test_half_a_piece_is_no_quantity(shop: Shop) -> None:
    """Quantities are whole; 2.0 is whole."""
    halves, whole = GOOD.replace(",2,", ",2.5,"), GOOD.replace(",2,", ",2.0,")
    assert [reject.reason for reject in shop.rejects(HEADER + halves)] == ["unreadable_number"]
    assert shop.facts(HEADER + whole) == shop.facts(HEADER + GOOD)


@pytest.mark.parametrize("date", ["", "10:30", "0001-01-01 00:00", "9999-12-31T23:59-12:00", "Dec 2010", "12345"])
def test_what_is_no_date(shop: Shop, date: str) -> None:
    """Half a date and a time outside the calendar are set apart, not completed."""
    [reject] = shop.rejects(f"{HEADER}A1,17,{date},mug,1,1\n", timezone="Asia/Tokyo")
    assert (reject.reason, reject.column) == ("unreadable_date", "date")


@pytest.mark.parametrize("text, word", [("2026-03-29 01:30", "does not exist"), ("2026-10-25 01:30", "is twice")])
def test_clock_changes_are_told_apart(shop: Shop, text: str, word: str) -> None:
    """A time that a clock change skips or repeats is set apart, and says which."""
    [reject] = shop.rejects(f"{HEADER}A1,17,{text},mug,1,1\n")
    assert reject.reason == "clock_change"
    assert word in reject.detail


def test_codes_are_matched_whole(shop: Shop) -> None:
    """A code without a wildcard excludes itself alone, and capitals count."""
    content = HEADER + "".join(f"A{c},1,2026-03-02,{c},1,1\n" for c in ("M", "m", "MUG", "gift_10", "Xgift_1"))
    batches = shop.batches(content, not_products=("M", "gift_*"))
    assert [reject.row[3] for batch in batches for reject in batch.rejects] == ["M", "gift_10"]


def test_line_breaks_within_quotes(shop: Shop) -> None:
    """Quoted cells may hold anything; a line is named by where it begins."""
    quoted = 'A1,17,2026-03-02,"a\r\n""mug"",\n",2,4.50\n'
    bad = "A2,,2026-03-02,mug,2,4.50\n"
    [reject] = shop.rejects(HEADER + quoted + "\n" + bad)
    assert reject.line == 6
    [order] = shop.facts(HEADER + quoted)
    assert order.lines[0].product_id == 'a\r\n"mug",'


@pytest.mark.parametrize("lines_after", [1, 5000])
def test_an_open_quote_costs_one_line(shop: Shop, lines_after: int) -> None:
    """A quote that is never closed swallows no line but its own, at the end of the file or far from it."""
    broken = 'A0,17,2026-03-02 10:15,"mug,2,4.50\n'
    batches = shop.batches(HEADER + GOOD + broken + GOOD * lines_after)
    [reject] = [reject for batch in batches for reject in batch.rejects]
    assert (reject.reason, reject.line, reject.row) == ("broken_line", 3, (broken.strip(),))
    assert batches[-1].summary.kept == 1 + lines_after


def test_text_after_a_closing_quote_costs_one_line(shop: Shop) -> None:
    """Quotes that were not doubled are not guessed at."""
    broken = 'A0,17,2026-03-02 10:15,"5" pipe",2,4.50\n'
    [reject] = shop.rejects(HEADER + GOOD + broken + GOOD)
    assert (reject.reason, reject.line) == ("broken_line", 3)


def test_unused_columns_may_hold_any_bytes(shop: Shop) -> None:
    """Damage in a cell that nobody reads costs nothing; where the line is set apart anyway its bytes are spelled out."""
    head = HEADER.replace("\n", ",note\n").encode()
    assert len(shop.facts(head + GOOD.encode().replace(b"\n", b",\xe9\n"))) == 1
    [reject] = shop.rejects(head + b"A1,,2026-03-02,mug,1,1,\xe9\n")
    assert reject.row[-1] == r"\udce9"


# ---------------------------------------------------------------- what stops the reading


def test_a_column_that_is_not_there(shop: Shop) -> None:
    """The error names file, line and column, guesses, and lists what there is."""
    message = shop.error(HEADER + GOOD, _columns(customer="Client"))
    assert message == (
        "orders.csv: line 1, column Client: not in the header; did you mean 'client'? For customer choose one of "
        "'invoice', 'client', 'date', 'code', 'pieces', 'price'"
    )
    assert "did you mean" not in shop.error(HEADER + GOOD, _columns(customer="Kunde"))
    assert "is the delimiter ';'?" in shop.error(HEADER.replace(",", ";"))
    assert "it 2 times; rename one" in shop.error(HEADER.replace("code", "client") + GOOD)


@pytest.mark.parametrize("content", ["", "\n\n", " , ,\n"])
def test_no_header(shop: Shop, content: str) -> None:
    """A file without a first line of names is refused."""
    assert shop.error(content) == "orders.csv: line 1: no header; the first line must name the columns"


def test_no_file(tmp_path: Path) -> None:
    """What is not there, is a folder or is no path at all cannot be opened."""
    for path in (tmp_path / "none.csv", tmp_path, "a\0b"):
        with pytest.raises(InvalidInput, match=r"cannot be opened .*; check the path"):
            next(read(path, COLUMNS, rules()))


def test_times_without_a_zone(shop: Shop) -> None:
    """A wall time in no zone is no instant: only the caller can settle that. With offsets no zone is needed."""
    message = shop.error(HEADER + GOOD, timezone=None)
    assert message.startswith("orders.csv: line 2, column date: '2026-03-02 10:15' has no offset; say the timezone")
    assert shop.facts(HEADER + GOOD.replace(":15", ":15Z"), timezone=None) == shop.facts(HEADER + GOOD)


@pytest.mark.parametrize("date", ["12/1/2010 8:26", "1-12-2010"])
def test_day_or_month_first(shop: Shop, date: str) -> None:
    """A date that may be two is not guessed, and no later line is either."""
    message = shop.error(f"{HEADER}A1,17,{date},mug,1,1\n")
    assert message.startswith(f"orders.csv: line 2, column date: {date!r} may put the day or the month first; say")


def test_mixed_currencies(shop: Shop) -> None:
    """Amounts of another currency are never added; an empty cell is the file's currency."""
    columns, head = _columns(currency="money"), HEADER.replace("\n", ",money\n")
    good = GOOD.replace("\n", ",\n")
    message = shop.error(head + good + GOOD.replace("\n", ",USD\n"), columns)
    assert message.startswith("orders.csv: line 3, column money: 'USD' among amounts in EUR; import")


def test_a_file_that_is_cut_off(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a gzip file gives whole orders and then an error; the whole file afterwards gives the same facts and more."""
    monkeypatch.setattr(importer, "_LINES_A_BATCH", 100)
    lines = [f"A{i // 2},{i // 2 % 97},2026-03-02 10:15,mug{i * 7919 % 1000},2,{i}.50\n" for i in range(12_000)]
    packed = gzip.compress((HEADER + "".join(lines)).encode())
    shop.path.write_bytes(packed[: len(packed) * 3 // 4])
    batches = read(shop.path, COLUMNS, rules())
    before = []
    with pytest.raises(InvalidInput, match=r"line \d+: the file is cut off or damaged here .* import it again"):
        before.extend(fact for batch in batches for fact in batch.facts)
    after = shop.facts(packed)
    assert 1_000 < len(before) < len(after) == 6_000
    assert after[: len(before)] == before


def test_bytes_that_are_another_encoding(shop: Shop) -> None:
    """Where the encoding cannot be followed at all, the error asks for it."""
    assert "say which encoding" in shop.error((HEADER + GOOD).encode("utf-16")[:-1], encoding="utf-16")


@pytest.mark.parametrize(
    "options, message",
    [
        ({"timezone": "Europe/Lodnon"}, "timezone: 'Europe/Lodnon' is unknown: did you mean 'Europe/London'?"),
        ({"timezone": 3}, "timezone: 3 is unknown"),
        ({"currency": "euro"}, "currency: 'euro' is no ISO 4217 currency"),
        ({"not_products": "POST"}, "not_products: 'POST' is no list"),
        ({"not_products": 3}, "not_products: 3 is no list"),
        ({"delimiter": ";;"}, "delimiter: ';;' cannot part cells"),
        ({"delimiter": '"'}, "delimiter: '\"' cannot part cells"),
        ({"encoding": "base64"}, "encoding: 'base64' is no encoding"),
        ({"encoding": "latin-17"}, "encoding: 'latin-17' is no encoding"),
        ({"decimal": "·"}, "decimal: '·' is unknown"),
        ({"on_clock_change": "guess"}, "on_clock_change: 'guess' is unknown"),
    ],
)
def test_rules_are_checked(options: dict[str, object], message: str) -> None:
    """A rule that cannot be followed is refused before any file is opened."""
    with pytest.raises(InvalidInput) as caught:
        rules(**options)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"amount": "total"}, "price, amount: map one of them"),
        ({"price": None}, "price, amount: map one of them"),
        ({"product": None, "size": "size"}, "product: map the column of product codes too"),
        ({"order": " "}, "order: the id is empty"),
    ],
)
def test_columns_are_checked(options: dict[str, str | None], message: str) -> None:
    """Columns that contradict each other are refused before any file is opened."""
    with pytest.raises(InvalidInput) as caught:
        _columns(**options)
    assert str(caught.value).startswith(message)


# ---------------------------------------------------------------- laws

CELLS = st.one_of(
    st.sampled_from(
        ["A1", "A2", "R1", "17", "2026-03-02 10:15", "2026-03-29 01:30", "mug", "1", "-2", "0", "4.50", ""]
    ),
    st.text(st.characters(codec="utf-8")),
)
ROWS = st.tuples(
    st.sampled_from(["A1", "A2", "R1"]) | CELLS,
    st.sampled_from(["17", "18"]) | CELLS,
    st.sampled_from(["2026-03-02 10:15", "2026-03-29 01:30"]) | CELLS,
    CELLS,
    st.sampled_from(["1", "-2", "0"]) | CELLS,
    st.sampled_from(["4.50", "0", "-1"]) | CELLS,
)


def accounted(batches: list[Batch]) -> None:
    summary = batches[-1].summary
    rejects = [reject for batch in batches for reject in batch.rejects]
    facts = [fact for batch in batches for fact in batch.facts]
    assert summary.lines == summary.kept + len(rejects)
    assert summary.rejected == {r: sum(x.reason == r for x in rejects) for r in summary.rejected}
    assert set(summary.rejected) <= set(REASONS)
    assert summary.kept == sum(len(fact.lines) for fact in facts)
    assert len({fact.id for fact in facts}) == len(facts) == summary.orders + summary.returns
    for reject in rejects:
        assert len(str(reject).splitlines()) == 1
        assert len(str(reject)) < 500


@given(rows=st.lists(ROWS, max_size=5))
def test_any_text_is_accounted_for(rows: list[tuple[str, ...]], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever the cells hold: one place for each line, and nothing raised."""
    path = tmp_path_factory.getbasetemp() / "any.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerows([HEADER.strip().split(","), *rows])
    batches = list(read(path, COLUMNS, rules(day_first=True)))
    accounted(batches)
    assert batches[-1].summary.lines == len(rows)


@given(noise=st.binary(max_size=60), quotes=st.lists(st.sampled_from(['"', ",", "\n", "\r", "a"]), max_size=30))
def test_any_bytes_are_accounted_for(noise: bytes, quotes: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Damage costs the lines it is in: those before it and after it are kept."""
    path = tmp_path_factory.getbasetemp() / "bytes.csv"
    path.write_bytes((HEADER + GOOD).encode() + noise + "".join(quotes).encode() + b'"\n' + GOOD.encode())
    batches = list(read(path, COLUMNS, rules()))
    accounted(batches)
    assert batches[-1].summary.kept == 2


def test_reading_twice_gives_the_same(shop: Shop) -> None:
    """The same file gives equal facts with equal ids, however the batches fall, so a second import adds nothing."""
    content = HEADER + "".join(f"A{i},{i % 7},2026-03-02 10:15,mug,{i % 5 - 1},{i % 3}.50\n" for i in range(3_000)) * 2
    first, again = shop.batches(content), shop.batches(content)
    assert first == again
    accounted(first)


def test_batches_do_not_decide(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many lines a batch takes changes neither facts nor rejects."""
    content = HEADER + "".join(f"A{i % 1500},{i % 7},2026-03-02 10:15,mug,{i % 5},1\n" for i in range(4_000))
    facts, rejects = shop.facts(content), shop.rejects(content)
    monkeypatch.setattr(importer, "_LINES_A_BATCH", 7)
    assert shop.facts(content) == facts
    assert shop.rejects(content) == rejects
    assert {reject.reason for reject in rejects} == {"zero_quantity", "order_of_two_customers", "order_came_back"}


def test_progress_runs_to_the_end(shop: Shop) -> None:
    """Each batch is farther than the last, and the summary grows with it."""
    batches = shop.batches(HEADER + GOOD * 25_000)
    assert [batch.summary.lines for batch in batches] == [10_000, 20_000, 25_000, 25_000]
    assert 0 < batches[0].progress < batches[1].progress < batches[-1].progress == 1
    assert batches[0].header == tuple(HEADER.strip().split(","))


# ---------------------------------------------------------------- a real shop

UCI = Columns(
    customer="CustomerID", order="InvoiceNo", at="InvoiceDate", product="StockCode", quantity="Quantity", price="UnitPrice"
)  # fmt: skip
NOT_PRODUCTS = ["POST", "DOT", "M", "m", "D", "C2", "S", "BANK CHARGES", "AMAZONFEE", "CRUK", "B", "PADS"]


@pytest.fixture
def known(shared_data: Path) -> dict[str, Any]:
    """What was measured on the file by other means."""
    return json.loads((shared_data / "online_retail_uci.facts.json").read_text())


@pytest.mark.shared_data
def test_online_retail(shared_data: Path, known: dict[str, Any]) -> None:
    """The known counts of the file, and every one of its lines in one place."""
    batches = list(read(shared_data / "online_retail_uci.csv.gz", UCI, rules(currency="GBP", returns_prefix="C")))
    accounted(batches)
    summary = batches[-1].summary
    assert summary.lines == known["rows"] == 541_909
    assert summary.rejected == {"no_customer": 135_080, "nothing_paid": 7}
    assert summary.also == {"stock_write_off": known["neg_qty_not_C"], "negative_price": known["neg_price_rows"]}
    assert (summary.orders, summary.customers) == (18_532, 4_338)
    assert summary.returns == known["known_C_invoices"]
    facts = [fact for batch in batches for fact in batch.facts]
    sold = sum(fact.total for fact in facts if isinstance(fact, OrderPlaced))
    assert float(sold) == pytest.approx(known["gross_sales_known"], abs=0.01)
    returned = sum(fact.refund for fact in facts if isinstance(fact, ReturnChanged))
    assert float(returned) == pytest.approx(-known["cancel_value_known"], abs=0.01)
    assert statistics.median(gaps(facts)) == known["gap_day_median"] == 28
    assert len(gaps(facts)) == known["n_gaps_day"]


def gaps(facts) -> list[int]:
    days = defaultdict(set)
    for fact in facts:
        if isinstance(fact, OrderPlaced):
            days[fact.customer_id].add(fact.at.astimezone(ZoneInfo("Europe/London")).date())
    return [(b - a).days for own in map(sorted, days.values()) for a, b in pairwise(own)]


@pytest.mark.shared_data
def test_online_retail_returns_of_goods(shop: Shop, shared_data: Path, known: dict[str, Any]) -> None:
    """Without the codes of postage, fees, vouchers and manual entries the known returns of goods are left."""
    with gzip.open(shared_data / "online_retail_uci.csv.gz", "rt") as file:
        returned = next(file) + "".join(line for line in file if line.startswith("C"))
    options = {"returns_prefix": "C", "not_products": [*NOT_PRODUCTS, "DCGS*", "gift_*"]}
    batches = shop.batches(returned, UCI, **options)
    accounted(batches)
    assert batches[-1].summary.returns == known["product_return_invoices_known"]
    assert batches[-1].summary.kept == known["product_return_rows_known"]
    customers = {fact.customer_id for batch in batches for fact in batch.facts}
    assert len(customers) == known["customers_with_product_return"]
